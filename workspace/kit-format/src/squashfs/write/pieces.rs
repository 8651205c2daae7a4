//! Whose the pieces of the data area are.

use std::collections::BTreeMap;

use kit_tree::{Entry, Tree, TreePath};

use super::super::DATA_STORED;
use super::contents::Contents;
use crate::layout::Layout;

/// How many files of a block of fragments are named.
const NAMED: usize = 4;

/// Whose a run of the data area is.
enum Owner {
    /// The blocks of this file.
    Blocks(TreePath),
    /// A block of the ends of several files, the first of which are these.
    Fragments { named: Vec<String>, more: usize },
}

impl Contents {
    /// Adds the data area to a layout, piece by piece.
    pub(super) fn lay_out(&self, tree: &Tree, layout: &mut Layout) {
        let begin = layout.len();
        let end = begin + self.len;
        for (start, (length, owner)) in self.runs(tree) {
            if start < layout.len() || start + length > end {
                continue;
            }
            self.unknown_to(layout, begin, start);
            let part = start - begin..start + length - begin;
            match owner {
                Owner::Blocks(path) => {
                    layout.blob_part("compressed content", self.blob, part, Some(path));
                }
                Owner::Fragments { named, more } => {
                    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
                    let what = format!("compressed fragments of {}{more}", named.join(", "));
                    layout.blob_part(what, self.blob, part, None);
                }
            }
        }
        self.unknown_to(layout, begin, end);
    }

    fn unknown_to(&self, layout: &mut Layout, begin: u64, end: u64) {
        if layout.len() < end {
            let part = layout.len() - begin..end - begin;
            layout.blob_part("compressed contents", self.blob, part, None);
        }
    }

    /// Returns each run by where it starts.
    fn runs(&self, tree: &Tree) -> BTreeMap<u64, (u64, Owner)> {
        let mut runs: BTreeMap<u64, (u64, Owner)> = BTreeMap::new();
        let stored = |size: &u32| u64::from(size & !DATA_STORED);
        for (path, entry) in tree.entries() {
            let Entry::File { blob, size, .. } = entry else { continue };
            let place = self.place(*blob, *size);
            let length: u64 = place.sizes.iter().map(stored).sum();
            if length > 0 {
                runs.entry(place.start).or_insert_with(|| (length, Owner::Blocks(path.clone())));
            }
            let Some((number, _)) = place.fragment else { continue };
            let Some((start, size)) = self.fragment(number) else { continue };
            let (_, owner) = runs
                .entry(start)
                .or_insert_with(|| (stored(&size), Owner::Fragments { named: Vec::new(), more: 0 }));
            match owner {
                Owner::Fragments { named, .. } if named.len() < NAMED => named.push(path.to_string()),
                Owner::Fragments { more, .. } => *more += 1,
                Owner::Blocks(_) => {}
            }
        }
        runs
    }
}
