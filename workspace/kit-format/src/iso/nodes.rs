//! The tree by numbers: who lies in which directory, which inode it is, how many links that has.

use std::collections::BTreeMap;

use kit_tree::path::PATH_MAX;
use kit_tree::{Entry, Tree, TreePath};

use super::error::IsoWriteError;
use crate::stat::is_device_number;

/// Linux forgets a name of Rock Ridge that is longer.
pub(super) const NAME_MAX: usize = 253;
/// What is more with a major number of 0, Linux takes for a number of both.
const MINOR_ALONE_MAX: u32 = 0xff;
/// Linux follows no more records of one file.
pub(super) const SECTIONS_MAX: u64 = 100;
/// Bytes of one record's file: whole blocks, in 32 bits.
pub(super) const SECTION: u64 = 0xffff_f800;

/// A path of the tree.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) path: &'a TreePath,
    /// The last name of the path.
    pub(super) name: &'a [u8],
    /// What it is; for a hard link, the file.
    pub(super) inode: &'a Entry,
    /// The node of its directory; the root's is the root.
    pub(super) parent: usize,
    /// Number of the inode, from 1 in path order.
    pub(super) number: u32,
    pub(super) links: u32,
    /// What lies in it, in path order.
    pub(super) children: Vec<usize>,
}

/// Numbers a tree's paths in their order, the root first; what ISO 9660 and Rock Ridge can't hold is refused.
pub(super) fn nodes(tree: &Tree) -> Result<Vec<Node<'_>>, IsoWriteError> {
    let mut nodes: Vec<Node<'_>> = Vec::with_capacity(tree.len() + 1);
    let mut by_path: BTreeMap<&[u8], usize> = BTreeMap::new();
    let mut last = 0;
    for (path, entry) in tree.entries() {
        let bytes = path.as_bytes();
        let slash = bytes.iter().rposition(|b| *b == b'/');
        let name = slash.map_or(bytes, |at| &bytes[at + 1..]);
        let parent = if path.is_root() { 0 } else { by_path[&bytes[..slash.unwrap_or(0)]] };
        let at = nodes.len();
        let inode = tree.inode(path).expect("because a tree's links have their files");
        check(path, name, inode)?;
        let number = if let Entry::HardLink { target } = entry {
            nodes[by_path[target.as_bytes()]].number
        } else {
            last += 1;
            last
        };
        let links = if entry.is_directory() { 2 } else { 1 };
        nodes.push(Node { path, name, inode, parent, number, links, children: Vec::new() });
        if at > 0 {
            nodes[parent].children.push(at);
            nodes[parent].links += u32::from(entry.is_directory());
        }
        by_path.insert(bytes, at);
    }
    count_links(tree, &by_path, &mut nodes);
    Ok(nodes)
}

fn count_links(tree: &Tree, by_path: &BTreeMap<&[u8], usize>, nodes: &mut [Node<'_>]) {
    let linked = || {
        tree.entries().filter_map(|(path, entry)| match entry {
            Entry::HardLink { target } => Some((by_path[path.as_bytes()], by_path[target.as_bytes()])),
            _ => None,
        })
    };
    for (_, target) in linked() {
        nodes[target].links += 1;
    }
    for (link, target) in linked() {
        nodes[link].links = nodes[target].links;
    }
}

fn check(path: &TreePath, name: &[u8], inode: &Entry) -> Result<(), IsoWriteError> {
    let path = || path.clone();
    if name.len() > NAME_MAX {
        return Err(IsoWriteError::Name { path: path(), length: name.len(), limit: NAME_MAX });
    }
    if let Some(attribute) = inode.meta().and_then(|meta| meta.xattrs.keys().next()) {
        let name = kit_tree::path::Escaped(attribute).to_string();
        return Err(IsoWriteError::Xattr { path: path(), name });
    }
    match inode {
        Entry::File { size, .. } if *size > SECTION * SECTIONS_MAX => {
            Err(IsoWriteError::FileSize { path: path(), size: *size, limit: SECTION * SECTIONS_MAX })
        }
        Entry::Symlink { target, .. } if target.is_empty() || target.len() > PATH_MAX => {
            Err(IsoWriteError::SymlinkTarget { path: path(), length: target.len(), limit: PATH_MAX })
        }
        Entry::Device { major, minor, .. }
            if !is_device_number(*major, *minor) || (*major == 0 && *minor > MINOR_ALONE_MAX) =>
        {
            Err(IsoWriteError::DeviceNumber { path: path(), major: *major, minor: *minor })
        }
        _ => Ok(()),
    }
}
