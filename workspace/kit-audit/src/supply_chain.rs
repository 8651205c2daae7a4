//! Where an image comes from: what is known of each source, who signed it, and what nobody looked at.
//!
//! | module | what |
//! |---|---|
//! | `sources` | files, commits and images at addresses |
//! | `suites` | Debian suites, their keys and their age |
//! | `opened` | images that were found as files: altered, or made by others |
//! | `components` | binaries that others built, pins that are old or not used, scripts that didn't run |

mod components;
mod opened;
mod sources;
mod suites;

use std::collections::BTreeMap;

use kit_plan::RecipeSet;
use kit_recipe::Lockfile;

pub use self::opened::{altered, altered_output, altered_part, foreign};
use crate::finding::{Area, Finding, Kind, Severity};
use crate::inventory::{ComponentId, Inventory};

const fn kind(id: &'static str, severity: Severity, title: &'static str, help: &'static str) -> Kind {
    Kind { id, area: Area::SupplyChain, severity, title, help }
}

/// The kinds of findings about where an image comes from.
pub const KINDS: &[Kind] = &[
    sources::UNSIGNED,
    sources::ONE_LOCATION,
    sources::PLAIN_HTTP,
    sources::MOVING,
    suites::KEY,
    suites::OLD_KEY,
    suites::OLD,
    components::BINARY_SEED,
    components::UNUSED,
    components::STALE,
    components::SCRIPT_IGNORED,
    opened::ALTERED,
    opened::UNOWNED,
    opened::NO_LIST,
    opened::UNREADABLE,
];

/// What is known of an image's sources.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What it is made of.
    pub inventory: &'a Inventory,
    /// What that resolved to.
    pub lock: &'a Lockfile,
    /// What asked for it.
    pub recipes: &'a RecipeSet,
    /// What the caller found out besides.
    pub outside: &'a Outside,
}

/// What neither recipes nor lockfile say. What is empty isn't known, and nothing is found about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outside {
    /// The time by which things are old, seconds since 1970.
    pub now: Option<u64>,
    /// When keys were made, by fingerprint, seconds since 1970.
    pub keys: BTreeMap<String, u64>,
    /// Until when keys count, by fingerprint, seconds since 1970; one that counts for ever isn't there.
    pub key_ends: BTreeMap<String, u64>,
    /// The most days that a key may be old.
    pub key_days: u64,
    /// The most days that a suite's state may be old.
    pub suite_days: u64,
    /// Commands of maintainer scripts that matter and that no recipe makes up for.
    pub scripts: BTreeMap<ComponentId, Vec<String>>,
    /// Versions that the archive has and that are newer.
    pub newer: BTreeMap<ComponentId, String>,
}

/// Returns what is to be said about where an image comes from.
pub fn findings(known: Known<'_>) -> Vec<Finding> {
    let mut findings = sources::findings(known);
    findings.extend(suites::findings(known));
    findings.extend(components::findings(known));
    findings
}

/// Writes a number with its noun: `1 package`, `2 packages`.
fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests;
