use kit_hash::BlobId;

use super::*;

fn path(text: &str) -> TreePath {
    text.parse().unwrap()
}

fn file(mode: u32, uid: u32) -> Entry {
    let meta = Meta { uid, ..Meta::root(Mode::new(mode).unwrap()) };
    Entry::File { meta, blob: BlobId::of(b"content"), size: 7 }
}

fn tree(entries: impl IntoIterator<Item = (&'static str, Entry)>) -> Tree {
    let mut tree = Tree::new();
    for (at, entry) in entries {
        tree.make_parents(&path(at), &Meta::root(Mode::new(0o700).unwrap())).unwrap();
        tree.insert(path(at), entry).unwrap();
    }
    tree
}

#[test]
fn nothing_is_left_that_a_script_may_not_depend_on() {
    let link = Entry::HardLink { target: path("/hello-1.0/a") };
    let found = tree([
        ("/hello-1.0/a", file(0o4711, 1000)),
        ("/hello-1.0/doc/b", file(0o600, 0)),
        ("/hello-1.0/c", link),
        ("/hello-1.0/d", Entry::symlink("a")),
    ]);
    let expected = {
        let mut tree = Tree::new();
        for at in ["/a", "/c"] {
            tree.insert(path(at), file(0o755, 0)).unwrap();
        }
        tree.insert_file(path("/doc/b"), Mode::FILE, BlobId::of(b"content"), 7).unwrap();
        tree.insert(path("/d"), Entry::symlink("a")).unwrap();
        tree
    };
    assert_eq!(found.into_sources().unwrap(), expected);
}

#[test]
fn only_a_directory_that_everything_lies_in_is_left_out() {
    for beside in ["/b", "/z/b"] {
        let found = tree([("/hello/a", file(0o644, 0)), (beside, file(0o644, 0))]);
        assert!(found.into_sources().unwrap().get(&path("/hello/a")).is_some(), "{beside}");
    }
    assert_eq!(tree([("/a", file(0o644, 0))]).into_sources().unwrap().len(), 1);
    assert_eq!(Tree::new().into_sources().unwrap(), Tree::new());
    // Of two in each other the outer one alone: what is in it may be meant.
    let nested = tree([("/hello/src/a", file(0o644, 0))]);
    assert!(nested.into_sources().unwrap().get(&path("/src/a")).is_some());
}

#[test]
fn a_pipe_is_no_source() {
    let found = tree([("/hello/pipe", Entry::Fifo(Meta::root(Mode::FILE)))]);
    assert_eq!(found.into_sources().unwrap_err(), path("/hello/pipe"));
}
