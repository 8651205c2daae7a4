//! What an ext4 file system can't hold, and why one is refused.

use std::io;

use kit_tree::TreePath;

use crate::inodes::EntryError;
use crate::largest::Largest;

/// Why a tree can't be written as an ext4 file system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ext4WriteError {
    /// The volume's name is too long.
    #[error("the label `{label}` has {} bytes; ext4 holds 16", label.len())]
    Label {
        /// The name.
        label: String,
    },
    /// A source date after 2446.
    #[error("the source date {seconds} is after 2446, where ext4's dates end")]
    Date {
        /// Seconds since 1970.
        seconds: u64,
    },
    /// A symbolic link that Linux can't follow: empty, or longer than 4095 bytes.
    #[error("the symbolic link `{path}` points to {length} bytes, not to 1 to 4095")]
    SymlinkTarget {
        /// The link.
        path: TreePath,
        /// Bytes of its target.
        length: usize,
    },
    /// A device number that Linux doesn't have.
    #[error("the device number {major},{minor} of `{path}` is larger than Linux has them")]
    DeviceNumber {
        /// The device.
        path: TreePath,
        /// Its major number.
        major: u32,
        /// Its minor number.
        minor: u32,
    },
    /// A file with too many names.
    #[error("`{path}` has {links} names; ext4 counts 65000")]
    Links {
        /// The first of them.
        path: TreePath,
        /// How many there are.
        links: u32,
    },
    /// An extended attribute of none of the kinds that ext4 knows.
    #[error(
        "`{path}` has the extended attribute `{name}`; ext4 holds user, trusted, security and access control lists"
    )]
    XattrName {
        /// The entry.
        path: TreePath,
        /// Name of the attribute.
        name: String,
    },
    /// An access control list that is none.
    #[error("the extended attribute `{name}` of `{path}` is no access control list")]
    AccessControlList {
        /// The entry.
        path: TreePath,
        /// Name of the attribute.
        name: String,
    },
    /// The extended attributes are too long together.
    #[error(
        "the extended attributes of `{path}` take {size} bytes more than there are behind an inode; ext4 has a block of {room} for them"
    )]
    Xattrs {
        /// The entry.
        path: TreePath,
        /// Bytes of those that don't fit behind the inode.
        size: usize,
        /// Bytes of the block that can be used.
        room: usize,
    },
    /// A file or directory that is too long.
    #[error("`{path}` has {size} bytes; ext4 holds less than {limit}")]
    FileSize {
        /// The file.
        path: TreePath,
        /// Its length.
        size: u64,
        /// What ext4 holds.
        limit: u64,
    },
    /// The place where lost files are kept is taken.
    #[error("`/lost+found` is not a directory; ext4 keeps in it what was lost")]
    LostAndFound,
    /// There are too many bytes or files.
    #[error("the file system would have {size} bytes; ext4 with blocks of 4096 holds less than 16 TiB")]
    Size {
        /// How many.
        size: u64,
    },
    /// A file system has whole blocks.
    #[error("a file system of {size} bytes doesn't end with a block of 4096")]
    Blocks {
        /// The given size.
        size: u64,
    },
    /// The files don't fit.
    #[error("the files need {needed} bytes, {} more than the given {size}; {largest}", needed.saturating_sub(*size))]
    TooLarge {
        /// Bytes that a file system for them has.
        needed: u64,
        /// The given size.
        size: u64,
        /// What takes most of that.
        largest: Largest,
    },
}

/// Why a file system is refused.
#[derive(Debug, thiserror::Error)]
pub enum Ext4ReadError {
    /// The bytes can't be had.
    #[error("can't read the file system")]
    Read(#[from] io::Error),
    /// It ends too early.
    #[error("the file system ends before byte {offset}")]
    Truncated {
        /// What was to be read up to here.
        offset: u64,
    },
    /// It is something else.
    #[error("there is no superblock of ext4")]
    Superblock,
    /// A part of it isn't what it was.
    #[error("the checksum of the {what} is {found:08x}, not {expected:08x}")]
    Checksum {
        /// What.
        what: &'static str,
        /// What it says.
        expected: u32,
        /// What the bytes have.
        found: u32,
    },
    /// It uses what isn't read here.
    #[error("the file system has {what}, which aren't read")]
    Unsupported {
        /// What.
        what: &'static str,
    },
    /// One of its entries can't be had.
    #[error(transparent)]
    Entry(#[from] EntryError),
}
