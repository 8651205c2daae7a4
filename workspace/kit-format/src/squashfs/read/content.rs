//! The content of a file.

use std::io::{self, Read, Seek};

use kit_hash::BlobId;
use kit_tree::{BlobSink, TreePath};

use super::super::{NONE, SquashfsReadError};
use super::blocks::{Blocks, Failure};
use super::inode::File;
use super::limit;

/// Reads a content block by block.
#[derive(Debug)]
pub(super) struct Content<'a, 'b, R> {
    blocks: &'a mut Blocks<'b, R>,
    file: File,
    sizes: std::vec::IntoIter<u32>,
    /// Where the next block is.
    position: u64,
    left: u64,
    /// A block, handed out up to `at`.
    block: Vec<u8>,
    at: usize,
    failure: Option<Failure>,
}

impl<'a, 'b, R: Read + Seek> Content<'a, 'b, R> {
    /// Starts with the sizes of the file's blocks, of which there are as many as it needs.
    pub(super) fn of(blocks: &'a mut Blocks<'b, R>, file: File, sizes: Vec<u32>) -> Self {
        let (position, left) = (file.start, file.size);
        let sizes = sizes.into_iter();
        Self { blocks, file, sizes, position, left, block: Vec::new(), at: 0, failure: None }
    }

    /// Puts the content into a sink.
    pub(super) fn keep(mut self, path: &TreePath, sink: &dyn BlobSink) -> Result<BlobId, SquashfsReadError> {
        let put = sink.put(&mut self);
        let path = path.clone();
        match self.failure {
            Some(Failure::Damaged(problem)) => return Err(SquashfsReadError::Content { path, problem }),
            Some(Failure::Limit(source)) => return Err(limit(&path, source)),
            Some(Failure::Io(error)) => return Err(SquashfsReadError::Io(error)),
            None => {}
        }
        let keep = |source| SquashfsReadError::Keep { path: path.clone(), source };
        let (blob, kept) = put.map_err(keep)?;
        if kept != self.file.size {
            return Err(keep(io::Error::other("the store didn't take the whole content")));
        }
        Ok(blob)
    }

    /// Gets the next block; there is one.
    fn advance(&mut self) -> Result<(), Failure> {
        let full = self.blocks.size();
        let length = usize::try_from(self.left).map_or(full, |left| left.min(full));
        self.block = match self.sizes.next() {
            Some(size) => {
                let (block, taken) = self.blocks.data(self.position, size, length)?;
                self.position = self.position.saturating_add(taken);
                block
            }
            None if self.file.fragment == NONE => return Err(Failure::Damaged("it has too few blocks")),
            None => self.blocks.fragment(self.file.fragment, self.file.offset, length)?,
        };
        self.at = 0;
        self.left -= length as u64;
        Ok(())
    }
}

impl<R: Read + Seek> Read for Content<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failure.is_some() {
            return Err(io::Error::other("the content can't be read"));
        }
        if self.at == self.block.len()
            && self.left > 0
            && !buffer.is_empty()
            && let Err(failure) = self.advance()
        {
            self.failure = Some(failure);
            return Err(io::Error::other("the content can't be read"));
        }
        let count = (&self.block[self.at..]).read(buffer)?;
        self.at += count;
        Ok(count)
    }
}
