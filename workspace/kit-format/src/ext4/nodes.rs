//! A tree as inodes with their numbers, contents and attributes.

use std::collections::BTreeMap;

use kit_hash::BlobId;
use kit_tree::{Entry, Meta, Mode, Tree, TreePath};

use super::attribute_block::AttributeBlocks;
use super::error::Ext4WriteError;
use super::fields::put32;
use super::{BLOCK, BLOCK_BYTES, INLINE, LOST_AND_FOUND, ROOT, TARGET_MAX, directory, hash_tree, xattr};
use crate::stat::{FileType, is_device_number, pack_device};

/// The most names of a file. Directories with more than that count one.
const LINKS_MAX: u32 = 65_000;
/// Files have less than 2^32 blocks, directories less than 2 GiB.
const FILE_MAX: u64 = (u32::MAX as u64) * BLOCK;
const DIRECTORY_MAX: u64 = 1 << 31;
/// Blocks of `/lost+found`: room for what is found when there is no other.
const LOST_BLOCKS: usize = 4;

/// An inode of the tree.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) path: &'a TreePath,
    pub(super) number: u32,
    pub(super) content: Content,
    pub(super) mode: u16,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) links: u16,
    /// Attributes behind the inode, and which block has the others.
    pub(super) attributes: (Vec<u8>, Option<usize>),
}

/// What an inode holds.
#[derive(Debug)]
pub(super) enum Content {
    /// What stands in the inode, and its length where it is a target.
    Inline([u8; INLINE], u64),
    /// Blocks of a directory, without checksums.
    Names(Vec<u8>),
    /// The same of one with a hash tree.
    Indexed(Vec<u8>),
    /// A target that is too long for the inode.
    Target(Vec<u8>),
    /// A file's bytes.
    File(BlobId, u64),
}

impl Node<'_> {
    /// Returns the length that the inode has.
    pub(super) fn size(&self) -> u64 {
        match &self.content {
            Content::Inline(_, size) | Content::File(_, size) => *size,
            Content::Names(bytes) | Content::Indexed(bytes) | Content::Target(bytes) => bytes.len() as u64,
        }
    }

    /// Returns how many blocks its content takes.
    pub(super) fn blocks(&self) -> u64 {
        if let Content::Inline(..) = self.content { 0 } else { self.size().div_ceil(BLOCK) }
    }

    pub(super) fn is_directory(&self) -> bool {
        FileType::of_mode(self.mode.into()) == Some(FileType::Directory)
    }
}

/// The inodes in path order, and the blocks of attributes that they share.
#[derive(Debug)]
pub(super) struct Nodes<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) attribute_blocks: AttributeBlocks,
}

/// Returns the tree with the directory that ext4 wants.
pub(super) fn with_lost_and_found(tree: &Tree) -> Result<Tree, Ext4WriteError> {
    let place = TreePath::new(LOST).expect("because it is a path");
    let mut tree = tree.clone();
    match tree.get(&place) {
        Some(Entry::Directory(_)) => {}
        Some(_) => return Err(Ext4WriteError::LostAndFound),
        None => {
            let meta = Meta::root(Mode::from_st_mode(0o700));
            let _ = tree.insert(place, Entry::Directory(meta));
        }
    }
    Ok(tree)
}

const LOST: &[u8] = b"lost+found";

/// What is known of an entry before all names are.
struct Draft<'a> {
    path: &'a TreePath,
    entry: &'a Entry,
    number: u32,
    parent: u32,
    links: u32,
    names: Vec<directory::Name<'a>>,
}

/// Returns the inodes of a tree that has `/lost+found`; hashes of names begin with `seed`.
pub(super) fn nodes<'a>(tree: &'a Tree, seed: &[u8; 16]) -> Result<Nodes<'a>, Ext4WriteError> {
    let mut attribute_blocks = AttributeBlocks::default();
    let mut nodes = Vec::new();
    for draft in drafts(tree) {
        let (path, entry) = (draft.path, draft.entry);
        let mut attributes = xattr::of(path, entry.meta())?;
        let inline = xattr::inline(&mut attributes);
        let block = attribute_blocks.add(path, attributes)?;
        let (uid, gid) = match entry {
            Entry::Symlink { uid, gid, .. } => (*uid, *gid),
            entry => entry.meta().map_or((0, 0), |meta| (meta.uid, meta.gid)),
        };
        let permissions = entry.meta().map_or(0o777, |meta| meta.mode.bits());
        let permissions = u16::try_from(permissions).expect("because permissions have twelve bits");
        let links = match u16::try_from(draft.links).ok().filter(|_| draft.links <= LINKS_MAX) {
            Some(links) => links,
            None if entry.is_directory() => 1,
            None => return Err(Ext4WriteError::Links { path: path.clone(), links: draft.links }),
        };
        let mode = FileType::of(entry).bits() | permissions;
        let number = draft.number;
        let content = draft.content(seed)?;
        nodes.push(Node { path, number, content, mode, uid, gid, links, attributes: (inline, block) });
    }
    Ok(Nodes { nodes, attribute_blocks })
}

fn drafts(tree: &Tree) -> Vec<Draft<'_>> {
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    let mut ranks: BTreeMap<&[u8], usize> = BTreeMap::new();
    let mut next = LOST_AND_FOUND + 1;
    for (path, entry) in tree.entries() {
        let bytes = path.as_bytes();
        let slash = bytes.iter().rposition(|byte| *byte == b'/');
        let parent = slash.map_or(0, |slash| ranks.get(&bytes[..slash]).copied().unwrap_or(0));
        let rank = match entry {
            Entry::HardLink { target } => {
                let rank = ranks[target.as_bytes()];
                drafts[rank].links += 1;
                rank
            }
            _ => drafts.len(),
        };
        if rank == drafts.len() {
            let number = if path.is_root() {
                ROOT
            } else if bytes == LOST {
                LOST_AND_FOUND
            } else {
                next += 1;
                next - 1
            };
            let links = if entry.is_directory() { 2 } else { 1 };
            let parent = drafts.get(parent).map_or(ROOT, |parent| parent.number);
            drafts.push(Draft { path, entry, number, parent, links, names: Vec::new() });
            ranks.insert(bytes, rank);
        }
        if !path.is_root() {
            let name = &bytes[slash.map_or(0, |slash| slash + 1)..];
            let number = drafts[rank].number;
            drafts[parent].names.push((name, number, FileType::of(entry).number()));
            drafts[parent].links += u32::from(entry.is_directory());
        }
    }
    drafts
}

impl Draft<'_> {
    fn content(self, seed: &[u8; 16]) -> Result<Content, Ext4WriteError> {
        let path = || self.path.clone();
        match self.entry {
            Entry::File { size, .. } if *size > FILE_MAX => {
                Err(Ext4WriteError::FileSize { path: path(), size: *size, limit: FILE_MAX + 1 })
            }
            Entry::File { blob, size, .. } => Ok(Content::File(*blob, *size)),
            Entry::Directory(_) => {
                let (size, content) = self.directory(seed);
                if size >= DIRECTORY_MAX {
                    return Err(Ext4WriteError::FileSize { path: path(), size, limit: DIRECTORY_MAX });
                }
                Ok(content)
            }
            Entry::Symlink { target, .. } => {
                let length = target.len();
                if !(1..=TARGET_MAX).contains(&length) {
                    return Err(Ext4WriteError::SymlinkTarget { path: path(), length });
                }
                let mut inline = [0; INLINE];
                if length >= INLINE {
                    return Ok(Content::Target(target.clone()));
                }
                inline[..length].copy_from_slice(target);
                Ok(Content::Inline(inline, length as u64))
            }
            Entry::Device { major, minor, .. } => {
                let (major, minor) = (*major, *minor);
                if !is_device_number(major, minor) {
                    return Err(Ext4WriteError::DeviceNumber { path: path(), major, minor });
                }
                Ok(Content::Inline(device(major, minor), 0))
            }
            Entry::HardLink { .. } | Entry::Fifo(_) => Ok(Content::Inline([0; INLINE], 0)),
        }
    }

    /// Returns the content of a directory, and its length.
    fn directory(&self, seed: &[u8; 16]) -> (u64, Content) {
        let number = FileType::Directory.number();
        let dots = [(&b"."[..], self.number, number), (b"..", self.parent, number)];
        let least = if self.number == LOST_AND_FOUND { LOST_BLOCKS } else { 1 };
        let bytes = directory::encode(dots.into_iter().chain(self.names.iter().copied()), least);
        let is_long = bytes.len() > least * BLOCK_BYTES;
        let indexed = if is_long { hash_tree::encode(dots, &self.names, seed) } else { None };
        match indexed {
            Some(bytes) => (bytes.len() as u64, Content::Indexed(bytes)),
            None => (bytes.len() as u64, Content::Names(bytes)),
        }
    }
}

/// Returns a device number: in its old form where that holds it, else in the new one, a word behind.
fn device(major: u32, minor: u32) -> [u8; INLINE] {
    let mut inline = [0; INLINE];
    if major < 256 && minor < 256 {
        put32(&mut inline, 0, major << 8 | minor);
    } else {
        put32(&mut inline, 4, pack_device(major, minor));
    }
    inline
}
