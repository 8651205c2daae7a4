//! A byte of a file that kit wrote, followed inwards: container, disk, partition, file system, boot program, archive.

use std::io::{self, Read};
use std::path::Path;

use kit_format::disk_image::read::Place;
use kit_format::disk_image::{self, DiskLimits};
use kit_format::extents::{self, Extents, Of, Recorded};
use kit_format::locate::{self, Inner, Located, Unpacked, in_disk};
use kit_hash::BlobId;
use kit_store::Store;
use kit_tree::Blobs as _;

use crate::commands::convert::DiskFile;

/// A program in a file system in a partition of a disk in a container, with an archive in it, is seven deep.
const DEPTH: usize = 10;

/// Returns what the byte at an offset of a content of the store is; none where it is shorter.
pub(super) fn locate(store: &Store, blob: &BlobId, offset: u64) -> io::Result<Option<Located>> {
    deep(store, blob, offset, DEPTH)
}

fn deep(store: &Store, blob: &BlobId, offset: u64, depth: usize) -> io::Result<Option<Located>> {
    let open = || -> io::Result<Box<dyn Read + '_>> { store.open(blob) };
    match kit_build::extents::of(store, blob).filter(|_| depth > 0) {
        Some(recorded) if recorded.of == Of::File => laid_out(store, &recorded, &open, offset, depth),
        Some(recorded) => contained(store, blob, &recorded, offset, depth),
        None => locate::locate(&open, offset),
    }
}

/// A byte of what was laid out, and of the content that it came from.
fn laid_out(
    store: &Store,
    recorded: &Extents,
    open: locate::Open<'_>,
    offset: u64,
    depth: usize,
) -> io::Result<Option<Located>> {
    let Some(piece) = extents::locate(recorded, open, offset)? else { return Ok(None) };
    let inner = piece.part.map(|part| inner_of(store, &part, depth)).transpose()?.flatten();
    let found = Located::plain(&*recorded.format, piece.extent);
    Ok(Some(Located { part: piece.part, inner, ..found }))
}

/// What a byte of a content is, unless that is nothing but the content itself, or isn't there any more.
fn inner_of(store: &Store, part: &locate::Part, depth: usize) -> io::Result<Option<Inner>> {
    if store.blob_size(&part.blob).map_err(io::Error::other)?.is_none() {
        return Ok(None);
    }
    let located = deep(store, &part.blob, part.offset, depth - 1)?;
    let told = located.filter(|located| located.format != "file");
    Ok(told.map(|located| Inner { offset: part.offset, located: Box::new(located) }))
}

/// A byte of a container, and of the disk in it.
fn contained(
    store: &Store,
    blob: &BlobId,
    recorded: &Extents,
    offset: u64,
    depth: usize,
) -> io::Result<Option<Located>> {
    let open = || -> io::Result<Box<dyn Read + '_>> { store.open(blob) };
    let file = store.open_blob_file(blob).map_err(io::Error::other)?;
    let file = DiskFile::new(file, Path::new("disk")).map_err(|error| io::Error::other(error.to_string()))?;
    let Some(found) = in_disk(&file, offset).map_err(io::Error::other)? else {
        // It is one stream, of which a piece stands for some bytes of the disk, or an archive around it.
        let Some(mut found) = locate::locate(&open, offset)? else { return Ok(None) };
        let Some(unpacked) = found.unpacked.take() else { return Ok(Some(found)) };
        if unpacked.format != "stream" {
            return Ok(Some(Located { unpacked: Some(unpacked), ..found }));
        }
        found.unpacked = Some(named(recorded, unpacked.range));
        return Ok(Some(found));
    };
    let mut located = Located::plain(found.format, found.extent);
    let disk = match found.place {
        None => return Ok(Some(located)),
        Some(Place::Byte(byte)) => byte,
        Some(Place::Packed { disk, .. }) => {
            let (pieces, _) = extents::overlapping(recorded, &disk);
            let first = pieces.first().map_or(disk.start, |piece| piece.range.start.max(disk.start));
            located.unpacked = Some(named(recorded, disk));
            first
        }
    };
    // The disk is read from its container, since that is what there is.
    let inside = disk_image::read(&file, DiskLimits::standard()).map_err(io::Error::other)?;
    let read = || -> io::Result<Box<dyn Read + '_>> { inside.open() };
    let inner = laid_out(store, recorded, &read, disk, depth)?;
    located.inner = inner.map(|inner| Inner { offset: disk, located: Box::new(inner) });
    Ok(Some(located))
}

/// Returns what the byte at an offset of a container is that kit doesn't know: of the disk in it nothing is known.
pub(super) fn of_stranger(file: &DiskFile, offset: u64) -> Option<Located> {
    // What can't be read as a disk is told as what it begins with.
    let found = in_disk(file, offset).ok().flatten()?;
    let mut located = Located::plain(found.format, found.extent);
    let (pieces, more) = (Vec::new(), 0);
    located.unpacked = found
        .place
        .map(|place| match place {
            Place::Byte(byte) => byte..byte + 1,
            Place::Packed { disk, .. } => disk,
        })
        .map(|range| Unpacked { range, format: "disk".to_owned(), members: Vec::new(), pieces, more });
    Some(located)
}

/// Names what of a disk some bytes are.
fn named(recorded: &Extents, range: std::ops::Range<u64>) -> Unpacked {
    let (pieces, more) = extents::overlapping(recorded, &range);
    let name = |Recorded { what, member, .. }: &Recorded| match member {
        Some(member) => format!("{what} of {member}"),
        None => what.clone(),
    };
    let pieces = pieces.iter().map(name).collect();
    Unpacked { range, format: recorded.format.clone(), members: Vec::new(), pieces, more }
}
