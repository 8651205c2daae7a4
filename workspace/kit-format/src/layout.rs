//! A file that is laid out before it is written: pieces of bytes, contents and zeros, each with what it is.
//!
//! File systems, disks and boot programs know where all of their bytes lie before the first is written. They make a [`Layout`], layouts
//! become parts of larger ones (a program in a FAT file system in a partition of a disk), and one reader hands out the whole: nothing is
//! ever in memory but what is small. The pieces say which byte is what, and which parts are zeros that a sparse file can leave out.

mod stream;

use std::borrow::Cow;
use std::ops::Range;

use kit_hash::BlobId;
use kit_tree::{Blobs, TreePath};

pub use self::stream::LayoutStream;

/// Where the bytes of a piece come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// From here.
    Bytes(Vec<u8>),
    /// From a content, beginning at its byte `skip`. A piece that goes to the content's end checks its digest.
    Blob {
        /// The content.
        blob: BlobId,
        /// How many of its bytes come before.
        skip: u64,
    },
    /// They are all zero.
    Zeros,
}

/// A piece of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Which bytes of the file it is.
    pub range: Range<u64>,
    /// Where they come from.
    pub source: Source,
    /// What it is, such as `superblock` or `content`, behind the name of what it is a part of.
    pub what: Cow<'static, str>,
    /// The file of a tree that it belongs to.
    pub member: Option<TreePath>,
}

/// A file as pieces, one behind the other without gaps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    pieces: Vec<Piece>,
}

impl Layout {
    /// Starts empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the bytes of the file.
    pub fn len(&self) -> u64 {
        self.pieces.last().map_or(0, |piece| piece.range.end)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the pieces, in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Adds bytes.
    pub fn bytes(&mut self, what: impl Into<Cow<'static, str>>, bytes: Vec<u8>) {
        let length = bytes.len() as u64;
        self.push(length, Source::Bytes(bytes), what.into(), None);
    }

    /// Adds bytes that belong to a file of a tree.
    pub fn bytes_of(&mut self, what: impl Into<Cow<'static, str>>, bytes: Vec<u8>, member: TreePath) {
        let length = bytes.len() as u64;
        self.push(length, Source::Bytes(bytes), what.into(), Some(member));
    }

    /// Adds a whole content of `size` bytes.
    pub fn blob(
        &mut self,
        what: impl Into<Cow<'static, str>>,
        blob: BlobId,
        size: u64,
        member: Option<TreePath>,
    ) {
        self.blob_part(what, blob, 0..size, member);
    }

    /// Adds some bytes of a content.
    pub fn blob_part(
        &mut self,
        what: impl Into<Cow<'static, str>>,
        blob: BlobId,
        part: Range<u64>,
        member: Option<TreePath>,
    ) {
        self.push(part.end - part.start, Source::Blob { blob, skip: part.start }, what.into(), member);
    }

    /// Adds zeros up to a byte, which is not before the end.
    pub fn zeros_to(&mut self, what: impl Into<Cow<'static, str>>, end: u64) {
        let length = end.checked_sub(self.len()).expect("because pieces are laid out in order");
        self.push(length, Source::Zeros, what.into(), None);
    }

    /// Adds zeros up to a byte that belong to a file of a tree.
    pub fn zeros_of(&mut self, what: impl Into<Cow<'static, str>>, end: u64, member: TreePath) {
        let length = end.checked_sub(self.len()).expect("because pieces are laid out in order");
        self.push(length, Source::Zeros, what.into(), Some(member));
    }

    /// Adds zeros up to a multiple of `alignment`.
    pub fn align(&mut self, alignment: u64) {
        self.zeros_to("padding", self.len().next_multiple_of(alignment));
    }

    /// Adds another file as a part of this one, `name` before what its pieces are.
    pub fn part(&mut self, name: &str, part: Layout) {
        for piece in part.pieces {
            let what = if name.is_empty() { piece.what } else { format!("{name}, {}", piece.what).into() };
            self.push(piece.range.end - piece.range.start, piece.source, what, piece.member);
        }
    }

    fn push(&mut self, length: u64, source: Source, what: Cow<'static, str>, member: Option<TreePath>) {
        if length > 0 {
            let start = self.len();
            self.pieces.push(Piece { range: start..start + length, source, what, member });
        }
    }

    /// Returns the file's bytes, to be read from the start.
    pub fn stream<'a>(&'a self, blobs: &'a dyn Blobs) -> LayoutStream<'a> {
        LayoutStream::new(&self.pieces, blobs)
    }
}

#[cfg(test)]
mod tests;
