//! One of the two hierarchies of directories: which names it has, in which order.

use std::collections::VecDeque;

use kit_tree::Entry;

use super::error::IsoWriteError;
use super::names::{Namer, Names};
use super::nodes::Node;

/// Path tables number directories in 16 bits.
const DIRECTORIES_MAX: usize = 0xffff;

/// What a directory's records say.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) node: usize,
    /// With the version, for a file.
    pub(super) identifier: Vec<u8>,
}

/// A line of the path table.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) node: usize,
    pub(super) identifier: Vec<u8>,
    /// The number of its parent, from 1.
    pub(super) parent: u16,
}

/// A hierarchy of names over the tree.
#[derive(Debug)]
pub(super) struct View {
    pub(super) names: Names,
    /// By node: what lies in it, in the order of records.
    pub(super) records: Vec<Vec<Record>>,
    /// All directories, in the order of the path table.
    pub(super) directories: Vec<Directory>,
}

impl View {
    pub(super) fn new(names: Names, nodes: &[Node<'_>]) -> Result<Self, IsoWriteError> {
        let records: Vec<_> = nodes.iter().map(|node| records(names, nodes, node)).collect();
        let mut directories = Vec::new();
        let mut waiting = VecDeque::from([Directory { node: 0, identifier: vec![0], parent: 1 }]);
        while let Some(directory) = waiting.pop_front() {
            let here = u16::try_from(directories.len() + 1).map_err(|_| IsoWriteError::Directories {
                count: nodes.iter().filter(|node| node.inode.is_directory()).count(),
                limit: DIRECTORIES_MAX,
            })?;
            let below =
                records[directory.node].iter().filter(|record| nodes[record.node].inode.is_directory());
            waiting.extend(below.map(|record| Directory {
                node: record.node,
                identifier: record.identifier.clone(),
                parent: here,
            }));
            directories.push(directory);
        }
        Ok(Self { names, records, directories })
    }
}

/// Names what lies in a directory. Joliet has directories and files alone.
fn records(names: Names, nodes: &[Node<'_>], directory: &Node<'_>) -> Vec<Record> {
    let mut namer = Namer::new(names);
    let mut named = Vec::new();
    for child in &directory.children {
        let node = &nodes[*child];
        let shown = matches!(node.inode, Entry::Directory(_) | Entry::File { .. });
        if shown || names == Names::Plain {
            named.push((namer.name(node.name, node.inode.is_directory()), *child));
        }
    }
    named.sort();
    let record = |(identifier, node): (super::names::Identifier, usize)| {
        let version = if nodes[node].inode.is_directory() { "" } else { ";1" };
        let mut bytes = identifier.bytes;
        match names {
            Names::Plain => bytes.extend_from_slice(version.as_bytes()),
            Names::Joliet => bytes.extend(version.encode_utf16().flat_map(u16::to_be_bytes)),
        }
        Record { node, identifier: bytes }
    };
    named.into_iter().map(record).collect()
}
