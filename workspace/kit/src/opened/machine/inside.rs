//! What is on a disk: file systems, partitions, what firmware starts.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::ops::Range;

use kit_format::gpt::{self, GptReadError, Guid};
use kit_format::{Limits, erofs, ext4, fat, grub, iso, mbr, raspberry_pi, squashfs};
use kit_hash::BlobId;
use kit_recipe::image::{ExtensionKind, FileSystem, Firmware, Format, IsoRoot, Packing};
use kit_store::Store;
use kit_tree::{Blobs as _, Entry, Tree, TreePath};

use super::window::Window;
use super::{pin_in, program};
use crate::opened::error::OpenError;

/// Where a first sector says that it has a table.
const SIGNATURE: u64 = 510;
/// Where an ISO says that it is one.
const ISO: u64 = 0x8001;
/// Where EROFS does.
const EROFS: u64 = 0x400;
/// Where ext4 does.
const EXT4: u64 = 0x438;
/// The type of what UEFI starts, in the old table, and all types with FAT.
const ESP: u8 = 0xef;
const FAT: [u8; 7] = [0x01, 0x04, 0x06, 0x0b, 0x0c, 0x0e, ESP];
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
        // What starts from nothing but a drive has no table.
        if has(&*disk, SIGNATURE, b"\x55\xaa")? {
            let table = mbr::read(disk).map_err(broken("table of partitions"))?;
            for partition in table.partitions.into_iter().filter(|partition| partition.kind == ESP) {
                in_initrd = self.boot(disk, partition.bytes, store)?.or(in_initrd);
            }
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
        if let Some(kind) = self.root.as_ref().and_then(extension).filter(|_| !self.bios && !self.efi) {
            self.alone = Some(Format::Extension(kind));
        }
        self.root = self.root.take().or(in_initrd);
        Ok(())
    }

    /// Looks into a file system that firmware reads; returns the root in an initrd.
    fn boot(&mut self, disk: &File, bytes: Range<u64>, store: &Store) -> Result<Option<Tree>, OpenError> {
        let files = fat::read(&mut Window::new(disk, bytes), &Limits::standard(), store);
        let files = files.map_err(broken("FAT"))?;
        if let Some(board) = board(&files, store)? {
            self.alone = Some(Format::RaspberryPi(Packing::Disk));
            self.pin = board.pin;
            return Ok(board.root);
        }
        self.started(&files, store)
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
    if has(window(), EXT4, b"\x53\xef")? {
        let root = ext4::read(window(), &limits, store).map_err(broken("ext4"))?;
        return Ok(Some((FileSystem::Ext4, without_lost_and_found(root))));
    }
    Ok(None)
}

/// What a board starts from.
pub(crate) struct Board {
    pub(crate) root: Option<Tree>,
    pub(crate) pin: Option<String>,
}

/// Returns what a Raspberry Pi starts from, where these are the files for its firmware.
pub(crate) fn board(files: &Tree, store: &Store) -> Result<Option<Board>, OpenError> {
    if !is_for_board(files) {
        return Ok(None);
    }
    let (Some((initrd, _)), Some((command_line, length))) =
        (file(files, raspberry_pi::INITRD), file(files, raspberry_pi::COMMAND_LINE))
    else {
        return Ok(None);
    };
    let open = || -> io::Result<Box<dyn Read + '_>> { store.open(&initrd) };
    let root = Some(program::initrd(&open, store)?);
    let text = if length <= SHORT { store.read(&command_line, SHORT)? } else { Vec::new() };
    Ok(Some(Board { root, pin: pin_in(&String::from_utf8_lossy(&text)) }))
}

/// Whether these files are what the firmware of a Raspberry Pi starts from.
pub(crate) fn is_for_board(files: &Tree) -> bool {
    let names =
        [raspberry_pi::KERNEL, raspberry_pi::INITRD, raspberry_pi::COMMAND_LINE, raspberry_pi::CONFIGURATION];
    names.into_iter().all(|name| file(files, name).is_some())
}

fn file(files: &Tree, name: &str) -> Option<(BlobId, u64)> {
    match files.get(&place(&format!("/{name}"))) {
        Some(Entry::File { blob, size, .. }) => Some((*blob, *size)),
        _ => None,
    }
}

/// Returns what a root extends that is none of a system: systemd tells it by the same directories.
fn extension(root: &Tree) -> Option<ExtensionKind> {
    let kinds = [ExtensionKind::System, ExtensionKind::Configuration];
    kinds.into_iter().find(|kind| root.get(&place(kind.release_directory())).is_some())
}

/// Takes away the directory that ext4 has of itself, where nothing is in it.
fn without_lost_and_found(mut root: Tree) -> Tree {
    let path = place("/lost+found");
    let is_in = |other: &TreePath| other.parent().is_some_and(|parent| parent == path);
    let is_empty = !root.entries().any(|(other, _)| is_in(other));
    if is_empty && matches!(root.get(&path), Some(Entry::Directory { .. })) {
        root.remove(&path);
    }
    root
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

fn place(path: &str) -> TreePath {
    path.parse().expect("because it is a constant path")
}
