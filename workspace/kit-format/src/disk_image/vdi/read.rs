//! Reads VirtualBox's disks, dynamic and fixed.

use super::{DYNAMIC, FIXED, HEADER, VERSION};
use crate::disk_image::read::{Budget, Extent, Extents, From};
use crate::disk_image::source::{Source, Table, le32, le64};
use crate::disk_image::{DiskFormat, DiskReadError};

/// Blocks above are zero, or never were.
const FIRST_UNUSED: u32 = 0xffff_fffe;

/// Its header.
#[derive(Debug)]
pub(in super::super) struct Vdi {
    map_at: u64,
    data_at: u64,
    block: u64,
    extra: u64,
}

impl Vdi {
    /// Reads the header; returns the disk's bytes with it.
    pub(in super::super) fn read(source: Source<'_>) -> Result<(Self, u64), DiskReadError> {
        let header: [u8; HEADER] = source.bytes(0, "the header")?;
        let format = DiskFormat::Vdi;
        let unsupported = |feature| Err(DiskReadError::Unsupported { format, feature });
        let damaged = |what| Err(DiskReadError::Damaged { format, what });
        if le32(&header, 68) != VERSION {
            return unsupported("another version than 1.1");
        }
        if ![DYNAMIC, FIXED].contains(&le32(&header, 76)) || header[440..456].iter().any(|byte| *byte != 0) {
            return unsupported("a parent");
        }
        let size = le64(&header, 368);
        let (block, blocks) = (u64::from(le32(&header, 376)), u64::from(le32(&header, 384)));
        if !block.is_power_of_two() || !(1 << 12..=1 << 30).contains(&block) {
            return damaged("the size of its blocks is out of bounds");
        }
        if size.div_ceil(block) > blocks {
            return damaged("its block map is shorter than the disk");
        }
        let (map_at, data_at) = (u64::from(le32(&header, 340)), u64::from(le32(&header, 344)));
        Ok((Self { map_at, data_at, block, extra: u64::from(le32(&header, 380)) }, size))
    }

    pub(in super::super) fn extents<'a>(&'a self, source: Source<'a>) -> VdiExtents<'a> {
        let budget = Budget::new(source.length, DiskFormat::Vdi);
        VdiExtents { header: self, map: Table::new(source, "the block map"), budget }
    }
}

/// Where its blocks are.
#[derive(Debug)]
pub(in super::super) struct VdiExtents<'a> {
    header: &'a Vdi,
    map: Table<'a>,
    budget: Budget,
}

impl Extents for VdiExtents<'_> {
    fn extent(&mut self, at: u64) -> Result<Extent, DiskReadError> {
        let Vdi { map_at, data_at, block, extra } = *self.header;
        let entry = u32::from_le_bytes(self.map.entry(map_at + at / block * 4)?);
        let skip = at % block;
        let length = block - skip;
        if entry >= FIRST_UNUSED {
            return Ok(Extent { length, from: From::Zeros });
        }
        self.budget.take(length)?;
        let from = u64::from(entry).saturating_mul(block + extra).saturating_add(data_at + extra + skip);
        Ok(Extent { length, from: From::File(from) })
    }
}
