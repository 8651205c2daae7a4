use kit_hash::BlobId;

use super::*;

fn path(text: &str) -> TreePath {
    text.parse().unwrap()
}

fn tree(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::new();
    for (place, content) in files {
        match content.strip_prefix("= ") {
            Some(target) => _ = tree.insert(path(place), Entry::HardLink { target: path(target) }).unwrap(),
            None => tree.insert_file(path(place), Mode::FILE, BlobId::of(content.as_bytes()), 1).unwrap(),
        }
    }
    tree
}

#[test]
fn agreeing_trees_merge() {
    let (a, b) = (tree(&[("/usr/a", "1"), ("/usr/same", "2")]), tree(&[("/usr/b", "3"), ("/usr/same", "2")]));
    let both = overlay(&[&a, &b], &BTreeMap::new());
    assert_eq!(both.conflicts, []);
    assert_eq!(both.tree, tree(&[("/usr/a", "1"), ("/usr/b", "3"), ("/usr/same", "2")]));
    assert_eq!((both.owners[&path("/usr/same")], both.owners[&path("/usr/b")]), (0, 1));
}

#[test]
fn contradictions_name_both_owners_unless_one_is_preferred() {
    let (a, b) = (tree(&[("/lib", "link")]), tree(&[("/lib/modules/x", "1")]));
    let both = overlay(&[&a, &b], &BTreeMap::new());
    let places: Vec<_> = both.conflicts.iter().map(|c| (c.path.to_string(), c.first.0, c.second.0)).collect();
    assert_eq!(places, [("/lib".to_owned(), 0, 1)]);
    assert_eq!(both.tree, a, "nothing stands below a file");
    let preferred = overlay(&[&a, &b], &BTreeMap::from([(path("/lib"), 1)]));
    assert_eq!((preferred.conflicts, preferred.tree), (vec![], b));
}

#[test]
fn directories_with_metadata_of_their_own_win_over_plain_ones() {
    let sticky = Entry::Directory(Meta::root(Mode::new(0o1777).unwrap()));
    let mut a = Tree::new();
    a.insert(path("/tmp"), sticky.clone()).unwrap();
    let b = tree(&[("/tmp/x", "1")]);
    for layers in [[&a, &b], [&b, &a]] {
        let both = overlay(&layers, &BTreeMap::new());
        assert_eq!((both.conflicts.len(), both.tree.get(&path("/tmp"))), (0, Some(&sticky)));
    }
    let mut c = Tree::new();
    c.insert(path("/tmp"), Entry::Directory(Meta::root(Mode::new(0o700).unwrap()))).unwrap();
    assert_eq!(overlay(&[&a, &c], &BTreeMap::new()).conflicts.len(), 1);
}

#[test]
fn hard_links_survive_when_their_file_loses() {
    let a = tree(&[("/f", "mine")]);
    let b = tree(&[("/f", "theirs"), ("/g", "= /f"), ("/h", "= /f")]);
    let both = overlay(&[&a, &b], &BTreeMap::from([(path("/f"), 0)]));
    assert_eq!(both.tree, tree(&[("/f", "mine"), ("/g", "theirs"), ("/h", "= /g")]));
}
