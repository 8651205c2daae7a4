//! The merged-/usr layout, which every Debian system has since bookworm and which packages only partly follow.
//!
//! What a package has in `/bin`, `/sbin`, `/lib`, `/lib32`, `/lib64` and `/libx32` moves below `/usr`, and a symbolic link stands in its
//! place. Relative links that move keep pointing to what they pointed to. A link that would point to itself goes: it joined both
//! places before, which are one now.

use std::collections::BTreeSet;

use kit_tree::draft::{Draft, Node};
use kit_tree::{Entry, FileName, Meta, Mode, PathError, Tree, TreeError, TreePath};

/// The directories that move, and below which the link points.
const MOVED: [&str; 6] = ["bin", "lib", "lib32", "lib64", "libx32", "sbin"];

/// Why a tree doesn't merge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// Two different things come to one path.
    #[error("`{moved}` and `{path}` are different, but become one")]
    Contradiction {
        /// Where one was.
        moved: TreePath,
        /// Where the other is, and both come to.
        path: TreePath,
    },
    /// A directory that moves is something else.
    #[error("`{path}` is neither a directory nor the link into `/usr`")]
    NotDirectory {
        /// The path.
        path: TreePath,
    },
    /// A path becomes too long.
    #[error("`{path}` can't move into `/usr`")]
    Path {
        /// The path.
        path: TreePath,
        /// Why.
        source: PathError,
    },
    /// The merged paths are no tree, because one lies below another that is no directory.
    #[error("the merged paths are no tree")]
    Tree(#[from] TreeError),
}

/// Merges a tree into `/usr`; one that is merged already comes back as it is.
pub fn merge_usr(tree: Tree) -> Result<Tree, MergeError> {
    let touched = |(path, entry): (&TreePath, &Entry)| moves(path) || matches!(entry, Entry::Symlink { .. });
    if !tree.entries().any(touched) {
        return Ok(tree);
    }
    let mut draft = Draft::of(&tree);
    let mut aliases = BTreeSet::new();
    for (path, node) in draft.take_nodes() {
        let top = moves(&path) && path.parent().is_some_and(|parent| parent.is_root());
        if top && !matches!(node, Node::Other(Entry::Directory(_))) {
            if !points_into_usr(&path, &node) {
                return Err(MergeError::NotDirectory { path });
            }
            aliases.insert(path);
            continue;
        }
        let merged = merged(&path)?;
        let Some(node) = retarget(&path, &merged, node) else { continue };
        if top {
            aliases.insert(path.clone());
        }
        place(&mut draft, merged, node)?;
    }
    for alias in aliases {
        let target = [b"usr/", alias.as_bytes()].concat();
        draft.insert(alias, Node::Other(Entry::symlink(target)));
    }
    Ok(draft.finish()?)
}

/// Whether the path is, or lies in, a directory that moves.
fn moves(path: &TreePath) -> bool {
    let first = path.as_bytes().split(|b| *b == b'/').next().unwrap_or_default();
    MOVED.iter().any(|name| name.as_bytes() == first)
}

/// Returns where the path is once everything moved.
fn merged(path: &TreePath) -> Result<TreePath, MergeError> {
    if !moves(path) {
        return Ok(path.clone());
    }
    let usr = TreePath::new("usr").expect("because it is a name");
    usr.append(path).map_err(|source| MergeError::Path { path: path.clone(), source })
}

/// Whether a node is the link that stands in a moved directory's place.
fn points_into_usr(path: &TreePath, node: &Node) -> bool {
    let Node::Other(Entry::Symlink { target, .. }) = node else { return false };
    merged(path).is_ok_and(|merged| resolve(path, target) == Some(merged))
}

/// Puts a node where it belongs now, beside what came there from another place.
fn place(draft: &mut Draft, path: TreePath, node: Node) -> Result<(), MergeError> {
    let node = match draft.get(&path) {
        None => node,
        Some(standing) if draft.same(standing, &node) => return Ok(()),
        Some(Node::Other(Entry::Directory(standing))) => match node {
            Node::Other(Entry::Directory(meta)) if is_plain(&meta) || is_plain(standing) => {
                let meta = if is_plain(&meta) { standing.clone() } else { meta };
                Node::Other(Entry::Directory(meta))
            }
            _ => return Err(contradiction(path)),
        },
        Some(_) => return Err(contradiction(path)),
    };
    draft.insert(path, node);
    Ok(())
}

/// Only what was outside `/usr` can come to a place that is taken.
fn contradiction(path: TreePath) -> MergeError {
    let usr = TreePath::new("usr").expect("because it is a name");
    let moved = path.strip_prefix(&usr).unwrap_or_else(|| path.clone());
    MergeError::Contradiction { moved, path }
}

fn is_plain(meta: &Meta) -> bool {
    *meta == Meta::root(Mode::DIRECTORY)
}

/// Keeps a symbolic link pointing to the same thing; none when that is the link itself.
fn retarget(path: &TreePath, merged_path: &TreePath, node: Node) -> Option<Node> {
    let Node::Other(Entry::Symlink { uid, gid, target }) = node else { return Some(node) };
    let same = |target| Some(Node::Other(Entry::Symlink { uid, gid, target }));
    let Some(aim) = resolve(path, &target) else { return same(target) };
    let Ok(merged_aim) = merged(&aim) else { return same(target) };
    if merged_aim == *merged_path && aim != *path {
        return None;
    }
    let now = resolve(merged_path, &target).and_then(|aim| merged(&aim).ok());
    if path == merged_path || target.starts_with(b"/") || now.as_ref() == Some(&merged_aim) {
        return same(target);
    }
    same(relative(merged_path, &merged_aim))
}

/// Returns what a link at `path` points to, by its text alone; none when that is no path.
fn resolve(path: &TreePath, target: &[u8]) -> Option<TreePath> {
    let mut names: Vec<&[u8]> = Vec::new();
    if !target.starts_with(b"/") {
        names.extend(path.as_bytes().split(|b| *b == b'/'));
        names.pop();
    }
    for name in target.split(|b| *b == b'/') {
        match name {
            b"" | b"." => {}
            b".." => _ = names.pop(),
            name => names.push(name),
        }
    }
    TreePath::new(names.join(&b'/')).ok()
}

/// Returns the shortest target that leads from a link at `path` to `aim`.
fn relative(path: &TreePath, aim: &TreePath) -> Vec<u8> {
    let from: Vec<_> =
        path.parent().into_iter().flat_map(|parent| parent.names().collect::<Vec<_>>()).collect();
    let to: Vec<_> = aim.names().collect();
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n(b"..".as_slice(), from.len() - common);
    let names: Vec<&[u8]> = up.chain(to[common..].iter().map(FileName::as_bytes)).collect();
    if names.is_empty() { b".".to_vec() } else { names.join(&b'/') }
}
