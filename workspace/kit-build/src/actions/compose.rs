//! Trees laid over each other, filtered, with additions.

use kit_hash::TreeId;
use kit_plan::derivation::{Added, AddedEntry, Compose, Input, Laying, MountPoint};
use kit_store::Store;
use kit_tree::layers::stack;
use kit_tree::resolve::{ByLink, Resolved};
use kit_tree::{Blobs as _, Entry, Globs, Meta, Mode, Tree, TreePath, dump::Line, overlay};

use super::Done;
use crate::BuildError;
use crate::error::Contradiction;

/// The largest `/etc/passwd` or `/etc/group` that lines are put behind, in bytes.
const ACCOUNTS_LIMIT: u64 = 1 << 20;

pub(super) fn compose(
    store: &Store,
    title: &str,
    compose: &Compose,
    tree_of: &dyn Fn(&Input) -> TreeId,
) -> Result<Done, BuildError> {
    let mut trees = Vec::new();
    for part in &compose.parts {
        let tree = store.tree(&tree_of(&part.input))?;
        let tree = if part.at.is_root() {
            tree
        } else {
            tree.moved_below(&part.at).map_err(|e| failed(title, &e.to_string()))?
        };
        trees.push(tree);
    }
    let mut tree = match trees.as_slice() {
        layers if compose.laying == Laying::Layers => {
            stack(&layers.iter().collect::<Vec<_>>()).map_err(|e| failed(title, &e.to_string()))?
        }
        [] => Tree::new(),
        [_] => trees.remove(0),
        _ => lay_over(title, compose, &trees)?,
    };
    tree = filter(title, compose, tree)?;
    for added in &compose.additions {
        add(store, title, &mut tree, added)?;
    }
    for path in &compose.ensure {
        ensure(&mut tree, path);
    }
    for MountPoint { path, source } in &compose.mount_points {
        if is_directory(&tree, source) {
            ensure(&mut tree, path);
        } else if tree.get(path).is_none() && tree.make_parents(path, &Meta::root(Mode::DIRECTORY)).is_ok() {
            let entry = Entry::File { meta: Meta::root(Mode::FILE), blob: store.put_bytes(b"")?, size: 0 };
            tree.insert(path.clone(), entry).expect("because its parents are there");
        }
    }
    append(store, title, &mut tree, "/etc/passwd", &compose.passwd)?;
    append(store, title, &mut tree, "/etc/group", &compose.group)?;
    Ok(Done::of(store.put_tree(&tree)?))
}

fn failed(title: &str, reason: &str) -> BuildError {
    BuildError::Compose { title: title.to_owned(), reason: reason.to_owned() }
}

fn lay_over(title: &str, compose: &Compose, trees: &[Tree]) -> Result<Tree, BuildError> {
    let layers: Vec<_> = trees.iter().collect();
    let union = overlay(&layers, &compose.prefer);
    if union.conflicts.is_empty() {
        return Ok(union.tree);
    }
    let side = |(part, entry): &(usize, Entry), path: &TreePath| {
        (compose.parts[*part].owner.clone(), Line(path, entry).to_string())
    };
    let contradictions = union.conflicts.iter().map(|conflict| Contradiction {
        path: conflict.path.clone(),
        first: side(&conflict.first, &conflict.path),
        second: side(&conflict.second, &conflict.path),
    });
    let contradictions = contradictions.collect();
    Err(BuildError::Conflict { title: title.to_owned(), contradictions, labels: Vec::new() })
}

fn filter(title: &str, compose: &Compose, tree: Tree) -> Result<Tree, BuildError> {
    let globs = Globs::new(&compose.include, &compose.exclude).map_err(|e| failed(title, &e.to_string()))?;
    if globs.is_all() {
        return Ok(tree);
    }
    let selection = globs.select(&tree);
    if selection.unmatched.is_empty() {
        Ok(selection.tree)
    } else {
        let globs = selection.unmatched;
        Err(BuildError::GlobMatchesNothing { title: title.to_owned(), globs, labels: Vec::new() })
    }
}

fn add(store: &Store, title: &str, tree: &mut Tree, added: &Added) -> Result<(), BuildError> {
    let fail = |e: kit_tree::TreeError| failed(title, &e.to_string());
    tree.make_parents(&added.path, &Meta::root(Mode::DIRECTORY)).map_err(fail)?;
    let entry = match &added.what {
        AddedEntry::Inline { meta, content } => {
            Entry::File { meta: meta.clone(), blob: store.put_bytes(content)?, size: content.len() as u64 }
        }
        AddedEntry::Entry(entry) => entry.clone(),
    };
    tree.insert(added.path.clone(), entry).map_err(fail).map(|_| ())
}

/// Makes a directory unless something is there, or a link on the way leads elsewhere.
fn ensure(tree: &mut Tree, path: &TreePath) {
    if tree.get(path).is_none() && tree.make_parents(path, &Meta::root(Mode::DIRECTORY)).is_ok() {
        tree.insert(path.clone(), Entry::directory()).expect("because its parents are there");
    }
}

/// Whether there is a directory at a path, as far as the tree tells: what isn't there is made when the machine runs, and most
/// of that are directories. A link that leads to nothing is one to a file that is made then.
fn is_directory(tree: &Tree, path: &TreePath) -> bool {
    match tree.resolve(path) {
        Resolved::There(_, entry) => matches!(entry, Entry::Directory { .. }),
        Resolved::Nothing(_, by_link) => by_link == ByLink::No,
        Resolved::Nowhere => false,
    }
}

fn append(
    store: &Store,
    title: &str,
    tree: &mut Tree,
    path: &str,
    lines: &[String],
) -> Result<(), BuildError> {
    if lines.is_empty() {
        return Ok(());
    }
    let path: TreePath = path.parse().expect("because it is a constant path");
    let mut text = match tree.inode(&path) {
        Some(Entry::File { blob, .. }) => store
            .read(blob, ACCOUNTS_LIMIT)
            .map_err(|source| BuildError::Io { what: format!("read {path} for `{title}`"), source })?,
        _ => Vec::new(),
    };
    for line in lines {
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    let what = AddedEntry::Inline { meta: Meta::root(Mode::FILE), content: text };
    add(store, title, tree, &Added { path, what })
}
