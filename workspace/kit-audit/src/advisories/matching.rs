//! Which advisories what is installed has.

mod about;
mod judge;
mod ranges;

use std::borrow::Cow;
use std::collections::BTreeSet;

pub use self::about::{About, Missed, Verdict, about};
pub(super) use self::ranges::{holds, sort};
use super::score::Score;
use super::semver::SemVer;
use super::{Ecosystem, Informational, Moment, NoDsa, Rating, Release, Snapshot};
use crate::finding::{Evidence, Severity};

/// What is installed: a source package or a crate, in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Where it is from.
    pub origin: Origin,
    /// The name of the source package, or of the crate.
    pub name: String,
    /// The version of the source: that of a binary package without `+b1`.
    pub version: String,
    /// The binary packages that were made from it and are in the image, for messages and VEX.
    pub binaries: Vec<String>,
    /// What `kit lock --update` takes to get a newer one.
    pub update: Vec<String>,
    /// What shows that it is installed: files, entries of the lockfile.
    pub evidence: Vec<Evidence>,
}

impl Installed {
    /// Returns the name and the version that advisories know it by.
    ///
    /// Debian signs kernels and boot loaders in source packages of their own, which are made from what was built by the real one:
    /// `linux-signed-amd64` 6.1.76+1 is `linux` 6.1.76-1, `grub-efi-amd64-signed` 1+2.06+13 is `grub2` 2.06-13.
    pub fn known_as(&self) -> (&str, Cow<'_, str>) {
        let (name, version) = (self.name.as_str(), self.version.as_str());
        let unsigned = match &self.origin {
            Origin::Debian(_) if name.starts_with("linux-signed-") => Some(("linux", version)),
            Origin::Debian(_) if name.starts_with("grub-efi-") && name.ends_with("-signed") => {
                version.split_once('+').map(|(_, version)| ("grub2", version))
            }
            Origin::Debian(_) | Origin::CratesIo => None,
        };
        match unsigned {
            None => (name, Cow::Borrowed(version)),
            Some((name, version)) => (name, Cow::Owned(version.replacen('+', "-", 1))),
        }
    }
}

/// Where something installed is from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A release of Debian.
    Debian(Release),
    /// crates.io.
    CratesIo,
}

impl Origin {
    /// Returns the ecosystem whose advisories count.
    pub fn ecosystem(&self) -> Ecosystem {
        match self {
            Self::Debian(_) => Ecosystem::Debian,
            Self::CratesIo => Ecosystem::CratesIo,
        }
    }
}

/// Whether a package is affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It is.
    Affected,
    /// Nobody knows: Debian's tracker calls it undetermined.
    Undetermined,
}

/// A vulnerability of what is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// What it is known by: a CVE where there is one.
    pub id: String,
    /// Its other names.
    pub aliases: BTreeSet<String>,
    /// What has it.
    pub installed: Installed,
    /// Whether it is affected.
    pub state: State,
    /// The version that has it no more.
    pub fixed: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// The vector that says so.
    pub score: Option<Score>,
    /// How bad it is in its publisher's words.
    pub rating: Option<Rating>,
    /// Why Debian makes no advisory for it.
    pub no_dsa: Option<NoDsa>,
    /// Set where it is no vulnerability.
    pub informational: Option<Informational>,
    /// A line of what it is.
    pub summary: String,
    /// When it was first published.
    pub published: Option<Moment>,
    /// The records that say so; Debian's tracker is `security-tracker`.
    pub advisories: BTreeSet<String>,
    /// What can't be told from the snapshot, in sentences.
    pub unknown: Vec<String>,
}

impl Match {
    /// What stands among the advisories for what Debian's tracker says.
    pub const TRACKER: &str = "security-tracker";
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// By package as they were given, then by vulnerability.
    pub matches: Vec<Match>,
    /// The ecosystems of what is installed that the snapshot has no advisories of, so that nothing is known.
    pub not_covered: BTreeSet<Ecosystem>,
}

/// Why nothing can be found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// Something is from another release than the advisories are for.
    #[error("the advisories are for {snapshot}, `{name}` {version} is from {installed}")]
    Release {
        /// The package.
        name: String,
        /// Its version.
        version: String,
        /// Its release.
        installed: Release,
        /// The advisories' release.
        snapshot: Release,
    },
    /// The snapshot was made, or read, without the advisories of a package.
    #[error("the advisories of `{name}` from {ecosystem} were left out of the snapshot")]
    LeftOut {
        /// The package.
        name: String,
        /// Its ecosystem.
        ecosystem: Ecosystem,
    },
    /// A version of a crate is none.
    #[error("`{version}` of crate `{name}` is no version")]
    Version {
        /// The crate.
        name: String,
        /// The version.
        version: String,
    },
}

/// Finds the vulnerabilities of what is installed.
///
/// With a moment, it tells what was known then: only what was published by then counts, and what was taken back later does. What was
/// changed later is told as it is now, with a note.
pub fn find(
    snapshot: &Snapshot,
    installed: &[Installed],
    as_of: Option<Moment>,
) -> Result<Found, MatchError> {
    let mut found = Found { matches: Vec::new(), not_covered: BTreeSet::new() };
    let mut seen = BTreeSet::new();
    for one in installed {
        check(snapshot, one)?;
        let ecosystem = one.origin.ecosystem();
        if !snapshot.ecosystems().contains(&ecosystem) {
            found.not_covered.insert(ecosystem);
            continue;
        }
        if !seen.insert((&one.origin, &one.name, &one.version)) {
            continue;
        }
        if let Some(package) = snapshot.package(ecosystem, one.known_as().0) {
            found.matches.extend(judge::judge(snapshot, package, one, as_of));
        }
    }
    Ok(found)
}

fn check(snapshot: &Snapshot, installed: &Installed) -> Result<(), MatchError> {
    let name = || installed.name.clone();
    match &installed.origin {
        Origin::Debian(release) if release != snapshot.release() => Err(MatchError::Release {
            name: name(),
            version: installed.version.clone(),
            installed: release.clone(),
            snapshot: snapshot.release().clone(),
        }),
        Origin::CratesIo if !SemVer::new(&installed.version).is_valid() => {
            Err(MatchError::Version { name: name(), version: installed.version.clone() })
        }
        origin if !snapshot.has_asked(origin.ecosystem(), installed.known_as().0) => {
            let name = installed.known_as().0.to_owned();
            Err(MatchError::LeftOut { name, ecosystem: origin.ecosystem() })
        }
        Origin::Debian(_) | Origin::CratesIo => Ok(()),
    }
}

#[cfg(test)]
mod tests;
