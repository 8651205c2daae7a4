//! What a file is, and which lockfile it says that it comes from: the digest of the pins in `/etc/os-release`, or on a boot command line.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};
use std::path::Path;
use std::sync::Mutex;

use cap_std::fs::Dir;
use kit_format::cpio::{Segments, plain_length, read_cpio};
use kit_format::oci::read_layout;
use kit_format::tar::{TarOptions, read_tar};
use kit_format::{Compression, Decoder, Limits};
use kit_hash::{BlobId, PinId};
use kit_recipe::image::{Format, Packing};
use kit_store::Store;
use kit_tree::{BlobSink, Blobs, Entry, Tree, TreePath};

use super::files::{Files, open};
use super::program;
use crate::Failure;
use crate::context::Context;
use crate::opened::archive::{compressed, initrd_of};
use crate::opened::directory;
use crate::opened::kind::Kind;
use crate::opened::machine::{self, Machine, is_for_board};
use crate::opened::pin_of;
use crate::unsigned::from_start;

/// The key of a boot command line, and that of `/etc/os-release`.
pub(super) const ON_CMDLINE: &str = "kit.pin=";
pub(super) const IN_OS_RELEASE: &str = "KIT_PIN=";
/// The longest boot command line that is looked at, and the longest `os-release`, in bytes.
pub(super) const SHORT: u64 = 64 << 10;

/// What a file is and which pins it carries. The images of an archive are taken into the store, where they are looked into.
pub(super) fn carried(path: &Path, context: &Context) -> Result<(Kind, PinId), Failure> {
    let unreadable = |source: Box<dyn std::error::Error + Send + Sync>| Failure::UnreadableArtifact {
        path: path.to_owned(),
        source,
    };
    let (kind, text) = match open(path)? {
        Files::Directory(dir) => match directory::started(&dir) {
            Some(format) => {
                (Kind::Other(format), on_cmdline(&dir).map_err(|error| unreadable(error.into()))?)
            }
            None => (Kind::Oci, in_layout(path, &dir).map_err(unreadable)?),
        },
        Files::File(file) => {
            match in_machine(path, &file, context)?.map_or_else(|| in_file(path, &file), Ok)? {
                (Kind::DockerArchive, _) => {
                    (Kind::DockerArchive, in_archive(file, &context.store()?).map_err(unreadable)?)
                }
                found => found,
            }
        }
    };
    let text = text.ok_or_else(|| Failure::NoPin { path: path.to_owned(), kind: kind.words() })?;
    let pin = text.parse().map_err(|_| Failure::NoPin { path: path.to_owned(), kind: kind.words() })?;
    Ok((kind, pin))
}

pub(super) type Found = Option<String>;
type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Looks into what machines start from, but programs: those need no store.
fn in_machine(path: &Path, file: &File, context: &Context) -> Result<Option<(Kind, Found)>, Failure> {
    let io = |source| Failure::File { action: "read", path: path.to_owned(), source };
    let mut start = Vec::new();
    from_start(file).map_err(io)?.take(2).read_to_end(&mut start).map_err(io)?;
    if start == b"MZ" {
        return Ok(None);
    }
    let store = context.store()?;
    let machine = machine::look(file, &store)
        .map_err(|source| Failure::Open { name: path.display().to_string(), source })?;
    Ok(machine.map(|Machine { format, root, pin }| {
        let in_root = || root.and_then(|root| pin_of(&root, &store)).map(|pin| pin.to_string());
        (Kind::Other(format), pin.or_else(in_root))
    }))
}

fn in_file(path: &Path, file: &File) -> Result<(Kind, Found), Failure> {
    const MAGIC: usize = 512;
    let io = |source| Failure::File { action: "read", path: path.to_owned(), source };
    let unreadable = |source: AnyError| Failure::UnreadableArtifact { path: path.to_owned(), source };
    let size = file.metadata().map_err(io)?.len();
    let limits = Limits::standard();
    let file = behind_microcode(file).map_err(io)?;
    let mut reader = BufReader::new(Decoder::sniff(BufReader::new(file), &limits).map_err(io)?);
    let mut start = Vec::new();
    reader.by_ref().take(MAGIC as u64).read_to_end(&mut start).map_err(|error| unreadable(error.into()))?;
    let sink = Finder::default();
    let whole = io::Cursor::new(start.clone()).chain(&mut reader);
    if start.starts_with(b"07070") {
        let tree = read_cpio(whole, &sink, &limits, Segments::Many);
        return Ok((Kind::Initrd, sink.pin_of(&tree.map_err(|error| unreadable(error.into()))?)));
    }
    if start.starts_with(b"MZ")
        && let Some(found) = program::in_program(file, size).map_err(|error| unreadable(error.into()))?
    {
        return Ok((Kind::Uki, found));
    }
    if start.get(257..262) == Some(b"ustar") {
        let tree = read_tar(whole, &sink, &limits, TarOptions::own());
        let tree = tree.map_err(|error| unreadable(error.into()))?;
        let has = |path| matches!(tree.get(&place(path)), Some(Entry::File { .. }));
        let is_for_docker = has("/manifest.json") && has("/oci-layout");
        if initrd_of(&tree).is_some() {
            return Ok((Kind::Other(Format::TarKernelInitrd), sink.pin_on_cmdline()));
        }
        if is_for_board(&tree) {
            return Ok((Kind::Other(Format::RaspberryPi(Packing::Archive)), sink.pin_on_cmdline()));
        }
        let kind = match compressed(reader.get_ref().compression()) {
            _ if is_for_docker => Kind::DockerArchive,
            Some(format) => Kind::Other(format),
            None => Kind::Tar,
        };
        return Ok((kind, sink.pin_of(&tree)));
    }
    if size <= SHORT && reader.get_ref().compression() == Compression::None {
        let mut text = start;
        reader.take(SHORT).read_to_end(&mut text).map_err(io)?;
        if let Ok(text) = String::from_utf8(text)
            && let Some(pin) = text.split_whitespace().find_map(|word| word.strip_prefix(ON_CMDLINE))
        {
            return Ok((Kind::Cmdline, Some(pin.to_owned())));
        }
    }
    Err(Failure::UnknownArtifact { path: path.to_owned() })
}

/// Goes to where an initrd begins that stands behind microcode; else to the start.
fn behind_microcode(mut file: &File) -> io::Result<&File> {
    file.rewind()?;
    let length = plain_length(&mut BufReader::new(file))?;
    file.seek(io::SeekFrom::Start(length.unwrap_or(0)))?;
    Ok(file)
}

/// Returns the pins on the command line in a directory with a kernel.
fn on_cmdline(dir: &Dir) -> io::Result<Found> {
    let mut text = Vec::new();
    dir.open(directory::COMMAND_LINE)?.take(SHORT).read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    Ok(text.split_whitespace().find_map(|word| word.strip_prefix(ON_CMDLINE)).map(str::to_owned))
}

fn in_layout(path: &Path, dir: &Dir) -> Result<Found, AnyError> {
    if !dir.is_file("oci-layout") {
        return Err(format!("`{}` has no `oci-layout`", path.display()).into());
    }
    let files = super::files::DirFiles::read(dir)?;
    in_images(files.tree(), &files)
}

/// Looks into the layout of an archive; what it says to Docker alone isn't looked at.
fn in_archive(mut file: File, store: &Store) -> Result<Found, AnyError> {
    file.rewind()?;
    let limits = Limits::standard();
    let reader = Decoder::sniff(BufReader::new(file), &limits)?;
    let mut tree = read_tar(reader, store, &limits, TarOptions::own())?;
    tree.remove(&place("/manifest.json"));
    in_images(&tree, store)
}

/// Looks into the images of a layout, each of whose digests is checked.
fn in_images(layout: &Tree, blobs: &dyn Blobs) -> Result<Found, AnyError> {
    let limits = Limits::standard();
    for image in read_layout(layout, blobs, &limits)? {
        for layer in &image.layers {
            let blob = format!("/blobs/sha256/{}", layer.digest).parse()?;
            let Some(Entry::File { blob, .. }) = layout.get(&blob) else { continue };
            let sink = Finder::default();
            let tree =
                read_tar(Decoder::sniff(blobs.open(blob)?, &limits)?, &sink, &limits, TarOptions::own())?;
            if let Some(pin) = sink.pin_of(&tree) {
                return Ok(Some(pin));
            }
        }
    }
    Ok(None)
}

fn place(path: &str) -> TreePath {
    path.parse().expect("because it is a constant path")
}

/// Forgets all content but that of small files which name pins.
#[derive(Debug, Default)]
struct Finder(Mutex<Vec<(BlobId, String)>>);

impl Finder {
    /// The most files that are kept.
    const MOST: usize = 100;

    fn pin_of(&self, tree: &Tree) -> Found {
        let Some(Entry::File { blob, .. }) = tree.get(&place("/etc/os-release")) else { return None };
        let kept = self.0.lock().expect("because no holder panics");
        let (_, text) = kept.iter().find(|(id, _)| id == blob)?;
        text.lines().find_map(|line| line.strip_prefix(IN_OS_RELEASE)).map(str::to_owned)
    }

    /// Returns the pins on a boot command line that was among the files.
    fn pin_on_cmdline(&self) -> Found {
        let kept = self.0.lock().expect("because no holder panics");
        let words = |text: &str| {
            text.split_whitespace().find_map(|word| word.strip_prefix(ON_CMDLINE)).map(str::to_owned)
        };
        kept.iter().find_map(|(_, text)| words(text))
    }
}

impl BlobSink for Finder {
    fn put(&self, content: &mut dyn Read) -> io::Result<(BlobId, u64)> {
        let mut start = Vec::new();
        content.take(SHORT).read_to_end(&mut start)?;
        let (id, size) = BlobId::of_reader(start.as_slice().chain(content))?;
        if size < SHORT
            && let Ok(text) = String::from_utf8(start)
            && (text.contains(IN_OS_RELEASE) || text.contains(ON_CMDLINE))
        {
            let mut kept = self.0.lock().expect("because no holder panics");
            if kept.len() < Self::MOST {
                kept.push((id, text));
            }
        }
        Ok((id, size))
    }
}
