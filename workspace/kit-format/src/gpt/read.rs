//! The table of a disk that somebody made.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use super::{ENTRY, Guid, HEADER, MAGIC, REVISION, SECTOR, SECTOR_BYTES, table};

/// Entries of a table that are read at most.
const MAX_ENTRIES: u32 = 1024;
/// Bytes of an entry at most.
const MAX_ENTRY: u32 = 4096;

/// Why there is no table, or it contradicts itself.
#[derive(Debug, thiserror::Error)]
pub enum GptReadError {
    /// The bytes can't be had.
    #[error("can't read the disk")]
    Input(#[from] io::Error),
    /// Neither the second sector nor the last one begins as a header does.
    #[error("there is no GUID partition table: neither sector 1 nor the last one begins with `EFI PART`")]
    None,
    /// A header of another revision or form.
    #[error(
        "the header in sector {sector} has the revision {revision:#x} and {size} bytes, not 0x10000 and 92 to 512"
    )]
    Header {
        /// Where it is.
        sector: u64,
        /// What it says.
        revision: u32,
        /// Bytes that it says it has.
        size: u32,
    },
    /// A header is in another sector than it says.
    #[error("the header in sector {sector} says that it is in sector {says}")]
    Place {
        /// Where it is.
        sector: u64,
        /// Where it says that it is.
        says: u64,
    },
    /// A checksum is another one.
    #[error("the {what} in sector {sector} has the CRC-32 {found:08x}, not {says:08x}")]
    Checksum {
        /// Header or entries.
        what: &'static str,
        /// Where it begins.
        sector: u64,
        /// The bytes' checksum.
        found: u32,
        /// The one that the header says.
        says: u32,
    },
    /// Too many entries, too long ones, or none.
    #[error("there are {count} entries of {size} bytes; up to 1024 of 128 to 4096 are read")]
    Entries {
        /// How many.
        count: u32,
        /// Bytes of each.
        size: u32,
    },
    /// A partition lies outside of the sectors that partitions may have.
    #[error(
        "partition {number} has the sectors {} to {}, outside of {} to {}",
        sectors.0, sectors.1, usable.0, usable.1
    )]
    Outside {
        /// Which entry, from 1.
        number: u32,
        /// Its first and last sector.
        sectors: (u64, u64),
        /// The first and last sector that the header allows and the disk has.
        usable: (u64, u64),
    },
    /// Two partitions share bytes.
    #[error(
        "partition {first} (bytes {} to {}) and partition {second} (bytes {} to {}) overlap",
        first_bytes.start, first_bytes.end, second_bytes.start, second_bytes.end
    )]
    Overlap {
        /// The one that begins first, from 1.
        first: u32,
        /// Its bytes.
        first_bytes: Range<u64>,
        /// The other one.
        second: u32,
        /// Its bytes.
        second_bytes: Range<u64>,
    },
}

/// Which of a table's two copies was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableCopy {
    /// The one at the beginning.
    First,
    /// The one at the end, since the first is damaged.
    Second,
}

/// What a table says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Which copy it is.
    pub copy: TableCopy,
    /// The disk's GUID.
    pub id: Guid,
    /// Bytes of the disk.
    pub size: u64,
    /// Its partitions, in the order of the entries.
    pub partitions: Vec<Slice>,
}

/// A partition of such a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// Which entry, from 1.
    pub number: u32,
    /// What it is.
    pub kind: Guid,
    /// What it alone has.
    pub id: Guid,
    /// How people name it; what isn't UTF-16 is U+FFFD.
    pub label: String,
    /// Some of [`super::attributes`].
    pub attributes: u64,
    /// Its bytes on the disk.
    pub bytes: Range<u64>,
}

/// Reads the table of a disk with sectors of 512 bytes: the first copy, or the second where the first is damaged.
pub fn read(disk: &mut (impl Read + Seek)) -> Result<Table, GptReadError> {
    let size = disk.seek(SeekFrom::End(0))?;
    let last = (size / SECTOR).checked_sub(1).ok_or(GptReadError::None)?;
    match read_copy(disk, 1, last) {
        Ok(found) => Ok(Table { copy: TableCopy::First, size, ..found }),
        Err(GptReadError::Input(error)) => Err(GptReadError::Input(error)),
        Err(first) => match read_copy(disk, last, last) {
            Ok(found) => Ok(Table { copy: TableCopy::Second, size, ..found }),
            Err(_) => Err(first),
        },
    }
}

/// Reads one of the copies, whose header is in `sector`.
fn read_copy(disk: &mut (impl Read + Seek), sector: u64, last: u64) -> Result<Table, GptReadError> {
    if sector > last {
        return Err(GptReadError::None);
    }
    let header = bytes_at(disk, sector, SECTOR_BYTES)?;
    if !header.starts_with(MAGIC) {
        return Err(GptReadError::None);
    }
    check_header(&header, sector)?;
    let (count, size) = (u32_at(&header, 80), u32_at(&header, 84));
    if count == 0 || count > MAX_ENTRIES || !(ENTRY..=MAX_ENTRY).contains(&size) {
        return Err(GptReadError::Entries { count, size });
    }
    let at = u64_at(&header, 72);
    if at > last {
        return Err(GptReadError::Outside { number: 0, sectors: (at, at), usable: (0, last) });
    }
    let entries = bytes_at(disk, at, (count * size) as usize)?;
    let (found, says) = (table::crc(&[&entries]), u32_at(&header, 88));
    if found != says {
        return Err(GptReadError::Checksum { what: "table", sector: at, found, says });
    }
    // Whatever the header allows: the last sectors are its own.
    let usable = (u64_at(&header, 40).max(2), u64_at(&header, 48).min(last.saturating_sub(1)));
    let mut partitions = Vec::new();
    for (number, entry) in (1..).zip(entries.chunks_exact(size as usize)) {
        partitions.extend(slice(number, entry, usable)?);
    }
    check_overlaps(&partitions)?;
    Ok(Table { copy: TableCopy::First, id: guid_at(&header, 56), size: 0, partitions })
}

fn check_header(header: &[u8], sector: u64) -> Result<(), GptReadError> {
    let (revision, size) = (u32_at(header, 8), u32_at(header, 12));
    let covered = header.get(..size as usize).filter(|_| size >= HEADER && revision == REVISION);
    let covered = covered.ok_or(GptReadError::Header { sector, revision, size })?;
    let (found, says) = (table::crc(&[&covered[..16], &[0; 4], &covered[20..]]), u32_at(header, 16));
    if found != says {
        return Err(GptReadError::Checksum { what: "header", sector, found, says });
    }
    match u64_at(header, 24) {
        says if says == sector => Ok(()),
        says => Err(GptReadError::Place { sector, says }),
    }
}

/// Returns the partition of an entry, if it is used.
fn slice(number: u32, entry: &[u8], usable: (u64, u64)) -> Result<Option<Slice>, GptReadError> {
    let kind = guid_at(entry, 0);
    if kind == Guid::NIL {
        return Ok(None);
    }
    let sectors = (u64_at(entry, 32), u64_at(entry, 40));
    if sectors.0 > sectors.1 || sectors.0 < usable.0 || sectors.1 > usable.1 {
        return Err(GptReadError::Outside { number, sectors, usable });
    }
    let units = entry[56..ENTRY as usize].chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    let label: Vec<_> = units.take_while(|unit| *unit != 0).collect();
    Ok(Some(Slice {
        number,
        kind,
        id: guid_at(entry, 16),
        label: String::from_utf16_lossy(&label),
        attributes: u64_at(entry, 48),
        bytes: sectors.0 * SECTOR..(sectors.1 + 1) * SECTOR,
    }))
}

fn check_overlaps(partitions: &[Slice]) -> Result<(), GptReadError> {
    let mut sorted: Vec<_> = partitions.iter().collect();
    sorted.sort_by_key(|partition| (partition.bytes.start, partition.number));
    match sorted.windows(2).find(|pair| pair[0].bytes.end > pair[1].bytes.start) {
        None => Ok(()),
        Some(pair) => Err(GptReadError::Overlap {
            first: pair[0].number,
            first_bytes: pair[0].bytes.clone(),
            second: pair[1].number,
            second_bytes: pair[1].bytes.clone(),
        }),
    }
}

fn bytes_at(disk: &mut (impl Read + Seek), sector: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    disk.seek(SeekFrom::Start(sector * SECTOR))?;
    disk.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("because headers and entries have their least size")
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

fn guid_at(bytes: &[u8], at: usize) -> Guid {
    Guid::from_table(array_at(bytes, at))
}
