//! A tree as the one archive that there is for it.
//!
//! Members stand in path order, the root first as `.`, names without `./`. Inode numbers count from 1 in that order, the link count is
//! that of the file's names (2 for directories, 1 else), the device is 0, the mtime is the source date.

use std::collections::BTreeMap;
use std::io::{self, Read};

use kit_tree::path::PATH_MAX;
use kit_tree::{Blobs, Entry, Meta, Mode, Tree, TreePath};

use super::{ALIGNMENT, HEADER, MAGIC, ROOT, TRAILER};
use crate::members::{Member, MemberStream};
use crate::stat::{FileType, is_device_number};

/// Names the exact bytes that this writer makes of a tree.
pub const REVISION: u32 = 1;

/// Why a tree can't be written as a cpio archive that the kernel unpacks to the same tree.
#[derive(Debug, thiserror::Error)]
pub enum CpioWriteError {
    /// A file of 4 GiB or more.
    #[error("`{path}` has {size} bytes; cpio holds less than 4 GiB")]
    FileSize {
        /// The file.
        path: TreePath,
        /// Its length.
        size: u64,
    },
    /// Extended attributes, which cpio doesn't have.
    #[error("`{path}` has the extended attribute `{name}`, which cpio can't hold")]
    Xattr {
        /// The member.
        path: TreePath,
        /// Name of the attribute.
        name: String,
    },
    /// The name that ends an archive.
    #[error("a file named `{path}` would end the archive")]
    Trailer {
        /// The member.
        path: TreePath,
    },
    /// A symbolic link that the kernel skips in silence: empty, or longer than 4095 bytes.
    #[error("the symbolic link `{path}` points to {length} bytes, not to 1 to 4095")]
    SymlinkTarget {
        /// The link.
        path: TreePath,
        /// Bytes of its target.
        length: usize,
    },
    /// A device number that the kernel would cut.
    #[error("the device number {major},{minor} of `{path}` is larger than Linux has them")]
    DeviceNumber {
        /// The device.
        path: TreePath,
        /// Its major number.
        major: u32,
        /// Its minor number.
        minor: u32,
    },
}

/// Reads a tree as an archive.
#[derive(Debug)]
pub struct CpioStream<'a> {
    stream: MemberStream<'a>,
    len: u64,
}

impl<'a> CpioStream<'a> {
    /// Lays the archive out; `mtime` is the source date in seconds since 1970.
    pub fn new(tree: &'a Tree, blobs: &'a dyn Blobs, mtime: u32) -> Result<Self, CpioWriteError> {
        let mut numbering = Numbering::of(tree);
        let mut len = trailer().len(ALIGNMENT);
        for (path, entry) in tree.entries() {
            len += member(tree, path, entry, numbering.next(path, entry), mtime)?.len(ALIGNMENT);
        }
        let mut numbering = Numbering::of(tree);
        let members = tree.entries().map(move |(path, entry)| {
            let inode = numbering.next(path, entry);
            member(tree, path, entry, inode, mtime).expect("because every member was laid out before")
        });
        let members = members.chain(std::iter::once_with(trailer));
        Ok(Self { stream: MemberStream::new(members, blobs, ALIGNMENT), len })
    }

    /// Bytes of the whole archive.
    pub fn total_len(&self) -> u64 {
        self.len
    }
}

impl Read for CpioStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

/// An inode's number and how many names it has.
#[derive(Clone, Copy)]
struct Inode {
    number: u32,
    links: u32,
}

/// Numbers inodes in path order.
struct Numbering<'a> {
    last: u32,
    /// Files with several names: how many, and the number once it is known.
    linked: BTreeMap<&'a TreePath, Inode>,
}

impl<'a> Numbering<'a> {
    fn of(tree: &'a Tree) -> Self {
        let mut linked = BTreeMap::new();
        for (_, entry) in tree.entries() {
            if let Entry::HardLink { target } = entry {
                linked.entry(target).or_insert(Inode { number: 0, links: 1 }).links += 1;
            }
        }
        Self { last: 0, linked }
    }

    fn next(&mut self, path: &TreePath, entry: &Entry) -> Inode {
        if let Entry::HardLink { target } = entry {
            return self.linked[target];
        }
        self.last += 1;
        match self.linked.get_mut(path) {
            Some(inode) => {
                inode.number = self.last;
                *inode
            }
            None => Inode { number: self.last, links: if entry.is_directory() { 2 } else { 1 } },
        }
    }
}

/// Lays out one member.
fn member(
    tree: &Tree,
    path: &TreePath,
    entry: &Entry,
    inode: Inode,
    mtime: u32,
) -> Result<Member, CpioWriteError> {
    let name = if path.is_root() { ROOT } else { path.as_bytes() };
    if name == TRAILER {
        return Err(CpioWriteError::Trailer { path: path.clone() });
    }
    let mut meta = tree.inode(path).and_then(Entry::meta).cloned().unwrap_or(Meta::root(symlink_mode()));
    if let Some(attribute) = meta.xattrs.keys().next() {
        let name = kit_tree::path::Escaped(attribute).to_string();
        return Err(CpioWriteError::Xattr { path: path.clone(), name });
    }
    let mut fields = Fields { inode, mtime, ..Fields::default() };
    let mut content = None;
    let mut target: &[u8] = &[];
    match entry {
        Entry::File { blob, size, .. } => {
            fields.size = length(path, *size)?;
            content = Some((*blob, *size));
        }
        Entry::Symlink { uid, gid, target: points_to } => {
            (meta.uid, meta.gid) = (*uid, *gid);
            target = points_to;
            fields.size = symlink_length(path, target)?;
        }
        Entry::Device { major, minor, .. } => fields.device = device_number(path, *major, *minor)?,
        Entry::Directory(_) | Entry::HardLink { .. } | Entry::Fifo(_) => {}
    }
    fields.mode = u32::from(FileType::of(entry).bits()) | meta.mode.bits();
    (fields.uid, fields.gid) = (meta.uid, meta.gid);
    let mut header = fields.header(name);
    header.extend_from_slice(target);
    pad(&mut header);
    Ok(Member { header, content })
}

fn symlink_mode() -> Mode {
    Mode::from_st_mode(0o777)
}

fn length(path: &TreePath, size: u64) -> Result<u32, CpioWriteError> {
    u32::try_from(size).map_err(|_| CpioWriteError::FileSize { path: path.clone(), size })
}

fn symlink_length(path: &TreePath, target: &[u8]) -> Result<u32, CpioWriteError> {
    let length = target.len();
    u32::try_from(length)
        .ok()
        .filter(|_| (1..=PATH_MAX).contains(&length))
        .ok_or_else(|| CpioWriteError::SymlinkTarget { path: path.clone(), length })
}

fn device_number(path: &TreePath, major: u32, minor: u32) -> Result<(u32, u32), CpioWriteError> {
    if is_device_number(major, minor) {
        Ok((major, minor))
    } else {
        Err(CpioWriteError::DeviceNumber { path: path.clone(), major, minor })
    }
}

fn trailer() -> Member {
    let inode = Inode { number: 0, links: 1 };
    let mut header = Fields { inode, ..Fields::default() }.header(TRAILER);
    pad(&mut header);
    Member { header, content: None }
}

impl Default for Inode {
    fn default() -> Self {
        Self { number: 0, links: 1 }
    }
}

/// The numbers of a header that can differ.
#[derive(Default)]
struct Fields {
    inode: Inode,
    mode: u32,
    uid: u32,
    gid: u32,
    mtime: u32,
    size: u32,
    device: (u32, u32),
}

impl Fields {
    /// Returns header and name, padded.
    fn header(&self, name: &[u8]) -> Vec<u8> {
        let name_size = u32::try_from(name.len() + 1).expect("because a path has at most 4095 bytes");
        let numbers = [
            self.inode.number,
            self.mode,
            self.uid,
            self.gid,
            self.inode.links,
            self.mtime,
            self.size,
            0,
            0,
            self.device.0,
            self.device.1,
            name_size,
            0,
        ];
        let mut header = Vec::with_capacity(HEADER + name.len() + 4);
        header.extend_from_slice(MAGIC);
        for number in numbers {
            header.extend_from_slice(format!("{number:08x}").as_bytes());
        }
        header.extend_from_slice(name);
        header.push(0);
        pad(&mut header);
        header
    }
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}
