//! Known vulnerabilities that were fixed, left with what had them, or came.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::state::{Vulnerabilities, Vulnerability};

/// What became of a vulnerability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It is in the second image alone.
    Introduced,
    /// What had it is there in a version that hasn't.
    Fixed,
    /// What had it is gone.
    Left,
}

impl Fate {
    /// All of them, in the order of summaries.
    pub const ALL: [Self; 3] = [Self::Introduced, Self::Fixed, Self::Left];

    /// Returns the word for it, also in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Introduced => "introduced",
            Self::Fixed => "fixed",
            Self::Left => "removed",
        }
    }
}

/// A vulnerability that only one of both has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VulnerabilityChange {
    /// Such as a CVE.
    pub id: String,
    /// The source package or crate.
    pub component: String,
    /// What became of it.
    pub fate: Fate,
    /// What is known of it, on the side that has it.
    pub vulnerability: Vulnerability,
}

/// Compares vulnerabilities: what came first, then the worst.
pub(super) fn vulnerabilities(before: &Vulnerabilities, after: &Vulnerabilities) -> Vec<VulnerabilityChange> {
    let keys: BTreeSet<_> = before.found.keys().chain(after.found.keys()).collect();
    let change = |key: &(String, String)| {
        let (fate, vulnerability) = match (before.found.get(key), after.found.get(key)) {
            (None, Some(there)) => (Fate::Introduced, there),
            (Some(there), None) if after.asked.contains(&key.1) => (Fate::Fixed, there),
            (Some(there), None) => (Fate::Left, there),
            _ => return None,
        };
        let (id, component) = key.clone();
        Some(VulnerabilityChange { id, component, fate, vulnerability: vulnerability.clone() })
    };
    let mut changes: Vec<_> = keys.into_iter().filter_map(change).collect();
    changes.sort_by_key(|change| (change.fate, Reverse(change.vulnerability.severity)));
    changes
}
