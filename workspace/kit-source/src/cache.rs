//! Where index files are kept between runs.

use kit_hash::Sha256;

/// Keeps verified files by their digest. What it returns is hashed again before it is used.
pub trait Cache {
    /// Returns the bytes with this digest, if they are there.
    fn get(&self, sha256: &Sha256) -> Option<Vec<u8>>;
    /// Keeps bytes; a failure only costs a download later.
    fn put(&self, sha256: &Sha256, bytes: &[u8]);
}

/// Keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCache;

impl Cache for NoCache {
    fn get(&self, _: &Sha256) -> Option<Vec<u8>> {
        None
    }
    fn put(&self, _: &Sha256, _: &[u8]) {}
}
