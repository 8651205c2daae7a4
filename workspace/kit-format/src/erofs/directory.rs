//! Directories: blocks of records of twelve bytes, and the names behind them.

use std::ops::Range;

use super::BLOCK;

/// Bytes of a record: the inode's number (8), where the name begins (2), what it is (1), zero.
pub(super) const RECORD: usize = 12;

/// One name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name<'a> {
    pub(super) bytes: &'a [u8],
    /// Rank of its inode in path order.
    pub(super) node: usize,
    /// What it names, as directories say it.
    pub(super) kind: u8,
}

/// A directory, its names sorted and put into blocks.
#[derive(Debug)]
pub(super) struct Directory<'a> {
    names: Vec<Name<'a>>,
    blocks: Vec<Range<usize>>,
    size: u64,
}

impl<'a> Directory<'a> {
    /// Puts names, `.` and `..` among them, into blocks.
    pub(super) fn new(mut names: Vec<Name<'a>>) -> Self {
        names.sort_by_key(|name| name.bytes);
        let mut blocks = Vec::new();
        let (mut start, mut used) = (0, 0);
        for (at, name) in names.iter().enumerate() {
            let length = RECORD + name.bytes.len();
            if (used + length) as u64 > BLOCK {
                blocks.push(start..at);
                (start, used) = (at, 0);
            }
            used += length;
        }
        blocks.push(start..names.len());
        let size = (blocks.len() as u64 - 1) * BLOCK + used as u64;
        Self { names, blocks, size }
    }

    /// Returns its bytes, of which all blocks but the last are full.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Returns the bytes, given the number of each inode. They aren't padded at the end.
    pub(super) fn encode(&self, numbers: &[u64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for block in &self.blocks {
            bytes.resize(bytes.len().next_multiple_of(4096), 0);
            let names = &self.names[block.clone()];
            let mut offset = names.len() * RECORD;
            for name in names {
                bytes.extend_from_slice(&numbers[name.node].to_le_bytes());
                bytes.extend_from_slice(&(offset as u64).to_le_bytes()[..2]);
                bytes.extend_from_slice(&[name.kind, 0]);
                offset += name.bytes.len();
            }
            for name in names {
                bytes.extend_from_slice(name.bytes);
            }
        }
        bytes
    }
}
