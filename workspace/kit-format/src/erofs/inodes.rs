//! A tree as inodes with their names.

use std::collections::BTreeMap;

use kit_tree::path::PATH_MAX;
use kit_tree::{Entry, Tree, TreePath};

use super::BLOCK;
use super::directory::{Directory, Name};
use super::write::ErofsWriteError;
use crate::stat::{FileType, is_device_number, pack_device};

/// An inode of the tree.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) path: &'a TreePath,
    pub(super) entry: &'a Entry,
    pub(super) links: u32,
    /// Rank of the inode of the directory that it is in.
    parent: usize,
    children: Vec<Name<'a>>,
}

impl<'a> Node<'a> {
    /// Returns what stands in the directory whose rank is `own`.
    pub(super) fn directory(&self, own: usize) -> Directory<'a> {
        let dots = [(&b"."[..], own), (&b".."[..], self.parent)];
        let dots = dots.map(|(bytes, node)| Name { bytes, node, kind: FileType::Directory.number() });
        Directory::new(dots.into_iter().chain(self.children.iter().copied()).collect())
    }

    /// Returns the type and permissions.
    pub(super) fn mode(&self) -> u16 {
        let permissions = self.entry.meta().map_or(0o777, |meta| meta.mode.bits());
        let permissions = u16::try_from(permissions).expect("because permissions have twelve bits");
        FileType::of(self.entry).bits() | permissions
    }

    /// Returns the device number as Linux encodes it; zero for all else.
    pub(super) fn device(&self) -> u32 {
        match self.entry {
            Entry::Device { major, minor, .. } => pack_device(*major, *minor),
            _ => 0,
        }
    }

    /// Returns the owner and the group.
    pub(super) fn owner(&self) -> (u32, u32) {
        match self.entry {
            Entry::Symlink { uid, gid, .. } => (*uid, *gid),
            entry => entry.meta().map_or((0, 0), |meta| (meta.uid, meta.gid)),
        }
    }
}

/// Returns the inodes in path order, the root first.
pub(super) fn nodes(tree: &Tree) -> Result<Vec<Node<'_>>, ErofsWriteError> {
    let mut nodes: Vec<Node<'_>> = Vec::new();
    let mut ranks: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    for (path, entry) in tree.entries() {
        check(path, entry)?;
        let parent = path.parent().map_or(0, |parent| ranks[parent.as_bytes()]);
        let node = match entry {
            Entry::HardLink { target } => {
                let node = ranks[target.as_bytes()];
                nodes[node].links += 1;
                node
            }
            _ => nodes.len(),
        };
        if node == nodes.len() {
            let links = if entry.is_directory() { 2 } else { 1 };
            nodes.push(Node { path, entry, links, parent, children: Vec::new() });
            ranks.insert(path.as_bytes().to_vec(), node);
        }
        if !path.is_root() {
            let bytes = path.as_bytes();
            let start = bytes.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
            nodes[parent].children.push(Name {
                bytes: &bytes[start..],
                node,
                kind: FileType::of(entry).number(),
            });
            nodes[parent].links += u32::from(entry.is_directory());
        }
    }
    Ok(nodes)
}

/// Refuses what EROFS has no place for.
fn check(path: &TreePath, entry: &Entry) -> Result<(), ErofsWriteError> {
    match entry {
        Entry::Symlink { target, .. } if !(1..=PATH_MAX).contains(&target.len()) => {
            Err(ErofsWriteError::SymlinkTarget { path: path.clone(), length: target.len() })
        }
        // holes aren't looked for in what wouldn't fit without them
        Entry::File { size, .. } if *size / BLOCK >= u64::from(u32::MAX) => {
            Err(ErofsWriteError::Size { size: *size })
        }
        Entry::Device { major, minor, .. } if !is_device_number(*major, *minor) => {
            Err(ErofsWriteError::DeviceNumber { path: path.clone(), major: *major, minor: *minor })
        }
        _ => Ok(()),
    }
}
