//! The hash tree of a device.

use std::io::{self, Read};

use kit_tree::BlobSink;

use crate::gpt::Guid;
use crate::layout::Layout;

use super::{ALGORITHM, BLOCK, BLOCK_BYTES, DIGEST, MAGIC, SALT, SUPERBLOCK, digest, levels};

/// Names the exact bytes that this writer makes of a device.
pub const REVISION: u32 = 1;

/// Why a device has no hash tree.
#[derive(Debug, thiserror::Error)]
pub enum VerityError {
    /// The device has no bytes.
    #[error("an empty device has no hash tree")]
    Empty,
    /// The device doesn't end with a block.
    #[error("a device of {size} bytes doesn't end with a block of 4096")]
    Blocks {
        /// Its size.
        size: u64,
    },
    /// There are fewer bytes, or more, than was said.
    #[error("the device has {} {size} bytes", if *.more { "more than" } else { "less than" })]
    Size {
        /// What was said.
        size: u64,
        /// Whether there are more.
        more: bool,
    },
    /// The device can't be read.
    #[error("can't read the device")]
    Read(#[source] io::Error),
    /// The hashes can't be kept.
    #[error("can't keep the hashes")]
    Keep(#[source] io::Error),
}

/// A hash tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verity {
    /// What all of the device hashes to.
    pub root_hash: [u8; 32],
    /// The device that the tree is.
    pub tree: Layout,
}

/// Returns the GUIDs of the partitions of data and of hashes, by which a system finds them with nothing but the root hash.
pub fn partition_ids(root_hash: &[u8; 32]) -> (Guid, Guid) {
    let (mut data, mut hashes) = ([0; 16], [0; 16]);
    data.copy_from_slice(&root_hash[..16]);
    hashes.copy_from_slice(&root_hash[16..]);
    (Guid::from_bytes(data), Guid::from_bytes(hashes))
}

/// Makes the hash tree of a device of `size` bytes, which `open` reads; all of it is in memory: 8 MiB for each GiB.
pub fn tree<'a>(
    open: &dyn Fn() -> io::Result<Box<dyn Read + 'a>>,
    size: u64,
    salt: &[u8; 32],
    uuid: Guid,
) -> Result<Verity, VerityError> {
    make(open, size, salt, uuid, None)
}

/// Makes the hash tree of a device of `size` bytes, which `open` reads; its lowest level is put into `sink`.
pub fn tree_into<'a>(
    open: &dyn Fn() -> io::Result<Box<dyn Read + 'a>>,
    size: u64,
    salt: &[u8; 32],
    uuid: Guid,
    sink: &dyn BlobSink,
) -> Result<Verity, VerityError> {
    make(open, size, salt, uuid, Some(sink))
}

fn make<'a>(
    open: &dyn Fn() -> io::Result<Box<dyn Read + 'a>>,
    size: u64,
    salt: &[u8; 32],
    uuid: Guid,
    sink: Option<&dyn BlobSink>,
) -> Result<Verity, VerityError> {
    if size == 0 {
        return Err(VerityError::Empty);
    }
    if !size.is_multiple_of(BLOCK) {
        return Err(VerityError::Blocks { size });
    }
    let mut layout = Layout::new();
    let mut superblock = superblock(size / BLOCK, salt, uuid);
    superblock.resize(BLOCK_BYTES, 0);
    layout.bytes("superblock", superblock);
    let mut data = Data { reader: open().map_err(VerityError::Read)?, size, left: size, failure: None };
    if size == BLOCK {
        let mut block = Vec::new();
        let read = data.read_to_end(&mut block);
        data.result(read)?;
        return Ok(Verity { root_hash: digest(salt, &block), tree: layout });
    }
    let mut lowest = Lowest::new(&mut data, salt);
    let mut bytes = Vec::new();
    let kept = match sink {
        Some(sink) => sink.put(&mut lowest).map(Some),
        None => lowest.read_to_end(&mut bytes).map(|_| None),
    };
    let (mut digests, mut highest_first) = (lowest.digests, Vec::new());
    let kept = data.result(kept)?;
    while digests.len() > DIGEST {
        let mut level = digests;
        level.resize(level.len().next_multiple_of(BLOCK_BYTES), 0);
        digests = level.chunks_exact(BLOCK_BYTES).flat_map(|block| digest(salt, block)).collect();
        highest_first.insert(0, level);
    }
    let count = highest_first.len();
    for (index, level) in highest_first.into_iter().enumerate() {
        layout.bytes(format!("hashes, level {}", count - index), level);
    }
    let length = levels(size / BLOCK)[0] * BLOCK;
    match kept {
        None => layout.bytes("hashes, level 0", bytes),
        Some((blob, kept)) if kept == length => layout.blob("hashes, level 0", blob, length, None),
        Some(_) => return Err(VerityError::Keep(io::Error::other("the store didn't take all of them"))),
    }
    let root_hash = digests.try_into().expect("because one digest is left");
    Ok(Verity { root_hash, tree: layout })
}

fn superblock(data_blocks: u64, salt: &[u8; 32], uuid: Guid) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&1_u32.to_le_bytes());
    bytes.extend_from_slice(&1_u32.to_le_bytes());
    bytes.extend_from_slice(uuid.as_bytes());
    bytes.extend_from_slice(b"sha256");
    bytes.resize(bytes.len() + ALGORITHM - 6, 0);
    let block = u32::try_from(BLOCK).expect("because a block is small");
    bytes.extend_from_slice(&block.to_le_bytes());
    bytes.extend_from_slice(&block.to_le_bytes());
    bytes.extend_from_slice(&data_blocks.to_le_bytes());
    bytes.extend_from_slice(&[32, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend_from_slice(salt);
    bytes.resize(bytes.len() + SALT - salt.len(), 0);
    bytes.resize(SUPERBLOCK, 0);
    bytes
}

/// The bytes of the device, exactly as many as was said.
struct Data<'a> {
    reader: Box<dyn Read + 'a>,
    size: u64,
    left: u64,
    failure: Option<VerityError>,
}

impl Data<'_> {
    /// Returns what reading gave, with the device's own failure when that was the reason.
    fn result<T>(self, read: io::Result<T>) -> Result<T, VerityError> {
        match (self.failure, read) {
            (Some(failure), _) => Err(failure),
            (None, read) => read.map_err(VerityError::Keep),
        }
    }

    fn step(&mut self, buffer: &mut [u8]) -> Result<usize, VerityError> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        // Behind the last byte, one more read tells that it is the last, and compares a content's digest.
        let (buffer, at_end) =
            if wanted == 0 { (&mut buffer[..1], true) } else { (&mut buffer[..wanted], false) };
        let count = loop {
            match self.reader.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(VerityError::Read)?,
            }
        };
        if at_end != (count == 0) {
            return Err(VerityError::Size { size: self.size, more: at_end });
        }
        self.left -= count as u64;
        Ok(count)
    }
}

impl Read for Data<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.step(buffer).map_err(|failure| {
            self.failure = Some(failure);
            io::Error::new(io::ErrorKind::InvalidData, "the device can't be read")
        })
    }
}

/// The lowest level, made while it is read.
struct Lowest<'a, R> {
    data: R,
    salt: &'a [u8],
    /// The block that is being handed out, and how much of it was.
    block: Vec<u8>,
    given: usize,
    /// The digests of the blocks that were made: the level above.
    digests: Vec<u8>,
}

impl<'a, R: Read> Lowest<'a, R> {
    fn new(data: R, salt: &'a [u8]) -> Self {
        Self { data, salt, block: Vec::new(), given: 0, digests: Vec::new() }
    }

    /// Makes the next block from up to 128 of the data; none at the end.
    fn advance(&mut self) -> io::Result<bool> {
        let (mut made, mut block) = (Vec::with_capacity(BLOCK_BYTES), Vec::with_capacity(BLOCK_BYTES));
        while made.len() < BLOCK_BYTES {
            block.clear();
            self.data.by_ref().take(BLOCK).read_to_end(&mut block)?;
            if block.is_empty() {
                break;
            }
            made.extend_from_slice(&digest(self.salt, &block));
        }
        if made.is_empty() {
            return Ok(false);
        }
        made.resize(BLOCK_BYTES, 0);
        self.digests.extend_from_slice(&digest(self.salt, &made));
        (self.block, self.given) = (made, 0);
        Ok(true)
    }
}

impl<R: Read> Read for Lowest<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.block.len() && !self.advance()? {
            return Ok(0);
        }
        let count = buffer.len().min(self.block.len() - self.given);
        buffer[..count].copy_from_slice(&self.block[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}
