use kit_hash::Encoder;

use crate::testing::{TestStore, damage, sample};
use crate::{Damage, Item, StoreError};

#[test]
fn trees_come_back_and_damage_is_found() {
    let test = TestStore::new();
    let tree = sample(&test.store);
    let id = test.store.put_tree(&tree).unwrap();
    assert_eq!(id, tree.id());
    assert_eq!(test.store.put_tree(&tree).unwrap(), id);
    assert_eq!(test.store.tree(&id).unwrap(), tree);
    assert!(test.store.has_tree_complete(&id).unwrap());

    let path = test.path(&format!("trees/{}/{id}", &id.to_string()[..2]));
    let mut bytes = tree.encode().finish().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    damage(&path, &bytes);
    let error = test.store.tree(&id).unwrap_err();
    assert!(
        matches!(&error, StoreError::Corrupt { source, .. } if matches!(**source, Damage::Digest { .. })),
        "{error}"
    );
    assert_eq!(error.damaged(), Some(&Item::Tree(id)));
    let error = test.store.has_tree_complete(&id).unwrap_err();
    assert_eq!(error.damaged(), Some(&Item::Tree(id)));
    test.store.discard(&Item::Tree(id)).unwrap();
    assert!(!test.store.has_tree_complete(&id).unwrap());
    assert_eq!(test.store.tree(&id).unwrap_err().code(), "kit::store::missing");
    test.store.put_tree(&tree).unwrap();
    assert!(test.store.has_tree_complete(&id).unwrap());
}

#[test]
fn a_tree_is_complete_with_all_its_content() {
    let test = TestStore::new();
    let tree = sample(&test.store);
    let id = test.store.put_tree(&tree).unwrap();
    let blob = test.store.put_bytes(b"hello\n").unwrap();
    damage(&test.object(&blob, ""), b"hell");
    let error = test.store.has_tree_complete(&id).unwrap_err();
    assert_eq!(error.damaged(), Some(&Item::Blob(blob)));
    test.store.discard(&Item::Blob(blob)).unwrap();
    assert!(!test.store.has_tree_complete(&id).unwrap());
    test.store.put_bytes(b"hello\n").unwrap();
    assert!(test.store.has_tree_complete(&id).unwrap());
}

#[test]
fn bytes_that_hash_right_but_are_no_tree_are_damage() {
    let bytes = Encoder::new("tree", 1).u64(u64::MAX).finish().to_vec();
    let id = Encoder::new("tree", 1).u64(u64::MAX).id_of();
    assert!(matches!(super::decode(&bytes, &id), Err(Damage::Encoding(_))));
}
