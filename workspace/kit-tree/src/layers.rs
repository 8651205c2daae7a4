//! Layers of container images, laid over each other by the rules of the OCI image specification 1.1 ("Applying Changesets").
//!
//! A layer by itself is a tree in raw form: files that begin with `.wh.` say what of the layers below is hidden, and directories that
//! its archive doesn't have, but that its members lie in, have the attribute `kit.implied`, so that they change no directory below. A hard
//! link to a file that only layers below can have is an empty file with the attribute `kit.linked`, the path of that file.

use std::collections::{BTreeMap, BTreeSet};

use crate::draft::{Draft, File, Node};
use crate::{Entry, Meta, Mode, Tree, TreeError, TreePath};

/// How names begin that hide something.
const WHITEOUT: &[u8] = b".wh.";
/// The name that hides all that a directory has below.
const OPAQUE: &[u8] = b".wh..wh..opq";
/// How names begin that an old file system kept for itself.
const AUFS: &[u8] = b".wh..wh.";
/// Marks directories that the archive doesn't have.
const IMPLIED: &[u8] = b"kit.implied";
/// Marks further names of files of layers below; its value is the path of such a file.
const LINKED: &[u8] = b"kit.linked";
/// The most links on the way to a directory, as in Linux.
const MOST_LINKS: usize = 40;

/// Why a layer can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayerError {
    /// Something else than an empty file, or one that hides nothing that can be there.
    #[error("`{path}` is no way to hide a file")]
    Whiteout {
        /// Where.
        path: TreePath,
    },
    /// Another name of a file that is only there to hide something.
    #[error("`{path}` is another name of a file that hides one")]
    Hidden {
        /// Where.
        path: TreePath,
    },
    /// An attribute that the raw form has for itself.
    #[error("`{path}` has the attribute `{attribute}`")]
    Marked {
        /// Where.
        path: TreePath,
        /// Which one.
        attribute: &'static str,
    },
    /// Another name of a file that isn't there.
    #[error("`{path}` is a hard link to `{target}`, which is no file of this layer or of one below")]
    Target {
        /// Where.
        path: TreePath,
        /// What it should be another name of.
        target: TreePath,
    },
    /// Members lie below a link that leads to no directory.
    #[error("`{path}` lies below a link of a lower layer that leads to no directory")]
    Link {
        /// Where.
        path: TreePath,
    },
}

/// A layer in raw form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer(Tree);

/// What a name in a layer hides.
enum Hidden {
    /// What is there below.
    One(TreePath),
    /// All that the directory has below.
    AllIn(TreePath),
    /// Nothing; it means nothing.
    Nothing,
}

impl Layer {
    /// Takes what an archive has; `implied` are the directories that it doesn't have itself. `linked` are its hard links to files that
    /// it doesn't have, and what those are; empty files stand in their places.
    pub fn new(
        mut tree: Tree,
        implied: BTreeSet<TreePath>,
        linked: BTreeMap<TreePath, TreePath>,
    ) -> Result<Self, LayerError> {
        for (path, entry) in tree.entries() {
            let has = |mark: &[u8]| meta_of(entry).is_some_and(|meta| meta.xattrs.contains_key(mark));
            for (mark, attribute) in [(IMPLIED, "kit.implied"), (LINKED, "kit.linked")] {
                if has(mark) {
                    return Err(LayerError::Marked { path: path.clone(), attribute });
                }
            }
            hidden(path, entry)?;
        }
        for (path, target) in linked {
            let Some(Entry::File { meta, blob, size }) = tree.get(&path).cloned() else { continue };
            let xattrs = BTreeMap::from([(LINKED.to_vec(), target.as_bytes().to_vec())]);
            let entry = Entry::File { meta: Meta { xattrs, ..meta }, blob, size };
            tree.insert_unchecked(path, entry);
        }
        let mark =
            Meta { xattrs: BTreeMap::from([(IMPLIED.to_vec(), Vec::new())]), ..Meta::root(Mode::DIRECTORY) };
        for path in implied {
            tree.insert_unchecked(path, Entry::Directory(mark.clone()));
        }
        Ok(Self(tree))
    }

    /// Returns the raw form.
    pub fn into_tree(self) -> Tree {
        self.0
    }
}

/// Lays raw layers over each other, the lowest first.
pub fn stack(layers: &[&Tree]) -> Result<Tree, LayerError> {
    let mut stack = Stack::default();
    for layer in layers {
        stack.add(layer)?;
    }
    // A layer can put a file where its own members go by a link.
    stack.0.finish().map_err(|error| match error {
        TreeError::ParentNotDirectory { path, .. } => LayerError::Link { path },
        error => unreachable!("because a draft's links name its files: {error}"),
    })
}

#[derive(Debug, Default)]
struct Stack(Draft);

impl Stack {
    fn add(&mut self, layer: &Tree) -> Result<(), LayerError> {
        let moved = self.moved(layer)?;
        // What they name is what was there before this layer hid or replaced anything.
        let linked = self.linked(layer, &moved)?;
        let mut visible = Vec::new();
        for (path, entry) in layer.entries() {
            match hidden(path, entry)? {
                None => visible.push((path, entry)),
                Some(Hidden::Nothing) => {}
                Some(Hidden::One(path)) => self.0.remove(&place(&path, &moved)),
                Some(Hidden::AllIn(path)) => self.0.remove_below(&place(&path, &moved)),
            }
        }
        let mut files = BTreeMap::new();
        for (path, entry) in visible {
            let place = place(path, &moved);
            match entry {
                Entry::Directory(meta) => self.put_directory(path, place, meta, &moved),
                Entry::File { .. } if linked.contains_key(path) => {
                    files.insert(path, linked[path].clone());
                    self.put(place, linked[path].clone());
                }
                Entry::File { meta, blob, size } => {
                    let node = self.0.add_file(File { meta: meta.clone(), blob: *blob, size: *size });
                    files.insert(path, node.clone());
                    self.put(place, node);
                }
                Entry::HardLink { target } => {
                    let node = files.get(target).cloned();
                    let node = node.ok_or_else(|| LayerError::Hidden { path: path.clone() })?;
                    self.put(place, node);
                }
                other => self.put(place, Node::Other(other.clone())),
            }
        }
        Ok(())
    }

    /// Returns the directories of a layer that are links below, and where those lead.
    fn moved(&self, layer: &Tree) -> Result<Vec<(TreePath, TreePath)>, LayerError> {
        let mut moved = Vec::new();
        for (path, entry) in layer.entries().filter(|(_, entry)| is_implied(entry)) {
            debug_assert!(entry.is_directory());
            let place = place(path, &moved);
            if matches!(self.0.get(&place), Some(Node::Other(Entry::Symlink { .. }))) {
                let real = self.resolve(&place).ok_or_else(|| LayerError::Link { path: path.clone() })?;
                moved.push((path.clone(), real));
            }
        }
        Ok(moved)
    }

    /// Returns the hard links of a layer to what is below, and what they name.
    fn linked<'l>(
        &self,
        layer: &'l Tree,
        moved: &[(TreePath, TreePath)],
    ) -> Result<BTreeMap<&'l TreePath, Node>, LayerError> {
        let mut linked = BTreeMap::new();
        for (path, entry) in layer.entries() {
            let Some(target) = meta_of(entry).and_then(|meta| meta.xattrs.get(LINKED)) else { continue };
            if hidden(path, entry)?.is_some() {
                continue;
            }
            let target = TreePath::new(target).map_err(|_| LayerError::Hidden { path: path.clone() })?;
            let node = self.file_at(&place(&target, moved));
            let node = node.ok_or_else(|| LayerError::Target { path: path.clone(), target })?;
            linked.insert(path, node.clone());
        }
        Ok(linked)
    }

    /// Returns what can have further names at a path: a file, or a symbolic link itself.
    fn file_at(&self, path: &TreePath) -> Option<&Node> {
        let directory = self.resolve(&path.parent()?)?;
        let name = path.names().last()?;
        let node = self.0.get(&directory.join(&name).ok()?)?;
        matches!(node, Node::File(_) | Node::Other(Entry::Symlink { .. })).then_some(node)
    }

    /// Follows links, none of them out of the root, to a directory.
    fn resolve(&self, path: &TreePath) -> Option<TreePath> {
        let mut todo: Vec<Vec<u8>> =
            path.as_bytes().split(|b| *b == b'/').rev().map(<[u8]>::to_vec).collect();
        let (mut at, mut links) = (TreePath::root(), 0);
        while let Some(name) = todo.pop() {
            match name.as_slice() {
                b"" | b"." => continue,
                b".." => {
                    at = at.parent().unwrap_or_else(TreePath::root);
                    continue;
                }
                _ => {}
            }
            let next = at.append(&TreePath::new(&name).ok()?).ok()?;
            match self.0.get(&next)? {
                Node::Other(Entry::Directory(_)) => at = next,
                Node::Other(Entry::Symlink { target, .. }) if links < MOST_LINKS => {
                    links += 1;
                    if target.starts_with(b"/") {
                        at = TreePath::root();
                    }
                    todo.extend(target.split(|b| *b == b'/').rev().map(<[u8]>::to_vec));
                }
                _ => return None,
            }
        }
        Some(at)
    }

    fn put_directory(
        &mut self,
        path: &TreePath,
        place: TreePath,
        meta: &Meta,
        moved: &[(TreePath, TreePath)],
    ) {
        let is_there = matches!(self.0.get(&place), Some(Node::Other(Entry::Directory(_))));
        let implied = meta.xattrs.contains_key(IMPLIED);
        if implied && (is_there || moved.iter().any(|(link, _)| link == path)) {
            return;
        }
        let entry = if implied { Entry::directory() } else { Entry::Directory(meta.clone()) };
        self.0.insert(place, Node::Other(entry));
    }

    /// Puts something that isn't a directory.
    fn put(&mut self, place: TreePath, node: Node) {
        self.0.remove_below(&place);
        self.0.insert(place, node);
    }
}

/// Returns where a path of a layer is, below the links that its directories are.
fn place(path: &TreePath, moved: &[(TreePath, TreePath)]) -> TreePath {
    let longest = moved.iter().filter_map(|(link, real)| Some((path.strip_prefix(link)?, link, real)));
    match longest.max_by_key(|(_, link, _)| link.as_bytes().len()) {
        Some((below, _, real)) => real.append(&below).unwrap_or_else(|_| path.clone()),
        None => path.clone(),
    }
}

fn is_implied(entry: &Entry) -> bool {
    meta_of(entry).is_some_and(|meta| meta.xattrs.contains_key(IMPLIED))
}

fn meta_of(entry: &Entry) -> Option<&Meta> {
    match entry {
        Entry::Directory(meta)
        | Entry::File { meta, .. }
        | Entry::Device { meta, .. }
        | Entry::Fifo(meta) => Some(meta),
        Entry::Symlink { .. } | Entry::HardLink { .. } => None,
    }
}

/// Reads what a path of a layer hides; none when it is a path like any other.
fn hidden(path: &TreePath, entry: &Entry) -> Result<Option<Hidden>, LayerError> {
    // What lies in a directory of an old file system's own means nothing either.
    let of_aufs = |name: &[u8]| name.starts_with(AUFS) && name != OPAQUE;
    if path.as_bytes().split(|byte| *byte == b'/').any(of_aufs) {
        return Ok(Some(Hidden::Nothing));
    }
    let Some(name) = path.as_bytes().rsplit(|byte| *byte == b'/').next() else { return Ok(None) };
    let Some(meant) = name.strip_prefix(WHITEOUT) else { return Ok(None) };
    let fault = || LayerError::Whiteout { path: path.clone() };
    let directory = path.parent().ok_or_else(fault)?;
    // Some tools link all of them to one file.
    if !matches!(entry, Entry::File { size: 0, .. } | Entry::HardLink { .. }) {
        return Err(fault());
    }
    if name == OPAQUE {
        return Ok(Some(Hidden::AllIn(directory)));
    }
    let meant = TreePath::new(meant).ok().filter(|meant| !meant.is_root()).ok_or_else(fault)?;
    directory.append(&meant).map(|path| Some(Hidden::One(path))).map_err(|_| fault())
}

#[cfg(test)]
mod tests;
