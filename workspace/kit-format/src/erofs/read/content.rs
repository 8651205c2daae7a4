//! Contents as streams.

use std::io::{self, Read, Seek};

use kit_tree::TreePath;

use super::ErofsReadError;
use super::image::Image;
use crate::erofs::compress;

/// Where some bytes of a content are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    /// There.
    Stored { offset: u64, length: u64 },
    /// They are zeros.
    Zeros { length: u64 },
    /// Compressed there.
    Compressed { offset: u64, stored: u64, length: u64, codec: u8 },
}

/// The codec's number for LZ4.
pub(super) const LZ4: u8 = 0;
/// The codec's number for zstd.
pub(super) const ZSTD: u8 = 3;

/// Reads a content.
pub(super) struct ContentReader<'a, R> {
    image: &'a mut Image<R>,
    spans: std::vec::IntoIter<Span>,
    current: Span,
    /// What was decompressed, of which `taken` bytes were handed out.
    unpacked: Vec<u8>,
    taken: usize,
    failure: Option<Failure>,
}

enum Failure {
    Image(ErofsReadError),
    Damaged,
}

impl<'a, R: Read + Seek> ContentReader<'a, R> {
    pub(super) fn new(image: &'a mut Image<R>, spans: Vec<Span>) -> Self {
        let current = Span::Zeros { length: 0 };
        let unpacked = Vec::new();
        Self { image, spans: spans.into_iter(), current, unpacked, taken: 0, failure: None }
    }

    /// Returns why reading failed, if it did.
    pub(super) fn failure(&mut self, path: &TreePath) -> Option<ErofsReadError> {
        Some(match self.failure.take()? {
            Failure::Image(error) => error,
            Failure::Damaged => {
                ErofsReadError::Damaged { path: path.clone(), what: "its content can't be decompressed" }
            }
        })
    }

    /// Reads all into memory; the caller has checked the size.
    pub(super) fn read_to_end_of(
        mut self,
        path: &TreePath,
        bytes: &mut Vec<u8>,
    ) -> Result<(), ErofsReadError> {
        match self.read_to_end(bytes) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failure(path).unwrap_or(ErofsReadError::Read(error))),
        }
    }

    fn unpack(&mut self, offset: u64, stored: u64, length: u64, codec: u8) -> Result<(), Failure> {
        let block = self.image.read_vec(offset, stored).map_err(Failure::Image)?;
        let zeros = block.iter().position(|byte| *byte != 0).ok_or(Failure::Damaged)?;
        let packed = if self.image.pads_before() { &block[zeros..] } else { &block[..] };
        let length = usize::try_from(length).map_err(|_| Failure::Damaged)?;
        let unpacked = match codec {
            LZ4 => compress::lz4_decompress(packed, length),
            ZSTD => zstd::bulk::decompress(packed, length).ok().filter(|bytes| bytes.len() == length),
            _ => None,
        };
        self.unpacked = unpacked.ok_or(Failure::Damaged)?;
        self.taken = 0;
        Ok(())
    }

    fn step(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        loop {
            let count = buffer.len().min(self.unpacked.len() - self.taken);
            if count > 0 {
                buffer[..count].copy_from_slice(&self.unpacked[self.taken..self.taken + count]);
                self.taken += count;
                return Ok(count);
            }
            let fits = |length: u64| usize::try_from(length).unwrap_or(usize::MAX).min(buffer.len());
            match self.current {
                Span::Stored { offset, length } if length > 0 => {
                    let count = fits(length);
                    self.image.read_at(offset, &mut buffer[..count]).map_err(Failure::Image)?;
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
                Span::Compressed { offset, stored, length, codec } if length > 0 => {
                    self.current = Span::Zeros { length: 0 };
                    self.unpack(offset, stored, length, codec)?;
                }
                _ => match self.spans.next() {
                    Some(span) => self.current = span,
                    None => return Ok(0),
                },
            }
        }
    }
}

impl<R: Read + Seek> Read for ContentReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.step(buffer).map_err(|failure| {
            self.failure = Some(failure);
            io::Error::new(io::ErrorKind::InvalidData, "the image can't be read")
        })
    }
}
