//! Directories with a hash tree, in which a name is found without reading all of them.
//!
//! The blocks of such a directory are the root of the tree, the nodes below it where one level isn't enough, and the names, sorted by their
//! hashes. The root begins with `.` (12 bytes) and `..`, which goes up to the block's end, so that what knows no trees sees nothing else there; behind
//! it, from byte 24 on, are zeros (4), the number of the hash (1), the bytes of this (1), how many levels of nodes there are (1), zero (1). A node
//! begins with an entry without a name that goes up to the block's end (8). Then both have: how many entries there is room for (2), how many there are (2),
//! and the entries, a hash (4) and the block that has the names from there on (4); the first has no hash, its block follows the counts. A hash
//! is odd where the block before ends with the same. The last 8 bytes are zeros (4) and the checksum (4).

use super::checksum::Checksum;
use super::directory::{self, Name};
use super::fields::{get16, get32, put8, put16, put32};
use super::half_md4::half_md4;
use super::{BLOCK, BLOCK_BYTES};

/// Where a root's counts are, and a node's.
const ROOT_COUNTS: usize = 32;
const NODE_COUNTS: usize = 8;
/// Bytes of an entry, and of the end with the checksum.
const ENTRY: usize = 8;
const TAIL: usize = 8;
/// Entries of a root and of a node.
const ROOT_MAX: usize = (BLOCK_BYTES - ROOT_COUNTS - TAIL) / ENTRY;
const NODE_MAX: usize = (BLOCK_BYTES - NODE_COUNTS - TAIL) / ENTRY;
/// The number of half an MD4.
const HALF_MD4: u64 = 1;

/// Returns the blocks, without checksums; none where a tree has no room for so many names.
pub(super) fn encode(dots: [Name<'_>; 2], names: &[Name<'_>], seed: &[u8; 16]) -> Option<Vec<u8>> {
    of_hashed(dots, names.iter().map(|name| (half_md4(name.0, seed), *name)).collect())
}

/// A name with its hash, and what sorts those that have the same.
type Hashed<'a> = ((u32, u32), Name<'a>);

fn of_hashed(dots: [Name<'_>; 2], mut hashed: Vec<Hashed<'_>>) -> Option<Vec<u8>> {
    hashed.sort_unstable();
    let (mut leaves, mut first, mut used) = (Vec::new(), 0, 0);
    for (index, (_, name)) in hashed.iter().enumerate() {
        used += directory::length(name);
        if used > directory::ROOM {
            leaves.push(first..index);
            (first, used) = (index, directory::length(name));
        }
    }
    leaves.push(first..hashed.len());
    let nodes = if leaves.len() > ROOT_MAX { leaves.len().div_ceil(NODE_MAX) } else { 0 };
    if nodes > ROOT_MAX {
        return None;
    }
    let mut entries = Vec::new();
    for (number, leaf) in leaves.iter().enumerate() {
        let hash = hashed.get(leaf.start).map_or(0, |((hash, _), _)| *hash);
        let goes_on = leaf.start > 0 && hashed[leaf.start - 1].0.0 == hash;
        entries.push((hash | u32::from(goes_on), 1 + nodes + number));
    }
    let above: Vec<_> = entries.chunks(NODE_MAX).enumerate().map(|(at, part)| (part[0].0, 1 + at)).collect();
    let mut bytes = root(dots, if nodes > 0 { &above } else { &entries }, nodes > 0);
    for part in entries.chunks(NODE_MAX).take(nodes) {
        bytes.extend(node(part));
    }
    for leaf in leaves {
        bytes.extend(directory::encode(hashed[leaf].iter().map(|(_, name)| *name), 1));
    }
    Some(bytes)
}

/// A hash and the number of a block.
type Entry = (u32, usize);

fn root(dots: [Name<'_>; 2], entries: &[Entry], has_nodes: bool) -> Vec<u8> {
    let mut bytes = directory::encode(dots.into_iter(), 1);
    // The second entry goes up to the end, over where the checksum of names would be.
    bytes[BLOCK_BYTES - directory::TAIL..].fill(0);
    put16(&mut bytes, 16, BLOCK - 12);
    put8(&mut bytes, 28, HALF_MD4);
    put8(&mut bytes, 29, 8_u64);
    put8(&mut bytes, 30, u64::from(has_nodes));
    fill(&mut bytes, ROOT_COUNTS, ROOT_MAX, entries);
    bytes
}

fn node(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = vec![0; BLOCK_BYTES];
    put16(&mut bytes, 4, BLOCK);
    fill(&mut bytes, NODE_COUNTS, NODE_MAX, entries);
    bytes
}

fn fill(bytes: &mut [u8], counts: usize, most: usize, entries: &[Entry]) {
    for (index, (hash, block)) in entries.iter().enumerate() {
        put32(bytes, counts + index * ENTRY, *hash);
        put32(bytes, counts + index * ENTRY + 4, *block as u64);
    }
    put16(bytes, counts, most as u64);
    put16(bytes, counts + 2, entries.len() as u64);
}

/// Puts the checksum of a block of the tree; `seed` is the inode's.
pub(super) fn seal(block: &mut [u8], seed: Checksum) {
    if let Some((place, sum)) = sum(block, seed) {
        put32(block, place, sum);
    }
}

/// Returns the checksum that a block of the tree should have, and has; none where it isn't one.
pub(super) fn sums(block: &[u8], seed: Checksum) -> Option<(u32, u32)> {
    let (place, sum) = sum(block, seed)?;
    Some((get32(block, place), sum))
}

/// Returns where the checksum of a block is, and what it should be.
fn sum(block: &[u8], seed: Checksum) -> Option<(usize, u32)> {
    let counts = if get16(block, 4) == 12 { ROOT_COUNTS } else { NODE_COUNTS };
    let (most, count) = (usize::from(get16(block, counts)), usize::from(get16(block, counts + 2)));
    let tail = counts + most * ENTRY;
    let used = block.get(..counts + count * ENTRY).filter(|_| count <= most)?;
    let sum = seed.over(used).over(block.get(tail..tail + TAIL)?.get(..4)?).over(&[0; 4]).sum();
    Some((tail + 4, sum))
}

#[cfg(test)]
mod tests;
