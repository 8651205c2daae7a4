//! What roots lead to.

use std::collections::{BTreeMap, BTreeSet};

use kit_hash::{BlobId, DerivationId, ResolvedId, TreeId};

use crate::{Roots, Store, StoreError, tree};

/// Everything that some roots keep alive.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    pub(crate) memos: BTreeSet<DerivationId>,
    pub(crate) records: BTreeSet<ResolvedId>,
    pub(crate) trees: BTreeSet<TreeId>,
    pub(crate) blobs: BTreeSet<BlobId>,
}

impl Reach {
    /// Adds what roots lead to.
    pub(crate) fn add(&mut self, store: &Store, roots: &Roots) -> Result<(), StoreError> {
        for derivation in &roots.derivations {
            if let Some(resolved) = whole(store.memo(derivation))?.flatten() {
                self.add_record(store, &resolved)?;
                if self.records.contains(&resolved) {
                    self.memos.insert(*derivation);
                }
            }
        }
        roots.resolved.iter().try_for_each(|id| self.add_record(store, id))?;
        roots.trees.iter().try_for_each(|id| self.add_tree(store, id))?;
        self.blobs.extend(&roots.blobs);
        Ok(())
    }

    /// Adds a record and what it leads to.
    pub(crate) fn add_record(&mut self, store: &Store, id: &ResolvedId) -> Result<(), StoreError> {
        if self.records.contains(id) {
            return Ok(());
        }
        if let Some(record) = whole(store.peek_record(id))?.flatten() {
            self.add_tree(store, &record.tree)?;
            // A record whose tree is gone is worth nothing.
            if self.trees.contains(&record.tree) {
                self.records.insert(*id);
                self.blobs.extend(record.log);
            }
        }
        Ok(())
    }

    /// Adds a tree and its content.
    pub(crate) fn add_tree(&mut self, store: &Store, id: &TreeId) -> Result<(), StoreError> {
        if self.trees.contains(id) {
            return Ok(());
        }
        if let Some(tree) = whole(store.tree(id))? {
            self.trees.insert(*id);
            self.blobs.extend(tree::blobs(&tree).map(|(blob, _)| blob));
        }
        Ok(())
    }
}

/// What is missing or damaged leads nowhere: it is made anew when it is needed.
fn whole<T>(result: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if e.damaged().is_some() => Ok(None),
        Err(e) => Err(e),
    }
}

/// How often each blob is reached by one of several.
pub(crate) fn count<'a>(reaches: impl Iterator<Item = &'a Reach>) -> BTreeMap<BlobId, usize> {
    let mut counts = BTreeMap::new();
    for blob in reaches.flat_map(|reach| &reach.blobs) {
        *counts.entry(*blob).or_default() += 1;
    }
    counts
}
