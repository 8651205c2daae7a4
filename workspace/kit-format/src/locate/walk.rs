//! A stream that is read from its start, with the place in it.

use std::io::{self, BufReader, Read};

/// Bytes that are read at once.
const BUFFER: usize = 64 << 10;

/// A stream, and how far it was read.
pub(super) struct Walk<'a> {
    source: Box<dyn Read + 'a>,
    at: u64,
}

impl<'a> Walk<'a> {
    pub(super) fn new(source: Box<dyn Read + 'a>) -> Self {
        Self { source: Box::new(BufReader::with_capacity(BUFFER, source)), at: 0 }
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

    /// Puts bytes back that were read too much.
    pub(super) fn unread(&mut self, bytes: Vec<u8>) {
        self.at -= bytes.len() as u64;
        let source = std::mem::replace(&mut self.source, Box::new(io::empty()));
        self.source = Box::new(io::Cursor::new(bytes).chain(source));
    }

    /// Returns the rest of the stream.
    pub(super) fn rest(&mut self) -> &mut (dyn Read + 'a) {
        &mut self.source
    }
}
