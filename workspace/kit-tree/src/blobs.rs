//! The seam to where file contents live.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Mutex;

use kit_hash::BlobId;

/// Gives the content of a blob.
pub trait Blobs: Sync {
    /// Opens a blob; the reader fails at its end when the bytes don't hash to `id`.
    fn open(&self, id: &BlobId) -> io::Result<Box<dyn Read + '_>>;

    /// Reads a whole blob of at most `limit` bytes into memory.
    fn read(&self, id: &BlobId, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(id)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("blob {id} is over {limit} bytes"),
            ));
        }
        Ok(bytes)
    }
}

/// Takes content and keeps it under its digest.
pub trait BlobSink: Sync {
    /// Takes a stream to its end; returns its digest and length.
    fn put(&self, content: &mut dyn Read) -> io::Result<(BlobId, u64)>;
}

/// Blobs in memory: small generated files, and tests.
#[derive(Debug, Default)]
pub struct MemoryBlobs(Mutex<BTreeMap<BlobId, Vec<u8>>>);

impl MemoryBlobs {
    /// Starts empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps bytes; returns their digest.
    pub fn insert(&self, bytes: Vec<u8>) -> BlobId {
        let id = BlobId::of(&bytes);
        self.0.lock().expect("because no holder panics").insert(id, bytes);
        id
    }
}

impl Blobs for MemoryBlobs {
    fn open(&self, id: &BlobId) -> io::Result<Box<dyn Read + '_>> {
        let blobs = self.0.lock().expect("because no holder panics");
        let bytes = blobs.get(id).cloned().ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(io::Cursor::new(bytes)))
    }
}

impl BlobSink for MemoryBlobs {
    fn put(&self, content: &mut dyn Read) -> io::Result<(BlobId, u64)> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        let size = bytes.len() as u64;
        Ok((self.insert(bytes), size))
    }
}
