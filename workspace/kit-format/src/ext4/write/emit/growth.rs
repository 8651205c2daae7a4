//! The blocks that are kept for descriptors of more groups, as an inode's.

use super::{Image, Parts};
use crate::ext4::fields::put32;
use crate::ext4::geometry::{GROUP, has_copies};
use crate::ext4::inode::Inode;
use crate::ext4::{BLOCK, BLOCK_BYTES, GROWTH, INLINE};
use crate::stat::FileType;

/// Numbers of blocks in a block.
const NUMBERS: u64 = BLOCK / 4;
/// What an inode has in itself as ext2 has it: the first blocks of the content, and then the number of a block of numbers of blocks of numbers.
const FIRST: u64 = 12;
const SECOND_LEVEL: usize = 13;

impl Image<'_> {
    /// Adds the inode, the block that names all blocks, and in each of the first group the numbers of its copies.
    pub(super) fn growth(&self, parts: &mut Parts) {
        let Some(place) = self.placement.growth else { return };
        let geometry = &self.placement.geometry;
        let (begin, reserved) = (geometry.descriptors(), geometry.reserved());
        let copies: Vec<_> = (1..geometry.groups()).filter(|group| has_copies(*group)).collect();
        let mut names = vec![0; BLOCK_BYTES];
        for block in begin..begin + reserved {
            // The superblock is the first of a group.
            let own = 1 + block;
            put32(&mut names, usize::try_from(block * 4).expect("because it is in the block"), own);
            let mut numbers = vec![0; copies.len() * 4];
            for (index, group) in copies.iter().enumerate() {
                put32(&mut numbers, index * 4, group * GROUP + own);
            }
            if !numbers.is_empty() {
                parts.bytes(own * BLOCK, "room for descriptors", numbers, None);
            }
        }
        parts.bytes(place * BLOCK, "room for descriptors", names, None);
        let mut inline = [0; INLINE];
        put32(&mut inline, SECOND_LEVEL * 4, place);
        let inode = Inode {
            mode: FileType::File.bits() | 0o600,
            uid: 0,
            gid: 0,
            size: (FIRST + NUMBERS + NUMBERS * NUMBERS) * BLOCK,
            links: 1,
            blocks: 1 + reserved * (1 + copies.len() as u64),
            flags: 0,
            inline,
            attribute_block: 0,
            attributes: Vec::new(),
        };
        let bytes = inode.encode(GROWTH, self.time, self.seed);
        parts.bytes(self.inode_place(GROWTH), "inode of room for descriptors", bytes, None);
    }
}
