//! What is in a file: told by its content, whatever it is called.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};

use kit_format::cpio::{Segments, plain_length, read_cpio};
use kit_format::oci::choose::{Saved, read_saved};
use kit_format::oci::pull::LARGEST_DOCUMENT;
use kit_format::tar::{Devices, Duplicates, Links, TarOptions, read_tar};
use kit_format::{Compression, Decoder, Limits};
use kit_hash::BlobId;
use kit_recipe::image::{Format, Packing, TarCompression};
use kit_store::Store;
use kit_tree::{Blobs as _, Entry, Tree, TreePath};

use super::error::OpenError;
use super::kind::{Kind, stranger};
use super::machine;

/// The key of a boot command line that says which lockfile an image is from.
const ON_CMDLINE: &str = "kit.pin=";
/// The longest boot command line that is looked at, in bytes.
const SHORT: u64 = 64 << 10;
/// How much of the start tells what a file is.
const START: u64 = 2048;

/// What is in a file.
#[derive(Debug)]
pub(crate) enum Found {
    /// A root file system.
    Root(Kind, Tree),
    /// The files of a layout.
    Layout(Kind, Tree),
    /// The files of an archive that an old `docker save` wrote, and what it lists.
    Saved(Tree, Vec<Saved>),
    /// A boot command line of an image.
    CommandLine,
}

/// Looks into a file; what is in it goes to the store.
pub(crate) fn read(file: File, store: &Store) -> Result<Found, OpenError> {
    if let Some(machine) = machine::look(&file, store)? {
        let kind = if machine.format == Format::Uki { Kind::Uki } else { Kind::Other(machine.format) };
        return Ok(Found::Root(kind, machine.root.ok_or(OpenError::NoRoot)?));
    }
    let limits = Limits::standard();
    let size = file.metadata()?.len();
    let mut file = file;
    file.rewind()?;
    let file = behind_microcode(file)?;
    let mut reader = BufReader::new(Decoder::sniff(BufReader::new(file), &limits)?);
    let mut start = Vec::new();
    reader.by_ref().take(START).read_to_end(&mut start)?;
    let whole = io::Cursor::new(start.clone()).chain(&mut reader);
    if start.starts_with(b"07070") {
        return Ok(Found::Root(Kind::Initrd, read_cpio(whole, store, &limits, Segments::Many)?));
    }
    if start.get(257..262) == Some(b"ustar") {
        let options =
            TarOptions { duplicates: Duplicates::LastWins, devices: Devices::Keep, links: Links::Within };
        let tree = read_tar(whole, store, &limits, options)?;
        if let Some(initrd) = initrd_of(&tree) {
            let open = || -> io::Result<Box<dyn Read + '_>> { store.open(&initrd) };
            return Ok(Found::Root(Kind::Other(Format::TarKernelInitrd), machine::initrd(&open, store)?));
        }
        if let Some(board) = machine::board(&tree, store)? {
            let root = board.root.ok_or(OpenError::NoRoot)?;
            return Ok(Found::Root(Kind::Other(Format::RaspberryPi(Packing::Archive)), root));
        }
        let found = in_archive(tree, store);
        return Ok(match (found, compressed(reader.get_ref().compression())) {
            (Found::Root(Kind::Tar, root), Some(format)) => Found::Root(Kind::Other(format), root),
            (found, _) => found,
        });
    }
    let is_plain = reader.get_ref().compression() == Compression::None;
    if size <= SHORT && is_plain {
        let mut text = start.clone();
        reader.take(SHORT).read_to_end(&mut text)?;
        if let Ok(text) = String::from_utf8(text)
            && text.split_whitespace().any(|word| word.starts_with(ON_CMDLINE))
        {
            return Ok(Found::CommandLine);
        }
    }
    Err(OpenError::Unknown { looks: stranger(&start) })
}

/// Goes to where an initrd begins that stands behind microcode; else to the start.
fn behind_microcode(mut file: File) -> io::Result<File> {
    let length = plain_length(&mut BufReader::new(&file))?;
    file.seek(io::SeekFrom::Start(length.unwrap_or(0)))?;
    Ok(file)
}

/// Returns the format that a compressed archive of a root is.
pub(crate) fn compressed(compression: Compression) -> Option<Format> {
    match compression {
        Compression::Gzip => Some(Format::CompressedTar(TarCompression::Gzip)),
        Compression::Zstd => Some(Format::CompressedTar(TarCompression::Zstd)),
        Compression::Bzip2 | Compression::Xz | Compression::None => None,
    }
}

/// Returns the initrd of an archive that has nothing but what `kernel+initrd` has.
pub(crate) fn initrd_of(tree: &Tree) -> Option<BlobId> {
    const ENDS: [&str; 3] = ["-cmdline", "-initrd.img", "-kernel"];
    let files: Vec<_> = tree.entries().filter(|(path, _)| !path.is_root()).collect();
    let ends = |(path, end): (&TreePath, &str)| path.to_string().ends_with(end);
    let fits = files.len() == ENDS.len() && files.iter().map(|(path, _)| *path).zip(ENDS).all(ends);
    match files.get(1) {
        Some((_, Entry::File { blob, .. })) if fits => Some(*blob),
        _ => None,
    }
}

/// Tells the archives of images from those of root file systems.
fn in_archive(tree: Tree, store: &Store) -> Found {
    let has = |path: &str| matches!(tree.inode(&place(path)), Some(Entry::File { .. }));
    let for_docker = has("/manifest.json");
    if has("/oci-layout") && has("/index.json") {
        return Found::Layout(if for_docker { Kind::DockerArchive } else { Kind::Oci }, tree);
    }
    // Any root can have a file of that name.
    let saved = match tree.inode(&place("/manifest.json")) {
        Some(Entry::File { blob, .. }) => store.read(blob, LARGEST_DOCUMENT).ok(),
        _ => None,
    };
    match saved.and_then(|bytes| read_saved(&bytes).ok()) {
        Some(saved) if !saved.is_empty() => Found::Saved(tree, saved),
        _ => Found::Root(Kind::Tar, tree),
    }
}

fn place(path: &str) -> TreePath {
    path.parse().expect("because it is a constant path")
}
