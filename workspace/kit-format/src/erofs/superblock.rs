//! The superblock.

use super::BLOCK;

/// Where it stands.
pub(super) const OFFSET: u64 = 1024;
/// Its bytes.
pub(super) const LENGTH: usize = 128;
const MAGIC: u32 = 0xE0F5_E1E2;

/// There is a checksum.
pub(super) const COMPAT_CHECKSUM: u32 = 1;
/// Times are those of modification.
pub(super) const COMPAT_MTIME: u32 = 2;
/// Compressed bytes stand at the end of their cluster.
pub(super) const ZERO_PADDING: u32 = 1;
/// Clusters of several blocks, and the algorithms' settings behind the superblock.
pub(super) const BIG_CLUSTERS: u32 = 2;
/// Some files are lists of chunks.
pub(super) const CHUNKS: u32 = 4;
/// The last cluster of a compressed file can stand behind its index.
pub(super) const INLINE_CLUSTERS: u32 = 0x10;

/// What an image says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Superblock {
    pub(super) checksum: u32,
    pub(super) compat: u32,
    pub(super) block_bits: u8,
    pub(super) extra_slots: u8,
    pub(super) root: u16,
    pub(super) inodes: u64,
    pub(super) time: u64,
    pub(super) blocks: u32,
    pub(super) inode_block: u32,
    pub(super) xattr_block: u32,
    pub(super) uuid: [u8; 16],
    pub(super) label: [u8; 16],
    pub(super) incompat: u32,
    pub(super) algorithms: u16,
    pub(super) directory_bits: u8,
}

impl Superblock {
    /// Returns its bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend_from_slice(&MAGIC.to_le_bytes());
        bytes.extend_from_slice(&self.checksum.to_le_bytes());
        bytes.extend_from_slice(&self.compat.to_le_bytes());
        bytes.extend_from_slice(&[self.block_bits, self.extra_slots]);
        bytes.extend_from_slice(&self.root.to_le_bytes());
        bytes.extend_from_slice(&self.inodes.to_le_bytes());
        bytes.extend_from_slice(&self.time.to_le_bytes());
        bytes.extend_from_slice(&0_u32.to_le_bytes());
        for number in [self.blocks, self.inode_block, self.xattr_block] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.uuid);
        bytes.extend_from_slice(&self.label);
        bytes.extend_from_slice(&self.incompat.to_le_bytes());
        bytes.extend_from_slice(&self.algorithms.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.push(self.directory_bits);
        bytes.resize(LENGTH, 0);
        bytes
    }

    /// Reads it; none when it is no superblock of EROFS.
    pub(super) fn decode(bytes: &[u8; LENGTH]) -> Option<Self> {
        let long = |at: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(number)
        };
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let (mut uuid, mut label) = ([0; 16], [0; 16]);
        uuid.copy_from_slice(&bytes[48..64]);
        label.copy_from_slice(&bytes[64..80]);
        (word(0) == MAGIC).then(|| Self {
            checksum: word(4),
            compat: word(8),
            block_bits: bytes[12],
            extra_slots: bytes[13],
            root: half(14),
            inodes: long(16),
            time: long(24),
            blocks: word(36),
            inode_block: word(40),
            xattr_block: word(44),
            uuid,
            label,
            incompat: word(80),
            algorithms: half(84),
            directory_bits: bytes[90],
        })
    }
}

/// Returns the checksum of the first block from the superblock on, whose checksum is taken as zero: CRC-32C from all ones, not inverted at
/// the end.
pub(super) fn checksum(rest_of_block: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for (at, byte) in rest_of_block.iter().enumerate() {
        sum ^= if (4..8).contains(&at) { 0 } else { u32::from(*byte) };
        for _ in 0..8 {
            sum = if sum & 1 == 0 { sum >> 1 } else { (sum >> 1) ^ 0x82F6_3B78 };
        }
    }
    sum
}

/// How many bytes the checksum is over.
pub(super) const CHECKED: u64 = BLOCK - OFFSET;
