//! The checked map from paths to entries.

use std::collections::BTreeMap;

use kit_hash::{BlobId, TreeId};

use crate::{Entry, Meta, Mode, TreePath};

/// Why an entry can't stand where it was put.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The parent isn't there.
    #[error("`{path}` has no parent directory in the tree")]
    NoParent {
        /// Where the entry was put.
        path: TreePath,
    },
    /// The parent is something else than a directory.
    #[error("`{path}` lies below `{parent}`, which is not a directory")]
    ParentNotDirectory {
        /// Where the entry was put.
        path: TreePath,
        /// What is no directory.
        parent: TreePath,
    },
    /// A directory with entries was to be replaced.
    #[error("`{path}` would replace a directory that is not empty")]
    DirectoryNotEmpty {
        /// Where the entry was put.
        path: TreePath,
    },
    /// A hard link points to no regular file that sorts before it.
    #[error("the hard link `{path}` points to `{target}`, which is no regular file that comes before it")]
    HardLink {
        /// Where the link was put.
        path: TreePath,
        /// What it points to.
        target: TreePath,
    },
    /// The root is always a directory.
    #[error("the root of a tree is a directory")]
    Root,
}

/// A file tree. Invariants: the root is a directory; every entry's parent is a directory; a hard link's target is a
/// regular file whose path sorts before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    entries: BTreeMap<TreePath, Entry>,
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl Tree {
    /// Starts with the root alone, 0755 and root's.
    pub fn new() -> Self {
        Self { entries: BTreeMap::from([(TreePath::root(), Entry::directory())]) }
    }

    /// Returns the identity: the digest of the canonical encoding.
    pub fn id(&self) -> TreeId {
        self.encode().id_of()
    }

    /// Returns all entries in path order, the root first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = (&TreePath, &Entry)> + ExactSizeIterator {
        self.entries.iter()
    }

    /// Returns the entry at `path`, following nothing.
    pub fn get(&self, path: &TreePath) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// Number of entries without the root.
    pub fn len(&self) -> usize {
        self.entries.len() - 1
    }

    /// Whether only the root is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sum of the sizes of the regular files, each inode once, in bytes.
    pub fn content_size(&self) -> u64 {
        self.entries.values().map(|e| if let Entry::File { size, .. } = e { *size } else { 0 }).sum()
    }

    /// Returns the entries strictly below `path`.
    pub fn below<'a>(&'a self, path: &'a TreePath) -> impl Iterator<Item = (&'a TreePath, &'a Entry)> {
        self.entries
            .range(path.clone()..)
            .take_while(move |(p, _)| p.as_bytes().starts_with(path.as_bytes()))
            .filter(move |(p, _)| *p != path && p.strip_prefix(path).is_some())
    }

    /// Puts an entry whose parent is there; replaces what stood at the path and returns it.
    pub fn insert(&mut self, path: TreePath, entry: Entry) -> Result<Option<Entry>, TreeError> {
        if let Some(parent) = path.parent() {
            match self.entries.get(&parent) {
                None => return Err(TreeError::NoParent { path }),
                Some(e) if !e.is_directory() => return Err(TreeError::ParentNotDirectory { path, parent }),
                Some(_) => {}
            }
        } else if !entry.is_directory() {
            return Err(TreeError::Root);
        }
        if let Entry::HardLink { target } = &entry
            && (*target >= path || !matches!(self.entries.get(target), Some(Entry::File { .. })))
        {
            return Err(TreeError::HardLink { target: target.clone(), path });
        }
        if let Some(old) = self.entries.get(&path) {
            if old.is_directory() && !entry.is_directory() && self.below(&path).next().is_some() {
                return Err(TreeError::DirectoryNotEmpty { path });
            }
            if matches!(old, Entry::File { .. }) && !matches!(entry, Entry::File { .. }) {
                self.promote_links(&path);
            }
        }
        Ok(self.entries.insert(path, entry))
    }

    /// Takes entries that were seen to keep the invariants, sorted by path, each path once.
    pub(crate) fn of_sorted(entries: Vec<(TreePath, Entry)>) -> Self {
        Self { entries: entries.into_iter().collect() }
    }

    /// Makes the missing directories above `path`, with `meta`; a path through something else is an error.
    pub fn make_parents(&mut self, path: &TreePath, meta: &Meta) -> Result<(), TreeError> {
        let Some(parent) = path.parent() else { return Ok(()) };
        match self.entries.get(&parent) {
            Some(e) if e.is_directory() => Ok(()),
            Some(_) => Err(TreeError::ParentNotDirectory { path: path.clone(), parent }),
            None => {
                self.make_parents(&parent, meta)?;
                self.insert(parent, Entry::Directory(meta.clone())).map(|_| ())
            }
        }
    }

    /// Puts a regular file that root owns, making parents as needed.
    pub fn insert_file(
        &mut self,
        path: TreePath,
        mode: Mode,
        blob: BlobId,
        size: u64,
    ) -> Result<(), TreeError> {
        self.make_parents(&path, &Meta::root(Mode::DIRECTORY))?;
        self.insert(path, Entry::File { meta: Meta::root(mode), blob, size }).map(|_| ())
    }

    /// Takes away `path` and all below it; other names of a removed file stay, the first of them as the file.
    pub fn remove(&mut self, path: &TreePath) {
        let below: Vec<_> = self.below(path).map(|(p, _)| p.clone()).collect();
        for path in below.iter().rev() {
            self.remove_one(path);
        }
        if !path.is_root() {
            self.remove_one(path);
        }
    }

    fn remove_one(&mut self, path: &TreePath) {
        if matches!(self.entries.get(path), Some(Entry::File { .. })) {
            self.promote_links(path);
        }
        self.entries.remove(path);
    }

    /// Makes the first hard link to the file at `path` the file itself, before that one goes away.
    fn promote_links(&mut self, path: &TreePath) {
        let links: Vec<_> = self
            .entries
            .range(path.clone()..)
            .filter(|(_, e)| matches!(e, Entry::HardLink { target } if target == path))
            .map(|(p, _)| p.clone())
            .collect();
        let Some((first, others)) = links.split_first() else { return };
        let file = self.entries[path].clone();
        self.entries.insert(first.clone(), file);
        for other in others {
            self.entries.insert(other.clone(), Entry::HardLink { target: first.clone() });
        }
    }

    /// Returns the file entry that `path` names, through a hard link if it is one.
    pub fn inode(&self, path: &TreePath) -> Option<&Entry> {
        match self.entries.get(path)? {
            Entry::HardLink { target } => self.entries.get(target),
            entry => Some(entry),
        }
    }

    /// Returns the tree moved below `prefix`, its root becoming that directory.
    pub fn moved_below(self, prefix: &TreePath) -> Result<Self, TreeMoveError> {
        let mut moved = Self::new();
        moved.make_parents(prefix, &Meta::root(Mode::DIRECTORY))?;
        for (path, entry) in self.entries {
            let entry = match entry {
                Entry::HardLink { target } => Entry::HardLink { target: prefix.append(&target)? },
                entry => entry,
            };
            moved.entries.insert(prefix.append(&path)?, entry);
        }
        Ok(moved)
    }

    /// Puts an entry without looking at the invariants; the caller has established them.
    pub(crate) fn insert_unchecked(&mut self, path: TreePath, entry: Entry) {
        self.entries.insert(path, entry);
    }
}

/// Why a tree can't be moved below a prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeMoveError {
    /// A path would become too long.
    #[error(transparent)]
    Path(#[from] crate::PathError),
    /// A place is taken.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

#[cfg(test)]
mod tests;
