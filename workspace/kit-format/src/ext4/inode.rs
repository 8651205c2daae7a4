//! Inodes: 256 bytes each.

use super::checksum::Checksum;
use super::fields::{get16, get32, join, put16, put32};
use super::{INLINE, INODE_BYTES};

/// Bytes behind the first 128 that are no attributes.
pub(super) const EXTRA: u16 = 32;
/// Where attributes begin.
pub(super) const BEHIND: usize = 128 + EXTRA as usize;
/// Bytes for them.
pub(super) const ROOM: usize = INODE_BYTES - BEHIND;
/// The content is a list of extents.
pub(super) const EXTENTS: u32 = 0x8_0000;
/// The directory has a hash tree.
pub(super) const INDEXED: u32 = 0x1000;
/// The content stands in the inode.
pub(super) const IN_INODE: u32 = 0x1000_0000;
/// The content is encrypted.
pub(super) const ENCRYPTED: u32 = 0x800;
const SUM_LOW: usize = 124;
const SUM_HIGH: usize = 130;
/// The last second that has a place.
pub(super) const TIME_MAX: u64 = i32::MAX as u64 + (3 << 32);

/// An inode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inode {
    pub(super) mode: u16,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) size: u64,
    pub(super) links: u16,
    /// Blocks of its own.
    pub(super) blocks: u64,
    pub(super) flags: u32,
    /// Extents, a target, or a device number.
    pub(super) inline: [u8; INLINE],
    /// Where its other attributes are.
    pub(super) attribute_block: u64,
    /// The attributes behind it, at most [`ROOM`] bytes.
    pub(super) attributes: Vec<u8>,
}

impl Inode {
    /// Returns its bytes.
    pub(super) fn encode(&self, number: u32, time: u64, seed: Checksum) -> Vec<u8> {
        let mut bytes = vec![0; BEHIND + ROOM];
        let sectors = self.blocks * 8;
        let halves = [
            (0, u64::from(self.mode)),
            (2, u64::from(self.uid)),
            (24, u64::from(self.gid)),
            (26, u64::from(self.links)),
            (116, sectors >> 32),
            (118, self.attribute_block >> 32),
            (120, u64::from(self.uid >> 16)),
            (122, u64::from(self.gid >> 16)),
            (128, u64::from(EXTRA)),
        ];
        for (at, half) in halves {
            put16(&mut bytes, at, half);
        }
        // The upper bits of times count spans of 2^32 seconds from one that is signed.
        let epoch = (time + (1 << 31)) >> 32;
        let words = [
            (4, self.size),
            (8, time),
            (12, time),
            (16, time),
            (28, sectors),
            (32, u64::from(self.flags)),
            (104, self.attribute_block),
            (108, self.size >> 32),
            (132, epoch),
            (136, epoch),
            (140, epoch),
            (144, time),
            (148, epoch),
        ];
        for (at, word) in words {
            put32(&mut bytes, at, word);
        }
        bytes[40..40 + INLINE].copy_from_slice(&self.inline);
        bytes[BEHIND..BEHIND + self.attributes.len()].copy_from_slice(&self.attributes);
        let sum = checksum(&bytes, number, seed);
        put16(&mut bytes, SUM_LOW, sum);
        put16(&mut bytes, SUM_HIGH, sum >> 16);
        bytes
    }

    /// Reads what is needed of an inode of 128 bytes or more.
    pub(super) fn decode(bytes: &[u8]) -> Self {
        let mut inline = [0; INLINE];
        inline.copy_from_slice(&bytes[40..40 + INLINE]);
        let pair = |high, low| u32::from(get16(bytes, high)) << 16 | u32::from(get16(bytes, low));
        let extra = if bytes.len() > 130 { usize::from(get16(bytes, 128)) } else { 0 };
        Self {
            mode: get16(bytes, 0),
            uid: pair(120, 2),
            gid: pair(122, 24),
            size: join(get32(bytes, 108), get32(bytes, 4)),
            links: get16(bytes, 26),
            blocks: 0,
            flags: get32(bytes, 32),
            inline,
            attribute_block: join(get16(bytes, 118), get32(bytes, 104)),
            attributes: bytes.get(128 + extra..).unwrap_or_default().to_vec(),
        }
    }
}

/// Returns the generation, which checksums begin with.
pub(super) fn generation(bytes: &[u8]) -> u32 {
    get32(bytes, 100)
}

/// Returns the checksum that an inode should have, and has: half of it where the other has no place.
pub(super) fn sums(bytes: &[u8], number: u32, seed: Checksum) -> (u32, u32) {
    let whole = bytes.len() > 130 && get16(bytes, 128) >= 4;
    let high = if whole { u32::from(get16(bytes, SUM_HIGH)) << 16 } else { 0 };
    let found = checksum(bytes, number, seed);
    (high | u32::from(get16(bytes, SUM_LOW)), if whole { found } else { found & 0xffff })
}

fn checksum(bytes: &[u8], number: u32, seed: Checksum) -> u32 {
    let sum = seed.inode(number, generation(bytes)).over(&bytes[..SUM_LOW]).over(&[0; 2]);
    let sum = sum.over(&bytes[SUM_LOW + 2..bytes.len().min(SUM_HIGH)]);
    if bytes.len() <= SUM_HIGH {
        return sum.sum();
    }
    let whole = get16(bytes, 128) >= 4;
    let sum = if whole { sum.over(&[0; 2]) } else { sum.over(&bytes[SUM_HIGH..SUM_HIGH + 2]) };
    sum.over(&bytes[SUM_HIGH + 2..]).sum()
}
