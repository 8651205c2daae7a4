//! ext4, the kernel's usual file system that can be written to; both ways.
//!
//! Blocks have 4096 bytes, inodes 256, groups 32768 blocks; numbers are little-endian, those of the journal big-endian. An image is, in this order:
//!
//! | where | what |
//! |---|---|
//! | byte 0 | 1024 zeros, for boot sectors |
//! | byte 1024 | the superblock, 1024 bytes; zeros up to the end of the block |
//! | blocks | a descriptor of 64 bytes for each group |
//! | blocks | kept for descriptors of more groups: each has the numbers of its copies |
//! | a block for each group | which of its blocks are used; bits behind the last block are ones |
//! | a block for each group | which of its inodes are used; bits behind the last inode are ones |
//! | blocks for each group | its inodes |
//! | a block | where descriptors of more groups will have their places |
//! | blocks | the journal, empty: a superblock of its own, zeros |
//! | blocks | of each inode in path order: its content, the nodes of its tree of extents, its block of attributes |
//! | the rest | zeros: it is free |
//!
//! Groups 1 and those whose number is a power of 3, 5 or 7 begin with copies of superblock and descriptors, and zeros for as many more; all else leaves
//! these blocks out, a group's inodes always stand together.
//!
//! # What is written
//! - **Inodes** have numbers in path order, from 12 on; the root has 2, the journal 8 and `/lost+found` 11. That directory is made, root's and
//!   0700, with four blocks, where the tree has none. All times are the source date, nanoseconds and generations are zero.
//! - **Contents** are in as few extents as copies of the superblock and the 32768 blocks of an extent allow. Equal contents are stored as often
//!   as files have them: all of them can be written to. Targets of less than 60 bytes stand in the inode.
//! - **Directories** are lists, `.`, `..`, then the names sorted by bytes, as many to a block as fit, a checksum at the end of each. Where that
//!   takes more than a block (or four, for `/lost+found`), there is a hash tree before names that are sorted by their hashes, each block as full as it gets:
//!   half an MD4, of bytes with signs, begun from the seed. Where a tree of two levels has no room for all, it stays a list: from 258570 blocks on.
//! - **Attributes** are sorted by the number of their kind, the length of their name, their name. Those that still fit stand behind the inode,
//!   the others in a block, which inodes that have the same share, 1024 at most. Access control lists are in ext4's own form.
//! - **The size** is a given one, or as many blocks as there must be for what is in it and what is to be free. There is an inode for each 16
//!   KiB, and at least a quarter more than are used. The journal has 4 MiB up to 128 MiB, 16 up to 1 GiB, 32 up to 2 GiB, 64 up to 16 GiB, 128 above.
//!   A last group that has less than 64 blocks beside its copies is left away. No block is reserved for root.
//! - **Growing**: Linux and `resize2fs` can make it up to 1024 times as large without moving anything, 8 TiB at most. The blocks for that are those of inode 7, by the
//!   block that stands before the journal. A file system so small that its one block of descriptors will do has neither.
//! - **Identifiers**: UUID (version 8) and the seed of directory hashes are a hash of the tree's identity, the source date, the label and the size.
//! - **Features**: `has_journal ext_attr resize_inode dir_index filetype extent 64bit flex_bg sparse_super large_file huge_file dir_nlink extra_isize
//!   metadata_csum`, mount options `user_xattr acl`; nothing is left to be initialised later.
//!
//! | module | what |
//! |---|---|
//! | [`mod@write`] | [`layout`]: a tree as the one file system that there is for it |
//! | [`mod@read`] | [`read()`]: a file system into a tree |

mod acl;
mod attribute_block;
mod checksum;
mod directory;
mod error;
mod extents;
mod fields;
mod geometry;
mod groups;
mod half_md4;
mod hash_tree;
mod inode;
mod journal;
mod nodes;
pub mod read;
mod space;
mod superblock;
pub mod write;
mod xattr;

pub use error::{Ext4ReadError, Ext4WriteError};
pub use read::read;
pub use write::{REVISION, layout};

/// How large a file system is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// So many bytes.
    Exactly(u64),
    /// As many as the files need, and so many free ones.
    Fitting {
        /// Bytes that are free, at least.
        spare: u64,
    },
}

/// What the writer is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The source date in seconds since 1970: the time of everything.
    pub mtime: u64,
    /// The volume's name, at most 16 bytes.
    pub label: String,
    /// How large the file system is.
    pub size: Size,
}

/// Bytes of a block.
const BLOCK: u64 = 4096;
/// The same, where it is a length in memory.
const BLOCK_BYTES: usize = 4096;
/// Bytes of an inode.
const INODE: u64 = 256;
/// The same, where it is a length in memory.
const INODE_BYTES: usize = 256;
/// The longest target of a symbolic link, as Linux has it.
const TARGET_MAX: usize = 4095;
/// Bytes in an inode for extents, a short target or a device number.
const INLINE: usize = 60;
/// The root's inode.
const ROOT: u32 = 2;
/// The inode of blocks that are kept for descriptors of more groups.
const GROWTH: u32 = 7;
/// The journal's inode.
const JOURNAL: u32 = 8;
/// The inode of `/lost+found`, the first that isn't reserved.
const LOST_AND_FOUND: u32 = 11;

#[cfg(test)]
mod tests;
