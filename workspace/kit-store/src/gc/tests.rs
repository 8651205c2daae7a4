use std::time::Duration;

use kit_hash::{Identity as _, Sha256};
use kit_tree::{Mode, Tree};

use super::*;
use crate::Roots;
use crate::testing::{TestStore, damage, derivation, path, sample};

fn collect(test: &mut TestStore, keep: Keep, sweep: Sweep) -> (Freed, Vec<Item>) {
    let mut items = Vec::new();
    let freed = test.store.gc(keep, sweep, Wait::Until, &mut |item, _| items.push(item.clone())).unwrap();
    (freed, items)
}

/// A tree with one file of its own and one that all share.
fn tree(test: &TestStore, own: &str) -> TreeId {
    let mut tree = Tree::new();
    for (name, content) in [("own", own), ("shared", "shared")] {
        let blob = test.store.put_bytes(content.as_bytes()).unwrap();
        tree.insert_file(path(name), Mode::PROGRAM, blob, content.len() as u64).unwrap();
    }
    test.store.put_tree(&tree).unwrap()
}

fn set_root(test: &TestStore, roots: &Roots) {
    test.store.set_root(&"name".parse().unwrap(), roots).unwrap();
}

#[test]
fn keeps_what_roots_lead_to_and_nothing_else() {
    let mut test = TestStore::new();
    let trees: Vec<_> = ["a", "b", "c"].map(|own| tree(&test, own)).into();
    for (number, id) in trees.iter().enumerate() {
        test.build(u8::try_from(number).unwrap(), *id);
        test.store.materialised(id).unwrap();
    }
    let download = test.store.put_download(&mut b"download".as_slice()).unwrap();
    let other = test.store.put_download(&mut b"other".as_slice()).unwrap();
    let roots = Roots {
        derivations: [derivation(0)].into(),
        trees: [trees[1]].into(),
        blobs: [download.blob].into(),
        ..Roots::default()
    };
    set_root(&test, &roots);

    let (listed, would_go) = collect(&mut test, Keep::RootsOnly, Sweep::List);
    let (removed, gone) = collect(&mut test, Keep::RootsOnly, Sweep::Remove);
    assert_eq!((listed, &would_go), (removed, &gone), "a dry run is the real run");

    let blob = |content: &str| BlobId::of(content.as_bytes());
    let resolved = |number| ResolvedId::from_bytes([number; 32]);
    let mut expected = vec![
        Item::Sha256(Sha256::of(b"other")),
        Item::Memo(derivation(1)),
        Item::Memo(derivation(2)),
        Item::Record(resolved(1)),
        Item::Record(resolved(2)),
        Item::Tree(trees[2]),
        Item::Materialised(trees[2]),
        Item::Program(blob("c")),
    ];
    expected.extend(["c", "log 1", "log 2", "other"].map(|content| Item::Blob(blob(content))));
    let sorted = |mut items: Vec<Item>| {
        items.sort();
        items
    };
    assert_eq!(sorted(gone), sorted(expected));

    assert_eq!(test.store.blob_of_sha256(&download.sha256).unwrap(), Some(download.blob));
    assert_eq!(test.store.blob_of_sha256(&other.sha256).unwrap(), None);
    assert!(test.store.has_tree_complete(&trees[0]).unwrap());
    assert!(test.store.has_tree_complete(&trees[1]).unwrap());
    assert!(test.store.record(&test.store.memo(&derivation(0)).unwrap().unwrap()).unwrap().is_some());
    assert!(test.store.verify(&mut |_| ()).unwrap().is_empty());
    assert_eq!(collect(&mut test, Keep::RootsOnly, Sweep::Remove).0, Freed::default());

    test.store.remove_root(&"name".parse().unwrap()).unwrap();
    collect(&mut test, Keep::RootsOnly, Sweep::Remove);
    let usage = test.store.du().unwrap();
    assert_eq!((usage.bytes(), usage.materialised), (0, 0));
}

#[test]
fn keeps_what_was_used_lately() {
    let mut test = TestStore::new();
    let id = tree(&test, "a");
    let (_, resolved) = test.build(0, id);
    let name = resolved.to_string();
    let hour = Duration::from_hours(1);
    let now = std::fs::metadata(test.path("records")).unwrap().modified().unwrap();
    let before = Keep::UsedSince(now - hour);
    assert_eq!(collect(&mut test, before, Sweep::List).1, []);

    // A record that was written long ago, but is used now, keeps all it needs, though that is older.
    let dir = test.store.records.dir_of(&name).unwrap().unwrap();
    disk::set_fixed_time_at(&dir, name.as_bytes()).unwrap();
    let all = collect(&mut test, Keep::UsedSince(now + hour), Sweep::List).0.items;
    assert_eq!(all, 6, "memo, record, tree, two files, log");
    assert!(test.store.record(&resolved).unwrap().is_some());
    assert_eq!(collect(&mut test, before, Sweep::List).1, []);
    assert!(test.store.verify(&mut |_| ()).unwrap().is_empty());
}

#[test]
fn does_nothing_when_a_root_is_damaged() {
    let mut test = TestStore::new();
    let id = tree(&test, "a");
    set_root(&test, &Roots { trees: [id].into(), ..Roots::default() });
    damage(&test.path("roots/name"), b"");
    let error = test.store.gc(Keep::RootsOnly, Sweep::Remove, Wait::Until, &mut |_, _| ()).unwrap_err();
    assert_eq!(error.damaged(), Some(&Item::Root("name".to_owned())));
    assert!(test.store.has_tree_complete(&id).unwrap());
    assert!(test.again().has_tree_complete(&id).unwrap(), "the exclusive lock is given back");
}

#[test]
fn removes_records_that_lead_nowhere() {
    let mut test = TestStore::new();
    let store_tree = sample(&test.store);
    let id = test.store.put_tree(&store_tree).unwrap();
    let (derivation, resolved) = test.build(0, id);
    set_root(&test, &Roots { derivations: [derivation].into(), ..Roots::default() });
    test.store.discard(&Item::Tree(id)).unwrap();
    let (_, gone) = collect(&mut test, Keep::RootsOnly, Sweep::Remove);
    assert!(gone.contains(&Item::Record(resolved)) && gone.contains(&Item::Memo(derivation)), "{gone:?}");
    assert!(test.store.verify(&mut |_| ()).unwrap().is_empty());
}
