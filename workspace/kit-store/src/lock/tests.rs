use std::sync::atomic::{AtomicU32, Ordering};

use crate::gc::{Keep, Sweep};
use crate::lock::Wait;
use crate::testing::{TestStore, derivation};

#[test]
fn one_builder_at_a_time() {
    let test = TestStore::new();
    let others = [test.again(), test.again()];
    let (inside, built, waited) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for store in [&test.store, &test.store, &others[0], &others[1]] {
            scope.spawn(|| {
                for _ in 0..50 {
                    let mut wait = || _ = waited.fetch_add(1, Ordering::SeqCst);
                    let lock = store.build_lock(&derivation(1), &mut wait).unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    built.fetch_add(1, Ordering::SeqCst);
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(lock);
                }
            });
        }
    });
    assert_eq!(built.load(Ordering::SeqCst), 200);
}

#[test]
fn says_that_it_waits_and_only_then() {
    let test = TestStore::new();
    let mut waited = 0;
    let held = test.store.build_lock(&derivation(1), &mut || waited += 1).unwrap();
    drop(test.store.build_lock(&derivation(2), &mut || waited += 1).unwrap());
    assert_eq!(waited, 0);
    assert!(test.store.try_build_lock(&derivation(1)).unwrap().is_none());
    std::thread::scope(|scope| {
        let (send, receive) = std::sync::mpsc::channel();
        let store = &test.store;
        let other =
            scope.spawn(move || store.build_lock(&derivation(1), &mut || send.send(()).unwrap()).map(|_| ()));
        receive.recv().unwrap();
        drop(held);
        other.join().unwrap().unwrap();
    });
    assert!(test.store.try_build_lock(&derivation(1)).unwrap().is_some());
}

#[test]
fn collection_keeps_off_while_others_read() {
    let mut test = TestStore::new();
    let id = test.store.put_bytes(b"content").unwrap();
    let other = test.again();
    let collect =
        |store: &mut crate::Store| store.gc(Keep::RootsOnly, Sweep::Remove, Wait::Never, &mut |_, _| ());
    let error = collect(&mut test.store).unwrap_err();
    assert_eq!(error.code(), "kit::store::busy");
    assert!(test.store.has_blob(&id).unwrap());

    // Having given up, it is a reader again: the other one can't collect either.
    let mut other = other;
    assert_eq!(collect(&mut other).unwrap_err().code(), "kit::store::busy");
    drop(other);
    assert_eq!(collect(&mut test.store).unwrap().items, 1);
    assert!(!test.store.has_blob(&id).unwrap());
    drop(test.again());
}

#[test]
fn collection_leaves_held_locks() {
    let mut test = TestStore::new();
    let held = test.store.build_lock(&derivation(1), &mut || ()).unwrap();
    drop(test.store.build_lock(&derivation(2), &mut || ()).unwrap());
    test.store.gc(Keep::RootsOnly, Sweep::Remove, Wait::Never, &mut |_, _| ()).unwrap();
    assert!(test.store.try_build_lock(&derivation(1)).unwrap().is_none());
    let name = |number| format!("locks/build-{}", derivation(number));
    assert!(std::fs::metadata(test.path(&name(1))).is_ok());
    assert!(std::fs::metadata(test.path(&name(2))).is_err());
    drop(held);
}
