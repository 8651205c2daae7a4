//! Equal files once: several names of one inode instead of several inodes.

use std::collections::{BTreeMap, BTreeSet};

use kit_hash::BlobId;
use kit_tree::draft::{Draft, Node};
use kit_tree::{Meta, Tree, TreePath};

/// What must be equal for two files to become one.
type Key = (BlobId, u64, u32, u32, u32, BTreeMap<Vec<u8>, Vec<u8>>);

/// Makes regular files at or below the paths of `below` that are equal in content, mode, owner and attributes into hard links
/// to the first of them in path order.
///
/// Empty files stay apart: there is nothing to save, and programs use them as locks and marks. The caller answers for nobody
/// writing to one of the files through one of its names: the trees are mounted read-only.
pub fn dedupe(tree: &Tree, below: &[TreePath]) -> Tree {
    let below: BTreeSet<&TreePath> = below.iter().collect();
    let mut draft = Draft::of(tree);
    let mut first: BTreeMap<Key, usize> = BTreeMap::new();
    for (path, node) in draft.take_nodes() {
        let node = match node {
            Node::File(number) if is_below(&path, &below) && draft.file(number).size > 0 => {
                let file = draft.file(number);
                let Meta { mode, uid, gid, xattrs } = &file.meta;
                let key = (file.blob, file.size, mode.bits(), *uid, *gid, xattrs.clone());
                Node::File(*first.entry(key).or_insert(number))
            }
            node => node,
        };
        draft.insert(path, node);
    }
    draft.finish().expect("because the paths are those of a tree")
}

fn is_below(path: &TreePath, below: &BTreeSet<&TreePath>) -> bool {
    std::iter::successors(Some(path.clone()), TreePath::parent).any(|ancestor| below.contains(&ancestor))
}

/// Counts the bytes that [`dedupe`] took away: the difference of both trees' contents.
pub fn saved(before: &Tree, after: &Tree) -> u64 {
    before.content_size() - after.content_size()
}

#[cfg(test)]
mod tests {
    use kit_tree::dump::Dump;
    use kit_tree::{Entry, Mode};

    use super::*;

    fn path(text: &str) -> TreePath {
        text.parse().unwrap()
    }

    #[test]
    fn links_equal_files_below_the_given_paths() {
        let (same, other, empty) = (BlobId::of(b"same"), BlobId::of(b"else"), BlobId::of(b""));
        let mut tree = Tree::new();
        for (name, mode, blob, size) in [
            ("/a/lib", Mode::FILE, same, 4),
            ("/a/program", Mode::PROGRAM, same, 4),
            ("/b/lib", Mode::FILE, same, 4),
            ("/b/other", Mode::FILE, other, 4),
            ("/b/lock", Mode::FILE, empty, 0),
            ("/a/lock", Mode::FILE, empty, 0),
            ("/boot/lib", Mode::FILE, same, 4),
            ("/bb", Mode::FILE, same, 4),
        ] {
            tree.insert_file(path(name), mode, blob, size).unwrap();
        }
        tree.insert(path("/b/z"), Entry::HardLink { target: path("/b/lib") }).unwrap();
        let deduped = dedupe(&tree, &[path("/a"), path("/b")]);
        let links: Vec<_> =
            Dump(&deduped).to_string().lines().filter(|l| l.contains("link")).map(String::from).collect();
        assert_eq!(links, ["/b/lib link = /a/lib", "/b/z link = /a/lib"]);
        assert_eq!(deduped.entries().filter(|(_, e)| matches!(e, Entry::File { .. })).count(), 7);
        assert_eq!(saved(&tree, &deduped), 4);
        assert_eq!(dedupe(&deduped, &[path("/a"), path("/b")]), deduped);
        assert_eq!(dedupe(&tree, &[]), tree);
    }
}
