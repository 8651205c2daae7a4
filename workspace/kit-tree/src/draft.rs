//! A tree under construction, where several paths can name one inode.
//!
//! Archives name a hard link's target in their own order; a [`Tree`] wants the first path in sort order to be the file.
//! Here all names of a file are equal, and the file's place is decided when the draft is finished.

use std::collections::BTreeMap;

use crate::{Entry, Meta, Mode, Tree, TreeError, TreePath};
use kit_hash::BlobId;

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// The file with this number.
    File(usize),
    /// Anything that isn't a regular file or a name of one.
    Other(Entry),
}

/// A regular file without its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Mode, owner, attributes.
    pub meta: Meta,
    /// Its content.
    pub blob: BlobId,
    /// Its length in bytes.
    pub size: u64,
}

/// Paths and the files that they name.
#[derive(Debug, Default)]
pub struct Draft {
    files: Vec<File>,
    nodes: BTreeMap<TreePath, Node>,
}

impl Draft {
    /// Takes a tree apart.
    pub fn of(tree: &Tree) -> Self {
        let mut draft = Self::default();
        let mut numbers: BTreeMap<&TreePath, usize> = BTreeMap::new();
        for (path, entry) in tree.entries() {
            let node = match entry {
                Entry::File { meta, blob, size } => {
                    let node = draft.add_file(File { meta: meta.clone(), blob: *blob, size: *size });
                    numbers.insert(path, draft.files.len() - 1);
                    node
                }
                Entry::HardLink { target } => Node::File(numbers[target]),
                entry => Node::Other(entry.clone()),
            };
            draft.nodes.insert(path.clone(), node);
        }
        draft
    }

    /// Keeps a file that has no name yet.
    pub fn add_file(&mut self, file: File) -> Node {
        self.files.push(file);
        Node::File(self.files.len() - 1)
    }

    /// Returns what a path names.
    pub fn get(&self, path: &TreePath) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// Returns all paths, in order.
    pub fn paths(&self) -> impl Iterator<Item = &TreePath> {
        self.nodes.keys()
    }

    /// Lets a path name something; what is below it stays.
    pub fn insert(&mut self, path: TreePath, node: Node) {
        self.nodes.insert(path, node);
    }

    /// Returns the file with a number that a node has.
    pub fn file(&self, number: usize) -> &File {
        &self.files[number]
    }

    /// Takes away all nodes strictly below `path`.
    pub fn remove_below(&mut self, path: &TreePath) {
        let below: Vec<_> = self
            .nodes
            .range(path.clone()..)
            .map(|(p, _)| p)
            .take_while(|p| p.as_bytes().starts_with(path.as_bytes()))
            .filter(|p| *p != path && p.strip_prefix(path).is_some())
            .cloned()
            .collect();
        for path in below {
            self.nodes.remove(&path);
        }
    }

    /// Takes away the name `path`, and all nodes below it.
    pub fn remove(&mut self, path: &TreePath) {
        self.remove_below(path);
        self.nodes.remove(path);
    }

    /// Takes all nodes out, in path order.
    pub fn take_nodes(&mut self) -> BTreeMap<TreePath, Node> {
        std::mem::take(&mut self.nodes)
    }

    /// Whether two nodes are the same thing, the content of files compared and not their number.
    pub fn same(&self, a: &Node, b: &Node) -> bool {
        match (a, b) {
            (Node::File(a), Node::File(b)) => self.files[*a] == self.files[*b],
            (Node::Other(a), Node::Other(b)) => a == b,
            _ => false,
        }
    }

    /// Makes the tree; missing parents become plain directories of root.
    pub fn finish(mut self) -> Result<Tree, TreeError> {
        let mut tree = Tree::new();
        let plain = Meta::root(Mode::DIRECTORY);
        let mut first: Vec<Option<TreePath>> = vec![None; self.files.len()];
        for (path, node) in self.take_nodes() {
            let entry = match node {
                Node::Other(entry) => entry,
                Node::File(number) => {
                    if let Some(target) = &first[number] {
                        Entry::HardLink { target: target.clone() }
                    } else {
                        first[number] = Some(path.clone());
                        let File { meta, blob, size } = &self.files[number];
                        Entry::File { meta: meta.clone(), blob: *blob, size: *size }
                    }
                }
            };
            tree.make_parents(&path, &plain)?;
            tree.insert(path, entry)?;
        }
        Ok(tree)
    }
}
