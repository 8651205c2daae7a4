use std::os::unix::fs::PermissionsExt as _;

use crate::disk;
use crate::testing::{TestStore, make_dir, mode, write};

#[test]
fn goes_away_with_all_that_is_in_it() {
    let test = TestStore::new();
    let scratch = test.store.scratch().unwrap();
    assert_eq!(mode(scratch.path()), 0o755);
    let path = scratch.path().to_owned();
    make_dir(&path.join("a/removed-1/b"));
    write(&path.join("a/file"), b"x");
    std::os::unix::fs::symlink("/", path.join("a/link")).unwrap();
    std::fs::set_permissions(path.join("a/removed-1"), std::fs::Permissions::from_mode(0o000)).unwrap();
    std::fs::set_permissions(path.join("a"), std::fs::Permissions::from_mode(0o500)).unwrap();
    drop(scratch);
    assert!(std::fs::symlink_metadata(&path).is_err());
}

#[test]
fn depth_and_breadth_don_t_matter() {
    let test = TestStore::new();
    let scratch = test.store.scratch().unwrap();
    let path = scratch.path().to_owned();
    for branch in ["x", "y"] {
        let mut dir = disk::make_dir(scratch.dir(), branch.as_bytes()).unwrap();
        // Deeper than any path can say, and than handles and stack would reach.
        for _ in 0..1200 {
            dir = disk::make_dir(&dir, b"directory").unwrap();
        }
    }
    drop(scratch);
    assert!(std::fs::symlink_metadata(&path).is_err());
}
