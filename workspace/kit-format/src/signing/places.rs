//! Where on a disk firmware finds what it starts.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use crate::disk_image::RandomAccess;
use crate::gpt::{self, GptReadError, Guid};
use crate::mbr::{self, MbrReadError};
use crate::part::Part;

/// Types of partitions with FAT, in the old table.
const FAT: [u8; 7] = [0x01, 0x04, 0x06, 0x0b, 0x0c, 0x0e, EFI];
/// That of a partition for UEFI.
const EFI: u8 = 0xef;
/// Where a disc says that it is one, and how.
const DISC: u64 = 0x8001;
const DISC_MAGIC: &[u8] = b"CD001";
const SECTOR: u64 = 512;

/// Why the partitions of a disk can't be had.
#[derive(Debug, thiserror::Error)]
pub enum PlacesError {
    /// The bytes can't be had.
    #[error("can't read the disk")]
    Input(#[from] io::Error),
    /// Its table is damaged.
    #[error(transparent)]
    Gpt(GptReadError),
    /// It has no table.
    #[error(transparent)]
    Mbr(MbrReadError),
}

/// Returns the bytes of the file systems that firmware reads.
pub(super) fn places(disk: &dyn RandomAccess) -> Result<Vec<Range<u64>>, PlacesError> {
    let mut whole = Part::new(disk, 0..disk.length());
    if is_disc(&mut whole)? {
        return Ok(on_disc(&mut whole)?);
    }
    match gpt::read(&mut whole) {
        Ok(table) => {
            let partitions = table.partitions.into_iter();
            Ok(partitions.filter(|one| one.kind == Guid::ESP).map(|one| one.bytes).collect())
        }
        Err(GptReadError::None) => {
            let partitions = mbr::read(&mut whole).map_err(PlacesError::Mbr)?.partitions.into_iter();
            Ok(partitions.filter(|one| FAT.contains(&one.kind)).map(|one| one.bytes).collect())
        }
        Err(GptReadError::Input(error)) => Err(error.into()),
        Err(error) => Err(PlacesError::Gpt(error)),
    }
}

fn is_disc(disk: &mut Part<'_>) -> io::Result<bool> {
    let mut start = Vec::new();
    disk.seek(SeekFrom::Start(DISC))?;
    disk.take(DISC_MAGIC.len() as u64).read_to_end(&mut start)?;
    Ok(start == DISC_MAGIC)
}

/// Returns those of a disc, by the old table in its first sector: the disc's own volume is a partition too, which begins with the sector itself.
fn on_disc(disk: &mut Part<'_>) -> io::Result<Vec<Range<u64>>> {
    let mut sector = [0; 512];
    disk.seek(SeekFrom::Start(0))?;
    disk.read_exact(&mut sector)?;
    let number = |entry: &[u8], at: usize| {
        u64::from(entry[at..at + 4].iter().rev().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)))
    };
    let partitions = sector[446..510].chunks_exact(16).filter(|entry| entry[4] == EFI);
    let bytes = partitions.map(|entry| {
        let start = number(entry, 8) * SECTOR;
        start..start + number(entry, 12) * SECTOR
    });
    Ok(bytes.filter(|bytes| sector.ends_with(b"\x55\xaa") && bytes.start > 0).collect())
}
