//! What a file is, told by its content, and how it is booted.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use kit_format::Compression;
use kit_format::disk_image::{self, DiskLimits, DiskReadError};

use super::RunError;
use super::unpacked::{self, Member};
use crate::Failure;
use crate::commands::convert::DiskFile;
use crate::project::{canonical, open_file, read_file};
use crate::qemu::Boot;
use crate::qemu::boot::{Container, Extent, Writes};

/// How much of a file's start is looked at.
const START: u64 = 96 << 10;
/// Bytes of a disk's sector.
const SECTOR: u64 = 512;
/// Bytes of a disc's sector.
const DISC_SECTOR: usize = 2048;
/// The longest boot command line, in bytes: x86 takes 2048.
pub(super) const CMDLINE_LIMIT: u64 = 2048;

/// What starts something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Starts {
    pub(super) bios: bool,
    pub(super) uefi: bool,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Kernel,
    Program,
    Disc(Starts),
    Disk(Container, Starts),
    Packed,
    Archive,
    Stranger(&'static str),
}

const EITHER: Starts = Starts { bios: true, uefi: true };

/// Returns how a file is booted, and what can start it. What has to be unpacked goes to `scratch`.
pub(super) fn look(path: &Path, writes: Writes, scratch: &Path) -> Result<(Boot, Starts), Failure> {
    let real = canonical(path)?;
    if real.is_dir() {
        return Err(RunError::Directory { path: path.to_owned() }.into());
    }
    let mut file = open_file(path)?;
    let failed = |source| Failure::File { action: "read", path: path.to_owned(), source };
    let disk = |file, container, within, starts| Ok((Boot::Disk { file, container, within, writes }, starts));
    match content(&mut file).map_err(failed)? {
        Content::Kernel => Ok((kernel(&real, path, writes)?, EITHER)),
        Content::Program => Ok((Boot::Program { file: real }, Starts { bios: false, uefi: true })),
        Content::Disc(Starts { bios: false, uefi: false }) => {
            Err(RunError::NoLoader { path: path.to_owned() }.into())
        }
        Content::Disc(starts) => Ok((Boot::Iso { file: real }, starts)),
        Content::Disk(container, starts) => disk(real, container, None, starts),
        Content::Packed => {
            let stranger = || RunError::Unknown { path: path.to_owned(), what: "a compressed file" };
            let unpack = |source: io::Error| {
                let inner = source.get_ref().and_then(|error| error.downcast_ref());
                Failure::from(match inner {
                    Some(DiskReadError::Unknown) => stranger(),
                    _ => RunError::Unpack { path: path.to_owned(), source },
                })
            };
            let unpacked = unpacked::unpack(&DiskFile::new(file, path)?, scratch).map_err(unpack)?;
            let mut file = open_file(&unpacked)?;
            match content(&mut file).map_err(failed)? {
                Content::Disk(Container::Raw, starts) => disk(unpacked, Container::Raw, None, starts),
                _ => Err(stranger().into()),
            }
        }
        Content::Archive => {
            let (container, within, starts) = member(&mut file, path)?;
            disk(real, container, Some(within), starts)
        }
        Content::Stranger(what) => Err(RunError::Unknown { path: path.to_owned(), what }.into()),
    }
}

/// Finds the disk in an archive.
fn member(file: &mut File, path: &Path) -> Result<(Container, Extent, Starts), Failure> {
    let failed = |source| Failure::File { action: "read", path: path.to_owned(), source };
    match unpacked::disk(file).map_err(failed)? {
        Some((Member::Vmdk, within)) => Ok((Container::Vmdk, within, starts_inside(file))),
        Some((Member::Raw, within)) => {
            let starts = starts_of_disk(file, within.offset).map_err(failed)?;
            Ok((Container::Raw, within, starts))
        }
        None => Err(RunError::Unknown { path: path.to_owned(), what: "an archive without a disk" }.into()),
    }
}

/// Returns what a disk is kept in, of a file that is one.
pub(super) fn container(file: &mut File) -> io::Result<Container> {
    Ok(match content(file)? {
        Content::Disk(container, _) => container,
        _ => Container::Raw,
    })
}

fn content(file: &mut File) -> io::Result<Content> {
    let mut start = Vec::new();
    file.rewind()?;
    file.by_ref().take(START).read_to_end(&mut start)?;
    let at = |offset: usize, magic: &[u8]| start.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    let containers: [(usize, &[u8], Container); 5] = [
        (0, b"QFI\xfb", Container::Qcow2),
        (0, b"conectix", Container::Vhd),
        (0, b"vhdxfile", Container::Vhdx),
        (0, b"KDMV", Container::Vmdk),
        (0x40, &[0x7f, 0x10, 0xda, 0xbe], Container::Vdi),
    ];
    if let Some((.., container)) = containers.iter().find(|(offset, magic, _)| at(*offset, magic)) {
        return Ok(Content::Disk(*container, starts_inside(file)));
    }
    if at(16 * DISC_SECTOR + 1, b"CD001") {
        return Ok(Content::Disc(starts_of_disc(file, &start)?));
    }
    // For arm64, kernels have a header of their own, which may begin as that of a program for EFI.
    if at(0x202, b"HdrS") || at(0x38, b"ARM\x64") {
        return Ok(Content::Kernel);
    }
    if at(0, b"MZ") {
        return Ok(Content::Program);
    }
    if matches!(Compression::sniff(&start), Compression::Gzip | Compression::Zstd | Compression::Xz) {
        return Ok(Content::Packed);
    }
    if at(257, b"ustar") {
        return Ok(Content::Archive);
    }
    if at(510, b"\x55\xaa") {
        let starts = starts_of_disk(file, 0)?;
        let container = if ends_as_vhd(file)? { Container::Vhd } else { Container::Raw };
        return Ok(Content::Disk(container, starts));
    }
    let what = if start.is_empty() { "empty" } else { "nothing that kit knows" };
    Ok(Content::Stranger(crate::opened::kind::stranger(&start).unwrap_or(what)))
}

/// Returns what starts the disk in a container. Of one that only the emulator can read, either may.
fn starts_inside(file: &File) -> Starts {
    let sectors = || -> Option<[u8; 1024]> {
        let file = DiskFile::new(file.try_clone().ok()?, Path::new("")).ok()?;
        let disk = disk_image::read(&file, DiskLimits::standard()).ok()?;
        let mut sectors = [0; 1024];
        disk.open().ok()?.read_exact(&mut sectors).ok()?;
        Some(sectors)
    };
    sectors().map_or(EITHER, |sectors| starts_of_sectors(&sectors))
}

/// Returns what starts a disk: a BIOS runs the code in the first sector, UEFI looks for a partition.
fn starts_of_disk(file: &mut File, offset: u64) -> io::Result<Starts> {
    let mut sectors = [0; 1024];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut sectors)?;
    Ok(starts_of_sectors(&sectors))
}

fn starts_of_sectors(sectors: &[u8; 1024]) -> Starts {
    let has_code = sectors[..440].iter().any(|byte| *byte != 0);
    // A table of EFI's, or a partition of its type in the old table.
    let of_efi = (0..4).any(|index| sectors[446 + 16 * index + 4] == 0xef);
    Starts { bios: has_code, uefi: sectors[512..520] == *b"EFI PART" || of_efi || !has_code }
}

fn ends_as_vhd(file: &mut File) -> io::Result<bool> {
    let size = file.seek(SeekFrom::End(0))?;
    if size < 2 * SECTOR {
        return Ok(false);
    }
    let mut end = [0; 8];
    file.seek(SeekFrom::Start(size - SECTOR))?;
    file.read_exact(&mut end)?;
    Ok(end == *b"conectix")
}

/// Returns what starts a disc: what its boot catalogue (El Torito's) has entries for.
fn starts_of_disc(file: &mut File, start: &[u8]) -> io::Result<Starts> {
    let none = Starts { bios: false, uefi: false };
    let record = &start[17 * DISC_SECTOR..];
    if !record.starts_with(b"\0CD001\x01EL TORITO SPECIFICATION") {
        return Ok(none);
    }
    let Some(sector) = record.get(0x47..).and_then(|rest| rest.first_chunk()) else { return Ok(none) };
    let mut catalogue = [0; DISC_SECTOR];
    file.seek(SeekFrom::Start(u64::from(u32::from_le_bytes(*sector)) * DISC_SECTOR as u64))?;
    match file.read_exact(&mut catalogue) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(none),
        read => read?,
    }
    let mut starts = none;
    let mut add = |platform: u8, entry: &[u8]| {
        if entry[0] == 0x88 {
            starts.bios |= platform == 0;
            starts.uefi |= platform == 0xef;
        }
    };
    let mut entries = catalogue.chunks_exact(32);
    let first = entries.next().map_or(0, |validation| validation[1]);
    let mut platform = first;
    for entry in entries {
        match entry[0] {
            0x90 | 0x91 => platform = entry[1],
            _ => add(platform, entry),
        }
    }
    Ok(starts)
}

/// Returns how a kernel is booted, by the files that lie beside it under kit's names.
pub(super) fn kernel(real: &Path, shown: &Path, writes: Writes) -> Result<Boot, Failure> {
    let missing = |name: String| RunError::KernelAlone { kernel: shown.to_owned(), missing: name };
    let file_name = real.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    // In a directory of its own it has no name before it.
    let name = if file_name == "kernel" { Some("") } else { file_name.strip_suffix("-kernel") };
    let Some(name) = name else {
        return Err(missing("NAME-initrd.img".to_owned()).into());
    };
    let beside = |suffix: &str| {
        let suffix = if name.is_empty() { suffix.trim_start_matches('-') } else { suffix };
        let path = real.with_file_name(format!("{name}{suffix}"));
        path.is_file().then_some(path).ok_or_else(|| missing(format!("{name}{suffix}")))
    };
    let initrd = beside("-initrd.img")?;
    let cmdline = read_file(&beside("-cmdline")?, CMDLINE_LIMIT)?;
    let cmdline = String::from_utf8_lossy(&cmdline).trim_end().to_owned();
    let root: Option<PathBuf> = match root_kind(&cmdline) {
        None => None,
        // The kernel is called after the file system, too.
        Some("iso9660") => {
            let image = name.strip_suffix("-iso9660").unwrap_or(name);
            let path = real.with_file_name(format!("{image}-root.iso"));
            Some(path.is_file().then_some(path).ok_or_else(|| missing(format!("{image}-root.iso")))?)
        }
        Some(_) => Some(beside(".img")?),
    };
    let root = root.map(|file| (file, writes));
    Ok(Boot::Direct { kernel: real.to_owned(), initrd: Some(initrd), cmdline, root })
}

/// Returns which file system a command line says is the root, where it is alone on a disk.
fn root_kind(cmdline: &str) -> Option<&str> {
    let root = cmdline.split_ascii_whitespace().find_map(|word| word.strip_prefix("kit.root="))?;
    root.strip_suffix(":disk")
}

#[cfg(test)]
mod tests;
