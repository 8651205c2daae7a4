//! Trees: canonical encodings under their identity.

use std::os::fd::AsFd as _;

use kit_hash::{BlobId, Identity as _, TreeId};
use kit_tree::{Entry, Tree};

use crate::error::At as _;
use crate::publish::Policy;
use crate::{Damage, Item, Store, StoreError, disk};

impl Store {
    /// Keeps a tree; its blobs are put before it.
    pub fn put_tree(&self, tree: &Tree) -> Result<TreeId, StoreError> {
        let encoding = tree.encode();
        let id: TreeId = encoding.id_of();
        let name = id.to_string();
        let path = self.trees.path_of(&name);
        let there = self.trees.stat(&name).at("read", &path)?;
        if there.is_some_and(|stat| disk::size(&stat) == encoding.finish().len() as u64) {
            self.note_published();
            return Ok(id);
        }
        let dir = self.trees.make_dir_of(&name).at("write", &path)?;
        let parent = path.parent().unwrap_or(&path);
        self.publish(dir.as_fd(), &name, parent, encoding.finish(), Policy::Content)?;
        Ok(id)
    }

    /// Reads a tree, checked against its identity.
    pub fn tree(&self, id: &TreeId) -> Result<Tree, StoreError> {
        let bytes = self.read_item(&self.trees, &id.to_string(), || Item::Tree(*id))?;
        let bytes = bytes.ok_or_else(|| self.missing(Item::Tree(*id)))?;
        decode(&bytes, id).map_err(|damage| self.corrupt(Item::Tree(*id), damage))
    }

    /// Whether a tree's encoding is there; it isn't looked at.
    pub fn has_tree(&self, id: &TreeId) -> Result<bool, StoreError> {
        let name = id.to_string();
        Ok(self.trees.stat(&name).at("read", &self.trees.path_of(&name))?.is_some())
    }

    /// Whether a tree and all its blobs are there. Content isn't looked at, but what is seen to be damaged (the tree, or a
    /// blob of another length) is an error.
    pub fn has_tree_complete(&self, id: &TreeId) -> Result<bool, StoreError> {
        let tree = match self.tree(id) {
            Ok(tree) => tree,
            Err(StoreError::Missing { .. }) => return Ok(false),
            Err(e) => return Err(e),
        };
        for (blob, expected) in blobs(&tree) {
            match self.blob_size(&blob)? {
                None => return Ok(false),
                Some(found) if found != expected => {
                    return Err(self.corrupt(Item::Blob(blob), Damage::Size { expected, found }));
                }
                Some(_) => {}
            }
        }
        Ok(true)
    }
}

/// Checks the bytes of a tree's file and reads them.
pub(crate) fn decode(bytes: &[u8], id: &TreeId) -> Result<Tree, Damage> {
    let (expected, found) = (BlobId::from_bytes(*id.as_bytes()), BlobId::of(bytes));
    if expected != found {
        return Err(Damage::Digest { expected, found });
    }
    Ok(Tree::decode(bytes)?)
}

/// Content of a tree's regular files, with lengths in bytes.
pub(crate) fn blobs(tree: &Tree) -> impl Iterator<Item = (BlobId, u64)> {
    tree.entries().filter_map(|(_, entry)| match entry {
        Entry::File { blob, size, .. } => Some((*blob, *size)),
        Entry::Directory(_)
        | Entry::Symlink { .. }
        | Entry::HardLink { .. }
        | Entry::Device { .. }
        | Entry::Fifo(_) => None,
    })
}

#[cfg(test)]
mod tests;
