//! Readers that tell how much was read through them.

use std::fmt;
use std::io::{self, Read};

use super::Progress;

/// A reader that tells how much was read through it.
pub struct Counted<'c, 'p, R> {
    reader: R,
    bytes: u64,
    progress: &'c mut Progress<'p>,
}

impl<'c, 'p, R: Read> Counted<'c, 'p, R> {
    /// Counts from `bytes` on.
    pub fn new(reader: R, bytes: u64, progress: &'c mut Progress<'p>) -> Self {
        Self { reader, bytes, progress }
    }
}

impl<R: Read> Read for Counted<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.bytes += count as u64;
        (self.progress)(self.bytes);
        Ok(count)
    }
}

impl<R> fmt::Debug for Counted<'_, '_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counted").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_told() {
        let mut told = Vec::new();
        let mut progress = |bytes| told.push(bytes);
        let mut text = String::new();
        Counted::new(&b"abc"[..], 4, &mut progress).read_to_string(&mut text).expect("it is in memory");
        assert_eq!((text.as_str(), told.first(), told.last()), ("abc", Some(&7), Some(&7)));
    }
}
