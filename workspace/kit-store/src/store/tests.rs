use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use kit_hash::{Identity as _, ResolvedId, TreeId};

use super::*;
use crate::testing::{TestStore, make_dir, mode, open, open_dir, read, remove, write};
use crate::{Cost, Record};

#[test]
fn opens_what_it_made() {
    let test = TestStore::new();
    assert_eq!(read(&test.path("version")), b"kit-store 1\n");
    for name in NAMES {
        let found = std::fs::symlink_metadata(test.path(name)).unwrap();
        assert_eq!(
            found.permissions().mode() & 0o777,
            if name == "version" { 0o444 } else { 0o755 },
            "{name}"
        );
    }
    assert!(test.again().verify(&mut |_| ()).unwrap().is_empty());
}

#[test]
fn takes_a_directory_that_a_killed_first_opening_left() {
    let root = tempfile::tempdir().unwrap();
    write(&root.path().join(".gitkeep"), b"");
    make_dir(&root.path().join("tmp/7-0"));
    write(&root.path().join("tmp/7-0/0"), b"kit-st");
    make_dir(&root.path().join("locks"));
    drop(open(root.path()));
    assert_eq!(read(&root.path().join("version")), b"kit-store 1\n");
    assert!(std::fs::symlink_metadata(root.path().join("tmp/7-0")).is_err());
}

#[test]
fn refuses_foreign_directories_and_versions() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path();
    let try_open = || Store::open(open_dir(path), "store").unwrap_err();

    write(&path.join("thesis.txt"), b"");
    let error = try_open();
    assert_eq!(error.to_string(), "`store` is no store: `thesis.txt` is in it");
    assert_eq!(error.code(), "kit::store::foreign");
    assert_eq!(disk::list(open_dir(path)).unwrap(), [b"thesis.txt"], "nothing was made there");

    write(&path.join("version"), b"kit-store 9\n");
    let error = try_open();
    assert_eq!(
        error.to_string(),
        "the store `store` has format `kit-store 9`, this program reads `kit-store 1`"
    );
    remove(&path.join("version"));
    symlink("thesis.txt", path.join("version")).unwrap();
    assert_eq!(try_open().code(), "kit::store::io");
}

#[test]
fn follows_no_symbolic_link() {
    let test = TestStore::new();
    let outside = tempfile::tempdir().unwrap();
    let id = test.store.put_bytes(b"content").unwrap();
    let prefix = test.object(&id, "").parent().unwrap().to_owned();
    crate::testing::rename(&prefix, &outside.path().join("moved"));
    symlink(outside.path().join("moved"), &prefix).unwrap();
    assert_eq!(test.store.open_blob(&id).unwrap_err().code(), "kit::store::io");
    assert_eq!(test.store.put_bytes(b"content").unwrap_err().code(), "kit::store::io");

    remove(&prefix);
    symlink(outside.path(), test.path("tmp/link")).unwrap();
    write(&outside.path().join("precious"), b"");
    drop(test.again());
    assert!(std::fs::metadata(outside.path().join("precious")).is_ok());
    assert!(std::fs::symlink_metadata(test.path("tmp/link")).is_err(), "the link itself is a leftover");
}

#[test]
fn sweeps_ended_sessions_alone() {
    let test = TestStore::new();
    let scratch = test.store.scratch().unwrap();
    let live = scratch.path().to_owned();
    let dead = test.path("tmp/999999-0");
    make_dir(&dead.join("3/deep/er"));
    write(&dead.join("3/deep/er/file"), b"x");
    std::fs::set_permissions(dead.join("3/deep/er"), std::fs::Permissions::from_mode(0o500)).unwrap();
    std::fs::set_permissions(dead.join("3/deep"), std::fs::Permissions::from_mode(0o000)).unwrap();
    drop(test.again());
    assert!(std::fs::metadata(&live).is_ok());
    assert!(std::fs::symlink_metadata(&dead).is_err());
    drop(scratch);
    assert!(std::fs::symlink_metadata(&live).is_err());
    drop(test.store);
    assert!(disk::list(open_dir(&test.root.path().join("tmp"))).unwrap().is_empty());
}

#[test]
fn syncs_when_a_record_needs_it() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(open_dir(root.path()), root.path()).unwrap();
    let synced = |store: &Store| *store.synced.lock().unwrap();
    let before = synced(&store);
    store.put_bytes(b"content").unwrap();
    assert_eq!(synced(&store), before);
    store.settle().unwrap();
    let after = synced(&store);
    assert!(after > before);
    store.settle().unwrap();
    assert_eq!(synced(&store), after, "nothing new, nothing to sync");
    store.put_bytes(b"content").unwrap();
    store.settle().unwrap();
    let again = synced(&store);
    assert!(again > after, "what was there already may be another process's, not yet on disk");

    let put = |wall_millis| {
        let cost = Cost { wall_millis, ..Cost::default() };
        let record = Record { tree: TreeId::from_bytes([2; 32]), log: None, cost };
        store.put_bytes(b"content").unwrap();
        store.put_record(&ResolvedId::from_bytes([1; 32]), &record).unwrap();
    };
    put(999);
    assert_eq!(synced(&store), again, "it is soon done again");
    put(1000);
    assert!(synced(&store) > again);
}

#[test]
fn the_file_system_forgets_when() {
    let test = TestStore::new();
    let id = test.store.put_bytes(b"content").unwrap();
    let found = std::fs::symlink_metadata(test.object(&id, "")).unwrap();
    assert_eq!((found.mtime(), found.mtime_nsec()), (crate::FILE_TIME, 0));
    assert_eq!(mode(&test.object(&id, "")), 0o444);
}

#[test]
fn goes_away_with_all_that_is_in_it() {
    let test = TestStore::new();
    let tree = crate::testing::sample(&test.store);
    let id = test.store.put_tree(&tree).unwrap();
    test.store.materialised(&id).unwrap();
    let TestStore { store, root } = test;
    write(&root.path().join("foreign"), b"stays");
    store.remove().unwrap();
    let left: Vec<_> =
        open_dir(root.path()).entries().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["foreign"]);
}
