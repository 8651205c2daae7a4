//! Where a content is: extents, in the inode or in a tree of blocks.

use std::ops::Range;

use super::checksum::Checksum;
use super::fields::{get16, get32, join, put16, put32};
use super::{BLOCK_BYTES, INLINE};

const MAGIC: u16 = 0xf30a;
/// Bytes of a header, an extent, or an entry of the tree.
const RECORD: usize = 12;
/// The most blocks of an extent that was written.
pub(super) const EXTENT_MAX: u64 = 32_768;
/// Records in an inode.
const IN_INODE: usize = INLINE / RECORD - 1;
/// Records in a block; the checksum is behind them.
const IN_BLOCK: usize = (BLOCK_BYTES - RECORD) / RECORD;
/// The deepest tree that the kernel takes.
pub(super) const DEPTH_MAX: u16 = 5;

/// The tree of one content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Extents {
    /// What stands in the inode.
    pub(super) inline: [u8; INLINE],
    /// The blocks of the tree, each with its number and what it holds.
    pub(super) nodes: Vec<(u64, Vec<u8>)>,
}

/// An extent or an entry, and the first block of the content that it is about.
type Record = (u64, [u8; RECORD]);

impl Extents {
    /// Makes the tree of pieces, one behind the other; `take` gives blocks for it.
    pub(super) fn new(pieces: &[Range<u64>], take: &mut dyn FnMut() -> u64) -> Self {
        let mut records = leaves(pieces);
        let (mut nodes, mut depth) = (Vec::new(), 0);
        while records.len() > IN_INODE {
            let mut above = Vec::new();
            for part in records.chunks(IN_BLOCK) {
                let block = take();
                let mut bytes = vec![0; BLOCK_BYTES];
                fill(&mut bytes, part, IN_BLOCK, depth);
                nodes.push((block, bytes));
                let mut entry = [0; RECORD];
                put32(&mut entry, 0, part[0].0);
                put32(&mut entry, 4, block);
                put16(&mut entry, 8, block >> 32);
                above.push((part[0].0, entry));
            }
            records = above;
            depth += 1;
        }
        let mut inline = [0; INLINE];
        fill(&mut inline, &records, IN_INODE, depth);
        Self { inline, nodes }
    }

    /// Returns the blocks of the tree with their checksums; `seed` is the inode's.
    pub(super) fn closed(&self, seed: Checksum) -> impl Iterator<Item = (u64, Vec<u8>)> {
        self.nodes.iter().map(move |(block, bytes)| {
            let mut bytes = bytes.clone();
            let end = RECORD + IN_BLOCK * RECORD;
            let sum = seed.over(&bytes[..end]).sum();
            put32(&mut bytes, end, sum);
            (*block, bytes)
        })
    }
}

fn leaves(pieces: &[Range<u64>]) -> Vec<Record> {
    let (mut records, mut first) = (Vec::new(), 0);
    for piece in pieces {
        let mut start = piece.start;
        while start < piece.end {
            let count = (piece.end - start).min(EXTENT_MAX);
            let mut record = [0; RECORD];
            put32(&mut record, 0, first);
            put16(&mut record, 4, count);
            put16(&mut record, 6, start >> 32);
            put32(&mut record, 8, start);
            records.push((first, record));
            first += count;
            start += count;
        }
    }
    records
}

/// Fills a node: the magic (2), how many records (2) of how many (2), the depth below (2), a generation that is zero (4), the records.
fn fill(bytes: &mut [u8], records: &[Record], most: usize, depth: u16) {
    put16(bytes, 0, MAGIC);
    put16(bytes, 2, records.len() as u64);
    put16(bytes, 4, most as u64);
    put16(bytes, 6, depth);
    for (index, (_, record)) in records.iter().enumerate() {
        let at = RECORD * (index + 1);
        bytes[at..at + RECORD].copy_from_slice(record);
    }
}

/// A node that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// The first block of the content, how many, where; and whether they were never written: they read as zeros.
    Leaf(Vec<(u64, u64, u64, bool)>),
    /// The nodes below, and their depth.
    Inner(Vec<u64>, u16),
}

impl Node {
    /// Reads a node; none when it isn't one.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (count, most) = (usize::from(get16(bytes, 2)), usize::from(get16(bytes, 4)));
        let depth = get16(bytes, 6);
        let fits = count <= most && (most + 1) * RECORD <= bytes.len();
        if get16(bytes, 0) != MAGIC || !fits || depth > DEPTH_MAX {
            return None;
        }
        let records = bytes[RECORD..].chunks_exact(RECORD).take(count);
        if depth > 0 {
            let below = records.map(|record| join(get16(record, 8), get32(record, 4)));
            return Some(Self::Inner(below.collect(), depth - 1));
        }
        let leaf = records.map(|record| {
            let length = u64::from(get16(record, 4));
            let unwritten = length > EXTENT_MAX;
            let length = if unwritten { length - EXTENT_MAX } else { length };
            let start = join(get16(record, 6), get32(record, 8));
            (u64::from(get32(record, 0)), length, start, unwritten)
        });
        Some(Self::Leaf(leaf.collect()))
    }

    /// Returns the checksum that a block should have, and has.
    pub(super) fn sums(bytes: &[u8], seed: Checksum) -> (u32, u32) {
        let end = RECORD + usize::from(get16(bytes, 4)) * RECORD;
        match end.checked_add(4).filter(|end| *end <= bytes.len()) {
            Some(_) => (get32(bytes, end), seed.over(&bytes[..end]).sum()),
            None => (0, u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_grow_as_deep_as_they_must() {
        let depth = |extents: &Extents| get16(&extents.inline, 6);
        let mut next = 1 << 33;
        let mut take = || {
            next += 1;
            next
        };
        let few = Extents::new(&[10..20, 30..30 + 3 * EXTENT_MAX], &mut take);
        assert_eq!((depth(&few), few.nodes.len()), (0, 0));
        let expected = vec![
            (0, 10, 10, false),
            (10, EXTENT_MAX, 30, false),
            (10 + EXTENT_MAX, EXTENT_MAX, 30 + EXTENT_MAX, false),
            (10 + 2 * EXTENT_MAX, EXTENT_MAX, 30 + 2 * EXTENT_MAX, false),
        ];
        assert_eq!(Node::decode(&few.inline), Some(Node::Leaf(expected)));
        let many = Extents::new(&[10..20, 100..100 + 5 * EXTENT_MAX], &mut take);
        assert_eq!((depth(&many), many.nodes.len()), (1, 1));
        assert_eq!(Node::decode(&many.inline), Some(Node::Inner(vec![(1 << 33) + 1], 0)));
        let huge = Extents::new(&[10..20, 100..100 + 1500 * EXTENT_MAX], &mut take);
        assert_eq!((depth(&huge), huge.nodes.len()), (2, 6));
        for (_, bytes) in huge.closed(Checksum::START) {
            let (expected, found) = Node::sums(&bytes, Checksum::START);
            assert_eq!(expected, found);
        }
    }
}
