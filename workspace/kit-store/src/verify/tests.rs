use std::os::unix::fs::PermissionsExt as _;

use kit_hash::Identity as _;

use super::*;
use crate::Roots;
use crate::testing::{TestStore, damage, make_dir, remove, sample, write};

fn verify(test: &TestStore) -> Vec<Finding> {
    test.store.verify(&mut |_| ()).unwrap()
}

/// A store with one of everything, and the ids of what is in it.
fn full() -> (TestStore, TreeId, DerivationId, ResolvedId) {
    let test = TestStore::new();
    let tree = test.store.put_tree(&sample(&test.store)).unwrap();
    let (derivation, resolved) = test.build(1, tree);
    test.store.put_download(&mut b"download".as_slice()).unwrap();
    test.store
        .set_root(&"name".parse().unwrap(), &Roots { trees: [tree].into(), ..Roots::default() })
        .unwrap();
    test.store.materialised(&tree).unwrap();
    (test, tree, derivation, resolved)
}

fn at(test: &TestStore, category: &str, id: &impl ToString) -> std::path::PathBuf {
    let id = id.to_string();
    test.path(&format!("{category}/{}/{id}", &id[..2]))
}

/// Damages a full store in one way, and compares what is found, before and after a repair.
fn check(break_it: impl Fn(&TestStore, TreeId, DerivationId, ResolvedId) -> Vec<Finding>) {
    let (test, tree, derivation, resolved) = full();
    assert_eq!(verify(&test), []);
    let mut expected = break_it(&test, tree, derivation, resolved);
    let found = verify(&test);
    let mut sorted = found.clone();
    sorted.sort_by(|a, b| a.item.cmp(&b.item));
    expected.sort_by(|a, b| a.item.cmp(&b.item));
    assert_eq!(sorted, expected);

    // Removing something may leave a reference to it dangling: that is found, and removed in turn.
    let mut found = found;
    let mut left = Vec::new();
    for _ in 0..4 {
        left = test.store.repair(&found).unwrap();
        found = verify(&test);
        if found == left {
            break;
        }
    }
    assert_eq!(found, left);
    assert!(left.iter().all(|f| matches!(f.item, Item::Root(_) | Item::Stranger(_))), "{left:?}");
}

fn finding(item: Item, problem: impl Into<Problem>) -> Finding {
    Finding { item, problem: problem.into() }
}

#[test]
fn finds_changed_content() {
    check(|test, _, _, _| {
        let id = BlobId::of(b"download");
        damage(&test.object(&id, ""), b"Download");
        vec![finding(Item::Blob(id), Damage::Digest { expected: id, found: BlobId::of(b"Download") })]
    });
    check(|test, tree, _, _| {
        let id = BlobId::of(b"#!/bin/sh\n");
        damage(&test.object(&id, ".x"), b"#!/bin/csh");
        let found = BlobId::of(b"#!/bin/csh");
        let mut changed = test.store.tree(&tree).unwrap();
        changed.insert_file(crate::testing::path("bin/tool"), kit_tree::Mode::PROGRAM, found, 10).unwrap();
        let (expected, content) = (shown(&test.store.tree(&tree).unwrap()).id(), shown(&changed).id());
        vec![
            finding(Item::Program(id), Damage::Digest { expected: id, found }),
            finding(Item::Materialised(tree), Damage::Content { expected, found: content }),
        ]
    });
}

#[test]
fn finds_wrong_modes_and_kinds() {
    check(|test, tree, _, _| {
        let set = |path: &std::path::Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        let id = BlobId::of(b"download");
        set(&test.object(&id, ""), 0o644);
        set(&at(test, "trees", &tree), 0o600);
        vec![
            finding(Item::Blob(id), Damage::Mode { expected: 0o444, found: 0o644 }),
            finding(Item::Tree(tree), Damage::Mode { expected: 0o444, found: 0o600 }),
        ]
    });
    check(|test, _, _, _| {
        let id = BlobId::of(b"download");
        remove(&test.object(&id, ""));
        make_dir(&test.path("elsewhere"));
        std::os::unix::fs::symlink("/etc/passwd", test.object(&id, "")).unwrap();
        vec![
            finding(Item::Blob(id), Damage::Kind),
            finding(Item::Sha256(Sha256::of(b"download")), Problem::Dangling(Item::Blob(id))),
        ]
    });
}

#[test]
fn finds_damaged_statements() {
    check(|test, tree, _, _| {
        damage(&at(test, "trees", &tree), b"kit:tree:v1\0");
        let (expected, found) = (BlobId::from_bytes(*tree.as_bytes()), BlobId::of(b"kit:tree:v1\0"));
        vec![
            finding(Item::Tree(tree), Damage::Digest { expected, found }),
            finding(Item::Materialised(tree), Problem::Dangling(Item::Tree(tree))),
        ]
    });
    check(|test, _, derivation, resolved| {
        damage(&at(test, "records", &resolved), b"");
        damage(&at(test, "memo", &derivation), b"x");
        damage(&test.path("roots/name"), b"y");
        vec![
            finding(Item::Record(resolved), Damage::Seal),
            finding(Item::Memo(derivation), Damage::Seal),
            finding(Item::Root("name".to_owned()), Damage::Seal),
        ]
    });
}

#[test]
fn finds_a_wrong_sha256() {
    check(|test, _, _, _| {
        let wrong = Sha256::of(b"something else");
        test.store.put_sha256(&wrong, &BlobId::of(b"download")).unwrap();
        let found = Sha256::of(b"download");
        vec![finding(Item::Sha256(wrong), Damage::Sha256 { expected: wrong, found })]
    });
}

#[test]
fn finds_what_is_missing() {
    check(|test, tree, _, _| {
        let id = BlobId::of(b"hello\n");
        remove(&test.object(&id, ""));
        vec![finding(Item::Tree(tree), Problem::Dangling(Item::Blob(id)))]
    });
    check(|test, tree, _, resolved| {
        remove(&at(test, "trees", &tree));
        vec![
            finding(Item::Record(resolved), Problem::Dangling(Item::Tree(tree))),
            finding(Item::Materialised(tree), Problem::Dangling(Item::Tree(tree))),
        ]
    });
    check(|test, _, derivation, resolved| {
        remove(&at(test, "records", &resolved));
        vec![finding(Item::Memo(derivation), Problem::Dangling(Item::Record(resolved)))]
    });
    check(|test, _, _, resolved| {
        let log = BlobId::of(b"log 1");
        remove(&test.object(&log, ""));
        vec![finding(Item::Record(resolved), Problem::Dangling(Item::Blob(log)))]
    });
}

#[test]
fn finds_leftovers_and_strangers() {
    check(|test, _, _, _| {
        make_dir(&test.path("tmp/999999-0/work"));
        write(&test.path("objects/notes"), b"");
        make_dir(&test.path("objects/zz"));
        make_dir(&test.path("trees/00"));
        write(&test.path("trees/00/short"), b"");
        write(&test.path("roots/not a name"), b"");
        let stranger = |path: &str| finding(Item::Stranger(path.to_owned()), Problem::Stranger);
        vec![
            finding(Item::Temporary("999999-0".to_owned()), Problem::Leftover),
            stranger("objects/notes"),
            stranger("objects/zz"),
            stranger("trees/00/short"),
            stranger("roots/not a name"),
        ]
    });
}

#[test]
fn counts_what_it_looks_at() {
    let (test, ..) = full();
    let mut last = None;
    test.store.verify(&mut |progress| last = Some(progress)).unwrap();
    let last = last.unwrap();
    assert_eq!(
        (last.done, last.total),
        (11, 11),
        "5 objects, a program, tree, record, memo, name, directory"
    );
    assert_eq!(last.bytes, 5 + 8 + 10 + 10 + 6);
}
