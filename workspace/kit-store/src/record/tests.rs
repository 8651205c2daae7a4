use kit_hash::Identity as _;

use super::*;
use crate::sealed::seal;
use crate::testing::{TestStore, damage, derivation, read};

fn record() -> (ResolvedId, Record) {
    let tree = TreeId::from_bytes([2; 32]);
    let cost = Cost { wall_millis: 4, cpu_millis: 5, bytes: 6 };
    (ResolvedId::from_bytes([1; 32]), Record { tree, log: Some(BlobId::from_bytes([3; 32])), cost })
}

/// The bytes on disk. They may change with the version in the store's version file alone.
#[test]
fn the_encoding_is_pinned() {
    let (id, record) = record();
    let with_log = seal(&encode_record(&id, &record));
    let without_log = seal(&encode_record(&id, &Record { log: None, ..record }));
    let digests: Vec<_> = [&with_log, &without_log].map(|b| (b.len(), BlobId::of(b).short())).into();
    assert_eq!(digests, [(174, "8e836be4ef76".to_owned()), (142, "7a3109ab9fc8".to_owned())]);
    assert_eq!(decode_record(&with_log, &id).unwrap(), self::record().1);
}

#[test]
fn every_changed_or_missing_byte_is_noticed() {
    let (id, record) = record();
    let bytes = seal(&encode_record(&id, &record));
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        assert_eq!(decode_record(&changed, &id), Err(Damage::Seal), "{at}");
        assert_eq!(decode_record(&bytes[..at], &id), Err(Damage::Seal), "{at}");
    }
    assert_eq!(
        decode_record(&bytes, &ResolvedId::from_bytes([9; 32])),
        Err(Damage::Seal),
        "another's record"
    );
    let mut long = encode_record(&id, &record);
    assert!(matches!(decode_record(&seal(long.u64(0)), &id), Err(Damage::Encoding(_))));
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
