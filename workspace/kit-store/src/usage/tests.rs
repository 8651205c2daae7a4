use kit_tree::{Mode, Tree};

use super::*;
use crate::Roots;
use crate::testing::{TestStore, path};

#[test]
fn tells_shared_from_own() {
    let test = TestStore::new();
    for (root, own) in [("one", "1"), ("two", "22")] {
        let mut tree = Tree::new();
        for (name, content) in [("own", own), ("shared", "shared!")] {
            let blob = test.store.put_bytes(content.as_bytes()).unwrap();
            tree.insert_file(path(name), Mode::FILE, blob, content.len() as u64).unwrap();
        }
        let id = test.store.put_tree(&tree).unwrap();
        test.store
            .set_root(&root.parse().unwrap(), &Roots { trees: [id].into(), ..Roots::default() })
            .unwrap();
    }
    test.store.put_bytes(b"nobody's").unwrap();
    let scratch = test.store.scratch().unwrap();
    crate::testing::write(&scratch.path().join("file"), b"four");

    let usage = test.store.du().unwrap();
    let sum = |count, bytes| Sum { count, bytes };
    assert_eq!(usage.blobs, sum(4, 18));
    assert_eq!(usage.unrooted, sum(1, 8));
    assert_eq!(usage.temporary, sum(1, 4));
    assert_eq!(usage.trees.count, 2);
    let roots: Vec<_> = usage.roots.iter().map(|(name, root)| (name.to_string(), *root)).collect();
    assert_eq!(
        roots,
        [
            ("one".to_owned(), RootUsage { all: sum(2, 8), own: sum(1, 1) }),
            ("two".to_owned(), RootUsage { all: sum(2, 9), own: sum(1, 2) }),
        ]
    );
    assert_eq!(usage.bytes(), 18 + 4 + usage.trees.bytes);
}
