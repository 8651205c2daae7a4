//! What is mounted in a container.

/// A host path, or a volume, made visible in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// What is made visible.
    pub source: BindSource,
    /// Absolute path in the container.
    pub destination: String,
    /// Mount options; `ro`, `nosuid`, `nodev` when none are given.
    pub options: Vec<String>,
}

/// What a bind makes visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BindSource {
    /// An absolute path of the machine.
    Path(String),
    /// A volume of the image.
    Volume(crate::Name),
}

impl BindSource {
    /// Returns it as it is written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Path(path) => path,
            Self::Volume(name) => name.as_str(),
        }
    }
}

/// A file system in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tmpfs {
    /// Absolute path in the container.
    pub destination: String,
    /// Mount options; `nosuid`, `nodev`, `noexec` when none are given.
    pub options: Vec<String>,
}

/// Any mount, as mount(8) has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Absolute path in the container.
    pub destination: String,
    /// Type of the file system, or `bind`.
    pub kind: String,
    /// Device, path, or any word for a file system without one.
    pub source: String,
    /// Mount options.
    pub options: Vec<String>,
}
