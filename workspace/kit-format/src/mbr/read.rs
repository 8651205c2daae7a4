//! The table of a disk that somebody made.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use super::{ACTIVE, ENTRIES, ENTRY, PROTECTIVE, SECTOR, TABLE};

/// Why a first sector is no table.
#[derive(Debug, thiserror::Error)]
pub enum MbrReadError {
    /// The bytes can't be had.
    #[error("can't read the first sector")]
    Input(#[from] io::Error),
    /// The first sector doesn't end with 0x55 0xaa.
    #[error("the first sector isn't one of an MBR: it doesn't end with 0x55 0xaa")]
    Signature,
    /// A partition is neither active nor not.
    #[error("partition {number} has the status {status:#04x}, neither 0x00 nor 0x80")]
    Status {
        /// The partition, from 1.
        number: usize,
        /// What stands there.
        status: u8,
    },
    /// A partition has no sectors, or is a second one that begins with the table itself.
    #[error("partition {number} has {sectors} sectors from {first} on")]
    Place {
        /// The partition, from 1.
        number: usize,
        /// Its first sector.
        first: u32,
        /// How many.
        sectors: u32,
    },
    /// A partition ends behind the disk.
    #[error("partition {number} ends at byte {end}, behind the disk's {size}")]
    Beyond {
        /// The partition, from 1.
        number: usize,
        /// Where it ends.
        end: u64,
        /// Bytes of the disk.
        size: u64,
    },
    /// Two partitions share bytes.
    #[error(
        "partition {first} (bytes {} to {}) and partition {second} (bytes {} to {}) overlap",
        first_bytes.start, first_bytes.end, second_bytes.start, second_bytes.end
    )]
    Overlap {
        /// The one that begins first, from 1.
        first: usize,
        /// Its bytes.
        first_bytes: Range<u64>,
        /// The other one.
        second: usize,
        /// Its bytes.
        second_bytes: Range<u64>,
    },
}

/// What a first sector says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The disk's number.
    pub signature: u32,
    /// Whether one of the entries is that of a disk with a GPT.
    pub protective: bool,
    /// The entry that begins with the sector itself, as that of a compact disc which starts from a stick, too: the volume that all is in.
    pub whole: Option<Slice>,
    /// The other entries.
    pub partitions: Vec<Slice>,
}

/// A partition of such a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// Which entry, from 1.
    pub number: usize,
    /// What it is.
    pub kind: u8,
    /// Whether the BIOS starts it.
    pub active: bool,
    /// Its bytes on the disk.
    pub bytes: Range<u64>,
}

/// Reads the table of a disk. Logical partitions aren't followed: the extended one that they are in is one like others.
pub fn read(disk: &mut (impl Read + Seek)) -> Result<Table, MbrReadError> {
    let size = disk.seek(SeekFrom::End(0))?;
    let mut sector = [0; 512];
    disk.seek(SeekFrom::Start(0))?;
    disk.read_exact(&mut sector)?;
    if sector[510..] != [0x55, 0xaa] {
        return Err(MbrReadError::Signature);
    }
    let number = |at: usize| u32::from_le_bytes([sector[at], sector[at + 1], sector[at + 2], sector[at + 3]]);
    let mut table = Table { signature: number(440), protective: false, whole: None, partitions: Vec::new() };
    for index in 0..ENTRIES {
        let at = TABLE + index * ENTRY;
        let (status, kind, first, sectors) = (sector[at], sector[at + 4], number(at + 8), number(at + 12));
        if !matches!(status, 0 | ACTIVE) {
            return Err(MbrReadError::Status { number: index + 1, status });
        }
        match kind {
            0 => {}
            PROTECTIVE => table.protective = true,
            _ => {
                let slice = Slice {
                    number: index + 1,
                    kind,
                    active: status == ACTIVE,
                    bytes: u64::from(first) * SECTOR..(u64::from(first) + u64::from(sectors)) * SECTOR,
                };
                if sectors == 0 || first == 0 && table.whole.is_some() {
                    return Err(MbrReadError::Place { number: index + 1, first, sectors });
                }
                if first == 0 {
                    table.whole = Some(slice);
                } else {
                    table.partitions.push(slice);
                }
            }
        }
    }
    if let Some(Slice { number, bytes, .. }) = table.whole.as_ref().filter(|whole| whole.bytes.end > size) {
        return Err(MbrReadError::Beyond { number: *number, end: bytes.end, size });
    }
    check(&table.partitions, size)?;
    Ok(table)
}

fn check(partitions: &[Slice], size: u64) -> Result<(), MbrReadError> {
    let mut sorted: Vec<_> = partitions.iter().collect();
    sorted.sort_by_key(|partition| (partition.bytes.start, partition.number));
    if let Some(Slice { number, bytes, .. }) = sorted.iter().find(|partition| partition.bytes.end > size) {
        return Err(MbrReadError::Beyond { number: *number, end: bytes.end, size });
    }
    match sorted.windows(2).find(|pair| pair[0].bytes.end > pair[1].bytes.start) {
        None => Ok(()),
        Some(pair) => Err(MbrReadError::Overlap {
            first: pair[0].number,
            first_bytes: pair[0].bytes.clone(),
            second: pair[1].number,
            second_bytes: pair[1].bytes.clone(),
        }),
    }
}
