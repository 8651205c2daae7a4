//! The zstd writer: one frame, whose bytes depend on content, level and length alone.
//!
//! libzstd's output differs between its single-thread and its multi-thread mode, and between a known and an unknown length. So the
//! multi-thread mode is always on, jobs have a fixed size, the length is always pledged, and the checksum is always there.
//! The number of workers changes only the speed.

use std::fmt;
use std::io::{self, Read};
use std::num::NonZeroU32;

use ::zstd::stream::raw::CParameter;
use ::zstd::stream::read::Encoder;

use super::full::FullChunks;

/// Names the exact bytes: this writer and libzstd 1.5.7.
pub const REVISION: u32 = 1;

/// Bytes that one worker takes at a time.
const JOB_BYTES: u32 = 4 << 20;

/// How hard to compress, and with how many threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZstdOptions {
    /// From 1 (fast) to 19 (small); part of the bytes. Memory with two workers: about 25 MiB at level 3, 45 at 9, 110 at 12, 210 at 19.
    pub level: i32,
    /// Threads that compress; never part of the bytes.
    pub workers: NonZeroU32,
}

/// Reads a source compressed.
pub struct ZstdStream<R: Read> {
    encoder: Encoder<'static, FullChunks<Exact<R>>>,
}

impl<R: Read> ZstdStream<R> {
    /// Starts a stream over a source of exactly `size` bytes; reading fails when the source has more or less.
    pub fn new(source: R, size: u64, options: ZstdOptions) -> io::Result<Self> {
        let source = FullChunks::new(Exact { source, left: size });
        let mut encoder = Encoder::with_buffer(source, options.level)?;
        encoder.set_pledged_src_size(Some(size))?;
        encoder.include_contentsize(true)?;
        encoder.include_checksum(true)?;
        encoder.multithread(options.workers.get())?;
        encoder.set_parameter(CParameter::JobSize(JOB_BYTES))?;
        Ok(Self { encoder })
    }

    /// Returns the source.
    pub fn into_inner(self) -> R {
        self.encoder.finish().into_inner().source
    }
}

impl<R: Read> Read for ZstdStream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.encoder.read(buffer)
    }
}

impl<R: Read> fmt::Debug for ZstdStream<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZstdStream").finish_non_exhaustive()
    }
}

/// Fails unless the source has the length that was said.
struct Exact<R> {
    source: R,
    left: u64,
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        if count == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the source is shorter than was said"));
        }
        let left = self.left.checked_sub(count as u64);
        self.left = left.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "the source is longer than was said")
        })?;
        Ok(count)
    }
}
