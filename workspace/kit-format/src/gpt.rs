//! GUID partition tables (UEFI specification 2.10, section 5); both ways.
//!
//! | sectors of 512 bytes | what |
//! |---|---|
//! | 0 | protective MBR: one entry of type 0xee for the whole disk; in a hybrid one it ends before the first of up to three others |
//! | 1 | header: sizes, places, the disk's GUID, CRC-32 of itself and of the entries |
//! | 2 to 33 | 128 entries of 128 bytes: type, GUID, first and last sector, attributes, label in UTF-16 |
//! | from 2048 | partitions, at multiples of 1 MiB, each to the end of its last sector |
//! | last 33 | the entries again, then the header again with both places exchanged |
//!
//! The first usable sector is 34, the last is the one before the second entries. A disk has whole MiB where no size is given; all that is in
//! no partition is zero. Numbers are little-endian.
//!
//! | module | what |
//! |---|---|
//! | [`mod@guid`] | [`Guid`], with the types of partitions |
//! | [`mod@write`] | [`layout()`]: a disk of partitions |
//! | [`mod@read`] | [`read()`]: the table of a disk |

pub mod guid;
pub mod read;
mod table;
pub mod write;

pub use guid::{Guid, GuidError};
pub use read::{GptReadError, Slice, Table, TableCopy, read};
pub use write::{GptError, Options, Partition, layout};

/// Attributes of partitions.
pub mod attributes {
    /// The BIOS starts it; in a hybrid MBR it is the active one.
    pub const LEGACY_BOOT: u64 = 1 << 2;
    /// It is mounted without writing to it.
    pub const READ_ONLY: u64 = 1 << 60;
}

use crate::mbr::{SECTOR, SECTOR_BYTES};

const MAGIC: &[u8; 8] = b"EFI PART";
const REVISION: u32 = 0x1_0000;
const HEADER: u32 = 92;
const ENTRY: u32 = 128;
const ENTRIES: u32 = 128;
/// Sectors of all entries.
const ENTRIES_SECTORS: u64 = 32;
/// UTF-16 units of a label.
const LABEL: usize = 36;
/// The first sector that a partition may have.
const FIRST_USABLE: u64 = 2 + ENTRIES_SECTORS;

#[cfg(test)]
mod tests;
