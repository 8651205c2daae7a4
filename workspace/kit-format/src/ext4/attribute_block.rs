//! Blocks of attributes, which inodes that have the same share.
//!
//! A block is the magic (4), how many inodes have it (4), how many blocks it is (4), a hash over all entries (4), a checksum (4),
//! twelve zeros, the attributes.

use std::collections::BTreeMap;

use kit_tree::TreePath;

use super::BLOCK_BYTES;
use super::checksum::Checksum;
use super::error::Ext4WriteError;
use super::fields::{get32, put32};
use super::xattr::{self, Attribute, MAGIC};

const HEADER: usize = 32;
const CHECKSUM: usize = 16;
/// Bytes of a block that can be used.
const ROOM: usize = BLOCK_BYTES - HEADER - 4;
/// The most inodes that share a block, as the kernel has it.
const SHARED_MAX: u32 = 1024;

/// All blocks of attributes of a file system, in the order of the first inode that has them.
#[derive(Debug, Default)]
pub(super) struct AttributeBlocks {
    blocks: Vec<AttributeBlock>,
    /// The last block that has these attributes.
    known: BTreeMap<Vec<Attribute>, usize>,
}

/// A block of attributes.
#[derive(Debug)]
pub(super) struct AttributeBlock {
    bytes: Vec<u8>,
    users: u32,
}

impl AttributeBlocks {
    /// Returns which block holds these attributes.
    pub(super) fn add(
        &mut self,
        path: &TreePath,
        attributes: Vec<Attribute>,
    ) -> Result<Option<usize>, Ext4WriteError> {
        if attributes.is_empty() {
            return Ok(None);
        }
        if let Some(number) = self.known.get(&attributes) {
            let block = &mut self.blocks[*number];
            if block.users < SHARED_MAX {
                block.users += 1;
                return Ok(Some(*number));
            }
        }
        let size = attributes.iter().map(Attribute::room).sum();
        if size > ROOM {
            return Err(Ext4WriteError::Xattrs { path: path.clone(), size, room: ROOM });
        }
        self.blocks.push(AttributeBlock { bytes: encode(&attributes), users: 1 });
        self.known.insert(attributes, self.blocks.len() - 1);
        Ok(Some(self.blocks.len() - 1))
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Returns a block's bytes, once it is known where it is.
    pub(super) fn closed(&self, number: usize, place: u64, seed: Checksum) -> Vec<u8> {
        let block = &self.blocks[number];
        let mut bytes = block.bytes.clone();
        put32(&mut bytes, 4, block.users);
        let sum = checksum(&bytes, place, seed);
        put32(&mut bytes, CHECKSUM, sum);
        bytes
    }
}

fn encode(attributes: &[Attribute]) -> Vec<u8> {
    let mut bytes = vec![0; BLOCK_BYTES];
    put32(&mut bytes, 0, MAGIC);
    put32(&mut bytes, 8, 1_u32);
    let (mut all, mut unhashed) = (0_u32, false);
    xattr::fill(&mut bytes, HEADER, attributes, |attribute| {
        let hash = xattr::hash(attribute);
        all = all.rotate_left(16) ^ hash;
        unhashed |= hash == 0;
        hash
    });
    put32(&mut bytes, 12, if unhashed { 0 } else { all });
    bytes
}

/// Reads a block; none when it is damaged.
pub(super) fn parse(block: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    if get32(block, 0) != MAGIC || get32(block, 8) != 1 {
        return None;
    }
    xattr::parse(block, HEADER)
}

/// Returns the checksum that a block should have, and has.
pub(super) fn sums(block: &[u8], place: u64, seed: Checksum) -> (u32, u32) {
    (get32(block, CHECKSUM), checksum(block, place, seed))
}

fn checksum(block: &[u8], place: u64, seed: Checksum) -> u32 {
    let sum = seed.over(&place.to_le_bytes()).over(&block[..CHECKSUM]).over(&[0; 4]);
    sum.over(&block[CHECKSUM + 4..]).sum()
}
