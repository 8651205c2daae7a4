//! What recipes choose of the files that hold kernel and root.

use super::FileSystem;

/// How the initrd is compressed: `[kernel] initrd`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum InitrdCompression {
    /// zstd.
    #[default]
    Zstd,
    /// gzip.
    Gzip,
    /// xz.
    Xz,
    /// Not at all.
    None,
}

impl InitrdCompression {
    /// All of them with their words.
    pub const WORDS: [(&str, Self); 4] =
        [("zstd", Self::Zstd), ("gzip", Self::Gzip), ("xz", Self::Xz), ("none", Self::None)];

    /// Returns the word that recipes use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::None => "none",
        }
    }

    /// Returns the option of the kernel's configuration that unpacks it, without `CONFIG_`; none needs none.
    pub fn option(self) -> Option<&'static str> {
        match self {
            Self::Zstd => Some("RD_ZSTD"),
            Self::Gzip => Some("RD_GZIP"),
            Self::Xz => Some("RD_XZ"),
            Self::None => None,
        }
    }
}

/// How the root is compressed where it is a file system of its own: `[disk] compression`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RootCompression {
    /// zstd.
    Zstd,
    /// LZ4.
    Lz4,
    /// xz.
    Xz,
    /// gzip.
    Gzip,
    /// Not at all.
    None,
}

impl RootCompression {
    /// All of them with their words.
    pub const WORDS: [(&str, Self); 5] = [
        ("zstd", Self::Zstd),
        ("lz4", Self::Lz4),
        ("xz", Self::Xz),
        ("gzip", Self::Gzip),
        ("none", Self::None),
    ];

    /// Returns the word that recipes use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
            Self::Xz => "xz",
            Self::Gzip => "gzip",
            Self::None => "none",
        }
    }

    /// Returns those that a file system is written with, the one first that is taken when nothing is said.
    pub fn of(kind: FileSystem) -> &'static [Self] {
        match kind {
            FileSystem::Erofs => &[Self::Lz4, Self::Zstd, Self::None],
            FileSystem::Squashfs => &[Self::Zstd, Self::Xz, Self::Gzip],
            FileSystem::Iso | FileSystem::Ext4 => &[],
        }
    }

    /// Whether a file system is written with it.
    pub fn fits(self, kind: FileSystem) -> bool {
        Self::of(kind).contains(&self)
    }

    /// Returns the option of the kernel's configuration that reads it, without `CONFIG_`; none where the file system alone is enough.
    pub fn option(self, kind: FileSystem) -> Option<&'static str> {
        match (kind, self) {
            (FileSystem::Erofs, Self::Lz4) => Some("EROFS_FS_ZIP"),
            (FileSystem::Erofs, Self::Zstd) => Some("EROFS_FS_ZIP_ZSTD"),
            (FileSystem::Squashfs, Self::Zstd) => Some("SQUASHFS_ZSTD"),
            (FileSystem::Squashfs, Self::Xz) => Some("SQUASHFS_XZ"),
            (FileSystem::Squashfs, Self::Gzip) => Some("SQUASHFS_ZLIB"),
            _ => None,
        }
    }
}

/// How the first process finds the root's partition: `[disk] find`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RootPlace {
    /// By its type, which is that of roots of the architecture.
    #[default]
    Type,
    /// By its label.
    Label,
}

impl RootPlace {
    /// Both with their words.
    pub const WORDS: [(&str, Self); 2] = [("type", Self::Type), ("label", Self::Label)];
}

/// What partitions are called: `[disk.labels]`. None is the name that they have when nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Labels {
    /// The partition that firmware reads; else `esp`.
    pub esp: Option<String>,
    /// The file system in it; else `BOOT`.
    pub fat: Option<String>,
    /// The root's; else `root`. That of its digests has `-verity` behind it.
    pub root: Option<String>,
    /// The one for data; else `data`.
    pub data: Option<String>,
}

impl Labels {
    /// Returns each with its key, in the order of the keys.
    pub fn each(&self) -> [(&'static str, Option<&str>); 4] {
        [
            ("data", self.data.as_deref()),
            ("esp", self.esp.as_deref()),
            ("fat", self.fat.as_deref()),
            ("root", self.root.as_deref()),
        ]
    }

    /// Returns what the root's partition is called.
    pub fn root(&self) -> &str {
        self.root.as_deref().unwrap_or("root")
    }
}

/// UTF-16 units that a label in a table of partitions has at most.
pub const LABEL_UNITS: usize = 36;
/// Letters that the label of a FAT file system has at most.
pub const FAT_LABEL: usize = 11;
