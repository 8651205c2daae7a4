//! The bytes of the file system, and its blocks unpacked.

use std::io::{self, Read, Seek, SeekFrom};

use super::super::codec::decompress;
use super::super::superblock::{Method, SUPERBLOCK, Superblock};
use super::super::{DATA_STORED, METADATA, METADATA_STORED, SquashfsReadError};
use super::{long, word};
use crate::limits::{LimitError, Limits};

/// How many unpacked blocks of fragments are kept.
const KEPT: usize = 8;

/// Why a block can't be had.
#[derive(Debug)]
pub(super) enum Failure {
    Damaged(&'static str),
    Limit(LimitError),
    Io(io::Error),
}

/// Reads blocks from wherever they are.
#[derive(Debug)]
pub(super) struct Blocks<'a, R> {
    source: R,
    method: Method,
    block: usize,
    limits: &'a Limits,
    /// Where each block of fragments starts, and its size.
    fragments: Vec<(u64, u32)>,
    kept: Vec<(u32, Vec<u8>)>,
    /// Bytes of fragments that were unpacked, maybe several times.
    unpacked: u64,
}

impl<'a, R: Read + Seek> Blocks<'a, R> {
    /// Reads the superblock.
    pub(super) fn open(mut source: R, limits: &'a Limits) -> Result<(Superblock, Self), SquashfsReadError> {
        let mut bytes = [0; SUPERBLOCK];
        source.seek(SeekFrom::Start(0))?;
        source.read_exact(&mut bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => SquashfsReadError::Magic,
            _ => SquashfsReadError::Io(error),
        })?;
        let superblock = Superblock::decode(&bytes)?;
        let blocks = Self {
            source,
            method: superblock.method,
            block: usize::try_from(superblock.block).expect("because it is at most 1 MiB"),
            limits,
            fragments: Vec::new(),
            kept: Vec::new(),
            unpacked: 0,
        };
        Ok((superblock, blocks))
    }

    /// Takes the entries of the fragment table.
    pub(super) fn set_fragments(&mut self, entries: &[u8]) {
        self.fragments = entries.chunks_exact(16).map(|entry| (long(entry, 0), word(entry, 8))).collect();
    }

    /// Returns the bounds on what is read.
    pub(super) fn limits(&self) -> &'a Limits {
        self.limits
    }

    /// Returns how many bytes a full block has.
    pub(super) fn size(&self) -> usize {
        self.block
    }

    /// Returns bytes as they are.
    pub(super) fn bytes(&mut self, offset: u64, length: usize) -> Result<Vec<u8>, Failure> {
        let mut bytes = vec![0; length];
        self.source.seek(SeekFrom::Start(offset)).map_err(|_| Failure::Damaged("it lies behind the end"))?;
        self.source.read_exact(&mut bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Failure::Damaged("it lies behind the end"),
            _ => Failure::Io(error),
        })?;
        Ok(bytes)
    }

    /// Returns a metadata block, and where the next one starts.
    pub(super) fn metadata(&mut self, offset: u64) -> Result<(Vec<u8>, u64), Failure> {
        let head = self.bytes(offset, 2)?;
        let head = u16::from_le_bytes([head[0], head[1]]);
        let length = usize::from(head & !METADATA_STORED);
        if !(1..=METADATA).contains(&length) {
            return Err(Failure::Damaged("its length can't be"));
        }
        let start = offset.checked_add(2).ok_or(Failure::Damaged("it lies behind the end"))?;
        let stored = self.bytes(start, length)?;
        let block = if head & METADATA_STORED == 0 { self.unpack(&stored, METADATA)? } else { stored };
        if block.is_empty() {
            return Err(Failure::Damaged("a block of it is empty"));
        }
        Ok((block, start.saturating_add(length as u64)))
    }

    /// Returns a block of a file, which has `length` bytes, and how many it takes.
    pub(super) fn data(&mut self, offset: u64, size: u32, length: usize) -> Result<(Vec<u8>, u64), Failure> {
        let stored = (size & !DATA_STORED) as usize;
        if size == 0 {
            return Ok((vec![0; length], 0));
        }
        if stored == 0 || stored > length {
            return Err(Failure::Damaged("a block takes more than it holds"));
        }
        let mut block = self.bytes(offset, stored)?;
        if size & DATA_STORED == 0 {
            block = self.unpack(&block, length)?;
        }
        if block.len() != length {
            return Err(Failure::Damaged("a block has another length than it should"));
        }
        Ok((block, stored as u64))
    }

    /// Returns `length` bytes from `offset` on of a block of fragments.
    pub(super) fn fragment(&mut self, number: u32, offset: u32, length: usize) -> Result<Vec<u8>, Failure> {
        if !self.kept.iter().any(|(kept, _)| *kept == number) {
            let block = self.fragment_block(number)?;
            if self.kept.len() == KEPT {
                self.kept.remove(0);
            }
            self.kept.push((number, block));
        }
        let (_, block) = self.kept.iter().find(|(kept, _)| *kept == number).expect("because it is kept");
        let start = offset as usize;
        let bytes = start.checked_add(length).and_then(|end| block.get(start..end));
        bytes.map(<[u8]>::to_vec).ok_or(Failure::Damaged("it lies behind the end of its fragments"))
    }

    fn fragment_block(&mut self, number: u32) -> Result<Vec<u8>, Failure> {
        let found = self.fragments.get(number as usize).copied();
        let (start, size) = found.ok_or(Failure::Damaged("its fragment isn't in the table"))?;
        let limit = self.limits.total_bytes;
        self.unpacked += self.block as u64;
        if self.unpacked > limit {
            return Err(Failure::Limit(LimitError::TotalBytes { limit }));
        }
        let stored = (size & !DATA_STORED) as usize;
        if !(1..=self.block).contains(&stored) {
            return Err(Failure::Damaged("its fragments have a length that can't be"));
        }
        let block = self.bytes(start, stored)?;
        if size & DATA_STORED == 0 { self.unpack(&block, self.block) } else { Ok(block) }
    }

    fn unpack(&self, stored: &[u8], limit: usize) -> Result<Vec<u8>, Failure> {
        let unpacked = decompress(self.method, stored, limit, self.limits);
        unpacked.map_err(|_| Failure::Damaged("a block of it can't be unpacked"))
    }
}
