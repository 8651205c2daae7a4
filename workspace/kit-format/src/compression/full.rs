//! Input to a compressor in chunks of one size, however the source hands it out.

use std::io::{self, BufRead, Read};

/// Bytes of a chunk.
const CHUNK: usize = 128 << 10;

/// Fills its buffer completely before the compressor sees a byte, so that no compressor can tell how its source reads.
#[derive(Debug)]
pub(super) struct FullChunks<R> {
    source: R,
    chunk: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<R: Read> FullChunks<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, chunk: Vec::new(), at: 0, ended: false }
    }

    pub(super) fn into_inner(self) -> R {
        self.source
    }
}

impl<R: Read> BufRead for FullChunks<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.chunk.len() && !self.ended {
            self.chunk.clear();
            self.at = 0;
            let taken = (&mut self.source).take(CHUNK as u64).read_to_end(&mut self.chunk)?;
            self.ended = taken < CHUNK;
        }
        Ok(&self.chunk[self.at..])
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
    }
}

impl<R: Read> Read for FullChunks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}
