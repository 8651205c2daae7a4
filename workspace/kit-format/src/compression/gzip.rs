//! The gzip writer: RFC 1952 with nothing in its header that could differ.

use std::fmt;
use std::io::{self, Read};

use flate2::GzBuilder;
use flate2::bufread::GzEncoder;

use super::full::FullChunks;

/// Names the exact bytes: this writer, level 6, and the deflate of zlib-rs 0.6.
pub const REVISION: u32 = 1;

/// Levels go from 0 to 9; 6 is what everybody's tools take.
const LEVEL: u32 = 6;

/// The operating system field's value for "unknown".
const OS_UNKNOWN: u8 = 255;

/// Reads a source compressed: one member, MTIME 0, no name, OS 255, level 6.
pub struct GzipStream<R: Read>(GzEncoder<FullChunks<R>>);

impl<R: Read> GzipStream<R> {
    /// Starts a stream over `source`.
    pub fn new(source: R) -> Self {
        let header = GzBuilder::new().mtime(0).operating_system(OS_UNKNOWN);
        Self(header.buf_read(FullChunks::new(source), flate2::Compression::new(LEVEL)))
    }

    /// Returns the source.
    pub fn into_inner(self) -> R {
        self.0.into_inner().into_inner()
    }
}

impl<R: Read> Read for GzipStream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R: Read> fmt::Debug for GzipStream<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GzipStream").finish_non_exhaustive()
    }
}
