//! What is in a file: told by its content, whatever it is called.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};

use kit_format::cpio::{Segments, plain_length, read_cpio};
use kit_format::oci::choose::{Saved, read_saved};
use kit_format::oci::pull::LARGEST_DOCUMENT;
use kit_format::tar::{Devices, Duplicates, Links, TarOptions, read_tar};
use kit_format::{Compression, Decoder, Limits};
use kit_store::Store;
use kit_tree::{Blobs as _, Entry, Tree, TreePath};

use super::error::OpenError;
use super::kind::{Kind, stranger};

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
    let limits = Limits::standard();
    let size = file.metadata()?.len();
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
        return Ok(in_archive(read_tar(whole, store, &limits, options)?, store));
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
