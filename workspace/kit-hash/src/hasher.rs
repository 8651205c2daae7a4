//! Both digests of one stream, in one pass.

use std::io::{self, Write};

use sha2::Digest as _;

use crate::{BlobId, Identity as _, Sha256};

/// What a stream of bytes turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobDigests {
    /// Its BLAKE3 digest.
    pub blob: BlobId,
    /// Its SHA-256 digest.
    pub sha256: Sha256,
    /// Its length in bytes.
    pub size: u64,
}

/// Hashes what is written to it by BLAKE3 and SHA-256.
#[derive(Debug, Default)]
pub struct BlobHasher {
    blake3: blake3::Hasher,
    sha256: sha2::Sha256,
    size: u64,
}

impl BlobHasher {
    /// Starts an empty stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream.
    pub fn update(&mut self, bytes: &[u8]) {
        self.blake3.update(bytes);
        self.sha256.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// Returns the digests of all bytes taken.
    pub fn finish(self) -> BlobDigests {
        BlobDigests {
            blob: BlobId::from_bytes(self.blake3.finalize().into()),
            sha256: Sha256::from_bytes(self.sha256.finalize().into()),
            size: self.size,
        }
    }
}

impl Write for BlobHasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl BlobId {
    /// Hashes bytes that are in memory.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_bytes(*blake3::hash(bytes).as_bytes())
    }

    /// Hashes a stream to its end.
    pub fn of_reader(mut reader: impl io::Read) -> io::Result<(Self, u64)> {
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; 128 * 1024];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => _ = hasher.update(&buffer[..n]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok((Self::from_bytes(hasher.finalize().into()), hasher.count()))
    }
}
