//! Why an image is refused.

use std::io;

use crate::inodes::EntryError;

/// Why an image is refused.
#[derive(Debug, thiserror::Error)]
pub enum ErofsReadError {
    /// The bytes can't be had.
    #[error("can't read the image")]
    Read(#[from] io::Error),
    /// It ends too early.
    #[error("the image ends before byte {offset}")]
    Truncated {
        /// What was to be read up to here.
        offset: u64,
    },
    /// It is something else.
    #[error("there is no superblock of EROFS")]
    Superblock,
    /// The first block isn't what it was.
    #[error("the checksum of the superblock is {found:08x}, not {expected:08x}")]
    Checksum {
        /// What it says.
        expected: u32,
        /// What the bytes have.
        found: u32,
    },
    /// It uses what isn't read here.
    #[error("the image has {what}, which aren't read")]
    Unsupported {
        /// What.
        what: &'static str,
    },
    /// One of its entries can't be had.
    #[error(transparent)]
    Entry(#[from] EntryError),
}
