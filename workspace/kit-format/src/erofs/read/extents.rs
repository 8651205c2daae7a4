//! Indexes of compressed contents.

use std::io::{Read, Seek};

use kit_tree::TreePath;

use super::image::{Found, Image};
use super::{ErofsReadError, Span};
use crate::erofs::BLOCK;
use crate::erofs::compress::Packs;
use crate::erofs::inode::Form;
use crate::inodes::{EntryError, Inodes as _};

/// Flags of an index.
const DENSE: u16 = 1;
const BIG: u16 = 0b110;
const INLINE: u16 = 1 << 3;

/// The number of an extent's blocks is marked by this.
const BLOCKS: u16 = 1 << 11;
/// The most blocks of an extent, and the most bytes that it may become, as Linux has them.
const STORED_MAX: u16 = 256;
const LENGTH_MAX: u64 = 12 << 20;

/// What a block of a content is.
#[derive(Clone, Copy)]
enum Cluster {
    /// An extent starts in it at `start`; 0 is stored as it is, 1 and 3 are compressed.
    Head { kind: u16, start: u16, block: u32 },
    /// The second block of an extent of so many blocks.
    Second { blocks: u16 },
    /// Amid an extent.
    Amid,
}

/// The codec's number for LZ4.
pub(super) const LZ4: u8 = 0;
/// The codec's number for zstd.
pub(super) const ZSTD: u8 = 3;

/// An extent: `stored` bytes from `offset` on that become `length`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed {
    pub(super) offset: u64,
    pub(super) stored: u64,
    pub(super) length: u64,
    pub(super) codec: u8,
}

/// Returns where the content of a compressed inode is.
pub(super) fn read<R: Read + Seek>(
    image: &mut Image<R>,
    found: &Found,
    path: &TreePath,
) -> Result<Vec<Span>, ErofsReadError> {
    let unsupported = |what| Err(Image::<R>::unsupported(what));
    let damaged = || EntryError::damaged(path, "its index is");
    let start = found.behind().next_multiple_of(8);
    let header = image.read_vec(start, 8)?;
    let inlined = u64::from(u16::from_le_bytes([header[2], header[3]]));
    let flags = u16::from_le_bytes([header[4], header[5]]);
    if flags & !(DENSE | BIG | INLINE) != 0 {
        return unsupported("fragments or interlaced clusters");
    }
    if header[7] != 0 {
        return unsupported("logical clusters of another size than 4096 bytes");
    }
    if flags & BIG != 0 && flags & BIG != BIG && found.inode.form == Form::Compressed {
        return Err(damaged().into());
    }
    let (clusters, end) = match found.inode.form {
        Form::CompressedFull => full(image, found, start + 16)?,
        _ => compact(image, found, start + 8, flags)?,
    };
    let heads = heads(&clusters).ok_or_else(damaged)?;
    let codecs = [header[6] & 15, header[6] >> 4];
    let mut spans = Vec::new();
    let size = found.inode.size;
    for (at, head) in heads.iter().enumerate() {
        let until = heads.get(at + 1).map_or(size, |next| next.start);
        let length =
            until.checked_sub(head.start).filter(|length| *length <= LENGTH_MAX).ok_or_else(damaged)?;
        let codec = codecs[usize::from(head.kind == 3)];
        if head.kind != 0 && codec != LZ4 && codec != ZSTD {
            return unsupported("clusters compressed by LZMA, DEFLATE or what came later");
        }
        // a head behind the last byte only says where that is
        let is_inline = flags & INLINE != 0 && length > 0 && until == size;
        let (offset, stored) = if is_inline {
            (end, inlined)
        } else {
            (u64::from(head.block) * BLOCK, u64::from(head.blocks) * BLOCK)
        };
        if head.kind == 0 && length > stored && length > 0 {
            return Err(damaged().into());
        }
        spans.push(match head.kind {
            0 => Span::Stored { offset, length },
            _ if length == 0 => Span::Zeros { length },
            _ => Span::Packed(Packed { offset, stored, length, codec }),
        });
    }
    let covered = heads.first().map_or(0, |first| first.start) == 0 && !(heads.is_empty() && size > 0);
    if covered { Ok(spans) } else { Err(damaged().into()) }
}

/// Where an extent starts in the content, and where it is.
struct Head {
    kind: u16,
    start: u64,
    block: u32,
    blocks: u16,
}

fn heads(clusters: &[Cluster]) -> Option<Vec<Head>> {
    let mut heads: Vec<Head> = Vec::new();
    for (at, cluster) in clusters.iter().enumerate() {
        match *cluster {
            Cluster::Head { kind, start, block } => {
                let start = at as u64 * BLOCK + u64::from(start);
                heads.push(Head { kind, start, block, blocks: 1 });
            }
            Cluster::Second { blocks } => {
                let first = at.checked_sub(1).and_then(|before| clusters.get(before));
                let Some(Cluster::Head { .. }) = first else { return None };
                heads.last_mut()?.blocks = Some(blocks).filter(|blocks| (1..=STORED_MAX).contains(blocks))?;
            }
            Cluster::Amid => {}
        }
    }
    Some(heads)
}

/// Reads an index of eight bytes for each cluster; returns where it ends, too.
fn full<R: Read + Seek>(
    image: &mut Image<R>,
    found: &Found,
    start: u64,
) -> Result<(Vec<Cluster>, u64), ErofsReadError> {
    let length = found.inode.size.div_ceil(BLOCK) * 8;
    let bytes = image.read_vec(start, length)?;
    let clusters = bytes.chunks_exact(8).map(|entry| {
        let half = |at: usize| u16::from_le_bytes([entry[at], entry[at + 1]]);
        match half(0) & 3 {
            2 if half(4) & BLOCKS != 0 => Cluster::Second { blocks: half(4) & !BLOCKS },
            2 => Cluster::Amid,
            kind => {
                let block = u32::from(half(4)) | u32::from(half(6)) << 16;
                Cluster::Head { kind, start: half(2) & 0xfff, block }
            }
        }
    });
    Ok((clusters.collect(), start + length))
}

/// Reads an index of packs; returns where it ends, too.
fn compact<R: Read + Seek>(
    image: &mut Image<R>,
    found: &Found,
    start: u64,
    flags: u16,
) -> Result<(Vec<Cluster>, u64), ErofsReadError> {
    let size = found.inode.size;
    let total = size.div_ceil(BLOCK);
    let sparse = |count: u64| count.div_ceil(2) * 8;
    let (before, dense, behind) = if flags & DENSE == 0 {
        (total, 0, 0)
    } else {
        let packs = Packs::of(found.fixed, size);
        let (before, dense) = (packs.before as u64, packs.dense as u64);
        (before, dense, total - before - dense)
    };
    let length = sparse(before) + dense * 2 + sparse(behind);
    let bytes = image.read_vec(start, length)?;
    let is_big = flags & BIG != 0;
    let mut clusters = Vec::new();
    let mut rest = bytes.as_slice();
    for (count, in_pack) in [(before, 2), (dense, 16), (behind, 2)] {
        let mut left = usize::try_from(count).unwrap_or(usize::MAX);
        while left > 0 {
            let (pack, more) = rest.split_at(if in_pack == 2 { 8 } else { 32 });
            rest = more;
            unpack(pack, in_pack, left.min(in_pack), is_big, &mut clusters);
            left -= left.min(in_pack);
        }
    }
    Ok((clusters, start + length))
}

/// Reads the first `count` clusters of a pack that has room for `room`.
fn unpack(pack: &[u8], room: usize, count: usize, is_big: bool, clusters: &mut Vec<Cluster>) {
    let bits = (pack.len() - 4) * 8 / room;
    let word = |at: usize| {
        let byte = |at: usize| u32::from(pack.get(at).copied().unwrap_or(0));
        byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16
    };
    let (fields, base) = pack.split_at(pack.len() - 4);
    let base = base.first_chunk::<4>().map_or(0, |base| u32::from_le_bytes(*base));
    debug_assert!(fields.len() * 8 >= bits * count);
    let mut block = if is_big { base } else { base.wrapping_add(1) };
    let mut pending = false;
    for at in 0..count {
        let field = word(at * bits / 8) >> (at * bits % 8);
        let value = u16::try_from(field & 0xfff).unwrap_or_default();
        clusters.push(match u16::try_from(field >> 12 & 3).unwrap_or_default() {
            2 if is_big && value & BLOCKS != 0 => {
                block = block.wrapping_add(u32::from(value & !BLOCKS));
                pending = false;
                Cluster::Second { blocks: value & !BLOCKS }
            }
            2 => Cluster::Amid,
            kind => {
                block = block.wrapping_add(u32::from(std::mem::replace(&mut pending, true)));
                Cluster::Head { kind, start: value, block }
            }
        });
    }
}
