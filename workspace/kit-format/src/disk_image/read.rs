//! Any container as the disk that is inside, told by its content.
//!
//! Files come from strangers: nothing is believed, nothing is in memory but a window on tables and one cluster, and a disk inside is no
//! larger than the limit. What isn't in the one file (parents, backing files, other extents), encryption, snapshots, and logs that somebody
//! must replay first are refused by name.

mod disk_stream;
mod place;
mod told;

use std::io::{self, Read};

use super::source::{RandomAccess, Source};
use super::{DiskFormat, DiskReadError, gcp, qcow2, vdi, vhd, vhdx, vmdk};
use crate::compression::{Compression, Decoder};
use crate::limits::Limits;

use self::disk_stream::DiskStream;
pub use self::place::Place;

/// How large a disk may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskLimits {
    /// Its bytes.
    pub bytes: u64,
}

impl DiskLimits {
    /// Returns the limits for what people name: as large as kit writes.
    pub const fn standard() -> Self {
        Self { bytes: 64 << 40 }
    }
}

/// A disk inside of a file.
#[derive(Debug)]
pub struct ReadDisk<'a> {
    pub(super) source: Source<'a>,
    pub(super) inside: Inside,
    /// What the file is.
    pub format: DiskFormat,
    /// Bytes of the disk.
    pub size: u64,
}

/// Where the disk's bytes are.
#[derive(Debug)]
pub(super) enum Inside {
    /// They are the file's, from its start.
    Plain,
    /// They are the file's, compressed.
    Compressed(Compression),
    Gcp(gcp::Member),
    Qcow2(qcow2::Qcow2),
    Vhd(vhd::Vhd),
    Vhdx(vhdx::Vhdx),
    Vmdk(vmdk::Vmdk),
    Vdi(vdi::Vdi),
}

/// A run of a disk's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// How many, at least one.
    pub(super) length: u64,
    pub(super) from: From,
}

/// Where a run comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Zeros,
    /// From this byte of the file on.
    File(u64),
    /// From a compressed cluster; the run begins at the byte `skip` of it.
    Packed {
        at: u64,
        length: u64,
        packed: Packed,
        cluster: usize,
        skip: usize,
    },
}

/// How a cluster is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packed {
    /// RFC 1951.
    Deflate,
    /// RFC 1950.
    Zlib,
    Zstd,
}

/// Tells which bytes of a disk are where.
pub(super) trait Extents {
    /// Returns the run that begins at a byte of the disk.
    fn extent(&mut self, at: u64) -> Result<Extent, DiskReadError>;
}

/// Finds the disk in a file.
pub fn read(file: &dyn RandomAccess, limits: DiskLimits) -> Result<ReadDisk<'_>, DiskReadError> {
    let disk = told::told(Source::new(file), limits)?;
    if disk.size == 0 {
        return Err(DiskReadError::Unknown);
    }
    if disk.size > limits.bytes {
        return Err(DiskReadError::TooLarge { size: disk.size, limit: limits.bytes });
    }
    Ok(disk)
}

impl ReadDisk<'_> {
    /// Begins to read the disk.
    pub fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        let source = self.source;
        Ok(match &self.inside {
            Inside::Plain => Box::new(source.stream().take(self.size)),
            Inside::Compressed(compression) => Box::new(decoder(source, *compression)?),
            Inside::Gcp(member) => Box::new(member.open(source)?),
            Inside::Qcow2(qcow2) => self.mapped(Box::new(qcow2.extents(source))),
            Inside::Vhd(vhd) => self.mapped(Box::new(vhd.extents(source))),
            Inside::Vhdx(vhdx) => self.mapped(Box::new(vhdx.extents(source))),
            Inside::Vmdk(vmdk) => self.mapped(Box::new(vmdk.extents(source))),
            Inside::Vdi(vdi) => self.mapped(Box::new(vdi.extents(source))),
        })
    }

    fn mapped<'a>(&'a self, extents: Box<dyn Extents + 'a>) -> Box<dyn Read + 'a> {
        Box::new(DiskStream::new(self.source, extents, self.size))
    }
}

/// A decompressor of a disk: what of it is zero compresses without any bound.
pub(super) fn decoder(
    source: Source<'_>,
    compression: Compression,
) -> io::Result<Decoder<super::source::SourceStream<'_>>> {
    let limits = Limits { ratio: u64::MAX, ..Limits::standard() };
    Decoder::new(compression, source.stream(), &limits)
}

/// Counts what of a file clusters say they fill: when it is more than there is, some are named twice.
#[derive(Debug)]
pub(super) struct Budget {
    left: u64,
    format: DiskFormat,
}

impl Budget {
    pub(super) fn new(length: u64, format: DiskFormat) -> Self {
        Self { left: length, format }
    }

    pub(super) fn take(&mut self, bytes: u64) -> Result<(), DiskReadError> {
        let what = "several parts of the disk are at the same place of the file";
        self.left =
            self.left.checked_sub(bytes).ok_or(DiskReadError::Damaged { format: self.format, what })?;
        Ok(())
    }
}
