//! Known vulnerabilities: which advisories there are, which of them what is shipped has, and what is said about those.
//!
//! ```text
//! OSV records ─┐
//!              ├─ Builder ─► Snapshot ─► find ─► Match ─► judge (VEX) ─► Judged ─► findings
//! tracker ─────┘           (its bytes are locked)            ▲
//!                                     Shipped ─► propose ────┘
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`evidence`] | proves from what an image has that it hasn't the vulnerable code |
//! | [`finding`] | findings of matches |
//! | [`matching`] | which advisories what is installed has |
//! | [`moment`] | dates of advisories |
//! | [`osv`] | reads records of OSV |
//! | [`purl`] | package URLs, as far as VEX needs them |
//! | [`score`] | CVSS vectors |
//! | [`semver`] | the order of versions of crates |
//! | [`snapshot`] | the advisories for one release, and their bytes |
//! | [`tracker`] | reads the file of Debian's security tracker |
//! | [`vex`] | `OpenVEX` documents, in and out |
//!
//! **Who is believed.** OSV says which versions an advisory is about. Where Debian's tracker lists a vulnerability of a source package in
//! the release, it alone decides whether that is affected, since OSV reports more than there is: the tracker knows what never had the
//! vulnerable code, what was judged too small for an advisory (`no-dsa`), and what is no risk at all (`unimportant`).

pub mod evidence;
pub mod finding;
pub mod matching;
pub mod moment;
pub mod osv;
pub mod purl;
pub mod score;
pub mod semver;
pub mod snapshot;
pub mod tracker;
pub mod vex;

mod error;
mod fold;
mod json;
mod text;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use kit_format::deb::version::Version;

pub use self::error::AdvisoryError;
pub use self::evidence::{Kernel, Proposal, Setting, Shipped, propose};
pub use self::finding::KINDS;
pub use self::matching::{
    About, Found, Installed, Match, MatchError, Missed, Origin, State, Verdict, about, find,
};
pub use self::moment::Moment;
use self::semver::SemVer;
pub use self::snapshot::{Builder, Snapshot, SnapshotError};

/// Whose names and versions an advisory speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ecosystem {
    /// Debian's source packages; versions in dpkg's order.
    Debian,
    /// Crates of crates.io; versions in the order of `SemVer` 2.
    CratesIo,
}

impl Ecosystem {
    /// All of them, in order.
    pub const ALL: [Self; 2] = [Self::Debian, Self::CratesIo];

    /// Returns OSV's word for it, without a release.
    pub fn word(self) -> &'static str {
        match self {
            Self::Debian => "Debian",
            Self::CratesIo => "crates.io",
        }
    }

    /// Compares two versions by its rules; any text compares.
    pub fn compare(self, a: &str, b: &str) -> Ordering {
        match self {
            Self::Debian => Version::new(a).cmp(&Version::new(b)),
            Self::CratesIo => SemVer::new(a).cmp(&SemVer::new(b)),
        }
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A release of Debian: OSV names it by its number, the security tracker by its codename.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    /// Such as 12.
    pub number: u32,
    /// Such as `bookworm`.
    pub codename: String,
}

impl Release {
    /// The releases that have both names already.
    const KNOWN: [(u32, &str); 6] =
        [(10, "buster"), (11, "bullseye"), (12, "bookworm"), (13, "trixie"), (14, "forky"), (15, "duke")];

    /// Returns the release that has the codename.
    pub fn of_codename(codename: &str) -> Option<Self> {
        let (number, codename) = Self::KNOWN.into_iter().find(|(_, known)| *known == codename)?;
        Some(Self { number, codename: codename.to_owned() })
    }

    /// Returns the release that has the number.
    pub fn of_number(number: u32) -> Option<Self> {
        let (number, codename) = Self::KNOWN.into_iter().find(|(known, _)| *known == number)?;
        Some(Self { number, codename: codename.to_owned() })
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Debian {} ({})", self.number, self.codename)
    }
}

/// Which packages advisories are kept for: by ecosystem, source packages or crates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// For all.
    Everything,
    /// Only for these.
    Only(BTreeMap<Ecosystem, BTreeSet<String>>),
}

impl Wanted {
    /// Wants just these.
    pub fn only<N: Into<String>>(names: impl IntoIterator<Item = (Ecosystem, N)>) -> Self {
        let mut wanted: BTreeMap<Ecosystem, BTreeSet<String>> = BTreeMap::new();
        for (ecosystem, name) in names {
            wanted.entry(ecosystem).or_default().insert(name.into());
        }
        Self::Only(wanted)
    }

    /// Returns whether a package is wanted.
    pub fn has(&self, ecosystem: Ecosystem, name: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Only(names) => names.get(&ecosystem).is_some_and(|names| names.contains(name)),
        }
    }
}

/// What is known of one package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Package {
    /// OSV's records about it, by their ids.
    pub advisories: BTreeMap<String, Advisory>,
    /// What Debian's tracker says about it, by CVE (or `TEMP-…`).
    pub tracked: BTreeMap<String, Tracked>,
}

/// One record of OSV, as far as it is about one package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Advisory {
    /// When it was last changed.
    pub modified: Moment,
    /// When it was published, if it says.
    pub published: Option<Moment>,
    /// When it was taken back.
    pub withdrawn: Option<Moment>,
    /// Other names of the same vulnerability.
    pub aliases: BTreeSet<String>,
    /// The vulnerabilities that it is about, as those who found them name them.
    pub upstream: BTreeSet<String>,
    /// A line of what it is.
    pub summary: String,
    /// CVSS vectors that can be scored.
    pub vectors: BTreeSet<String>,
    /// How bad it is in its publisher's words.
    pub rating: Option<Rating>,
    /// Set where it is no vulnerability.
    pub informational: Option<Informational>,
    /// The versions that have it, as ranges.
    pub ranges: Vec<Range>,
    /// The versions that have it and are in no range.
    pub versions: BTreeSet<String>,
}

/// Versions between events.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// What happens at which version, in the order of versions.
    pub events: Vec<Event>,
    /// Versions that it ends before, whatever the events say; `*` is behind all.
    pub limits: BTreeSet<String>,
}

/// What happens at a version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// It and later ones are affected; `0` is before all.
    Introduced(String),
    /// It and later ones aren't.
    Fixed(String),
    /// Later ones aren't.
    LastAffected(String),
}

impl Event {
    /// Returns the version.
    pub fn version(&self) -> &str {
        match self {
            Self::Introduced(version) | Self::Fixed(version) | Self::LastAffected(version) => version,
        }
    }
}

/// How bad a vulnerability is in its publisher's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rating {
    /// No risk in what Debian ships.
    Unimportant,
    /// Small.
    Low,
    /// Debian's `medium`, GitHub's `MODERATE`.
    Medium,
    /// Large.
    High,
    /// As large as can be.
    Critical,
    /// The release doesn't care for the package any more.
    EndOfLife,
}

impl Rating {
    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::Unimportant, Self::Low, Self::Medium, Self::High, Self::Critical, Self::EndOfLife];

    /// Returns Debian's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unimportant => "unimportant",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
            Self::EndOfLife => "end-of-life",
        }
    }
}

/// What a record is that is about no vulnerability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Informational {
    /// Nobody maintains the crate.
    Unmaintained,
    /// Something to know.
    Notice,
    /// Safe code can break memory safety through it: counts as a vulnerability.
    Unsound,
}

/// What Debian's tracker says of a vulnerability in one source package of the release.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tracked {
    /// Whether the release is affected.
    pub status: Status,
    /// How bad it is.
    pub rating: Option<Rating>,
    /// Why there is no advisory for it.
    pub no_dsa: Option<NoDsa>,
    /// The version that fixed it in unstable.
    pub unstable: Option<String>,
    /// A line of what it is.
    pub summary: String,
}

/// Whether a release is affected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It never was.
    NotAffected,
    /// Since this version it isn't any more.
    Resolved(String),
    /// It is.
    Open,
    /// Nobody knows.
    Undetermined,
}

/// Why Debian's security team makes no advisory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NoDsa {
    /// What becomes of it.
    pub decision: Decision,
    /// In the team's words.
    pub reason: String,
}

/// What becomes of a vulnerability that has no advisory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// It may be fixed by a point release.
    NoDsa,
    /// It waits for the next advisory.
    Postponed,
    /// It won't be fixed.
    Ignored,
}

impl Decision {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::NoDsa, Self::Postponed, Self::Ignored];

    /// Returns the tracker's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoDsa => "no-dsa",
            Self::Postponed => "postponed",
            Self::Ignored => "ignored",
        }
    }
}

/// A part of a record that wasn't understood, so that it counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotUnderstood {
    /// The record's id, or the tracker's source package and vulnerability.
    pub record: String,
    /// What of it, in a sentence.
    pub reason: String,
}

#[cfg(test)]
mod tests;
