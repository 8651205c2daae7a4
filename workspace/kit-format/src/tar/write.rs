//! A tree as the one archive that there is for it.
//!
//! Members stand in path order, the root first as `./`, directories with a slash at their end. Of each: a ustar header with
//! `mode & 07777`, numeric owners, no names, the source date; device numbers are zero except on devices; a hard link names the first path of
//! its file. A PAX header stands before it only where ustar can't hold a value: a name of more than 100 bytes that no slash splits into
//! 155 and 100, a link of more than 100, an owner over 2097151, a size of 8 GiB or more, extended attributes. Its records are sorted by
//! key, its own name is `././@PaxHeader`. Names that aren't UTF-8 stand there as they are, as in GNU tar. Two blocks of zeros end it.

use std::io::{self, Read, Write};

use kit_tree::{Blobs, DeviceKind, Entry, Meta, Mode, Tree, TreePath};

use super::header::{self, HeaderBlock};
use super::pax::{self, push_record};
use super::{BLOCK, TarWriteError};
use crate::members::{self, Member, MemberStream};

/// Names the exact bytes that this writer makes of a tree.
pub const REVISION: u32 = 1;

/// Reads a tree as an archive.
#[derive(Debug)]
pub struct TarStream<'a> {
    stream: MemberStream<'a>,
    len: u64,
}

impl<'a> TarStream<'a> {
    /// Lays the archive out; `mtime` is the source date in seconds since 1970.
    pub fn new(tree: &'a Tree, blobs: &'a dyn Blobs, mtime: u32) -> Result<Self, TarWriteError> {
        let mut len = trailer().len(BLOCK as u64);
        for (path, entry) in tree.entries() {
            len += member(tree, path, entry, mtime)?.len(BLOCK as u64);
        }
        let members = tree.entries().map(move |(path, entry)| {
            member(tree, path, entry, mtime).expect("because every member was laid out before")
        });
        let members = members.chain(std::iter::once_with(trailer));
        Ok(Self { stream: MemberStream::new(members, blobs, BLOCK as u64), len })
    }

    /// Bytes of the whole archive.
    pub fn total_len(&self) -> u64 {
        self.len
    }
}

impl Read for TarStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

/// Writes a tree as an archive; `mtime` is the source date in seconds since 1970.
pub fn write_tar(
    tree: &Tree,
    blobs: &dyn Blobs,
    mtime: u32,
    out: &mut dyn Write,
) -> Result<(), TarWriteError> {
    Ok(members::copy(TarStream::new(tree, blobs, mtime)?, out)?)
}

fn trailer() -> Member {
    Member { header: vec![0; 2 * BLOCK], content: None }
}

/// Lays out one member.
fn member(tree: &Tree, path: &TreePath, entry: &Entry, mtime: u32) -> Result<Member, TarWriteError> {
    let (kind, link) = kind_and_link(entry);
    let mut fields = Fields { header: HeaderBlock::new(kind), records: Vec::new() };
    fields.name(&member_name(path, kind));
    fields.link(link);
    fields.header.set_number(header::MTIME, u64::from(mtime));
    // A link repeats all of its file: programs that extract it set owner and mode again, which loses capabilities.
    match tree.inode(path).expect("because the path is one of the tree's") {
        Entry::Symlink { uid, gid, .. } => {
            let mode = Mode::from_st_mode(0o777);
            fields.meta(path, &Meta { uid: *uid, gid: *gid, ..Meta::root(mode) })?;
        }
        inode => fields.meta(path, inode.meta().expect("because only links have none"))?,
    }
    let content = match entry {
        Entry::File { blob, size, .. } => Some((*blob, *size)),
        _ => None,
    };
    fields.number("size", header::SIZE, content.map_or(0, |(_, size)| size));
    if let Entry::Device { major, minor, .. } = entry {
        let major = fields.header.set_number(header::MAJOR, u64::from(*major));
        let minor = fields.header.set_number(header::MINOR, u64::from(*minor));
        if !major || !minor {
            return Err(TarWriteError::DeviceNumber { path: path.clone() });
        }
    }
    Ok(Member { header: fields.finish(mtime), content })
}

/// Returns the type flag and what the member points to.
fn kind_and_link(entry: &Entry) -> (u8, &[u8]) {
    match entry {
        Entry::File { .. } => (b'0', &[]),
        Entry::HardLink { target } => (b'1', target.as_bytes()),
        Entry::Symlink { target, .. } => (b'2', target),
        Entry::Device { kind: DeviceKind::Char, .. } => (b'3', &[]),
        Entry::Device { kind: DeviceKind::Block, .. } => (b'4', &[]),
        Entry::Directory(_) => (b'5', &[]),
        Entry::Fifo(_) => (b'6', &[]),
    }
}

/// `./` for the root, a slash at the end of a directory.
fn member_name(path: &TreePath, kind: u8) -> Vec<u8> {
    match (path.is_root(), kind) {
        (true, _) => b"./".to_vec(),
        (false, b'5') => [path.as_bytes(), b"/"].concat(),
        (false, _) => path.as_bytes().to_vec(),
    }
}

/// A header being filled, with the records for what doesn't fit.
struct Fields {
    header: HeaderBlock,
    records: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Fields {
    fn name(&mut self, name: &[u8]) {
        if name.len() <= header::NAME.len() {
            self.header.set_text(header::NAME, name);
        } else if let Some((prefix, name)) = split(name) {
            self.header.set_text(header::PREFIX, prefix);
            self.header.set_text(header::NAME, name);
        } else {
            self.header.set_text(header::NAME, name);
            self.records.push((b"path".to_vec(), name.to_vec()));
        }
    }

    fn link(&mut self, link: &[u8]) {
        self.header.set_text(header::LINK, link);
        if link.len() > header::LINK.len() {
            self.records.push((b"linkpath".to_vec(), link.to_vec()));
        }
    }

    fn meta(&mut self, path: &TreePath, meta: &Meta) -> Result<(), TarWriteError> {
        self.header.set_number(header::MODE, u64::from(meta.mode.bits()));
        self.number("uid", header::UID, u64::from(meta.uid));
        self.number("gid", header::GID, u64::from(meta.gid));
        for (name, value) in &meta.xattrs {
            if name.contains(&b'=') {
                return Err(TarWriteError::AttributeName { path: path.clone() });
            }
            self.records.push(([pax::XATTR, name].concat(), value.clone()));
        }
        Ok(())
    }

    fn number(&mut self, key: &str, field: std::ops::Range<usize>, value: u64) {
        if !self.header.set_number(field, value) {
            self.records.push((key.as_bytes().to_vec(), value.to_string().into_bytes()));
        }
    }

    /// Returns the header, with the PAX header before it if there are records.
    fn finish(mut self, mtime: u32) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BLOCK);
        if !self.records.is_empty() {
            self.records.sort();
            let mut records = Vec::new();
            for (key, value) in &self.records {
                push_record(&mut records, key, value);
            }
            let mut before = HeaderBlock::new(b'x');
            before.set_text(header::NAME, b"././@PaxHeader");
            before.set_number(header::MODE, 0o644);
            before.set_number(header::MTIME, u64::from(mtime));
            before.set_number(header::SIZE, records.len() as u64);
            bytes.extend_from_slice(&before.finish());
            records.resize(records.len().next_multiple_of(BLOCK), 0);
            bytes.extend_from_slice(&records);
        }
        bytes.extend_from_slice(&self.header.finish());
        bytes
    }
}

/// Splits a name at the last slash that leaves at most 155 bytes before it; none when more than 100 remain, or nothing.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = name.len().min(header::PREFIX.len() + 1);
    let slash = name[..end].iter().rposition(|b| *b == b'/')?;
    let (prefix, rest) = (&name[..slash], &name[slash + 1..]);
    (!prefix.is_empty() && (1..=header::NAME.len()).contains(&rest.len())).then_some((prefix, rest))
}
