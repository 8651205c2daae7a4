//! File systems of numbered inodes into trees: what readers of EROFS and ext4 have in common.
//!
//! A directory is read once, a file once for all its names. What all that costs is bounded by [`Limits`].

mod content;
mod error;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use kit_tree::draft::{Draft, File, Node};
use kit_tree::path::PATH_MAX;
use kit_tree::{BlobSink, Entry, FileName, Meta, Mode, Tree, TreePath};

use self::content::Content;
pub(crate) use self::content::Span;
pub use self::error::EntryError;
use crate::limits::{Budget, Limits};
use crate::stat::FileType;

/// What every inode says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stat {
    /// Type and permissions.
    pub(crate) mode: u16,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Bytes of its content.
    pub(crate) size: u64,
}

/// A file system of numbered inodes.
///
/// Paths are only there to say in errors what is read.
pub(crate) trait Inodes {
    type Error: From<EntryError> + From<io::Error>;
    type Inode;
    /// Where bytes are that don't stand there as they are.
    type Packed: Copy;

    /// Reads an inode.
    fn inode(&mut self, path: &TreePath, number: u64) -> Result<Self::Inode, Self::Error>;

    fn stat(inode: &Self::Inode) -> Stat;

    /// Returns the driver's number and the device's.
    fn device(inode: &Self::Inode) -> (u32, u32);

    /// Returns the target of a symbolic link, if it stands in the inode.
    fn inline_target(_inode: &Self::Inode) -> Option<&[u8]> {
        None
    }

    /// Reads the extended attributes.
    fn xattrs(
        &mut self,
        path: &TreePath,
        inode: &Self::Inode,
        budget: &mut Budget<'_>,
    ) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Self::Error>;

    /// Returns where the content is.
    fn spans(
        &mut self,
        path: &TreePath,
        inode: &Self::Inode,
        budget: &mut Budget<'_>,
    ) -> Result<Vec<Span<Self::Packed>>, Self::Error>;

    /// Takes the content of a directory apart: names, and the numbers of their inodes.
    fn names<'a>(
        &self,
        path: &TreePath,
        inode: &Self::Inode,
        content: &'a [u8],
    ) -> Result<Vec<(&'a [u8], u64)>, Self::Error>;

    /// Fills `buffer` from a place.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), Self::Error>;

    /// Makes the bytes of a span from what is stored.
    fn unpack(&mut self, path: &TreePath, packed: Self::Packed) -> Result<Vec<u8>, Self::Error>;

    /// Returns the error that says what isn't read, in the plural.
    fn unsupported(what: &'static str) -> Self::Error;
}

/// Reads all that is below the inode `root`; contents go to `sink`.
pub(crate) fn read<I: Inodes>(
    inodes: I,
    root: u64,
    limits: &Limits,
    sink: &dyn BlobSink,
) -> Result<Tree, I::Error> {
    let mut walk = Walk {
        inodes,
        sink,
        budget: Budget::new(limits),
        waiting: vec![(TreePath::root(), root)],
        files: BTreeMap::new(),
        directories: BTreeSet::new(),
        draft: Draft::default(),
    };
    while let Some((path, number)) = walk.waiting.pop() {
        walk.take(path, number)?;
    }
    Ok(walk.draft.finish().expect("because everything was found in a directory"))
}

struct Walk<'a, I> {
    inodes: I,
    sink: &'a dyn BlobSink,
    budget: Budget<'a>,
    /// What is named and not read yet.
    waiting: Vec<(TreePath, u64)>,
    files: BTreeMap<u64, Node>,
    directories: BTreeSet<u64>,
    draft: Draft,
}

impl<I: Inodes> Walk<'_, I> {
    fn take(&mut self, path: TreePath, number: u64) -> Result<(), I::Error> {
        if let Some(known) = self.files.get(&number) {
            self.draft.insert(path, known.clone());
            return Ok(());
        }
        let inode = self.inodes.inode(&path, number)?;
        let Stat { mode, uid, gid, size } = I::stat(&inode);
        let kind = FileType::of_mode(mode.into());
        if path.is_root() && kind != Some(FileType::Directory) {
            return Err(EntryError::damaged(&path, "the root is no directory").into());
        }
        let xattrs = self.inodes.xattrs(&path, &inode, &mut self.budget)?;
        let meta = Meta { mode: Mode::from_st_mode(mode.into()), uid, gid, xattrs };
        let node = match kind {
            Some(FileType::File) => {
                self.budget.content(size).map_err(EntryError::limit(&path))?;
                let sink = self.sink;
                let blob = self.content(&path, &inode)?.keep(sink, size)?;
                let node = self.draft.add_file(File { meta, blob, size });
                self.files.insert(number, node.clone());
                node
            }
            Some(FileType::Directory) => {
                if !self.directories.insert(number) {
                    return Err(EntryError::damaged(&path, "it is a directory that is there twice").into());
                }
                self.list(&path, &inode, size)?;
                Node::Other(Entry::Directory(meta))
            }
            Some(FileType::Symlink) if !meta.xattrs.is_empty() => {
                return Err(I::unsupported("attributes of symbolic links"));
            }
            Some(FileType::Symlink) => {
                Node::Other(Entry::Symlink { uid, gid, target: self.target(&path, &inode, size)? })
            }
            Some(FileType::Device(kind)) => {
                let (major, minor) = I::device(&inode);
                Node::Other(Entry::Device { meta, kind, major, minor })
            }
            Some(FileType::Fifo) => Node::Other(Entry::Fifo(meta)),
            Some(FileType::Socket) | None => return Err(EntryError::Kind { path, mode }.into()),
        };
        self.draft.insert(path, node);
        Ok(())
    }

    fn content<'a>(&'a mut self, path: &'a TreePath, inode: &I::Inode) -> Result<Content<'a, I>, I::Error> {
        let spans = self.inodes.spans(path, inode, &mut self.budget)?;
        Ok(Content::new(&mut self.inodes, path, spans))
    }

    /// Adds what a directory names to what is still to be read.
    fn list(&mut self, path: &TreePath, inode: &I::Inode, size: u64) -> Result<(), I::Error> {
        self.budget.memory(size).map_err(EntryError::limit(path))?;
        let content = self.content(path, inode)?.read_whole()?;
        let mut known = BTreeSet::new();
        for (name, number) in self.inodes.names(path, inode, &content)? {
            if name == b"." || name == b".." {
                continue;
            }
            let refuse = |source| EntryError::Name { path: path.clone(), source };
            let below = path.join(&FileName::new(name).map_err(refuse)?).map_err(refuse)?;
            self.budget.entry(below.as_bytes().len()).map_err(EntryError::limit(&below))?;
            if !known.insert(name) {
                return Err(EntryError::damaged(&below, "it is there twice").into());
            }
            self.waiting.push((below, number));
        }
        Ok(())
    }

    fn target(&mut self, path: &TreePath, inode: &I::Inode, size: u64) -> Result<Vec<u8>, I::Error> {
        if !(1..=PATH_MAX as u64).contains(&size) {
            return Err(EntryError::damaged(path, "its target is empty or too long").into());
        }
        self.budget.memory(size).map_err(EntryError::limit(path))?;
        let target = match I::inline_target(inode) {
            Some(target) => target.to_vec(),
            None => self.content(path, inode)?.read_whole()?,
        };
        if target.contains(&0) {
            return Err(EntryError::damaged(path, "its target has a NUL byte").into());
        }
        Ok(target)
    }
}
