//! EROFS, the kernel's read-only file system; both ways.
//!
//! Blocks have 4096 bytes, numbers are little-endian. An image is, in this order:
//!
//! | where | what |
//! |---|---|
//! | byte 0 | 1024 zeros, for boot sectors |
//! | byte 1024 | the superblock, 128 bytes; for compressed images, what the algorithm is told (a length of two bytes, that many bytes) |
//! | slots of 32 bytes | inodes, each with its attributes, its index and its inlined tail; a number of an inode is that of its slot from byte 0 |
//! | blocks | what of directories isn't inlined, in path order |
//! | blocks | what of files isn't inlined, in path order, each content once |
//! | blocks | compressed contents, in path order, each content once |
//!
//! # What is written
//! - **Inodes** are compact (32 bytes, no time: all have the superblock's build time, which is the source date); those that have an id, a
//!   size or a link count that is too large for it are extended (64 bytes, the source date as mtime). The 32-bit inode number is their
//!   rank in path order, from 1.
//! - **Places.** The root comes first, in the superblock's block if there is room, where no other inode is. Each other inode, in path
//!   order, goes with all that belongs to it into the block that is left with the least room; one that needs more than a block begins a new one.
//! - **Tails.** The last bytes of a directory, a symbolic link or a file of less than 256 KiB, those that fill no block, stand behind the inode
//!   when both fit into one block.
//! - **Directories** have `.` and `..` among their names, all sorted by bytes, as many to a block as fit.
//! - **Attributes** stand behind the inode, sorted by name; those of several inodes stand once behind the root, in a shared area, when that is shorter.
//! - **Holes.** A file of 16 MiB or more that has zeros in whole chunks (of 64 KiB, or as many times twice that as give at most 16384
//!   chunks) and at most 64 runs of others has a list of chunks: those of zeros are holes.
//! - **Compressed files** have clusters of up to 64 KiB behind compact indexes; `erofs/compress.rs` says how.
//! - **The identifier** is a hash of the tree's, the source date, the label and the compression, as UUID of version 8.
//! - **Features**: checksum of the superblock and mtime; chunks and compression where they are used. Linux 5.15 reads plain images and LZ4; zstd
//!   needs Linux 6.10, which tells from the list of algorithms.
//!
//! | module | what |
//! |---|---|
//! | [`mod@write`] | [`layout`]: a tree as the one image that there is for it |
//! | [`mod@read`] | [`read()`]: an image into a tree |

mod chunks;
mod compress;
mod directory;
mod inode;
mod inodes;
mod place;
pub mod read;
mod superblock;
pub mod write;
mod xattr;

pub use read::{ErofsReadError, read};
pub use write::{ErofsWriteError, REVISION, layout};

/// What the writer is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The source date in seconds since 1970: the time of everything.
    pub mtime: u64,
    /// The volume's name, at most 16 bytes.
    pub label: String,
    /// How contents are compressed.
    pub compression: Compression,
}

/// How contents of files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// LZ4, with the effort of `lz4hc`. Linux 5.15 reads it.
    Lz4,
    /// Zstandard. Linux 6.10 reads it.
    Zstd {
        /// The effort, 1 to 22.
        level: i32,
    },
}

/// Bytes of a block.
const BLOCK: u64 = 4096;
/// The same, as a binary logarithm.
const BLOCK_BITS: u8 = 12;
/// Inodes stand at multiples of this.
const SLOT: u64 = 32;
/// An address that is none: a hole.
const NOWHERE: u32 = u32::MAX;

#[cfg(test)]
mod tests;
