//! tar archives: ustar with PAX extended headers (POSIX.1-2001), both ways, and GNU's long names when reading.
//!
//! | module | what |
//! |---|---|
//! | [`mod@read`] | [`read_tar`]: hostile archives into a tree |
//! | [`mod@write`] | [`TarStream`]: a tree as the one archive that there is for it |
//! | [`error`] | why an archive is refused |

pub mod error;
pub(crate) mod header;
pub(crate) mod pax;
pub mod read;
pub mod write;

pub use error::{TarReadError, TarWriteError};
pub use read::{Devices, Duplicates, Links, TarOptions, read_tar};
pub(crate) use read::{WithGaps, read_tar_with_gaps};
pub use write::{TarStream, write_tar};

/// Bytes of a block: every header is one, every content is padded to a multiple.
pub(crate) const BLOCK: usize = 512;

/// Whether a block is a member's header: what every archive with a member begins with.
pub(crate) fn is_header(block: &[u8; BLOCK]) -> bool {
    header::Header::new(block).is_some()
}

#[cfg(test)]
mod tests;
