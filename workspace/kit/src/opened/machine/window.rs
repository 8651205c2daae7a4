//! A part of a file as a file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// A part of a file.
#[derive(Debug)]
pub(crate) struct Window<'f> {
    file: &'f File,
    range: Range<u64>,
    at: u64,
}

impl<'f> Window<'f> {
    pub(crate) fn new(file: &'f File, range: Range<u64>) -> Self {
        Self { file, range, at: 0 }
    }
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.range.end.saturating_sub(self.range.start);
        let left = usize::try_from(length.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let count = left.min(buffer.len());
        let mut file = self.file;
        file.seek(SeekFrom::Start(self.range.start.saturating_add(self.at)))?;
        let count = file.read(&mut buffer[..count])?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Window<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let length = self.range.end.saturating_sub(self.range.start);
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_part_is_read_and_nothing_around_it() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before, inside, behind").unwrap();
        let mut window = Window::new(&file, 8..14);
        let mut text = String::new();
        window.read_to_string(&mut text).unwrap();
        assert_eq!(text, "inside");
        assert_eq!(window.seek(SeekFrom::End(-4)).unwrap(), 2);
        text.clear();
        window.read_to_string(&mut text).unwrap();
        assert_eq!(text, "side");
        assert!(window.seek(SeekFrom::Current(-7)).is_err());
        assert_eq!(window.seek(SeekFrom::Start(100)).unwrap(), 100);
        assert_eq!(window.read(&mut [0; 8]).unwrap(), 0);
    }
}
