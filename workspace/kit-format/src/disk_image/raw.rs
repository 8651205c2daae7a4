//! The disk itself, as it is or compressed.
//!
//! **raw** has the disk's bytes, no more. **raw.gz** is one member of RFC 1952 (MTIME 0, no name, XFL 0, OS 255): each 256 KiB are deflated by
//! themselves at level 6 and end in an empty stored block, an empty final block ends all. **raw.zst** is one frame of level 9 as
//! [`crate::compression::zstd`] writes them.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write};
use std::num::NonZeroU32;

use flate2::Crc;

use super::deflate::{Wrapping, deflate};
use super::survey::{Numbered, Surveyed, UNIT, is_zero, put, put_zeros};
use super::{DiskWriteError, WriteSeek};
use crate::compression::ZstdStream;
use crate::compression::zstd::ZstdOptions;
use crate::workers::{Workers, with_queue};

/// Names the exact bytes of all three.
pub const REVISION: u32 = 1;

/// What is deflated by itself.
const BLOCK: usize = 256 << 10;

/// The header of a member: deflate, no flags, no time, no level, no system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// How hard zstd compresses, and how many threads are worth their memory.
const LEVEL: i32 = 9;
const MOST_THREADS: NonZeroU32 = NonZeroU32::new(4).expect("it isn't zero");

/// Writes the disk.
pub(super) fn write(disk: &Surveyed<'_, '_>, out: &mut dyn WriteSeek) -> Result<(), DiskWriteError> {
    disk.each_block(UNIT as u64, &mut |_, unit, _| put(out, unit))
}

/// Writes it as gzip.
pub(super) fn write_gzip(
    disk: &Surveyed<'_, '_>,
    out: &mut dyn WriteSeek,
    workers: &dyn Workers,
) -> Result<(), DiskWriteError> {
    Gzip::write(out, workers, |gzip| disk.each_block(BLOCK as u64, &mut |_, block, _| gzip.add(block)))
}

/// Writes it as zstd.
pub(super) fn write_zstd(
    disk: &Surveyed<'_, '_>,
    out: &mut dyn WriteSeek,
    workers: &dyn Workers,
) -> Result<(), DiskWriteError> {
    let options = ZstdOptions { level: LEVEL, workers: workers.count().min(MOST_THREADS) };
    let mut stream =
        ZstdStream::new(disk.open()?, disk.survey.size, options).map_err(DiskWriteError::Read)?;
    let mut buffer = vec![0; UNIT];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => put(out, &buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(DiskWriteError::Read(error)),
        }
    }
}

/// A member of gzip whose blocks are deflated at the same time.
pub(super) struct Gzip<'a> {
    out: &'a mut dyn WriteSeek,
    blocks: Numbered<'a>,
    sum: Crc,
    /// What a block of zeros becomes, found out once.
    zeros: Option<Vec<u8>>,
    pending: Vec<u8>,
}

impl Gzip<'_> {
    /// Writes a member with the bytes that `fill` adds.
    pub(super) fn write(
        out: &mut dyn WriteSeek,
        workers: &dyn Workers,
        fill: impl FnOnce(&mut Gzip<'_>) -> Result<(), DiskWriteError>,
    ) -> Result<(), DiskWriteError> {
        put(out, &GZIP_HEADER)?;
        with_queue(workers, &part, |queue| {
            let blocks = Numbered { queue, numbers: VecDeque::new() };
            let mut gzip = Gzip { out, blocks, sum: Crc::new(), zeros: None, pending: Vec::new() };
            fill(&mut gzip)?;
            gzip.finish()
        })
    }

    /// Adds bytes, however many.
    pub(super) fn add(&mut self, mut bytes: &[u8]) -> Result<(), DiskWriteError> {
        self.sum.update(bytes);
        while !bytes.is_empty() {
            let count = bytes.len().min(BLOCK - self.pending.len());
            let (now, later) = bytes.split_at(count);
            self.pending.extend_from_slice(now);
            bytes = later;
            if self.pending.len() == BLOCK {
                self.flush_block()?;
            }
        }
        Ok(())
    }

    fn flush_block(&mut self) -> Result<(), DiskWriteError> {
        let block = std::mem::take(&mut self.pending);
        let out = &mut *self.out;
        let mut each = |_: u64, _: &[u8], packed: &[u8]| put(&mut *out, packed);
        if block.len() < BLOCK || !is_zero(&block) {
            return self.blocks.add(0, block, &mut each);
        }
        self.blocks.flush(&mut each)?;
        let zeros = match self.zeros.take() {
            Some(zeros) => zeros,
            None => part(&block).map_err(DiskWriteError::Write)?,
        };
        put(out, &zeros)?;
        self.zeros = Some(zeros);
        Ok(())
    }

    /// Ends the member.
    fn finish(mut self) -> Result<(), DiskWriteError> {
        if !self.pending.is_empty() {
            self.flush_block()?;
        }
        let out = self.out;
        self.blocks.flush(&mut |_, _, packed| put(&mut *out, packed))?;
        put(out, &[3, 0])?;
        put(out, &self.sum.sum().to_le_bytes())?;
        put(out, &self.sum.amount().to_le_bytes())
    }
}

fn part(block: &[u8]) -> io::Result<Vec<u8>> {
    deflate(block, Wrapping::Part)
}

/// Writes zeros up to a whole multiple of `alignment`; returns the bytes with them.
pub(super) fn put_padding(out: &mut dyn Write, size: u64, alignment: u64) -> Result<u64, DiskWriteError> {
    let end = size.next_multiple_of(alignment);
    put_zeros(out, end - size)?;
    Ok(end)
}
