use kit_tree::blobs::MemoryBlobs;
use proptest::prelude::*;

use super::{Content, ELF_LIMIT, TEXT_LIMIT};
use crate::hardening::elf::tests::Elf;
use crate::hardening::elf::{ElfFacts, Weakness};
use crate::hardening::secrets::text::{Hit, Secret};

fn examine(bytes: &[u8]) -> Content {
    let blobs = MemoryBlobs::new();
    let id = blobs.insert(bytes.to_vec());
    Content::examine(&blobs, &id, bytes.len() as u64).unwrap()
}

#[test]
fn blobs_are_what_their_bytes_say() {
    let token = concat!("token = gh", "p_1a2B3c4D5e6F7g8H9i0J1k2L3m4N5o6P7q8R\n").as_bytes();
    let hit = Content::Secrets(vec![Hit { secret: Secret::GithubToken, line: 1 }]);
    assert_eq!(examine(b""), Content::Other);
    assert_eq!(examine(b"text"), Content::Other);
    assert_eq!(examine(token), hit);
    assert_eq!(examine(&[token, b"\0".as_slice()].concat()), Content::Other);
    let long = |length: usize| [token, &vec![b'\n'; length - token.len()]].concat();
    let limit = usize::try_from(TEXT_LIMIT).unwrap();
    assert_eq!(examine(&long(limit)), hit);
    assert_eq!(examine(&long(limit + 1)), Content::Other);
    let mut late_zero = long(limit);
    *late_zero.last_mut().unwrap() = 0;
    assert_eq!(examine(&late_zero), Content::Other);
    assert_eq!(examine(&Elf::program().build()), Content::Elf(ElfFacts::default()));
    assert!(matches!(examine(b"\x7fELF\x02"), Content::BrokenElf(_)));
    const { assert!(ELF_LIMIT > TEXT_LIMIT) };
}

#[test]
fn encodings_are_pinned() {
    let hex = |content: &Content| -> String {
        let bytes = content.encode();
        let tag = b"kit:hardening-content:v1\0";
        assert!(bytes.starts_with(tag));
        let shown = bytes[tag.len()..].iter().filter(|byte| **byte != 0).map(|byte| format!("{byte:02x}"));
        shown.collect::<Vec<_>>().concat()
    };
    let facts = ElfFacts {
        weaknesses: [Weakness::NotPositionIndependent, Weakness::NoFortify].into(),
        search_paths: vec![b"/a".to_vec()],
        plain_functions: vec!["gets".to_owned()],
    };
    let hits = vec![Hit { secret: Secret::AgeKey, line: 3 }];
    // Zero bytes are left out. What changes these is a new version.
    let found = [
        hex(&Content::Other),
        hex(&Content::Elf(facts)),
        hex(&Content::BrokenElf("no".to_owned())),
        hex(&Content::Secrets(hits)),
    ];
    assert_eq!(found, ["", "01010201022f61010467657473", "02026e6f", "03010503"]);
}

fn contents() -> impl Strategy<Value = Content> {
    let weaknesses = proptest::sample::subsequence(Weakness::ALL.to_vec(), 0..=Weakness::ALL.len());
    let paths = proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..4);
    let names = proptest::collection::vec("[a-z_]{1,9}", 0..4);
    let elf = (weaknesses, paths, names).prop_map(|(weaknesses, search_paths, plain_functions)| {
        Content::Elf(ElfFacts { weaknesses: weaknesses.into_iter().collect(), search_paths, plain_functions })
    });
    let hit = (proptest::sample::select(Secret::ALL.to_vec()), any::<u32>());
    let hit = hit.prop_map(|(secret, line)| Hit { secret, line });
    prop_oneof![
        Just(Content::Other),
        elf,
        ".{0,20}".prop_map(Content::BrokenElf),
        proptest::collection::vec(hit, 0..6).prop_map(Content::Secrets),
    ]
}

proptest! {
    #[test]
    fn encodings_come_back(content in contents()) {
        prop_assert_eq!(Content::decode(&content.encode()), Ok(content));
    }

    #[test]
    fn broken_encodings_never_panic(content in contents(), at in 0usize..200, byte in any::<u8>(), cut in 0usize..300) {
        let mut bytes = content.encode();
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        bytes.truncate(cut);
        // What can be read is what would be written: nothing has two encodings.
        if let Ok(content) = Content::decode(&bytes) {
            prop_assert_eq!(content.encode(), bytes);
        }
    }

    #[test]
    fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = examine(&bytes);
    }
}
