//! The host's root and the containers', each as a tree of its own: a container sees nothing above its root.

use std::collections::BTreeMap;

use kit_tree::{Entry, FileName, Tree, TreePath};

/// Where containers lie, by when they run.
const WHEN: [&[u8]; 3] = [b"onboot", b"services", b"onshutdown"];

/// A root file system of an image.
#[derive(Debug)]
pub(crate) struct Root {
    /// What findings call it: `/` for the host, such as `services/000-web` for a container.
    pub(crate) name: String,
    /// Where it is in the image.
    pub(crate) prefix: TreePath,
    /// What is in it.
    pub(crate) tree: Tree,
}

impl Root {
    /// Returns the path in the image of something that is in this root.
    pub(crate) fn whole(&self, path: &TreePath) -> TreePath {
        self.prefix.append(path).expect("because the image's tree has that path")
    }

    /// Whether it is the host's.
    pub(crate) fn is_host(&self) -> bool {
        self.prefix.is_root()
    }

    /// Returns how a sentence calls it.
    pub(crate) fn title(&self) -> String {
        if self.is_host() { "the host".to_owned() } else { format!("the container `{}`", self.name) }
    }
}

/// Takes an image apart: the host's root first, then the containers' in path order.
pub(crate) fn split(tree: &Tree) -> Vec<Root> {
    let mut prefixes = BTreeMap::from([(TreePath::root(), Tree::new())]);
    for (path, entry) in tree.entries() {
        let prefix = prefix_of(path)
            .filter(|prefix| tree.get(prefix).is_some_and(Entry::is_directory))
            .unwrap_or_else(TreePath::root);
        let below = path.strip_prefix(&prefix).expect("because the prefix was taken from the path");
        let entry = match entry {
            Entry::HardLink { target } => linked(tree, &prefix, target),
            entry => entry.clone(),
        };
        let part = prefixes.entry(prefix).or_default();
        part.insert(below, entry).expect("because the image's tree holds the same invariants");
    }
    let roots = prefixes.into_iter();
    roots.map(|(prefix, tree)| Root { name: name(&prefix), prefix, tree }).collect()
}

/// Returns the root of the container that a path is in, itself included.
fn prefix_of(path: &TreePath) -> Option<TreePath> {
    if !path.as_bytes().starts_with(b"containers/") {
        return None;
    }
    let names: Vec<FileName> = path.names().take(4).collect();
    let [_, when, _, rootfs] = names.as_slice() else { return None };
    let is_root = WHEN.contains(&when.as_bytes()) && rootfs.as_bytes() == b"rootfs";
    let bytes: Vec<&[u8]> = names.iter().map(FileName::as_bytes).collect();
    is_root.then(|| TreePath::new(bytes.join(&b'/')).expect("because it is the start of a path"))
}

/// Returns a hard link within a root; where its target is in another root, the file itself.
fn linked(tree: &Tree, prefix: &TreePath, target: &TreePath) -> Entry {
    let same_root = prefix_of(target).unwrap_or_else(TreePath::root) == *prefix;
    match target.strip_prefix(prefix).filter(|_| same_root) {
        Some(target) => Entry::HardLink { target },
        None => tree.get(target).cloned().expect("because a hard link's target is in the tree"),
    }
}

/// Returns what findings call the root at a place.
fn name(prefix: &TreePath) -> String {
    let whole = prefix.to_string();
    match whole.strip_prefix("/containers/").and_then(|rest| rest.strip_suffix("/rootfs")) {
        Some(name) => name.to_owned(),
        None => "/".to_owned(),
    }
}
