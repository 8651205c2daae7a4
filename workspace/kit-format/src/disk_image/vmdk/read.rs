//! Reads VMware's disks that are in one file: sparse, compressed or not.

use super::{AT_END, COMPRESSED, DESCRIPTOR_SECTORS, SECTOR, SECTOR_BYTES, SIGNATURE};
use crate::disk_image::read::{Budget, Extent, Extents, From, Packed};
use crate::disk_image::source::{Source, Table, le32, le64};
use crate::disk_image::{DiskFormat, DiskReadError};

/// An entry that says that the grain is zero.
const ZERO: u32 = 1;
/// Bytes before a compressed grain: its sector, its length.
const GRAIN_HEADER: u64 = 12;
/// Bytes of a descriptor that are looked at.
const MOST_DESCRIPTOR: u64 = DESCRIPTOR_SECTORS * SECTOR * 8;

/// Its header.
#[derive(Debug)]
pub(in super::super) struct Vmdk {
    size: u64,
    /// Bytes of a grain.
    grain: u64,
    table_entries: u64,
    directory_at: u64,
    packed: bool,
}

fn damaged(what: &'static str) -> DiskReadError {
    DiskReadError::Damaged { format: DiskFormat::Vmdk, what }
}

fn unsupported(feature: &'static str) -> DiskReadError {
    DiskReadError::Unsupported { format: DiskFormat::Vmdk, feature }
}

impl Vmdk {
    /// Reads header, descriptor and footer; returns the disk's bytes with them.
    pub(in super::super) fn read(source: Source<'_>) -> Result<(Self, u64), DiskReadError> {
        let mut header: [u8; SECTOR_BYTES] = source.bytes(0, "the header")?;
        check_descriptor(source, le64(&header, 28), le64(&header, 36))?;
        if le64(&header, 56) == AT_END {
            // Before the end marker.
            let footer_at = source.length.saturating_sub(2 * SECTOR);
            header = source.bytes(footer_at, "the footer")?;
            if !header.starts_with(SIGNATURE) || le64(&header, 56) == AT_END {
                return Err(damaged("it has no footer at its end"));
            }
        }
        if !(1..=3).contains(&le32(&header, 4)) {
            return Err(unsupported("another version than 1 to 3"));
        }
        let packed = le32(&header, 8) & COMPRESSED != 0;
        if packed && header[77..79] != [1, 0] {
            return Err(unsupported("an unknown compression"));
        }
        let grain = le64(&header, 20).saturating_mul(SECTOR);
        let table_entries = u64::from(le32(&header, 44));
        if !grain.is_power_of_two() || !(1 << 12..=1 << 21).contains(&grain) {
            return Err(damaged("the size of its grains is out of bounds"));
        }
        if !(1..=1 << 16).contains(&table_entries) {
            return Err(damaged("the size of its tables is out of bounds"));
        }
        let size = le64(&header, 12).checked_mul(SECTOR).ok_or(damaged("its size is out of bounds"))?;
        let directory_at = le64(&header, 56).saturating_mul(SECTOR);
        Ok((Self { size, grain, table_entries, directory_at, packed }, size))
    }

    pub(in super::super) fn extents<'a>(&'a self, source: Source<'a>) -> VmdkExtents<'a> {
        VmdkExtents {
            header: self,
            source,
            directory: Table::new(source, "the directory"),
            table: Table::new(source, "a table of grains"),
            budget: Budget::new(source.length, DiskFormat::Vmdk),
        }
    }
}

/// Looks for a parent.
fn check_descriptor(source: Source<'_>, at: u64, sectors: u64) -> Result<(), DiskReadError> {
    let length = sectors.saturating_mul(SECTOR).min(MOST_DESCRIPTOR);
    let mut text = vec![0; usize::try_from(length).unwrap_or(0)];
    source.read(at.saturating_mul(SECTOR), &mut text, "the descriptor")?;
    let text = String::from_utf8_lossy(&text);
    let parent = text.lines().find_map(|line| line.trim().strip_prefix("parentCID="));
    match parent {
        Some(id) if !id.eq_ignore_ascii_case("ffffffff") => Err(unsupported("a parent")),
        _ => Ok(()),
    }
}

/// Where its grains are.
#[derive(Debug)]
pub(in super::super) struct VmdkExtents<'a> {
    header: &'a Vmdk,
    source: Source<'a>,
    directory: Table<'a>,
    table: Table<'a>,
    budget: Budget,
}

impl Extents for VmdkExtents<'_> {
    fn extent(&mut self, at: u64) -> Result<Extent, DiskReadError> {
        let Vmdk { grain, table_entries, directory_at, size, packed } = *self.header;
        let number = at / grain;
        let entry_at = directory_at.saturating_add(number / table_entries * 4);
        let table = u32::from_le_bytes(self.directory.entry(entry_at)?);
        if table == 0 {
            let end = (number / table_entries + 1).saturating_mul(table_entries * grain).min(size);
            return Ok(Extent { length: end - at, from: From::Zeros });
        }
        let entry_at = u64::from(table) * SECTOR + number % table_entries * 4;
        let entry = u32::from_le_bytes(self.table.entry(entry_at)?);
        let skip = at % grain;
        let length = grain - skip;
        if entry <= ZERO {
            return Ok(Extent { length, from: From::Zeros });
        }
        let from = u64::from(entry) * SECTOR;
        if !packed {
            self.budget.take(length)?;
            return Ok(Extent { length, from: From::File(from + skip) });
        }
        self.budget.take(SECTOR)?;
        Ok(Extent { length, from: self.grain(from, number, skip)? })
    }
}

impl VmdkExtents<'_> {
    /// Reads what stands before a compressed grain.
    fn grain(&self, at: u64, number: u64, skip: u64) -> Result<From, DiskReadError> {
        let grain = self.header.grain;
        let header: [u8; 12] = self.source.bytes(at, "a grain")?;
        let length = u64::from(le32(&header, 8));
        if le64(&header, 0) != number.saturating_mul(grain / SECTOR) {
            return Err(damaged("a grain is another one than its table says"));
        }
        if length > 2 * grain {
            return Err(damaged("a compressed grain is longer than twice what it holds"));
        }
        let bytes = |number: u64| usize::try_from(number).map_err(|_| damaged("a grain is too large"));
        Ok(From::Packed {
            at: at + GRAIN_HEADER,
            length,
            packed: Packed::Zlib,
            cluster: bytes(grain)?,
            skip: bytes(skip)?,
        })
    }
}
