//! What Google's cloud takes as an image: a tar of GNU's old form with the one member `disk.raw`, compressed by gzip.
//!
//! The disk is filled up with zeros to whole GiB, as it must be there; who wants a partition table's second copy in the last sector makes the
//! disk as large. The member is sparse (type `S`, as `tar --format=oldgnu --sparse` makes it): a part for each run of 64 KiB that aren't
//! zero, ended at the disk's last sector, then an empty one at the end. Mode 0644, owner 0, time 0, no names; two zero blocks; gzip as in
//! [`super::raw`].

mod read;

use std::ops::Range;

use super::raw::Gzip;
use super::survey::{Survey, Surveyed, UNIT_BYTES};
use super::{DiskWriteError, WriteSeek};
use crate::tar::BLOCK;
use crate::tar::header::{HeaderBlock, MAGIC, MODE, NAME, SIZE};
use crate::workers::Workers;

pub(super) use self::read::{Member, is_ours};

/// Names the exact bytes.
pub const REVISION: u32 = 2;

const MEMBER: &[u8] = b"disk.raw";
const SPARSE: u8 = b'S';
const ALIGNMENT: u64 = 1 << 30;
const SECTOR: u64 = 512;

/// Where a header's parts begin, and how many it has; whether more follow; the whole size.
const PARTS: usize = 386;
const PARTS_IN_HEADER: usize = 4;
const MORE: usize = 482;
const WHOLE_SIZE: Range<usize> = 483..495;
/// The same of the blocks behind it.
const PARTS_IN_BLOCK: usize = 21;
const MORE_IN_BLOCK: usize = 504;
const PART_BYTES: usize = 24;

/// Writes the archive.
pub(super) fn write(
    disk: &Surveyed<'_, '_>,
    out: &mut dyn WriteSeek,
    workers: &dyn Workers,
) -> Result<(), DiskWriteError> {
    let survey = disk.survey;
    let whole = survey.size.next_multiple_of(ALIGNMENT);
    let stored = parts(survey).map(|part| part.end - part.start).sum();
    let mut parts = parts(survey).chain(std::iter::once(whole..whole)).peekable();
    let first: Vec<_> = parts.by_ref().take(PARTS_IN_HEADER).collect();
    Gzip::write(out, workers, |gzip| {
        gzip.add(&header(stored, whole, &first, parts.peek().is_some()))?;
        while parts.peek().is_some() {
            let mut block = [0; BLOCK];
            for (at, part) in parts.by_ref().take(PARTS_IN_BLOCK).enumerate() {
                set_part(&mut block[at * PART_BYTES..], &part);
            }
            block[MORE_IN_BLOCK] = u8::from(parts.peek().is_some());
            gzip.add(&block)?;
        }
        disk.each_block(UNIT_BYTES, &mut |_, unit, used| {
            if !used {
                return Ok(());
            }
            gzip.add(unit)?;
            let rest = unit.len().next_multiple_of(BLOCK) - unit.len();
            gzip.add(&[0; BLOCK][..rest])
        })?;
        gzip.add(&[0; 2 * BLOCK])
    })
}

/// Returns the runs of what isn't zero, in bytes of the disk, in whole sectors.
fn parts(survey: &Survey) -> impl Iterator<Item = Range<u64>> {
    let end = survey.size.next_multiple_of(SECTOR);
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = (at..survey.units()).find(|unit| survey.is_used(*unit..unit + 1))?;
        let behind = (start..survey.units()).find(|unit| !survey.is_used(*unit..unit + 1));
        at = behind.unwrap_or(survey.units());
        Some(start * UNIT_BYTES..(at * UNIT_BYTES).min(end))
    })
}

fn header(stored: u64, whole: u64, parts: &[Range<u64>], more: bool) -> [u8; BLOCK] {
    let mut header = HeaderBlock::new(SPARSE);
    header.set_text(NAME, MEMBER);
    header.set_text(MAGIC, b"ustar  \0");
    header.set_number(MODE, 0o644);
    header.set_text(SIZE, &number(stored));
    for (at, part) in parts.iter().enumerate() {
        let mut bytes = [0; PART_BYTES];
        set_part(&mut bytes, part);
        let from = PARTS + at * PART_BYTES;
        header.set_text(from..from + PART_BYTES, &bytes);
    }
    header.set_text(MORE..MORE + 1, &[u8::from(more)]);
    header.set_text(WHOLE_SIZE, &number(whole));
    header.finish()
}

fn set_part(bytes: &mut [u8], part: &Range<u64>) {
    bytes[..12].copy_from_slice(&number(part.start));
    bytes[12..24].copy_from_slice(&number(part.end - part.start));
}

/// Returns a number as eleven octal digits and a NUL, or in GNU's binary form where it has more.
fn number(number: u64) -> [u8; 12] {
    let mut field = [0; 12];
    let digits = format!("{number:011o}");
    if digits.len() == 11 {
        field[..11].copy_from_slice(digits.as_bytes());
    } else {
        field[0] = 0x80;
        field[4..].copy_from_slice(&number.to_be_bytes());
    }
    field
}
