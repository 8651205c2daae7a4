//! Why a disk can't be written, or read.

use std::io;

use super::DiskFormat;

/// Why a disk isn't written in a format.
#[derive(Debug, thiserror::Error)]
pub enum DiskWriteError {
    /// There is nothing to write.
    #[error("the disk is empty")]
    Empty,
    /// A machine reads whole sectors.
    #[error("the disk has {size} bytes, which are no whole sectors of 512, as `{format}` wants them")]
    NoSectors {
        /// Bytes of the disk.
        size: u64,
        /// The format.
        format: DiskFormat,
    },
    /// The format can't hold as much.
    #[error("the disk has {size} bytes, {} more than the {limit} that `{format}` holds", size.saturating_sub(*limit))]
    TooLarge {
        /// Bytes of the disk.
        size: u64,
        /// Bytes that fit.
        limit: u64,
        /// The format.
        format: DiskFormat,
    },
    /// The file would be longer than the format can say.
    #[error("the file has {size} bytes so far, and one of `{format}` has {limit} at most")]
    FileTooLarge {
        /// Bytes of the file.
        size: u64,
        /// Bytes that fit.
        limit: u64,
        /// The format.
        format: DiskFormat,
    },
    /// A name that files in an archive can't have.
    #[error("`{name}` has {} bytes, and names in `{format}` have {limit} at most", name.len())]
    LongName {
        /// The name.
        name: String,
        /// Bytes that fit.
        limit: usize,
        /// The format.
        format: DiskFormat,
    },
    /// A name that no file can have.
    #[error("`{name}` is no name for files in `{format}`")]
    BadName {
        /// The name.
        name: String,
        /// The format.
        format: DiskFormat,
    },
    /// The disk has another size than was said.
    #[error("the disk has {found} bytes or more, not {stated}")]
    OtherSize {
        /// Bytes that it was said to have.
        stated: u64,
        /// Bytes that came.
        found: u64,
    },
    /// The disk changed while it was written.
    #[error("the disk changed while it was read")]
    Changed,
    /// The disk can't be read.
    #[error("the disk can't be read")]
    Read(#[source] io::Error),
    /// The file can't be written.
    #[error("the file can't be written")]
    Write(#[source] io::Error),
}

/// Why the disk in a file can't be had.
#[derive(Debug, thiserror::Error)]
pub enum DiskReadError {
    /// It is nothing that is known.
    #[error("it is no disk and no container of one")]
    Unknown,
    /// The file ends too early.
    #[error("it is cut off: {what} ends at byte {end}, and the file has {length}")]
    Truncated {
        /// What isn't there as a whole.
        what: &'static str,
        /// Where it ends.
        end: u64,
        /// Bytes of the file.
        length: u64,
    },
    /// Something in the file contradicts its format.
    #[error("it is damaged as `{format}`: {what}")]
    Damaged {
        /// The format.
        format: DiskFormat,
        /// What is wrong.
        what: &'static str,
    },
    /// The disk isn't in this file alone, or in a form that isn't read.
    #[error("it is `{format}` with {feature}, which kit doesn't read")]
    Unsupported {
        /// The format.
        format: DiskFormat,
        /// What it has.
        feature: &'static str,
    },
    /// The disk is larger than is allowed.
    #[error("the disk inside has {size} bytes or more, over the limit of {limit}")]
    TooLarge {
        /// Bytes that it has, or says it has.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The file can't be read.
    #[error("it can't be read")]
    Io(#[source] io::Error),
}

/// Takes the reason out of what a stream of the disk failed with.
impl From<io::Error> for DiskReadError {
    fn from(error: io::Error) -> Self {
        error.downcast().unwrap_or_else(Self::Io)
    }
}

impl From<DiskReadError> for io::Error {
    fn from(error: DiskReadError) -> Self {
        match error {
            DiskReadError::Io(error) => error,
            other => Self::new(io::ErrorKind::InvalidData, other),
        }
    }
}
