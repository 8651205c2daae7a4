//! What directories hold: lists of names, with a checksum at the end of each block.

use super::checksum::Checksum;
use super::fields::{get16, get32, put8, put16, put32};
use super::{BLOCK_BYTES, hash_tree};

/// Bytes at the end of a block: what looks like an entry without a name, and the checksum.
pub(super) const TAIL: usize = 12;
const TAIL_KIND: u8 = 0xde;
/// Bytes for names in a block.
pub(super) const ROOM: usize = BLOCK_BYTES - TAIL;

/// A name in a directory: its bytes, the inode, the number of the kind.
pub(super) type Name<'a> = (&'a [u8], u32, u8);

/// Returns the bytes that a name takes.
pub(super) fn length(name: &Name<'_>) -> usize {
    (8 + name.0.len()).next_multiple_of(4)
}

/// Returns the blocks, at least so many, without checksums.
pub(super) fn encode<'a>(names: impl Iterator<Item = Name<'a>>, least: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut last = 0;
    for (name, inode, kind) in names {
        let length = length(&(name, inode, kind));
        if bytes.is_empty() || bytes.len() % BLOCK_BYTES + length > ROOM {
            close(&mut bytes, last);
        }
        last = bytes.len();
        bytes.resize(last + length, 0);
        put32(&mut bytes, last, inode);
        put16(&mut bytes, last + 4, length as u64);
        put8(&mut bytes, last + 6, name.len() as u64);
        put8(&mut bytes, last + 7, kind);
        bytes[last + 8..last + 8 + name.len()].copy_from_slice(name);
    }
    close(&mut bytes, last);
    while bytes.len() < least * BLOCK_BYTES {
        last = bytes.len();
        bytes.resize(last + 8, 0);
        close(&mut bytes, last);
    }
    bytes
}

/// Ends a block: the last entry goes up to the tail.
fn close(bytes: &mut Vec<u8>, last: usize) {
    if bytes.is_empty() {
        return;
    }
    bytes.resize(bytes.len().next_multiple_of(BLOCK_BYTES), 0);
    let tail = bytes.len() - TAIL;
    put16(bytes, last + 4, (tail - last) as u64);
    put16(bytes, tail + 4, TAIL as u64);
    put8(bytes, tail + 7, TAIL_KIND);
}

/// Puts the checksums; `seed` is the inode's.
pub(super) fn seal(bytes: &mut [u8], seed: Checksum) {
    for block in bytes.chunks_mut(BLOCK_BYTES) {
        match sums(block, seed) {
            Some((_, sum)) => put32(block, ROOM + 8, sum),
            None => hash_tree::seal(block, seed),
        }
    }
}

/// Returns the names of a block with their inodes; none when it is damaged.
pub(super) fn parse(block: &[u8]) -> Option<Vec<(&[u8], u32)>> {
    let (mut names, mut rest) = (Vec::new(), block);
    while !rest.is_empty() {
        let (length, name) = (usize::from(*rest.get(4)?) | usize::from(*rest.get(5)?) << 8, *rest.get(6)?);
        // blocks of 64 KiB have no number for their own length
        let length = if length == 0 || length == 0xffff { rest.len() } else { length };
        let (entry, behind) = rest.split_at_checked(length)?;
        if length < 8 {
            return None;
        }
        let inode = get32(entry, 0);
        let name = entry.get(8..8 + usize::from(name))?;
        if inode != 0 {
            names.push((name, inode));
        }
        rest = behind;
    }
    Some(names)
}

/// Returns the checksum that a block should have, and has; none where it has none, in those of hash trees.
pub(super) fn sums(block: &[u8], seed: Checksum) -> Option<(u32, u32)> {
    let tail = block.len() - TAIL;
    let is_tail = get32(block, tail) == 0
        && usize::from(get16(block, tail + 4)) == TAIL
        && block[tail + 6] == 0
        && block[tail + 7] == TAIL_KIND;
    is_tail.then(|| (get32(block, tail + 8), seed.over(&block[..tail]).sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fill_blocks_up_to_the_tail() {
        let names: Vec<String> = (0..600).map(|number| format!("name {number}")).collect();
        let list = names.iter().map(|name| (name.as_bytes(), 7, 1));
        let mut bytes = encode(list, 5);
        assert_eq!(bytes.len(), 5 * BLOCK_BYTES);
        seal(&mut bytes, Checksum::START);
        let mut found = Vec::new();
        for block in bytes.chunks(BLOCK_BYTES) {
            let (expected, sum) = sums(block, Checksum::START).unwrap();
            assert_eq!(expected, sum);
            found.extend(parse(block).unwrap().into_iter().map(|(name, _)| name.to_vec()));
        }
        assert_eq!(found, names.iter().map(|name| name.as_bytes().to_vec()).collect::<Vec<_>>());
    }
}
