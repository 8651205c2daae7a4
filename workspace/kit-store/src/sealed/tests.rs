use kit_hash::{DerivationId, ResolvedId, Sha256, TreeId};

use super::*;
use crate::{Cost, Record, RootName, Roots, blob, record, root};

struct Case {
    name: &'static str,
    encoder: Encoder,
    decode: fn(&[u8]) -> Result<(), Damage>,
}

fn resolved() -> ResolvedId {
    ResolvedId::from_bytes([1; 32])
}

fn derivation() -> DerivationId {
    DerivationId::from_bytes([2; 32])
}

fn root_name() -> RootName {
    "minimal".parse().unwrap()
}

fn cases() -> [Case; 4] {
    let (tree, log) = (TreeId::from_bytes([3; 32]), BlobId::from_bytes([4; 32]));
    let cost = Cost { wall_millis: 5, cpu_millis: 6, bytes: 7 };
    let roots = Roots {
        trees: [tree].into(),
        derivations: [derivation()].into(),
        resolved: [resolved()].into(),
        blobs: [log, BlobId::from_bytes([5; 32])].into(),
    };
    [
        Case {
            name: "record",
            encoder: record::encode_record(&resolved(), &Record { tree, log: Some(log), cost }),
            decode: |bytes| record::decode_record(bytes, &resolved()).map(|_| ()),
        },
        Case {
            name: "memo",
            encoder: record::encode_memo(&derivation(), &resolved()),
            decode: |bytes| record::decode_memo(bytes, &derivation()).map(|_| ()),
        },
        Case {
            name: "sha256",
            encoder: blob::encode_name(&Sha256::of(b"x"), &log),
            decode: |bytes| blob::decode_name(bytes, &Sha256::of(b"x")).map(|_| ()),
        },
        Case {
            name: "roots",
            encoder: root::encode(&root_name(), &roots),
            decode: |bytes| root::decode(bytes, &root_name()).map(|_| ()),
        },
    ]
}

/// The bytes on disk. They change with the number in the store's version file alone.
#[test]
fn the_encodings_are_pinned() {
    let found = cases().map(|case| {
        let bytes = seal(&case.encoder);
        (case.decode)(&bytes).unwrap();
        format!("{} {} {}", case.name, bytes.len(), BlobId::of(&bytes).short())
    });
    assert_eq!(
        found,
        [
            "record 174 3b8fa8102bea",
            "memo 108 5d2f91ddb56f",
            "sha256 110 a945c5a9a15f",
            "roots 252 62c5a10dd3dc"
        ]
    );
}

#[test]
fn every_changed_missing_or_forged_byte_is_an_error() {
    for case in cases() {
        let bytes = seal(&case.encoder);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            assert_eq!((case.decode)(&changed), Err(Damage::Seal), "{} {at}", case.name);
            assert_eq!((case.decode)(&bytes[..at]), Err(Damage::Seal), "{} {at}", case.name);
        }
        // With a right seal, as somebody could make it: every length and option a wrong one.
        let encoding = case.encoder.finish();
        for at in 0..encoding.len() {
            let mut forged = encoding[..at].to_vec();
            assert!((case.decode)(&resealed(&forged)).is_err(), "{} {at}", case.name);
            forged.extend_from_slice(&encoding[at..]);
            forged[at] = 0xff;
            _ = (case.decode)(&resealed(&forged));
            forged.push(0);
            assert!((case.decode)(&resealed(&forged)).is_err(), "{} {at}", case.name);
        }
    }
}

fn resealed(encoding: &[u8]) -> Vec<u8> {
    [encoding, BlobId::of(encoding).as_bytes()].concat()
}
