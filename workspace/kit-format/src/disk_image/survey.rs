//! The first pass over a disk, which finds what of it holds anything, and the second, which writes.
//!
//! The disk's name is a chain over its units of 64 KiB that aren't all zero, in order: each link is the BLAKE3 digest of the link before,
//! the unit's number and the unit's own digest; the first is of the disk's size. The second pass makes the chain again: a disk that changed
//! meanwhile is an error.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read, Write};
use std::ops::Range;

use kit_hash::{BlobId, Encoder, Identity as _};

use super::{Disk, DiskFormat, DiskWriteError};
use crate::workers::{Queue, Work, Workers, with_queue};

/// What is looked at as a whole.
pub(super) const UNIT: usize = 64 << 10;
/// The same as a number of a disk's bytes.
pub(super) const UNIT_BYTES: u64 = 64 << 10;

static ZEROS: [u8; UNIT] = [0; UNIT];

/// Units in a page of the map.
const PAGE: u64 = 64 * WORDS as u64;
const WORDS: usize = 64;

/// Whether there are only zeros in a unit, or a part of one.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(UNIT).all(|chunk| chunk == &ZEROS[..chunk.len()])
}

/// What the first pass found.
#[derive(Debug)]
pub(super) struct Survey {
    /// Bytes of the disk.
    pub(super) size: u64,
    used: BTreeMap<u64, [u64; WORDS]>,
    seed: BlobId,
    /// The disk's first sectors.
    pub(super) start: Vec<u8>,
}

impl Survey {
    /// Reads the disk.
    pub(super) fn of(disk: &Disk<'_>) -> Result<Self, DiskWriteError> {
        let mut units = Units::open(disk)?;
        let mut used: BTreeMap<u64, [u64; WORDS]> = BTreeMap::new();
        let mut start = Vec::new();
        let mut buffer = Vec::with_capacity(UNIT);
        while let Some(unit) = units.next(&mut buffer)? {
            if unit.number == 0 {
                start = buffer[..buffer.len().min(1024)].to_vec();
            }
            if unit.used {
                let page = used.entry(unit.number / PAGE).or_insert([0; WORDS]);
                let (word, bit) = place(unit.number);
                page[word] |= bit;
            }
            buffer.clear();
        }
        Ok(Self { size: disk.size, used, seed: units.chain, start })
    }

    /// Returns how many blocks of `bytes` the disk has; the last needs not be a whole one.
    pub(super) fn blocks(&self, bytes: u64) -> u64 {
        self.size.div_ceil(bytes)
    }

    /// Returns the number of units.
    pub(super) fn units(&self) -> u64 {
        self.blocks(UNIT_BYTES)
    }

    /// Whether any of these units isn't all zero.
    pub(super) fn is_used(&self, units: Range<u64>) -> bool {
        if units.is_empty() {
            return false;
        }
        let pages = units.start / PAGE..=(units.end - 1) / PAGE;
        self.used.range(pages).any(|(page, words)| {
            let first = page * PAGE;
            let numbers = units.start.max(first)..units.end.min(first + PAGE);
            numbers.map(place).any(|(word, bit)| words[word] & bit != 0)
        })
    }

    /// Whether a block of `bytes`, a multiple of a unit, isn't all zero.
    pub(super) fn is_block_used(&self, block: u64, bytes: u64) -> bool {
        let each = bytes / UNIT_BYTES;
        self.is_used(block * each..(block + 1) * each)
    }

    /// Returns how many blocks of `bytes` aren't all zero.
    pub(super) fn used_blocks(&self, bytes: u64) -> u64 {
        (0..self.blocks(bytes)).filter(|block| self.is_block_used(*block, bytes)).count() as u64
    }

    /// Returns 16 bytes that name something of the disk in a format: a UUID of version 8.
    pub(super) fn uuid(&self, format: DiskFormat, role: &str) -> [u8; 16] {
        let id: BlobId = Encoder::new("disk-id", 1).str(format.word()).str(role).id(&self.seed).id_of();
        let mut uuid = [0; 16];
        uuid.copy_from_slice(&id.as_bytes()[..16]);
        uuid[6] = uuid[6] & 0x0f | 0x80;
        uuid[8] = uuid[8] & 0x3f | 0x80;
        uuid
    }
}

/// Returns where in a page of the map a unit's bit is.
fn place(unit: u64) -> (usize, u64) {
    let within = unit % PAGE;
    let word = usize::try_from(within / 64).expect("because a page has few words");
    (word, 1 << (within % 64))
}

/// A unit that was read.
struct Unit {
    number: u64,
    used: bool,
}

/// A disk being read, unit by unit.
struct Units<'a> {
    reader: Box<dyn Read + 'a>,
    size: u64,
    at: u64,
    chain: BlobId,
}

impl<'a> Units<'a> {
    fn open(disk: &Disk<'a>) -> Result<Self, DiskWriteError> {
        let reader = (disk.open)().map_err(DiskWriteError::Read)?;
        let chain = Encoder::new("disk-content", 1).u64(disk.size).id_of();
        Ok(Self { reader, size: disk.size, at: 0, chain })
    }

    /// Appends the next unit, which is a short one at the end; none behind it.
    fn next(&mut self, buffer: &mut Vec<u8>) -> Result<Option<Unit>, DiskWriteError> {
        let left = self.size - self.at;
        let from = buffer.len();
        let wanted = left.min(UNIT_BYTES);
        // At the end, there must be no more.
        let asked = wanted.max(1);
        (&mut self.reader).take(asked).read_to_end(buffer).map_err(DiskWriteError::Read)?;
        let found = (buffer.len() - from) as u64;
        if found != wanted {
            return Err(DiskWriteError::OtherSize { stated: self.size, found: self.at + found });
        }
        if wanted == 0 {
            return Ok(None);
        }
        let bytes = &buffer[from..];
        let unit = Unit { number: self.at / UNIT_BYTES, used: !is_zero(bytes) };
        if unit.used {
            let content = BlobId::of(bytes);
            self.chain = Encoder::new("disk-unit", 1).id(&self.chain).u64(unit.number).id(&content).id_of();
        }
        self.at += wanted;
        Ok(Some(unit))
    }
}

/// A disk that was looked at.
#[derive(Debug)]
pub(super) struct Surveyed<'s, 'd> {
    pub(super) disk: &'s Disk<'d>,
    pub(super) survey: &'s Survey,
}

/// What is done with a block: its number, its bytes, and whether there is anything in it.
pub(super) type EachBlock<'e> = &'e mut dyn FnMut(u64, &[u8], bool) -> Result<(), DiskWriteError>;

/// What is done with a block that was worked on: its number, its bytes, and what became of them.
pub(super) type Each<'e> = &'e mut dyn FnMut(u64, &[u8], &[u8]) -> Result<(), DiskWriteError>;

impl<'d> Surveyed<'_, 'd> {
    /// Gives all blocks of `bytes`, one after the other; the last may be shorter. The flag says whether anything is in it.
    pub(super) fn each_block(&self, bytes: u64, each: EachBlock<'_>) -> Result<(), DiskWriteError> {
        let mut pass = Pass::open(self)?;
        let mut buffer = Vec::new();
        while let Some((number, used)) = pass.block(bytes, &mut buffer)? {
            each(number, &buffer, used)?;
        }
        pass.finish(self)
    }

    /// Writes the blocks of `bytes` in which there is anything, whole, each behind the bytes `before`.
    pub(super) fn write_used(
        &self,
        bytes: u64,
        before: &[u8],
        out: &mut dyn Write,
    ) -> Result<(), DiskWriteError> {
        let each = bytes / UNIT_BYTES;
        self.each_block(UNIT_BYTES, &mut |number, unit, _| {
            if !self.survey.is_block_used(number / each, bytes) {
                return Ok(());
            }
            if number.is_multiple_of(each) {
                put(out, before)?;
            }
            put(out, unit)?;
            if (number + 1) * UNIT_BYTES >= self.survey.size {
                let end = self.survey.size.next_multiple_of(bytes);
                put_zeros(out, end - self.survey.size)?;
            }
            Ok(())
        })
    }

    /// Gives the units in which there is anything, filled up with zeros, and what `work` makes of each, in order.
    pub(super) fn each_packed(
        &self,
        workers: &dyn Workers,
        work: Work<'_>,
        each: Each<'_>,
    ) -> Result<(), DiskWriteError> {
        with_queue(workers, work, |queue| {
            let mut numbered = Numbered { queue, numbers: VecDeque::new() };
            self.each_block(UNIT_BYTES, &mut |number, unit, used| {
                if used {
                    let mut unit = unit.to_vec();
                    unit.resize(UNIT, 0);
                    numbered.add(number, unit, each)?;
                }
                Ok(())
            })?;
            numbered.flush(each)
        })
    }

    /// Begins to read the disk as it is; the second pass' check isn't made.
    pub(super) fn open(&self) -> Result<Box<dyn Read + 'd>, DiskWriteError> {
        (self.disk.open)().map_err(DiskWriteError::Read)
    }
}

/// The second pass.
struct Pass<'d> {
    units: Units<'d>,
}

impl<'d> Pass<'d> {
    fn open(disk: &Surveyed<'_, 'd>) -> Result<Self, DiskWriteError> {
        Ok(Self { units: Units::open(disk.disk)? })
    }

    fn block(&mut self, bytes: u64, buffer: &mut Vec<u8>) -> Result<Option<(u64, bool)>, DiskWriteError> {
        buffer.clear();
        let number = self.units.at / bytes;
        let mut used = false;
        for _ in 0..bytes / UNIT_BYTES {
            match self.units.next(buffer)? {
                Some(unit) => used |= unit.used,
                None => break,
            }
        }
        Ok((!buffer.is_empty()).then_some((number, used)))
    }

    fn finish(mut self, disk: &Surveyed<'_, 'd>) -> Result<(), DiskWriteError> {
        let more = self.units.next(&mut Vec::new())?.is_some();
        if more || self.units.chain != disk.survey.seed { Err(DiskWriteError::Changed) } else { Ok(()) }
    }
}

/// Blocks that are worked on at the same time, with their numbers.
pub(super) struct Numbered<'q> {
    pub(super) queue: &'q mut dyn Queue,
    /// Of each block in the queue.
    pub(super) numbers: VecDeque<u64>,
}

impl Numbered<'_> {
    /// Adds a block; without room for it, the first one is done before.
    pub(super) fn add(&mut self, number: u64, block: Vec<u8>, each: Each<'_>) -> Result<(), DiskWriteError> {
        while !self.queue.has_room() && self.take(each)? {}
        self.numbers.push_back(number);
        self.queue.give(block);
        Ok(())
    }

    /// Does those that are there.
    pub(super) fn flush(&mut self, each: Each<'_>) -> Result<(), DiskWriteError> {
        while self.take(each)? {}
        Ok(())
    }

    /// Does the first one; false when there is none.
    fn take(&mut self, each: Each<'_>) -> Result<bool, DiskWriteError> {
        let done = self.queue.take().map_err(DiskWriteError::Write)?;
        let (Some(done), Some(number)) = (done, self.numbers.pop_front()) else { return Ok(false) };
        each(number, &done.block, &done.result)?;
        Ok(true)
    }
}

/// Writes bytes.
pub(super) fn put(out: &mut dyn Write, bytes: &[u8]) -> Result<(), DiskWriteError> {
    out.write_all(bytes).map_err(DiskWriteError::Write)
}

/// Writes zeros.
pub(super) fn put_zeros(out: &mut dyn Write, count: u64) -> Result<(), DiskWriteError> {
    io::copy(&mut io::repeat(0).take(count), out).map(drop).map_err(DiskWriteError::Write)
}
