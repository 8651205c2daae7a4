//! Zip archives, as sources come in them.
//!
//! | module | what |
//! |---|---|
//! | [`read`] | [`read_zip`]: hostile archives into a tree |
//! | `directory` | the central directory, which says what is where |
//! | [`error`] | [`ZipError`] |

mod directory;
pub mod error;
pub mod read;

pub use error::ZipError;
pub use read::read_zip;

/// Tells a zip archive by its first bytes: a member's header, or the end of an archive without members.
pub fn is_zip(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06")
}

#[cfg(test)]
mod tests;
