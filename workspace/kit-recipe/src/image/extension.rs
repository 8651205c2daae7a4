//! An image that systemd lays over the files of a system that runs.

/// `[extension]`: which systems it is for, as systemd compares it with their `os-release`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// `ID` of the system, or `_any`.
    pub id: String,
    /// `VERSION_ID` of the system.
    pub version_id: Option<String>,
    /// `SYSEXT_LEVEL` or `CONFEXT_LEVEL` of the system, which counts instead of its version where both have one.
    pub level: Option<String>,
    /// When it is laid over the system's files; none leaves that to systemd: into the running system, and into a portable service.
    pub scope: Vec<Scope>,
}

/// A place where extensions are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The system that runs.
    System,
    /// The initrd, before it.
    Initrd,
    /// A portable service.
    Portable,
}

impl Scope {
    /// Returns systemd's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Initrd => "initrd",
            Self::Portable => "portable",
        }
    }
}
