//! The partition table of the PC's BIOS, in the first sector of a disk; both ways.
//!
//! | bytes | what |
//! |---|---|
//! | 0 to 439 | program that the BIOS starts |
//! | 440 to 443 | signature of the disk |
//! | 446 to 509 | four partitions of 16 bytes: 0x80 where active, first sector (cylinder, head, sector), type, last sector, first sector, how many |
//! | 510, 511 | 0x55 0xaa |
//!
//! Numbers are little-endian, a sector has 512 bytes. Cylinders count 255 heads of 63 sectors; what they can't name is `fe ff ff`.
//! Partitions lie at multiples of 1 MiB and go to the end of their last sector, a disk has whole MiB; between them are zeros.
//!
//! | module | what |
//! |---|---|
//! | [`mod@write`] | [`layout()`]: a disk of up to four partitions |
//! | [`mod@read`] | [`read()`]: the table of a disk |

pub mod read;
pub mod write;

pub use read::{MbrReadError, Slice, Table, read};
pub use write::{MbrError, Options, Partition, layout};

/// The type of a partition that only says that the disk has a GPT.
pub const PROTECTIVE: u8 = 0xee;

/// Bytes of a sector.
pub(crate) const SECTOR: u64 = 512;
pub(crate) const SECTOR_BYTES: usize = 512;
/// What partitions are aligned to.
pub(crate) const ALIGNMENT: u64 = 1 << 20;
/// Bytes that a program in the first sector may have.
pub const CODE: usize = 440;
const TABLE: usize = 446;
const ENTRY: usize = 16;
const ENTRIES: usize = 4;
const ACTIVE: u8 = 0x80;

#[cfg(test)]
mod tests;
