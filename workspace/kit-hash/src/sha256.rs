//! SHA-256 digests, where other people's formats name bytes by them.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use sha2::Digest as _;

use crate::hex::{self, HexError};

/// A SHA-256 digest; shown as 64 hexadecimal digits, in OCI's form by [`Sha256::oci`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// Wraps a raw digest.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Hashes bytes that are in memory.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// Returns the raw digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns `sha256:<hex>`, the form of an OCI descriptor.
    pub fn oci(&self) -> String {
        format!("sha256:{self}")
    }

    /// Parses `sha256:<hex>`.
    pub fn from_oci(text: &str) -> Result<Self, HexError> {
        text.strip_prefix("sha256:").ok_or(HexError::Prefix("sha256"))?.parse()
    }

    /// Returns the first 12 hexadecimal digits, for people.
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(12);
        text
    }
}

/// Hashes what is read through it.
pub struct Sha256Reader<R> {
    reader: R,
    hasher: sha2::Sha256,
    size: u64,
}

impl<R> Sha256Reader<R> {
    /// Starts with nothing read.
    pub fn new(reader: R) -> Self {
        Self { reader, hasher: sha2::Sha256::new(), size: 0 }
    }

    /// Returns how many bytes were read.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the digest of all bytes read.
    pub fn finish(self) -> Sha256 {
        Sha256(self.hasher.finalize().into())
    }
}

impl<R: Read> Read for Sha256Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.size += count as u64;
        Ok(count)
    }
}

impl<R> fmt::Debug for Sha256Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sha256Reader").field("size", &self.size).finish_non_exhaustive()
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(&self.0, f)
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({})", self.short())
    }
}

impl FromStr for Sha256 {
    type Err = HexError;
    fn from_str(text: &str) -> Result<Self, HexError> {
        hex::parse(text).map(Self)
    }
}
