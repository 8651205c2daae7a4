//! VMware's disks, streamOptimized ("Virtual Disk Format 5.0"), little-endian, in sectors of 512 bytes.
//!
//! | at | what |
//! |---|---|
//! | 0 | the header: version 3, grains of 64 KiB, compressed, with markers; the directory is at the end |
//! | 1 | the descriptor, 20 sectors |
//! | 128 | for each grain that isn't all zero, in order: its first sector, its length, its zlib stream (level 6), zeros to a sector; behind those of each 32 MiB with any, their table |
//! | behind | the directory, the footer (the header that knows where the directory is), the end marker |
//!
//! The descriptor's CID is of the content (never one of the two that mean nothing), there is no parent, and the extent is called `disk.vmdk`
//! whatever the file is.

mod read;

use std::io::Write;

use super::deflate::{Wrapping, deflate};
use super::survey::{Surveyed, UNIT_BYTES, put, put_zeros};
use super::{DiskFormat, DiskWriteError, WriteSeek};
use crate::workers::Workers;

pub(super) use self::read::Vmdk;

/// Names the exact bytes.
pub const REVISION: u32 = 1;

/// The largest disk: sectors have 32 bits.
pub(super) const LARGEST: u64 = 2 << 40;

/// How a file begins.
pub(super) const SIGNATURE: &[u8; 4] = b"KDMV";

const SECTOR: u64 = 512;
const SECTOR_BYTES: usize = 512;
const GRAIN_SECTORS: u64 = UNIT_BYTES / SECTOR;
const TABLE_ENTRIES: u64 = 512;
const DESCRIPTOR_AT: u64 = 1;
const DESCRIPTOR_SECTORS: u64 = 20;
const OVERHEAD: u64 = 128;
/// The directory is where the footer says.
const AT_END: u64 = u64::MAX;
/// Lines end as they should (bit 0), grains are compressed (16), markers stand before everything (17).
const FLAGS: u32 = 0x0003_0001;
const COMPRESSED: u32 = 1 << 16;

const MARK_END: u32 = 0;
const MARK_TABLE: u32 = 1;
const MARK_DIRECTORY: u32 = 2;
const MARK_FOOTER: u32 = 3;

/// Writes what of the disk isn't zero.
pub(super) fn write(
    disk: &Surveyed<'_, '_>,
    out: &mut dyn WriteSeek,
    workers: &dyn Workers,
) -> Result<(), DiskWriteError> {
    write_stream(disk, out, workers)
}

/// Writes it from its start to its end.
pub(super) fn write_stream(
    disk: &Surveyed<'_, '_>,
    out: &mut dyn Write,
    workers: &dyn Workers,
) -> Result<(), DiskWriteError> {
    let capacity = disk.survey.size / SECTOR;
    put(out, &header(capacity, AT_END))?;
    let descriptor = descriptor(disk, capacity);
    put(out, descriptor.as_bytes())?;
    put_zeros(out, (OVERHEAD - DESCRIPTOR_AT) * SECTOR - descriptor.len() as u64)?;
    let grains = disk.survey.units();
    let tables = usize::try_from(grains.div_ceil(TABLE_ENTRIES)).expect("because sectors have 32 bits");
    let mut file = File { out, at: OVERHEAD, directory: vec![0; tables], table: Vec::new(), of: 0 };
    disk.each_packed(workers, &|grain| deflate(grain, Wrapping::Zlib), &mut |number, _, packed| {
        file.grain(number, packed)
    })?;
    file.finish(capacity)
}

/// A file under way.
struct File<'a> {
    out: &'a mut dyn Write,
    /// The next sector.
    at: u64,
    directory: Vec<u32>,
    /// The entries of the table that is filled, and which it is; none without any grain.
    table: Vec<u32>,
    of: u64,
}

impl File<'_> {
    fn sector(&self) -> Result<u32, DiskWriteError> {
        u32::try_from(self.at).map_err(|_| DiskWriteError::FileTooLarge {
            size: self.at * SECTOR,
            limit: LARGEST,
            format: DiskFormat::Vmdk,
        })
    }

    /// Writes bytes, filled up to a sector.
    fn put(&mut self, bytes: &[u8]) -> Result<(), DiskWriteError> {
        let length = bytes.len() as u64;
        put(self.out, bytes)?;
        put_zeros(self.out, length.next_multiple_of(SECTOR) - length)?;
        self.at += length.div_ceil(SECTOR);
        Ok(())
    }

    fn grain(&mut self, number: u64, packed: &[u8]) -> Result<(), DiskWriteError> {
        if number / TABLE_ENTRIES != self.of {
            self.finish_table()?;
            self.of = number / TABLE_ENTRIES;
        }
        let within = usize::try_from(number % TABLE_ENTRIES).expect("because a table is short");
        self.table.resize(within, 0);
        self.table.push(self.sector()?);
        let length = u32::try_from(packed.len()).expect("because grains are short");
        let mut grain = (number * GRAIN_SECTORS).to_le_bytes().to_vec();
        grain.extend(length.to_le_bytes());
        grain.extend(packed);
        self.put(&grain)
    }

    fn finish_table(&mut self) -> Result<(), DiskWriteError> {
        if self.table.is_empty() {
            return Ok(());
        }
        let mut table = std::mem::take(&mut self.table);
        table.resize(usize::try_from(TABLE_ENTRIES).expect("because a table is short"), 0);
        self.mark(MARK_TABLE, TABLE_ENTRIES * 4 / SECTOR)?;
        let of = usize::try_from(self.of).expect("because the directory has it");
        self.directory[of] = self.sector()?;
        self.put(&table.iter().flat_map(|entry| entry.to_le_bytes()).collect::<Vec<_>>())
    }

    fn mark(&mut self, kind: u32, sectors: u64) -> Result<(), DiskWriteError> {
        let mut marker = [0; SECTOR_BYTES];
        marker[..8].copy_from_slice(&sectors.to_le_bytes());
        marker[12..16].copy_from_slice(&kind.to_le_bytes());
        self.put(&marker)
    }

    fn finish(mut self, capacity: u64) -> Result<(), DiskWriteError> {
        self.finish_table()?;
        let directory: Vec<_> = self.directory.iter().flat_map(|entry| entry.to_le_bytes()).collect();
        self.mark(MARK_DIRECTORY, (directory.len() as u64).div_ceil(SECTOR))?;
        let directory_at = self.at;
        self.put(&directory)?;
        self.mark(MARK_FOOTER, 1)?;
        self.put(&header(capacity, directory_at))?;
        self.mark(MARK_END, 0)
    }
}

fn header(capacity: u64, directory_at: u64) -> [u8; SECTOR_BYTES] {
    let mut header = [0; SECTOR_BYTES];
    let mut set = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    set(0, SIGNATURE);
    set(4, &3_u32.to_le_bytes());
    set(8, &FLAGS.to_le_bytes());
    set(12, &capacity.to_le_bytes());
    set(20, &GRAIN_SECTORS.to_le_bytes());
    set(28, &DESCRIPTOR_AT.to_le_bytes());
    set(36, &DESCRIPTOR_SECTORS.to_le_bytes());
    set(44, &512_u32.to_le_bytes());
    // No second directory.
    set(56, &directory_at.to_le_bytes());
    set(64, &OVERHEAD.to_le_bytes());
    // Closed cleanly; bytes that a transfer as text would change; deflate.
    set(73, b"\n \r\n\x01\x00");
    header
}

fn descriptor(disk: &Surveyed<'_, '_>, capacity: u64) -> String {
    let uuid = disk.survey.uuid(DiskFormat::Vmdk, "disk");
    let id = u32::from_be_bytes([uuid[0], uuid[1], uuid[2], uuid[3]]) & 0x7fff_ffff;
    let cylinders = (capacity / (255 * 63)).max(1);
    format!(
        "# Disk DescriptorFile
version=1
CID={id:08x}
parentCID=ffffffff
createType=\"streamOptimized\"

# Extent description
RW {capacity} SPARSE \"disk.vmdk\"

# The Disk Data Base
#DDB

ddb.adapterType = \"lsilogic\"
ddb.geometry.cylinders = \"{cylinders}\"
ddb.geometry.heads = \"255\"
ddb.geometry.sectors = \"63\"
ddb.virtualHWVersion = \"10\"
"
    )
}
