//! Disks in the containers of virtual machines, both ways.
//!
//! A disk is read twice: once to find which of it is all zero and what its content is called ([`survey`]), once to write it. Nothing is
//! in memory but a map of one bit for each 64 KiB that hold something, and what is compressed right now.
//!
//! | module | what |
//! |---|---|
//! | [`format`] | [`DiskFormat`]: the words and the ends of names |
//! | [`mod@raw`] | the disk itself, also compressed |
//! | [`qcow2`] | QEMU's: plain, zlib, zstd |
//! | [`vhd`] | Virtual PC's and Azure's: fixed, dynamic |
//! | [`vhdx`] | Hyper-V's, dynamic |
//! | [`vmdk`] | VMware's, streamOptimized |
//! | [`vdi`] | VirtualBox's, dynamic |
//! | [`ova`] | an OVF package of such a VMDK |
//! | [`gcp`] | what Google's cloud takes: `disk.raw` in a compressed tar |
//! | [`mod@read`] | [`ReadDisk`]: any of them as the disk that is inside |
//!
//! **What is the same for all.** No byte says where, when or by whom it was written: times in containers are those formats' own zero, so
//! that a disk gives the same bytes whichever container it came from. Identifiers are hashes of the disk's content, the format and a role.
//! What the format can leave out is left out where 64 KiB (or a block of the format) are all zero.

mod crc32c;
mod deflate;
pub mod error;
pub mod format;
pub mod gcp;
pub mod ova;
pub mod qcow2;
pub mod raw;
pub mod read;
mod source;
mod survey;
pub mod vdi;
pub mod vhd;
pub mod vhdx;
pub mod vmdk;

use std::fmt;
use std::io::{self, Read, Seek, Write};

use crate::workers::Workers;

pub use self::error::{DiskReadError, DiskWriteError};
pub use self::format::DiskFormat;
pub use self::read::{DiskLimits, ReadDisk, read};
pub use self::source::RandomAccess;

use self::survey::Survey;

/// A disk that can be read from its start as often as it takes, the same each time.
pub struct Disk<'a> {
    /// Begins to read it.
    pub open: &'a dyn Fn() -> io::Result<Box<dyn Read + 'a>>,
    /// Its bytes.
    pub size: u64,
}

impl fmt::Debug for Disk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("size", &self.size).finish_non_exhaustive()
    }
}

/// What a container is written to, from its byte 0 on.
pub trait WriteSeek: Write + Seek {}

impl<T: Write + Seek + ?Sized> WriteSeek for T {}

/// Writes a disk in a format. Files inside of archives are named after `name`.
pub fn write(
    disk: &Disk<'_>,
    format: DiskFormat,
    name: &str,
    out: &mut dyn WriteSeek,
    workers: &dyn Workers,
) -> Result<(), DiskWriteError> {
    check_size(disk.size, format)?;
    let survey = Survey::of(disk)?;
    let disk = survey::Surveyed { disk, survey: &survey };
    match format {
        DiskFormat::Raw => raw::write(&disk, out),
        DiskFormat::RawGzip => raw::write_gzip(&disk, out, workers),
        DiskFormat::RawZstd => raw::write_zstd(&disk, out, workers),
        DiskFormat::Qcow2 => qcow2::write(&disk, qcow2::Packing::Plain, out, workers),
        DiskFormat::Qcow2Zlib => qcow2::write(&disk, qcow2::Packing::Zlib, out, workers),
        DiskFormat::Qcow2Zstd => qcow2::write(&disk, qcow2::Packing::Zstd, out, workers),
        DiskFormat::Vhd => vhd::write_fixed(&disk, vhd::SECTOR, out),
        DiskFormat::Azure => vhd::write_fixed(&disk, vhd::AZURE_ALIGNMENT, out),
        DiskFormat::VhdDynamic => vhd::write_dynamic(&disk, out),
        DiskFormat::Vhdx => vhdx::write(&disk, out),
        DiskFormat::Vmdk => vmdk::write(&disk, out, workers),
        DiskFormat::Vdi => vdi::write(&disk, out),
        DiskFormat::Ova => ova::write(&disk, name, out, workers),
        DiskFormat::Gcp => gcp::write(&disk, out, workers),
    }
}

fn check_size(size: u64, format: DiskFormat) -> Result<(), DiskWriteError> {
    if size == 0 {
        return Err(DiskWriteError::Empty);
    }
    if !size.is_multiple_of(vhd::SECTOR) && !format.is_raw() {
        return Err(DiskWriteError::NoSectors { size, format });
    }
    match format.largest() {
        limit if size > limit => Err(DiskWriteError::TooLarge { size, limit, format }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
