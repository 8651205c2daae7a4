//! A stream that is read from its start, with the place in it.

use std::io::{self, BufRead as _, BufReader, Read};

/// Bytes that are read at once.
const BUFFER: usize = 64 << 10;

/// A stream, and how far it was read.
pub(super) struct Walk<'a> {
    source: BufReader<Box<dyn Read + 'a>>,
    at: u64,
}

impl<'a> Walk<'a> {
    pub(super) fn new(source: Box<dyn Read + 'a>) -> Self {
        Self { source: BufReader::with_capacity(BUFFER, source), at: 0 }
    }

    /// Returns how many bytes were read.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Reads so many bytes, or what is left of them.
    pub(super) fn read(&mut self, count: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.source.by_ref().take(count).read_to_end(&mut bytes)?;
        self.at += bytes.len() as u64;
        Ok(bytes)
    }

    /// Skips so many bytes; returns how many there were.
    pub(super) fn skip(&mut self, count: u64) -> io::Result<u64> {
        let skipped = io::copy(&mut self.source.by_ref().take(count), &mut io::sink())?;
        self.at += skipped;
        Ok(skipped)
    }

    /// Returns at most so many of the bytes that come next, without reading them; none at the end alone.
    pub(super) fn peek(&mut self, count: u64) -> io::Result<&[u8]> {
        let bytes = self.source.fill_buf()?;
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(bytes.len());
        Ok(&bytes[..count])
    }

    /// Takes bytes as read, of those that were returned before.
    pub(super) fn consume(&mut self, count: usize) {
        self.source.consume(count);
        self.at += count as u64;
    }

    /// Returns the rest of the stream.
    pub(super) fn rest(&mut self) -> &mut (dyn Read + 'a) {
        &mut self.source
    }
}
