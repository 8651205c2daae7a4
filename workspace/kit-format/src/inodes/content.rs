//! Contents as streams.

use std::io::{self, Cursor, Read};

use kit_hash::BlobId;
use kit_tree::{BlobSink, TreePath};

use super::{EntryError, Inodes};

/// Where some bytes of a content are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span<P> {
    /// There.
    Stored { offset: u64, length: u64 },
    /// They are zeros.
    Zeros { length: u64 },
    /// They are made from what is stored.
    Packed(P),
}

/// Reads a content.
pub(super) struct Content<'a, I: Inodes> {
    inodes: &'a mut I,
    path: &'a TreePath,
    spans: std::vec::IntoIter<Span<I::Packed>>,
    current: Span<I::Packed>,
    /// What was made of the last span that is packed.
    unpacked: Cursor<Vec<u8>>,
    failure: Option<I::Error>,
}

impl<'a, I: Inodes> Content<'a, I> {
    pub(super) fn new(inodes: &'a mut I, path: &'a TreePath, spans: Vec<Span<I::Packed>>) -> Self {
        let (spans, current) = (spans.into_iter(), Span::Zeros { length: 0 });
        Self { inodes, path, spans, current, unpacked: Cursor::default(), failure: None }
    }

    /// Reads all into memory; the caller has checked the size.
    pub(super) fn read_whole(mut self) -> Result<Vec<u8>, I::Error> {
        let mut bytes = Vec::new();
        match self.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(self.failure.unwrap_or(error.into())),
        }
    }

    /// Puts a content of `size` bytes into a sink.
    pub(super) fn keep(mut self, sink: &dyn BlobSink, size: u64) -> Result<BlobId, I::Error> {
        let put = sink.put(&mut self);
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let keep = |source| EntryError::Keep { path: self.path.clone(), source };
        let (blob, kept) = put.map_err(keep)?;
        if kept != size {
            return Err(keep(io::Error::other("the store didn't take the whole content")).into());
        }
        Ok(blob)
    }

    fn step(&mut self, buffer: &mut [u8]) -> Result<usize, I::Error> {
        let room = buffer.len();
        let fits = |length: u64| usize::try_from(length).unwrap_or(usize::MAX).min(room);
        loop {
            let count = self.unpacked.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            match self.current {
                Span::Stored { offset, length } if length > 0 => {
                    let count = fits(length);
                    self.inodes.read_at(offset, &mut buffer[..count])?;
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
                Span::Packed(packed) => {
                    self.current = Span::Zeros { length: 0 };
                    self.unpacked = Cursor::new(self.inodes.unpack(self.path, packed)?);
                }
                Span::Stored { .. } | Span::Zeros { .. } => match self.spans.next() {
                    Some(span) => self.current = span,
                    None => return Ok(0),
                },
            }
        }
    }
}

impl<I: Inodes> Read for Content<'_, I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.step(buffer).map_err(|failure| {
            self.failure = Some(failure);
            io::Error::new(io::ErrorKind::InvalidData, "the file system can't be read")
        })
    }
}
