//! What is biggest where something doesn't fit.

use std::fmt;

use kit_tree::{Entry, Tree, TreePath};

/// How many are named.
const MOST: usize = 3;

/// The largest files of a tree with their lengths in bytes, the largest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Largest(pub Vec<(TreePath, u64)>);

impl Largest {
    /// Finds them.
    pub fn of(tree: &Tree) -> Self {
        let mut files: Vec<_> = tree
            .entries()
            .filter_map(|(path, entry)| match entry {
                Entry::File { size, .. } => Some((path.clone(), *size)),
                _ => None,
            })
            .collect();
        files.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        files.truncate(MOST);
        Self(files)
    }
}

impl fmt::Display for Largest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: Vec<_> = self.0.iter().map(|(path, size)| format!("`{path}` ({size})")).collect();
        if files.is_empty() {
            f.write_str("there are only directories")
        } else {
            write!(f, "largest: {}", files.join(", "))
        }
    }
}

/// The largest partition of a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargestPartition(Option<(usize, String, u64)>);

impl LargestPartition {
    /// Finds it, by the labels and sizes of all; the first of those that are as large.
    pub fn of<'a>(partitions: impl Iterator<Item = (&'a str, u64)>) -> Self {
        let largest = (1..).zip(partitions).max_by_key(|(number, (_, size))| (*size, usize::MAX - *number));
        Self(largest.map(|(number, (label, size))| (number, label.to_owned(), size)))
    }
}

impl fmt::Display for LargestPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("there are only the tables"),
            Some((number, label, size)) if label.is_empty() => {
                write!(f, "the largest partition is {number} with {size} bytes")
            }
            Some((number, label, size)) => {
                write!(f, "the largest partition is {number} `{label}` with {size} bytes")
            }
        }
    }
}
