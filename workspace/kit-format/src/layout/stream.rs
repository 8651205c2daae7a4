//! The bytes of a layout, as a reader.

use std::fmt;
use std::io::{self, Read};

use kit_hash::BlobId;
use kit_tree::Blobs;

use super::{Piece, Source};

/// Reads a laid-out file from its start to its end.
pub struct LayoutStream<'a> {
    pieces: &'a [Piece],
    blobs: &'a dyn Blobs,
    current: Option<Current<'a>>,
    /// The content of the last piece that had one: a piece that goes on in it needs no skipping.
    content: Option<Content<'a>>,
}

/// The piece that is being read.
struct Current<'a> {
    left: u64,
    piece: &'a Piece,
    done: usize,
}

/// A content that is open.
struct Content<'a> {
    blob: BlobId,
    reader: Box<dyn Read + 'a>,
    at: u64,
}

impl Content<'_> {
    /// Skips up to a byte that isn't before.
    fn skip_to(&mut self, end: u64) -> io::Result<bool> {
        let count = end - self.at;
        let skipped = io::copy(&mut self.reader.by_ref().take(count), &mut io::sink())?;
        self.at = end;
        Ok(skipped == count)
    }

    /// At the end of a content, one more read compares its digest.
    fn close(mut self) -> io::Result<()> {
        self.reader.read(&mut [0]).map(drop)
    }
}

impl<'a> LayoutStream<'a> {
    pub(super) fn new(pieces: &'a [Piece], blobs: &'a dyn Blobs) -> Self {
        Self { pieces, blobs, current: None, content: None }
    }

    /// Starts a piece.
    fn start(&mut self, piece: &'a Piece) -> io::Result<()> {
        if let Source::Blob { blob, skip } = &piece.source {
            let goes_on = |content: &Content<'_>| content.blob == *blob && content.at <= *skip;
            if !self.content.as_ref().is_some_and(goes_on) {
                self.close()?;
                self.content = Some(Content { blob: *blob, reader: self.blobs.open(blob)?, at: 0 });
            }
            let content = self.content.as_mut().expect("because it was opened");
            if !content.skip_to(*skip)? {
                return Err(too_short(piece));
            }
        }
        self.current = Some(Current { left: piece.range.end - piece.range.start, piece, done: 0 });
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        self.content.take().map_or(Ok(()), Content::close)
    }
}

impl Read for LayoutStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let Some(current) = &mut self.current else {
                let Some((first, rest)) = self.pieces.split_first() else {
                    self.close()?;
                    return Ok(0);
                };
                self.start(first)?;
                self.pieces = rest;
                continue;
            };
            let wanted = usize::try_from(current.left).unwrap_or(usize::MAX).min(buffer.len());
            if wanted == 0 {
                self.current = None;
                continue;
            }
            let buffer = &mut buffer[..wanted];
            let count = match &current.piece.source {
                Source::Bytes(bytes) => (&bytes[current.done..]).read(buffer)?,
                Source::Zeros => {
                    buffer.fill(0);
                    wanted
                }
                Source::Blob { .. } => {
                    let content = self.content.as_mut().expect("because the piece was started");
                    let count = content.reader.read(buffer)?;
                    content.at += count as u64;
                    count
                }
            };
            if count == 0 {
                return Err(too_short(current.piece));
            }
            current.done += count;
            current.left -= count as u64;
            return Ok(count);
        }
    }
}

fn too_short(piece: &Piece) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{} has less bytes than it should", piece.what))
}

impl fmt::Debug for LayoutStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayoutStream").field("left", &self.pieces.len()).finish_non_exhaustive()
    }
}
