//! What can go wrong, and which thing in the store it concerns.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use kit_hash::{BlobId, DecodeError, DerivationId, ResolvedId, Sha256, TreeId};
use rustix::io::Errno;

/// One thing in the store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// The content of a file.
    Blob(BlobId),
    /// The same content, executable.
    Program(BlobId),
    /// A file tree.
    Tree(TreeId),
    /// What a resolved derivation came to.
    Record(ResolvedId),
    /// What a derivation last resolved to.
    Memo(DerivationId),
    /// A blob's name by SHA-256.
    Sha256(Sha256),
    /// A read-only directory of a tree.
    Materialised(TreeId),
    /// What a name keeps alive.
    Root(String),
    /// The unfinished things of a session under `tmp/`.
    Temporary(String),
    /// Something that the store didn't put there, by its path in the store.
    Stranger(String),
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blob(id) => write!(f, "blob `{id}`"),
            Self::Program(id) => write!(f, "program `{id}`"),
            Self::Tree(id) => write!(f, "tree `{id}`"),
            Self::Record(id) => write!(f, "record `{id}`"),
            Self::Memo(id) => write!(f, "memo `{id}`"),
            Self::Sha256(id) => write!(f, "name `sha256:{id}`"),
            Self::Materialised(id) => write!(f, "materialised tree `{id}`"),
            Self::Root(name) => write!(f, "root `{name}`"),
            Self::Temporary(name) => write!(f, "session `{name}`"),
            Self::Stranger(path) => write!(f, "file `{path}`"),
        }
    }
}

/// How a thing in the store differs from what was put there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It hashes to something else than its name.
    #[error("expected blake3 {expected}, found {found}")]
    Digest {
        /// The digest that is its name.
        expected: BlobId,
        /// The digest of what is there.
        found: BlobId,
    },
    /// Its SHA-256 is another one than its name says.
    #[error("expected sha256 {expected}, found {found}")]
    Sha256 {
        /// The digest that is its name.
        expected: Sha256,
        /// The digest of what is there.
        found: Sha256,
    },
    /// It has another length than the tree says.
    #[error("expected {expected} bytes, found {found}")]
    Size {
        /// Length by the tree.
        expected: u64,
        /// Length on disk.
        found: u64,
    },
    /// It has other permission bits, perhaps writable ones.
    #[error("expected mode {expected:04o}, found {found:04o}")]
    Mode {
        /// The mode the store gave it.
        expected: u32,
        /// The mode on disk.
        found: u32,
    },
    /// It is no regular file, or no directory where one belongs.
    #[error("something else stands in its place")]
    Kind,
    /// The seal is another one: it was torn or edited.
    #[error("its seal is broken")]
    Seal,
    /// The bytes are no canonical encoding.
    #[error(transparent)]
    Encoding(#[from] DecodeError),
    /// The directory holds something else than its tree.
    #[error("expected tree {expected}, found {found}")]
    Content {
        /// What an undamaged directory reads back as.
        expected: TreeId,
        /// What this one reads back as.
        found: TreeId,
    },
}

/// Why the store can't do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory holds something else.
    #[error("`{path}` is no store: `{found}` is in it")]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// What was found there.
        found: String,
    },
    /// The store was made by another version.
    #[error("the store `{path}` has format `{found}`, this program reads `{supported}`")]
    Version {
        /// The store.
        path: PathBuf,
        /// First line of its version file.
        found: String,
        /// What this version writes.
        supported: &'static str,
    },
    /// The file system is mounted read-only.
    #[error("can't {action} `{path}`: the file system is read-only")]
    ReadOnly {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
    },
    /// The user may not do it.
    #[error("can't {action} `{path}`: permission denied")]
    Denied {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
    },
    /// The disk, quota or file size limit is reached; nothing half-written stays.
    #[error("no space is left for `{path}`{}", needs(*needed))]
    Full {
        /// What was being written.
        path: PathBuf,
        /// Bytes it needs, as far as they were known.
        needed: u64,
        /// What the system said.
        source: io::Error,
    },
    /// It isn't in the store.
    #[error("{item} is not in the store `{store}`")]
    Missing {
        /// What is asked for.
        item: Item,
        /// Where it isn't.
        store: PathBuf,
    },
    /// It is there, but not as it was put there.
    #[error("{item} in the store `{store}` is damaged")]
    Corrupt {
        /// What is damaged.
        item: Item,
        /// Where it is.
        store: PathBuf,
        /// How it differs.
        source: Box<Damage>,
    },
    /// Others use the store, so that nothing can be collected now.
    #[error("the store `{path}` is in use")]
    Busy {
        /// The store.
        path: PathBuf,
    },
    /// The content that was to be kept can't be read.
    #[error("can't read the content to store")]
    Content(#[source] io::Error),
    /// Something else.
    #[error("can't {action} `{path}`")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn needs(bytes: u64) -> String {
    if bytes == 0 { String::new() } else { format!(", which needs at least {bytes} bytes") }
}

impl StoreError {
    /// Gives a system error its place and meaning.
    pub fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::io_sized(action, path, 0, source)
    }

    /// Like [`StoreError::io`], for a write of `needed` bytes.
    pub fn io_sized(action: &'static str, path: impl Into<PathBuf>, needed: u64, source: io::Error) -> Self {
        let path = path.into();
        match source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => Self::Full { path, needed, source },
            Some(Errno::ROFS) => Self::ReadOnly { action, path },
            Some(Errno::ACCESS | Errno::PERM) => Self::Denied { action, path },
            _ => Self::Io { action, path, source },
        }
    }

    /// Finds the store's error inside an [`io::Error`] that came out of a reader or sink.
    pub fn inside(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// Returns what is damaged or missing, so that it can be discarded and made anew.
    pub fn damaged(&self) -> Option<&Item> {
        match self {
            Self::Corrupt { item, .. } | Self::Missing { item, .. } => Some(item),
            _ => None,
        }
    }

    /// Returns the stable code of the problem.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Foreign { .. } => "kit::store::foreign",
            Self::Version { .. } => "kit::store::version",
            Self::ReadOnly { .. } => "kit::store::read_only",
            Self::Denied { .. } => "kit::store::denied",
            Self::Full { .. } => "kit::store::full",
            Self::Missing { .. } => "kit::store::missing",
            Self::Corrupt { .. } => "kit::store::corrupt",
            Self::Busy { .. } => "kit::store::busy",
            Self::Content(_) => "kit::store::content",
            Self::Io { .. } => "kit::store::io",
        }
    }

    /// Returns what the user can do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Foreign { .. } => {
                Some("name an empty directory, or one that does not exist yet, as the store")
            }
            Self::Version { .. } => {
                Some("use the version of kit that made it, or another directory as the store")
            }
            Self::ReadOnly { .. } => Some("use a directory on a writable file system as the store"),
            Self::Denied { .. } => {
                Some("use a store that your user owns, or change the owner of all files in this one")
            }
            Self::Full { .. } => {
                Some("run `kit store gc` or make room on its disk; what was stored so far is kept")
            }
            Self::Missing { .. } => Some("build again: it is fetched or made anew"),
            Self::Corrupt { .. } => {
                Some("run `kit store verify --repair`, then build again: it is fetched or made anew")
            }
            Self::Busy { .. } => Some("try again when the other kit processes are done"),
            Self::Content(_) | Self::Io { .. } => None,
        }
    }
}

impl From<StoreError> for io::Error {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Missing { .. } => io::ErrorKind::NotFound,
            StoreError::Corrupt { .. } => io::ErrorKind::InvalidData,
            StoreError::Full { .. } => io::ErrorKind::StorageFull,
            StoreError::ReadOnly { .. } => io::ErrorKind::ReadOnlyFilesystem,
            StoreError::Denied { .. } => io::ErrorKind::PermissionDenied,
            StoreError::Content(source) | StoreError::Io { source, .. } => source.kind(),
            _ => io::ErrorKind::Other,
        };
        match error {
            StoreError::Content(source) => source,
            error => Self::new(kind, error),
        }
    }
}

/// Adds its place to a system error.
pub(crate) trait At<T> {
    /// Says what was tried where.
    fn at(self, action: &'static str, path: &Path) -> Result<T, StoreError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|e| StoreError::io(action, path, e))
    }
}
