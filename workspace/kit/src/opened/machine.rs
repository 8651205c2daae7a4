//! What machines start from: disks in any container, compact discs, file systems, programs for UEFI. Their roots are read by kit's own readers.
//!
//! ```text
//! container ── disk ──┬─ partition: FAT ──┬─ program for UEFI ── .cmdline (pin), .initrd (root)
//!                     │                   ├─ /boot/grub/grub.cfg (pin), /boot/initrd (root)
//!                     │                   └─ cmdline.txt (pin), initrd.img (root) of a board
//!                     └─ partition: EROFS, SquashFS, ext4 (root)
//! ```
//! A root in a partition goes before one in an initrd, which only finds it. Nothing is believed: readers have limits, and say what ends early.

mod inside;
mod program;
pub(crate) mod window;

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use cap_std::fs::OpenOptions;
use kit_format::disk_image::{self, DiskFormat, DiskLimits, DiskReadError, ReadDisk};
use kit_format::{Decoder, Limits};
use kit_recipe::image::{DiskContainer, Firmware, Format};
use kit_store::Store;
use kit_store::scratch::Scratch;
use kit_store::sparse::SparseFile;
use kit_tree::Tree;

use self::inside::Inside;
pub(crate) use self::inside::{board, is_for_board};
pub(crate) use self::program::initrd;
use super::error::OpenError;
use crate::commands::convert::DiskFile;

/// The largest disk that is unpacked, in bytes.
const LARGEST: u64 = 1 << 40;
/// The key of a boot command line that says which lockfile an image is from.
const ON_CMDLINE: &str = "kit.pin=";

/// What a machine starts from, opened.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) format: Format,
    /// Its root file system; the contents are in the store.
    pub(crate) root: Option<Tree>,
    /// The pins that its boot command line names.
    pub(crate) pin: Option<String>,
}

/// Looks into a file; none where it is something else.
pub(crate) fn look(file: &File, store: &Store) -> Result<Option<Machine>, OpenError> {
    found(file.try_clone()?, store)
}

fn found(mut file: File, store: &Store) -> Result<Option<Machine>, OpenError> {
    let mut start = Vec::new();
    file.rewind()?;
    (&file).take(0x206).read_to_end(&mut start)?;
    // Kernels end their first sector like disks.
    if start.is_empty() || start.get(0x202..) == Some(b"HdrS".as_slice()) || start.starts_with(b"07070") {
        return Ok(None);
    }
    if start.starts_with(b"MZ") {
        return program::look(&file, store);
    }
    let whole = DiskFile::new(file.try_clone()?, Path::new(""))
        .map_err(|error| io::Error::other(error.to_string()))?;
    let disk = match disk_image::read(&whole, DiskLimits { bytes: LARGEST }) {
        Ok(disk) => disk,
        Err(DiskReadError::Unknown) => return Ok(None),
        Err(DiskReadError::Io(error)) => return Err(error.into()),
        // Whatever it is, it ends early.
        Err(DiskReadError::Damaged { format: DiskFormat::RawGzip | DiskFormat::RawZstd, .. })
            if !unpacks_to_disk(&file)? =>
        {
            return Ok(None);
        }
        Err(error) => return Err(OpenError::Disk(error)),
    };
    // What is unpacked goes with its directory.
    let (mut raw, _scratch) = if disk.format == DiskFormat::Raw {
        (file, None)
    } else {
        let (unpacked, scratch) = unpack(&disk, store)?;
        (unpacked, Some(scratch))
    };
    let inside = Inside::read(&mut raw, store)?;
    // Its header says the same of both.
    let is_zlib = disk.format == DiskFormat::Qcow2 && disk.has_packed().map_err(OpenError::Disk)?;
    let told = if is_zlib { DiskFormat::Qcow2Zlib } else { disk.format };
    let Some(format) = format(&inside, told) else { return Ok(None) };
    Ok(Some(Machine { format, root: inside.root, pin: inside.pin }))
}

/// Whether a compressed file begins as disks do.
fn unpacks_to_disk(mut file: &File) -> io::Result<bool> {
    let mut sector = Vec::new();
    file.rewind()?;
    let reader = Decoder::sniff(BufReader::new(file), &Limits::standard())?;
    let read = reader.take(512).read_to_end(&mut sector);
    Ok(read.is_ok() && sector.ends_with(b"\x55\xaa"))
}

/// Unpacks the disk in a container to where nothing stays; what is zero takes no room.
fn unpack(disk: &ReadDisk<'_>, store: &Store) -> Result<(File, Scratch), OpenError> {
    let scratch = store.scratch().map_err(io::Error::other)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    let mut file = scratch.dir().open_with("disk", &options)?.into_std();
    SparseFile::new(&file).fill(&mut disk.open()?)?;
    file.seek(SeekFrom::Start(0))?;
    Ok((file, scratch))
}

/// Returns the format that a disk with this inside is; none where nothing of it is an image's.
fn format(inside: &Inside, format: DiskFormat) -> Option<Format> {
    if let Some(alone) = inside.alone.filter(|_| format == DiskFormat::Raw) {
        return Some(alone);
    }
    let firmware = match (inside.bios, inside.efi) {
        (true, true) => Firmware::Hybrid,
        (true, false) => Firmware::Bios,
        (false, true) => Firmware::Efi,
        (false, false) => return None,
    };
    Some(Format::Disk { container: container(format), firmware })
}

fn container(format: DiskFormat) -> DiskContainer {
    match format {
        DiskFormat::Raw => DiskContainer::Raw,
        DiskFormat::RawGzip => DiskContainer::RawGzip,
        DiskFormat::RawZstd => DiskContainer::RawZstd,
        DiskFormat::Qcow2 => DiskContainer::Qcow2,
        DiskFormat::Qcow2Zlib => DiskContainer::Qcow2Zlib,
        DiskFormat::Qcow2Zstd => DiskContainer::Qcow2Zstd,
        DiskFormat::Vhd => DiskContainer::Vhd,
        DiskFormat::VhdDynamic => DiskContainer::VhdDynamic,
        DiskFormat::Vhdx => DiskContainer::Vhdx,
        DiskFormat::Vmdk => DiskContainer::Vmdk,
        DiskFormat::Vdi => DiskContainer::Vdi,
        DiskFormat::Ova => DiskContainer::Ova,
        DiskFormat::Gcp => DiskContainer::Gcp,
        DiskFormat::Azure => DiskContainer::Azure,
    }
}

/// Returns the pins that a boot command line names, or a text with one in it.
fn pin_in(text: &str) -> Option<String> {
    text.split_whitespace().find_map(|word| word.strip_prefix(ON_CMDLINE)).map(str::to_owned)
}
