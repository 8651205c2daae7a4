//! One tree into layers that give it again when they are laid over each other: what a part brought is a layer of its own.
//!
//! No path but a directory is in two layers, and a directory looks the same in all of them. So their order doesn't matter, a layer changes
//! only with what is in it, and two trees that hold the same part at the same place have a layer in common.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::{Entry, Tree, TreePath};

/// A tree that another one was put together from.
#[derive(Debug, Clone, Copy)]
pub struct Share<'a> {
    /// The tree.
    pub tree: &'a Tree,
    /// Where it lies in the other one.
    pub at: &'a TreePath,
}

/// Splits a tree into at most `most` layers, at least two: one for each share that anything is left of, the smallest of them together where
/// they are too many; then what is of none. Something that several shares have belongs to the first one.
pub fn split(tree: &Tree, shares: &[Share<'_>], most: usize) -> Vec<Tree> {
    let owners = owners(tree, shares);
    let mut parts: Vec<Part<'_>> = (0..=shares.len()).map(|_| Part::default()).collect();
    for (path, entry) in items(tree) {
        // All names of a file stay together.
        let owner =
            if let Entry::HardLink { target } = entry { owners.get(target) } else { owners.get(path) };
        parts[owner.copied().unwrap_or(shares.len())].add(path, entry);
    }
    let rest = parts.pop().unwrap_or_default();
    let mut parts: Vec<_> = parts.into_iter().filter(|part| !part.paths.is_empty()).collect();
    let room = most.max(2) - 1;
    if parts.len() > room {
        group_smallest(&mut parts, room);
    }
    if !rest.paths.is_empty() || parts.is_empty() {
        parts.push(rest);
    }
    parts.iter().map(|part| part.layer(tree)).collect()
}

#[derive(Debug, Default)]
struct Part<'a> {
    paths: Vec<&'a TreePath>,
    /// Bytes of its files.
    size: u64,
}

impl<'a> Part<'a> {
    fn add(&mut self, path: &'a TreePath, entry: &Entry) {
        self.paths.push(path);
        if let Entry::File { size, .. } = entry {
            self.size = self.size.saturating_add(*size);
        }
    }

    /// Returns what it has of a tree, with the directories above it.
    fn layer(&self, tree: &Tree) -> Tree {
        let mut paths = BTreeSet::from([TreePath::root()]);
        for path in &self.paths {
            paths.insert((*path).clone());
            let mut above = path.parent();
            while let Some(directory) = above {
                above = directory.parent();
                if !paths.insert(directory) {
                    break;
                }
            }
        }
        let mut layer = Tree::new();
        for path in paths {
            let entry = tree.get(&path).expect("because its paths are those of the tree").clone();
            layer.insert_unchecked(path, entry);
        }
        layer
    }
}

/// Returns what has to be in a layer: all but directories that come with what is in them.
fn items(tree: &Tree) -> impl Iterator<Item = (&TreePath, &Entry)> {
    let with_content: BTreeSet<_> = tree.entries().filter_map(|(path, _)| path.parent()).collect();
    tree.entries().filter(move |(path, entry)| {
        !(path.is_root() || (entry.is_directory() && with_content.contains(*path)))
    })
}

/// Returns the first share that has what is at each path.
fn owners(tree: &Tree, shares: &[Share<'_>]) -> BTreeMap<TreePath, usize> {
    let mut owners = BTreeMap::new();
    for (index, share) in shares.iter().enumerate() {
        for (inner, entry) in share.tree.entries() {
            let Ok(path) = share.at.append(inner) else { continue };
            let (Some(there), Some(own)) = (tree.inode(&path), share.tree.inode(inner)) else { continue };
            if there == own || (there.is_directory() && entry.is_directory()) {
                owners.entry(path).or_insert(index);
            }
        }
    }
    owners
}

/// Puts the smallest parts together behind the others, so that `room` are left.
fn group_smallest(parts: &mut Vec<Part<'_>>, room: usize) {
    let mut sizes: Vec<_> = parts.iter().enumerate().map(|(at, part)| (part.size, at)).collect();
    sizes.sort_unstable_by_key(|(size, at)| (Reverse(*size), *at));
    let large: BTreeSet<_> = sizes[..room - 1].iter().map(|(_, at)| *at).collect();
    let mut group = Part::default();
    let mut kept = Vec::new();
    for (at, part) in std::mem::take(parts).into_iter().enumerate() {
        if large.contains(&at) {
            kept.push(part);
        } else {
            group.paths.extend(part.paths);
            group.size = group.size.saturating_add(part.size);
        }
    }
    kept.push(group);
    *parts = kept;
}

#[cfg(test)]
mod tests;
