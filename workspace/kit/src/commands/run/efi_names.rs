//! For which processors firmware finds something on a disk or a disc: `EFI/BOOT/BOOTX64.EFI`, `EFI/BOOT/BOOTAA64.EFI`.
//!
//! What can't be read is none of either: the firmware will say so.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;

use kit_format::disk_image::{self, DiskLimits};
use kit_format::gpt::{self, Guid};
use kit_format::{Limits, fat, mbr};
use kit_hash::BlobId;
use kit_store::sparse::SparseFile;
use kit_tree::BlobSink;

use crate::commands::convert::DiskFile;
use crate::opened::machine::window::Window;
use crate::project::open_dir;
use crate::qemu::boot::{Container, Extent};

/// The largest disk in a container that is looked into, in bytes.
const LARGEST: u64 = 1 << 40;
/// Where the table of partitions is: within so many bytes.
const TABLE: u64 = 1 << 20;
/// The last byte of what is read of a container.
const FAR: u64 = 1 << 30;
/// Bytes of a sector.
const SECTOR: usize = 512;
/// The type of a partition that firmware reads, in the old table.
const EFI: u8 = 0xef;

/// Whether what firmware finds on a disc is for 64-bit ARM, and not for a PC.
pub(super) fn of_disc(mut file: File) -> io::Result<bool> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut sector = [0; SECTOR];
    file.seek(SeekFrom::Start(0))?;
    if length < SECTOR as u64 {
        return Ok(false);
    }
    file.read_exact(&mut sector)?;
    // One is the disc itself, which overlaps the others: no table that a reader of disks takes.
    let number = |bytes: &[u8]| bytes.first_chunk().map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)));
    let entries = sector[446..510].chunks_exact(16).filter(|entry| entry[4] == EFI);
    let places = entries.map(|entry| {
        let start = number(&entry[8..]) * SECTOR as u64;
        start..start + number(&entry[12..]) * SECTOR as u64
    });
    Ok(is_arm(&file, places.filter(|place| place.end <= length)))
}

/// The same of a disk; of one in a container, as far as that takes goes to `scratch`.
pub(super) fn of_disk(
    mut file: File,
    container: Container,
    within: Option<Extent>,
    scratch: &Path,
) -> io::Result<bool> {
    let length = file.seek(SeekFrom::End(0))?;
    if container == Container::Raw {
        let place = within.map_or(0..length, |within| within.offset..within.offset + within.size);
        let places = partitions(&mut Window::new(&file, place.clone()));
        let places = places.into_iter().map(|part| place.start + part.start..place.start + part.end);
        return Ok(is_arm(&file, places));
    }
    let whole = DiskFile::new(file, Path::new("")).map_err(|error| io::Error::other(error.to_string()))?;
    let Ok(disk) = disk_image::read(&whole, DiskLimits { bytes: LARGEST }) else { return Ok(false) };
    let dir = open_dir(scratch).map_err(io::Error::other)?;
    let mut options = cap_std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    let mut start = dir.open_with("start", &options)?.into_std();
    let fill = |start: &File, end: u64| -> io::Result<()> {
        SparseFile::new(start).fill(&mut disk.open()?.take(end))?;
        start.set_len(disk.size)
    };
    fill(&start, TABLE)?;
    let places = partitions(&mut start.try_clone()?);
    let end = places.iter().map(|place| place.end).max().unwrap_or(0);
    if end > FAR {
        return Ok(false);
    }
    start.set_len(0)?;
    start.rewind()?;
    fill(&start, end)?;
    Ok(is_arm(&start, places.into_iter()))
}

/// Returns the partitions of a disk that firmware reads.
fn partitions(disk: &mut (impl Read + io::Seek)) -> Vec<Range<u64>> {
    if let Ok(table) = gpt::read(disk) {
        return table
            .partitions
            .into_iter()
            .filter(|part| part.kind == Guid::ESP)
            .map(|part| part.bytes)
            .collect();
    }
    let table = mbr::read(disk).map(|table| table.partitions).unwrap_or_default();
    table.into_iter().filter(|part| part.kind == EFI).map(|part| part.bytes).collect()
}

/// Whether what firmware finds in one of these file systems is for 64-bit ARM, and not for a PC.
fn is_arm(file: &File, places: impl Iterator<Item = Range<u64>>) -> bool {
    let (mut is_arm, mut is_pc) = (false, false);
    for place in places {
        let Ok(files) = fat::read(&mut Window::new(file, place), &Limits::standard(), &Nowhere) else {
            continue;
        };
        for (path, _) in files.entries() {
            let name = path.to_string().to_ascii_uppercase();
            is_arm |= name == "/EFI/BOOT/BOOTAA64.EFI";
            is_pc |= name == "/EFI/BOOT/BOOTX64.EFI";
        }
    }
    is_arm && !is_pc
}

/// Takes contents without keeping them.
struct Nowhere;

impl BlobSink for Nowhere {
    fn put(&self, content: &mut dyn Read) -> io::Result<(BlobId, u64)> {
        let size = io::copy(content, &mut io::sink())?;
        Ok((BlobId::of(&[]), size))
    }
}

#[cfg(test)]
mod tests {
    use kit_format::disk_image::DiskFormat;
    use kit_format::layout::Layout;
    use kit_tree::blobs::MemoryBlobs;
    use kit_tree::{Mode, Tree};

    use super::*;

    /// Returns a disk whose firmware finds these programs.
    fn disk(names: &[&str]) -> Vec<u8> {
        let blobs = MemoryBlobs::new();
        let mut tree = Tree::new();
        for name in names {
            let path = format!("/EFI/BOOT/{name}").parse().unwrap();
            tree.insert_file(path, Mode::FILE, blobs.insert(b"MZ".to_vec()), 2).unwrap();
        }
        let options = fat::Options {
            label: "BOOT".to_owned(),
            mtime: 0,
            size: fat::Size::Fitting { spare: 1 << 20 },
            hidden_sectors: 2048,
            kind: None,
            seed: [0; 32],
        };
        let content = fat::layout(&tree, &options).unwrap();
        let partition = gpt::Partition {
            kind: Guid::ESP,
            id: Guid::of(1),
            label: "esp".to_owned(),
            attributes: 0,
            size: content.len(),
            content,
            mbr: None,
        };
        let options = gpt::Options { id: Guid::of(2), size: None, boot_code: None, hybrid: false };
        let layout: Layout = gpt::layout(vec![partition], &options).unwrap();
        let mut bytes = Vec::new();
        layout.stream(&blobs).read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// Whether a disk with these bytes, in this container, is told to be for ARM.
    fn told(bytes: &[u8], container: Container) -> bool {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("disk");
        crate::project::write_file(&path, bytes).unwrap();
        let file = crate::project::open_file(&path).unwrap();
        of_disk(file, container, None, directory.path()).unwrap()
    }

    #[test]
    fn what_firmware_finds_says_for_which_processor_a_disk_is() {
        let arm = disk(&["BOOTAA64.EFI"]);
        assert!(told(&arm, Container::Raw));
        assert!(!told(&disk(&["BOOTX64.EFI"]), Container::Raw));
        assert!(!told(&disk(&["BOOTX64.EFI", "BOOTAA64.EFI"]), Container::Raw), "a PC boots it too");
        assert!(!told(&arm[..1000], Container::Raw), "it ends early");
        let open = || -> io::Result<Box<dyn Read + '_>> { Ok(Box::new(arm.as_slice())) };
        let whole = disk_image::Disk { open: &open, size: arm.len() as u64 };
        let mut contained = io::Cursor::new(Vec::new());
        let workers = kit_format::workers::Alone;
        disk_image::write(&whole, DiskFormat::Qcow2, "disk", &mut contained, &workers).unwrap();
        assert!(told(contained.get_ref(), Container::Qcow2));
    }
}
