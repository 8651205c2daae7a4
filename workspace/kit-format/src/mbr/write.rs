//! A disk of up to four partitions.

use crate::largest::LargestPartition;
use crate::layout::Layout;

use super::{ACTIVE, ALIGNMENT, CODE, ENTRIES, ENTRY, SECTOR, TABLE};

/// Names the exact bytes that this writer makes of partitions.
pub const REVISION: u32 = 1;

/// Why partitions are no disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MbrError {
    /// More than the table holds.
    #[error("{count} partitions are more than the 4 that an MBR holds")]
    Count {
        /// How many.
        count: usize,
    },
    /// A content is larger than its partition.
    #[error("partition {number} has {content} bytes of content, {} more than its size of {size}", content.saturating_sub(*size))]
    Content {
        /// The partition, from 1.
        number: usize,
        /// Bytes of its content.
        content: u64,
        /// Its size in bytes.
        size: u64,
    },
    /// A partition without any bytes.
    #[error("partition {number} has no bytes")]
    Empty {
        /// The partition, from 1.
        number: usize,
    },
    /// Two partitions that the BIOS shall start.
    #[error("partitions {first} and {second} are both active")]
    TwoActive {
        /// The first one, from 1.
        first: usize,
        /// The other.
        second: usize,
    },
    /// A partition that goes beyond what the table can say.
    #[error("partition {number} ends at byte {end}, beyond the 2 TiB that an MBR reaches")]
    TooFar {
        /// The partition, from 1.
        number: usize,
        /// Where it would end.
        end: u64,
    },
    /// The loader doesn't fit before the first partition.
    #[error("the loader before the first partition has {size} bytes, {} more than the {room} before it", size.saturating_sub(*room))]
    Loader {
        /// Bytes that it has.
        size: u64,
        /// Bytes that are there.
        room: u64,
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
    /// What it is: 0x83 Linux, 0x0c FAT32, 0xef EFI system partition, …
    pub kind: u8,
    /// Whether the BIOS starts it; one can be.
    pub active: bool,
    /// What is in it.
    pub content: Layout,
    /// Its bytes; what follows the content is zero.
    pub size: u64,
}

/// What a disk has beside its partitions.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The number that a BIOS and Linux know the disk by.
    pub signature: u32,
    /// Bytes of the disk; none: as few MiB as fit.
    pub size: Option<u64>,
    /// The program in the first sector.
    pub boot_code: Option<[u8; CODE]>,
    /// What that program loads from the sectors before the first partition, from the second sector on.
    pub loader: Layout,
}

/// Lays a disk out.
pub fn layout(partitions: Vec<Partition>, options: &Options) -> Result<Layout, MbrError> {
    check(&partitions)?;
    let room = ALIGNMENT - SECTOR;
    if options.loader.len() > room {
        return Err(MbrError::Loader { size: options.loader.len(), room });
    }
    let mut sector = first_sector(options.boot_code.as_ref(), options.signature);
    let mut end = ALIGNMENT;
    let mut places = Vec::new();
    for (index, partition) in partitions.iter().enumerate() {
        let (start, number) = (end.next_multiple_of(ALIGNMENT), index + 1);
        end = start
            .checked_add(partition.size)
            .and_then(|end| end.checked_next_multiple_of(SECTOR))
            .ok_or(MbrError::TooFar { number, end: u64::MAX })?;
        put_entry(&mut sector, index, partition.kind, partition.active, start..end)
            .ok_or(MbrError::TooFar { number, end })?;
        places.push(start..end);
    }
    let needed = end.next_multiple_of(ALIGNMENT);
    let size = options.size.unwrap_or(needed);
    if size < end {
        let largest = LargestPartition::of(partitions.iter().map(|partition| ("", partition.size)));
        return Err(MbrError::DiskSize { needed: end, size, largest });
    }
    if !size.is_multiple_of(SECTOR) {
        return Err(MbrError::Sectors { size });
    }
    let mut disk = Layout::new();
    disk.bytes("MBR", sector);
    disk.part("loader", options.loader.clone());
    for (index, (partition, place)) in partitions.into_iter().zip(places).enumerate() {
        disk.zeros_to("gap", place.start);
        disk.part(&format!("partition {}", index + 1), partition.content);
        disk.zeros_to(format!("partition {}, unused", index + 1), place.end);
    }
    disk.zeros_to("gap", size);
    Ok(disk)
}

fn check(partitions: &[Partition]) -> Result<(), MbrError> {
    if partitions.len() > ENTRIES {
        return Err(MbrError::Count { count: partitions.len() });
    }
    let mut active = None;
    for (number, partition) in (1..).zip(partitions) {
        if partition.size == 0 {
            return Err(MbrError::Empty { number });
        }
        let content = partition.content.len();
        if content > partition.size {
            return Err(MbrError::Content { number, content, size: partition.size });
        }
        if partition.active
            && let Some(first) = active.replace(number)
        {
            return Err(MbrError::TwoActive { first, second: number });
        }
    }
    Ok(())
}

/// Returns a first sector without partitions.
pub(crate) fn first_sector(code: Option<&[u8; CODE]>, signature: u32) -> Vec<u8> {
    let mut sector = code.map_or(vec![0; CODE], |code| code.to_vec());
    sector.extend_from_slice(&signature.to_le_bytes());
    sector.resize(TABLE + ENTRIES * ENTRY, 0);
    sector.extend_from_slice(&[0x55, 0xaa]);
    sector
}

/// Puts a partition into a first sector; none where its sectors have too large numbers.
pub(crate) fn put_entry(
    sector: &mut [u8],
    index: usize,
    kind: u8,
    active: bool,
    place: std::ops::Range<u64>,
) -> Option<()> {
    let first = u32::try_from(place.start / SECTOR).ok()?;
    let last = u32::try_from(place.end / SECTOR).ok()?.checked_sub(1)?;
    let mut entry = vec![if active { ACTIVE } else { 0 }];
    entry.extend_from_slice(&cylinders(first));
    entry.push(kind);
    entry.extend_from_slice(&cylinders(last));
    entry.extend_from_slice(&first.to_le_bytes());
    entry.extend_from_slice(&(last - first + 1).to_le_bytes());
    sector[TABLE + index * ENTRY..][..ENTRY].copy_from_slice(&entry);
    Some(())
}

/// Returns head, sector and cylinder of a sector, as the table has them.
fn cylinders(sector: u32) -> [u8; 3] {
    const SECTORS: u32 = 63;
    const HEADS: u32 = 255;
    let (cylinder, head, sector) = (sector / SECTORS / HEADS, sector / SECTORS % HEADS, sector % SECTORS + 1);
    match (u16::try_from(cylinder), u8::try_from(head), u8::try_from(sector)) {
        (Ok(cylinder @ 0..=1022), Ok(head), Ok(sector)) => {
            let [low, high] = cylinder.to_le_bytes();
            [head, high << 6 | sector, low]
        }
        _ => [0xfe, 0xff, 0xff],
    }
}
