//! Reads Virtual Hard Disks. The size is the one that the footer says, not what its geometry comes to.

use super::{COOKIE, DYNAMIC, FIXED, FOOTER, HEADER, HEADER_COOKIE, SECTOR, UNUSED, checksum};
use crate::disk_image::read::{Budget, Extent, Extents, From};
use crate::disk_image::source::{Source, Table, be32, be64};
use crate::disk_image::{DiskFormat, DiskReadError};

/// What the footer says.
#[derive(Debug)]
pub(in super::super) enum Found {
    /// The disk, from the file's start.
    Fixed { size: u64 },
    /// Blocks.
    Dynamic { vhd: Vhd, size: u64 },
}

/// The header of a dynamic one.
#[derive(Debug)]
pub(in super::super) struct Vhd {
    table_at: u64,
    block: u64,
    bitmap: u64,
}

fn damaged(what: &'static str) -> DiskReadError {
    DiskReadError::Damaged { format: DiskFormat::Vhd, what }
}

impl Vhd {
    /// Reads footer and header; none when the file has no footer.
    pub(in super::super) fn read(source: Source<'_>) -> Result<Option<Found>, DiskReadError> {
        let Some(footer_at) = source.length.checked_sub(FOOTER as u64) else { return Ok(None) };
        let footer: [u8; FOOTER] = source.bytes(footer_at, "the footer")?;
        if !footer.starts_with(COOKIE) {
            // A dynamic one has it twice: what begins with it, and doesn't end in it, was cut off.
            let start: [u8; 8] = source.bytes(0, "the footer")?;
            return if start == *COOKIE { Err(damaged("it has no footer at its end")) } else { Ok(None) };
        }
        if !is_sum_right(&footer, 64) {
            return Err(damaged("the checksum of its footer is wrong"));
        }
        let size = be64(&footer, 48);
        match be32(&footer, 60) {
            FIXED if size > footer_at => {
                Err(DiskReadError::Truncated { what: "the disk", end: size, length: footer_at })
            }
            FIXED => Ok(Some(Found::Fixed { size })),
            DYNAMIC => Ok(Some(Found::Dynamic { vhd: Self::header(source, be64(&footer, 16), size)?, size })),
            _ => {
                let feature = "a parent";
                Err(DiskReadError::Unsupported { format: DiskFormat::Vhd, feature })
            }
        }
    }

    fn header(source: Source<'_>, at: u64, size: u64) -> Result<Self, DiskReadError> {
        let header: [u8; HEADER] = source.bytes(at, "the header")?;
        if !header.starts_with(HEADER_COOKIE) || !is_sum_right(&header, 36) {
            return Err(damaged("its header is none, or has a wrong checksum"));
        }
        let (blocks, block) = (u64::from(be32(&header, 28)), u64::from(be32(&header, 32)));
        if !block.is_power_of_two() || !(SECTOR * 8..=1 << 30).contains(&block) {
            return Err(damaged("the size of its blocks is out of bounds"));
        }
        if size.div_ceil(block) > blocks {
            return Err(damaged("its block table is shorter than the disk"));
        }
        let bitmap = (block / SECTOR).div_ceil(8).next_multiple_of(SECTOR);
        Ok(Self { table_at: be64(&header, 16), block, bitmap })
    }

    pub(in super::super) fn extents<'a>(&'a self, source: Source<'a>) -> VhdExtents<'a> {
        let budget = Budget::new(source.length, DiskFormat::VhdDynamic);
        VhdExtents { header: self, table: Table::new(source, "the block table"), budget }
    }
}

fn is_sum_right(bytes: &[u8], at: usize) -> bool {
    let mut summed = bytes.to_vec();
    summed[at..at + 4].fill(0);
    checksum(&summed) == be32(bytes, at)
}

/// Where its blocks are.
#[derive(Debug)]
pub(in super::super) struct VhdExtents<'a> {
    header: &'a Vhd,
    table: Table<'a>,
    budget: Budget,
}

impl Extents for VhdExtents<'_> {
    fn extent(&mut self, at: u64) -> Result<Extent, DiskReadError> {
        let Vhd { table_at, block, bitmap } = *self.header;
        let entry = u32::from_be_bytes(self.table.entry(table_at.saturating_add(at / block * 4))?);
        let skip = at % block;
        let length = block - skip;
        if entry == UNUSED {
            return Ok(Extent { length, from: From::Zeros });
        }
        self.budget.take(length)?;
        Ok(Extent { length, from: From::File(u64::from(entry) * SECTOR + bitmap + skip) })
    }
}
