//! How much foreign bytes may cost before they are refused.

use std::io;

/// Bounds on an archive or a file system that somebody else made.
///
/// The defaults take every package in Debian's archive and every usual container layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Members of one archive.
    pub entries: u64,
    /// Bytes of one archive, uncompressed, headers and padding included.
    pub total_bytes: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of names and values of the extended attributes of one member.
    pub xattr_bytes: u64,
    /// Bytes of all long names and PAX records of one archive; of a file system, of all that is in memory: names, directories, attributes, and
    /// what says where contents are.
    pub header_bytes: u64,
    /// Uncompressed bytes for each compressed byte, once [`Limits::RATIO_FLOOR`] bytes came out.
    pub ratio: u64,
    /// Memory of a decompressor, in KiB: the dictionary of xz, the window of zstd.
    pub decoder_kib: u32,
}

impl Limits {
    /// Bytes that may come out of a decompressor at any ratio.
    pub const RATIO_FLOOR: u64 = 128 << 20;

    /// Returns the limits for archives of a package manager or a registry.
    pub const fn standard() -> Self {
        Self {
            entries: 400_000,
            total_bytes: 16 << 30,
            file_bytes: 8 << 30,
            xattr_bytes: 128 << 10,
            header_bytes: 128 << 20,
            ratio: 250,
            decoder_kib: 72 << 10,
        }
    }

    /// Returns the limits for a package's control archive.
    pub const fn control() -> Self {
        Self {
            entries: 1_000,
            total_bytes: 64 << 20,
            file_bytes: 32 << 20,
            header_bytes: 1 << 20,
            ..Self::standard()
        }
    }
}

/// Which limit an input went over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// Too many members.
    #[error("there are more than {limit} members")]
    Entries {
        /// The limit.
        limit: u64,
    },
    /// The archive is too long.
    #[error("the archive has more than {limit} bytes")]
    TotalBytes {
        /// The limit.
        limit: u64,
    },
    /// One file is too long.
    #[error("a file of {size} bytes is over the limit of {limit}")]
    FileBytes {
        /// Length that the member claims.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// Extended attributes are too long.
    #[error("{size} bytes of extended attributes are over the limit of {limit}")]
    XattrBytes {
        /// Bytes of names and values.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// Long names and PAX records are too long.
    #[error("the headers have more than {limit} bytes")]
    HeaderBytes {
        /// The limit.
        limit: u64,
    },
    /// A few bytes unpack to very many.
    #[error("the compressed stream unpacks to more than {limit} times its length")]
    Ratio {
        /// The limit.
        limit: u64,
    },
    /// The stream asks for a large decompressor.
    #[error("the compressed stream needs a decompressor of more than {limit} KiB")]
    DecoderMemory {
        /// The limit in KiB.
        limit: u32,
    },
}

impl From<LimitError> for io::Error {
    fn from(error: LimitError) -> Self {
        Self::new(io::ErrorKind::FileTooLarge, error)
    }
}

/// What reading a file system has cost so far: each step is refused that goes over a limit.
#[derive(Debug)]
pub(crate) struct Budget<'a> {
    limits: &'a Limits,
    count: EntryCount,
    /// Bytes of files.
    content: u64,
    /// Bytes that are kept in memory: of names, attributes and what says where contents are.
    memory: u64,
}

impl<'a> Budget<'a> {
    pub(crate) fn new(limits: &'a Limits) -> Self {
        Self { limits, count: EntryCount::new(limits), content: 0, memory: 0 }
    }

    /// Returns the bounds of all this.
    pub(crate) fn limits(&self) -> &'a Limits {
        self.limits
    }

    /// One more entry, whose path has so many bytes.
    pub(crate) fn entry(&mut self, path: usize) -> Result<(), LimitError> {
        self.count.add()?;
        self.memory(path as u64)
    }

    /// So many more bytes in memory.
    pub(crate) fn memory(&mut self, bytes: u64) -> Result<(), LimitError> {
        self.memory = self.memory.saturating_add(bytes);
        let limit = self.limits.header_bytes;
        if self.memory > limit { Err(LimitError::HeaderBytes { limit }) } else { Ok(()) }
    }

    /// How many bytes may still be kept in memory.
    pub(crate) fn memory_left(&self) -> u64 {
        self.limits.header_bytes.saturating_sub(self.memory)
    }

    /// Attributes of one entry, kept in memory.
    pub(crate) fn attributes(&mut self, size: u64) -> Result<(), LimitError> {
        let limit = self.limits.xattr_bytes;
        if size > limit { Err(LimitError::XattrBytes { size, limit }) } else { self.memory(size) }
    }

    /// The content of one more file.
    pub(crate) fn content(&mut self, size: u64) -> Result<(), LimitError> {
        let Limits { file_bytes, total_bytes, .. } = *self.limits;
        self.content = self.content.saturating_add(size);
        if size > file_bytes {
            Err(LimitError::FileBytes { size, limit: file_bytes })
        } else if self.content > total_bytes {
            Err(LimitError::TotalBytes { limit: total_bytes })
        } else {
            Ok(())
        }
    }
}

/// Counts the members of an archive.
#[derive(Debug)]
pub(crate) struct EntryCount {
    left: u64,
    limit: u64,
}

impl EntryCount {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { left: limits.entries, limit: limits.entries }
    }

    pub(crate) fn add(&mut self) -> Result<(), LimitError> {
        self.left = self.left.checked_sub(1).ok_or(LimitError::Entries { limit: self.limit })?;
        Ok(())
    }
}
