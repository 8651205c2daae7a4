//! A file that is read anywhere, and parts of it.

use std::fmt;
use std::io::{self, Read};

use super::DiskReadError;

/// Bytes that can be read anywhere.
pub trait RandomAccess: Sync {
    /// Returns how many there are.
    fn length(&self) -> u64;

    /// Fills `buffer` with the bytes from `at` on, all of which are there.
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()>;
}

impl RandomAccess for &[u8] {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        let from = usize::try_from(at).ok().and_then(|at| self.get(at..)?.get(..buffer.len()));
        buffer.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// A part of a file.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    file: &'a dyn RandomAccess,
    start: u64,
    pub(super) length: u64,
}

impl fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("start", &self.start)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

impl<'a> Source<'a> {
    /// Returns where in the file it begins.
    pub(super) fn begins(&self) -> u64 {
        self.start
    }

    /// Takes the whole file.
    pub(super) fn new(file: &'a dyn RandomAccess) -> Self {
        Self { file, start: 0, length: file.length() }
    }

    /// Returns a part, which must be there.
    pub(super) fn part(self, at: u64, length: u64, what: &'static str) -> Result<Self, DiskReadError> {
        self.check(at, length, what)?;
        Ok(Self { file: self.file, start: self.start + at, length })
    }

    /// Fills a buffer.
    pub(super) fn read(&self, at: u64, buffer: &mut [u8], what: &'static str) -> Result<(), DiskReadError> {
        self.check(at, buffer.len() as u64, what)?;
        Ok(self.file.read_at(self.start + at, buffer)?)
    }

    /// Returns a few bytes.
    pub(super) fn bytes<const N: usize>(
        &self,
        at: u64,
        what: &'static str,
    ) -> Result<[u8; N], DiskReadError> {
        let mut bytes = [0; N];
        self.read(at, &mut bytes, what)?;
        Ok(bytes)
    }

    fn check(&self, at: u64, length: u64, what: &'static str) -> Result<(), DiskReadError> {
        let end = at.saturating_add(length);
        if end > self.length {
            Err(DiskReadError::Truncated { what, end, length: self.length })
        } else {
            Ok(())
        }
    }

    /// Reads it from its start.
    pub(super) fn stream(self) -> SourceStream<'a> {
        SourceStream { source: self, at: 0 }
    }
}

/// A part of a file being read from its start.
#[derive(Debug)]
pub(super) struct SourceStream<'a> {
    source: Source<'a>,
    at: u64,
}

impl Read for SourceStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.source.length - self.at).unwrap_or(usize::MAX);
        let count = left.min(buffer.len());
        self.source.read(self.at, &mut buffer[..count], "the file")?;
        self.at += count as u64;
        Ok(count)
    }
}

/// Bytes of a window on a table.
const WINDOW: u64 = 4 << 10;

/// A table of a file, of which a little is in memory.
#[derive(Debug)]
pub(super) struct Table<'a> {
    source: Source<'a>,
    what: &'static str,
    at: u64,
    window: Vec<u8>,
}

impl<'a> Table<'a> {
    pub(super) fn new(source: Source<'a>, what: &'static str) -> Self {
        Self { source, what, at: 0, window: Vec::new() }
    }

    /// Returns the entry of `N` bytes at a place of the file, which is a multiple of them.
    pub(super) fn entry<const N: usize>(&mut self, at: u64) -> Result<[u8; N], DiskReadError> {
        let inside = |table: &Self| {
            let from = usize::try_from(at.checked_sub(table.at)?).ok()?;
            table.window.get(from..)?.first_chunk().copied()
        };
        if let Some(entry) = inside(self) {
            return Ok(entry);
        }
        self.source.check(at, N as u64, self.what)?;
        let length = WINDOW.min(self.source.length - at);
        self.window.resize(usize::try_from(length).unwrap_or(N), 0);
        self.at = at;
        let filled = self.source.read(at, &mut self.window, self.what);
        if filled.is_err() {
            self.window.clear();
        }
        filled?;
        inside(self).ok_or(DiskReadError::Truncated {
            what: self.what,
            end: at.saturating_add(N as u64),
            length: self.source.length,
        })
    }
}

/// Returns a big-endian number of 32 bits in a header.
pub(super) fn be32(header: &[u8], at: usize) -> u32 {
    header.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

/// Returns a big-endian number of 64 bits in a header.
pub(super) fn be64(header: &[u8], at: usize) -> u64 {
    header.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// Returns a little-endian number of 32 bits in a header.
pub(super) fn le32(header: &[u8], at: usize) -> u32 {
    header.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// Returns a little-endian number of 64 bits in a header.
pub(super) fn le64(header: &[u8], at: usize) -> u64 {
    header.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
