//! What a FAT file system can't hold.

use kit_tree::TreePath;

use super::{Kind, NameError};
use crate::largest::Largest;

/// Why a tree can't be written as a FAT file system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FatWriteError {
    /// Something that is neither file nor directory.
    #[error("`{path}` is {what}; FAT holds only files and directories")]
    Entry {
        /// Where it is.
        path: TreePath,
        /// What it is.
        what: &'static str,
    },
    /// Extended attributes, which FAT doesn't have.
    #[error("`{path}` has the extended attribute `{name}`, which FAT can't hold")]
    Xattr {
        /// Where it is.
        path: TreePath,
        /// Name of the attribute.
        name: String,
    },
    /// A name that may not stand in a directory.
    #[error("the name of `{path}` can't stand in a FAT file system: {source}")]
    Name {
        /// Where it is.
        path: TreePath,
        /// Why.
        source: NameError,
    },
    /// Names that are one when upper and lower case are.
    #[error("`{first}` and `{second}` are one name to FAT, which knows no upper and lower case")]
    Case {
        /// The one that sorts first.
        first: TreePath,
        /// The other.
        second: TreePath,
    },
    /// A file of 4 GiB or more.
    #[error("`{path}` has {size} bytes; FAT holds less than 4 GiB")]
    FileSize {
        /// The file.
        path: TreePath,
        /// Its length.
        size: u64,
    },
    /// A directory with too many entries, long names counted by their parts.
    #[error("the directory `{path}` needs {entries} entries, more than 65520")]
    Directory {
        /// The directory.
        path: TreePath,
        /// How many.
        entries: usize,
    },
    /// A label that the format doesn't have.
    #[error("the label `{label}` isn't up to 11 upper-case letters, digits, spaces and `-_!#$%&'()@^{{}}~`")]
    Label {
        /// The label.
        label: String,
    },
    /// A source date after 2107.
    #[error("the source date {seconds} is after 2107, where FAT's dates end")]
    Date {
        /// Seconds since 1970.
        seconds: u64,
    },
    /// A file system has whole sectors.
    #[error("a file system of {size} bytes doesn't end with a sector of 512")]
    Sectors {
        /// The given size.
        size: u64,
    },
    /// No file system of that kind has that size.
    #[error("a {kind} file system has {least} to {most} bytes, not {size}")]
    KindSize {
        /// The kind.
        kind: Kind,
        /// The given size, or the one that is needed.
        size: u64,
        /// The smallest one.
        least: u64,
        /// The largest one.
        most: u64,
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
