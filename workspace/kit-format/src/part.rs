//! A part of a disk, read like a file.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use crate::disk_image::RandomAccess;

/// A part of a disk.
#[derive(Clone)]
pub(crate) struct Part<'d> {
    disk: &'d dyn RandomAccess,
    range: Range<u64>,
    at: u64,
}

impl fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("range", &self.range).field("at", &self.at).finish_non_exhaustive()
    }
}

impl<'d> Part<'d> {
    /// Takes a part, as far as it is there.
    pub(crate) fn new(disk: &'d dyn RandomAccess, range: Range<u64>) -> Self {
        let end = range.end.min(disk.length());
        Self { disk, range: range.start.min(end)..end, at: 0 }
    }

    /// Takes a part of this one, as far as it is there.
    pub(crate) fn part(&self, range: Range<u64>) -> Self {
        let from = |at: u64| self.range.start.saturating_add(at).min(self.range.end);
        Self::new(self.disk, from(range.start)..from(range.end))
    }

    /// Returns where on the disk it begins.
    pub(crate) fn start(&self) -> u64 {
        self.range.start
    }

    fn length(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// Fills a buffer.
    pub(crate) fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = at.checked_add(buffer.len() as u64).filter(|end| *end <= self.length());
        end.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.disk.read_at(self.range.start + at, buffer)
    }
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length().saturating_sub(self.at)).unwrap_or(usize::MAX);
        let count = left.min(buffer.len());
        self.read_at(self.at.min(self.length()), &mut buffer[..count])?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Part<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
