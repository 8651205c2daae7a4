//! A file system by anybody into a tree.
//!
//! Whatever it claims, what is read is bounded: names, metadata, contents and what is unpacked on the way to them. A directory is read
//! once, so that there is an end. Times, inode numbers and the export table aren't kept.

mod blocks;
mod content;
mod inode;
mod metadata;
mod xattrs;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

use kit_tree::draft::{Draft, File, Node};
use kit_tree::{BlobSink, Entry, FileName, Tree, TreePath};

use self::blocks::Blocks;
use self::content::Content;
use self::inode::{Inode, Kind, Listing};
use self::metadata::{Metadata, Place};
use self::xattrs::Xattrs;
use super::superblock::{Superblock, Wrong};
use super::{DOTS, HEADER_NAMES, NO_TABLE, NONE, SquashfsReadError, kind};
use crate::limits::{Budget, LimitError, Limits};
use crate::stat::unpack_device;

/// Reads a file system that begins where `source` does; contents go to `sink`.
pub fn read(
    source: impl Read + Seek,
    limits: &Limits,
    sink: &dyn BlobSink,
) -> Result<Tree, SquashfsReadError> {
    let mut reader = Reader::open(source, limits, sink)?;
    let root = reader.superblock.root;
    let mut later = vec![(TreePath::root(), root, kind::DIRECTORY)];
    while let Some((path, reference, kind)) = later.pop() {
        if let Some(listing) = reader.take(&path, reference, kind)? {
            later.extend(reader.list(&path, listing)?);
        }
    }
    Ok(reader.draft.finish().expect("because everything was found in a directory"))
}

/// A name in a directory: where, the inode's reference, its kind.
type Found = (TreePath, u64, u16);

struct Reader<'a, R> {
    superblock: Superblock,
    blocks: Blocks<'a, R>,
    metadata: Metadata,
    sink: &'a dyn BlobSink,
    ids: Vec<u32>,
    xattrs: Option<Xattrs>,
    draft: Draft,
    /// Files by their inode's reference.
    files: BTreeMap<u64, Node>,
    directories: BTreeSet<u64>,
    budget: Budget<'a>,
}

impl<'a, R: Read + Seek> Reader<'a, R> {
    fn open(source: R, limits: &'a Limits, sink: &'a dyn BlobSink) -> Result<Self, SquashfsReadError> {
        let (superblock, mut blocks) = Blocks::open(source, limits)?;
        let mut metadata = Metadata::new(limits);
        let ids = metadata.indexed(&mut blocks, "id", superblock.id_table, superblock.ids.into(), 4)?;
        let ids = ids.chunks_exact(4).map(|id| u32::from_le_bytes([id[0], id[1], id[2], id[3]])).collect();
        if superblock.fragments > 0 {
            let (at, count) = (superblock.fragment_table, superblock.fragments.into());
            let entries = metadata.indexed(&mut blocks, "fragment", at, count, 16)?;
            blocks.set_fragments(&entries);
        }
        let xattrs = match superblock.xattr_table {
            NO_TABLE => None,
            at => Some(Xattrs::open(&mut blocks, at)?),
        };
        Ok(Self {
            superblock,
            blocks,
            metadata,
            sink,
            ids,
            xattrs,
            draft: Draft::default(),
            files: BTreeMap::new(),
            directories: BTreeSet::new(),
            budget: Budget::new(limits),
        })
    }

    /// Takes what a path names; returns a directory's listing, which is to be read.
    fn take(
        &mut self,
        path: &TreePath,
        reference: u64,
        kind: u16,
    ) -> Result<Option<Listing>, SquashfsReadError> {
        if let Some(node) = self.files.get(&reference).cloned() {
            self.draft.insert(path.clone(), node);
            return Ok(None);
        }
        let inode = self.inode(path, reference)?;
        if inode.number != kind {
            return Err(wrong(path, "it is of another kind than its directory says"));
        }
        let Inode { mut meta, xattrs, kind, .. } = inode;
        if xattrs != NONE {
            let Some(table) = &self.xattrs else {
                return Err(wrong(path, "it has extended attributes, but there is no table of them"));
            };
            meta.xattrs = table.set(&mut self.metadata, &mut self.blocks, path, xattrs)?;
            let size = meta.xattrs.iter().map(|(name, value)| (name.len() + value.len()) as u64).sum();
            self.budget.memory(size).map_err(|source| limit(path, source))?;
        }
        let mut listing = None;
        let entry = match kind {
            Kind::Directory(found) => {
                if !self.directories.insert(reference) {
                    return Err(SquashfsReadError::Loop { path: path.clone() });
                }
                listing = Some(found);
                Entry::Directory(meta)
            }
            Kind::File(file) => {
                self.budget.content(file.size).map_err(|source| limit(path, source))?;
                let sizes = self.sizes(path, &file)?;
                let size = file.size;
                let blob = Content::of(&mut self.blocks, file, sizes).keep(path, self.sink)?;
                let node = self.draft.add_file(File { meta, blob, size });
                self.files.insert(reference, node.clone());
                self.draft.insert(path.clone(), node);
                return Ok(None);
            }
            Kind::Symlink { .. } if !meta.xattrs.is_empty() => {
                return Err(SquashfsReadError::SymlinkXattrs { path: path.clone() });
            }
            Kind::Symlink { target } => {
                self.budget.memory(target.len() as u64).map_err(|source| limit(path, source))?;
                Entry::Symlink { uid: meta.uid, gid: meta.gid, target }
            }
            Kind::Device { kind, number } => {
                let (major, minor) = unpack_device(number);
                Entry::Device { meta, kind, major, minor }
            }
            Kind::Fifo => Entry::Fifo(meta),
            Kind::Socket => return Err(SquashfsReadError::Socket { path: path.clone() }),
        };
        self.draft.insert(path.clone(), Node::Other(entry));
        Ok(listing)
    }

    /// Lists a directory.
    fn list(&mut self, path: &TreePath, listing: Listing) -> Result<Vec<Found>, SquashfsReadError> {
        let mut found = Vec::new();
        let mut names = BTreeSet::new();
        let length = listing.size.checked_sub(DOTS);
        let mut left = length.ok_or_else(|| wrong(path, "its listing has no length"))?;
        let start = self.superblock.directory_table.checked_add(listing.block.into());
        let block = start.ok_or_else(|| wrong(path, "its listing is nowhere"))?;
        let mut place = Place { block, offset: listing.offset.into() };
        while left > 0 {
            let header = self.listed(path, &mut place, &mut left, 12)?;
            let (count, block) = (word(&header, 0), word(&header, 4));
            if count as usize >= HEADER_NAMES {
                return Err(wrong(path, "its listing has a header for too many names"));
            }
            for _ in 0..=count {
                let entry = self.listed(path, &mut place, &mut left, 8)?;
                let length = u32::from(short(&entry, 6)) + 1;
                let name = self.listed(path, &mut place, &mut left, length)?;
                let refused = |source| SquashfsReadError::Name { directory: path.clone(), source };
                let below = path.join(&FileName::new(name).map_err(refused)?).map_err(refused)?;
                self.budget.entry(below.as_bytes().len()).map_err(|source| limit(&below, source))?;
                if !names.insert(below.clone()) {
                    return Err(SquashfsReadError::Duplicate { path: below });
                }
                let reference = u64::from(block) << 16 | u64::from(short(&entry, 0));
                found.push((below, reference, short(&entry, 4)));
            }
        }
        Ok(found)
    }

    /// Takes bytes of a listing.
    fn listed(
        &mut self,
        path: &TreePath,
        place: &mut Place,
        left: &mut u32,
        length: u32,
    ) -> Result<Vec<u8>, SquashfsReadError> {
        let rest = left.checked_sub(length);
        *left = rest.ok_or_else(|| wrong(path, "its listing ends inside of a name"))?;
        self.metadata.read(&mut self.blocks, "directory", place, length as usize)
    }

    /// Reads the inode that a path names.
    fn inode(&mut self, path: &TreePath, reference: u64) -> Result<Inode, SquashfsReadError> {
        let start = self.superblock.inode_table.checked_add(reference >> 16);
        let block = start.ok_or_else(|| wrong(path, "it is nowhere"))?;
        let mut place = Place { block, offset: (reference & 0xffff) as usize };
        let head = self.of_inode(&mut place, inode::HEAD)?;
        let rest = inode::rest_of(short(&head, 0)).ok_or_else(|| wrong(path, "it is of no kind"))?;
        let rest = self.of_inode(&mut place, rest)?;
        let owner = |at: usize| {
            let id = self.ids.get(usize::from(short(&head, at))).copied();
            id.ok_or_else(|| wrong(path, "its owner isn't in the table"))
        };
        let (uid, gid) = (owner(4)?, owner(6)?);
        let inode = Inode::decode(&head, &rest, place, uid, gid);
        let mut inode = inode.ok_or_else(|| wrong(path, "it is of no kind"))?;
        if let Kind::Symlink { target } = &mut inode.kind {
            let length = word(&rest, 4) as usize;
            if !(1..=kit_tree::path::PATH_MAX).contains(&length) {
                return Err(wrong(path, "a link points to 1 to 4095 bytes"));
            }
            *target = self.of_inode(&mut place, length)?;
            if inode.extended {
                inode.xattrs = word(&self.of_inode(&mut place, 4)?, 0);
            }
        }
        Ok(inode)
    }

    fn of_inode(&mut self, place: &mut Place, length: usize) -> Result<Vec<u8>, SquashfsReadError> {
        self.metadata.read(&mut self.blocks, "inode", place, length)
    }

    /// Reads the sizes of a file's blocks, which follow its inode.
    fn sizes(&mut self, path: &TreePath, file: &inode::File) -> Result<Vec<u32>, SquashfsReadError> {
        let block = u64::from(self.superblock.block);
        let count = if file.fragment == NONE { file.size.div_ceil(block) } else { file.size / block };
        let length = usize::try_from(count).ok().and_then(|count| count.checked_mul(4));
        let length = length.ok_or_else(|| wrong(path, "it has too many blocks"))?;
        let mut place = file.sizes;
        let bytes = self.of_inode(&mut place, length)?;
        Ok(bytes.chunks_exact(4).map(|size| word(size, 0)).collect())
    }
}

impl From<Wrong> for SquashfsReadError {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Magic => Self::Magic,
            Wrong::Version { major, minor } => Self::Version { major, minor },
            Wrong::Compressor(id) => Self::Compressor { id },
            Wrong::Block { size, log } => Self::Block { size, log },
        }
    }
}

fn wrong(path: &TreePath, problem: &'static str) -> SquashfsReadError {
    SquashfsReadError::Inode { path: path.clone(), problem }
}

fn limit(path: &TreePath, source: LimitError) -> SquashfsReadError {
    SquashfsReadError::Limit { path: path.clone(), source }
}

/// Returns a number that the caller has seen to be there.
fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from(short(bytes, at)) | u32::from(short(bytes, at + 2)) << 16
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(word(bytes, at)) | u64::from(word(bytes, at + 4)) << 32
}
