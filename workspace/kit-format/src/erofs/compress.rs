//! Compressed files.
//!
//! A content is cut into segments of 2 MiB, which workers compress by themselves. A segment becomes extents: as many bytes as the codec gets
//! into 64 KiB, or those that are left, and blocks of zeros and then what came out. An extent that takes no fewer blocks than its bytes is
//! stored as it is, 4096 bytes to a block. All extents of a content stand one behind the other.
//!
//! A content that has no more than 4096 bytes, or fits into one segment and doesn't get shorter, isn't compressed.
//!
//! # The index
//! Behind inode and attributes, at a multiple of 8: zeros (4), flags (2: compact, clusters of several blocks), the codec, zero; then what
//! each block of the content (a *logical cluster*) is: the rest of an extent and the start of the next one, the start of one that is stored as it is, or
//! amid one. They stand in packs: two in eight bytes up to a multiple of 32, sixteen in 32 bytes, two in eight bytes for the rest. A pack is
//! fields of type (2 bits) and value (12 bits, and two or none unused), and the address of its first extent (4 bytes). The value is where in the
//! cluster the extent starts; the blocks of the extent with bit 11, in the second cluster of one; the distance to the first, in others; the
//! distance to the next extent, in the last of a pack.

mod extents;
mod lz4;
mod segment;
mod stream;
mod zstd;

pub(super) use extents::{Extents, Packs};
pub(super) use lz4::decompress as lz4_decompress;
pub(super) use stream::compress;

use super::BLOCK;
use extents::Extent;

/// What compresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    /// LZ4.
    Lz4,
    /// Zstandard.
    Zstd {
        /// The effort.
        level: i32,
    },
}

impl Codec {
    /// Returns the number by which the format knows it.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Lz4 => 0,
            Self::Zstd { .. } => 3,
        }
    }
}

/// Bytes that are compressed by themselves.
const SEGMENT: usize = 2 << 20;
/// Bytes of the largest compressed extent.
const CLUSTER: usize = 64 << 10;
/// Bytes of a block.
const BLOCK_BYTES: usize = 4096;
