use proptest::prelude::*;

use super::*;

/// Makes a store as firmware's own file is: with nothing in it.
fn empty(size: usize) -> Vec<u8> {
    let mut store = vec![0; 0x48];
    store[0x10..0x20].copy_from_slice(&VOLUME);
    store[0x28..0x2c].copy_from_slice(b"_FVH");
    store[0x30..0x32].copy_from_slice(&[0x48, 0]);
    store.extend(STORE);
    store.extend(u32::try_from(size).unwrap().to_le_bytes());
    store.extend([0x5a, 0xfe, 0, 0, 0, 0, 0, 0]);
    store.resize(0x48 + size, 0xff);
    store.extend([0; 100]);
    store
}

fn keys() -> Keys {
    Keys {
        owner: [7; 16],
        platform: b"platform".to_vec(),
        exchange: b"exchange".to_vec(),
        allowed: vec![b"one".to_vec(), b"another".to_vec()],
    }
}

#[test]
fn keys_are_put_in_and_read_back() {
    let store = enrolled(&empty(4000), &keys()).unwrap();
    assert_eq!(store.len(), empty(4000).len());
    let found = variables(&store).unwrap();
    let names: Vec<_> = found.iter().map(|variable| (variable.name.as_str(), variable.attributes)).collect();
    let expected = [("db", 0x27), ("KEK", 0x27), ("PK", 0x27), ("SecureBootEnable", 3), ("CustomMode", 3)];
    assert_eq!(names, expected);
    let list = |certificate: &[u8]| {
        let size = u8::try_from(certificate.len()).unwrap();
        let head = [28 + 16 + size, 0, 0, 0, 0, 0, 0, 0, 16 + size, 0, 0, 0];
        [X509.as_slice(), &head, [7; 16].as_slice(), certificate].concat()
    };
    assert_eq!(found[0].data, [list(b"one"), list(b"another")].concat());
    assert_eq!(found[2].data, list(b"platform"));
    assert_eq!((&found[3].data, &found[4].data), (&vec![1], &vec![0]));
    let enrolled_before = VariablesError::Enrolled { name: "db".to_owned() };
    assert_eq!(enrolled(&store, &keys()), Err(enrolled_before));
}

#[test]
fn one_certificate_can_be_all_keys() {
    let found = variables(&enrol(&empty(4000), b"certificate").unwrap()).unwrap();
    assert!(found[..3].iter().all(|variable| variable.data.ends_with(b"certificate")), "{found:?}");
}

/// How firmware itself writes its key of the platform, from the store that Debian's `ovmf` has for tests.
#[test]
fn a_variable_has_the_bytes_that_firmware_gives_it() {
    let (_, bytes) = variable("CustomMode", CUSTOM, BOOT, &[0]);
    let expected = "aa553f00 03000000 0000000000000000 00000000000000000000000000000000 00000000 16000000 01000000 \
                    0cec76c028709943a07271ee5c448b9f 43007500730074006f006d004d006f0064006500 0000 00 ff";
    let shown: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(shown.concat(), expected.replace(' ', ""));
}

#[test]
fn a_full_store_and_a_stranger_are_refused() {
    let full = enrolled(&empty(100), &keys()).unwrap_err();
    assert!(matches!(full, VariablesError::Full { room: 72, .. }), "{full}");
    for (offset, part) in [(0x10, "volume"), (0x28, "volume's header"), (0x48, "store's header")] {
        let mut store = empty(4000);
        store[offset] ^= 1;
        assert_eq!(variables(&store), Err(VariablesError::NoStore { part, offset }));
    }
    assert!(variables(&[]).is_err());
}

proptest! {
    #[test]
    fn damage_never_panics(flips in prop::collection::vec((0usize..600, any::<u8>()), 1..6), cut in 0usize..5000) {
        let mut store = enrolled(&empty(4000), &keys()).unwrap();
        for (at, value) in flips {
            store[at] = value;
        }
        _ = variables(&store);
        _ = enrolled(&store, &keys());
        store.truncate(cut);
        _ = variables(&store);
    }
}
