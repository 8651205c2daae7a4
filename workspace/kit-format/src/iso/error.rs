//! Why there is no ISO of a tree.

use std::io;

use kit_tree::TreePath;

use crate::grub::GrubError;

/// Why a tree can't be written as an ISO that Linux mounts as the same tree.
#[derive(Debug, thiserror::Error)]
pub enum IsoWriteError {
    /// A label that isn't one.
    #[error("`{label}` is no label of an ISO: 1 to {limit} of `A-Z a-z 0-9 _ - .`")]
    Label {
        /// The label.
        label: String,
        /// How long it may be.
        limit: usize,
    },
    /// A source date that needs more than 32 bits.
    #[error("the source date {mtime} is after 2106, the last year here")]
    Date {
        /// Seconds since 1970.
        mtime: u64,
    },
    /// A name that Linux would cut.
    #[error("the name of `{path}` has {length} bytes; Linux reads {limit} of an ISO")]
    Name {
        /// The path.
        path: TreePath,
        /// Bytes of its last name.
        length: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Extended attributes, which Rock Ridge doesn't have.
    #[error("`{path}` has the extended attribute `{name}`, which an ISO can't hold")]
    Xattr {
        /// The path.
        path: TreePath,
        /// Name of the attribute.
        name: String,
    },
    /// A file of more parts than Linux puts together.
    #[error("`{path}` has {size} bytes; Linux reads {limit} of a file on an ISO")]
    FileSize {
        /// The file.
        path: TreePath,
        /// Its length.
        size: u64,
        /// How long it may be.
        limit: u64,
    },
    /// A symbolic link that is empty or too long.
    #[error("the symbolic link `{path}` points to {length} bytes, not to 1 to {limit}")]
    SymlinkTarget {
        /// The link.
        path: TreePath,
        /// Bytes of its target.
        length: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A device number that Linux would read as another.
    #[error("an ISO can't hold the device number {major},{minor} of `{path}`")]
    DeviceNumber {
        /// The device.
        path: TreePath,
        /// Its major number.
        major: u32,
        /// Its minor number.
        minor: u32,
    },
    /// More directories than a path table has numbers for.
    #[error("there are {count} directories; an ISO holds {limit}")]
    Directories {
        /// How many.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// More bytes than blocks have numbers.
    #[error("the ISO would have {size} bytes, {} more than the {limit} that it can have", size.saturating_sub(*limit))]
    Size {
        /// How many.
        size: u64,
        /// How many there may be.
        limit: u64,
    },
    /// A boot image that isn't in the tree, or is no file.
    #[error("there is no file `{path}`, which the firmware is to start")]
    NoBootImage {
        /// Where it should be.
        path: TreePath,
    },
    /// A boot image that isn't one.
    #[error("`{path}` has {size} bytes; what a BIOS starts has {least} to {limit}")]
    BootImageSize {
        /// The file.
        path: TreePath,
        /// Its length.
        size: u64,
        /// How long it must be.
        least: u64,
        /// How long it may be.
        limit: u64,
    },
    /// GRUB can't be told where it lies.
    #[error("the ISO can't be started from a disk")]
    Grub(#[from] GrubError),
    /// Content can't be read.
    #[error("can't read the content of `{path}`")]
    Content {
        /// The file.
        path: TreePath,
        /// Why.
        source: io::Error,
    },
}
