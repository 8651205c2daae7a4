//! Where a suite can be fetched from, in order, and what each location said.

use std::fmt::{self, Write as _};

use super::config::{AptConfig, Archive};
use super::date::Timestamp;
use super::index::IndexError;
use super::release::{Check, Checks, Keyring, ReleaseError};
use crate::http::{HttpError, shown};

/// All places that can serve an archive.
///
/// The order is: the project's mirrors, the machine's own for the suite, the machine's others, the snapshot archive.
#[derive(Debug, Clone)]
pub struct Archives {
    project: Vec<Mirror>,
    machine: Vec<Archive>,
    trusted: Keyring,
    snapshot: Option<String>,
}

/// A mirror that the project or the user names.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// The address that `dists/` and `pool/` stand below.
    pub base: String,
    /// The keys that may sign; `None` for those that the machine has for the suite.
    pub keyring: Option<Keyring>,
}

/// One place that can serve a suite.
#[derive(Debug, Clone)]
pub struct Location {
    /// The address that `dists/` and `pool/` stand below, without a final slash. It may hold a password: print it by
    /// [`Location`]'s `Display` only.
    pub base: String,
    /// The keys that may sign for the suite here.
    pub keyring: Keyring,
    /// Which times are checked.
    pub checks: Checks,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.base))
    }
}

impl Archives {
    /// Puts the project's mirrors before those of the machine; `snapshot` is the address of a snapshot archive.
    pub fn new(project: Vec<Mirror>, machine: &AptConfig, snapshot: Option<String>) -> Self {
        Self { project, machine: machine.archives.clone(), trusted: machine.trusted.clone(), snapshot }
    }

    /// Returns the locations for a suite and an architecture (or any); the snapshot archive needs the release's date.
    pub fn locations(
        &self,
        suite: &str,
        architecture: Option<&str>,
        date: Option<Timestamp>,
    ) -> Vec<Location> {
        let keyring = self.keyring(suite);
        let is_for = |archive: &&Archive| {
            let listed = &archive.architectures;
            architecture
                .is_none_or(|wanted| listed.is_empty() || listed.iter().any(|listed| listed == wanted))
        };
        let lists = |archive: &Archive| archive.suites.iter().any(|listed| listed == suite);
        let (own, others): (Vec<&Archive>, Vec<&Archive>) =
            self.machine.iter().filter(is_for).partition(|archive| lists(archive));
        let project = self.project.iter().map(|mirror| Location {
            base: mirror.base.trim_end_matches('/').to_owned(),
            keyring: mirror.keyring.clone().unwrap_or_else(|| keyring.clone()),
            checks: Checks::ALL,
        });
        let machine = own.into_iter().chain(others).map(|archive| Location {
            base: archive.base.clone(),
            keyring: if lists(archive) { archive.keyring.clone() } else { keyring.clone() },
            checks: archive.checks,
        });
        let mut locations: Vec<Location> = Vec::new();
        for location in project.chain(machine).chain(self.snapshot_location(suite, date, &keyring)) {
            if locations.iter().all(|other| other.base != location.base) {
                locations.push(location);
            }
        }
        locations
    }

    /// Returns the keys that the machine has for a suite: those of its own archives for it, or all that it trusts.
    pub fn keyring(&self, suite: &str) -> Keyring {
        let own = self.machine.iter().filter(|archive| archive.suites.iter().any(|listed| listed == suite));
        let mut keyrings = own.map(|archive| &archive.keyring).filter(|keyring| !keyring.is_empty());
        keyrings.next().unwrap_or(&self.trusted).clone()
    }

    /// Returns all keys that may sign for a suite, at whichever location.
    pub fn every_keyring(&self, suite: &str) -> Keyring {
        let mut all = self.keyring(suite);
        self.locations(suite, None, None).iter().for_each(|location| all.extend(&location.keyring));
        all
    }

    /// Whether an archive is named that keeps old files.
    pub fn keeps_old(&self) -> bool {
        self.snapshot.is_some()
    }

    /// Returns where the state of a suite at a moment may still be had, where an archive that keeps old files is named.
    pub(super) fn old_location(&self, suite: &str, date: Timestamp) -> Option<Location> {
        self.snapshot_location(suite, Some(date), &self.keyring(suite))
    }

    /// Security suites have an archive of their own.
    fn snapshot_location(&self, suite: &str, date: Option<Timestamp>, keyring: &Keyring) -> Option<Location> {
        let archive = if suite.contains("-security") || suite.ends_with("/updates") {
            "debian-security"
        } else {
            "debian"
        };
        let base = self.snapshot.as_deref()?.trim_end_matches('/');
        Some(Location {
            base: format!("{base}/archive/{archive}/{}", date?.snapshot()),
            keyring: keyring.clone(),
            checks: Checks { date: Check::Made, valid_until: Check::Skipped },
        })
    }
}

/// What one location said.
#[derive(Debug)]
pub struct Attempt {
    /// The location, without user and password.
    pub location: String,
    /// What went wrong there.
    pub error: AttemptError,
}

/// What went wrong at one location.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// The file didn't come.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The release that came isn't good.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// The index that came isn't good.
    #[error(transparent)]
    Index(#[from] IndexError),
}

impl AttemptError {
    /// Returns the stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Http(error) => error.code(),
            Self::Release(error) => error.code(),
            Self::Index(error) => error.code(),
        }
    }

    /// Returns what to do next.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Http(error) => error.help(),
            Self::Release(error) => error.help(),
            Self::Index(error) => error.help(),
        }
    }
}

/// No location gave a usable file.
#[derive(Debug, thiserror::Error)]
pub struct Unavailable {
    /// What was wanted, below the archive's address.
    pub path: String,
    /// What each location said, in order; empty when there is none.
    pub attempts: Vec<Attempt>,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.attempts.is_empty() {
            return write!(f, "no mirror is known for `{}`", self.path);
        }
        write!(f, "no mirror gave a usable `{}`", self.path)?;
        for Attempt { location, error } in &self.attempts {
            let mut text = error.to_string();
            let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
            for cause in causes {
                write!(text, ": {cause}").expect("because a string takes all");
            }
            // Most errors say by themselves which address failed.
            let place = if text.contains(location) { String::new() } else { format!("{location}: ") };
            write!(f, "\n  {place}{text}")?;
        }
        Ok(())
    }
}

impl Unavailable {
    /// Returns the stable code of what tells most: a file that isn't good before one that didn't come.
    pub fn code(&self) -> &'static str {
        self.telling().map_or("kit::debian::no_mirror", |attempt| attempt.error.code())
    }

    /// Returns what to do next.
    pub fn help(&self) -> Option<String> {
        match self.telling() {
            Some(Attempt { error: AttemptError::Http(HttpError::Status { status: 404, .. }), .. }) => {
                let text = if self.path.starts_with("dists/") {
                    "is the suite's name right, and do the mirrors have it?"
                } else {
                    "it has left the mirrors: take what they have now by `kit lock --update`, or name an archive that keeps \
                     old files as `snapshot` in `[debian]` of `kit.toml`"
                };
                Some(text.to_owned())
            }
            Some(attempt) => attempt.error.help(),
            None => Some("name a mirror in `kit.toml`, or set up the machine's apt sources".to_owned()),
        }
    }

    fn telling(&self) -> Option<&Attempt> {
        self.attempts.iter().min_by_key(|attempt| match &attempt.error {
            AttemptError::Release(_) | AttemptError::Index(_) => 0,
            AttemptError::Http(
                HttpError::Offline { .. } | HttpError::Digest { .. } | HttpError::Size { .. },
            ) => 1,
            AttemptError::Http(HttpError::Status { status: 404, .. }) => 3,
            AttemptError::Http(_) => 2,
        })
    }
}

/// Asks one location after the other until one gives what is wanted.
pub(super) fn first<T>(
    locations: &[Location],
    path: &str,
    mut ask: impl FnMut(&Location) -> Result<T, AttemptError>,
) -> Result<T, Unavailable> {
    let mut attempts = Vec::new();
    for location in locations {
        match ask(location) {
            Ok(found) => return Ok(found),
            Err(error) => {
                let is_final =
                    matches!(error, AttemptError::Http(HttpError::Offline { .. } | HttpError::Write { .. }));
                attempts.push(Attempt { location: location.to_string(), error });
                if is_final {
                    break;
                }
            }
        }
    }
    Err(Unavailable { path: path.to_owned(), attempts })
}
