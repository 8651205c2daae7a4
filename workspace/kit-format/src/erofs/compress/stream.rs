//! All contents of a tree, compressed one behind the other.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read};

use kit_hash::BlobId;
use kit_tree::{BlobSink, Blobs};

use super::{BLOCK, BLOCK_BYTES, Codec, Extents, SEGMENT, segment};
use crate::workers::{Queue, Workers, with_queue};

/// What became of the contents.
#[derive(Debug)]
pub(in crate::erofs) struct Compressed {
    /// Those that are compressed.
    pub(in crate::erofs) files: BTreeMap<BlobId, Extents>,
    /// What they are, one behind the other.
    pub(in crate::erofs) blob: BlobId,
    /// Its bytes.
    pub(in crate::erofs) length: u64,
}

/// The most bytes in the queue, however many workers there are, unless it is one segment.
const WAITING: usize = 16 * SEGMENT;

/// Compresses contents, given with their lengths, and gives them to `sink` as one.
pub(in crate::erofs) fn compress(
    files: &[(BlobId, u64)],
    blobs: &dyn Blobs,
    sink: &dyn BlobSink,
    codec: Codec,
    workers: &dyn Workers,
) -> io::Result<Compressed> {
    with_queue(workers, &move |bytes| segment::compress(bytes, codec), |queue| {
        let mut stream = Stream {
            left: files,
            current: None,
            blobs,
            queue,
            origins: VecDeque::new(),
            waiting: 0,
            codec,
            ready: Vec::new(),
            taken: 0,
            blocks: 0,
            files: BTreeMap::new(),
        };
        let (blob, length) = sink.put(&mut stream)?;
        if length != stream.blocks * BLOCK {
            return Err(io::Error::other("the store didn't take all that was compressed"));
        }
        Ok(Compressed { files: stream.files, blob, length })
    })
}

struct Stream<'a> {
    left: &'a [(BlobId, u64)],
    current: Option<Current<'a>>,
    blobs: &'a dyn Blobs,
    queue: &'a mut dyn Queue,
    /// Of each segment in the queue.
    origins: VecDeque<Origin>,
    /// Bytes of the segments in the queue.
    waiting: usize,
    codec: Codec,
    /// Compressed bytes, of which the first `taken` were handed out.
    ready: Vec<u8>,
    taken: usize,
    /// Blocks so far.
    blocks: u64,
    files: BTreeMap<BlobId, Extents>,
}

/// A content that is being read.
struct Current<'a> {
    blob: BlobId,
    reader: Box<dyn Read + 'a>,
    size: u64,
    left: u64,
}

/// Where a segment is from.
struct Origin {
    blob: BlobId,
    /// Bytes of its content.
    size: u64,
}

impl Stream<'_> {
    /// Reads the next segment.
    fn segment(&mut self) -> io::Result<Option<(Origin, Vec<u8>)>> {
        loop {
            if let Some(current) = &mut self.current {
                let length = current.left.min(SEGMENT as u64);
                let mut segment = vec![0; usize::try_from(length).expect("because segments are small")];
                current.reader.read_exact(&mut segment)?;
                current.left -= length;
                let origin = Origin { blob: current.blob, size: current.size };
                if current.left == 0 {
                    // one more read compares the digest
                    if current.reader.read(&mut [0])? != 0 {
                        let message = "a content is longer than the tree says";
                        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
                    }
                    self.current = None;
                }
                return Ok(Some((origin, segment)));
            }
            let Some(((blob, size), rest)) = self.left.split_first() else { return Ok(None) };
            self.left = rest;
            if *size > BLOCK {
                self.current =
                    Some(Current { blob: *blob, reader: self.blobs.open(blob)?, size: *size, left: *size });
            }
        }
    }

    /// Compresses a segment; false when there is none left.
    fn advance(&mut self) -> io::Result<bool> {
        self.ready.clear();
        self.taken = 0;
        while self.waiting < WAITING && self.queue.has_room() {
            let Some((origin, segment)) = self.segment()? else { break };
            self.waiting += segment.len();
            self.origins.push_back(origin);
            self.queue.give(segment);
        }
        let (Some(done), Some(origin)) = (self.queue.take()?, self.origins.pop_front()) else {
            return Ok(false);
        };
        self.waiting -= done.block.len();
        self.keep(&origin, &done.block, &done.result);
        Ok(true)
    }

    /// Keeps a compressed segment, unless its content is better left as it is.
    fn keep(&mut self, origin: &Origin, segment: &[u8], done: &[u8]) {
        let (extents, blocks) = segment::decode(done);
        let index = segment.len() / BLOCK_BYTES * 4 + 16;
        if origin.size == segment.len() as u64 && blocks.len() + index >= segment.len() {
            return;
        }
        let start = self.blocks;
        let file = self.files.entry(origin.blob).or_insert_with(|| Extents::new(self.codec, start));
        for extent in extents {
            file.push(extent);
        }
        self.blocks += blocks.len() as u64 / BLOCK;
        self.ready.extend_from_slice(blocks);
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.ready.len() {
            if !self.advance()? {
                return Ok(0);
            }
        }
        let count = buffer.len().min(self.ready.len() - self.taken);
        buffer[..count].copy_from_slice(&self.ready[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}
