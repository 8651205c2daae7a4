//! `kit.toml`: the project's settings. Nothing in it reaches a hash.

use std::collections::BTreeMap;

/// Project settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// `[store] path`, relative to the project.
    pub store: Option<String>,
    /// `[out] path`, relative to the project.
    pub out: Option<String>,
    /// `[vendor] path`, relative to the project: a bundle that files are taken from before anywhere else.
    pub vendor: Option<String>,
    /// `[debian]`.
    pub debian: DebianSettings,
    /// `[signatures]`.
    pub signatures: SignatureSettings,
    /// `[advisories]`.
    pub advisories: AdvisorySettings,
    /// `[mirrors]`: beginnings of addresses, and what else they can be, tried first.
    pub mirrors: BTreeMap<String, Vec<String>>,
}

/// `[signatures]`: whose signatures count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignatureSettings {
    /// `needed`: how many different keys have to sign; 1 when not given.
    pub needed: Option<u64>,
    /// `[signatures.keys]`: public keys by the names of their owners, each a file relative to the project, or the key itself.
    pub keys: BTreeMap<String, String>,
}

/// `[advisories]`: where known vulnerabilities are published.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AdvisorySettings {
    /// `from`: addresses, and files or directories, relative to the project or absolute. What `kit lock --advisories` pins.
    pub from: Vec<String>,
}

/// `[debian]`: where the archive is, before what the machine's own configuration says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DebianSettings {
    /// Base addresses of mirrors, tried first.
    pub mirrors: Vec<String>,
    /// Base address of an archive that keeps old files, tried last.
    pub snapshot: Option<String>,
    /// Keyring files, relative to the project or absolute; in addition to the machine's.
    pub keyrings: Vec<String>,
}
