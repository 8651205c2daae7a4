//! The first 96 bytes.

use super::Compression;

/// What a file system starts with.
const MAGIC: [u8; 4] = *b"hsqs";
/// Its bytes.
pub(super) const SUPERBLOCK: usize = 96;

/// Equal contents are there once.
pub(super) const DUPLICATES: u16 = 0x40;
/// There is a table of inodes by number.
pub(super) const EXPORTABLE: u16 = 0x80;
/// There are no attributes.
pub(super) const NO_XATTRS: u16 = 0x200;
/// Options of the compressor follow the superblock.
pub(super) const COMPRESSOR_OPTIONS: u16 = 0x400;

/// A compressor without its options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Gzip = 1,
    Xz = 4,
    Zstd = 6,
}

impl Compression {
    pub(super) fn method(self) -> Method {
        match self {
            Self::Gzip => Method::Gzip,
            Self::Xz => Method::Xz,
            Self::Zstd { .. } => Method::Zstd,
        }
    }
}

/// The superblock's fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Superblock {
    pub(super) inodes: u32,
    pub(super) mtime: u32,
    pub(super) block: u32,
    pub(super) fragments: u32,
    pub(super) method: Method,
    pub(super) flags: u16,
    pub(super) ids: u16,
    /// Reference of the root's inode.
    pub(super) root: u64,
    /// Bytes without padding.
    pub(super) used: u64,
    pub(super) id_table: u64,
    pub(super) xattr_table: u64,
    pub(super) inode_table: u64,
    pub(super) directory_table: u64,
    pub(super) fragment_table: u64,
    pub(super) export_table: u64,
}

/// What is wrong with a superblock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    Magic,
    Version { major: u16, minor: u16 },
    Compressor(u16),
    Block { size: u32, log: u16 },
}

impl Superblock {
    pub(super) fn encode(&self) -> Vec<u8> {
        let log = u16::try_from(self.block.ilog2()).expect("because it is at most 31");
        let mut bytes = MAGIC.to_vec();
        for number in [self.inodes, self.mtime, self.block, self.fragments] {
            bytes.extend(number.to_le_bytes());
        }
        for number in [self.method as u16, log, self.flags, self.ids, 4, 0] {
            bytes.extend(number.to_le_bytes());
        }
        let tables = [
            self.root,
            self.used,
            self.id_table,
            self.xattr_table,
            self.inode_table,
            self.directory_table,
            self.fragment_table,
            self.export_table,
        ];
        for number in tables {
            bytes.extend(number.to_le_bytes());
        }
        bytes
    }

    pub(super) fn decode(bytes: &[u8; SUPERBLOCK]) -> Result<Self, Wrong> {
        let short = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let word = |at: usize| u32::from(short(at)) | u32::from(short(at + 2)) << 16;
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        if !bytes.starts_with(&MAGIC) {
            return Err(Wrong::Magic);
        }
        let (major, minor) = (short(28), short(30));
        if (major, minor) != (4, 0) {
            return Err(Wrong::Version { major, minor });
        }
        let method = match short(20) {
            1 => Method::Gzip,
            4 => Method::Xz,
            6 => Method::Zstd,
            other => return Err(Wrong::Compressor(other)),
        };
        let (block, log) = (word(12), short(22));
        if !super::BLOCKS.contains(&block) || !block.is_power_of_two() || block.ilog2() != u32::from(log) {
            return Err(Wrong::Block { size: block, log });
        }
        Ok(Self {
            inodes: word(4),
            mtime: word(8),
            block,
            fragments: word(16),
            method,
            flags: short(24),
            ids: short(26),
            root: long(32),
            used: long(40),
            id_table: long(48),
            xattr_table: long(56),
            inode_table: long(64),
            directory_table: long(72),
            fragment_table: long(80),
            export_table: long(88),
        })
    }
}
