//! What advisories say of one vulnerability, whether or not what is installed has it.

use std::collections::BTreeSet;
use std::fmt;

use super::{Installed, Match, judge};
use crate::advisories::fold::{Group, groups};
use crate::advisories::{Ecosystem, Snapshot};

/// A vulnerability in one package, as advisories tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// What it is known by: a CVE where there is one.
    pub id: String,
    /// Its other names.
    pub aliases: BTreeSet<String>,
    /// Whose package it is in.
    pub ecosystem: Ecosystem,
    /// The source package, or the crate.
    pub package: String,
    /// A line of what it is.
    pub summary: String,
    /// The records that say so; Debian's tracker is `security-tracker`.
    pub advisories: BTreeSet<String>,
    /// What it comes to for each installed version of the package; empty where none is installed.
    pub verdicts: Vec<(Installed, Verdict)>,
}

/// What a vulnerability comes to for something installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It has it, or may have it.
    Hit(Box<Match>),
    /// It hasn't.
    Missed(Missed),
}

/// Why something installed hasn't a vulnerability of its package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missed {
    /// Debian's tracker says that the release never had the code.
    NeverAffected,
    /// It isn't older than the version that has the fix.
    Fixed(String),
    /// It isn't older than the version that has the fix in unstable.
    FixedInUnstable(String),
    /// The advisories are about other versions.
    OtherVersions,
    /// The advisory was taken back.
    Withdrawn,
}

impl Missed {
    /// Returns the word that outputs use.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NeverAffected => "never-affected",
            Self::Fixed(_) | Self::FixedInUnstable(_) => "fixed",
            Self::OtherVersions => "other-versions",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverAffected => {
                f.write_str("Debian's security tracker says that this release never had the vulnerable code")
            }
            Self::Fixed(version) => write!(f, "the version isn't older than {version}, which has the fix"),
            Self::FixedInUnstable(version) => {
                write!(f, "the version isn't older than {version}, which has the fix in unstable")
            }
            Self::OtherVersions => f.write_str("the advisories are about other versions"),
            Self::Withdrawn => f.write_str("the advisory was taken back"),
        }
    }
}

/// Returns what a snapshot says of a vulnerability, by any of its names or of the records about it: one for each package that has it, in
/// their order; nothing where it isn't known.
pub fn about(snapshot: &Snapshot, installed: &[Installed], name: &str) -> Vec<About> {
    let mut all = Vec::new();
    for (ecosystem, package, known) in snapshot.packages() {
        let mut found: Vec<_> = groups(known).into_iter().filter(|group| group.is_called(name)).collect();
        found.sort_by(|a, b| a.id().cmp(b.id()));
        let is_it = |one: &&Installed| one.origin.ecosystem() == ecosystem && one.known_as().0 == package;
        all.extend(found.iter().map(|group| {
            let verdicts = installed.iter().filter(is_it);
            About {
                ecosystem,
                package: package.to_owned(),
                verdicts: verdicts.map(|one| (one.clone(), judge::verdict(snapshot, group, one))).collect(),
                ..described(group)
            }
        }));
    }
    all
}

/// Says what a vulnerability is, without the package.
fn described(group: &Group<'_>) -> About {
    let id = group.id().to_owned();
    let own = group.own.values().map(|advisory| &advisory.summary);
    let tracked = group.tracked.iter().map(|tracked| &tracked.summary);
    let summaries = own.chain(tracked).chain(group.shared.values().map(|advisory| &advisory.summary));
    let records = group.own.keys().chain(group.shared.keys()).map(|id| (*id).to_owned());
    let tracker = group.tracked.first().map(|_| Match::TRACKER.to_owned());
    About {
        aliases: group.names.iter().filter(|name| **name != id).map(|name| (*name).to_owned()).collect(),
        ecosystem: Ecosystem::Debian,
        package: String::new(),
        summary: summaries.into_iter().find(|line| !line.is_empty()).cloned().unwrap_or_default(),
        advisories: records.chain(tracker).collect(),
        verdicts: Vec::new(),
        id,
    }
}
