//! Hash trees of dm-verity: the kernel checks each block of a device when it is read; both ways.
//!
//! Blocks have 4096 bytes, digests are SHA-256 of salt and block, the format is version 1. A tree is a device (or partition) of its own:
//!
//! | blocks | what |
//! |---|---|
//! | 0 | superblock, 512 bytes: `verity\0\0`, version 1, type 1, UUID, `sha256`, both block sizes, data blocks, length of the salt, salt |
//! | 1 | highest level: one block of digests of the blocks of the level below |
//! | then | each level below, the lowest last: 128 digests of data blocks in each block, the rest zero |
//!
//! The root hash is the digest of block 1. One data block has no levels: its own digest is the root hash. Numbers are little-endian.
//!
//! The levels above the lowest are 1/16384 of the data and in memory; the lowest is 1/128, and in memory ([`tree`]) or put away ([`tree_into`]).
//!
//! | module | what |
//! |---|---|
//! | [`mod@write`] | [`tree`]: the hash tree of a device |
//! | [`mod@on_disk`] | [`root_hash`]: that of the root on a disk, which is checked by it |
//! | [`mod@read`] | [`Superblock`]; [`check`]: whether data is what a root hash says |

pub mod on_disk;
pub mod read;
pub mod write;

pub use on_disk::{RootHashError, root_hash};
pub use read::{Superblock, VerityReadError, check};
pub use write::{Verity, VerityError, partition_ids, tree, tree_into};

use kit_hash::Sha256;

/// Bytes of a block, of data and of hashes.
pub const BLOCK: u64 = 4096;
const BLOCK_BYTES: usize = 4096;
const DIGEST: usize = 32;
/// Digests in a block.
const FAN_OUT: usize = BLOCK_BYTES / DIGEST;
const MAGIC: &[u8; 8] = b"verity\0\0";
/// Bytes of the superblock that mean something.
const SUPERBLOCK: usize = 512;
/// Bytes that the name of the algorithm has room in.
const ALGORITHM: usize = 32;
/// Bytes that a salt has room in.
const SALT: usize = 256;

/// Returns the digest of a block, the salt before it.
fn digest(salt: &[u8], block: &[u8]) -> [u8; DIGEST] {
    *Sha256::of(&[salt, block].concat()).as_bytes()
}

/// Returns how many blocks each level has, the lowest first.
fn levels(data_blocks: u64) -> Vec<u64> {
    let mut levels = Vec::new();
    let mut blocks = data_blocks;
    while blocks > 1 {
        blocks = blocks.div_ceil(FAN_OUT as u64);
        levels.push(blocks);
    }
    levels
}

#[cfg(test)]
mod tests;
