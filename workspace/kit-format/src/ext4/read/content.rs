//! Contents as streams.

use std::io::{self, Read, Seek};

use super::image::Image;
use crate::ext4::error::Ext4ReadError;

/// Where some bytes of a content are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    /// There.
    Stored { offset: u64, length: u64 },
    /// They are zeros.
    Zeros { length: u64 },
}

/// Reads a content.
pub(super) struct ContentReader<'a, R> {
    image: &'a mut Image<R>,
    spans: std::vec::IntoIter<Span>,
    current: Span,
    failure: Option<Ext4ReadError>,
}

impl<'a, R: Read + Seek> ContentReader<'a, R> {
    pub(super) fn new(image: &'a mut Image<R>, spans: Vec<Span>) -> Self {
        Self { image, spans: spans.into_iter(), current: Span::Zeros { length: 0 }, failure: None }
    }

    /// Returns why reading failed, if it did.
    pub(super) fn failure(&mut self) -> Option<Ext4ReadError> {
        self.failure.take()
    }

    /// Reads all into memory; the caller has checked the size.
    pub(super) fn read_to_end_of(mut self, bytes: &mut Vec<u8>) -> Result<(), Ext4ReadError> {
        match self.read_to_end(bytes) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failure().unwrap_or(Ext4ReadError::Read(error))),
        }
    }
}

impl<R: Read + Seek> Read for ContentReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let fits = |length: u64| usize::try_from(length).unwrap_or(usize::MAX).min(buffer.len());
        loop {
            match self.current {
                Span::Stored { offset, length } if length > 0 => {
                    let count = fits(length);
                    if let Err(failure) = self.image.read_at(offset, &mut buffer[..count]) {
                        self.failure = Some(failure);
                        let what = "the file system can't be read";
                        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                    }
                    let (offset, length) = (offset + count as u64, length - count as u64);
                    self.current = Span::Stored { offset, length };
                    return Ok(count);
                }
                Span::Zeros { length } if length > 0 => {
                    let count = fits(length);
                    buffer[..count].fill(0);
                    self.current = Span::Zeros { length: length - count as u64 };
                    return Ok(count);
                }
                _ => match self.spans.next() {
                    Some(span) => self.current = span,
                    None => return Ok(0),
                },
            }
        }
    }
}
