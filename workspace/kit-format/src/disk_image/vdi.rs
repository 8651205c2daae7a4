//! VirtualBox's disks, dynamic, little-endian.
//!
//! The header in the first sector; the map at 512, filled with zeros to a MiB; then each block of 1 MiB that isn't all zero, in order.
//!
//! | offset | bytes | header |
//! |---|---|---|
//! | 0 | 64 | `<<< Oracle VM VirtualBox Disk Image >>>`, a newline, zeros |
//! | 64 | 4, 4 | `7f 10 da be`, version 1.1 |
//! | 72 | 4 | bytes of the header from here: 400 |
//! | 76, 80 | 4, 4 | type: 1, dynamic; flags: 0 |
//! | 84 | 256 | comment: none |
//! | 340, 344 | 4, 4 | offsets of the map and of the first block |
//! | 348 | 4, 4, 4, 4 | cylinders, heads, sectors: 0, as the machine likes; bytes of a sector: 512 |
//! | 368 | 8 | size |
//! | 376, 380 | 4, 4 | bytes of a block; extra bytes of a block: 0 |
//! | 384, 388 | 4, 4 | blocks of the disk, blocks in the file |
//! | 392, 408 | 16, 16 | UUIDs of the content: image, last change |
//! | 424, 440 | 16, 16 | UUIDs of parents: none |
//! | 456 | 16 | cylinders, heads, sectors as the BIOS sees them: 0, and 512 |
//!
//! An entry of the map is the block's number in the file, or all ones.

mod read;

use super::survey::{Surveyed, put};
use super::{DiskFormat, DiskWriteError, WriteSeek};

pub(super) use self::read::Vdi;

/// Names the exact bytes.
pub const REVISION: u32 = 1;

/// The largest disk: its map has 256 MiB.
pub(super) const LARGEST: u64 = 64 << 40;

const TEXT: &[u8] = b"<<< Oracle VM VirtualBox Disk Image >>>\n";
/// Where the signature stands.
pub(super) const SIGNATURE_AT: usize = 64;
/// What it is.
pub(super) const SIGNATURE: [u8; 4] = [0x7f, 0x10, 0xda, 0xbe];
const VERSION: u32 = 0x0001_0001;
const DYNAMIC: u32 = 1;
const FIXED: u32 = 2;
const MAP_AT: u32 = 512;
const BLOCK: u32 = 1 << 20;
const BLOCK_BYTES: u64 = 1 << 20;
const UNUSED: u32 = u32::MAX;
const HEADER: usize = 512;

/// Writes what of the disk isn't zero.
pub(super) fn write(disk: &Surveyed<'_, '_>, out: &mut dyn WriteSeek) -> Result<(), DiskWriteError> {
    let blocks = disk.survey.blocks(BLOCK_BYTES);
    let map_end = u64::from(MAP_AT) + blocks * 4;
    put(out, &header(disk, map_end.next_multiple_of(BLOCK_BYTES)))?;
    let mut next = 0_u32;
    let mut map = Vec::new();
    for block in 0..blocks {
        let entry = if disk.survey.is_block_used(block, BLOCK_BYTES) {
            next += 1;
            next - 1
        } else {
            UNUSED
        };
        map.extend(entry.to_le_bytes());
        if map.len() >= HEADER {
            put(out, &map)?;
            map.clear();
        }
    }
    put(out, &map)?;
    super::raw::put_padding(out, map_end, BLOCK_BYTES)?;
    disk.write_used(BLOCK_BYTES, &[], out)
}

fn header(disk: &Surveyed<'_, '_>, data_at: u64) -> [u8; HEADER] {
    let survey = disk.survey;
    let number = |number: u64| {
        u32::try_from(number).expect("because the disk isn't larger than the largest").to_le_bytes()
    };
    let mut header = [0; HEADER];
    let mut set = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    set(0, TEXT);
    set(SIGNATURE_AT, &SIGNATURE);
    set(68, &VERSION.to_le_bytes());
    set(72, &400_u32.to_le_bytes());
    set(76, &DYNAMIC.to_le_bytes());
    set(340, &MAP_AT.to_le_bytes());
    set(344, &number(data_at));
    set(360, &512_u32.to_le_bytes());
    set(368, &survey.size.to_le_bytes());
    set(376, &BLOCK.to_le_bytes());
    set(384, &number(survey.blocks(BLOCK_BYTES)));
    set(388, &number(survey.used_blocks(BLOCK_BYTES)));
    set(392, &survey.uuid(DiskFormat::Vdi, "image"));
    set(408, &survey.uuid(DiskFormat::Vdi, "last change"));
    set(468, &512_u32.to_le_bytes());
    header
}
