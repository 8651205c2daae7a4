//! Deflate of single blocks, each of them by itself, so that it doesn't matter who does which.

use std::io;

use flate2::{Compress, Compression, FlushCompress, Status};

/// Levels go from 0 to 9; 6 is what everybody's tools take.
const LEVEL: u32 = 6;

/// How the stream of a block is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrapping {
    /// RFC 1951 with a window of 4 KiB, to its end: what qcow2 has.
    SmallWindow,
    /// RFC 1950, to its end: what VMDK has.
    Zlib,
    /// RFC 1951 without an end, at a whole byte: another block can follow.
    Part,
}

/// Returns a block deflated.
pub(super) fn deflate(block: &[u8], wrapping: Wrapping) -> io::Result<Vec<u8>> {
    let level = Compression::new(LEVEL);
    let (mut compress, flush) = match wrapping {
        Wrapping::SmallWindow => (Compress::new_with_window_bits(level, false, 12), FlushCompress::Finish),
        Wrapping::Zlib => (Compress::new(level, true), FlushCompress::Finish),
        Wrapping::Part => (Compress::new(level, false), FlushCompress::Sync),
    };
    let mut packed = Vec::with_capacity(block.len() / 2 + 64);
    loop {
        let taken = usize::try_from(compress.total_in()).map_err(io::Error::other)?;
        let status = compress.compress_vec(&block[taken..], &mut packed, flush)?;
        let room = packed.capacity() > packed.len();
        let all = compress.total_in() == block.len() as u64;
        if status == Status::StreamEnd || (wrapping == Wrapping::Part && all && room) {
            return Ok(packed);
        }
        packed.reserve(block.len() / 2 + 64);
    }
}
