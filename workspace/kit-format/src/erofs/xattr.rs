//! Extended attributes: behind their inode, or once for all that have the same.

use std::collections::BTreeMap;

use kit_tree::TreePath;
use kit_tree::path::Escaped;

use super::inodes::Node;
use super::write::ErofsWriteError;

/// What names begin with, and the number that stands for it. Two names are no more than that.
pub(super) const PREFIXES: [(&[u8], u8); 6] = [
    (b"user.", 1),
    (b"system.posix_acl_access", 2),
    (b"system.posix_acl_default", 3),
    (b"trusted.", 4),
    (b"lustre.", 5),
    (b"security.", 6),
];
/// Bytes before the attributes: four for a filter that isn't used, how many are shared, seven zeros.
pub(super) const HEADER: usize = 12;
/// The most shared attributes that one inode refers to.
const SHARED_MAX: usize = 255;

/// A name and a value.
type Xattr<'a> = (&'a [u8], &'a [u8]);

/// Attributes that stand once for several inodes.
#[derive(Debug, Default)]
pub(super) struct Shared<'a> {
    /// Where each stands, in units of four bytes.
    ids: BTreeMap<Xattr<'a>, u32>,
    bytes: Vec<u8>,
}

impl<'a> Shared<'a> {
    /// Finds the attributes that take less room when they are shared.
    pub(super) fn of(nodes: &[Node<'a>]) -> Result<Self, ErofsWriteError> {
        let mut uses: BTreeMap<Xattr<'_>, (usize, &TreePath)> = BTreeMap::new();
        for node in nodes {
            for (name, value) in node.entry.meta().into_iter().flat_map(|meta| &meta.xattrs) {
                uses.entry((name, value)).or_insert((0, node.path)).0 += 1;
            }
        }
        let mut shared = Self::default();
        for ((name, value), (count, path)) in uses {
            let entry = entry(path, name, value)?;
            if count * entry.len() > count * 4 + entry.len() {
                let id = u32::try_from(shared.bytes.len() / 4)
                    .map_err(|_| ErofsWriteError::Xattrs { path: path.clone() })?;
                shared.ids.insert((name, value), id);
                shared.bytes.extend_from_slice(&entry);
            }
        }
        Ok(shared)
    }

    /// Returns the shared area.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns what stands behind an inode, and how the inode counts it.
    pub(super) fn of_node(&self, node: &Node<'_>) -> Result<(Vec<u8>, u16), ErofsWriteError> {
        let (mut ids, mut inline) = (Vec::new(), Vec::new());
        for (name, value) in node.entry.meta().into_iter().flat_map(|meta| &meta.xattrs) {
            match self.ids.get(&(name.as_slice(), value.as_slice())) {
                Some(id) if ids.len() < SHARED_MAX * 4 => ids.extend_from_slice(&id.to_le_bytes()),
                _ => inline.extend_from_slice(&entry(node.path, name, value)?),
            }
        }
        if ids.is_empty() && inline.is_empty() {
            return Ok((Vec::new(), 0));
        }
        let count = u8::try_from(ids.len() / 4).expect("because no more are taken");
        let mut bytes = vec![0; HEADER];
        bytes[4] = count;
        bytes.append(&mut ids);
        bytes.append(&mut inline);
        let units = u16::try_from((bytes.len() - HEADER) / 4 + 1)
            .map_err(|_| ErofsWriteError::Xattrs { path: node.path.clone() })?;
        Ok((bytes, units))
    }
}

/// Returns an attribute: the name's length, what it begins with, the value's length (2), the rest of the name, the value, zeros up to a multiple of four.
fn entry(path: &TreePath, name: &[u8], value: &[u8]) -> Result<Vec<u8>, ErofsWriteError> {
    let shown = || Escaped(name).to_string();
    let unknown = || ErofsWriteError::XattrName { path: path.clone(), name: shown() };
    let (rest, prefix) = split(name).ok_or_else(unknown)?;
    let length = u8::try_from(rest.len()).map_err(|_| unknown())?;
    let size = u16::try_from(value.len()).map_err(|_| ErofsWriteError::XattrValue {
        path: path.clone(),
        name: shown(),
        size: value.len(),
    })?;
    let mut bytes = vec![length, prefix];
    bytes.extend_from_slice(&size.to_le_bytes());
    bytes.extend_from_slice(rest);
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    Ok(bytes)
}

fn split(name: &[u8]) -> Option<(&[u8], u8)> {
    PREFIXES.iter().find_map(|(prefix, number)| {
        let rest = name.strip_prefix(*prefix)?;
        (rest.is_empty() != prefix.ends_with(b".")).then_some((rest, *number))
    })
}
