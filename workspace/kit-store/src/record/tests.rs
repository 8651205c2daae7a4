use kit_hash::Identity as _;

use super::*;
use crate::testing::{TestStore, damage, derivation, read};

fn record() -> (ResolvedId, Record) {
    let tree = TreeId::from_bytes([2; 32]);
    let cost = Cost { wall_millis: 4, cpu_millis: 5, bytes: 6 };
    (ResolvedId::from_bytes([1; 32]), Record { tree, log: Some(BlobId::from_bytes([3; 32])), cost })
}

#[test]
fn records_and_memos_come_back() {
    let test = TestStore::new();
    let (id, record) = record();
    assert_eq!(test.store.record(&id).unwrap(), None);
    test.store.put_record(&id, &record).unwrap();
    assert_eq!(test.store.record(&id).unwrap(), Some(record.clone()));
    let newer = Record { log: None, ..record };
    test.store.put_record(&id, &newer).unwrap();
    assert_eq!(test.again().record(&id).unwrap(), Some(newer));

    assert_eq!(test.store.memo(&derivation(1)).unwrap(), None);
    test.store.put_memo(&derivation(1), &id).unwrap();
    assert_eq!(test.store.memo(&derivation(1)).unwrap(), Some(id));
}

#[test]
fn a_swapped_memo_is_noticed() {
    let test = TestStore::new();
    let (id, _) = record();
    test.store.put_memo(&derivation(1), &id).unwrap();
    test.store.put_memo(&derivation(2), &id).unwrap();
    let path = |n| test.path(&format!("memo/{}/{}", &derivation(n).to_string()[..2], derivation(n)));
    damage(&path(2), &read(&path(1)));
    assert_eq!(test.store.memo(&derivation(2)).unwrap_err().damaged(), Some(&Item::Memo(derivation(2))));
}

#[test]
fn what_a_power_cut_left_empty_is_not_there() {
    let test = TestStore::new();
    let (id, record) = record();
    let sha256 = kit_hash::Sha256::of(b"content");
    let blob = test.store.put_bytes(b"content").unwrap();
    test.store.put_record(&id, &record).unwrap();
    test.store.put_memo(&derivation(1), &id).unwrap();
    test.store.put_sha256(&sha256, &blob).unwrap();
    for (category, name) in
        [("records", id.to_string()), ("memo", derivation(1).to_string()), ("sha256", sha256.to_string())]
    {
        damage(&test.path(&format!("{category}/{}/{name}", &name[..2])), b"");
    }
    assert_eq!(test.store.record(&id).unwrap(), None);
    assert_eq!(test.store.memo(&derivation(1)).unwrap(), None);
    assert_eq!(test.store.blob_of_sha256(&sha256).unwrap(), None);
    test.store.put_record(&id, &record).unwrap();
    assert_eq!(test.store.record(&id).unwrap(), Some(record));
}
