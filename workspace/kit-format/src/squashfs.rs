//! Squashfs 4.0, the compressed file system that is only read; both ways.
//!
//! # What the writer makes of a tree
//! All numbers are little-endian. The parts stand in this order, without gaps:
//!
//! | part | bytes |
//! |---|---|
//! | superblock | 96 bytes: `hsqs`, inodes, the source date, block size, fragments, compressor (1 gzip, 4 xz, 6 zstd), log2 of the block size, flags, owners, 4.0, root inode, bytes used, where the tables are |
//! | compressor options | only for zstd of another level than 15, as `mksquashfs` does: the level |
//! | data | the blocks of all files, and between files the blocks of fragments as they become full |
//! | inode table | metadata blocks |
//! | directory table | metadata blocks |
//! | fragment table | metadata blocks of (start, size), then where each of these blocks is; not there without fragments |
//! | export table | the same of inode references by inode number |
//! | id table | the same of all owners and groups, sorted |
//! | xattr table | metadata blocks of names and values, the same of sets of them; not there without attributes |
//! | padding | zeros to a multiple of 4 KiB |
//!
//! A metadata block has 8192 bytes, the last of a table what is left; before each stands its compressed length in two bytes, 0x8000 added
//! when it isn't compressed because that would not make it shorter. Blocks of data say the same by 0x1000000 in their size.
//!
//! - **Contents** are written once for each blob, in the order of the first path that has it. A file shorter than a block goes to a fragment block, which
//!   is full when the next file doesn't fit; the tail of a longer file is a block of its own, as with `mksquashfs`. A block of zeros isn't stored.
//! - **Inodes** are numbered from 1 in path order. Directories are written in reverse path order, each after what is in it: the files below it that aren't
//!   written yet in the order of names, the directory's listing, its inode. The extended form is taken where the basic one can't hold it: several names,
//!   attributes, zeros that aren't stored, 4 GiB, a listing of more than 8 KiB, which gets an index with one entry for each 8 KiB.
//! - **The export table** costs a few bytes for each file, and gives file handles: overlayfs keeps inode numbers over a copy with them, NFS needs them.
//! - **Attributes** of `user.`, `trusted.` and `security.`, sorted by name; equal sets once. A value of more than 128 bytes that was there before is
//!   a reference to it.
//! - Every block is compressed by itself, so the bytes don't depend on who does it. gzip has level 9; xz has preset 6, a dictionary as large
//!   as a block and CRC-32, since Linux knows no other check.
//!
//! | module | what |
//! |---|---|
//! | [`mod@write`] | [`layout`]: a tree as the one file system that there is for it |
//! | [`mod@read`] | [`read()`]: a file system by anybody into a tree |

mod codec;
mod error;
mod metadata;
pub mod read;
mod superblock;
pub mod write;

pub use error::{SquashfsReadError, SquashfsWriteError};
pub use read::read;
pub use write::{Options, layout};

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compression {
    /// zlib's format, level 9.
    Gzip,
    /// The xz format.
    Xz,
    /// zstd.
    Zstd {
        /// From 1 (fast) to 22 (small).
        level: i32,
    },
}

/// The block size that `mksquashfs` takes too.
pub const BLOCK: u32 = 128 << 10;

/// Block sizes that the format has.
const BLOCKS: std::ops::RangeInclusive<u32> = 4 << 10..=1 << 20;
/// Uncompressed bytes of a full metadata block.
const METADATA: usize = 8 << 10;
/// Set in a metadata block's length when it isn't compressed.
const METADATA_STORED: u16 = 1 << 15;
/// Set in a data block's size when it isn't compressed.
const DATA_STORED: u32 = 1 << 24;
/// No fragment, no attributes.
const NONE: u32 = u32::MAX;
/// A table that isn't there.
const NO_TABLE: u64 = u64::MAX;
/// Names that one header of a directory has at most.
const HEADER_NAMES: usize = 256;
/// What a directory's size has besides its listing: `.` and `..` are counted in.
const DOTS: u32 = 3;
/// The namespaces of attributes, by their number.
const NAMESPACES: [&[u8]; 3] = [b"user.", b"trusted.", b"security."];
/// Set in an attribute's namespace when its value stands elsewhere.
const ELSEWHERE: u16 = 1 << 8;

/// Kinds of inodes; an extended one has [`EXTENDED`] added.
mod kind {
    pub(super) const DIRECTORY: u16 = 1;
    pub(super) const FILE: u16 = 2;
    pub(super) const SYMLINK: u16 = 3;
    pub(super) const BLOCK: u16 = 4;
    pub(super) const CHAR: u16 = 5;
    pub(super) const FIFO: u16 = 6;
    pub(super) const SOCKET: u16 = 7;
    pub(super) const EXTENDED: u16 = 7;
}

#[cfg(test)]
mod tests;
