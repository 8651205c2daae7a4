//! Include and exclude globs over the paths of a tree.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use globset::{Glob, GlobBuilder, GlobMatcher};

use crate::{Entry, Tree, TreePath};

/// A glob that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{glob}` is no glob: {reason}")]
pub struct GlobsError {
    /// The text.
    pub glob: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Include and exclude patterns: `*` and `?` stay within a name, `**` spans directories, `[…]` and `{a,b}` as in shells.
///
/// A path is taken when it, or a directory above it, matches an include pattern (or there is none), and neither it nor
/// a directory above it matches an exclude pattern. Directories above a taken path are kept; directories that only an
/// exclusion has emptied are not.
#[derive(Debug, Clone)]
pub struct Globs {
    include: Vec<GlobMatcher>,
    exclude: Vec<GlobMatcher>,
}

/// What [`Globs::select`] took.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The taken part.
    pub tree: Tree,
    /// Patterns that matched nothing, as written.
    pub unmatched: Vec<String>,
}

fn matcher(text: &str) -> Result<GlobMatcher, GlobsError> {
    let fail = |reason: String| GlobsError { glob: text.to_owned(), reason };
    if !text.starts_with('/') {
        return Err(fail("it starts with `/`, as every path inside an image".to_owned()));
    }
    GlobBuilder::new(text)
        .literal_separator(true)
        .build()
        .map(|glob: Glob| glob.compile_matcher())
        .map_err(|e| fail(e.kind().to_string()))
}

fn matches(glob: &GlobMatcher, path: &TreePath) -> bool {
    let mut text = Vec::with_capacity(path.as_bytes().len() + 1);
    text.push(b'/');
    text.extend_from_slice(path.as_bytes());
    glob.is_match(OsStr::from_bytes(&text))
}

impl Globs {
    /// Reads patterns; each starts with `/`. Without include patterns, everything is included.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, GlobsError> {
        let read = |globs: &[String]| globs.iter().map(|g| matcher(g)).collect::<Result<Vec<_>, _>>();
        Ok(Self { include: read(include)?, exclude: read(exclude)? })
    }

    /// Whether there is no pattern at all.
    pub fn is_all(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Takes the matching part of a tree.
    pub fn select(&self, tree: &Tree) -> Selection {
        let mut seen =
            Seen { include: vec![false; self.include.len()], exclude: vec![false; self.exclude.len()] };
        let mut taken: BTreeSet<TreePath> = BTreeSet::new();
        let mut dropped: BTreeSet<TreePath> = BTreeSet::new();
        for (path, _) in tree.entries().skip(1) {
            let above = path.parent().unwrap_or_default();
            let excluded = note(&self.exclude, &mut seen.exclude, path);
            let included = note(&self.include, &mut seen.include, path);
            if excluded || dropped.contains(&above) {
                dropped.insert(path.clone());
            } else if self.include.is_empty() || included || taken.contains(&above) {
                taken.insert(path.clone());
            }
        }
        if !self.exclude.is_empty() {
            prune_emptied(tree, &mut taken, &dropped);
        }
        Selection { tree: retain(tree, &with_parents(taken)), unmatched: self.unmatched(&seen) }
    }

    fn unmatched(&self, seen: &Seen) -> Vec<String> {
        let include = self.include.iter().zip(&seen.include);
        let exclude = self.exclude.iter().zip(&seen.exclude);
        include.chain(exclude).filter(|(_, seen)| !**seen).map(|(g, _)| g.glob().glob().to_owned()).collect()
    }
}

struct Seen {
    include: Vec<bool>,
    exclude: Vec<bool>,
}

fn note(globs: &[GlobMatcher], seen: &mut [bool], path: &TreePath) -> bool {
    let mut any = false;
    for (glob, seen) in globs.iter().zip(seen) {
        if matches(glob, path) {
            *seen = true;
            any = true;
        }
    }
    any
}

/// Takes back directories that had something, all of which was excluded.
fn prune_emptied(tree: &Tree, taken: &mut BTreeSet<TreePath>, dropped: &BTreeSet<TreePath>) {
    let mut kept_below: BTreeSet<TreePath> = BTreeSet::new();
    let mut lost_below: BTreeSet<TreePath> = dropped.iter().filter_map(TreePath::parent).collect();
    for (path, entry) in tree.entries().rev() {
        if !taken.contains(path) {
            continue;
        }
        let parent = path.parent().unwrap_or_default();
        if entry.is_directory() && lost_below.contains(path) && !kept_below.contains(path) {
            taken.remove(path);
            lost_below.insert(parent);
        } else {
            kept_below.insert(parent);
        }
    }
}

fn with_parents(mut taken: BTreeSet<TreePath>) -> BTreeSet<TreePath> {
    let paths: Vec<_> = taken.iter().cloned().collect();
    for path in paths {
        let mut up = path.parent();
        while let Some(parent) = up {
            up = parent.parent();
            if !taken.insert(parent) {
                break;
            }
        }
    }
    taken.insert(TreePath::root());
    taken
}

/// Copies the entries at `kept`; where a file goes but a hard link to it stays, the first link becomes the file.
fn retain(tree: &Tree, kept: &BTreeSet<TreePath>) -> Tree {
    let mut result = Tree::new();
    let mut stand_ins: BTreeMap<TreePath, TreePath> = BTreeMap::new();
    for (path, entry) in tree.entries().filter(|(path, _)| kept.contains(*path)) {
        let entry = match entry {
            Entry::HardLink { target } if !kept.contains(target) => {
                if let Some(first) = stand_ins.get(target) {
                    Entry::HardLink { target: first.clone() }
                } else {
                    stand_ins.insert(target.clone(), path.clone());
                    tree.get(target).expect("because a link's target is in its tree").clone()
                }
            }
            entry => entry.clone(),
        };
        result.insert_unchecked(path.clone(), entry);
    }
    result
}

#[cfg(test)]
mod tests;
