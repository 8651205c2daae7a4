//! The data area: contents as blocks and fragments, compressed while they stream into the sink.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::{self, Read};

use kit_hash::BlobId;
use kit_tree::{BlobSink, Blobs, Tree};

use super::super::codec::Codec;
use super::super::{DATA_STORED, SquashfsWriteError};
use super::jobs::{self, Jobs, Key, Open};
use crate::workers::{Queue, Workers, with_queue};

/// Uncompressed bytes in the queue at most, however many workers there are.
const WAITING: usize = 16 << 20;

/// Where a content is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Offset of the first block in the file system.
    pub(super) start: u64,
    /// What each block takes, 0 for zeros.
    pub(super) sizes: Vec<u32>,
    /// Number of a fragment block, and the offset in it.
    pub(super) fragment: Option<(u32, u32)>,
    /// Bytes of blocks of zeros.
    pub(super) zeros: u64,
}

/// A block of fragments.
#[derive(Debug, Clone, Copy)]
struct Fragment {
    start: u64,
    size: u32,
}

/// All contents of a tree, written.
#[derive(Debug)]
pub(super) struct Contents {
    /// The data area.
    pub(super) blob: BlobId,
    /// Its bytes.
    pub(super) len: u64,
    places: BTreeMap<Key, Place>,
    fragments: Vec<Fragment>,
}

impl Contents {
    /// Writes the contents of all files into the sink; the data area will stand at `start`.
    pub(super) fn write(
        tree: &Tree,
        blobs: &dyn Blobs,
        sink: &dyn BlobSink,
        codec: &Codec,
        block: u32,
        start: u64,
        workers: &dyn Workers,
    ) -> Result<Self, SquashfsWriteError> {
        let block = usize::try_from(block).expect("because a block fits into memory");
        let jobs = Jobs::of(tree, blobs, codec, block);
        with_queue(workers, &|job| jobs.work(job), |queue| {
            let mut stream = ContentStream {
                jobs: &jobs,
                next: 0,
                queue,
                file: None,
                fragment: (Vec::new(), 0),
                ended: 0,
                owners: VecDeque::new(),
                stored: Vec::new(),
                at: 0,
                position: start,
                places: BTreeMap::new(),
                fragments: Vec::new(),
                failure: None,
            };
            let put = sink.put(&mut stream);
            if let Some(failure) = stream.failure {
                return Err(failure);
            }
            let (blob, len) = put?;
            if start + len != stream.position {
                return Err(io::Error::other("the store didn't take all of the contents").into());
            }
            Ok(Self { blob, len, places: stream.places, fragments: stream.fragments })
        })
    }

    /// Returns where a content of the tree is.
    pub(super) fn place(&self, blob: BlobId, size: u64) -> Place {
        self.places.get(&(blob, size)).cloned().unwrap_or_default()
    }

    /// Returns where a block of fragments is, and what it takes.
    pub(super) fn fragment(&self, number: u32) -> Option<(u64, u32)> {
        let fragment = self.fragments.get(usize::try_from(number).ok()?)?;
        Some((fragment.start, fragment.size))
    }

    /// Returns the entries of the fragment table.
    pub(super) fn fragment_entries(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for Fragment { start, size } in &self.fragments {
            bytes.extend(start.to_le_bytes());
            bytes.extend(size.to_le_bytes());
            bytes.extend(0_u32.to_le_bytes());
        }
        bytes
    }

    /// How many blocks of fragments there are.
    pub(super) fn fragment_count(&self) -> u32 {
        u32::try_from(self.fragments.len()).expect("because they were counted")
    }
}

/// What a job makes.
enum Owner {
    /// A block of a content; not stored when it has only zeros.
    Block(Key),
    /// A block of fragments of so many bytes.
    Fragment(usize),
}

/// Reads contents compressed.
struct ContentStream<'a> {
    jobs: &'a Jobs<'a>,
    /// Number of the next content.
    next: usize,
    queue: &'a mut dyn Queue,
    file: Option<Open<'a>>,
    /// Numbers of small files that fill the next block of fragments, and their bytes.
    fragment: (Vec<usize>, usize),
    /// How many blocks of fragments are full.
    ended: u32,
    /// Of each job in the queue.
    owners: VecDeque<Owner>,
    /// A compressed block, handed out up to `at`.
    stored: Vec<u8>,
    at: usize,
    /// Where the next compressed block will stand in the file system.
    position: u64,
    places: BTreeMap<Key, Place>,
    fragments: Vec<Fragment>,
    failure: Option<SquashfsWriteError>,
}

impl ContentStream<'_> {
    /// Compresses the next block; false at the end.
    fn advance(&mut self) -> Result<bool, SquashfsWriteError> {
        while self.has_room() && self.give()? {}
        let (Some(done), Some(owner)) = (self.queue.take().map_err(typed)?, self.owners.pop_front()) else {
            return Ok(false);
        };
        let length = match owner {
            Owner::Block(_) => done.block.len().saturating_sub(1),
            Owner::Fragment(length) => length,
        };
        let flag = if done.result.len() == length && length > 0 { DATA_STORED } else { 0 };
        let size = u32::try_from(done.result.len()).expect("because a block has at most 1 MiB") | flag;
        match owner {
            Owner::Fragment(_) => self.fragments.push(Fragment { start: self.position, size }),
            Owner::Block(key) => {
                let place = self.places.entry(key).or_default();
                if place.sizes.is_empty() {
                    place.start = self.position;
                }
                place.sizes.push(size);
            }
        }
        self.position += done.result.len() as u64;
        self.stored = done.result;
        self.at = 0;
        Ok(true)
    }

    fn has_room(&self) -> bool {
        self.queue.has_room() && self.owners.len() < (WAITING / self.jobs.block()).max(1)
    }

    /// Gives a block of a file to the queue, or a small file a place, or to the queue what is left of the fragments; false when there is nothing.
    fn give(&mut self) -> Result<bool, SquashfsWriteError> {
        if self.file.is_some() {
            return self.give_block().map(|()| true);
        }
        let Some(key) = self.jobs.key(self.next) else {
            let left = self.fragment.1 > 0;
            self.end_fragment()?;
            return Ok(left);
        };
        match usize::try_from(key.1) {
            Ok(length) if length < self.jobs.block() => self.place_small(key, length)?,
            _ => {
                self.file = Some(self.jobs.open(self.next)?);
                self.give_block()?;
            }
        }
        self.next += 1;
        Ok(true)
    }

    /// Gives a block of the file that is open to the queue.
    fn give_block(&mut self) -> Result<(), SquashfsWriteError> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        let block = self.jobs.block();
        let length = usize::try_from(file.left).map_or(block, |left| left.min(block));
        let job = file.job(length)?;
        if job.is_empty() {
            self.places.entry(file.key).or_default().zeros += length as u64;
        }
        self.queue.give(job);
        self.owners.push_back(Owner::Block(file.key));
        if file.left == 0 {
            return file.end();
        }
        self.file = Some(file);
        Ok(())
    }

    /// Gives the next file, which is shorter than a block, its place among the fragments.
    fn place_small(&mut self, key: Key, length: usize) -> Result<(), SquashfsWriteError> {
        if self.fragment.1 + length > self.jobs.block() {
            self.end_fragment()?;
        }
        let (files, filled) = &mut self.fragment;
        let offset = u32::try_from(*filled).expect("because a block has at most 1 MiB");
        files.push(self.next);
        *filled += length;
        let place = Place { fragment: Some((self.ended, offset)), ..Place::default() };
        self.places.insert(key, place);
        Ok(())
    }

    fn end_fragment(&mut self) -> Result<(), SquashfsWriteError> {
        let (files, length) = std::mem::take(&mut self.fragment);
        if length > 0 {
            self.queue.give(jobs::of_files(&files));
            self.owners.push_back(Owner::Fragment(length));
            let next = self.ended.checked_add(1);
            self.ended = next.ok_or(SquashfsWriteError::Table { table: "fragment" })?;
        }
        Ok(())
    }
}

/// Returns what a worker found, which comes as the cause of a failure of reading.
fn typed(error: io::Error) -> SquashfsWriteError {
    match error.downcast() {
        Ok(found) => found,
        Err(error) => error.into(),
    }
}

impl Read for ContentStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.failure.is_some() {
            return Err(failed());
        }
        while self.at == self.stored.len() {
            match self.advance() {
                Ok(true) => {}
                Ok(false) => return Ok(0),
                Err(failure) => {
                    self.failure = Some(failure);
                    return Err(failed());
                }
            }
        }
        let count = (&self.stored[self.at..]).read(buffer)?;
        self.at += count;
        Ok(count)
    }
}

fn failed() -> io::Error {
    io::Error::other("the contents can't be compressed")
}

impl fmt::Debug for ContentStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentStream").field("position", &self.position).finish_non_exhaustive()
    }
}
