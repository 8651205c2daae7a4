//! Hyper-V's disks, dynamic (\[MS-VHDX\]), little-endian.
//!
//! | at | what |
//! |---|---|
//! | 0 | `vhdxfile`, creator: `kit` in UTF-16 |
//! | 64 KiB, 128 KiB | two headers, 4 KiB each, sequence numbers 1 and 2; GUIDs of the content, none of a log |
//! | 192 KiB, 256 KiB | the region table, twice: block table, metadata, both required |
//! | 1 MiB | the log: empty |
//! | 2 MiB | the metadata: table in the first 64 KiB, items from there |
//! | 3 MiB | the block table, filled up to a MiB |
//! | behind | each block of 1 MiB that isn't all zero, in order |
//!
//! Sectors have 512 bytes, in pieces of 4096. Blocks that are in the file are `fully present`, all others `zero`. Behind each 4096 blocks
//! stands the entry of a bitmap, `not present`. Checksums are CRC-32C with their own field as zero.

mod read;

use super::crc32c::crc32c;
use super::survey::{Surveyed, put, put_zeros};
use super::{DiskFormat, DiskWriteError, WriteSeek};

pub(super) use self::read::Vhdx;

/// Names the exact bytes.
pub const REVISION: u32 = 1;

/// The largest disk that the specification knows.
pub(super) const LARGEST: u64 = 64 << 40;

/// How a file begins.
pub(super) const SIGNATURE: &[u8; 8] = b"vhdxfile";

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const BLOCK: u32 = 1 << 20;
/// Blocks that one bitmap is about: 2^23 sectors of 512 bytes.
const CHUNK: u64 = (512 << 23) / MIB;
const HEADERS_AT: [u64; 2] = [64 * KIB, 128 * KIB];
const REGIONS_AT: [u64; 2] = [192 * KIB, 256 * KIB];
const LOG_AT: u64 = MIB;
const METADATA_AT: u64 = 2 * MIB;
const TABLE_AT: u64 = 3 * MIB;
const HEADER: usize = 4 << 10;
const REGIONS: usize = 64 << 10;
const ITEMS_AT: u32 = 64 << 10;

const ZERO: u64 = 2;
const PRESENT: u64 = 6;

/// Returns a GUID's bytes: its first three fields are little-endian.
const fn guid(text: u128) -> [u8; 16] {
    let b = text.to_be_bytes();
    [b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]]
}

const TABLE_REGION: [u8; 16] = guid(0x2dc2_7766_f623_4200_9d64_115e_9bfd_4a08);
const METADATA_REGION: [u8; 16] = guid(0x8b7c_a206_4790_4b9a_b8fe_575f_050f_886e);
const FILE_PARAMETERS: [u8; 16] = guid(0xcaa1_6737_fa36_4d43_b3b6_33f0_aa44_e76b);
const DISK_SIZE: [u8; 16] = guid(0x2fa5_4224_cd1b_4876_b211_5dbe_d83b_f4b8);
const PAGE_83: [u8; 16] = guid(0xbeca_12ab_b2e6_4523_93ef_c309_e000_c746);
const LOGICAL_SECTOR: [u8; 16] = guid(0x8141_bf1d_a96f_4709_ba47_f233_a8fa_ab5f);
const PHYSICAL_SECTOR: [u8; 16] = guid(0xcda3_48c7_445d_4471_9cc9_e988_5251_c556);

/// What flags of a metadata item say: it is about the disk; who doesn't know it must not open the file.
const IS_DISK: u32 = 2;
const IS_REQUIRED: u32 = 4;

/// Writes what of the disk isn't zero.
pub(super) fn write(disk: &Surveyed<'_, '_>, out: &mut dyn WriteSeek) -> Result<(), DiskWriteError> {
    let blocks = disk.survey.blocks(MIB);
    let entries = blocks + (blocks - 1) / CHUNK;
    let table_bytes = (entries * 8).next_multiple_of(MIB);
    let mut at = 0;
    let mut place = |out: &mut dyn WriteSeek, from: u64, bytes: &[u8]| {
        put_zeros(out, from - at)?;
        at = from + bytes.len() as u64;
        put(out, bytes)
    };
    place(out, 0, &identifier())?;
    for (sequence, from) in (1_u64..).zip(HEADERS_AT) {
        place(out, from, &header(disk, sequence))?;
    }
    for from in REGIONS_AT {
        place(out, from, &regions(table_bytes))?;
    }
    place(out, METADATA_AT, &metadata(disk))?;
    place(out, TABLE_AT, &[])?;
    let data_at = TABLE_AT + table_bytes;
    write_table(disk, data_at, out)?;
    put_zeros(out, table_bytes - entries * 8)?;
    disk.write_used(MIB, &[], out)
}

fn write_table(disk: &Surveyed<'_, '_>, data_at: u64, out: &mut dyn WriteSeek) -> Result<(), DiskWriteError> {
    let mut at = data_at;
    let mut table = Vec::new();
    for block in 0..disk.survey.blocks(MIB) {
        if block > 0 && block.is_multiple_of(CHUNK) {
            table.extend([0; 8]);
            put(out, &table)?;
            table.clear();
        }
        let entry = if disk.survey.is_block_used(block, MIB) {
            at += MIB;
            (at - MIB) | PRESENT
        } else {
            ZERO
        };
        table.extend(entry.to_le_bytes());
    }
    put(out, &table)
}

fn identifier() -> Vec<u8> {
    let mut identifier = SIGNATURE.to_vec();
    identifier.extend("kit".encode_utf16().flat_map(u16::to_le_bytes));
    identifier
}

fn header(disk: &Surveyed<'_, '_>, sequence: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    let mut set = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    set(0, b"head");
    set(8, &sequence.to_le_bytes());
    set(16, &disk.survey.uuid(DiskFormat::Vhdx, "file"));
    set(32, &disk.survey.uuid(DiskFormat::Vhdx, "data"));
    // Of a log none; its version: 0; the format's: 1.
    set(66, &1_u16.to_le_bytes());
    set(68, &(1_u32 << 20).to_le_bytes());
    set(72, &LOG_AT.to_le_bytes());
    let sum = crc32c(&header);
    header[4..8].copy_from_slice(&sum.to_le_bytes());
    header
}

fn regions(table_bytes: u64) -> Vec<u8> {
    let mut regions = vec![0; REGIONS];
    let mut set = |at: usize, bytes: &[u8]| regions[at..at + bytes.len()].copy_from_slice(bytes);
    let table_bytes = u32::try_from(table_bytes).expect("because the disk isn't larger than the largest");
    set(0, b"regi");
    set(8, &2_u32.to_le_bytes());
    set(16, &TABLE_REGION);
    set(32, &TABLE_AT.to_le_bytes());
    set(40, &table_bytes.to_le_bytes());
    set(44, &1_u32.to_le_bytes());
    set(48, &METADATA_REGION);
    set(64, &METADATA_AT.to_le_bytes());
    set(72, &(1_u32 << 20).to_le_bytes());
    set(76, &1_u32.to_le_bytes());
    let sum = crc32c(&regions);
    regions[4..8].copy_from_slice(&sum.to_le_bytes());
    regions
}

fn metadata(disk: &Surveyed<'_, '_>) -> Vec<u8> {
    let parameters = [BLOCK.to_le_bytes(), [0; 4]].concat();
    let items: [([u8; 16], Vec<u8>, u32); 5] = [
        (FILE_PARAMETERS, parameters, IS_REQUIRED),
        (DISK_SIZE, disk.survey.size.to_le_bytes().to_vec(), IS_DISK | IS_REQUIRED),
        (PAGE_83, disk.survey.uuid(DiskFormat::Vhdx, "page 83").to_vec(), IS_DISK | IS_REQUIRED),
        (LOGICAL_SECTOR, 512_u32.to_le_bytes().to_vec(), IS_DISK | IS_REQUIRED),
        (PHYSICAL_SECTOR, 4096_u32.to_le_bytes().to_vec(), IS_DISK | IS_REQUIRED),
    ];
    let mut table = b"metadata".to_vec();
    table.extend([0, 0, 5, 0]);
    table.resize(32, 0);
    let mut values = Vec::new();
    let mut at = ITEMS_AT;
    for (id, value, flags) in items {
        let length = u32::try_from(value.len()).expect("because items are short");
        table.extend(id);
        for number in [at, length, flags, 0] {
            table.extend(number.to_le_bytes());
        }
        values.extend(value);
        at += length;
    }
    table.resize(REGIONS, 0);
    [table, values].concat()
}
