//! What a file is, by its content.

use std::io::{self, Read};

use super::{DiskLimits, Inside, ReadDisk, decoder};
use crate::compression::Compression;
use crate::disk_image::source::{Source, le64};
use crate::disk_image::{DiskFormat, DiskReadError, gcp, ova, qcow2, vdi, vhd, vhdx, vmdk};

/// What is looked at of a disk: the superblocks of all file systems that one may begin with.
const START: u64 = 68 << 10;
const SECTOR: u64 = 512;

/// Finds out what a file is, and reads its headers.
pub(super) fn told(source: Source<'_>, limits: DiskLimits) -> Result<ReadDisk<'_>, DiskReadError> {
    let mut start = vec![0; usize::try_from(source.length.min(START)).unwrap_or(0)];
    source.read(0, &mut start, "the start")?;
    let has = |at: usize, magic: &[u8]| start.get(at..).is_some_and(|rest| rest.starts_with(magic));
    if has(0, qcow2::SIGNATURE) {
        let (inside, size) = qcow2::Qcow2::read(source)?;
        let format = inside.format();
        return Ok(ReadDisk { source, inside: Inside::Qcow2(inside), format, size });
    }
    if has(0, vhdx::SIGNATURE) {
        let (inside, size) = vhdx::Vhdx::read(source)?;
        return Ok(ReadDisk { source, inside: Inside::Vhdx(inside), format: DiskFormat::Vhdx, size });
    }
    if has(0, vmdk::SIGNATURE) {
        let (inside, size) = vmdk::Vmdk::read(source)?;
        return Ok(ReadDisk { source, inside: Inside::Vmdk(inside), format: DiskFormat::Vmdk, size });
    }
    if has(vdi::SIGNATURE_AT, &vdi::SIGNATURE) {
        let (inside, size) = vdi::Vdi::read(source)?;
        return Ok(ReadDisk { source, inside: Inside::Vdi(inside), format: DiskFormat::Vdi, size });
    }
    if let Some(found) = vhd::Vhd::read(source)? {
        let (inside, format, size) = match found {
            vhd::Found::Fixed { size } => (Inside::Plain, DiskFormat::Vhd, size),
            vhd::Found::Dynamic { vhd, size } => (Inside::Vhd(vhd), DiskFormat::VhdDynamic, size),
        };
        return Ok(ReadDisk { source, inside, format, size });
    }
    match Compression::sniff(&start) {
        Compression::Gzip if gcp::is_ours(source) => {
            let (member, size) = gcp::Member::read(source)?;
            return Ok(ReadDisk { source, inside: Inside::Gcp(member), format: DiskFormat::Gcp, size });
        }
        Compression::Gzip => return compressed(source, Compression::Gzip, DiskFormat::RawGzip, limits),
        Compression::Zstd => return compressed(source, Compression::Zstd, DiskFormat::RawZstd, limits),
        Compression::None | Compression::Bzip2 | Compression::Xz => {}
    }
    if let Some(disk) = ova::disk_of(source)? {
        let (inside, size) = vmdk::Vmdk::read(disk)?;
        return Ok(ReadDisk { source: disk, inside: Inside::Vmdk(inside), format: DiskFormat::Ova, size });
    }
    if !is_disk(&start) {
        return Err(DiskReadError::Unknown);
    }
    check_end(&start, source.length)?;
    Ok(ReadDisk { source, inside: Inside::Plain, format: DiskFormat::Raw, size: source.length })
}

/// Finds out how large a compressed disk is.
fn compressed(
    source: Source<'_>,
    compression: Compression,
    format: DiskFormat,
    limits: DiskLimits,
) -> Result<ReadDisk<'_>, DiskReadError> {
    let mut decoder = decoder(source, compression)?;
    let mut start = Vec::new();
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            DiskReadError::Damaged { format, what: "the compressed stream ends early" }
        }
        _ => DiskReadError::Io(error),
    };
    (&mut decoder).take(START).read_to_end(&mut start).map_err(failed)?;
    if !is_disk(&start) {
        return Err(DiskReadError::Unknown);
    }
    let most = limits.bytes.saturating_add(1) - (start.len() as u64).min(limits.bytes);
    let rest = io::copy(&mut decoder.take(most), &mut io::sink()).map_err(failed)?;
    let size = start.len() as u64 + rest;
    if size > limits.bytes {
        return Err(DiskReadError::TooLarge { size, limit: limits.bytes });
    }
    check_end(&start, size)?;
    Ok(ReadDisk { source, inside: Inside::Compressed(compression), format, size })
}

/// What disks begin with, and where: a partition table, or a file system without one.
const BEGINNINGS: [(usize, &[u8]); 13] = [
    (510, b"\x55\xaa"),
    (512, b"EFI PART"),
    (4096, b"EFI PART"),
    (0, b"hsqs"),
    (0, b"XFSB"),
    (0, b"LUKS\xba\xbe"),
    (1024, b"\xe2\xe1\xf5\xe0"),
    (1080, b"\x53\xef"),
    (536, b"LABELONE"),
    (4086, b"SWAPSPACE2"),
    (32_769, b"CD001"),
    (65_600, b"_BHRfS_M"),
    (0, b"verity\0\0"),
];

fn is_disk(start: &[u8]) -> bool {
    BEGINNINGS.iter().any(|(at, magic)| start.get(*at..).is_some_and(|rest| rest.starts_with(magic)))
}

/// A disk has whole sectors, and a GPT tells how long its disk was, at least.
fn check_end(start: &[u8], length: u64) -> Result<(), DiskReadError> {
    let end = length.next_multiple_of(SECTOR);
    if end > length {
        return Err(DiskReadError::Truncated { what: "its last sector", end, length });
    }
    let what = "the disk by its partition table";
    if start.get(512..520) != Some(b"EFI PART".as_slice()) {
        return Ok(());
    }
    let end = le64(start, 512 + 32).saturating_add(1).saturating_mul(SECTOR);
    if end > length { Err(DiskReadError::Truncated { what, end, length }) } else { Ok(()) }
}
