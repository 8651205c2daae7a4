use std::fmt::Write as _;
use std::io::{self, Read};

use kit_hash::Sha256;
use kit_tree::blobs::MemoryBlobs;
use proptest::prelude::*;

use super::*;
use crate::gpt::{self, Guid};
use crate::layout::Layout;
use crate::samples::Trickle;

const SALT_BYTES: [u8; 32] = [0x5a; 32];

fn uuid() -> Guid {
    Guid::derived(&[7; 32], "verity", 0)
}

/// Different blocks, always the same.
fn device(blocks: u64) -> Vec<u8> {
    (0..blocks).flat_map(|block| (block + 1).to_le_bytes().repeat(512)).collect()
}

fn make(data: &[u8]) -> Verity {
    tree(&|| Ok(Box::new(data)), data.len() as u64, &SALT_BYTES, uuid()).unwrap()
}

fn bytes(layout: &Layout, blobs: &MemoryBlobs) -> Vec<u8> {
    let mut bytes = Vec::new();
    layout.stream(blobs).read_to_end(&mut bytes).unwrap();
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// The digests change only with [`write::REVISION`].
#[test]
fn bytes_are_pinned() {
    assert_eq!(write::REVISION, 1);
    let mut found = String::new();
    for blocks in [1, 2, 128, 129, 16_500] {
        let verity = make(&device(blocks));
        let tree = bytes(&verity.tree, &MemoryBlobs::new());
        let what: Vec<_> = verity.tree.pieces().iter().map(|piece| piece.what.as_ref()).collect();
        let (root, digest) = (&hex(&verity.root_hash)[..16], Sha256::of(&tree).short());
        writeln!(found, "{blocks}: root {root}, {} bytes {digest}: {}", tree.len(), what.join("; ")).unwrap();
    }
    assert_eq!(found, PINNED);
    let superblock = bytes(&make(&device(3)).tree, &MemoryBlobs::new());
    assert_eq!(hex(&superblock[..128]), SUPERBLOCK_PINNED);
    assert!(superblock[128..4096].iter().all(|byte| *byte == 0));
}

const PINNED: &str = "\
1: root 2902df67ac89d8fb, 4096 bytes 16ec4844af9d: superblock
2: root 53e78ad373b6a3b3, 8192 bytes 9421a8cb1b20: superblock; hashes, level 0
128: root 81f1c82d188fc640, 8192 bytes 2332ef57171f: superblock; hashes, level 0
129: root 176a53b1fd072d36, 16384 bytes 3466d31f3c90: superblock; hashes, level 1; hashes, level 0
16500: root d17eb876b7be3508, 544768 bytes 7e9ecd392455: superblock; hashes, level 2; hashes, level 1; hashes, level 0
";
const SUPERBLOCK_PINNED: &str = "\
76657269747900000100000001000000b0a0f8806fb3843182507e602e37755f\
7368613235360000000000000000000000000000000000000000000000000000\
0010000000100000030000000000000020000000000000005a5a5a5a5a5a5a5a\
5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a0000000000000000";

/// As the specification says it, in one go.
#[test]
fn the_root_is_the_digest_of_digests() {
    let data = device(130);
    let hash = |block: &[u8]| Sha256::of(&[&SALT_BYTES, block].concat()).as_bytes().to_vec();
    let padded = |mut digests: Vec<u8>| {
        digests.resize(digests.len().next_multiple_of(4096), 0);
        digests
    };
    let lowest = padded(data.chunks(4096).flat_map(hash).collect());
    let highest = padded(lowest.chunks(4096).flat_map(hash).collect());
    let verity = make(&data);
    assert_eq!(verity.root_hash.to_vec(), hash(&highest));
    assert_eq!(bytes(&verity.tree, &MemoryBlobs::new())[4096..], [highest, lowest].concat());
    assert_eq!(make(&data[..4096]).root_hash.to_vec(), hash(&data[..4096]));
}

#[test]
fn what_is_put_away_is_the_same_tree() {
    let (data, blobs) = (device(300), MemoryBlobs::new());
    let open: &dyn Fn() -> io::Result<Box<dyn Read>> = &|| Ok(Box::new(io::Cursor::new(device(300))));
    let away = tree_into(open, data.len() as u64, &SALT_BYTES, uuid(), &blobs).unwrap();
    let here = make(&data);
    assert_eq!(away.root_hash, here.root_hash);
    assert_eq!(bytes(&away.tree, &blobs), bytes(&here.tree, &blobs));
    assert_eq!(away.tree.len(), 5 * 4096);
    let slowly = tree(&|| Ok(Box::new(Trickle(&data, 999))), data.len() as u64, &SALT_BYTES, uuid()).unwrap();
    assert_eq!(slowly, here);
}

#[test]
fn what_has_no_tree_is_refused() {
    let refuse =
        |data: &[u8], size| tree(&|| Ok(Box::new(data)), size, &SALT_BYTES, uuid()).unwrap_err().to_string();
    assert_eq!(refuse(&[], 0), "an empty device has no hash tree");
    assert_eq!(refuse(&[0; 4097], 4097), "a device of 4097 bytes doesn't end with a block of 4096");
    for blocks in [1, 3] {
        let size = blocks * 4096;
        let (less, more) = (device(blocks - 1), device(blocks + 1));
        assert_eq!(refuse(&less, size), format!("the device has less than {size} bytes"));
        assert_eq!(refuse(&more, size), format!("the device has more than {size} bytes"));
    }
    let failing: &dyn Fn() -> io::Result<Box<dyn Read>> = &|| Err(io::ErrorKind::NotFound.into());
    assert!(matches!(tree(failing, 4096, &SALT_BYTES, uuid()), Err(VerityError::Read(_))));
}

#[test]
fn partitions_are_found_by_the_root_hash() {
    let root: Vec<u8> = (0..32).collect();
    let root = root.try_into().unwrap();
    let (data, hashes) = partition_ids(&root);
    assert_eq!(data.to_string(), "00010203-0405-0607-0809-0a0b0c0d0e0f");
    assert_eq!(hashes.to_string(), "10111213-1415-1617-1819-1a1b1c1d1e1f");
}

#[test]
fn any_change_is_found() {
    for blocks in [1, 128, 130] {
        let mut data = device(blocks);
        let verity = make(&data);
        let mut hashes = bytes(&verity.tree, &MemoryBlobs::new());
        let check = |data: &[u8], hashes: &[u8], root: &[u8; 32]| {
            check(&mut &data[..], &mut &hashes[..], root).map_err(|error| error.to_string())
        };
        let superblock = Superblock { uuid: uuid(), data_blocks: blocks, salt: SALT_BYTES.to_vec() };
        assert_eq!(check(&data, &hashes, &verity.root_hash), Ok(superblock));
        let last = data.len() - 1;
        data[last] ^= 1;
        let block = blocks - 1;
        let changed = format!("block {block} of the device (bytes from {}) was changed", block * 4096);
        assert_eq!(check(&data, &hashes, &verity.root_hash), Err(changed));
        data[last] ^= 1;
        assert!(check(&data, &hashes, &[0; 32]).is_err());
        assert_eq!(check(&data[..last], &hashes, &verity.root_hash), Err("can't read the device".to_owned()));
        let last = hashes.len() - 1;
        if blocks > 1 {
            hashes[last] ^= 1;
            let expected = match blocks {
                128 => "the hash tree's root isn't the one that was given",
                _ => "block 1 of level 0 of the hash tree was changed",
            };
            assert_eq!(check(&data, &hashes, &verity.root_hash), Err(expected.to_owned()));
        }
    }
}

#[test]
fn other_forms_are_named() {
    let tree = bytes(&make(&device(2)).tree, &MemoryBlobs::new());
    let change = |at: usize, byte: u8| {
        let mut tree = tree.clone();
        tree[at] = byte;
        Superblock::read(&mut tree.as_slice()).unwrap_err().to_string()
    };
    assert_eq!(change(0, 0), "there is no superblock of dm-verity");
    assert_eq!(change(8, 2), "the hash tree has version 2, not 1");
    assert_eq!(change(35, b'5'), "the hash tree has algorithm sha556, not sha256");
    assert_eq!(change(69, 2), "the hash tree has hash blocks of 512, not 4096");
    assert_eq!(change(72, 0), "the hash tree has data blocks 0, not 1 or more");
    assert_eq!(change(79, 255), "the hash tree has data blocks 18374686479671623682, not 1 or more");
    assert_eq!(change(81, 2), "the hash tree has a salt of 544, not up to 256");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn flipped_bytes_are_found(blocks in 1_u64..200, at in any::<usize>(), flip in 1_u8.., in_tree in any::<bool>()) {
        let mut data = device(blocks);
        let verity = make(&data);
        let mut hashes = bytes(&verity.tree, &MemoryBlobs::new());
        if in_tree && blocks > 1 {
            let at = 4096 + at % (hashes.len() - 4096);
            hashes[at] ^= flip;
        } else {
            let at = at % data.len();
            data[at] ^= flip;
        }
        prop_assert!(check(&mut data.as_slice(), &mut hashes.as_slice(), &verity.root_hash).is_err());
    }

    #[test]
    fn any_superblock_is_read_or_refused(mut block in proptest::collection::vec(any::<u8>(), 4096), at in 8_usize..512) {
        let good = bytes(&make(&device(2)).tree, &MemoryBlobs::new());
        block[..at].copy_from_slice(&good[..at]);
        let _ = check(&mut io::empty(), &mut block.as_slice(), &[0; 32]);
    }
}

/// A disk with roots of so many blocks, each behind a partition with its hash tree; one of no blocks isn't there yet.
fn disk(roots: &[u64]) -> Vec<u8> {
    let mut partitions = Vec::new();
    for blocks in roots {
        let data = device(*blocks);
        let verity = (*blocks > 0).then(|| make(&data));
        let ids = verity.as_ref().map_or((uuid(), Guid::ESP), |verity| partition_ids(&verity.root_hash));
        let mut content = Layout::new();
        content.bytes("root", data);
        let tree = verity.map_or_else(Layout::new, |verity| verity.tree);
        for (kind, id, content) in
            [(Guid::LINUX_ROOT_X86_64, ids.0, content), (Guid::LINUX_ROOT_X86_64_VERITY, ids.1, tree)]
        {
            let (label, size) = (String::new(), content.len().max(BLOCK));
            partitions.push(gpt::Partition { kind, id, label, attributes: 0, content, size, mbr: None });
        }
    }
    let options = gpt::Options { id: uuid(), size: None, boot_code: None, hybrid: false };
    bytes(&gpt::layout(partitions, &options).unwrap(), &MemoryBlobs::new())
}

#[test]
fn the_root_hash_is_found_on_a_disk() {
    let whole = disk(&[200, 0]);
    assert_eq!(root_hash(&whole.as_slice()).unwrap(), make(&device(200)).root_hash);
    let mut changed = whole;
    changed[(1 << 20) + 199 * 4096] ^= 1;
    let error = root_hash(&changed.as_slice()).unwrap_err().to_string();
    assert_eq!(error, "the root in partition 1 isn't what the hash tree in partition 2 says");
    assert!(matches!(root_hash(&disk(&[3, 4]).as_slice()), Err(RootHashError::Several { count: 2 })));
    assert!(matches!(root_hash(&disk(&[0]).as_slice()), Err(RootHashError::None)));
    assert!(matches!(root_hash(&[0; 4096].as_slice()), Err(RootHashError::Gpt(_))));
}
