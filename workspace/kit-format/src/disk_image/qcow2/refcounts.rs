//! How often each cluster of the file is used.

use std::io::Write;
use std::ops::RangeInclusive;

use super::{DiskWriteError, UNIT, UNIT_BYTES, put};

/// Refcounts in a block.
const IN_BLOCK: u64 = UNIT_BYTES / 2;
/// Blocks that one cluster of the table names.
const IN_TABLE: u64 = UNIT_BYTES / 8;

/// Counts the clusters of a file under way.
#[derive(Debug)]
pub(super) struct Refcounts {
    /// Clusters at the start, each of which is used once.
    first: u64,
    /// Those behind.
    counts: Vec<u16>,
}

impl Refcounts {
    /// Starts with so many clusters of header and tables.
    pub(super) fn new(first: u64) -> Self {
        Self { first, counts: Vec::new() }
    }

    /// Counts one use of some clusters, which begin at most one behind the last.
    pub(super) fn add(&mut self, clusters: RangeInclusive<u64>) {
        for cluster in clusters {
            let at = usize::try_from(cluster - self.first).expect("because as many were written");
            if at == self.counts.len() {
                self.counts.push(0);
            }
            // Half a thousand at most: what isn't zero takes some bytes whatever compresses it.
            self.counts[at] = self.counts[at].saturating_add(1);
        }
    }

    /// Returns how many clusters blocks and table take, those for themselves with them.
    pub(super) fn size(&self) -> (u64, u64) {
        let others = self.first + self.counts.len() as u64;
        let (mut blocks, mut table) = (1, 1);
        loop {
            let needed = (others + blocks + table).div_ceil(IN_BLOCK);
            let needed_table = needed.div_ceil(IN_TABLE);
            if (needed, needed_table) == (blocks, table) {
                return (blocks, table);
            }
            (blocks, table) = (needed, needed_table);
        }
    }

    /// Writes the blocks, then the table, at `at`.
    pub(super) fn write(&self, at: u64, out: &mut dyn Write) -> Result<(), DiskWriteError> {
        let (blocks, table) = self.size();
        let own = std::iter::repeat_n(1_u16, usize::try_from(blocks + table).expect("because there are few"));
        let first = std::iter::repeat_n(1_u16, usize::try_from(self.first).expect("because there are few"));
        let mut counts = first.chain(self.counts.iter().copied()).chain(own);
        for _ in 0..blocks {
            let in_block = usize::try_from(IN_BLOCK).expect("because a block is short");
            let mut block: Vec<_> = counts.by_ref().take(in_block).flat_map(u16::to_be_bytes).collect();
            block.resize(UNIT, 0);
            put(out, &block)?;
        }
        let mut entries: Vec<_> =
            (0..blocks).flat_map(|block| (at + block * UNIT_BYTES).to_be_bytes()).collect();
        entries.resize(usize::try_from(table * UNIT_BYTES).expect("because it is short"), 0);
        put(out, &entries)
    }
}
