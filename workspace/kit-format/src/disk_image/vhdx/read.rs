//! Reads Hyper-V's disks without parent, closed cleanly.

use super::{
    DISK_SIZE, FILE_PARAMETERS, HEADER, HEADERS_AT, LOGICAL_SECTOR, METADATA_REGION, MIB, PRESENT, REGIONS,
    REGIONS_AT, TABLE_REGION, crc32c,
};
use crate::disk_image::read::{Budget, Extent, Extents, From};
use crate::disk_image::source::{Source, Table, le32, le64};
use crate::disk_image::{DiskFormat, DiskReadError};

/// Entries that a table of regions or metadata may have.
const MOST_ENTRIES: u32 = 2047;
const STATE: u64 = 7;
const PARTLY: u64 = 7;
const OFFSET: u64 = !(MIB - 1);
/// What a file's parameters say: there is a parent.
const HAS_PARENT: u32 = 2;

/// What its tables say.
#[derive(Debug)]
pub(in super::super) struct Vhdx {
    table_at: u64,
    block: u64,
    /// Blocks behind which the entry of a bitmap stands.
    chunk: u64,
}

fn damaged(what: &'static str) -> DiskReadError {
    DiskReadError::Damaged { format: DiskFormat::Vhdx, what }
}

fn unsupported(feature: &'static str) -> DiskReadError {
    DiskReadError::Unsupported { format: DiskFormat::Vhdx, feature }
}

impl Vhdx {
    /// Reads headers, regions and metadata; returns the disk's bytes with them.
    pub(in super::super) fn read(source: Source<'_>) -> Result<(Self, u64), DiskReadError> {
        check_header(source)?;
        let (table_at, table_bytes, metadata_at) = regions(source)?;
        let item = |id| metadata_item(source, metadata_at, id);
        let parameters: [u8; 8] = source.bytes(item(FILE_PARAMETERS)?, "its parameters")?;
        if le32(&parameters, 4) & HAS_PARENT != 0 {
            return Err(unsupported("a parent"));
        }
        let block = u64::from(le32(&parameters, 0));
        let sector = u64::from(u32::from_le_bytes(source.bytes(item(LOGICAL_SECTOR)?, "its sectors")?));
        let size = u64::from_le_bytes(source.bytes(item(DISK_SIZE)?, "its size")?);
        if !block.is_power_of_two() || !(MIB..=256 * MIB).contains(&block) || ![512, 4096].contains(&sector) {
            return Err(damaged("the size of its blocks or sectors is out of bounds"));
        }
        let vhdx = Self { table_at, block, chunk: (sector << 23) / block };
        let last = size.saturating_sub(1) / block;
        if (last + last / vhdx.chunk + 1).saturating_mul(8) > table_bytes {
            return Err(damaged("its block table is shorter than the disk"));
        }
        Ok((vhdx, size))
    }

    pub(in super::super) fn extents<'a>(&'a self, source: Source<'a>) -> VhdxExtents<'a> {
        let budget = Budget::new(source.length, DiskFormat::Vhdx);
        VhdxExtents { header: self, table: Table::new(source, "the block table"), budget }
    }
}

/// Looks at the newer one of the headers that are right.
fn check_header(source: Source<'_>) -> Result<(), DiskReadError> {
    let mut newest: Option<(u64, [u8; HEADER])> = None;
    for at in HEADERS_AT {
        let header: [u8; HEADER] = source.bytes(at, "a header")?;
        let sequence = le64(&header, 8);
        let is_newer = newest.as_ref().is_none_or(|(newest, _)| sequence > *newest);
        if header.starts_with(b"head") && is_sum_right(&header) && is_newer {
            newest = Some((sequence, header));
        }
    }
    let (_, header) = newest.ok_or(damaged("none of its headers is right"))?;
    if header[48..64].iter().any(|byte| *byte != 0) {
        return Err(unsupported("a log that was never replayed, since it wasn't closed"));
    }
    if header[66..68] != [1, 0] {
        return Err(unsupported("another version than 1"));
    }
    Ok(())
}

fn is_sum_right(bytes: &[u8]) -> bool {
    let mut summed = bytes.to_vec();
    summed[4..8].fill(0);
    crc32c(&summed) == le32(bytes, 4)
}

/// Returns where the block table is, its bytes, and where the metadata are.
fn regions(source: Source<'_>) -> Result<(u64, u64, u64), DiskReadError> {
    let mut found = None;
    for at in REGIONS_AT {
        let mut regions = vec![0; REGIONS];
        source.read(at, &mut regions, "a table of regions")?;
        if regions.starts_with(b"regi") && is_sum_right(&regions) {
            found = Some(regions);
            break;
        }
    }
    let regions = found.ok_or(damaged("none of its tables of regions is right"))?;
    let count = le32(&regions, 8).min(MOST_ENTRIES);
    let (mut table, mut metadata) = (None, None);
    for entry in regions[16..].chunks(32).take(usize::try_from(count).unwrap_or(0)) {
        let (at, length) = (le64(entry, 16), u64::from(le32(entry, 24)));
        if entry.starts_with(&TABLE_REGION) {
            table = Some((at, length));
        } else if entry.starts_with(&METADATA_REGION) {
            metadata = Some(at);
        } else if le32(entry, 28) & 1 != 0 {
            return Err(unsupported("an unknown region"));
        }
    }
    match (table, metadata) {
        (Some((at, length)), Some(metadata)) => Ok((at, length, metadata)),
        _ => Err(damaged("a region is missing")),
    }
}

/// Returns where an item of the metadata is.
fn metadata_item(source: Source<'_>, metadata_at: u64, id: [u8; 16]) -> Result<u64, DiskReadError> {
    let mut table = vec![0; REGIONS];
    source.read(metadata_at, &mut table, "the metadata")?;
    if !table.starts_with(b"metadata") {
        return Err(damaged("its metadata are none"));
    }
    let count = u32::from(u16::from_le_bytes([table[10], table[11]])).min(MOST_ENTRIES);
    let mut entries = table[32..].chunks(32).take(usize::try_from(count).unwrap_or(0));
    let entry = entries.find(|entry| entry.starts_with(&id)).ok_or(damaged("an item is missing"))?;
    Ok(metadata_at.saturating_add(u64::from(le32(entry, 16))))
}

/// Where its blocks are.
#[derive(Debug)]
pub(in super::super) struct VhdxExtents<'a> {
    header: &'a Vhdx,
    table: Table<'a>,
    budget: Budget,
}

impl Extents for VhdxExtents<'_> {
    fn extent(&mut self, at: u64) -> Result<Extent, DiskReadError> {
        let Vhdx { table_at, block, chunk } = *self.header;
        let number = at / block;
        let entry_at = table_at.saturating_add((number + number / chunk) * 8);
        let entry = u64::from_le_bytes(self.table.entry(entry_at)?);
        let skip = at % block;
        let length = block - skip;
        match entry & STATE {
            PRESENT => {
                self.budget.take(length)?;
                Ok(Extent { length, from: From::File((entry & OFFSET).saturating_add(skip)) })
            }
            // Not there, undefined, zero, unmapped.
            0..=3 => Ok(Extent { length, from: From::Zeros }),
            PARTLY => Err(unsupported("a parent")),
            _ => Err(damaged("a block is in no state")),
        }
    }
}
