//! `kit.toml`: the project's settings. Nothing in it reaches a hash.

use std::collections::BTreeMap;

/// Project settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// `[store] path`, relative to the project.
    pub store: Option<String>,
    /// `[out] path`, relative to the project.
    pub out: Option<String>,
    /// `[debian]`.
    pub debian: DebianSettings,
    /// `[mirrors]`: beginnings of addresses, and what else they can be, tried first.
    pub mirrors: BTreeMap<String, Vec<String>>,
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
