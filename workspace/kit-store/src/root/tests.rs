use kit_hash::Identity as _;

use super::*;
use crate::testing::{TestStore, damage, derivation};

#[test]
fn roots_come_back() {
    let test = TestStore::new();
    let name: RootName = "lock+minimal".parse().unwrap();
    let roots = Roots {
        trees: [TreeId::from_bytes([1; 32]), TreeId::from_bytes([2; 32])].into(),
        derivations: [derivation(3)].into(),
        resolved: [ResolvedId::from_bytes([4; 32])].into(),
        blobs: [BlobId::of(b"")].into(),
    };
    test.store.set_root(&name, &Roots::default()).unwrap();
    test.store.set_root(&name, &roots).unwrap();
    assert_eq!(test.store.root(&name).unwrap().as_ref(), Some(&roots));
    assert_eq!(test.again().roots().unwrap(), BTreeMap::from([(name.clone(), roots)]));
    assert!(test.store.remove_root(&name).unwrap());
    assert!(!test.store.remove_root(&name).unwrap());
    assert!(test.store.roots().unwrap().is_empty());
}

#[test]
fn a_damaged_root_is_an_error() {
    let test = TestStore::new();
    let name: RootName = "minimal".parse().unwrap();
    test.store.set_root(&name, &Roots::default()).unwrap();
    damage(&test.path("roots/minimal"), b"garbage");
    assert_eq!(test.store.roots().unwrap_err().damaged(), Some(&Item::Root("minimal".to_owned())));
}

#[test]
fn names_stay_names() {
    for bad in ["", ".", "..", ".x", "a/b", "a b", "ä", "a\0", &"a".repeat(201)] {
        assert!(bad.parse::<RootName>().is_err(), "{bad}");
    }
    for good in ["minimal", "lock@aarch64", "a.b-c_d+e", &"a".repeat(200)] {
        assert_eq!(good.parse::<RootName>().unwrap().to_string(), good);
    }
}
