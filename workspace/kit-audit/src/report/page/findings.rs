//! Findings by level and kind: what is found often is explained once.

use super::{Piece, pieces};
use crate::finding::{Kind, Severity};
use crate::policy::{Judged, Level};
use crate::report::{Report, shown};

/// How many findings of a group are on the page.
const ROWS: usize = 400;
/// How many findings are on the page.
const ALL_ROWS: usize = 2500;
/// How many pieces of evidence a finding shows.
const EVIDENCE: usize = 6;
/// How many rows a group of warnings may have to be open at first.
const OPEN: usize = 5;

/// Findings of one level and kind.
#[derive(Debug, Clone)]
pub struct Group {
    /// `deny`, `warn`, `allow`.
    pub level: &'static str,
    /// The kind.
    pub id: &'static str,
    /// What is wrong.
    pub title: &'static str,
    /// What to do.
    pub help: Vec<Piece>,
    /// The area.
    pub area: &'static str,
    /// How bad the worst one is.
    pub severity: &'static str,
    /// How many there are.
    pub count: usize,
    /// How many of them aren't on the page.
    pub more: usize,
    /// Whether it is open at first.
    pub is_open: bool,
    /// The findings.
    pub rows: Vec<Row>,
}

/// One finding.
#[derive(Debug, Clone)]
pub struct Row {
    /// What tells it from the others.
    pub key: String,
    /// How bad it is.
    pub severity: &'static str,
    /// What is wrong.
    pub message: Vec<Piece>,
    /// What proves it.
    pub evidence: Vec<String>,
    /// What to do, where it isn't what is said of the kind.
    pub help: Option<Vec<Piece>>,
    /// The line of the policy that decided, and what it says.
    pub why: Option<Vec<Piece>>,
}

/// Returns the groups, the worst first, and how many findings they leave out.
pub(super) fn groups(report: &Report<'_>) -> (Vec<Group>, usize) {
    let mut groups: Vec<Group> = Vec::new();
    let mut shown = 0;
    for judged in &report.judgement.judged {
        let (level, kind) = (judged.level.word(), judged.finding.kind);
        let at = groups.iter().position(|group| group.level == level && group.id == kind.id);
        let at = at.unwrap_or_else(|| {
            groups.push(Group::new(level, kind, judged.finding.severity));
            groups.len() - 1
        });
        let group = &mut groups[at];
        group.count += 1;
        if group.rows.len() < ROWS && shown < ALL_ROWS {
            shown += 1;
            group.rows.push(row(judged));
        } else {
            group.more += 1;
        }
    }
    for group in &mut groups {
        group.is_open = group.level == Level::Deny.word() && group.count <= ROWS / 10
            || group.level == Level::Warn.word() && group.count <= OPEN;
    }
    let more = groups.iter().map(|group| group.more).sum();
    (groups, more)
}

impl Group {
    /// Starts a group; the findings come the worst first.
    fn new(level: &'static str, kind: &'static Kind, worst: Severity) -> Self {
        Self {
            level,
            id: kind.id,
            title: kind.title,
            help: pieces(kind.help),
            area: kind.area.word(),
            severity: worst.word(),
            count: 0,
            more: 0,
            is_open: false,
            rows: Vec::new(),
        }
    }
}

fn row(judged: &Judged) -> Row {
    let finding = &judged.finding;
    let mut evidence: Vec<_> = finding.evidence.iter().take(EVIDENCE).map(shown::evidence).collect();
    if finding.evidence.len() > EVIDENCE {
        evidence.push(format!("and {} more", finding.evidence.len() - EVIDENCE));
    }
    Row {
        key: shown::line(&finding.key),
        severity: finding.severity.word(),
        message: pieces(&finding.message),
        evidence,
        help: (finding.help != finding.kind.help).then(|| pieces(&finding.help)),
        why: judged.why.line.is_some().then(|| pieces(&judged.why.to_string())),
    }
}
