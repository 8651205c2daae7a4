//! Virtual Hard Disks, fixed and dynamic (Microsoft's "Virtual Hard Disk Image Format Specification", 2006), big-endian.
//!
//! **Fixed**: the disk, then the footer. **Azure**: the same, the disk filled up with zeros to whole MiB; who wants a partition table's
//! second copy in the last sector makes the disk as large. **Dynamic**: the footer; the header at 512; the block table at 1536, filled with
//! `ff` to a sector; for each block of 2 MiB that isn't all zero its bitmap, all ones, and the block; the footer again.
//!
//! | offset | bytes | footer |
//! |---|---|---|
//! | 0 | 8 | `conectix` |
//! | 8 | 4 | features: 2 |
//! | 12 | 4 | version: 1.0 |
//! | 16 | 8 | offset of the header: 512, or all ones when fixed |
//! | 24 | 4 | seconds since 2000: 0 |
//! | 28 | 4, 4, 4 | creator `win `, 10.0, `Wi2k`: with it everybody takes the size as it stands, not cylinders × heads × sectors |
//! | 40, 48 | 8, 8 | size, twice |
//! | 56 | 2, 1, 1 | cylinders, heads, sectors, as the specification's appendix calculates them |
//! | 60 | 4 | type: 2 fixed, 3 dynamic |
//! | 64 | 4 | checksum: complement of the sum of all other bytes |
//! | 68 | 16 | UUID of the content |
//! | 84 | 1 | saved state: 0 |

mod read;

use super::survey::{Surveyed, UNIT_BYTES, put};
use super::{DiskFormat, DiskWriteError, WriteSeek, raw};

pub(super) use self::read::{Found, Vhd};

/// Names the exact bytes of both.
pub const REVISION: u32 = 1;

/// Bytes of a sector.
pub(super) const SECTOR: u64 = 512;
/// The largest disk: sectors have 32 bits, and the last 16 Mi of them are taken.
pub(super) const LARGEST: u64 = 0xff00_0000 * SECTOR;
/// Azure takes whole MiB.
pub(super) const AZURE_ALIGNMENT: u64 = 1 << 20;

const COOKIE: &[u8; 8] = b"conectix";
const HEADER_COOKIE: &[u8; 8] = b"cxsparse";
const FIXED: u32 = 2;
const DYNAMIC: u32 = 3;
const FOOTER: usize = 512;
const HEADER: usize = 1024;
const TABLE_AT: u64 = 1536;
const BLOCK: u64 = 2 << 20;
/// A bit for each sector of a block.
const BITMAP: [u8; 512] = [0xff; 512];
const UNUSED: u32 = u32::MAX;

/// Writes the disk, up to a multiple of `alignment`, and the footer.
pub(super) fn write_fixed(
    disk: &Surveyed<'_, '_>,
    alignment: u64,
    out: &mut dyn WriteSeek,
) -> Result<(), DiskWriteError> {
    disk.each_block(UNIT_BYTES, &mut |_, unit, _| put(out, unit))?;
    let size = raw::put_padding(out, disk.survey.size, alignment)?;
    put(out, &footer(disk, size, FIXED))
}

/// Writes what of the disk isn't zero.
pub(super) fn write_dynamic(disk: &Surveyed<'_, '_>, out: &mut dyn WriteSeek) -> Result<(), DiskWriteError> {
    let blocks = disk.survey.blocks(BLOCK);
    let count = u32::try_from(blocks).expect("because the disk isn't larger than the largest");
    let footer = footer(disk, disk.survey.size, DYNAMIC);
    put(out, &footer)?;
    put(out, &header(count))?;
    let mut table = Vec::new();
    let table_bytes = (blocks * 4).next_multiple_of(SECTOR);
    let mut at = TABLE_AT + table_bytes;
    for block in 0..blocks {
        let entry = if disk.survey.is_block_used(block, BLOCK) {
            let sector = at / SECTOR;
            at += BITMAP.len() as u64 + BLOCK;
            u32::try_from(sector).map_err(|_| DiskWriteError::FileTooLarge {
                size: at,
                limit: u64::from(u32::MAX) * SECTOR,
                format: DiskFormat::VhdDynamic,
            })?
        } else {
            UNUSED
        };
        table.extend(entry.to_be_bytes());
    }
    table.resize(usize::try_from(table_bytes).expect("because it is some MB at most"), 0xff);
    put(out, &table)?;
    disk.write_used(BLOCK, &BITMAP, out)?;
    put(out, &footer)
}

fn footer(disk: &Surveyed<'_, '_>, size: u64, kind: u32) -> [u8; FOOTER] {
    let mut footer = [0; FOOTER];
    let mut set = |at: usize, bytes: &[u8]| footer[at..at + bytes.len()].copy_from_slice(bytes);
    set(0, COOKIE);
    set(8, &2_u32.to_be_bytes());
    set(12, &0x0001_0000_u32.to_be_bytes());
    let header_at = if kind == DYNAMIC { FOOTER as u64 } else { u64::MAX };
    set(16, &header_at.to_be_bytes());
    set(28, b"win ");
    set(32, &0x000a_0000_u32.to_be_bytes());
    set(36, b"Wi2k");
    set(40, &size.to_be_bytes());
    set(48, &size.to_be_bytes());
    set(56, &geometry(size / SECTOR));
    set(60, &kind.to_be_bytes());
    let format = if kind == DYNAMIC { DiskFormat::VhdDynamic } else { DiskFormat::Vhd };
    set(68, &disk.survey.uuid(format, "disk"));
    let sum = checksum(&footer);
    footer[64..68].copy_from_slice(&sum.to_be_bytes());
    footer
}

fn header(blocks: u32) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    let mut set = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    set(0, HEADER_COOKIE);
    set(8, &u64::MAX.to_be_bytes());
    set(16, &TABLE_AT.to_be_bytes());
    set(24, &0x0001_0000_u32.to_be_bytes());
    set(28, &blocks.to_be_bytes());
    set(32, &(2_u32 << 20).to_be_bytes());
    let sum = checksum(&header);
    header[36..40].copy_from_slice(&sum.to_be_bytes());
    header
}

/// Returns the complement of the sum of all bytes; the field of the sum itself is zero.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>()
}

/// Calculates cylinders, heads and sectors per track, as the specification's appendix does.
fn geometry(sectors: u64) -> [u8; 4] {
    let sectors = sectors.min(65_535 * 16 * 255);
    let (mut per_track, mut heads, mut tracks);
    if sectors >= 65_535 * 16 * 63 {
        (per_track, heads, tracks) = (255, 16, sectors / 255);
    } else {
        per_track = 17;
        tracks = sectors / per_track;
        heads = tracks.div_ceil(1024).max(4);
        if tracks >= heads * 1024 || heads > 16 {
            (per_track, heads, tracks) = (31, 16, sectors / 31);
        }
        if tracks >= heads * 1024 {
            (per_track, heads, tracks) = (63, 16, sectors / 63);
        }
    }
    let byte = |number: u64| u8::try_from(number).expect("because there are few heads and sectors");
    let cylinders = u16::try_from(tracks / heads).expect("because the sectors are bounded").to_be_bytes();
    [cylinders[0], cylinders[1], byte(heads), byte(per_track)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What other programs calculate.
    #[test]
    fn geometries_are_those_of_the_specification() {
        for (size, cylinders, heads, sectors) in [
            (8 << 20, 240, 4, 17),
            (1 << 30, 2080, 16, 63),
            (127 << 30, 65_278, 16, 255),
            (2_u64 << 40, 65_535, 16, 255),
        ] {
            let [high, low, head, sector] = geometry(size / SECTOR);
            assert_eq!(
                (u16::from_be_bytes([high, low]), head, sector),
                (cylinders, heads, sectors),
                "{size}"
            );
        }
    }
}
