//! Reads qcow2, versions 2 and 3, without backing file.

use super::{COMPRESSED, COMPRESSION_FEATURE, COPIED};
use crate::disk_image::read::{Budget, Extent, Extents, From, Packed};
use crate::disk_image::source::{Source, Table, be32, be64};
use crate::disk_image::{DiskFormat, DiskReadError};

/// The header's bytes that are looked at.
const HEADER: usize = 112;
/// Version 3 has fields from here on.
const HEADER_OF_2: usize = 72;
/// Where the file's parts are, in entries of tables.
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
/// An entry of an L2 table that says that the cluster is zero.
const ZERO: u64 = 1;
/// Bytes that no cluster in which there is anything compresses below.
const LEAST_PACKED: u64 = 16;

const DIRTY: u64 = 1;

/// Its header.
#[derive(Debug)]
pub(in super::super) struct Qcow2 {
    cluster_bits: u32,
    size: u64,
    l1_at: u64,
    packed: Packed,
    has_zeros: bool,
}

impl Qcow2 {
    /// Reads the header; returns the disk's bytes with it.
    pub(in super::super) fn read(source: Source<'_>) -> Result<(Self, u64), DiskReadError> {
        let mut header = source.bytes::<HEADER_OF_2>(0, "the header")?.to_vec();
        let version = be32(&header, 4);
        if version == 3 {
            header = source.bytes::<HEADER>(0, "the header")?.to_vec();
        }
        let features = be64(&header, 72);
        let refused = refusals(&header, version, features);
        if let Some((_, feature)) = refused.into_iter().find(|(refused, _)| *refused) {
            return Err(DiskReadError::Unsupported { format: DiskFormat::Qcow2, feature });
        }
        let cluster_bits = be32(&header, 20);
        if !(9..=21).contains(&cluster_bits) {
            return Err(damaged("the size of its clusters is out of bounds"));
        }
        let packed = match (features & COMPRESSION_FEATURE != 0, header.get(104)) {
            (true, Some(1)) => Packed::Zstd,
            (true, Some(0)) | (false, _) => Packed::Deflate,
            (true, _) => {
                let feature = "an unknown compression";
                return Err(DiskReadError::Unsupported { format: DiskFormat::Qcow2, feature });
            }
        };
        // Not used here, but whether the file is there as a whole.
        let counts = u64::from(be32(&header, 56)) << cluster_bits;
        source.part(be64(&header, 48), counts, "the refcount table")?;
        let size = be64(&header, 24);
        let covered = u64::from(be32(&header, 36)).saturating_mul(1 << (2 * cluster_bits - 3));
        if size > covered {
            return Err(damaged("its L1 table is shorter than the disk"));
        }
        let qcow2 = Self { cluster_bits, size, l1_at: be64(&header, 40), packed, has_zeros: version == 3 };
        Ok((qcow2, size))
    }

    pub(in super::super) fn format(&self) -> DiskFormat {
        if self.packed == Packed::Zstd { DiskFormat::Qcow2Zstd } else { DiskFormat::Qcow2 }
    }

    pub(in super::super) fn extents<'a>(&'a self, source: Source<'a>) -> Qcow2Extents<'a> {
        Qcow2Extents {
            header: self,
            l1: Table::new(source, "the L1 table"),
            l2: Table::new(source, "an L2 table"),
            budget: Budget::new(source.length, DiskFormat::Qcow2),
        }
    }
}

fn refusals(header: &[u8], version: u32, features: u64) -> [(bool, &'static str); 7] {
    let other = !(DIRTY | COMPRESSION_FEATURE);
    [
        (!(2..=3).contains(&version), "another version than 2 and 3"),
        (be64(header, 8) != 0, "a backing file"),
        (be32(header, 32) != 0, "encryption"),
        (be32(header, 60) != 0, "snapshots"),
        (version == 3 && features & 4 != 0, "an external data file"),
        (version == 3 && features & 16 != 0, "extended L2 entries"),
        (version == 3 && features & other != 0, "unknown features"),
    ]
}

fn damaged(what: &'static str) -> DiskReadError {
    DiskReadError::Damaged { format: DiskFormat::Qcow2, what }
}

/// Where its clusters are.
#[derive(Debug)]
pub(in super::super) struct Qcow2Extents<'a> {
    header: &'a Qcow2,
    l1: Table<'a>,
    l2: Table<'a>,
    budget: Budget,
}

impl Extents for Qcow2Extents<'_> {
    fn extent(&mut self, at: u64) -> Result<Extent, DiskReadError> {
        let bits = self.header.cluster_bits;
        let cluster = 1_u64 << bits;
        let number = at >> bits;
        let in_table = cluster / 8;
        let l1_at = self.header.l1_at.saturating_add(number / in_table * 8);
        let table = u64::from_be_bytes(self.l1.entry(l1_at)?) & OFFSET;
        if table == 0 {
            let end = (number / in_table + 1).saturating_mul(in_table * cluster).min(self.header.size);
            return Ok(Extent { length: end - at, from: From::Zeros });
        }
        if !table.is_multiple_of(cluster) {
            return Err(damaged("an L2 table isn't at a whole cluster"));
        }
        let entry = u64::from_be_bytes(self.l2.entry(table.saturating_add(number % in_table * 8))?);
        let skip = at % cluster;
        let length = cluster - skip;
        let from = if entry & COMPRESSED != 0 {
            self.packed(entry, cluster, skip)?
        } else if entry & OFFSET == 0 || (self.header.has_zeros && entry & ZERO != 0) {
            From::Zeros
        } else {
            let from = entry & OFFSET;
            if !from.is_multiple_of(cluster) {
                return Err(damaged("a cluster isn't at a whole cluster"));
            }
            self.budget.take(length)?;
            From::File(from.saturating_add(skip))
        };
        Ok(Extent { length, from })
    }
}

impl Qcow2Extents<'_> {
    fn packed(&mut self, entry: u64, cluster: u64, skip: u64) -> Result<From, DiskReadError> {
        let sectors_at = 62 - (self.header.cluster_bits - 8);
        let entry = entry & !(COPIED | COMPRESSED);
        let at = entry & ((1 << sectors_at) - 1);
        let sectors = (entry >> sectors_at) + 1;
        self.budget.take(LEAST_PACKED)?;
        let number = |number: u64| usize::try_from(number).map_err(|_| damaged("a cluster is too large"));
        let (cluster, skip) = (number(cluster)?, number(skip)?);
        Ok(From::Packed { at, length: sectors * 512 - at % 512, packed: self.header.packed, cluster, skip })
    }
}
