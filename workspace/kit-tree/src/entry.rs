//! What stands at a path.

use std::collections::BTreeMap;
use std::fmt;

use kit_hash::BlobId;

use crate::TreePath;

/// Permission bits with set-uid, set-gid and sticky: `0o0000` to `0o7777`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mode(u16);

impl Mode {
    /// A directory that everybody may read.
    pub const DIRECTORY: Self = Self(0o755);
    /// A file that everybody may read.
    pub const FILE: Self = Self(0o644);
    /// A program that everybody may run.
    pub const PROGRAM: Self = Self(0o755);

    /// Takes permission bits; none when other bits are set.
    pub fn new(bits: u32) -> Option<Self> {
        u16::try_from(bits).ok().filter(|bits| *bits <= 0o7777).map(Self)
    }

    /// Keeps the permission bits of a `st_mode`.
    pub fn from_st_mode(st_mode: u32) -> Self {
        Self((st_mode & 0o7777) as u16)
    }

    /// Returns the bits.
    pub fn bits(self) -> u32 {
        u32::from(self.0)
    }

    /// Whether anybody may execute it.
    pub fn is_executable(self) -> bool {
        self.0 & 0o111 != 0
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl fmt::Debug for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Mode, owner and extended attributes of an inode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Permission bits.
    pub mode: Mode,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Extended attributes by their full name (`security.capability`), sorted.
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Meta {
    /// Returns the metadata of something that root owns, without attributes.
    pub fn root(mode: Mode) -> Self {
        Self { mode, uid: 0, gid: 0, xattrs: BTreeMap::new() }
    }
}

/// Which table of drivers a device number points into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// A character device.
    Char,
    /// A block device.
    Block,
}

/// What stands at a path of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A directory.
    Directory(Meta),
    /// A regular file.
    File {
        /// Mode, owner, attributes.
        meta: Meta,
        /// Its content.
        blob: BlobId,
        /// Its length in bytes.
        size: u64,
    },
    /// A symbolic link; its mode is always 0777.
    Symlink {
        /// Numeric owner.
        uid: u32,
        /// Numeric group.
        gid: u32,
        /// What it points to, as written.
        target: Vec<u8>,
    },
    /// Another name of the regular file at `target`, whose path sorts first among its names.
    HardLink {
        /// Path of the file.
        target: TreePath,
    },
    /// A device node.
    Device {
        /// Mode, owner, attributes.
        meta: Meta,
        /// Character or block.
        kind: DeviceKind,
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A named pipe.
    Fifo(Meta),
}

impl Entry {
    /// Returns a symbolic link that root owns.
    pub fn symlink(target: impl Into<Vec<u8>>) -> Self {
        Self::Symlink { uid: 0, gid: 0, target: target.into() }
    }

    /// Returns a directory that root owns, mode 0755.
    pub fn directory() -> Self {
        Self::Directory(Meta::root(Mode::DIRECTORY))
    }

    /// Whether this is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self, Self::Directory(_))
    }

    /// Returns mode, owner and attributes; none for symbolic and hard links.
    pub fn meta(&self) -> Option<&Meta> {
        match self {
            Self::Directory(meta)
            | Self::Fifo(meta)
            | Self::File { meta, .. }
            | Self::Device { meta, .. } => Some(meta),
            Self::Symlink { .. } | Self::HardLink { .. } => None,
        }
    }

    /// Like [`Entry::meta`], to change it.
    pub fn meta_mut(&mut self) -> Option<&mut Meta> {
        match self {
            Self::Directory(meta)
            | Self::Fifo(meta)
            | Self::File { meta, .. }
            | Self::Device { meta, .. } => Some(meta),
            Self::Symlink { .. } | Self::HardLink { .. } => None,
        }
    }
}
