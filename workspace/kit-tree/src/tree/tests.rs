use std::collections::BTreeMap;

use kit_hash::Encoder;

use super::*;
use crate::DeviceKind;
use crate::diff::diff;
use crate::dump::Dump;

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

/// One entry of every kind.
fn sample() -> Tree {
    let mut tree = Tree::new();
    let capability = BTreeMap::from([(b"security.capability".to_vec(), vec![1, 0, 0, 2])]);
    let entries = [
        ("/dev", Entry::directory()),
        (
            "/dev/null",
            Entry::Device {
                meta: Meta::root(Mode::new(0o666).unwrap()),
                kind: DeviceKind::Char,
                major: 1,
                minor: 3,
            },
        ),
        (
            "/dev/vda",
            Entry::Device {
                meta: Meta::root(Mode::new(0o660).unwrap()),
                kind: DeviceKind::Block,
                major: 254,
                minor: 0,
            },
        ),
        (
            "/ping",
            Entry::File {
                meta: Meta { mode: Mode::new(0o4755).unwrap(), uid: 0, gid: 7, xattrs: capability },
                blob: BlobId::of(b"ping"),
                size: 4,
            },
        ),
        ("/ping6", Entry::HardLink { target: path("/ping") }),
        ("/queue", Entry::Fifo(Meta::root(Mode::FILE))),
        ("/sh", Entry::symlink("bin/sh")),
    ];
    for (place, entry) in entries {
        tree.insert(path(place), entry).unwrap();
    }
    tree
}

#[test]
fn identity_and_dump_are_pinned() {
    let dump = "\
/ dir 0755 0:0
/dev dir 0755 0:0
/dev/null char 0666 0:0 1,3
/dev/vda block 0660 0:0 254,0
/ping file 4755 0:7 4 PING xattr security.capability=\\x01\\x00\\x00\\x02
/ping6 link = /ping
/queue fifo 0644 0:0
/sh symlink 0777 0:0 -> bin/sh
";
    assert_eq!(Dump(&sample()).to_string(), dump.replace("PING", &BlobId::of(b"ping").to_string()));
    let ids = [("empty", Tree::new().id()), ("every kind", sample().id())].map(|(n, id)| (n, id.to_string()));
    assert_eq!(
        ids,
        [
            ("empty", "4446b56f2adbc6e5b6c4f3732e2b19da55aa827e127e1068ccbe0fe3e02d4636".to_owned()),
            ("every kind", "0c76e67a4e72ba0853a577ed5f6c5e9e359c7fc1fbaa835a66a5c7d87a0aa5a3".to_owned())
        ]
    );
}

#[test]
fn reads_back_what_it_encodes_and_nothing_else() {
    let tree = sample();
    let bytes = tree.encode().finish().to_vec();
    assert_eq!(Tree::decode(&bytes).unwrap(), tree);
    for at in 0..bytes.len() {
        assert!(Tree::decode(&bytes[..at]).is_err(), "cut at {at}");
        let mut changed = bytes.clone();
        changed[at] ^= 0x41;
        if let Ok(other) = Tree::decode(&changed) {
            assert_eq!(other.encode().finish(), changed, "changed at {at}: one encoding per tree");
        }
    }
}

#[test]
fn holds_its_invariants() {
    let mut tree = sample();
    assert!(matches!(tree.insert(path("/a/b"), file("x")), Err(TreeError::NoParent { .. })));
    assert!(matches!(tree.insert(path("/ping/b"), file("x")), Err(TreeError::ParentNotDirectory { .. })));
    assert!(matches!(tree.insert(path("/dev"), file("x")), Err(TreeError::DirectoryNotEmpty { .. })));
    assert!(matches!(tree.insert(TreePath::root(), file("x")), Err(TreeError::Root)));
    let link = |target: &str| Entry::HardLink { target: path(target) };
    assert!(matches!(tree.insert(path("/a"), link("/ping")), Err(TreeError::HardLink { .. })));
    assert!(matches!(tree.insert(path("/z"), link("/sh")), Err(TreeError::HardLink { .. })));
    assert_eq!(tree, sample());
}

#[test]
fn reads_no_tree_that_breaks_them() {
    let link = |target: &str| Entry::HardLink { target: path(target) };
    let directory = || Entry::Directory(Meta::root(Mode::DIRECTORY));
    let broken: [&[(&str, Entry)]; 8] = [
        &[("/a", file("x"))],
        &[("/", file("x"))],
        &[("/", directory()), ("/a/b", file("x"))],
        &[("/", directory()), ("/a", file("x")), ("/a/b", file("x"))],
        &[("/", directory()), ("/a", link("/b")), ("/b", file("x"))],
        &[("/", directory()), ("/a", directory()), ("/b", link("/a"))],
        &[("/", directory()), ("/a", file("x")), ("/b", link("/a")), ("/c", link("/b"))],
        // The directory of the one before isn't that of the last.
        &[("/", directory()), ("/a", directory()), ("/a/b", file("x")), ("/ab/c", file("x"))],
    ];
    let encoded = |entries: &[(&str, Entry)]| {
        let mut encoder = Encoder::new("tree", 1);
        encoder.list(entries, |e, (at, entry)| {
            e.bytes(path(at).as_bytes());
            crate::encoding::encode_entry(e, entry);
        });
        encoder.finish().to_vec()
    };
    for entries in broken {
        assert!(Tree::decode(&encoded(entries)).is_err(), "{entries:?}");
    }
    let neighbours = [("/", directory()), ("/a", directory()), ("/a-b", file("x")), ("/a/c", link("/a-b"))];
    assert_eq!(Tree::decode(&encoded(&neighbours)).unwrap().len(), 3);
    let [root, a, ..] = neighbours;
    assert!(Tree::decode(&encoded(&[a.clone(), root.clone()])).is_err());
    assert!(Tree::decode(&encoded(&[root, a.clone(), a])).is_err());
}

#[test]
fn removing_a_file_keeps_its_other_names() {
    let mut tree = sample();
    tree.insert(path("/ping7"), Entry::HardLink { target: path("/ping") }).unwrap();
    tree.remove(&path("/ping"));
    assert_eq!(tree.get(&path("/ping6")), sample().get(&path("/ping")));
    assert_eq!(tree.get(&path("/ping7")), Some(&Entry::HardLink { target: path("/ping6") }));
    tree.remove(&path("/dev"));
    assert_eq!(tree.len(), 4);
    assert_eq!(Tree::decode(tree.encode().finish()).unwrap(), tree);
}

#[test]
fn moves_below_a_prefix() {
    let moved = sample().moved_below(&path("/containers/x/rootfs")).unwrap();
    assert_eq!(
        moved.get(&path("/containers/x/rootfs/ping6")),
        Some(&Entry::HardLink { target: path("/containers/x/rootfs/ping") })
    );
    assert_eq!(Tree::decode(moved.encode().finish()).unwrap(), moved);
}

#[test]
fn differences_come_in_path_order() {
    let mut after = sample();
    after.remove(&path("/queue"));
    after.insert(path("/a"), file("new")).unwrap();
    after.insert(path("/sh"), Entry::symlink("bin/dash")).unwrap();
    let shown: Vec<_> = diff(&sample(), &after).iter().map(ToString::to_string).collect();
    let blob = BlobId::of(b"new");
    let expected = [
        format!("+ /a file 0644 0:0 3 {blob}"),
        "- /queue fifo 0644 0:0".to_owned(),
        "- /sh symlink 0777 0:0 -> bin/sh\n+ /sh symlink 0777 0:0 -> bin/dash".to_owned(),
    ];
    assert_eq!(shown, expected);
}
