//! What of a file a byte is, in the words of the file's format: the field of a header, padding, the content of a member.
//!
//! ```text
//! small-initrd.img   cpio archive ── kernel/x86/microcode/GenuineIntel.bin
//!                    zeros between archives
//!                    zstd frame ── header, block 1, block 2, …, checksum
//!                                        └─ unpacks to bytes 131072 to 262144 of
//!                                           cpio archive ── etc/os-release: header, name, content
//! ```
//! Nothing is guessed: which unpacked bytes a block stands for is found out by unpacking it, and where that can't be known, nothing is said.
//! Files are read as streams, so their size doesn't matter. Bytes that break a format's rules belong to no part of it, and are told as such.
//!
//! | module | what |
//! |---|---|
//! | `walk` | a stream that is read from its start, with the place in it |
//! | `extent` | one piece of a file, and the fields in it |
//! | `cpio`, `tar` | the pieces of archives |
//! | `kernel`, `text` | those of kernels, and of texts |
//! | `zstd`, `gzip` | compressed streams: the piece, and what it unpacks to |
//! | `disk` | containers of disks: the field, or which bytes of the disk it is |
//! | `fields` | the fields of what disks, file systems and boot programs begin with |

mod cpio;
mod disk;
mod extent;
mod fields;
mod gzip;
mod kernel;
mod tar;
mod text;
mod walk;
mod zstd;

use std::io::{self, Read};
use std::ops::Range;

use kit_hash::BlobId;
use kit_tree::TreePath;

pub use self::disk::{Contained, in_disk};
pub use self::extent::Extent;
#[cfg(test)]
pub(crate) use self::fields::all_fields;
pub(crate) use self::fields::fields;
use self::walk::Walk;
use crate::compression::{Compression, Decoder};
use crate::limits::Limits;

/// Opens what is looked into, at its first byte; it may be opened several times.
pub type Open<'a> = &'a dyn Fn() -> io::Result<Box<dyn Read + 'a>>;

/// How many members a piece of a compressed stream names.
const NAMED: usize = 8;
/// Bytes by which a format is told.
const START: usize = 1024;

/// What a byte is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// Which file it is.
    pub format: String,
    /// The piece of the file that it is in.
    pub extent: Extent,
    /// What the piece unpacks to, where it is one of a compressed stream.
    pub unpacked: Option<Unpacked>,
    /// The content of the store that the piece came from.
    pub part: Option<Part>,
    /// What the byte is in what the piece holds.
    pub inner: Option<Inner>,
}

/// Which byte of which content a byte of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The content.
    pub blob: BlobId,
    /// The byte of it.
    pub offset: u64,
}

/// A byte of what a piece holds: of a file of an image layout, of a content, of the disk in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inner {
    /// Which byte of that it is.
    pub offset: u64,
    /// What that is.
    pub located: Box<Located>,
}

impl Located {
    /// Returns a piece of which nothing more is known.
    pub fn plain(format: impl Into<String>, extent: Extent) -> Self {
        Self { format: format.into(), extent, unpacked: None, part: None, inner: None }
    }

    /// Returns what is told of most precisely: the innermost.
    pub fn innermost(&self) -> &Self {
        self.inner.as_ref().map_or(self, |inner| inner.located.innermost())
    }
}

/// What a piece of a compressed stream unpacks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// Which bytes of the unpacked stream.
    pub range: Range<u64>,
    /// What the unpacked stream is.
    pub format: String,
    /// The pieces of it that have some of these bytes, the first few of them; whole members are one.
    pub members: Vec<TreePath>,
    /// Pieces of a disk that have some of these bytes, the first few of them, in words.
    pub pieces: Vec<String>,
    /// How many more members, or pieces, have some.
    pub more: usize,
}

/// Where members of an archive are that are the files of an image layout.
const BLOBS: &[u8] = b"blobs/";
/// How deep layouts are looked for in members.
const DEPTH: usize = 2;

/// Returns what the byte at an offset is; none where the file is shorter.
pub fn locate(open: Open<'_>, offset: u64) -> io::Result<Option<Located>> {
    deep(open, offset, DEPTH)
}

fn deep(open: Open<'_>, offset: u64, depth: usize) -> io::Result<Option<Located>> {
    let Some(found) = shallow(open, offset)? else { return Ok(None) };
    let Some(content) = blob_of(&found).filter(|_| depth > 0) else { return Ok(Some(found)) };
    let inner = || -> io::Result<Box<dyn Read + '_>> {
        let mut source = open()?;
        io::copy(&mut source.by_ref().take(content.start), &mut io::sink())?;
        Ok(Box::new(source.take(content.end - content.start)))
    };
    let at = offset - content.start;
    let inner = deep(&inner, at, depth - 1)?.map(|located| Inner { offset: at, located: Box::new(located) });
    Ok(Some(Located { inner, ..found }))
}

fn shallow(open: Open<'_>, offset: u64) -> io::Result<Option<Located>> {
    let start = start_of(open)?;
    match format(&start) {
        Format::Initrd => in_segments(open, offset),
        Format::Compressed(compression) => in_stream(open, 0, compression, offset),
        Format::Tar => {
            Ok(find(tar::Extents::new(open()?), offset)?.map(|extent| plain("tar archive", extent)))
        }
        Format::Kernel => {
            Ok(kernel::extent(&start, offset, length(open)?).map(|extent| plain("kernel", extent)))
        }
        Format::Text => Ok(text::extent(&mut *open()?, offset)?.map(|extent| plain("text", extent))),
        Format::Unknown => {
            let length = length(open)?;
            let extent = Extent::new("bytes of a format that isn't known here", 0..length);
            Ok((offset < length).then(|| plain("file", extent)))
        }
    }
}

/// The same, where the offset counts in what the file unpacks to; parts that aren't compressed count as they are.
pub fn locate_unpacked(open: Open<'_>, offset: u64) -> io::Result<Option<Located>> {
    let plain_length = crate::cpio::plain_length(&mut *open()?)?.unwrap_or(0);
    let unpacked = || -> io::Result<Box<dyn Read + '_>> {
        let mut before = open()?;
        let mut skipped = before.by_ref().take(plain_length);
        io::copy(&mut skipped, &mut io::sink())?;
        let rest = Decoder::sniff(before, &Limits::standard())?;
        Ok(Box::new(open()?.take(plain_length).chain(rest)))
    };
    locate(&unpacked, offset)
}

/// Returns where the content of a member is, where that is a file of an image layout: it can be looked into again.
fn blob_of(located: &Located) -> Option<Range<u64>> {
    let is_blob = located.extent.member.as_ref().is_some_and(|path| path.as_bytes().starts_with(BLOBS));
    (located.format == "tar archive" && is_blob && located.extent.is_content)
        .then(|| located.extent.range.clone())
}

enum Format {
    Initrd,
    Compressed(Compression),
    Tar,
    Kernel,
    Text,
    Unknown,
}

fn format(start: &[u8]) -> Format {
    if start.starts_with(cpio::BEGIN) {
        return Format::Initrd;
    }
    if start.get(257..262) == Some(b"ustar") {
        return Format::Tar;
    }
    match Compression::sniff(start) {
        Compression::None => {}
        compression => return Format::Compressed(compression),
    }
    if kernel::is_one(start) {
        return Format::Kernel;
    }
    let end = start.len().saturating_sub(3);
    let is_text = !start.is_empty()
        && !start.contains(&0)
        && (std::str::from_utf8(start).is_ok() || std::str::from_utf8(&start[..end]).is_ok());
    if is_text { Format::Text } else { Format::Unknown }
}

fn plain(format: &'static str, extent: Extent) -> Located {
    Located::plain(format, extent)
}

fn start_of(open: Open<'_>) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    open()?.take(START as u64).read_to_end(&mut start)?;
    Ok(start)
}

fn length(open: Open<'_>) -> io::Result<u64> {
    io::copy(&mut *open()?, &mut io::sink())
}

/// Returns the piece that has the byte at an offset, down to its field.
fn find(extents: impl Iterator<Item = io::Result<Extent>>, offset: u64) -> io::Result<Option<Extent>> {
    for extent in extents {
        let extent = extent?;
        if extent.range.contains(&offset) {
            return Ok(Some(extent.at(offset)));
        }
    }
    Ok(None)
}

/// Looks into archives that stand one behind the other; the last may be compressed.
fn in_segments(open: Open<'_>, offset: u64) -> io::Result<Option<Located>> {
    let mut extents = cpio::Extents::new(open()?);
    for extent in extents.by_ref() {
        let extent = extent?;
        if extent.range.contains(&offset) {
            return Ok(Some(plain("cpio archive", extent.at(offset))));
        }
    }
    match extents.behind() {
        Some((at, compression)) => in_stream(open, at, compression, offset),
        None => Ok(None),
    }
}

/// Looks into a compressed stream that begins at `begin`.
fn in_stream(
    open: Open<'_>,
    begin: u64,
    compression: Compression,
    offset: u64,
) -> io::Result<Option<Located>> {
    let source = || -> io::Result<Walk<'_>> {
        let mut walk = Walk::new(open()?);
        walk.skip(begin)?;
        Ok(walk)
    };
    let (format, piece) = match compression {
        Compression::Zstd => ("zstd stream", zstd::piece(source()?, offset)?),
        Compression::Gzip => ("gzip stream", gzip::piece(source()?, offset)?),
        Compression::Bzip2 | Compression::Xz | Compression::None => {
            let length = length(open)?;
            let name = if compression == Compression::Xz { "xz stream" } else { "bzip2 stream" };
            let extent = Extent::new("compressed data", begin..length);
            (name, (offset < length).then_some((extent, None)))
        }
    };
    let Some((extent, range)) = piece else { return Ok(None) };
    let unpacked = range.map(|range| {
        let mut walk = source()?;
        // What the walk has peeked at belongs to the stream.
        let decoder = Decoder::new(compression, walk.rest(), &Limits::standard())?;
        unpacked(Box::new(decoder), range)
    });
    Ok(Some(Located { unpacked: unpacked.transpose()?, ..Located::plain(format, extent) }))
}

/// Says which members of an archive some of its bytes are of.
fn unpacked(mut stream: Box<dyn Read + '_>, range: Range<u64>) -> io::Result<Unpacked> {
    let mut start = Vec::new();
    stream.by_ref().take(START as u64).read_to_end(&mut start)?;
    let format = format(&start);
    let whole: Box<dyn Read + '_> = Box::new(io::Cursor::new(start).chain(stream));
    let (name, mut extents): (_, Box<dyn Iterator<Item = io::Result<Extent>> + '_>) = match format {
        Format::Initrd => ("cpio archive", Box::new(cpio::Extents::new(whole))),
        Format::Tar => ("tar archive", Box::new(tar::Extents::new(whole))),
        Format::Compressed(_) | Format::Kernel | Format::Text | Format::Unknown => {
            let format = "stream".to_owned();
            return Ok(Unpacked { range, format, members: Vec::new(), pieces: Vec::new(), more: 0 });
        }
    };
    let (mut members, mut last, mut more): (Vec<TreePath>, Option<TreePath>, _) = (Vec::new(), None, 0);
    let is_before_end = |extent: &io::Result<Extent>| match extent {
        Ok(extent) => extent.range.start < range.end.max(range.start + 1),
        Err(_) => true,
    };
    while let Some(extent) = extents.next().filter(is_before_end) {
        let extent = extent?;
        if extent.range.end <= range.start || extent.member.is_none() || extent.member == last {
            continue;
        }
        last.clone_from(&extent.member);
        match extent.member {
            Some(member) if members.len() < NAMED => members.push(member),
            _ => more += 1,
        }
    }
    Ok(Unpacked { range, format: name.to_owned(), members, pieces: Vec::new(), more })
}

#[cfg(test)]
mod tests;
