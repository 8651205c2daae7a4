//! What each group has: its descriptor, and which of its blocks and inodes are used.

use std::ops::Range;

use super::BLOCK_BYTES;
use super::checksum::Checksum;
use super::fields::{get16, get32, join, put16, put32};
use super::geometry::DESCRIPTOR;

/// The inodes that aren't used were zeroed.
const ZEROED: u16 = 4;
const CHECKSUM: usize = 30;

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// Where it is said which blocks are used.
    pub(super) block_map: u64,
    /// Where it is said which inodes are used.
    pub(super) inode_map: u64,
    /// Where its inodes begin.
    pub(super) table: u64,
    pub(super) free_blocks: u64,
    pub(super) free_inodes: u64,
    pub(super) directories: u64,
    /// Inodes behind the last that is used.
    pub(super) unused_inodes: u64,
    pub(super) block_sum: u32,
    pub(super) inode_sum: u32,
}

impl Group {
    /// Returns the descriptor.
    pub(super) fn encode(&self, number: u32, seed: Checksum) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(DESCRIPTOR).expect("because it is small")];
        for (at, high, block) in [(0, 32, self.block_map), (4, 36, self.inode_map), (8, 40, self.table)] {
            put32(&mut bytes, at, block);
            put32(&mut bytes, high, block >> 32);
        }
        for (at, high, number) in [
            (12, 44, self.free_blocks),
            (14, 46, self.free_inodes),
            (16, 48, self.directories),
            (28, 50, self.unused_inodes),
            (24, 56, u64::from(self.block_sum)),
            (26, 58, u64::from(self.inode_sum)),
        ] {
            put16(&mut bytes, at, number);
            put16(&mut bytes, high, number >> 16);
        }
        put16(&mut bytes, 18, ZEROED);
        let sum = checksum(&bytes, number, seed);
        put16(&mut bytes, CHECKSUM, sum);
        bytes
    }
}

/// Returns where the inodes of a group begin, by its descriptor of 32 bytes or more.
pub(super) fn table(descriptor: &[u8]) -> u64 {
    let high = if descriptor.len() >= 64 { get32(descriptor, 40) } else { 0 };
    join(high, get32(descriptor, 8))
}

/// Returns the checksum that a descriptor should have, and has.
pub(super) fn sums(descriptor: &[u8], number: u32, seed: Checksum) -> (u16, u16) {
    (get16(descriptor, CHECKSUM), checksum(descriptor, number, seed))
}

/// Returns the lower half of the sum over a descriptor, without the sum itself.
fn checksum(descriptor: &[u8], number: u32, seed: Checksum) -> u16 {
    let sum = seed.over_number(number).over(&descriptor[..CHECKSUM]).over(&[0; 2]);
    let [low, high, ..] = sum.over(&descriptor[CHECKSUM + 2..]).sum().to_le_bytes();
    u16::from_le_bytes([low, high])
}

/// Which blocks of a group, or which of its inodes, are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Map {
    bytes: Vec<u8>,
    used: u64,
}

impl Map {
    /// Begins with none used.
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; BLOCK_BYTES], used: 0 }
    }

    /// Uses those of a range, none of which is used.
    pub(super) fn set(&mut self, range: Range<u64>) {
        self.used += range.end - range.start;
        self.fill(range);
    }

    /// Sets the bits from `end` on, which stand for nothing.
    pub(super) fn close(&mut self, end: u64) {
        self.fill(end..BLOCK_BYTES as u64 * 8);
    }

    fn fill(&mut self, range: Range<u64>) {
        let mut at = range.start;
        while at < range.end {
            let byte = usize::try_from(at / 8).expect("because a block is small");
            let (first, last) = (at % 8, (range.end - at / 8 * 8).min(8));
            for bit in first..last {
                self.bytes[byte] |= 1 << bit;
            }
            at = at / 8 * 8 + 8;
        }
    }

    /// Returns how many are used.
    pub(super) fn used(&self) -> u64 {
        self.used
    }

    /// Returns the checksum over the bits of the first `count`.
    pub(super) fn sum(&self, count: u64, seed: Checksum) -> u32 {
        let bytes = usize::try_from(count / 8).expect("because a block is small");
        seed.over(&self.bytes[..bytes]).sum()
    }

    /// Returns the block, or none when nothing in it is set.
    pub(super) fn bytes(self) -> Option<Vec<u8>> {
        self.bytes.iter().any(|byte| *byte != 0).then_some(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_have_a_bit_for_each() {
        let mut map = Map::new();
        assert_eq!(map.clone().bytes(), None);
        map.set(0..3);
        map.set(5..18);
        map.close(BLOCK_BYTES as u64 * 8 - 3);
        assert_eq!(map.used(), 16);
        let bytes = map.bytes().unwrap();
        assert_eq!((&bytes[..4], bytes[4095]), (&[0b1110_0111, 0xff, 3, 0][..], 0b1110_0000));
    }
}
