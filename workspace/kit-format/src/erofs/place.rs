//! Places for inodes: never over the end of a block when they fit into one.

use std::collections::{BTreeMap, BTreeSet};

use super::{BLOCK, SLOT};

/// Blocks that are filled with inodes.
#[derive(Debug, Default)]
pub(super) struct Places {
    blocks: u64,
    /// Blocks with room at their end, by how much.
    room: BTreeMap<u64, BTreeSet<u64>>,
}

impl Places {
    /// Returns the place of the next `length` bytes: in the block that is left with the least room, the first of several.
    pub(super) fn place(&mut self, length: u64) -> u64 {
        let length = length.next_multiple_of(SLOT);
        let found = self.room.range(length..).next().map(|(room, blocks)| (*room, blocks.first().copied()));
        if let Some((room, Some(block))) = found {
            self.forget(room, block);
            self.remember(room - length, block);
            return (block + 1) * BLOCK - room;
        }
        self.place_at_block(length)
    }

    /// Returns the place of the next `length` bytes, at the start of a new block.
    pub(super) fn place_at_block(&mut self, length: u64) -> u64 {
        let length = length.next_multiple_of(SLOT);
        let place = self.blocks * BLOCK;
        self.blocks += length.div_ceil(BLOCK);
        self.remember(self.blocks * BLOCK - place - length, self.blocks - 1);
        place
    }

    fn forget(&mut self, room: u64, block: u64) {
        if let Some(blocks) = self.room.get_mut(&room) {
            blocks.remove(&block);
            if blocks.is_empty() {
                self.room.remove(&room);
            }
        }
    }

    fn remember(&mut self, room: u64, block: u64) {
        if room > 0 {
            self.room.entry(room).or_default().insert(block);
        }
    }

    /// Puts nothing more into the blocks that there are.
    pub(super) fn close(&mut self) {
        self.room.clear();
    }

    /// Returns how many blocks there are.
    pub(super) fn blocks(&self) -> u64 {
        self.blocks
    }
}
