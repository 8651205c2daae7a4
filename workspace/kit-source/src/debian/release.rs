//! The signed `InRelease` file: the root of everything that is known about a suite.
//!
//! | module | what |
//! |---|---|
//! | [`keyring`] | the certificates that may sign |
//! | `signature` | who signed, and the signed bytes |
//! | `fields` | what the signed bytes say |
//! | `error` | [`ReleaseError`] |
//!
//! [`Release::verify`] checks the signature and reads the signed bytes only; [`Release::check`] holds what they say against
//! what was asked for and what was known before.

mod error;
mod fields;
pub mod keyring;
mod signature;

use std::collections::BTreeMap;

use kit_hash::Sha256;

pub use self::error::ReleaseError;
pub use self::keyring::{Keyring, KeyringError};
use super::date::Timestamp;

/// The largest `InRelease` that is read, in bytes.
pub const SIZE_LIMIT: u64 = 16 << 20;

/// How far ahead of the clock a `Date` may be, in seconds, as in apt (`Acquire::Max-FutureTime`).
const FUTURE_LIMIT: u64 = 10;

/// A verified `InRelease`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The name of the suite, `stable` for example; a file may have only a codename.
    pub suite: Option<String>,
    /// The codename, `bookworm` for example.
    pub codename: Option<String>,
    /// When it was made.
    pub date: Timestamp,
    /// Until when it may be used.
    pub valid_until: Option<Timestamp>,
    /// Whether index files can be fetched by their digest.
    pub by_hash: ByHash,
    /// The architectures, as listed.
    pub architectures: Vec<String>,
    /// The components, as listed.
    pub components: Vec<String>,
    /// The files of the suite by their path below `dists/<suite>/`.
    pub files: BTreeMap<String, IndexFile>,
    /// Who signed.
    pub signatures: Vec<GoodSignature>,
}

/// Whether an archive serves its index files by digest (`Acquire-By-Hash`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByHash {
    /// Below `by-hash/SHA256/`.
    Yes,
    /// Under their names only.
    No,
}

/// An index file, as a `Release` pins it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexFile {
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Sha256,
}

/// A signature that is good.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoodSignature {
    /// The fingerprint of the certificate's primary key, upper-case hexadecimal.
    pub primary: String,
    /// The fingerprint of the (sub)key that signed.
    pub signing: String,
}

/// What a release is held against.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The suite or codename that was asked for.
    pub suite: &'a str,
    /// The date of the release that was locked before: nothing older is taken.
    pub not_before: Option<Timestamp>,
    /// Which times are checked.
    pub times: Times,
}

/// Which of a release's times are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// A live archive: keys and signatures are judged at `now`, and what `checks` says.
    Live {
        /// The time of the check.
        now: Timestamp,
        /// Which fields are held against it.
        checks: Checks,
    },
    /// A locked release: keys are judged at the time at which it was signed.
    Replay,
}

/// Which fields of a live release are held against the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checks {
    /// `Date` must not lie in the future.
    pub date: Check,
    /// `Valid-Until` must not lie in the past.
    pub valid_until: Check,
}

/// Whether a check is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// It is.
    Made,
    /// It is not, because the machine's configuration says so.
    Skipped,
}

impl Checks {
    /// Everything is checked.
    pub const ALL: Self = Self { date: Check::Made, valid_until: Check::Made };
}

impl Release {
    /// Verifies the signature of a clear-signed `bytes` and reads what was signed.
    ///
    /// At least one signature must be good by a certificate of `keyring`; signatures by other keys are passed over.
    pub fn verify(bytes: &[u8], keyring: &Keyring, times: Times) -> Result<Self, ReleaseError> {
        let verified = signature::verify(bytes, keyring, times)?;
        fields::parse(&verified.text, verified.signatures)
    }

    /// Holds the release against what was asked for.
    pub fn check(&self, expected: &Expected<'_>) -> Result<(), ReleaseError> {
        let names = [self.suite.as_deref(), self.codename.as_deref()];
        if !names.iter().flatten().any(|name| is_suite(name, expected.suite)) {
            let found = names.iter().flatten().copied().collect::<Vec<_>>().join("` or `");
            return Err(ReleaseError::OtherSuite { expected: expected.suite.to_owned(), found });
        }
        if let Some(locked) = expected.not_before.filter(|locked| self.date < *locked) {
            return Err(ReleaseError::Rollback { date: self.date, locked });
        }
        let Times::Live { now, checks } = expected.times else { return Ok(()) };
        if checks.date == Check::Made && self.date.0 > now.0.saturating_add(FUTURE_LIMIT) {
            return Err(ReleaseError::Future { date: self.date, now });
        }
        match self.valid_until.filter(|until| checks.valid_until == Check::Made && *until < now) {
            Some(valid_until) => Err(ReleaseError::Expired { valid_until, now }),
            None => Ok(()),
        }
    }

    /// Returns the pin of the file at `path`, below `dists/<suite>/`.
    pub fn file(&self, path: &str) -> Result<IndexFile, ReleaseError> {
        self.files.get(path).copied().ok_or_else(|| ReleaseError::Missing { path: path.to_owned() })
    }

    /// Returns the fingerprints of all keys that signed, primary and signing ones, sorted.
    pub fn fingerprints(&self) -> Vec<String> {
        let mut all: Vec<String> =
            self.signatures.iter().flat_map(|by| [by.primary.clone(), by.signing.clone()]).collect();
        all.sort();
        all.dedup();
        all
    }
}

/// Tells whether a release that calls itself `name` is `asked`; old security suites call themselves
/// `oldstable-security` at `bookworm-security`, or add a path (`bookworm/updates`).
fn is_suite(name: &str, asked: &str) -> bool {
    name == asked || name.strip_suffix("/updates").is_some_and(|name| name == asked)
}

#[cfg(test)]
mod tests;
