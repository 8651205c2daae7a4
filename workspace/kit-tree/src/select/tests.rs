use super::*;
use crate::Mode;
use kit_hash::BlobId;

fn tree(paths: &[&str]) -> Tree {
    let mut tree = Tree::new();
    for text in paths {
        let path: TreePath = text.parse().unwrap();
        tree.insert_file(path, Mode::FILE, BlobId::of(b""), 0).unwrap();
    }
    tree
}

fn select(tree: &Tree, include: &[&str], exclude: &[&str]) -> Selection {
    let owned = |globs: &[&str]| globs.iter().map(|g| (*g).to_owned()).collect::<Vec<_>>();
    Globs::new(&owned(include), &owned(exclude)).unwrap().select(tree)
}

#[test]
fn excludes_contents_and_the_directories_that_they_empty() {
    let all = tree(&["/usr/bin/a", "/usr/share/doc/a/copyright", "/usr/share/man/man1/a.1"]);
    let rest = select(&all, &[], &["/usr/share/doc/**", "/usr/share/man"]);
    assert_eq!(rest.tree, tree(&["/usr/bin/a"]));
    assert_eq!(rest.unmatched, Vec::<String>::new());
}

#[test]
fn includes_with_parents_and_says_what_matched_nothing() {
    let all = tree(&["/usr/bin/a", "/usr/bin/b", "/usr/lib/c/d"]);
    let some = select(&all, &["/usr/bin/a", "/usr/lib", "/opt/**"], &["/srv"]);
    assert_eq!(some.tree, tree(&["/usr/bin/a", "/usr/lib/c/d"]));
    assert_eq!(some.unmatched, ["/opt/**", "/srv"]);
    assert_eq!(select(&all, &["/usr/*"], &[]).tree, all, "a matched directory brings its contents");
}

#[test]
fn a_star_stays_within_a_name() {
    let all = tree(&["/lib/x.so", "/lib/sub/y.so"]);
    assert_eq!(select(&all, &["/lib/*.so"], &[]).tree, tree(&["/lib/x.so"]));
    assert_eq!(select(&all, &["/lib/**/*.so"], &[]).tree, all);
}

#[test]
fn a_link_stays_when_its_file_goes() {
    let mut all = tree(&["/a"]);
    let link = |target: &str| Entry::HardLink { target: target.parse().unwrap() };
    for name in ["/b", "/c"] {
        all.insert(name.parse().unwrap(), link("/a")).unwrap();
    }
    let rest = select(&all, &[], &["/a"]).tree;
    let mut expected = tree(&["/b"]);
    expected.insert("/c".parse().unwrap(), link("/b")).unwrap();
    assert_eq!(rest, expected);
}

#[test]
fn globs_are_absolute_and_well_formed() {
    assert!(Globs::new(&["usr/**".to_owned()], &[]).is_err());
    assert!(Globs::new(&["/usr/[".to_owned()], &[]).is_err());
}
