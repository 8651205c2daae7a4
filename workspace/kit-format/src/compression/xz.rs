//! The xz writer: one stream of one block, by one thread, for initrds.

use std::fmt;
use std::io::{self, Read};

use liblzma::bufread::XzEncoder;
use liblzma::stream::{Check, Stream};

use super::full::FullChunks;

/// Names the exact bytes: this writer and the liblzma that is locked with it.
pub const REVISION: u32 = 1;

/// What the xz program takes when nobody says anything: a dictionary of 8 MiB.
const PRESET: u32 = 6;

/// Reads a source compressed: preset 6, CRC-32, since Linux knows no other check when it unpacks its initrd.
pub struct XzStream<R: Read>(XzEncoder<FullChunks<R>>);

impl<R: Read> XzStream<R> {
    /// Starts a stream over `source`.
    pub fn new(source: R) -> io::Result<Self> {
        let stream = Stream::new_easy_encoder(PRESET, Check::Crc32)?;
        Ok(Self(XzEncoder::new_stream(FullChunks::new(source), stream)))
    }
}

impl<R: Read> Read for XzStream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R: Read> fmt::Debug for XzStream<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XzStream").finish_non_exhaustive()
    }
}
