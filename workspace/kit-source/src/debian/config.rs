//! The machine's own apt configuration: mirrors, keys, proxies, credentials.
//!
//! | module | what |
//! |---|---|
//! | `files` | reads below a root directory, following links inside it |
//! | `sources` | `sources.list` in both forms |
//! | `settings` | `apt.conf`: proxies, and which times are checked |
//! | `auth` | `auth.conf`: who logs in where |
//! | `keys` | which certificates may sign |
//!
//! Everything is read once, through a handle of the root directory. What can't be read or isn't supported is no error here:
//! it becomes a [`Problem`], to be told when nothing else helps.

mod auth;
mod files;
mod keys;
mod settings;
mod sources;

use cap_std::fs::Dir;

use self::files::Files;
use self::keys::Keys;
use self::sources::{Entry, SignedBy};
use super::release::{Check, Checks, Keyring};
use crate::http::{Credential, Proxies};

/// What apt is configured to use on a machine.
#[derive(Debug, Clone, Default)]
pub struct AptConfig {
    /// The archives for binary packages, in order.
    pub archives: Vec<Archive>,
    /// The keys for archives that name none themselves.
    pub trusted: Keyring,
    /// The proxies.
    pub proxies: Proxies,
    /// Who logs in where.
    pub credentials: Vec<Credential>,
    /// What was passed over, and why.
    pub problems: Vec<Problem>,
}

/// One archive and what it is used for.
#[derive(Debug, Clone)]
pub struct Archive {
    /// The address that `dists/` and `pool/` stand below, without a final slash.
    pub base: String,
    /// The suites taken from it; empty when any may be asked for.
    pub suites: Vec<String>,
    /// The components taken from it.
    pub components: Vec<String>,
    /// The architectures that it is for; empty when it is for any.
    pub architectures: Vec<String>,
    /// The keys that may sign for it.
    pub keyring: Keyring,
    /// Which times are checked.
    pub checks: Checks,
}

/// Something in the configuration that was passed over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("/{file}: {reason}")]
pub struct Problem {
    /// The file, below the root.
    pub file: String,
    /// What is wrong, or not supported.
    pub reason: String,
}

impl AptConfig {
    /// Reads the configuration below `root`; a machine without apt has an empty one.
    pub fn read(root: &Dir) -> Self {
        let mut files = Files::new(root);
        let settings = settings::read(&mut files);
        let credentials = auth::read(&mut files);
        let entries = sources::read(&mut files);
        let mut keys = Keys::read(&mut files);
        let archives = entries
            .iter()
            .flat_map(|entry| archives(entry, settings.checks, &mut keys, &mut files))
            .collect();
        let trusted = keys.for_unnamed();
        Self { archives, trusted, proxies: settings.proxies, credentials, problems: files.problems }
    }
}

/// Makes one archive for each address of an entry.
fn archives(entry: &Entry, checks: Checks, keys: &mut Keys, files: &mut Files<'_>) -> Vec<Archive> {
    let keyring = match &entry.signed_by {
        SignedBy::Nothing => keys.trusted().clone(),
        SignedBy::Named(names) => keys.named(names, &entry.file, files),
        SignedBy::Inline(armored) => Keys::inline(armored, &entry.file, files),
    };
    let skipped = |own: Option<Check>, general: Check| own.unwrap_or(general);
    let checks = Checks {
        date: skipped(entry.check_date, checks.date),
        valid_until: skipped(entry.check_valid_until, checks.valid_until),
    };
    let make = |uri: &String| Archive {
        base: uri.trim_end_matches('/').to_owned(),
        suites: entry.suites.clone(),
        components: entry.components.clone(),
        architectures: entry.architectures.clone(),
        keyring: keyring.clone(),
        checks,
    };
    entry.uris.iter().map(make).collect()
}

#[cfg(test)]
mod tests;
