use kit_hash::BlobId;
use proptest::prelude::*;

use super::*;
use crate::layers::stack;
use crate::overlay::overlay;
use crate::{Meta, Mode};

fn path(text: &str) -> TreePath {
    text.parse().unwrap()
}

fn file(content: &str) -> Entry {
    Entry::File {
        meta: Meta::root(Mode::FILE),
        blob: BlobId::of(content.as_bytes()),
        size: content.len() as u64,
    }
}

fn tree(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::new();
    for (name, content) in files {
        tree.make_parents(&path(name), &Meta::root(Mode::DIRECTORY)).unwrap();
        tree.insert(path(name), file(content)).unwrap();
    }
    tree
}

fn names(tree: &Tree) -> Vec<String> {
    tree.entries().filter(|(_, entry)| !entry.is_directory()).map(|(path, _)| path.to_string()).collect()
}

fn again(layers: &[Tree]) -> Tree {
    stack(&layers.iter().collect::<Vec<_>>()).unwrap()
}

#[test]
fn each_share_is_a_layer_and_the_rest_the_last() {
    let (one, two) =
        (tree(&[("/usr/bin/a", "a"), ("/usr/share/doc/a", "gone")]), tree(&[("/usr/bin/b", "b")]));
    let whole =
        tree(&[("/usr/bin/a", "a"), ("/usr/bin/b", "changed"), ("/etc/own", "x"), ("/sub/usr/bin/b", "b")]);
    let (root, sub) = (TreePath::root(), path("/sub"));
    let shares =
        [Share { tree: &one, at: &root }, Share { tree: &two, at: &root }, Share { tree: &two, at: &sub }];
    let layers = split(&whole, &shares, 64);
    let all: Vec<_> = layers.iter().map(names).collect();
    assert_eq!(all, [vec!["/usr/bin/a"], vec!["/sub/usr/bin/b"], vec!["/etc/own", "/usr/bin/b"]]);
    assert_eq!(again(&layers), whole);
}

#[test]
fn the_smallest_share_a_layer() {
    let trees: Vec<_> = (1..=9).map(|n| tree(&[(&format!("/{n}"), &"x".repeat(n * 10 % 70))])).collect();
    let parts: Vec<_> = trees.iter().collect();
    let whole = overlay(&parts, &BTreeMap::new()).tree;
    let root = TreePath::root();
    let shares: Vec<_> = trees.iter().map(|tree| Share { tree, at: &root }).collect();
    let layers = split(&whole, &shares, 4);
    let all: Vec<_> = layers.iter().map(names).collect();
    // Of nine shares the two largest stay by themselves.
    assert_eq!(all, [vec!["/5"], vec!["/6"], vec!["/1", "/2", "/3", "/4", "/7", "/8", "/9"]]);
    assert_eq!(again(&layers), whole);
    assert_eq!(split(&whole, &shares, 64).len(), 9);
}

#[test]
fn names_of_a_file_and_odd_directories_are_kept() {
    let mut part = tree(&[("/bin/a", "a"), ("/lib/x", "x")]);
    part.insert(path("/bin/b"), Entry::HardLink { target: path("/bin/a") }).unwrap();
    part.insert(path("/empty"), Entry::directory()).unwrap();
    let mut whole = part.clone();
    let odd = Meta { uid: 7, ..Meta::root(Mode::DIRECTORY) };
    whole.insert(path("/lib"), Entry::Directory(odd)).unwrap();
    // A name that only the whole has.
    whole.insert(path("/bin/c"), Entry::HardLink { target: path("/bin/a") }).unwrap();
    whole.insert(path("/dev"), Entry::directory()).unwrap();
    let layers = split(&whole, &[Share { tree: &part, at: &TreePath::root() }], 2);
    assert_eq!(again(&layers), whole);
    assert_eq!(layers.len(), 2);
    assert_eq!(layers[1].entries().map(|(path, _)| path.to_string()).collect::<Vec<_>>(), ["/", "/dev"]);
    assert_eq!(split(&Tree::new(), &[], 2), [Tree::new()]);
}

proptest! {
    #[test]
    fn the_layers_are_the_tree(
        parts in proptest::collection::vec(proptest::collection::btree_map("/[a-c]/[a-c]/[a-c]", "[xy]{0,3}", 0..6), 0..5),
        own in proptest::collection::btree_map("/[a-c]/[a-c]/[a-c]", "[xy]{0,3}", 0..6),
        most in 0..6_usize,
    ) {
        let of = |files: &BTreeMap<String, String>| {
            tree(&files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>())
        };
        let mut trees: Vec<_> = parts.iter().map(of).collect();
        trees.push(of(&own));
        let whole = overlay(&trees.iter().collect::<Vec<_>>(), &BTreeMap::new()).tree;
        trees.pop();
        let root = TreePath::root();
        let shares: Vec<_> = trees.iter().map(|tree| Share { tree, at: &root }).collect();
        let layers = split(&whole, &shares, most);
        prop_assert!(layers.len() <= most.max(2));
        let files: usize = layers.iter().map(|layer| names(layer).len()).sum();
        prop_assert_eq!(files, names(&whole).len());
        prop_assert_eq!(again(&layers), whole);
    }
}
