//! Several trees laid over each other into one; what contradicts is data, not an error.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Entry, Meta, Mode, Tree, TreePath};

/// One tree that takes part, by its place in the list.
pub type Layer<'a> = &'a Tree;

/// Two layers that put different things at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Where.
    pub path: TreePath,
    /// Index of the layer that provides it first, and what.
    pub first: (usize, Entry),
    /// Index of the layer that provides it again, and what.
    pub second: (usize, Entry),
}

/// The result of laying trees over each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// The union; at a conflict the first layer's entry.
    pub tree: Tree,
    /// Index of the layer that each path came from.
    pub owners: BTreeMap<TreePath, usize>,
    /// All contradictions that `prefer` doesn't settle, in path order.
    pub conflicts: Vec<Conflict>,
}

/// Lays `layers` over each other. Equal entries agree, directories merge (a plain one, 0755 and root's, yields to one
/// with other metadata), everything else is a conflict unless `prefer` names the winning layer for the path.
pub fn overlay(layers: &[Layer<'_>], prefer: &BTreeMap<TreePath, usize>) -> Overlay {
    let mut union: BTreeMap<TreePath, (usize, Entry)> = BTreeMap::new();
    let mut conflicts = BTreeMap::new();
    for (layer, tree) in layers.iter().enumerate() {
        for (path, entry) in tree.entries() {
            let Some((owner, standing)) = union.get(path) else {
                union.insert(path.clone(), (layer, entry.clone()));
                continue;
            };
            match settle(path, (*owner, standing), (layer, entry), prefer) {
                Settled::Standing => {}
                Settled::New => _ = union.insert(path.clone(), (layer, entry.clone())),
                Settled::Conflict => {
                    conflicts.entry(path.clone()).or_insert_with(|| Conflict {
                        path: path.clone(),
                        first: (*owner, standing.clone()),
                        second: (layer, entry.clone()),
                    });
                }
            }
        }
    }
    drop_below_non_directories(&mut union);
    let owners = union.iter().map(|(path, (owner, _))| (path.clone(), *owner)).collect();
    Overlay { tree: assemble(layers, union), owners, conflicts: conflicts.into_values().collect() }
}

enum Settled {
    Standing,
    New,
    Conflict,
}

fn settle(
    path: &TreePath,
    (owner, standing): (usize, &Entry),
    (layer, new): (usize, &Entry),
    prefer: &BTreeMap<TreePath, usize>,
) -> Settled {
    if standing == new {
        return Settled::Standing;
    }
    if let Some(winner) = prefer.get(path) {
        if *winner == layer {
            return Settled::New;
        } else if *winner == owner {
            return Settled::Standing;
        }
    }
    let plain = |meta: &Meta| *meta == Meta::root(Mode::DIRECTORY);
    match (standing, new) {
        (Entry::Directory(_), Entry::Directory(new)) if plain(new) => Settled::Standing,
        (Entry::Directory(standing), Entry::Directory(_)) if plain(standing) => Settled::New,
        _ => Settled::Conflict,
    }
}

/// Where a non-directory won over a directory, what other layers have below it goes.
fn drop_below_non_directories(union: &mut BTreeMap<TreePath, (usize, Entry)>) {
    let mut directories = BTreeSet::new();
    let mut blocked = Vec::new();
    for (path, (_, entry)) in &*union {
        if path.parent().is_some_and(|parent| !directories.contains(&parent)) {
            blocked.push(path.clone());
        } else if entry.is_directory() {
            directories.insert(path.clone());
        }
    }
    for path in blocked {
        union.remove(&path);
    }
}

/// Builds the tree; a hard link whose file lost to another layer becomes a file of its own.
fn assemble(layers: &[Layer<'_>], union: BTreeMap<TreePath, (usize, Entry)>) -> Tree {
    let mut tree = Tree::new();
    let mut stand_ins: BTreeMap<(usize, TreePath), TreePath> = BTreeMap::new();
    let lookup: BTreeMap<TreePath, usize> = union.iter().map(|(p, (owner, _))| (p.clone(), *owner)).collect();
    for (path, (layer, entry)) in union {
        let entry = match entry {
            Entry::HardLink { target } => {
                let file = layers[layer].get(&target).expect("because a link's target is in its own tree");
                if lookup.contains_key(&target) && tree.get(&target) == Some(file) {
                    Entry::HardLink { target }
                } else if let Some(first) = stand_ins.get(&(layer, target.clone())) {
                    Entry::HardLink { target: first.clone() }
                } else {
                    stand_ins.insert((layer, target), path.clone());
                    file.clone()
                }
            }
            entry => entry,
        };
        tree.insert_unchecked(path, entry);
    }
    tree
}

#[cfg(test)]
mod tests;
