//! What the page of an audit shows: everything but the drawing of it, ready to be put into a template.
//!
//! Names and contents are foreign: each text here is on one line and without control characters, but with `<` and `&`, which a template has
//! to escape. [`Page::data`] alone goes into a page as it is.
//!
//! | module | what |
//! |---|---|
//! | `data` | components and files for the search, as JSON |
//! | `findings` | findings by level and kind |
//! | [`treemap`] | the bytes of the image as rectangles |
//! | [`graph`] | what is made of what, as boxes and lines |

mod data;
mod findings;
pub mod graph;
pub mod treemap;

pub use self::findings::{Group, Row};
use self::graph::Graph;
use self::treemap::Treemap;
use super::{Report, Table, shown};
use crate::finding::{Area, Severity};
use crate::graph::Scope;
use crate::inventory::{ComponentId, Inventory, Role};
use crate::policy::{Level, Outcome, State};

/// How many components a licence's row names.
const NAMED: usize = 40;

/// What the page of an audit shows.
#[derive(Debug, Clone)]
pub struct Page {
    /// The image.
    pub image: String,
    /// The version of kit.
    pub version: String,
    /// Whether the audit passes.
    pub is_passed: bool,
    /// The same in a word.
    pub verdict: &'static str,
    /// The outcome in a line.
    pub summary: String,
    /// How far the audit went: a word.
    pub depth: &'static str,
    /// How far the audit went: a sentence.
    pub depth_sentence: String,
    /// Name and value of what was audited.
    pub facts: Vec<(&'static str, String)>,
    /// Numbers and what they count, for the top of the page.
    pub tiles: Vec<Tile>,
    /// The findings by level and kind, the worst first.
    pub groups: Vec<Group>,
    /// How many findings are left out because there are too many of them.
    pub more: usize,
    /// The areas that there are findings of, in order.
    pub areas: Vec<&'static str>,
    /// The severities that there are findings of, the worst first.
    pub severities: Vec<&'static str>,
    /// Where the bytes are; none where no file is known.
    pub treemap: Option<Treemap>,
    /// What is made of what; none where no component is known.
    pub graph: Option<Graph>,
    /// Privileges, countermeasures.
    pub tables: Vec<Sheet>,
    /// The licences, those of most components first.
    pub licences: Vec<LicenceRow>,
    /// The exceptions of the policy.
    pub exceptions: Vec<ExceptionRow>,
    /// What couldn't be judged.
    pub left_out: Vec<Vec<Piece>>,
    /// How many components the search knows.
    pub components: usize,
    /// How many files it knows.
    pub files: usize,
    /// What is searched, as JSON without `<`, `>` and `&`: it can stand in a script element as it is.
    pub data: String,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Whether it stood between backticks.
    pub is_code: bool,
    /// The text.
    pub text: String,
}

/// A number and what it counts.
#[derive(Debug, Clone)]
pub struct Tile {
    /// The number, or an amount.
    pub number: String,
    /// What it counts.
    pub label: &'static str,
    /// `deny`, `warn`, or nothing special.
    pub class: &'static str,
}

/// A table for people.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// What links name it.
    pub id: &'static str,
    /// What people call it.
    pub title: String,
    /// What it says; can be empty.
    pub note: Vec<Piece>,
    /// What the columns are.
    pub columns: Vec<String>,
    /// The cells, row by row, each with the name of its column.
    pub rows: Vec<Vec<(String, String)>>,
}

/// The components under a licence.
#[derive(Debug, Clone)]
pub struct LicenceRow {
    /// The SPDX expression; none where nobody knows it.
    pub licence: Option<String>,
    /// How many components.
    pub count: usize,
    /// Their bytes in the image.
    pub bytes: String,
    /// The names of the first ones.
    pub names: String,
}

/// An exception of the policy.
#[derive(Debug, Clone)]
pub struct ExceptionRow {
    /// What it is about.
    pub finding: String,
    /// Why.
    pub reason: String,
    /// Its last day.
    pub until: String,
    /// What became of it.
    pub state: String,
    /// Whether it counts.
    pub is_good: bool,
}

impl Page {
    /// Prepares the page of an audit.
    pub fn new(report: &Report<'_>) -> Self {
        let (groups, more) = findings::groups(report);
        let judged = &report.judgement.judged;
        let has_area = |area: &Area| judged.iter().any(|one| one.finding.kind.area == *area);
        let has_severity = |severity: &Severity| judged.iter().any(|one| one.finding.severity == *severity);
        let inventory = report.inventory;
        Self {
            image: shown::line(report.image),
            version: shown::line(report.version),
            is_passed: report.outcome() == Outcome::Passed,
            verdict: report.outcome().word(),
            summary: summary(report),
            depth: report.depth.word(),
            depth_sentence: shown::line(&report.depth.sentence()),
            facts: facts(report),
            tiles: tiles(report),
            groups,
            more,
            areas: Area::ALL.iter().filter(|area| has_area(area)).map(|area| area.word()).collect(),
            severities: Severity::ALL
                .iter()
                .rev()
                .filter(|one| has_severity(one))
                .map(|one| one.word())
                .collect(),
            treemap: inventory.and_then(Treemap::new),
            graph: inventory.and_then(graph),
            tables: report.tables.iter().map(sheet).collect(),
            licences: licences(report),
            exceptions: exceptions(report),
            left_out: report.judgement.left_out.iter().map(|text| pieces(text)).collect(),
            components: inventory.map_or(0, |inventory| inventory.components.len()),
            files: inventory.map_or(0, |inventory| inventory.files.len()),
            data: data::json(report),
        }
    }
}

fn facts(report: &Report<'_>) -> Vec<(&'static str, String)> {
    let mut facts = vec![("image", shown::line(report.image))];
    facts.extend(report.path.map(|path| ("from", shown::line(path))));
    facts.extend(report.pin.map(|pin| ("what it pins", pin.to_string())));
    facts.extend(report.inventory.map(|inventory| ("architecture", shown::line(&inventory.architecture))));
    facts.push(("judged on", report.today.to_string()));
    facts.push((
        "audited to its",
        format!("{}: {}", report.depth.word(), shown::line(&report.depth.sentence())),
    ));
    facts
}

fn tiles(report: &Report<'_>) -> Vec<Tile> {
    let counts = report.counts();
    let tile = |number: String, label, class| Tile { number, label, class };
    let class_of = |level: Level, class| if counts.of(level) > 0 { class } else { "none" };
    let mut tiles = vec![
        tile(grouped(counts.of(Level::Deny)), "denied", class_of(Level::Deny, "deny")),
        tile(grouped(counts.of(Level::Warn)), "warnings", class_of(Level::Warn, "warn")),
        tile(grouped(counts.of(Level::Allow)), "allowed", "none"),
    ];
    if let Some(inventory) = report.inventory {
        let in_image = inventory.components.values().filter(|one| one.role != Role::Tool).count();
        tiles.push(tile(grouped(in_image), "components", "none"));
        if !inventory.files.is_empty() {
            tiles.push(tile(grouped(inventory.files.len()), "paths", "none"));
            tiles.push(tile(shown::bytes(inventory.bytes()), "of files", "none"));
        }
    }
    tiles
}

fn sheet(table: &Table) -> Sheet {
    let columns: Vec<_> = table.columns.iter().map(|column| shown::line(column)).collect();
    let row = |cells: &Vec<String>| {
        let named = cells.iter().zip(columns.iter().map(String::as_str).chain(std::iter::repeat("")));
        named.map(|(cell, column)| (column.to_owned(), shown::line(cell))).collect()
    };
    Sheet {
        id: table.id,
        title: shown::line(&table.title),
        note: pieces(&table.note),
        rows: table.rows.iter().map(row).collect(),
        columns,
    }
}

fn licences(report: &Report<'_>) -> Vec<LicenceRow> {
    let Some(inventory) = report.inventory else { return Vec::new() };
    let row = |(licence, ids): (Option<&str>, Vec<&ComponentId>)| {
        let bytes = ids.iter().filter_map(|id| inventory.components.get(id)).map(|one| one.bytes).sum();
        let mut names: Vec<_> = ids.iter().take(NAMED).map(|id| shown::line(&id.to_string())).collect();
        if ids.len() > NAMED {
            names.push(format!("and {} more", ids.len() - NAMED));
        }
        LicenceRow {
            licence: licence.map(shown::line),
            count: ids.len(),
            bytes: shown::bytes(bytes),
            names: names.join(", "),
        }
    };
    let mut rows: Vec<_> = report.by_licence().into_iter().map(row).collect();
    rows.sort_by(|a, b| (b.count, &a.licence).cmp(&(a.count, &b.licence)));
    rows
}

fn exceptions(report: &Report<'_>) -> Vec<ExceptionRow> {
    let row = |listed: &crate::policy::Listed| ExceptionRow {
        finding: shown::line(&listed.finding),
        reason: shown::line(&listed.reason),
        until: listed.until.to_string(),
        state: match listed.state {
            State::Used(findings) => format!("lets {} through", shown::count(findings, "finding")),
            other => other.word().to_owned(),
        },
        is_good: matches!(listed.state, State::Used(_) | State::NotLookedAt),
    };
    report.judgement.exceptions.iter().map(row).collect()
}

/// Splits a text at its backticks; one without a partner stays.
fn pieces(text: &str) -> Vec<Piece> {
    let text = shown::line(text);
    let parts: Vec<_> = text.split('`').collect();
    if parts.len() % 2 == 0 {
        return vec![Piece { is_code: false, text }];
    }
    let pieces =
        parts.iter().enumerate().map(|(at, part)| Piece { is_code: at % 2 == 1, text: (*part).to_owned() });
    pieces.filter(|piece| !piece.text.is_empty()).collect()
}

/// Returns the outcome without its first word, which stands beside it.
fn summary(report: &Report<'_>) -> String {
    let summary = report.summary();
    summary.split_once(": ").map_or(summary.clone(), |(_, rest)| rest.to_owned())
}

/// Writes a number with commas between its thousands.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What kind of component it is, for classes and legends.
/// Draws what an image is made of, where that is more than itself.
fn graph(inventory: &Inventory) -> Option<Graph> {
    Graph::new(inventory, Scope::Shipped).filter(|graph| graph.wide.boxes.len() > 1)
}

fn class_of(id: &ComponentId) -> (&'static str, &'static str) {
    match id {
        ComponentId::Debian(_) => ("deb", "Debian package"),
        ComponentId::DebianSource(_) => ("deb-source", "Debian source"),
        ComponentId::Crate { .. } => ("crate", "crate"),
        ComponentId::File { .. } => ("file", "file or commit"),
        ComponentId::Image(_) => ("image", "image of others"),
        ComponentId::Recipe(_) => ("recipe", "recipe"),
        ComponentId::Apk { .. } => ("deb", "Alpine package"),
        ComponentId::Foreign(_) => ("recipe", "image, of no package"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_are_code() {
        let shown =
            |text| -> Vec<_> { pieces(text).into_iter().map(|piece| (piece.is_code, piece.text)).collect() };
        let piece = |is_code, text: &str| (is_code, text.to_owned());
        assert_eq!(
            shown("run `kit lock` now"),
            [piece(false, "run "), piece(true, "kit lock"), piece(false, " now")]
        );
        assert_eq!(shown("`a`"), [piece(true, "a")]);
        assert_eq!(shown("it`s"), [piece(false, "it`s")]);
        assert!(shown("").is_empty());
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 25_813, 1_000_000].map(grouped),
            ["0", "999", "1,000", "25,813", "1,000,000"]
        );
    }
}
