//! The seam to whoever can do several things at a time: this crate starts no threads.

use std::io;

/// What becomes of one block.
pub type Work<'a> = &'a (dyn Fn(&[u8]) -> io::Result<Vec<u8>> + Sync);

/// Works on blocks, maybe several at a time. Results never depend on how many.
pub trait Workers: Sync {
    /// Returns how many blocks are best given at a time, at least one.
    fn batch(&self) -> usize;

    /// Returns what `work` makes of each block, in the order of the blocks.
    fn map(&self, blocks: &[Vec<u8>], work: Work<'_>) -> io::Result<Vec<Vec<u8>>>;
}

/// One block after the other, by whoever calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

impl Workers for Alone {
    fn batch(&self) -> usize {
        1
    }

    fn map(&self, blocks: &[Vec<u8>], work: Work<'_>) -> io::Result<Vec<Vec<u8>>> {
        blocks.iter().map(|block| work(block)).collect()
    }
}
