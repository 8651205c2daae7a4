//! QEMU's disks, version 3, big-endian, clusters of 64 KiB.
//!
//! | what | clusters |
//! |---|---|
//! | header | 1 |
//! | L1 table: where each L2 table is, 0 for none | as many as it takes |
//! | L2 tables, one for each 512 MiB in which there is anything, in order | 1 each |
//! | what isn't all zero, in order | |
//! | refcount blocks, then the refcount table | as many as it takes |
//!
//! **Plain**: each cluster of the disk is one of the file. **zlib** (level 6, a window of 4 KiB, no header) and **zstd** (level 9, one frame
//! with its length, no checksum): compressed clusters stand byte behind byte; one that wouldn't become shorter by a sector stands plain, from
//! the next whole cluster on. The header has 112 bytes, without any extension; of the features none but zstd's. Refcounts have 16 bits.

mod read;
mod refcounts;

use std::io::{self, SeekFrom};

use super::deflate::{Wrapping, deflate};
use super::survey::{Surveyed, UNIT, UNIT_BYTES, put, put_zeros};
use super::{DiskWriteError, WriteSeek};
use crate::workers::Workers;

pub(super) use self::read::Qcow2;
use self::refcounts::Refcounts;

/// Names the exact bytes of all three.
pub const REVISION: u32 = 1;

/// How clusters are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Zlib,
    Zstd,
}

/// How a file begins.
pub(super) const SIGNATURE: &[u8; 4] = b"QFI\xfb";

const SECTOR: u64 = 512;
const HEADER_BYTES: u32 = 112;
const CLUSTER_BITS: u32 = 16;
/// Clusters of the disk that one L2 table is about.
const TABLE_ENTRIES: u64 = UNIT_BYTES / 8;
/// The cluster is in the file once: what L1 and L2 tables say of those that are.
const COPIED: u64 = 1 << 63;
const COMPRESSED: u64 = 1 << 62;
/// Where the number of further sectors stands in the entry of a compressed cluster: `62 - (cluster bits - 8)`.
const SECTORS_AT: u32 = 62 - (CLUSTER_BITS - 8);
/// Which incompatible feature says that the header names the compression.
const COMPRESSION_FEATURE: u64 = 1 << 3;
const ZSTD_LEVEL: i32 = 9;

/// Writes what of the disk isn't zero.
pub(super) fn write(
    disk: &Surveyed<'_, '_>,
    packing: Packing,
    out: &mut dyn WriteSeek,
    workers: &dyn Workers,
) -> Result<(), DiskWriteError> {
    let survey = disk.survey;
    let tables = survey.units().div_ceil(TABLE_ENTRIES);
    let is_used = |table: u64| survey.is_used(table * TABLE_ENTRIES..(table + 1) * TABLE_ENTRIES);
    let l1_clusters = (tables * 8).div_ceil(UNIT_BYTES);
    put_zeros(out, UNIT_BYTES)?;
    let mut tables_end = (1 + l1_clusters) * UNIT_BYTES;
    for table in 0..tables {
        let entry = if is_used(table) {
            tables_end += UNIT_BYTES;
            (tables_end - UNIT_BYTES) | COPIED
        } else {
            0
        };
        put(out, &entry.to_be_bytes())?;
    }
    // Also those of the L2 tables: bytes that are jumped over are in no file until something behind them is.
    put_zeros(out, tables_end - UNIT_BYTES - tables * 8)?;
    let mut file = File {
        out,
        at: tables_end,
        next_table: (1 + l1_clusters) * UNIT_BYTES,
        table: Vec::new(),
        of: 0,
        counts: Refcounts::new(tables_end / UNIT_BYTES),
    };
    let work = |cluster: &[u8]| pack(cluster, packing);
    disk.each_packed(workers, &work, &mut |number, plain, packed| file.cluster(number, plain, packed))?;
    file.finish(survey.size, tables, packing)
}

/// Returns a cluster packed; as it is where packing isn't worth it.
fn pack(cluster: &[u8], packing: Packing) -> io::Result<Vec<u8>> {
    let packed = match packing {
        Packing::Plain => return Ok(Vec::new()),
        Packing::Zlib => deflate(cluster, Wrapping::SmallWindow)?,
        Packing::Zstd => zstd::bulk::compress(cluster, ZSTD_LEVEL)?,
    };
    let worth = packed.len() as u64 + SECTOR <= UNIT_BYTES;
    Ok(if worth { packed } else { Vec::new() })
}

/// A file under way.
struct File<'a> {
    out: &'a mut dyn WriteSeek,
    /// The next byte.
    at: u64,
    /// Where the L2 table that is filled goes.
    next_table: u64,
    /// Its entries, and which it is; none without any cluster.
    table: Vec<u64>,
    of: u64,
    counts: Refcounts,
}

impl File<'_> {
    /// Writes a cluster: packed, unless that is empty.
    fn cluster(&mut self, number: u64, plain: &[u8], packed: &[u8]) -> Result<(), DiskWriteError> {
        if number / TABLE_ENTRIES != self.of {
            self.finish_table()?;
            self.of = number / TABLE_ENTRIES;
        }
        let bytes = if packed.is_empty() { plain } else { packed };
        if packed.is_empty() {
            self.align()?;
        }
        let end = self.at + bytes.len() as u64;
        let entry = if packed.is_empty() {
            self.at | COPIED
        } else {
            let further = (end - 1) / SECTOR - self.at / SECTOR;
            COMPRESSED | further << SECTORS_AT | self.at
        };
        self.counts.add(self.at / UNIT_BYTES..=(end - 1) / UNIT_BYTES);
        put(self.out, bytes)?;
        self.at = end;
        let within = usize::try_from(number % TABLE_ENTRIES).expect("because a table is short");
        self.table.resize(within, 0);
        self.table.push(entry);
        Ok(())
    }

    fn align(&mut self) -> Result<(), DiskWriteError> {
        let end = self.at.next_multiple_of(UNIT_BYTES);
        put_zeros(self.out, end - self.at)?;
        self.at = end;
        Ok(())
    }

    fn finish_table(&mut self) -> Result<(), DiskWriteError> {
        if self.table.is_empty() {
            return Ok(());
        }
        let mut table: Vec<_> = self.table.drain(..).flat_map(u64::to_be_bytes).collect();
        table.resize(UNIT, 0);
        let at = self.next_table;
        self.next_table += UNIT_BYTES;
        self.put_at(at, &table)
    }

    /// Writes something before the end, and goes on there.
    fn put_at(&mut self, at: u64, bytes: &[u8]) -> Result<(), DiskWriteError> {
        self.out.seek(SeekFrom::Start(at)).map_err(DiskWriteError::Write)?;
        put(self.out, bytes)?;
        self.out.seek(SeekFrom::Start(self.at)).map(drop).map_err(DiskWriteError::Write)
    }

    fn finish(mut self, size: u64, tables: u64, packing: Packing) -> Result<(), DiskWriteError> {
        self.finish_table()?;
        self.align()?;
        let (blocks, table_clusters) = self.counts.size();
        let table_at = self.at + blocks * UNIT_BYTES;
        let header = header(size, tables, table_at, table_clusters, packing);
        self.put_at(0, &header)?;
        self.counts.write(self.at, self.out)
    }
}

fn header(size: u64, tables: u64, refcounts_at: u64, refcount_clusters: u64, packing: Packing) -> Vec<u8> {
    let number = |number: u64| {
        u32::try_from(number).expect("because the disk isn't larger than the largest").to_be_bytes()
    };
    let features = if packing == Packing::Zstd { COMPRESSION_FEATURE } else { 0 };
    let mut header = SIGNATURE.to_vec();
    header.extend(number(3));
    // No backing file: where its name is, and how long.
    header.extend([0; 12]);
    header.extend(CLUSTER_BITS.to_be_bytes());
    header.extend(size.to_be_bytes());
    // Not encrypted.
    header.extend(number(0));
    header.extend(number(tables));
    header.extend(UNIT_BYTES.to_be_bytes());
    header.extend(refcounts_at.to_be_bytes());
    header.extend(number(refcount_clusters));
    // No snapshots: how many, and where.
    header.extend([0; 12]);
    header.extend(features.to_be_bytes());
    // No compatible features, none that go away.
    header.extend([0; 16]);
    // Refcounts have 2^4 bits.
    header.extend(number(4));
    header.extend(HEADER_BYTES.to_be_bytes());
    header.extend([u8::from(packing == Packing::Zstd), 0, 0, 0, 0, 0, 0, 0]);
    header
}
