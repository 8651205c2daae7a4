//! Large files with holes, as lists of chunks.

use std::io::{self, Read};
use std::ops::Range;

use super::{BLOCK, BLOCK_BITS, NOWHERE};

/// Smaller files aren't looked through.
pub(super) const SMALLEST: u64 = 16 << 20;
/// The smallest chunk, as a binary logarithm of its blocks.
const SMALLEST_CHUNK: u8 = 4;
/// The most chunks of a file, where they can be larger.
const CHUNKS_MAX: u64 = 16384;
/// With more runs than this, a file has no holes.
const RUNS_MAX: usize = 64;

/// Which chunks of a file aren't zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunks {
    /// Blocks of a chunk, as a binary logarithm.
    pub(super) bits: u8,
    /// Runs of bytes that are stored, each from the start of a chunk.
    pub(super) runs: Vec<Range<u64>>,
    size: u64,
}

impl Chunks {
    /// Looks for holes in a file of `size` bytes; none when it has none, or so many that they don't pay.
    pub(super) fn find(content: &mut dyn Read, size: u64) -> io::Result<Option<Self>> {
        let mut bits = SMALLEST_CHUNK;
        while size.div_ceil(BLOCK << bits) > CHUNKS_MAX {
            bits += 1;
        }
        let chunk = BLOCK << bits;
        let mut runs: Vec<Range<u64>> = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        let mut at = 0;
        while at < size {
            let count = usize::try_from((size - at).min(buffer.len() as u64)).unwrap_or(buffer.len());
            content.read_exact(&mut buffer[..count])?;
            if buffer[..count].iter().any(|byte| *byte != 0) {
                let start = at / chunk * chunk;
                let end = (start + chunk).min(size);
                match runs.pop() {
                    Some(last) if last.end >= start => runs.push(last.start..end),
                    last => {
                        runs.extend(last);
                        runs.push(start..end);
                    }
                }
                if runs.len() > RUNS_MAX {
                    return Ok(None);
                }
            }
            at += count as u64;
        }
        // one more read compares the digest
        if content.read(&mut [0])? != 0 {
            let message = "a content is longer than the tree says";
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let chunks = Self { bits, runs, size };
        Ok((chunks.stored() < size.next_multiple_of(BLOCK)).then_some(chunks))
    }

    /// Returns how many bytes are stored, with what fills the last block.
    pub(super) fn stored(&self) -> u64 {
        self.runs.iter().map(|run| (run.end - run.start).next_multiple_of(BLOCK)).sum()
    }

    /// Returns bytes of the list.
    pub(super) fn list_length(&self) -> u64 {
        self.size.div_ceil(BLOCK << self.bits) * 4
    }

    /// Returns what the inode says of its chunks.
    pub(super) fn format(&self) -> u32 {
        u32::from(self.bits)
    }

    /// Returns the list: the first block of each chunk, the first of all being `first`.
    pub(super) fn list(&self, first: u32) -> Vec<u8> {
        let chunk = BLOCK << self.bits;
        let mut list = Vec::new();
        let mut next = first;
        let mut runs = self.runs.iter().peekable();
        for start in (0..self.size.div_ceil(chunk)).map(|number| number * chunk) {
            while runs.next_if(|run| run.end <= start).is_some() {}
            let stored = runs.peek().is_some_and(|run| run.contains(&start));
            list.extend_from_slice(&if stored { next } else { NOWHERE }.to_le_bytes());
            if stored {
                next += 1 << self.bits;
            }
        }
        list
    }
}

/// Returns bytes of a chunk by what an inode says of its chunks; none when it says what isn't known.
pub(super) fn chunk_length(format: u32) -> Option<u64> {
    let bits = u8::try_from(format & 0x1f).ok()?;
    (format & !0x1f == 0).then(|| 1_u64 << (bits + BLOCK_BITS))
}
