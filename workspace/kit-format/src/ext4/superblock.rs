//! The superblock.

use super::checksum::Checksum;
use super::fields::{get16, get32, join, put8, put16, put32};
use super::geometry::{DESCRIPTOR, GROUP};
use super::inode::EXTRA;
use super::{INLINE, INODE, JOURNAL, LOST_AND_FOUND};

/// Where it stands.
pub(super) const OFFSET: u64 = 1024;
/// Its bytes.
pub(super) const LENGTH: usize = 1024;
/// Where its checksum stands.
const CHECKSUM: usize = 0x3fc;
const MAGIC: u16 = 0xef53;

/// There are blocks for descriptors of more groups.
const GROWTH: u32 = 0x10;
/// A journal, attributes, directories with hash trees.
const COMPAT: u32 = 0x4 | 0x8 | 0x20;
/// Types in directories.
const FILE_TYPE: u32 = 0x2;
/// The journal must be replayed.
pub(super) const RECOVER: u32 = 0x4;
/// Contents are lists of extents.
pub(super) const EXTENTS: u32 = 0x40;
/// Descriptors of 64 bytes.
pub(super) const WIDE: u32 = 0x80;
/// What belongs to a group can stand elsewhere.
const FLEXIBLE: u32 = 0x200;
/// The seed of checksums is not the UUID's.
const SEED: u32 = 0x2000;
/// Directories of 2 GiB.
const LARGE_DIRECTORIES: u32 = 0x4000;
const INCOMPAT: u32 = FILE_TYPE | EXTENTS | WIDE | FLEXIBLE;
/// What a reader may see.
pub(super) const KNOWN: u32 = INCOMPAT | SEED | LARGE_DIRECTORIES;
/// All metadata have checksums.
const CHECKSUMS: u32 = 0x400;
/// Copies in some groups, large files, many blocks, many directories in one, larger inodes, checksums.
const RO_COMPAT: u32 = 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | CHECKSUMS;

/// What a file system says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Superblock {
    pub(super) inodes: u64,
    pub(super) blocks: u64,
    pub(super) free_blocks: u64,
    pub(super) free_inodes: u64,
    pub(super) inodes_of_group: u64,
    /// Blocks behind the descriptors that are kept for more of them.
    pub(super) reserved: u64,
    pub(super) time: u64,
    pub(super) uuid: [u8; 16],
    pub(super) hash_seed: [u8; 16],
    pub(super) label: [u8; 16],
    /// The journal's extents, as they stand in its inode, and its length.
    pub(super) journal: [u8; INLINE],
    pub(super) journal_size: u64,
}

impl Superblock {
    /// Returns its bytes, as they stand in a group.
    pub(super) fn encode(&self, group: u64) -> Vec<u8> {
        let mut bytes = vec![0; LENGTH];
        let compat = if self.reserved > 0 { COMPAT | GROWTH } else { COMPAT };
        let words = [
            (0x00, self.inodes),
            (0x04, self.blocks),
            (0x0c, self.free_blocks),
            (0x10, self.free_inodes),
            (0x18, 2),
            (0x1c, 2),
            (0x20, GROUP),
            (0x24, GROUP),
            (0x28, self.inodes_of_group),
            (0x30, self.time),
            (0x40, self.time),
            (0x4c, 1),
            (0x54, u64::from(LOST_AND_FOUND)),
            (0x5c, u64::from(compat)),
            (0x60, u64::from(INCOMPAT)),
            (0x64, u64::from(RO_COMPAT)),
            (0xe0, u64::from(JOURNAL)),
            // access control lists and attributes of users
            (0x100, 0xc),
            (0x108, self.time),
            (0x150, self.blocks >> 32),
            (0x158, self.free_blocks >> 32),
            // hashes take bytes as signed
            (0x160, 1),
        ];
        for (at, word) in words {
            put32(&mut bytes, at, word);
        }
        // no check after so many mounts, the magic, clean, errors are told only, bytes of an inode, the group
        let extra = u64::from(EXTRA);
        let halves = [(0x36, 0xffff), (0x38, u64::from(MAGIC)), (0x3a, 1), (0x3c, 1), (0x58, INODE)];
        let more = [(0x5a, group), (0xce, self.reserved), (0xfe, DESCRIPTOR), (0x15c, extra), (0x15e, extra)];
        for (at, half) in halves.into_iter().chain(more) {
            put16(&mut bytes, at, half);
        }
        // half MD4, copies of the journal's inode, 16 groups that belong together, CRC-32C
        let time = self.time >> 32;
        let bits =
            [(0xfc, 1), (0xfd, 1), (0x174, 4), (0x175, 1), (0x274, time), (0x276, time), (0x277, time)];
        for (at, byte) in bits {
            put8(&mut bytes, at, byte);
        }
        bytes[0x68..0x78].copy_from_slice(&self.uuid);
        bytes[0x78..0x88].copy_from_slice(&self.label);
        bytes[0xec..0xfc].copy_from_slice(&self.hash_seed);
        bytes[0x10c..0x10c + INLINE].copy_from_slice(&self.journal);
        put32(&mut bytes, 0x148, self.journal_size >> 32);
        put32(&mut bytes, 0x14c, self.journal_size);
        let sum = Checksum::START.over(&bytes[..CHECKSUM]).sum();
        put32(&mut bytes, CHECKSUM, sum);
        bytes
    }
}

/// What is needed to read a file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) inodes: u32,
    pub(super) blocks: u64,
    /// Bytes of a block, as a binary logarithm.
    pub(super) block_bits: u32,
    pub(super) first_block: u32,
    pub(super) inodes_of_group: u32,
    pub(super) inode: u16,
    pub(super) descriptor: u16,
    pub(super) incompat: u32,
    /// What checksums begin with, where there are any.
    pub(super) seed: Option<Checksum>,
    /// The checksum that it should have, and has.
    pub(super) checksum: (u32, u32),
}

impl Told {
    /// Reads a superblock; none when it isn't one.
    pub(super) fn decode(bytes: &[u8; LENGTH]) -> Option<Self> {
        if get16(bytes, 0x38) != MAGIC {
            return None;
        }
        let (wide, block_bits) = (get32(bytes, 0x60) & WIDE != 0, get32(bytes, 0x18).checked_add(10)?);
        let (revised, incompat) = (get32(bytes, 0x4c) > 0, get32(bytes, 0x60));
        let seed = if incompat & SEED != 0 {
            Checksum::seed(get32(bytes, 0x270))
        } else {
            Checksum::START.over(&bytes[0x68..0x78])
        };
        let told = Self {
            inodes: get32(bytes, 0),
            blocks: join(if wide { get32(bytes, 0x150) } else { 0 }, get32(bytes, 4)),
            block_bits,
            first_block: get32(bytes, 0x14),
            inodes_of_group: get32(bytes, 0x28),
            inode: if revised { get16(bytes, 0x58) } else { 128 },
            descriptor: if wide { get16(bytes, 0xfe) } else { 32 },
            incompat,
            seed: (get32(bytes, 0x64) & CHECKSUMS != 0).then_some(seed),
            checksum: (get32(bytes, CHECKSUM), Checksum::START.over(&bytes[..CHECKSUM]).sum()),
        };
        let sane = (10..=16).contains(&told.block_bits)
            && told.inodes_of_group > 0
            && told.inode.is_power_of_two()
            && (128..=1024).contains(&told.inode)
            && told.descriptor.is_power_of_two()
            && (32..=1024).contains(&told.descriptor)
            && told.blocks < 1 << 44;
        sane.then_some(told)
    }
}
