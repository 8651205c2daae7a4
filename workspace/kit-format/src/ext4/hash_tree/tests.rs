use super::*;

const SEED: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const DOTS: [Name<'_>; 2] = [(b".", 12, 2), (b"..", 2, 2)];

/// As `dx_hash -h half_md4` of debugfs has them.
#[test]
fn hashes_are_those_of_others() {
    let long = "a_name_that_is_long_1199_and_longer_than_thirty-two_bytes";
    for (name, hash) in [
        ("a", (0x0a2f_a3a0, 0x6b8e_d956)),
        ("name", (0x4787_e9aa, 0xa3c2_26cb)),
        ("Größe", (0x6631_3daa, 0x356f_9fc5)),
        (long, (0x77bd_c13a, 0x61b9_89f5)),
    ] {
        assert_eq!(half_md4(name.as_bytes(), &SEED), hash, "{name}");
    }
}

fn block(bytes: &[u8], number: usize) -> &[u8] {
    &bytes[number * BLOCK_BYTES..][..BLOCK_BYTES]
}

/// Returns the hashes and blocks of a node.
fn entries(block: &[u8], counts: usize) -> Vec<(u32, usize)> {
    let count = usize::from(get16(block, counts + 2));
    let entry = |index: usize| {
        let at = counts + index * ENTRY;
        (if index == 0 { 0 } else { get32(block, at) }, usize::try_from(get32(block, at + 4)).unwrap())
    };
    (0..count).map(entry).collect()
}

/// Looks for a name as Linux does.
fn finds(bytes: &[u8], name: &[u8], hash: u32) -> bool {
    let last = |entries: Vec<(u32, usize)>| {
        let at = entries.partition_point(|entry| entry.0 <= hash) - 1;
        (entries[at].1, entries.get(at + 1).map(|entry| entry.0))
    };
    let (mut number, _) = last(entries(bytes, ROOT_COUNTS));
    if bytes[30] == 1 {
        number = last(entries(block(bytes, number), NODE_COUNTS)).0;
    }
    directory::parse(block(bytes, number)).unwrap().into_iter().any(|(found, _)| found == name)
}

#[test]
fn each_name_is_found() {
    for (count, padding, levels) in [(300, 0, 0), (5000, 0, 0), (9000, 240, 1)] {
        let names: Vec<_> = (0..count).map(|number| format!("{number:0>padding$}, a name")).collect();
        let list: Vec<Name<'_>> = names.iter().map(|name| (name.as_bytes(), 7, 1)).collect();
        let bytes = encode(DOTS, &list, &SEED).unwrap();
        assert_eq!(bytes[30], levels);
        for name in &names {
            let (hash, _) = half_md4(name.as_bytes(), &SEED);
            assert!(finds(&bytes, name.as_bytes(), hash), "{name}");
        }
        let mut sealed = bytes.clone();
        directory::seal(&mut sealed, Checksum::START);
        for block in sealed.chunks(BLOCK_BYTES) {
            let sums = directory::sums(block, Checksum::START).or_else(|| sums(block, Checksum::START));
            let (expected, found) = sums.unwrap();
            assert_eq!(expected, found);
        }
    }
}

#[test]
fn a_hash_that_goes_on_is_odd() {
    let names: Vec<_> = (0..600).map(|number| format!("name {number}")).collect();
    let hashed = names.iter().map(|name| ((8, 1), (name.as_bytes(), 7, 1))).collect();
    let bytes = of_hashed(DOTS, hashed).unwrap();
    let entries = entries(&bytes, ROOT_COUNTS);
    assert!(entries.len() > 2);
    assert!(entries[1..].iter().all(|(hash, _)| *hash == 9), "{entries:?}");
}

#[test]
fn what_is_no_block_of_a_tree_has_no_checksum() {
    for bytes in [vec![0xff; BLOCK_BYTES], vec![0xff; 1024]] {
        assert_eq!(sums(&bytes, Checksum::START), None);
    }
}
