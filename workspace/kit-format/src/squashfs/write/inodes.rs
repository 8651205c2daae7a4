//! Inodes and directories.

use std::collections::BTreeMap;

use kit_tree::path::PATH_MAX;
use kit_tree::{DeviceKind, Entry, Meta, Mode, Tree, TreePath};

use super::super::codec::Codec;
use super::super::metadata::{MetadataWriter, Position};
use super::super::{DOTS, NONE, SquashfsWriteError, kind};
use super::Owners;
use super::contents::Contents;
use super::listing::{Listed, Listing};
use super::xattrs::Xattrs;
use crate::stat::{is_device_number, pack_device};

/// Tells what an inode can't hold.
pub(super) fn check(tree: &Tree) -> Result<(), SquashfsWriteError> {
    let count = tree.entries().len();
    if u32::try_from(count).is_ok_and(|count| count < NONE) {
        tree.entries().try_for_each(|(path, entry)| check_entry(path, entry))
    } else {
        Err(SquashfsWriteError::Entries { count })
    }
}

fn check_entry(path: &TreePath, entry: &Entry) -> Result<(), SquashfsWriteError> {
    match entry {
        Entry::Symlink { target, .. } if !(1..=PATH_MAX).contains(&target.len()) => {
            Err(SquashfsWriteError::SymlinkTarget { path: path.clone(), length: target.len() })
        }
        Entry::Device { major, minor, .. } if !is_device_number(*major, *minor) => {
            Err(SquashfsWriteError::DeviceNumber { path: path.clone(), major: *major, minor: *minor })
        }
        Entry::Symlink { .. }
        | Entry::Device { .. }
        | Entry::Directory(_)
        | Entry::File { .. }
        | Entry::HardLink { .. }
        | Entry::Fifo(_) => Ok(()),
    }
}

/// The tables of inodes and directories.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) inodes: Vec<u8>,
    pub(super) directories: Vec<u8>,
    /// References by inode number.
    pub(super) export: Vec<u8>,
    pub(super) count: u32,
    pub(super) root: Position,
}

impl Tables {
    /// Writes the inodes of a tree that was checked.
    pub(super) fn of(
        tree: &Tree,
        mtime: u32,
        owners: &Owners,
        xattrs: &Xattrs<'_>,
        contents: &Contents,
        codec: &Codec,
    ) -> Result<Self, SquashfsWriteError> {
        let family = Family::of(tree);
        let mut writer = Writer {
            tree,
            mtime,
            owners,
            xattrs,
            contents,
            family: &family,
            placed: BTreeMap::new(),
            inodes: MetadataWriter::new("inode", codec),
            directories: MetadataWriter::new("directory", codec),
        };
        let directories = tree.entries().filter_map(|(path, entry)| match entry {
            Entry::Directory(meta) => Some((path, meta)),
            _ => None,
        });
        for (path, meta) in directories.rev() {
            writer.directory(path, meta)?;
        }
        let mut references = vec![0; family.numbers.len()];
        for (path, number) in &family.numbers {
            references[*number as usize - 1] = writer.placed[*path].reference();
        }
        Ok(Self {
            count: u32::try_from(references.len()).expect("because that was checked"),
            export: references.into_iter().flat_map(u64::to_le_bytes).collect(),
            root: writer.placed[&TreePath::root()],
            inodes: writer.inodes.finish()?,
            directories: writer.directories.finish()?,
        })
    }
}

/// Who belongs to whom.
#[derive(Debug)]
struct Family<'a> {
    /// Numbers of inodes, by their first path.
    numbers: BTreeMap<&'a TreePath, u32>,
    /// How many names a file with several has.
    names: BTreeMap<&'a TreePath, u32>,
    /// What is in a directory, in the order of names.
    children: BTreeMap<TreePath, Vec<(&'a TreePath, &'a Entry)>>,
}

impl<'a> Family<'a> {
    fn of(tree: &'a Tree) -> Self {
        let mut family = Self { numbers: BTreeMap::new(), names: BTreeMap::new(), children: BTreeMap::new() };
        let mut next = 1..;
        for (path, entry) in tree.entries() {
            if let Entry::HardLink { target } = entry {
                *family.names.entry(target).or_insert(1) += 1;
            } else {
                family.numbers.extend(next.next().map(|number| (path, number)));
            }
            if let Some(parent) = path.parent() {
                family.children.entry(parent).or_default().push((path, entry));
            }
        }
        family
    }

    fn children(&self, path: &TreePath) -> &[(&'a TreePath, &'a Entry)] {
        self.children.get(path).map_or(&[], Vec::as_slice)
    }
}

struct Writer<'a> {
    tree: &'a Tree,
    mtime: u32,
    owners: &'a Owners,
    xattrs: &'a Xattrs<'a>,
    contents: &'a Contents,
    family: &'a Family<'a>,
    /// Where the inodes are that were written, by their first path.
    placed: BTreeMap<&'a TreePath, Position>,
    inodes: MetadataWriter<'a>,
    directories: MetadataWriter<'a>,
}

impl<'a> Writer<'a> {
    /// Writes what is in a directory, its listing, and its inode.
    fn directory(&mut self, path: &'a TreePath, meta: &Meta) -> Result<(), SquashfsWriteError> {
        let family = self.family;
        let children = family.children(path);
        let mut names = Vec::with_capacity(children.len());
        let mut directories = 0;
        for (child, entry) in children {
            let file = if let Entry::HardLink { target } = entry { target } else { *child };
            if !self.placed.contains_key(file) {
                self.file(file)?;
            }
            directories += u32::from(entry.is_directory());
            names.push(Listed {
                name: last_name(child),
                kind: kind_of(entry),
                number: family.numbers[file],
                inode: self.placed[file],
            });
        }
        let listing = Listing::of(&names);
        let too_large = SquashfsWriteError::Directory { path: path.clone(), size: listing.bytes.len() };
        let size = u32::try_from(listing.bytes.len()).ok().and_then(|size| size.checked_add(DOTS));
        let (Some(size), Ok(marks)) = (size, u16::try_from(listing.marks.len())) else {
            return Err(too_large);
        };
        let start = self.directories.position();
        let index = self.listing(&listing)?;
        let xattrs = self.xattrs.number(&meta.xattrs);
        let parent = match path.parent() {
            Some(parent) => family.numbers[&parent],
            None => u32::try_from(family.numbers.len()).expect("because that was checked") + 1,
        };
        let links = directories + 2;
        let inode = match u16::try_from(size) {
            Ok(size) if xattrs == NONE && marks == 0 => {
                let mut inode = self.head(path, kind::DIRECTORY, meta);
                inode.extend(start.block.to_le_bytes());
                inode.extend(links.to_le_bytes());
                inode.extend(size.to_le_bytes());
                inode.extend(start.offset.to_le_bytes());
                inode.extend(parent.to_le_bytes());
                inode
            }
            _ => {
                let mut inode = self.head(path, kind::DIRECTORY + kind::EXTENDED, meta);
                for number in [links, size, start.block, parent] {
                    inode.extend(number.to_le_bytes());
                }
                inode.extend(marks.to_le_bytes());
                inode.extend(start.offset.to_le_bytes());
                inode.extend(xattrs.to_le_bytes());
                inode.extend(index);
                inode
            }
        };
        self.place(path, &inode)
    }

    /// Writes a listing; returns the index for the directory's inode.
    fn listing(&mut self, listing: &Listing<'_>) -> Result<Vec<u8>, SquashfsWriteError> {
        let mut index = Vec::new();
        let mut written = 0;
        for mark in &listing.marks {
            self.directories.add(&listing.bytes[written..mark.at])?;
            written = mark.at;
            let because = "because the listing's length was checked";
            index.extend(u32::try_from(mark.at).expect(because).to_le_bytes());
            index.extend(self.directories.position().block.to_le_bytes());
            index.extend(u32::try_from(mark.name.len() - 1).expect(because).to_le_bytes());
            index.extend_from_slice(mark.name);
        }
        self.directories.add(&listing.bytes[written..])?;
        Ok(index)
    }

    /// Writes the inode of anything but a directory.
    fn file(&mut self, path: &'a TreePath) -> Result<(), SquashfsWriteError> {
        let entry = self.tree.get(path).expect("because it is a path of the tree");
        let inode = match entry {
            Entry::File { meta, blob, size } => {
                let place = self.contents.place(*blob, *size);
                let links = self.family.names.get(path).copied().unwrap_or(1);
                self.regular(path, meta, &place, *size, links)
            }
            Entry::Symlink { uid, gid, target } => {
                let mode = Mode::from_st_mode(0o777);
                let meta = Meta { uid: *uid, gid: *gid, ..Meta::root(mode) };
                let mut inode = self.head(path, kind::SYMLINK, &meta);
                let length = u32::try_from(target.len()).expect("because that was checked");
                inode.extend(1_u32.to_le_bytes());
                inode.extend(length.to_le_bytes());
                inode.extend_from_slice(target);
                inode
            }
            Entry::Device { meta, major, minor, .. } => {
                self.special(path, kind_of(entry), meta, Some(pack_device(*major, *minor)))
            }
            Entry::Fifo(meta) => self.special(path, kind::FIFO, meta, None),
            Entry::Directory(_) | Entry::HardLink { .. } => {
                unreachable!(
                    "because directories are written before what they are in, and links are resolved"
                )
            }
        };
        self.place(path, &inode)
    }

    fn regular(
        &self,
        path: &TreePath,
        meta: &Meta,
        place: &super::contents::Place,
        size: u64,
        links: u32,
    ) -> Vec<u8> {
        let xattrs = self.xattrs.number(&meta.xattrs);
        let (fragment, offset) = place.fragment.unwrap_or((NONE, 0));
        let short = u32::try_from(place.start).ok().zip(u32::try_from(size).ok());
        let mut inode = match short {
            Some((start, size)) if links == 1 && xattrs == NONE && place.zeros == 0 => {
                let mut inode = self.head(path, kind::FILE, meta);
                for number in [start, fragment, offset, size] {
                    inode.extend(number.to_le_bytes());
                }
                inode
            }
            _ => {
                let mut inode = self.head(path, kind::FILE + kind::EXTENDED, meta);
                for number in [place.start, size, place.zeros] {
                    inode.extend(number.to_le_bytes());
                }
                for number in [links, fragment, offset, xattrs] {
                    inode.extend(number.to_le_bytes());
                }
                inode
            }
        };
        inode.extend(place.sizes.iter().flat_map(|size| size.to_le_bytes()));
        inode
    }

    fn special(&self, path: &TreePath, kind: u16, meta: &Meta, device: Option<u32>) -> Vec<u8> {
        let xattrs = self.xattrs.number(&meta.xattrs);
        let extended = if xattrs == NONE { 0 } else { kind::EXTENDED };
        let mut inode = self.head(path, kind + extended, meta);
        inode.extend(1_u32.to_le_bytes());
        inode.extend(device.into_iter().flat_map(u32::to_le_bytes));
        if extended > 0 {
            inode.extend(xattrs.to_le_bytes());
        }
        inode
    }

    /// Returns what all inodes begin with.
    fn head(&self, path: &TreePath, kind: u16, meta: &Meta) -> Vec<u8> {
        let mode = u16::try_from(meta.mode.bits()).expect("because a mode has twelve bits");
        let mut bytes = Vec::new();
        for number in [kind, mode, self.owners.index(meta.uid), self.owners.index(meta.gid)] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.mtime.to_le_bytes());
        bytes.extend(self.family.numbers[path].to_le_bytes());
        bytes
    }

    fn place(&mut self, path: &'a TreePath, inode: &[u8]) -> Result<(), SquashfsWriteError> {
        self.placed.insert(path, self.inodes.position());
        self.inodes.add(inode)
    }
}

/// Returns the kind of a name's inode, in its basic form.
fn kind_of(entry: &Entry) -> u16 {
    match entry {
        Entry::Directory(_) => kind::DIRECTORY,
        Entry::File { .. } | Entry::HardLink { .. } => kind::FILE,
        Entry::Symlink { .. } => kind::SYMLINK,
        Entry::Device { kind: DeviceKind::Block, .. } => kind::BLOCK,
        Entry::Device { kind: DeviceKind::Char, .. } => kind::CHAR,
        Entry::Fifo(_) => kind::FIFO,
    }
}

fn last_name(path: &TreePath) -> &[u8] {
    let bytes = path.as_bytes();
    bytes.iter().rposition(|byte| *byte == b'/').map_or(bytes, |slash| &bytes[slash + 1..])
}
