//! What is on a disk: file systems, partitions, what firmware starts.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::ops::Range;

use kit_format::gpt::{self, GptReadError, Guid};
use kit_format::{Limits, erofs, fat, grub, iso, mbr, squashfs};
use kit_recipe::image::{FileSystem, Firmware, Format, IsoRoot};
use kit_store::Store;
use kit_tree::{Blobs as _, Entry, Tree};

use super::window::Window;
use super::{pin_in, program};
use crate::opened::error::OpenError;

/// Where an ISO says that it is one.
const ISO: u64 = 0x8001;
/// Where EROFS does.
const EROFS: u64 = 0x400;
/// Types of partitions with FAT, in the old table.
const FAT: [u8; 7] = [0x01, 0x04, 0x06, 0x0b, 0x0c, 0x0e, 0xef];
/// Where a disc has what a BIOS starts.
const BIOS_IMAGE: &str = "/boot/bios.img";
/// Where the loader for a BIOS finds the initrd.
const INITRD: &str = "/boot/initrd";
/// The longest configuration of it that is looked at, in bytes.
const SHORT: u64 = 64 << 10;

/// What is on a disk.
#[derive(Debug, Default)]
pub(super) struct Inside {
    /// What it is, where it is no disk with partitions.
    pub(super) alone: Option<Format>,
    /// What starts it.
    pub(super) bios: bool,
    pub(super) efi: bool,
    pub(super) root: Option<Tree>,
    pub(super) pin: Option<String>,
}

impl Inside {
    /// Looks at a disk.
    pub(super) fn read(disk: &mut File, store: &Store) -> Result<Self, OpenError> {
        let length = disk.seek(SeekFrom::End(0))?;
        let mut inside = Self::default();
        if let Some((kind, root)) = file_system(disk, 0..length, store)? {
            inside.root = Some(root);
            inside.alone = Some(Format::KernelRoot(kind));
        } else if has(&*disk, ISO, b"CD001")? {
            inside.disc(disk, store)?;
        } else {
            inside.partitions(disk, store)?;
        }
        Ok(inside)
    }

    fn disc(&mut self, disk: &mut File, store: &Store) -> Result<(), OpenError> {
        let length = disk.seek(SeekFrom::End(0))?;
        let files = iso::read(Window::new(disk, 0..length), &Limits::standard(), store)
            .map_err(broken("ISO 9660"))?;
        let is_root = files.get(&place("/etc/os-release")).is_some();
        self.bios = files.get(&place(BIOS_IMAGE)).is_some();
        let mut in_initrd = self.started(&files, store)?;
        for bytes in efi_partitions(disk, length)? {
            in_initrd = self.boot(disk, bytes, store)?.or(in_initrd);
        }
        let firmware = match (self.bios, self.efi) {
            (true, true) => Some(Firmware::Hybrid),
            (true, false) => Some(Firmware::Bios),
            (false, true) => Some(Firmware::Efi),
            (false, false) => None,
        };
        let root = if is_root { IsoRoot::Disc } else { IsoRoot::Initrd };
        self.alone = Some(match firmware {
            Some(firmware) => Format::Iso { firmware, root },
            None => Format::KernelRoot(FileSystem::Iso),
        });
        self.root = if is_root { Some(without_loaders(files)) } else { in_initrd };
        Ok(())
    }

    fn partitions(&mut self, disk: &mut File, store: &Store) -> Result<(), OpenError> {
        let mut code = [0; 440];
        disk.seek(SeekFrom::Start(0))?;
        disk.read_exact(&mut code)?;
        self.bios = code.iter().any(|byte| *byte != 0);
        let mut in_initrd = None;
        match gpt::read(disk) {
            Ok(table) => {
                for partition in table.partitions {
                    if partition.kind == Guid::ESP {
                        in_initrd = self.boot(disk, partition.bytes, store)?.or(in_initrd);
                    } else if self.root.is_none() {
                        self.root = file_system(disk, partition.bytes, store)?.map(|(_, root)| root);
                    }
                }
            }
            Err(GptReadError::None) => {
                let table = mbr::read(disk).map_err(broken("table of partitions"))?;
                for partition in table.partitions {
                    if FAT.contains(&partition.kind) {
                        in_initrd = self.boot(disk, partition.bytes, store)?.or(in_initrd);
                    } else if self.root.is_none() {
                        self.root = file_system(disk, partition.bytes, store)?.map(|(_, root)| root);
                    }
                }
            }
            Err(error) => return Err(broken("table of partitions")(error)),
        }
        self.root = self.root.take().or(in_initrd);
        Ok(())
    }

    /// Looks into a file system that firmware reads; returns the root in an initrd.
    fn boot(&mut self, disk: &File, bytes: Range<u64>, store: &Store) -> Result<Option<Tree>, OpenError> {
        let files = fat::read(&mut Window::new(disk, bytes), &Limits::standard(), store);
        self.started(&files.map_err(broken("FAT"))?, store)
    }

    /// Looks at what firmware starts.
    fn started(&mut self, files: &Tree, store: &Store) -> Result<Option<Tree>, OpenError> {
        let mut root = None;
        for (path, entry) in files.entries() {
            let Entry::File { blob, size, .. } = entry else { continue };
            let open = || -> io::Result<Box<dyn Read + '_>> { store.open(blob) };
            let name = path.to_string();
            if name.to_ascii_uppercase().starts_with("/EFI/") && name.to_ascii_uppercase().ends_with(".EFI") {
                if let Some((in_initrd, pin)) = program::inside(&open, *size, store)? {
                    self.efi = true;
                    self.pin = self.pin.take().or(pin);
                    root = root.or(in_initrd);
                }
            } else if name == grub::CONFIGURATION && *size <= SHORT {
                let text = store.read(blob, SHORT)?;
                self.pin = self.pin.take().or(pin_in(&String::from_utf8_lossy(&text)));
            } else if name == INITRD {
                root = Some(program::initrd(&open, store)?);
            }
        }
        Ok(root)
    }
}

/// Reads a root that is a file system of its own; none where it isn't one that kit makes roots of.
fn file_system(
    disk: &File,
    bytes: Range<u64>,
    store: &Store,
) -> Result<Option<(FileSystem, Tree)>, OpenError> {
    let limits = Limits::standard();
    let window = || Window::new(disk, bytes.clone());
    if has(window(), EROFS, b"\xe2\xe1\xf5\xe0")? {
        return Ok(Some((
            FileSystem::Erofs,
            erofs::read(window(), &limits, store).map_err(broken("EROFS"))?,
        )));
    }
    if has(window(), 0, b"hsqs")? {
        let root = squashfs::read(window(), &limits, store).map_err(broken("SquashFS"))?;
        return Ok(Some((FileSystem::Squashfs, root)));
    }
    Ok(None)
}

/// Returns what a disc has for UEFI, by the old table in its first sector: the disc's own volume is a partition too, which begins with the sector itself.
fn efi_partitions(disk: &mut File, length: u64) -> io::Result<Vec<Range<u64>>> {
    const SECTOR: u64 = 512;
    const EFI: u8 = 0xef;
    let mut sector = [0; 512];
    disk.seek(SeekFrom::Start(0))?;
    disk.read_exact(&mut sector)?;
    let number = |entry: &[u8], at: usize| {
        u64::from(entry[at..at + 4].iter().rev().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)))
    };
    let partitions = sector[446..510].chunks_exact(16).filter(|entry| entry[4] == EFI);
    let bytes = partitions.map(|entry| {
        let start = number(entry, 8) * SECTOR;
        start..start + number(entry, 12) * SECTOR
    });
    Ok(bytes
        .filter(|bytes| sector.ends_with(b"\x55\xaa") && bytes.start > 0 && bytes.end <= length)
        .collect())
}

/// Takes away what a disc has for firmware beside the root.
fn without_loaders(mut files: Tree) -> Tree {
    for path in [BIOS_IMAGE, INITRD, "/boot/kernel", grub::CONFIGURATION, "/boot/grub", "/boot"] {
        let path = place(path);
        let is_empty =
            !files.entries().any(|(other, _)| other.strip_prefix(&path).is_some_and(|rest| !rest.is_root()));
        let is_directory = matches!(files.get(&path), Some(Entry::Directory { .. }));
        if !is_directory || is_empty {
            files.remove(&path);
        }
    }
    files
}

fn has(mut source: impl Read + io::Seek, at: u64, magic: &[u8]) -> io::Result<bool> {
    let mut start = Vec::new();
    source.seek(SeekFrom::Start(at))?;
    source.take(magic.len() as u64).read_to_end(&mut start)?;
    Ok(start == magic)
}

fn broken<E: std::error::Error + Send + Sync + 'static>(what: &'static str) -> impl FnOnce(E) -> OpenError {
    move |error| OpenError::Part { what, source: Box::new(error) }
}

fn place(path: &str) -> kit_tree::TreePath {
    path.parse().expect("because it is a constant path")
}
