//! Partition tables, as UEFI says.
//!
//! The kernel makes the devices of partitions; their ids, types and names are read from the table itself. A table counts only
//! when both of its checksums are right: the first one, or else the one at the disk's end.

use super::guid::Guid;
use super::read::ReadAt;
use crate::sys::Errno;

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    /// Its number, from 1, as the kernel counts.
    pub(crate) number: u32,
    /// What it is for.
    pub(crate) kind: Guid,
    /// Its own id.
    pub(crate) id: Guid,
    /// Its name; empty if it has none.
    pub(crate) name: String,
    /// Its first byte.
    pub(crate) start: u64,
    /// Its size in bytes.
    pub(crate) size: u64,
}

/// What a disk has where a partition table would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// No such table.
    None,
    /// The partitions.
    Good(Vec<Partition>),
    /// The first table is damaged, the partitions are those of the one at the end.
    FromBackup(Vec<Partition>),
    /// Both tables are damaged.
    Damaged,
}

/// Kit's own tables have 128 entries of 128 bytes.
const MOST_BYTES: u64 = 1 << 20;
const SMALLEST_HEADER: usize = 92;

/// Reads the table of a disk of `size` bytes in blocks of `block` bytes.
pub(crate) fn read(disk: &dyn ReadAt, size: u64, block: u64) -> Result<Table, Errno> {
    if !(512..=65536).contains(&block) || size / block < 6 {
        return Ok(Table::None);
    }
    let last = size / block - 1;
    if let Some(partitions) = read_at(disk, 1, last, block)? {
        return Ok(Table::Good(partitions));
    }
    let mut first = [0; 512];
    disk.read_at(0, &mut first)?;
    let mut signature = [0; 8];
    disk.read_at(block, &mut signature)?;
    let protective = first[510..] == [0x55, 0xaa] && first[446..510].chunks(16).any(|entry| entry[4] == 0xee);
    if !protective && signature != *b"EFI PART" {
        return Ok(Table::None);
    }
    Ok(read_at(disk, last, last, block)?.map_or(Table::Damaged, Table::FromBackup))
}

/// Reads the table whose header is the block `at`; nothing if it isn't whole.
fn read_at(disk: &dyn ReadAt, at: u64, last: u64, block: u64) -> Result<Option<Vec<Partition>>, Errno> {
    let mut header = vec![0; usize::try_from(block).map_err(|_| Errno(libc::EINVAL))?];
    disk.read_at(at * block, &mut header)?;
    let Some(header) = Header::read(&header, at, last, block) else { return Ok(None) };
    let mut entries = vec![0; header.bytes()];
    disk.read_at(header.entries_at * block, &mut entries)?;
    if crc32(&entries) != header.entries_checksum {
        return Ok(None);
    }
    Ok(entries
        .chunks(header.entry_size)
        .zip(1..)
        .filter(|(entry, _)| entry[..16].iter().any(|byte| *byte != 0))
        .map(|(entry, number)| partition(entry, number, last, block))
        .collect())
}

struct Header {
    entries_at: u64,
    entry_size: usize,
    count: usize,
    entries_checksum: u32,
}

impl Header {
    /// Reads the header in block `at`; nothing if anything about it is wrong.
    fn read(bytes: &[u8], at: u64, last: u64, block: u64) -> Option<Self> {
        let size = usize::try_from(u32_at(bytes, 12)).ok()?;
        if !bytes.starts_with(b"EFI PART") || !(SMALLEST_HEADER..=bytes.len()).contains(&size) {
            return None;
        }
        let mut checked = bytes[..size].to_vec();
        checked[16..20].fill(0);
        if crc32(&checked) != u32_at(bytes, 16) || u64_at(bytes, 24) != at {
            return None;
        }
        let (entry_size, count) = (u32_at(bytes, 84), u32_at(bytes, 80));
        let total = u64::from(entry_size) * u64::from(count);
        let header = Self {
            entries_at: u64_at(bytes, 72),
            entry_size: usize::try_from(entry_size).ok()?,
            count: usize::try_from(count).ok()?,
            entries_checksum: u32_at(bytes, 88),
        };
        let fits = total <= MOST_BYTES && header.entries_at.checked_add(total.div_ceil(block))? <= last + 1;
        (entry_size >= 128 && entry_size % 8 == 0 && fits).then_some(header)
    }

    fn bytes(&self) -> usize {
        self.entry_size * self.count
    }
}

/// Takes an entry; nothing if its place isn't on the disk.
fn partition(entry: &[u8], number: u32, last: u64, block: u64) -> Option<Partition> {
    let (from, to) = (u64_at(entry, 32), u64_at(entry, 40));
    if from < 2 || from > to || to > last {
        return None;
    }
    let units = entry[56..128].chunks(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    let name = char::decode_utf16(units.take_while(|unit| *unit != 0));
    Some(Partition {
        number,
        kind: guid_at(entry, 0),
        id: guid_at(entry, 16),
        name: name.map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect(),
        start: from * block,
        size: (to - from + 1) * block,
    })
}

fn array_at<const SIZE: usize>(bytes: &[u8], at: usize) -> [u8; SIZE] {
    let mut array = [0; SIZE];
    array.copy_from_slice(&bytes[at..at + SIZE]);
    array
}

fn guid_at(bytes: &[u8], at: usize) -> Guid {
    Guid::from_table(array_at(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

/// The checksum of such tables, bit by bit: there are 16 KiB of them.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |state, byte| {
        (0..8).fold(state ^ u32::from(*byte), |state, _| {
            if state & 1 == 1 { (state >> 1) ^ 0xedb8_8320 } else { state >> 1 }
        })
    })
}

#[cfg(test)]
mod tests;
