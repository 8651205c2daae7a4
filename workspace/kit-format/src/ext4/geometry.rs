//! How many blocks and inodes there are, and where groups begin.

use std::ops::Range;

use super::{BLOCK, INODE, LOST_AND_FOUND};

/// Blocks of a group: as many as a block has bits.
pub(super) const GROUP: u64 = 8 * BLOCK;
/// Bytes of a group's descriptor.
pub(super) const DESCRIPTOR: u64 = 64;
/// The most blocks, so that their numbers have 32 bits.
const BLOCKS_MAX: u64 = u32::MAX as u64;
/// It can become so many times as large before descriptors need other places.
const GROWTH: u64 = 1024;
/// The most blocks of descriptors that one block can name.
const DESCRIPTORS_MAX: u64 = 1024;
/// There is an inode for so many blocks.
const BLOCKS_OF_INODE: u64 = 4;
/// A last group with less than that beside its copies isn't worth having.
const GROUP_MIN: u64 = 64;

/// The measures of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    /// All blocks.
    pub(super) blocks: u64,
    /// Inodes of each group, a multiple of those in a block.
    pub(super) inodes: u64,
}

impl Geometry {
    /// Takes the blocks that there may be and the inodes that are used; none when they don't go together.
    pub(super) fn new(blocks: u64, used: u64) -> Option<Self> {
        let mut geometry = Self { blocks, inodes: 0 };
        let rest = blocks % GROUP;
        let last = blocks / GROUP;
        if last > 0 && rest > 0 && rest < geometry.copies(last) + GROUP_MIN {
            geometry.blocks -= rest;
        }
        if !(GROUP_MIN..=BLOCKS_MAX).contains(&geometry.blocks) {
            return None;
        }
        let groups = geometry.groups();
        let wanted = (used + used / 4 + u64::from(LOST_AND_FOUND)).max(geometry.blocks / BLOCKS_OF_INODE);
        geometry.inodes = wanted.div_ceil(groups).next_multiple_of(BLOCK / INODE);
        let fits = geometry.inodes <= GROUP && u32::try_from(geometry.inodes * groups).is_ok();
        fits.then_some(geometry)
    }

    /// Returns the next larger number of blocks that isn't cut.
    pub(super) fn rounded(blocks: u64) -> u64 {
        let mut geometry = Self { blocks, inodes: 0 };
        loop {
            let (last, rest) = (geometry.blocks / GROUP, geometry.blocks % GROUP);
            let least = geometry.copies(last) + GROUP_MIN;
            if last == 0 || rest == 0 || rest >= least {
                return geometry.blocks;
            }
            geometry.blocks = last * GROUP + least;
        }
    }

    /// Returns how many groups there are.
    pub(super) fn groups(&self) -> u64 {
        self.blocks.div_ceil(GROUP)
    }

    /// Returns how many blocks all descriptors take.
    pub(super) fn descriptors(&self) -> u64 {
        (self.groups() * DESCRIPTOR).div_ceil(BLOCK)
    }

    /// Returns how many blocks behind the descriptors are kept for those of groups that are added later.
    pub(super) fn reserved(&self) -> u64 {
        let groups = (self.blocks * GROWTH).min(BLOCKS_MAX).div_ceil(GROUP);
        (groups * DESCRIPTOR).div_ceil(BLOCK).min(DESCRIPTORS_MAX).saturating_sub(self.descriptors())
    }

    /// Returns how many blocks the inodes of a group take.
    pub(super) fn table(&self) -> u64 {
        self.inodes * INODE / BLOCK
    }

    /// Returns how many blocks a group's copies of superblock and descriptors take.
    pub(super) fn copies(&self, group: u64) -> u64 {
        if has_copies(group) { 1 + self.descriptors() + self.reserved() } else { 0 }
    }

    /// Returns the blocks of the next copies whose last isn't before `block`.
    pub(super) fn next_copies(&self, block: u64) -> Range<u64> {
        let range = |group: u64| group * GROUP..group * GROUP + self.copies(group);
        let own = block / GROUP;
        if has_copies(own) && block < range(own).end { range(own) } else { range(next_with_copies(own)) }
    }

    /// Returns the blocks of a group.
    pub(super) fn group(&self, group: u64) -> Range<u64> {
        group * GROUP..((group + 1) * GROUP).min(self.blocks)
    }

    /// Returns how many blocks the journal has.
    pub(super) fn journal(&self) -> u64 {
        const MIB: u64 = (1 << 20) / BLOCK;
        let steps = [(128, 4), (1024, 16), (2048, 32), (16 << 10, 64)];
        let found = steps.into_iter().find(|(most, _)| self.blocks <= most * MIB);
        found.map_or(128, |(_, journal)| journal) * MIB
    }
}

/// Whether a group begins with superblock and descriptors.
pub(super) fn has_copies(group: u64) -> bool {
    group <= 1 || [3, 5, 7].into_iter().any(|base| power_from(base, group) == group)
}

/// Returns the first group behind `group` that has copies.
fn next_with_copies(group: u64) -> u64 {
    let next = |base| power_from(base, group + 1);
    if group == 0 { 1 } else { next(3).min(next(5)).min(next(7)) }
}

/// Returns the least power that isn't less.
fn power_from(base: u64, least: u64) -> u64 {
    let mut power = base;
    while power < least {
        power *= base;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_in_few_groups() {
        let with: Vec<u64> = (0..130).filter(|group| has_copies(*group)).collect();
        assert_eq!(with, [0, 1, 3, 5, 7, 9, 25, 27, 49, 81, 125]);
        for (group, next) in [(0, 1), (1, 3), (3, 5), (9, 25), (27, 49), (125, 243)] {
            assert_eq!(next_with_copies(group), next);
        }
        let geometry = Geometry::new(30 * GROUP, 0).unwrap();
        // superblock, one block of descriptors, and the others of 1024 times as many groups
        assert_eq!(geometry.copies(0), 1 + 480);
        assert_eq!(geometry.next_copies(0), 0..481);
        assert_eq!(geometry.next_copies(481), GROUP..GROUP + 481);
        assert_eq!(geometry.next_copies(GROUP + 1), GROUP..GROUP + 481);
        assert_eq!(geometry.next_copies(GROUP + 481), 3 * GROUP..3 * GROUP + 481);
    }

    #[test]
    fn small_last_groups_are_left_away() {
        let blocks = |blocks| Geometry::new(blocks, 0).map(|geometry| geometry.blocks);
        assert_eq!(blocks(63), None);
        assert_eq!(blocks(GROUP + 81), Some(GROUP));
        assert_eq!(blocks(GROUP + 82), Some(GROUP + 82));
        assert_eq!(blocks(2 * GROUP + 64), Some(2 * GROUP + 64));
        assert_eq!(blocks(1 << 32), None);
        for asked in [100, GROUP, GROUP + 1, GROUP + 82, 9 * GROUP + 1, 2 * GROUP + 3, 2 * GROUP + 64] {
            let rounded = Geometry::rounded(asked);
            assert!(rounded >= asked);
            assert_eq!(blocks(rounded), Some(rounded));
        }
    }

    #[test]
    fn there_is_room_for_more_descriptors() {
        let reserved = |groups| Geometry::new(groups * GROUP, 0).unwrap().reserved();
        assert_eq!((Geometry::new(2048, 0).unwrap().reserved(), reserved(1), reserved(64)), (0, 15, 1023));
        assert_eq!((reserved(65), reserved(65_536), reserved(131_071)), (1022, 0, 0));
    }

    #[test]
    fn there_are_inodes_for_all() {
        let geometry = Geometry::new(GROUP, 20_000).unwrap();
        assert_eq!(geometry.inodes, 25_024);
        assert_eq!(Geometry::new(GROUP, 40_000), None);
        assert_eq!(Geometry::new(2 * GROUP, 0).unwrap().inodes, 8192);
    }
}
