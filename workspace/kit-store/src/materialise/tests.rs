use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use kit_tree::DeviceKind;

use super::*;
use crate::import::ImportLimits;
use crate::testing::{TestStore, damage, mode, path, read, sample};
use crate::{Damage, Item, StoreError, import};

const NO_LIMITS: ImportLimits = ImportLimits { entries: u64::MAX, bytes: u64::MAX };

fn fill(test: &TestStore, tree: &Tree, how: Materialise) -> (crate::Scratch, Vec<LeftOut>) {
    let scratch = test.store.scratch().unwrap();
    let left_out = test.store.materialise(tree, scratch.dir(), scratch.path(), how).unwrap();
    (scratch, left_out)
}

fn stat(path: &std::path::Path) -> std::fs::Metadata {
    std::fs::symlink_metadata(path).unwrap()
}

#[test]
fn comes_back_as_it_went() {
    let test = TestStore::new();
    let tree = sample(&test.store);
    for how in [Materialise::HardLinks, Materialise::Copies] {
        let (scratch, left_out) = fill(&test, &tree, how);
        assert_eq!(left_out, []);
        assert_eq!(import(scratch.dir(), &NO_LIMITS, &test.store).unwrap(), shown(&tree));
        for (entry, _) in tree.entries() {
            let found = stat(&scratch.path().join(entry.to_string().trim_start_matches('/')));
            assert_eq!((found.mtime(), found.mtime_nsec()), (crate::FILE_TIME, 0), "{entry}");
        }
    }
}

#[test]
fn the_order_of_making_changes_nothing_but_listings() {
    let mut test = TestStore::new();
    test.store = test.store.with_creation(Creation::Backwards);
    let tree = sample(&test.store);
    for how in [Materialise::HardLinks, Materialise::Copies] {
        let (scratch, left_out) = fill(&test, &tree, how);
        assert_eq!(left_out, []);
        assert_eq!(import(scratch.dir(), &NO_LIMITS, &test.store).unwrap(), shown(&tree));
    }
}

#[test]
fn hard_links_are_never_writable() {
    let test = TestStore::new();
    let (scratch, _) = fill(&test, &sample(&test.store), Materialise::HardLinks);
    let at = |name: &str| scratch.path().join(name);
    for (name, expected) in [
        ("", 0o555),
        ("etc", 0o555),
        ("var", 0o555),
        ("bin/tool", 0o555),
        ("etc/motd", 0o444),
        ("etc/z", 0o444),
    ] {
        assert_eq!(mode(&at(name)), expected, "{name}");
    }
    let blob = test.store.put_bytes(b"hello\n").unwrap();
    assert_eq!(stat(&at("etc/motd")).ino(), stat(&test.object(&blob, "")).ino());
    assert_eq!(stat(&at("etc/motd")).ino(), stat(&at("etc/twin")).ino());
    assert_eq!(stat(&at("etc/motd")).ino(), stat(&at("etc/z")).ino());
}

#[test]
fn copies_are_private_and_keep_hard_links() {
    let test = TestStore::new();
    let (scratch, _) = fill(&test, &sample(&test.store), Materialise::Copies);
    let at = |name: &str| scratch.path().join(name);
    for (name, expected) in [("", 0o755), ("etc", 0o755), ("bin/tool", 0o755), ("etc/motd", 0o644)] {
        assert_eq!(mode(&at(name)), expected, "{name}");
    }
    crate::testing::write(&at("etc/motd"), b"changed");
    assert_eq!(read(&at("etc/z")), b"changed");
    assert_eq!(read(&at("etc/twin")), b"hello\n");
    assert!(test.store.verify(&mut |_| ()).unwrap().is_empty());
}

#[test]
fn says_what_it_leaves_out() {
    let test = TestStore::new();
    let mut tree = sample(&test.store);
    let (blob, size) = (test.store.put_bytes(b"su").unwrap(), 2);
    let capability = (b"security.capability".to_vec(), b"x".to_vec());
    let meta = Meta { mode: Mode::new(0o4755).unwrap(), uid: 5, gid: 6, xattrs: [capability].into() };
    tree.insert(path("bin/su"), Entry::File { meta, blob, size }).unwrap();
    let null = Meta::root(Mode::new(0o666).unwrap());
    let null = Entry::Device { meta: null.clone(), kind: DeviceKind::Char, major: 1, minor: 3 };
    tree.insert(path("var/null"), null).unwrap();
    tree.insert(path("var/pipe"), Entry::Fifo(Meta::root(Mode::FILE))).unwrap();
    for how in [Materialise::HardLinks, Materialise::Copies] {
        let (scratch, left_out) = fill(&test, &tree, how);
        let su = |what| LeftOut { path: path("bin/su"), what };
        let expected = [
            su(LeftOutKind::Mode(Mode::new(0o4755).unwrap())),
            su(LeftOutKind::Owner { uid: 5, gid: 6 }),
            su(LeftOutKind::Attributes(1)),
            LeftOut { path: path("var/null"), what: LeftOutKind::Device },
            LeftOut { path: path("var/pipe"), what: LeftOutKind::Fifo },
        ];
        assert_eq!(left_out, expected);
        assert_eq!(mode(&scratch.path().join("bin/su")) & 0o7000, 0);
        assert_eq!(import(scratch.dir(), &NO_LIMITS, &test.store).unwrap(), shown(&tree));
    }
}

#[test]
fn damaged_objects_are_not_linked() {
    let test = TestStore::new();
    let tree = sample(&test.store);
    let blob = test.store.put_bytes(b"hello\n").unwrap();
    let tool = test.store.put_bytes(b"#!/bin/sh\n").unwrap();
    let try_fill = |how| {
        let scratch = test.store.scratch().unwrap();
        test.store.materialise(&tree, scratch.dir(), scratch.path(), how).unwrap_err()
    };
    let object = test.object(&blob, "");

    std::fs::set_permissions(&object, std::fs::Permissions::from_mode(0o644)).unwrap();
    let StoreError::Corrupt { item, source, .. } = try_fill(Materialise::HardLinks) else { panic!() };
    assert_eq!((item, *source), (Item::Blob(blob), Damage::Mode { expected: 0o444, found: 0o644 }));
    std::fs::set_permissions(&object, std::fs::Permissions::from_mode(0o444)).unwrap();

    damage(&object, b"hell");
    let StoreError::Corrupt { source, .. } = try_fill(Materialise::HardLinks) else { panic!() };
    assert_eq!(*source, Damage::Size { expected: 6, found: 4 });
    damage(&object, b"HELLO\n");
    let StoreError::Corrupt { source, .. } = try_fill(Materialise::Copies) else { panic!() };
    assert!(matches!(*source, Damage::Digest { .. }));

    test.store.discard(&Item::Blob(blob)).unwrap();
    assert_eq!(try_fill(Materialise::HardLinks).damaged(), Some(&Item::Blob(blob)));
    test.store.put_bytes(b"hello\n").unwrap();
    damage(&test.object(&tool, ".x"), b"#!");
    assert_eq!(try_fill(Materialise::HardLinks).damaged(), Some(&Item::Program(tool)));
    test.store.discard(&Item::Program(tool)).unwrap();
    fill(&test, &tree, Materialise::HardLinks);
}

#[test]
fn what_is_there_is_not_followed_or_replaced() {
    let test = TestStore::new();
    let tree = sample(&test.store);
    let outside = tempfile::tempdir().unwrap();
    for how in [Materialise::HardLinks, Materialise::Copies] {
        let scratch = test.store.scratch().unwrap();
        std::os::unix::fs::symlink(outside.path(), scratch.path().join("bin")).unwrap();
        assert!(test.store.materialise(&tree, scratch.dir(), scratch.path(), how).is_err());
    }
    assert!(disk::list(crate::testing::open_dir(outside.path())).unwrap().is_empty());
}

#[test]
fn deep_trees_need_few_handles() {
    let test = TestStore::new();
    let mut tree = Tree::new();
    let blob = test.store.put_bytes(b"x").unwrap();
    let deep = "d/".repeat(600);
    tree.insert_file(path(&format!("{deep}f")), Mode::FILE, blob, 1).unwrap();
    tree.insert_file(path("d/d/d/f"), Mode::FILE, blob, 1).unwrap();
    for how in [Materialise::HardLinks, Materialise::Copies] {
        let (scratch, _) = fill(&test, &tree, how);
        assert_eq!(import(scratch.dir(), &NO_LIMITS, &test.store).unwrap(), shown(&tree));
    }
}

#[test]
fn a_cached_directory_is_made_once() {
    let test = TestStore::new();
    let tree = sample(&test.store);
    let id = test.store.put_tree(&tree).unwrap();
    let others = [test.again(), test.again()];
    let inodes: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = [&test.store, &others[0], &others[1], &test.store]
            .map(|store| scope.spawn(move || stat(&store.materialised(&id).unwrap().path).ino()))
            .into();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(inodes.windows(2).all(|pair| pair[0] == pair[1]), "{inodes:?}");
    let found = test.store.materialised(&id).unwrap();
    assert_eq!(found.path, test.path(&format!("materialised/{id}")));
    assert_eq!(mode(&found.path), 0o555);
    assert_eq!(stat(&found.path).mtime(), crate::FILE_TIME);
    assert_eq!(import(&found.dir, &NO_LIMITS, &test.store).unwrap(), shown(&tree));
    assert!(test.store.verify(&mut |_| ()).unwrap().is_empty());
}
