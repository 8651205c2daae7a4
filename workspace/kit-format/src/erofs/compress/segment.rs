//! Compresses one segment.

use std::io;

use super::{BLOCK_BYTES, CLUSTER, Codec, Extent, lz4, zstd};

/// Compresses a segment: returns how many extents it becomes (4 bytes), of each its length (4), its blocks (2) and whether it is
/// stored as it is (2), and the blocks.
pub(super) fn compress(segment: &[u8], codec: Codec) -> io::Result<Vec<u8>> {
    let mut extents = Vec::new();
    let mut blocks = Vec::new();
    let mut compressor = Compressor::new(segment, codec)?;
    let mut start = 0;
    while start < segment.len() {
        let left = segment.len() - start;
        let found = if left <= BLOCK_BYTES {
            None
        } else {
            let (length, bytes) = compressor.compress(start)?;
            let taken = bytes.len().div_ceil(BLOCK_BYTES) * BLOCK_BYTES;
            if length > taken {
                blocks.resize(blocks.len() + taken - bytes.len(), 0);
                blocks.extend_from_slice(&bytes);
                extents.push(extent(length, taken / BLOCK_BYTES, false));
                start += length;
                continue;
            }
            Some(length)
        };
        // what doesn't get shorter in one extent is stored as it is, whole blocks of it
        let length = found.map_or(left, |length| (length / BLOCK_BYTES * BLOCK_BYTES).max(BLOCK_BYTES));
        for raw in segment[start..start + length].chunks(BLOCK_BYTES) {
            blocks.extend_from_slice(raw);
            blocks.resize(blocks.len().next_multiple_of(BLOCK_BYTES), 0);
            extents.push(extent(raw.len(), 1, true));
        }
        start += length;
    }
    Ok(encode(&extents, &blocks))
}

/// What compresses as many bytes as fit.
enum Compressor<'a> {
    Lz4(lz4::Compressor<'a>),
    Zstd(zstd::Compressor<'a>),
}

impl<'a> Compressor<'a> {
    fn new(segment: &'a [u8], codec: Codec) -> io::Result<Self> {
        Ok(match codec {
            Codec::Lz4 => Self::Lz4(lz4::Compressor::new(segment)),
            Codec::Zstd { level } => Self::Zstd(zstd::Compressor::new(segment, level)?),
        })
    }

    fn compress(&mut self, start: usize) -> io::Result<(usize, Vec<u8>)> {
        match self {
            Self::Lz4(compressor) => Ok(compressor.compress(start, CLUSTER)),
            Self::Zstd(compressor) => compressor.compress(start, CLUSTER),
        }
    }
}

fn extent(length: usize, blocks: usize, raw: bool) -> Extent {
    Extent {
        length: u32::try_from(length).expect("because segments are small"),
        blocks: u16::try_from(blocks).expect("because segments are small"),
        raw,
    }
}

fn encode(extents: &[Extent], blocks: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4 + extents.len() * 8 + blocks.len());
    let count = u32::try_from(extents.len()).expect("because segments are small");
    bytes.extend_from_slice(&count.to_le_bytes());
    for extent in extents {
        bytes.extend_from_slice(&extent.length.to_le_bytes());
        bytes.extend_from_slice(&extent.blocks.to_le_bytes());
        bytes.extend_from_slice(&u16::from(extent.raw).to_le_bytes());
    }
    bytes.extend_from_slice(blocks);
    bytes
}

/// Takes a compressed segment apart.
pub(super) fn decode(bytes: &[u8]) -> (Vec<Extent>, &[u8]) {
    let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let count = usize::try_from(word(0)).expect("because segments are small");
    let extents = (0..count).map(|number| {
        let at = 4 + number * 8;
        Extent { length: word(at), blocks: half(at + 4), raw: half(at + 6) != 0 }
    });
    (extents.collect(), &bytes[4 + count * 8..])
}
