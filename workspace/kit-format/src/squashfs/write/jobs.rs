//! What workers do: compress a block that was read, or read small files and compress them as one.

use std::collections::BTreeMap;
use std::io::{self, Read};

use kit_hash::BlobId;
use kit_tree::{Blobs, Entry, Tree, TreePath};

use super::super::SquashfsWriteError;
use super::super::codec::Codec;

/// A content by its digest, and the length that the tree says.
pub(super) type Key = (BlobId, u64);

/// What a job begins with: bytes to be compressed follow.
const BYTES: u8 = 0;
/// Numbers of files follow, to be read one behind the other.
const FILES: u8 = 1;

/// All contents of a tree, to be read.
pub(super) struct Jobs<'a> {
    /// Each with the first path that has it.
    files: Vec<(TreePath, Key)>,
    blobs: &'a dyn Blobs,
    codec: &'a Codec,
    /// Bytes of a block.
    block: usize,
}

impl<'a> Jobs<'a> {
    /// Lists the contents in the order of their first paths; empty ones are nowhere.
    pub(super) fn of(tree: &Tree, blobs: &'a dyn Blobs, codec: &'a Codec, block: usize) -> Self {
        let mut first = BTreeMap::new();
        for (path, entry) in tree.entries() {
            if let Entry::File { blob, size, .. } = entry
                && *size > 0
            {
                first.entry((*blob, *size)).or_insert(path);
            }
        }
        let mut files: Vec<_> = first.into_iter().map(|(key, path)| (path.clone(), key)).collect();
        files.sort();
        Self { files, blobs, codec, block }
    }

    pub(super) fn block(&self) -> usize {
        self.block
    }

    /// Returns a content by its number, if there are so many.
    pub(super) fn key(&self, number: usize) -> Option<Key> {
        self.files.get(number).map(|(_, key)| *key)
    }

    /// Opens a content by its number.
    pub(super) fn open(&self, number: usize) -> Result<Open<'a>, SquashfsWriteError> {
        let (path, key) = &self.files[number];
        Ok(Open { path: path.clone(), key: *key, left: key.1, reader: self.blobs.open(&key.0)? })
    }

    /// Does a job; returns the block as it is stored.
    pub(super) fn work(&self, job: &[u8]) -> io::Result<Vec<u8>> {
        match job.split_first() {
            None => Ok(Vec::new()),
            Some((&FILES, numbers)) => {
                let block = self.fragments(numbers);
                self.codec.compress(&block.map_err(io::Error::other)?)
            }
            Some((_, block)) => self.codec.compress(block),
        }
    }

    fn fragments(&self, numbers: &[u8]) -> Result<Vec<u8>, SquashfsWriteError> {
        let mut block = Vec::with_capacity(self.block);
        for number in numbers.chunks_exact(8) {
            let number = u64::from_le_bytes(number.try_into().expect("because it has eight bytes"));
            let mut file = self.open(usize::try_from(number).expect("because it was one"))?;
            file.take_into(&mut block, file.left)?;
            file.end()?;
        }
        Ok(block)
    }
}

/// Returns the job to read files.
pub(super) fn of_files(numbers: &[usize]) -> Vec<u8> {
    let numbers = numbers.iter().flat_map(|number| (*number as u64).to_le_bytes());
    std::iter::once(FILES).chain(numbers).collect()
}

/// A file that is being read.
pub(super) struct Open<'a> {
    path: TreePath,
    pub(super) key: Key,
    pub(super) left: u64,
    reader: Box<dyn Read + 'a>,
}

impl Open<'_> {
    /// Takes the next block as a job, which is empty when it is all zeros.
    pub(super) fn job(&mut self, length: usize) -> Result<Vec<u8>, SquashfsWriteError> {
        let mut job = Vec::with_capacity(length + 1);
        job.push(BYTES);
        self.take_into(&mut job, length as u64)?;
        if job[1..].iter().all(|byte| *byte == 0) {
            job.clear();
        }
        Ok(job)
    }

    fn take_into(&mut self, bytes: &mut Vec<u8>, length: u64) -> Result<(), SquashfsWriteError> {
        if ((&mut self.reader).take(length).read_to_end(bytes)? as u64) < length {
            return Err(self.other_length());
        }
        self.left -= length;
        Ok(())
    }

    /// Sees that there is no more; reading the end verifies the digest.
    pub(super) fn end(mut self) -> Result<(), SquashfsWriteError> {
        if self.reader.read(&mut [0])? > 0 { Err(self.other_length()) } else { Ok(()) }
    }

    fn other_length(&self) -> SquashfsWriteError {
        SquashfsWriteError::Length { path: self.path.clone(), size: self.key.1 }
    }
}
