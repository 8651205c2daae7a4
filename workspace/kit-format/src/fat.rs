//! FAT file systems with 12, 16 and 32 bits, as firmware reads them; both ways.
//!
//! # What is written
//! Sectors have 512 bytes. In order:
//!
//! | what | FAT12, FAT16 | FAT32 |
//! |---|---|---|
//! | reserved sectors | 1: the boot sector | 32: boot sector, free counts; both again in sectors 6 and 7 |
//! | two equal tables | as long as the clusters need | the same, in multiples of 4 sectors, so that data is aligned to 4 KiB |
//! | root directory | 512 entries, or as many more as it has, in multiples of 16 | a directory like others, in the first cluster |
//! | clusters | directories and contents in path order, each in one piece, from cluster 2 on; behind each program for UEFI room for signatures | the same |
//!
//! The boot sector has the OEM name `MSWIN4.1`, media f8, 63 sectors and 255 heads, drive 0x80, and a program that asks the BIOS for the next
//! disk. The volume id is a digest of the tree's id, the label and a seed. All times are the source date in UTC, whole two seconds; a date
//! before 1980, where the format begins, is 1980-01-01. Files have the archive attribute. What is free is zero.
//!
//! # Room for signatures
//! A file that isn't empty and whose name ends with `.efi`, in upper or lower case, is a program that somebody may sign (see
//! [`signing`](crate::signing)). The clusters behind it, as many as 16 KiB take, are free in the table and zero, and nothing else gets them while
//! the file system is laid out. The last cluster that FAT32's free counts name is the last of these where they come last, so that whoever
//! writes to the file system begins behind them.
//!
//! Modes and owners are left out: the format has none. Anything else that it hasn't is an error.
//!
//! # Kinds
//! Readers tell the kind by nothing but the number of clusters: up to 4084 is FAT12, up to 65524 is FAT16, more is FAT32. All numbers here stay
//! 16 away from these bounds, as Microsoft's specification advises. A kind that isn't given is FAT12 up to 4 MiB, FAT16 up to 36 MiB, FAT32
//! above. Clusters have 512 bytes while there aren't too many, as in Microsoft's tables.
//!
//! # Names
//! A name of at most 8 and 3 upper-case letters, digits and a few signs stands as it is. All others have a long name too, in UTF-16, before
//! their entry, and an alias in it: the name in upper case where that is one of 8 and 3, else its first characters with `~1`, `~2` and so on in path
//! order. Names that fit get their alias first, so that no number ever takes it.
//!
//! | module | what |
//! |---|---|
//! | [`mod@write`] | [`layout()`]: a tree as a file system |
//! | [`mod@read`] | [`read()`]: a file system into a tree |
//! | [`mod@programs`] | the programs in one, and how their ends are moved |
//! | `boot`, `directory`, `geometry`, `names`, `table`, `time` | the parts of one |
//! | `chain`, `entries`, `volume` | and how they are read |

mod boot;
mod chain;
mod directory;
mod entries;
mod error;
mod geometry;
mod names;
pub mod programs;
pub mod read;
mod table;
mod time;
mod volume;
pub mod write;

pub use error::FatWriteError;
pub use names::NameError;
pub use read::{FatReadError, read};
pub use write::{Options, Size, layout};

use std::fmt;

/// How many bits the table has for each cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// 12 bits: up to 4084 clusters.
    Fat12,
    /// 16 bits: up to 65524 clusters.
    Fat16,
    /// 32 bits, of which 28 count: at least 65525 clusters.
    Fat32,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fat12 => "FAT12",
            Self::Fat16 => "FAT16",
            Self::Fat32 => "FAT32",
        })
    }
}

/// Bytes of a sector.
const SECTOR: u64 = 512;
const SECTOR_BYTES: usize = 512;
/// Bytes of an entry of a directory.
const ENTRY: usize = 32;
/// Entries that a directory has at most: a root directory with a place of its own has a multiple of 16 below 65536.
const ENTRIES: usize = 65_520;

/// Bytes behind each program for UEFI, in whole clusters, that are free for signatures: some eight with keys of 2048 bits.
pub const SIGNATURE_ROOM: u64 = 16 << 10;

/// Whether a file is a program for UEFI, by its path.
fn is_program(path: &[u8]) -> bool {
    path.len() > 4 && path[path.len() - 4..].eq_ignore_ascii_case(b".efi")
}

/// Attributes of entries.
const LABEL: u8 = 0x08;
const DIRECTORY: u8 = 0x10;
const ARCHIVE: u8 = 0x20;
const LONG_NAME: u8 = 0x0f;

#[cfg(test)]
mod tests;
