//! The certificates that may sign a release.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sequoia_openpgp::cert::CertParser;
use sequoia_openpgp::cert::amalgamation::ValidateAmalgamation as _;
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::{Cert, KeyHandle};

/// A set of `OpenPGP` certificates, and which of them may sign.
#[derive(Clone, Default)]
pub struct Keyring {
    certificates: Vec<Cert>,
    /// Fingerprints, upper case, of primary keys or subkeys; empty when any certificate may sign.
    only: Vec<String>,
}

/// A time that no signature of today is after: 2100, since 1970.
const LATER: Duration = Duration::from_hours(1_139_568);

/// When a key was made, and until when it counts: seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// When it was made.
    pub made: u64,
    /// When it ends; none for one that never does.
    pub ends: Option<u64>,
}

/// A file that is no keyring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// It is no `OpenPGP` data, or has no certificate.
    #[error("no OpenPGP certificate in it: {reason}")]
    Format {
        /// What the `OpenPGP` reader said.
        reason: String,
    },
}

impl Keyring {
    /// Returns a keyring without certificates: nothing verifies with it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the certificates in `bytes`, binary or armoured, one or many.
    ///
    /// Certificates that can't be read are passed over, as long as one can.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), KeyringError> {
        let format = |reason: String| KeyringError::Format { reason };
        let parser = CertParser::from_bytes(bytes).map_err(|error| format(error.to_string()))?;
        let before = self.certificates.len();
        let mut reason = "it is empty".to_owned();
        for certificate in parser {
            match certificate {
                Ok(certificate) => self.certificates.push(certificate),
                Err(error) => reason = error.to_string(),
            }
        }
        if self.certificates.len() == before { Err(format(reason)) } else { Ok(()) }
    }

    /// Adds all certificates of `other`.
    pub fn extend(&mut self, other: &Self) {
        self.certificates.extend(other.certificates.iter().cloned());
    }

    /// Restricts the keyring to keys with these fingerprints (hexadecimal, spaces and a final `!` are ignored).
    #[must_use]
    pub fn restricted_to<'f>(mut self, fingerprints: impl IntoIterator<Item = &'f str>) -> Self {
        let normal = |text: &str| {
            text.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_ascii_uppercase()
        };
        self.only.extend(fingerprints.into_iter().map(normal));
        self
    }

    /// Tells whether there is no certificate.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// Returns the fingerprints of all certificates, in order.
    pub fn fingerprints(&self) -> Vec<String> {
        self.certificates.iter().map(|certificate| certificate.fingerprint().to_hex()).collect()
    }

    /// Returns when each key that may sign was made, and until when it counts, by fingerprint.
    pub fn ages(&self) -> BTreeMap<String, Age> {
        let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let keys = self.certificates.iter().flat_map(Cert::keys);
        let ages = keys.map(|key| {
            let made = key.key().creation_time();
            // What was usual when it was made is good enough to say until when it counts; the last word about that holds.
            let policy = StandardPolicy::at(made);
            let valid = key.with_policy(&policy, UNIX_EPOCH + LATER);
            let ends = valid.ok().and_then(|valid| valid.key_expiration_time());
            (key.key().fingerprint().to_hex(), Age { made: seconds(made), ends: ends.map(seconds) })
        });
        ages.collect()
    }

    /// Returns the certificates that have one of the keys.
    pub(super) fn find(&self, handles: &[KeyHandle]) -> Vec<Cert> {
        let has = |certificate: &&Cert| {
            certificate.keys().any(|key| handles.iter().any(|handle| handle.aliases(key.key().key_handle())))
        };
        self.certificates.iter().filter(has).cloned().collect()
    }

    /// Returns the fingerprints that the keyring is restricted to, when none of `fingerprints` is among them.
    pub(super) fn refuses(&self, fingerprints: &[&str]) -> Option<&[String]> {
        let admitted =
            self.only.is_empty() || self.only.iter().any(|only| fingerprints.contains(&only.as_str()));
        (!admitted).then_some(&self.only)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("certificates", &self.fingerprints())
            .field("only", &self.only)
            .finish()
    }
}
