//! Hostile archives into a tree.
//!
//! The directory at the end decides; each member's own header must agree with it. Members that share bytes are refused, so that
//! an archive can't unpack to more than its bytes can hold. Nothing is ever written through a link, because nothing is written at
//! all: content goes to the sink, and the rest becomes data.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use kit_hash::BlobId;
use kit_tree::draft::{Draft, File, Node};
use kit_tree::{BlobSink, Entry, Meta, Mode, Tree, TreeError, TreePath};

use super::ZipError;
use super::directory::{self, Member, u16_at, u32_at};
use crate::limits::{LimitError, Limits};

/// A member's own header without its name and extra field.
const HEADER: usize = 30;
/// Flags of an encrypted member, one way or the other.
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
/// The longest target of a symbolic link.
const TARGET: u64 = 4095;
/// Systems whose attributes hold a Unix mode.
const UNIX: [u8; 2] = [3, 19];

/// Reads an archive; content goes to `sink`. Missing parents become directories with mode 0755 of root, to whom everything
/// belongs.
pub fn read_zip(
    mut reader: impl Read + Seek,
    sink: &dyn BlobSink,
    limits: &Limits,
) -> Result<Tree, ZipError> {
    let directory = directory::read(&mut reader, limits)?;
    check_sizes(&directory.members, limits)?;
    let mut members: Vec<_> = directory.members.iter().collect();
    members.sort_by_key(|member| member.offset);
    let mut draft = Draft::default();
    for (at, member) in members.iter().enumerate() {
        let next = members.get(at + 1).map_or(directory.start, |next| next.offset);
        let path = path(member)?;
        let start = find_content(&mut reader, member)?;
        if start.checked_add(member.compressed).is_none_or(|end| end > next) {
            return Err(ZipError::Overlap { member: member.shown() });
        }
        reader.seek(SeekFrom::Start(start))?;
        let node = node(&mut reader, member, sink, &mut draft)?;
        if path.is_root() && node == Node::Other(Entry::directory()) {
            continue;
        }
        if draft.get(&path).is_some() || path.is_root() {
            return Err(ZipError::Duplicate { member: member.shown() });
        }
        draft.insert(path, node);
    }
    draft.finish().map_err(|error| match error {
        TreeError::ParentNotDirectory { path, parent } => {
            ZipError::BelowNonDirectory { member: path, parent }
        }
        error => unreachable!("because a draft has no dangling links: {error}"),
    })
}

/// Refuses what the directory itself says is too much; contents are held to it later.
fn check_sizes(members: &[Member], limits: &Limits) -> Result<(), ZipError> {
    let (mut total, mut taken) = (0u64, 0u64);
    for member in members {
        total = total.saturating_add(member.size);
        taken = taken.saturating_add(member.compressed);
        let over = if member.size > limits.file_bytes {
            LimitError::FileBytes { size: member.size, limit: limits.file_bytes }
        } else if total > limits.total_bytes {
            LimitError::TotalBytes { limit: limits.total_bytes }
        } else if total > Limits::RATIO_FLOOR && total / limits.ratio > taken {
            LimitError::Ratio { limit: limits.ratio }
        } else {
            continue;
        };
        return Err(ZipError::Limit { member: member.shown(), source: over });
    }
    Ok(())
}

fn path(member: &Member) -> Result<TreePath, ZipError> {
    if !UNIX.contains(&member.host) && member.name.contains(&b'\\') {
        return Err(ZipError::Backslash { member: member.shown() });
    }
    let path = match member.name.as_slice() {
        [] => Err(kit_tree::PathError::Empty),
        name => TreePath::from_archive(name),
    };
    path.map_err(|source| ZipError::Path { member: member.shown(), source })
}

/// Checks a member's own header; returns where its content begins.
fn find_content(reader: &mut (impl Read + Seek), member: &Member) -> Result<u64, ZipError> {
    let wrong = |problem| ZipError::Header { member: member.shown(), problem };
    reader.seek(SeekFrom::Start(member.offset))?;
    let mut header = [0; HEADER];
    let read = reader.read_exact(&mut header);
    read.map_err(|error| if ends(&error) { wrong("it lies behind the end") } else { error.into() })?;
    if !header.starts_with(b"PK\x03\x04") {
        return Err(wrong("there is none"));
    }
    if (member.flags | u16_at(&header, 6)) & ENCRYPTED != 0 {
        return Err(ZipError::Encrypted { member: member.shown() });
    }
    if u16_at(&header, 8) != member.method {
        return Err(wrong("it is compressed in another way"));
    }
    // Sizes that weren't known when it was written follow the content.
    let follows = u16_at(&header, 6) & 1 << 3 != 0;
    if !follows && u32_at(&header, 14) != member.crc {
        return Err(wrong("it has another checksum"));
    }
    let mut name = vec![0; u16_at(&header, 26).into()];
    let read = reader.read_exact(&mut name);
    read.map_err(|error| if ends(&error) { wrong("it lies behind the end") } else { error.into() })?;
    if name != member.name {
        return Err(wrong("it has another name"));
    }
    let extra = u64::from(u16_at(&header, 28));
    Ok(member.offset + HEADER as u64 + name.len() as u64 + extra)
}

fn ends(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
}

/// Reads what a member is, with its content, from where that begins.
fn node(
    reader: &mut impl Read,
    member: &Member,
    sink: &dyn BlobSink,
    draft: &mut Draft,
) -> Result<Node, ZipError> {
    let mode = if UNIX.contains(&member.host) { member.attributes >> 16 } else { 0 };
    let slash = member.name.ends_with(b"/");
    match mode & 0o170_000 {
        0o040_000 | 0 if slash => {
            if member.size != 0 {
                return Err(ZipError::Content { member: member.shown(), problem: "a directory has none" });
            }
            Ok(Node::Other(Entry::directory()))
        }
        0o100_000 | 0 if !slash => {
            let permissions = match mode & 0o777 {
                0 => Mode::FILE,
                bits => Mode::from_st_mode(bits),
            };
            let blob = content(reader, member, &mut |content| sink.put(content))?;
            Ok(draft.add_file(File { meta: Meta::root(permissions), blob, size: member.size }))
        }
        0o120_000 if !slash => {
            let wrong = || ZipError::Target { member: member.shown() };
            if member.size > TARGET {
                return Err(wrong());
            }
            let mut target = Vec::new();
            content(reader, member, &mut |content| {
                content.read_to_end(&mut target)?;
                Ok((BlobId::of(&target), target.len() as u64))
            })?;
            if target.is_empty() || target.contains(&0) {
                return Err(wrong());
            }
            Ok(Node::Other(Entry::symlink(target)))
        }
        _ => Err(ZipError::Kind { member: member.shown() }),
    }
}

type Put<'a> = &'a mut dyn FnMut(&mut dyn Read) -> io::Result<(BlobId, u64)>;

/// Hands a member's content out, uncompressed, and holds it against the directory.
fn content(reader: &mut impl Read, member: &Member, put: Put<'_>) -> Result<BlobId, ZipError> {
    let compressed = BufReader::new(reader.take(member.compressed));
    match member.method {
        0 => checked(compressed, member, put).map(|(blob, _)| blob),
        8 => {
            let (blob, decoder) = checked(DeflateDecoder::new(compressed), member, put)?;
            if decoder.total_in() == member.compressed {
                return Ok(blob);
            }
            Err(ZipError::Content { member: member.shown(), problem: "something follows its end" })
        }
        method => Err(ZipError::Method { member: member.shown(), method }),
    }
}

fn checked<R: Read>(reader: R, member: &Member, put: Put<'_>) -> Result<(BlobId, R), ZipError> {
    let mut checked = Checked { reader, member, crc: Crc::new(), left: member.size, failure: None };
    let result = put(&mut checked);
    if let Some(failure) = checked.failure {
        return Err(failure);
    }
    let (blob, _) = result.map_err(|source| ZipError::Keep { member: member.shown(), source })?;
    Ok((blob, checked.reader))
}

/// Content that must have the size and the checksum that the directory says.
struct Checked<'a, R> {
    reader: R,
    member: &'a Member,
    crc: Crc,
    left: u64,
    failure: Option<ZipError>,
}

impl<R: Read> Checked<'_, R> {
    fn step(&mut self, buffer: &mut [u8]) -> Result<usize, ZipError> {
        let damaged = |problem| ZipError::Content { member: self.member.shown(), problem };
        let count = loop {
            match self.reader.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Deflate's own errors are the archive's, all others those of the disk.
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) =>
                {
                    return Err(damaged("it isn't deflated"));
                }
                Err(error) if ends(&error) => return Err(damaged("it ends too early")),
                other => break other?,
            }
        };
        self.left =
            self.left.checked_sub(count as u64).ok_or_else(|| damaged("it is longer than it says"))?;
        self.crc.update(&buffer[..count]);
        if count == 0 && self.left > 0 {
            return Err(damaged("it ends too early"));
        }
        if count == 0 && self.crc.sum() != self.member.crc {
            return Err(damaged("its checksum is another one"));
        }
        Ok(count)
    }
}

impl<R: Read> Read for Checked<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.step(buffer).map_err(|failure| {
            self.failure = Some(failure);
            io::Error::new(io::ErrorKind::InvalidData, "the archive can't be read")
        })
    }
}
