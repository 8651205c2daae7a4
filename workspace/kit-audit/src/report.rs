//! An audit as people and machines read it: the same bytes for the same audit.
//!
//! | module | what |
//! |---|---|
//! | [`text`] | for a terminal, the worst first |
//! | [`json`] | all of it |
//! | [`sarif`] | SARIF 2.1.0, for what shows findings beside the code |
//! | [`junit`] | JUnit's XML, for what shows tests |
//! | [`page`] | what the page in HTML shows |
//! | `shown` | foreign text on one line, and amounts |

pub mod json;
pub mod junit;
pub mod page;
pub mod sarif;
pub(crate) mod shown;
pub mod text;

use std::collections::BTreeMap;

use kit_hash::PinId;
use kit_plan::error::Place;

use crate::finding::{Area, Kind, Severity};
use crate::inventory::{ComponentId, Inventory};
use crate::policy::{Day, Judged, Judgement, Level, Outcome};

/// An audit.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// What was audited: an image's name, a file, or a reference.
    pub image: &'a str,
    /// Its lockfile or recipe below the project: where findings without a line of their own are shown.
    pub path: Option<&'a str>,
    /// The digest of what its lockfile pins.
    pub pin: Option<PinId>,
    /// The version of kit.
    pub version: &'a str,
    /// The day on which it was judged.
    pub today: Day,
    /// How far it went.
    pub depth: &'a Depth,
    /// All kinds of findings that were looked for.
    pub kinds: &'a [&'static Kind],
    /// What the image is made of.
    pub inventory: Option<&'a Inventory>,
    /// The SPDX expressions of components.
    pub licences: &'a BTreeMap<ComponentId, String>,
    /// The findings, and what becomes of them.
    pub judgement: &'a Judgement,
    /// Tables for people: privileges, countermeasures.
    pub tables: &'a [Table],
}

/// How far an audit went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Depth {
    /// Every file of the image was read.
    Files,
    /// Every file of the image was read, and not all are what its lockfile gives.
    Altered,
    /// The image was planned, but its files weren't looked at.
    Plan,
    /// There was a lockfile alone.
    Lock,
    /// What the image says of itself was read. Why not more, in a sentence.
    Foreign(String),
}

/// Returns `512 B`, `11.2 MB`.
pub(crate) fn amount(bytes: u64) -> String {
    shown::bytes(bytes)
}

impl Depth {
    /// Returns the word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Files | Self::Altered => "files",
            Self::Plan => "plan",
            Self::Lock => "lock",
            Self::Foreign(_) => "foreign",
        }
    }

    /// Returns how far that is, for people.
    pub fn how_far(&self) -> &'static str {
        match self {
            Self::Files | Self::Altered => "to its files",
            Self::Plan => "to its plan",
            Self::Lock => "to its lock",
            Self::Foreign(_) => "as far as it goes",
        }
    }

    /// Returns what it means, in a sentence without a period.
    pub fn sentence(&self) -> String {
        match self {
            Self::Files => "every file of the image was read, and each belongs to a component".to_owned(),
            Self::Altered => {
                "every file of the image was read, and not all of them are what its lockfile gives".to_owned()
            }
            Self::Plan => {
                "recipes and lockfile were read; the image's files weren't looked at, so nothing is said of them".to_owned()
            }
            Self::Lock => "the lockfile alone was read: what it pins is known, but not what of it is in the image".to_owned(),
            Self::Foreign(why) => format!("every file of the image was read, and what it is made of is as it says itself: {why}"),
        }
    }
}

/// A table for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What names it in outputs and links: `privileges`, `countermeasures`.
    pub id: &'static str,
    /// What people call it.
    pub title: String,
    /// What it says, in a sentence or two; can be empty.
    pub note: String,
    /// What the columns are.
    pub columns: Vec<String>,
    /// The cells, row by row.
    pub rows: Vec<Vec<String>>,
}

/// How many findings there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// By what becomes of them.
    pub levels: BTreeMap<Level, usize>,
    /// Those that an exception lets through.
    pub excepted: usize,
    /// Those that aren't allowed, by severity.
    pub severities: BTreeMap<Severity, usize>,
    /// Those that aren't allowed, by area.
    pub areas: BTreeMap<Area, usize>,
}

impl Counts {
    /// Returns how many have a level.
    pub fn of(&self, level: Level) -> usize {
        self.levels.get(&level).copied().unwrap_or_default()
    }
}

impl<'a> Report<'a> {
    /// Whether the audit passes.
    pub fn outcome(&self) -> Outcome {
        self.judgement.outcome()
    }

    /// Counts the findings.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for judged in &self.judgement.judged {
            *counts.levels.entry(judged.level).or_default() += 1;
            counts.excepted += usize::from(judged.exception.is_some());
            if judged.level > Level::Allow {
                *counts.severities.entry(judged.finding.severity).or_default() += 1;
                *counts.areas.entry(judged.finding.kind.area).or_default() += 1;
            }
        }
        counts
    }

    /// Returns the findings of an area, the worst first.
    pub fn of_area(&self, area: Area) -> impl Iterator<Item = &'a Judged> + use<'a> {
        self.judgement.judged.iter().filter(move |judged| judged.finding.kind.area == area)
    }

    /// Returns the outcome in one line: `failed: 2 denied, 5 warnings, 3 allowed, 1 of them by an exception`.
    pub fn summary(&self) -> String {
        let counts = self.counts();
        let mut parts = Vec::new();
        let warnings = shown::count(counts.of(Level::Warn), "warning");
        let [denied, warned, allowed] =
            [Level::Deny, Level::Warn, Level::Allow].map(|level| counts.of(level));
        parts.extend((denied > 0).then(|| format!("{denied} denied")));
        parts.extend((warned > 0).then_some(warnings));
        parts.extend((allowed > 0).then(|| format!("{allowed} allowed")));
        if counts.excepted > 0 {
            parts.push(format!("{} of them by {}", counts.excepted, self.used_exceptions()));
        }
        if parts.is_empty() {
            parts.push("nothing found".to_owned());
        }
        format!("{}: {}", self.outcome().word(), parts.join(", "))
    }

    fn used_exceptions(&self) -> String {
        let is_used = |listed: &&crate::policy::Listed| matches!(listed.state, crate::policy::State::Used(_));
        match self.judgement.exceptions.iter().filter(is_used).count() {
            1 => "an exception".to_owned(),
            more => format!("{more} exceptions"),
        }
    }

    /// Returns how many components there are under each licence; those without one are under none.
    pub fn by_licence(&self) -> BTreeMap<Option<&'a str>, Vec<&'a ComponentId>> {
        let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let Some(inventory) = self.inventory else { return found };
        for (id, component) in &inventory.components {
            let licence = self.licences.get(id).map(String::as_str);
            if component.role != crate::inventory::Role::Tool && (licence.is_some() || needs_licence(id)) {
                found.entry(licence).or_default().push(id);
            }
        }
        found
    }
}

/// Whether a component without a licence is a gap: what a recipe adds by itself is the project's own.
fn needs_licence(id: &ComponentId) -> bool {
    !matches!(id, ComponentId::Recipe(_))
}

/// Line and column, from 1, of a byte of a text; columns count characters.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Returns `recipes/images/router.toml:7`.
fn line_of(place: &Place) -> String {
    format!("{}:{}", place.recipe.path(), position(&place.text, place.span.start).0)
}

#[cfg(test)]
pub(crate) mod tests;
