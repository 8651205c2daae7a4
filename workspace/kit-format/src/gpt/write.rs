//! A disk of partitions.

use std::ops::Range;

use crate::largest::LargestPartition;
use crate::layout::Layout;
use crate::mbr::{self, ALIGNMENT, CODE, PROTECTIVE};

use super::table::{self, Entry, Header};
use super::{ENTRIES, ENTRIES_SECTORS, Guid, LABEL, SECTOR, attributes};

/// Names the exact bytes that this writer makes of partitions.
pub const REVISION: u32 = 1;

/// Partitions beside the protective one that a hybrid MBR has room for.
const HYBRID: usize = 3;

/// Why partitions are no disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GptError {
    /// More than the table holds.
    #[error("{count} partitions are more than the 128 that the table holds")]
    Count {
        /// How many.
        count: usize,
    },
    /// A label that is too long.
    #[error("the label `{label}` of partition {number} has {units} UTF-16 units, more than 36")]
    Label {
        /// The partition, from 1.
        number: usize,
        /// Its label.
        label: String,
        /// How long it is.
        units: usize,
    },
    /// A content is larger than its partition.
    #[error("partition {number} `{label}` has {content} bytes of content, {} more than its size of {size}", content.saturating_sub(*size))]
    Content {
        /// The partition, from 1.
        number: usize,
        /// Its label.
        label: String,
        /// Bytes of its content.
        content: u64,
        /// Its size in bytes.
        size: u64,
    },
    /// A partition without any bytes.
    #[error("partition {number} `{label}` has no bytes")]
    Empty {
        /// The partition, from 1.
        number: usize,
        /// Its label.
        label: String,
    },
    /// A type or GUID that stands for none.
    #[error("partition {number} `{label}` has no type or no GUID")]
    Nil {
        /// The partition, from 1.
        number: usize,
        /// Its label.
        label: String,
    },
    /// Two partitions with one GUID.
    #[error("partitions {first} and {second} have the same GUID {id}")]
    SameId {
        /// The first one, from 1.
        first: usize,
        /// The other.
        second: usize,
        /// The GUID.
        id: Guid,
    },
    /// A hybrid MBR holds one to three partitions.
    #[error("a hybrid MBR holds 1 to 3 partitions, not {count}")]
    Hybrid {
        /// How many are to be there.
        count: usize,
    },
    /// A partition goes beyond what a hybrid MBR can say, or what a number can.
    #[error("partition {number} `{label}` ends at byte {end}, beyond what the table reaches")]
    TooFar {
        /// The partition, from 1.
        number: usize,
        /// Its label.
        label: String,
        /// Where it would end.
        end: u64,
    },
    /// The disk is too small for what is on it.
    #[error("the disk needs {needed} bytes, {} more than the given {size}; {largest}", needed.saturating_sub(*size))]
    DiskSize {
        /// Bytes that are needed.
        needed: u64,
        /// The given size.
        size: u64,
        /// What takes them.
        largest: LargestPartition,
    },
    /// A disk has whole sectors.
    #[error("a disk of {size} bytes doesn't end with a sector of 512")]
    Sectors {
        /// The given size.
        size: u64,
    },
}

/// A partition to be written.
#[derive(Debug, Clone)]
pub struct Partition {
    /// What it is.
    pub kind: Guid,
    /// What it alone has.
    pub id: Guid,
    /// How people name it.
    pub label: String,
    /// Some of [`attributes`].
    pub attributes: u64,
    /// What is in it.
    pub content: Layout,
    /// Its bytes; what follows the content is zero.
    pub size: u64,
    /// Its type in a hybrid MBR, when it is there.
    pub mbr: Option<u8>,
}

/// What a disk has beside its partitions.
#[derive(Debug, Clone)]
pub struct Options {
    /// What it alone has.
    pub id: Guid,
    /// Bytes of the disk; none: as few MiB as fit.
    pub size: Option<u64>,
    /// The program that a BIOS starts. What it loads further is in a partition of type [`Guid::BIOS_BOOT`], or in a file.
    pub boot_code: Option<[u8; CODE]>,
    /// Whether partitions are in the MBR too, for a BIOS that starts nothing else. The MBR's signature is then the GUID's first 32 bits.
    pub hybrid: bool,
}

/// Lays a disk out.
pub fn layout(partitions: Vec<Partition>, options: &Options) -> Result<Layout, GptError> {
    check(&partitions)?;
    let places = places(&partitions)?;
    let end = places.last().map_or(ALIGNMENT, |place| place.end);
    let needed = end.saturating_add((ENTRIES_SECTORS + 1) * SECTOR);
    let size = options.size.unwrap_or(needed.checked_next_multiple_of(ALIGNMENT).unwrap_or(u64::MAX));
    if size < needed {
        let sizes = partitions.iter().map(|partition| (partition.label.as_str(), partition.size));
        let largest = LargestPartition::of(sizes);
        return Err(GptError::DiskSize { needed, size, largest });
    }
    if !size.is_multiple_of(SECTOR) {
        return Err(GptError::Sectors { size });
    }
    let sectors = size / SECTOR;
    let first_sector = first_sector(&partitions, &places, sectors, options)?;
    let used: Vec<_> =
        partitions.iter().zip(&places).map(|(partition, place)| entry(partition, place)).collect();
    let entries = table::entries(&used);
    let crc = table::crc(&[&entries]);
    let header = |at, other, entries| Header { at, other, entries, sectors, disk: options.id, crc }.bytes();
    let mut disk = Layout::new();
    disk.bytes(if options.hybrid { "hybrid MBR" } else { "protective MBR" }, first_sector);
    disk.bytes("GPT header", header(1, sectors - 1, 2));
    disk.bytes("GPT entries", entries.clone());
    for (number, (partition, place)) in (1..).zip(partitions.into_iter().zip(places)) {
        disk.zeros_to("gap", place.start);
        disk.part(&format!("partition {number}"), partition.content);
        disk.zeros_to(format!("partition {number}, unused"), place.end);
    }
    disk.zeros_to("gap", size - (ENTRIES_SECTORS + 1) * SECTOR);
    disk.bytes("second GPT entries", entries);
    disk.bytes("second GPT header", header(sectors - 1, 1, sectors - 1 - ENTRIES_SECTORS));
    Ok(disk)
}

fn check(partitions: &[Partition]) -> Result<(), GptError> {
    if partitions.len() > ENTRIES as usize {
        return Err(GptError::Count { count: partitions.len() });
    }
    for (index, Partition { kind, id, label, content, size, .. }) in partitions.iter().enumerate() {
        let (number, units) = (index + 1, label.encode_utf16().count());
        if units > LABEL {
            return Err(GptError::Label { number, label: label.clone(), units });
        }
        if *size == 0 {
            return Err(GptError::Empty { number, label: label.clone() });
        }
        if content.len() > *size {
            return Err(GptError::Content {
                number,
                label: label.clone(),
                content: content.len(),
                size: *size,
            });
        }
        if [kind, id].contains(&&Guid::NIL) {
            return Err(GptError::Nil { number, label: label.clone() });
        }
        if let Some(first) = partitions[..index].iter().position(|other| other.id == *id) {
            return Err(GptError::SameId { first: first + 1, second: number, id: *id });
        }
    }
    Ok(())
}

/// Returns the bytes of the disk that each partition has.
fn places(partitions: &[Partition]) -> Result<Vec<Range<u64>>, GptError> {
    let mut end = ALIGNMENT;
    let mut places = Vec::new();
    for (number, Partition { label, size, .. }) in (1..).zip(partitions) {
        let start = end.checked_next_multiple_of(ALIGNMENT);
        let place =
            start.and_then(|start| Some(start..start.checked_add(*size)?.checked_next_multiple_of(SECTOR)?));
        let place = place.ok_or_else(|| GptError::TooFar { number, label: label.clone(), end: u64::MAX })?;
        end = place.end;
        places.push(place);
    }
    Ok(places)
}

fn entry<'a>(partition: &'a Partition, place: &Range<u64>) -> Entry<'a> {
    Entry {
        kind: partition.kind,
        id: partition.id,
        first: place.start / SECTOR,
        last: place.end / SECTOR - 1,
        attributes: partition.attributes,
        label: &partition.label,
    }
}

/// Returns the MBR: for the whole disk, or for what lies before the first partition that it has too.
fn first_sector(
    partitions: &[Partition],
    places: &[Range<u64>],
    sectors: u64,
    options: &Options,
) -> Result<Vec<u8>, GptError> {
    let [a, b, c, d, ..] = *options.id.as_bytes();
    let signature = if options.hybrid { u32::from_be_bytes([a, b, c, d]) } else { 0 };
    let mut sector = mbr::write::first_sector(options.boot_code.as_ref(), signature);
    let mut others: Vec<_> = (1..).zip(partitions.iter().zip(places)).collect();
    others.retain(|(_, (partition, _))| options.hybrid && partition.mbr.is_some());
    if options.hybrid && !(1..=HYBRID).contains(&others.len()) {
        return Err(GptError::Hybrid { count: others.len() });
    }
    let end = others.first().map_or(sectors, |(_, (_, place))| place.start / SECTOR);
    protect(&mut sector, end);
    for (index, (number, (partition, place))) in (1..).zip(others) {
        let active = partition.attributes & attributes::LEGACY_BOOT != 0;
        let kind = partition.mbr.expect("because only those with a type were kept");
        mbr::write::put_entry(&mut sector, index, kind, active, place.clone())
            .ok_or_else(|| GptError::TooFar { number, label: partition.label.clone(), end: place.end })?;
    }
    Ok(sector)
}

/// Puts the protective entry into a first sector: from sector 1 to before `end`, or as far as its number goes.
fn protect(sector: &mut [u8], end: u64) {
    let last = end.min(u64::from(u32::MAX)) * SECTOR;
    let put = mbr::write::put_entry(sector, 0, PROTECTIVE, false, SECTOR..last);
    put.expect("because the end was cut to what fits");
    if end > u64::from(u32::MAX) {
        sector[446 + 12..446 + 16].copy_from_slice(&u32::MAX.to_le_bytes());
    }
}
