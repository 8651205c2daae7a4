//! What a content is after compression, and the index of it.

use std::ops::Range;

use super::{BLOCK, Codec};

/// Indexes are compact, clusters have several blocks.
const FLAGS: u16 = 0b111;
/// Bytes before the packs.
const HEADER: u64 = 8;
/// Marks the number of blocks of an extent.
const BLOCKS: u16 = 1 << 11;

const PLAIN: u16 = 0;
const HEAD: u16 = 1;
const AMID: u16 = 2;

/// Some bytes of a content, compressed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::erofs) struct Extent {
    /// Bytes of the content.
    pub(in crate::erofs) length: u32,
    /// Blocks that they take.
    pub(in crate::erofs) blocks: u16,
    /// Whether they are stored as they are.
    pub(in crate::erofs) raw: bool,
}

/// A compressed content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::erofs) struct Extents {
    codec: Codec,
    /// Its first block, among those of all compressed contents.
    start: u64,
    blocks: u32,
    size: u64,
    list: Vec<Extent>,
}

impl Extents {
    /// Starts one that is stored from block `start` on.
    pub(super) fn new(codec: Codec, start: u64) -> Self {
        Self { codec, start, blocks: 0, size: 0, list: Vec::new() }
    }

    /// Adds the next bytes.
    pub(super) fn push(&mut self, extent: Extent) {
        self.blocks += u32::from(extent.blocks);
        self.size += u64::from(extent.length);
        self.list.push(extent);
    }

    /// Returns the bytes of all compressed contents that it is.
    pub(in crate::erofs) fn range(&self) -> Range<u64> {
        self.start * BLOCK..(self.start + u64::from(self.blocks)) * BLOCK
    }

    /// Returns how many blocks it has.
    pub(in crate::erofs) fn blocks(&self) -> u32 {
        self.blocks
    }

    /// Returns bytes of the index behind `fixed` bytes of inode and attributes, the padding between them included.
    pub(in crate::erofs) fn index_length(&self, fixed: u64) -> u64 {
        let packs = Packs::of(fixed, self.size);
        fixed.next_multiple_of(8) - fixed + HEADER + packs.length()
    }

    /// Returns the index, the first block of all compressed contents being `first`.
    pub(in crate::erofs) fn index(&self, fixed: u64, first: u32) -> Vec<u8> {
        let mut index = vec![0; usize::try_from(fixed.next_multiple_of(8) - fixed).unwrap_or_default()];
        index.extend_from_slice(&[0; 4]);
        index.extend_from_slice(&FLAGS.to_le_bytes());
        index.extend_from_slice(&[self.codec.number(), 0]);
        let clusters = self.clusters();
        let packs = Packs::of(fixed, self.size);
        let start = u32::try_from(self.start).expect("because the image has that many blocks");
        let mut writer = PackWriter { block: first + start, pending: false, bytes: index };
        let (before, rest) = clusters.split_at(packs.before);
        let (dense, behind) = rest.split_at(packs.dense);
        before.chunks(2).for_each(|pack| writer.write(pack, 2, 16));
        dense.chunks(16).for_each(|pack| writer.write(pack, 16, 14));
        behind.chunks(2).for_each(|pack| writer.write(pack, 2, 16));
        writer.bytes
    }

    /// Returns what each block of the content is.
    fn clusters(&self) -> Vec<Cluster> {
        let mut clusters = Vec::new();
        // where in its cluster the next extent starts
        let mut offset = 0_u32;
        for extent in &self.list {
            let kind = if extent.raw { PLAIN } else { HEAD };
            let start = u16::try_from(offset).expect("because a cluster is small");
            let whole = (offset + extent.length) / 4096;
            clusters.push(Cluster { kind, value: start, next: 0 });
            for distance in 1..whole.max(1) {
                let value = u16::try_from(distance).unwrap_or(u16::MAX).min(BLOCKS - 1);
                let value = if distance == 1 { BLOCKS | extent.blocks } else { value };
                let next = u16::try_from(whole - distance).unwrap_or(u16::MAX).min(BLOCKS - 1);
                clusters.push(Cluster { kind: AMID, value, next });
            }
            if whole == 0 {
                // the content ends in the cluster where its last extent starts
                return clusters;
            }
            offset = (offset + extent.length) % 4096;
        }
        if offset > 0 {
            let end = u16::try_from(offset).expect("because a cluster is small");
            clusters.push(Cluster { kind: PLAIN, value: end, next: 0 });
        }
        clusters
    }
}

/// What a block of a content is.
#[derive(Debug, Clone, Copy)]
struct Cluster {
    kind: u16,
    value: u16,
    /// Amid an extent, how far the next one is.
    next: u16,
}

/// How many clusters stand in which packs.
pub(in crate::erofs) struct Packs {
    /// In pairs up to a multiple of 32 bytes.
    pub(in crate::erofs) before: usize,
    /// In sixteens.
    pub(in crate::erofs) dense: usize,
    behind: usize,
}

impl Packs {
    /// Divides the clusters of a content of `size` bytes, the index being behind `fixed` bytes from a multiple of 32.
    pub(in crate::erofs) fn of(fixed: u64, size: u64) -> Self {
        let total = usize::try_from(size.div_ceil(BLOCK)).unwrap_or(usize::MAX);
        let base = fixed.next_multiple_of(8) + HEADER;
        let before =
            usize::try_from((base.next_multiple_of(32) - base) / 4).expect("because it is less than 8");
        if before >= total {
            return Self { before: total, dense: 0, behind: 0 };
        }
        let dense = (total - before) / 16 * 16;
        Self { before, dense, behind: total - before - dense }
    }

    fn length(&self) -> u64 {
        (self.before.div_ceil(2) * 8 + self.dense * 2 + self.behind.div_ceil(2) * 8) as u64
    }
}

struct PackWriter {
    /// Where the extent is that starts next, or whose blocks aren't known yet.
    block: u32,
    /// Whether the last cluster started an extent, which is of one block unless the next one says more.
    pending: bool,
    bytes: Vec<u8>,
}

impl PackWriter {
    /// Writes `count` clusters of `bits` bits each; those that are missing are zero.
    fn write(&mut self, clusters: &[Cluster], count: usize, bits: usize) {
        let mut base = self.block;
        // Whether no extent of the pack is known yet: the address is that of its first one, or of the one that begins before the pack.
        let mut first = true;
        let mut fields = vec![0; count * bits / 8 + 2];
        for (at, cluster) in clusters.iter().enumerate() {
            let value = if cluster.kind != AMID {
                self.block += u32::from(std::mem::replace(&mut self.pending, true));
                if std::mem::take(&mut first) {
                    base = self.block;
                }
                cluster.value
            } else if cluster.value & BLOCKS != 0 {
                self.block += u32::from(cluster.value & !BLOCKS);
                self.pending = false;
                // Readers add these blocks to the pack's address, wherever in the pack they are told.
                first = false;
                cluster.value
            } else if at + 1 == count {
                cluster.next
            } else {
                cluster.value
            };
            let field = u32::from(cluster.kind << 12 | value) << (at * bits % 8);
            for (place, byte) in fields[at * bits / 8..].iter_mut().zip(field.to_le_bytes()) {
                *place |= byte;
            }
        }
        self.bytes.extend_from_slice(&fields[..count * bits / 8]);
        self.bytes.extend_from_slice(&base.to_le_bytes());
    }
}
