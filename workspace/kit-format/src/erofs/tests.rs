use std::io::{Cursor, Read as _};

use kit_hash::Sha256;
use kit_tree::blobs::MemoryBlobs;
use kit_tree::dump::Dump;
use kit_tree::{DeviceKind, Entry, Meta, Mode, Tree};
use proptest::prelude::*;

use super::*;
use crate::inodes::EntryError;
use crate::limits::Limits;
use crate::samples::{
    MTIME, any_tree, change, limited_tree, limits_hold_for, lines, path, pieces, plain_tree, put, rich_tree,
    with_known_names,
};
use crate::workers::{Alone, Backwards, Workers};

mod hostile;

fn options(compression: Compression) -> Options {
    Options { mtime: u64::from(MTIME), label: String::from("root"), compression }
}

fn write_with(tree: &Tree, blobs: &MemoryBlobs, compression: Compression, workers: &dyn Workers) -> Vec<u8> {
    let layout = layout(tree, blobs, blobs, &options(compression), workers).unwrap();
    let mut bytes = Vec::new();
    layout.stream(blobs).read_to_end(&mut bytes).unwrap();
    assert_eq!(layout.len(), bytes.len() as u64);
    assert_eq!(bytes.len() % 4096, 0);
    bytes
}

fn write(tree: &Tree, blobs: &MemoryBlobs) -> Vec<u8> {
    write_with(tree, blobs, Compression::None, &Alone)
}

fn read_back(bytes: &[u8]) -> Result<Tree, ErofsReadError> {
    super::read(Cursor::new(bytes), &Limits::standard(), &MemoryBlobs::new())
}

/// All ways to write.
const ALL: [Compression; 3] = [Compression::None, Compression::Lz4, Compression::Zstd { level: 3 }];

/// What is special here: shared attributes, contents that are there twice, names over several blocks, tails that fit exactly.
fn special_tree(blobs: &MemoryBlobs) -> Tree {
    let mut tree = rich_tree(blobs);
    for number in 0..700 {
        put(&mut tree, blobs, &format!("/many/name-{number:03}"), format!("{}", number % 50).as_bytes());
    }
    for number in 0..4 {
        let name = format!("/twice/{number}");
        put(&mut tree, blobs, &name, &lines(20_000));
        change(&mut tree, &name, |meta| {
            meta.xattrs.insert(b"security.selinux".to_vec(), b"system_u:object_r:bin_t:s0\0".to_vec());
            meta.xattrs.insert(format!("user.{number}").into_bytes(), vec![7; 300]);
        });
    }
    for size in [1, 4063, 4064, 4065, 4095, 4096, 4097, 8160, 8192, 300_000] {
        put(&mut tree, blobs, &format!("/sizes/{size}"), &lines(80_000)[..size]);
    }
    for length in [4064, 4065, 4095] {
        tree.insert(path(&format!("/sizes/link-{length}")), Entry::symlink("t".repeat(length))).unwrap();
    }
    let acl = |meta: &mut Meta| {
        meta.xattrs.insert(b"system.posix_acl_access".to_vec(), vec![2, 0, 0, 0]);
        meta.xattrs.insert(b"trusted.large".to_vec(), vec![1; 65_535]);
    };
    change(&mut tree, "/sizes/1", acl);
    change(&mut tree, "/sizes/4097", acl);
    tree
}

const PINNED: &str = "\
c992a86d5fd44df5d64dc14855f91c498d4d8c05ba92dc4b2a2add42e3b14625
63fe4608d217ea112f87b0e4ba5f436296a5b0c07eb868afa25d0373c1e5661d
6ae9006b67c1e57035959e1129859e0a75b114d7a6a11ddcb256adece209c5b7
9a6e822dd5a14a4aaac660afec433c11ca6be7f0ad263599d26a30a0c02aabc0
4d4fd064ec1acf4c8bc8dc726fd7cb55dc6e2fefd48773b93c6a853536b20603
529b1fcb93b99b3c2c073adf83c878b56076726f4cf0db87a66474aff6a86e2f";

/// The digests change only with [`REVISION`], those of zstd also with libzstd.
#[test]
fn bytes_are_pinned() {
    let blobs = MemoryBlobs::new();
    let mut found = Vec::new();
    for tree in [Tree::new(), special_tree(&blobs)] {
        for compression in ALL {
            found.push(Sha256::of(&write_with(&tree, &blobs, compression, &Alone)).to_string());
        }
    }
    assert_eq!(REVISION, 1);
    assert_eq!(found.join("\n"), PINNED);
}

#[test]
fn what_was_written_is_read_back() {
    let blobs = MemoryBlobs::new();
    for tree in [Tree::new(), plain_tree(&blobs), rich_tree(&blobs), special_tree(&blobs)] {
        for compression in ALL {
            let bytes = write_with(&tree, &blobs, compression, &Alone);
            let back = read_back(&bytes).unwrap();
            assert_eq!(Dump(&back).to_string(), Dump(&tree).to_string(), "{compression:?}");
        }
    }
}

#[test]
fn pieces_say_what_they_are() {
    let blobs = MemoryBlobs::new();
    let mut tree = Tree::new();
    put(&mut tree, &blobs, "/a", &[b'a'; 5000]);
    put(&mut tree, &blobs, "/b", &[b'a'; 5000]);
    tree.insert(path("/c"), Entry::symlink("a")).unwrap();
    let layout = layout(&tree, &blobs, &blobs, &options(Compression::None), &Alone).unwrap();
    assert_eq!(
        pieces(&layout),
        "\
0..1024 boot area
1024..1152 superblock
1152..1184 inode /
1184..1250 names /
1250..4096 unused
4096..4128 inode /a
4128..5032 tail /a
5032..5056 unused
5056..5088 inode /b
5088..5992 tail /b
5992..6016 unused
6016..6048 inode /c
6048..6049 target /c
6049..8192 unused
8192..12288 content /a"
    );
}

#[test]
fn a_superblock_is_exactly_this() {
    let blobs = MemoryBlobs::new();
    let bytes = write(&Tree::new(), &blobs);
    let hex: Vec<_> = bytes[1024..1112]
        .chunks(8)
        .map(|part| format!("{:016x}", u64::from_be_bytes(part.try_into().unwrap())))
        .collect();
    let expected = [
        "e2e1f5e0e04e8aea", // magic, checksum
        "030000000c002400", // checksum and mtime, blocks of 2^12, no more slots, the root's number
        "0100000000000000", // inodes
        "00f1536500000000", // time
        "0000000001000000", // nanoseconds, blocks
        "0000000000000000", // where inodes and shared attributes are
        "81f8d67eca0c8037",
        "ae1194814d993af1", // the identifier
        "726f6f7400000000",
        "0000000000000000", // the label
        "0000000000000000", // features, algorithms
    ];
    assert_eq!(hex, expected);
    assert!(bytes[1112..1152].iter().all(|byte| *byte == 0));
}

#[test]
fn large_directories_and_many_links() {
    let blobs = MemoryBlobs::new();
    let mut tree = Tree::new();
    put(&mut tree, &blobs, "/0", b"linked");
    for number in 1..70_000 {
        tree.insert(path(&format!("/{number}")), Entry::HardLink { target: path("/0") }).unwrap();
    }
    let bytes = write(&tree, &blobs);
    assert_eq!(read_back(&bytes).unwrap(), tree);
    // the file is extended: 70000 names are too many for a compact inode
    assert_eq!(bytes[4096] & 1, 1);
}

#[test]
fn holes_take_no_room() {
    let blobs = MemoryBlobs::new();
    let mut content = vec![0; 40 << 20];
    content[0] = 1;
    content[20 << 20] = 2;
    content.extend_from_slice(b"the end");
    let mut tree = Tree::new();
    put(&mut tree, &blobs, "/sparse", &content);
    let bytes = write(&tree, &blobs);
    assert_eq!(read_back(&bytes).unwrap(), tree);
    assert_eq!(bytes.len(), 4096 + 4096 + 2 * (64 << 10) + 4096);
    for compression in [Compression::Lz4, Compression::Zstd { level: 3 }] {
        let bytes = write_with(&tree, &blobs, compression, &Alone);
        assert_eq!(read_back(&bytes).unwrap(), tree);
        assert!(bytes.len() < 600_000, "{}", bytes.len());
    }
}

/// Contents that are compressible here and there.
fn mixed(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::new();
    while bytes.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let run = usize::try_from(state >> 33).unwrap() % 30_000 + 1;
        match state >> 60 & 3 {
            0 => bytes.resize(bytes.len() + run, 0),
            1 => bytes.extend_from_slice(&lines(u32::try_from(run / 16).unwrap())),
            _ => {
                for _ in 0..run / 8 {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    bytes.extend_from_slice(&state.to_le_bytes());
                }
            }
        }
    }
    bytes.truncate(length);
    bytes
}

#[test]
fn threads_change_no_byte() {
    let blobs = MemoryBlobs::new();
    let mut tree = special_tree(&blobs);
    for (seed, length) in [(1, 5 << 20), (2, 700_000), (3, (2 << 20) + 5), (4, 2 << 20), (5, 9_000)] {
        put(&mut tree, &blobs, &format!("/mixed/{seed}"), &mixed(seed, length));
    }
    for compression in [Compression::Lz4, Compression::Zstd { level: 1 }] {
        let bytes = write_with(&tree, &blobs, compression, &Alone);
        assert_eq!(Dump(&read_back(&bytes).unwrap()).to_string(), Dump(&tree).to_string());
        for count in [2, 7] {
            assert!(write_with(&tree, &blobs, compression, &Backwards(count)) == bytes, "{count}");
        }
    }
}

#[test]
fn what_erofs_cannot_hold_is_refused() {
    let blobs = MemoryBlobs::new();
    let refuse = |tree: &Tree, label: &str| {
        let options = Options { label: String::from(label), ..options(Compression::None) };
        layout(tree, &blobs, &blobs, &options, &Alone).unwrap_err().to_string()
    };
    assert_eq!(
        refuse(&Tree::new(), "seventeen letters"),
        "the label `seventeen letters` has 17 bytes; EROFS holds 16"
    );
    let with = |place: &str, entry| {
        let mut tree = Tree::new();
        tree.insert(path(place), entry).unwrap();
        refuse(&tree, "")
    };
    assert_eq!(with("/l", Entry::symlink("")), "the symbolic link `/l` points to 0 bytes, not to 1 to 4095");
    let device =
        |major, minor| Entry::Device { meta: Meta::root(Mode::FILE), kind: DeviceKind::Char, major, minor };
    assert_eq!(with("/d", device(4096, 0)), "the device number 4096,0 of `/d` is larger than Linux has them");
    let attribute = |name: &[u8], length| {
        let mut meta = Meta::root(Mode::DIRECTORY);
        meta.xattrs.insert(name.to_vec(), vec![0; length]);
        Entry::Directory(meta)
    };
    assert_eq!(
        with("/x", attribute(b"other.name", 1)),
        "`/x` has the extended attribute `other.name`; EROFS holds user, trusted, security, lustre and access control lists"
    );
    assert_eq!(
        with("/x", attribute(b"user.name", 65_536)),
        "the extended attribute `user.name` of `/x` has 65536 bytes; EROFS holds 65535"
    );
    let mut meta = Meta::root(Mode::DIRECTORY);
    for number in 0..5 {
        meta.xattrs.insert(format!("user.{number}").into_bytes(), vec![0; 60_000]);
    }
    assert_eq!(
        with("/x", Entry::Directory(meta)),
        "the extended attributes of `/x` are more than EROFS holds"
    );
    let large = Entry::File { meta: Meta::root(Mode::FILE), blob: blobs.insert(vec![]), size: 1 << 45 };
    let mut tree = Tree::new();
    tree.insert(path("/large"), large).unwrap();
    assert_eq!(refuse(&tree, ""), "the image would have 35184372088832 bytes; EROFS holds less than 16 TiB");
}

/// An extent begins in the last cluster of a pack, so the next pack begins with how many blocks it has; another one begins in that pack.
#[test]
fn extents_across_packs_come_back() {
    for (seed, length) in [(7_693_677_826_961_039_796, 154_718), (1, 400_000), (2, 400_000)] {
        let blobs = MemoryBlobs::new();
        let mut tree = Tree::new();
        put(&mut tree, &blobs, "/file", &mixed(seed, length));
        for compression in ALL {
            assert_eq!(read_back(&write_with(&tree, &blobs, compression, &Alone)).unwrap(), tree, "{seed}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_tree_comes_back((tree, blobs) in any_tree(true)) {
        let tree = with_known_names(&tree);
        for compression in ALL {
            let bytes = write_with(&tree, &blobs, compression, &Alone);
            prop_assert_eq!(Dump(&read_back(&bytes).unwrap()).to_string(), Dump(&tree).to_string());
        }
    }

    #[test]
    fn any_content_comes_back(seed in any::<u64>(), length in 0_usize..400_000) {
        let blobs = MemoryBlobs::new();
        let mut tree = Tree::new();
        put(&mut tree, &blobs, "/file", &mixed(seed, length));
        for compression in ALL {
            prop_assert!(read_back(&write_with(&tree, &blobs, compression, &Alone)).unwrap() == tree);
        }
    }
}
