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

mod hostile;

const ROOMY: Size = Size::Fitting { spare: 1 << 20 };

fn options(size: Size) -> Options {
    Options { mtime: u64::from(MTIME), label: String::from("root"), size }
}

fn write_sized(tree: &Tree, blobs: &MemoryBlobs, size: Size) -> Vec<u8> {
    let layout = layout(tree, &options(size)).unwrap();
    let mut bytes = Vec::new();
    layout.stream(blobs).read_to_end(&mut bytes).unwrap();
    assert_eq!(layout.len(), bytes.len() as u64);
    bytes
}

fn write(tree: &Tree, blobs: &MemoryBlobs) -> Vec<u8> {
    write_sized(tree, blobs, ROOMY)
}

fn read_back(bytes: &[u8]) -> Result<Tree, Ext4ReadError> {
    super::read(Cursor::new(bytes), &Limits::standard(), &MemoryBlobs::new())
}

/// What is read back of a tree.
fn with_lost(tree: &Tree) -> Tree {
    nodes::with_lost_and_found(tree).unwrap()
}

/// What is special here: attributes in blocks, shared and not; names over several blocks; targets and contents that fit exactly; lists.
fn special_tree(blobs: &MemoryBlobs) -> Tree {
    let mut tree = rich_tree(blobs);
    for number in 0..700 {
        put(&mut tree, blobs, &format!("/many/name-{number:03}"), format!("{}", number % 50).as_bytes());
    }
    for number in 0..600 {
        put(&mut tree, blobs, &format!("/long/{number:0>240}"), b"");
    }
    for number in 0..4 {
        let name = format!("/twice/{number}");
        put(&mut tree, blobs, &name, &lines(20_000));
        change(&mut tree, &name, |meta| {
            meta.xattrs.insert(b"security.selinux".to_vec(), b"system_u:object_r:bin_t:s0\0".to_vec());
            meta.xattrs.insert(format!("user.{}", number / 2).into_bytes(), vec![7; 300]);
        });
    }
    for size in [1, 4095, 4096, 4097, 8192, 300_000] {
        put(&mut tree, blobs, &format!("/sizes/{size}"), &lines(80_000)[..size]);
    }
    for length in [59, 60, 61, 4095] {
        tree.insert(path(&format!("/sizes/link-{length}")), Entry::symlink("t".repeat(length))).unwrap();
    }
    let list = [&[2, 0, 0, 0][..], &[1, 0, 6, 0], &[255; 4], &[2, 0, 4, 0], &[232, 3, 0, 0]].concat();
    change(&mut tree, "/sizes/1", |meta| {
        meta.xattrs.insert(b"system.posix_acl_access".to_vec(), list.clone());
        meta.xattrs.insert(b"trusted.empty".to_vec(), vec![]);
        meta.xattrs.insert(b"trusted.large".to_vec(), vec![1; 3900]);
    });
    change(&mut tree, "/many", |meta| {
        meta.xattrs.insert(b"system.posix_acl_default".to_vec(), list);
    });
    let device = |kind, major, minor| Entry::Device { meta: Meta::root(Mode::FILE), kind, major, minor };
    tree.insert(path("/dev/large"), device(DeviceKind::Block, 259, 70_000)).unwrap();
    tree.insert(path("/dev/zero"), device(DeviceKind::Char, 0, 0)).unwrap();
    tree
}

const PINNED: &str = "\
25dc06ba34238d86f3efefad648e192958c8239563917c8f95afa7284b687a3d
7f568f75810836c5dae1e3893ca72e7b6253d844eb6130b3047480db6db54b47
80c657373327cc52147b8bd2fc7a77f926b3bed1cd38d19ea561404064368dd6
60942ea9de052a519009a0eefb6e14087ca2a9aa079bc6c54bb81739b5f81ee0";

/// The digests change only with [`REVISION`].
#[test]
fn bytes_are_pinned() {
    let blobs = MemoryBlobs::new();
    let mut found = Vec::new();
    for tree in [Tree::new(), special_tree(&blobs)] {
        for size in [ROOMY, Size::Exactly(200 << 20)] {
            found.push(Sha256::of(&write_sized(&tree, &blobs, size)).to_string());
        }
    }
    assert_eq!(REVISION, 2);
    assert_eq!(found.join("\n"), PINNED);
}

#[test]
fn what_was_written_is_read_back() {
    let blobs = MemoryBlobs::new();
    for tree in [Tree::new(), plain_tree(&blobs), rich_tree(&blobs), special_tree(&blobs)] {
        for size in [ROOMY, Size::Exactly(140 << 20)] {
            let bytes = write_sized(&tree, &blobs, size);
            let back = read_back(&bytes).unwrap();
            assert_eq!(Dump(&back).to_string(), Dump(&with_lost(&tree)).to_string(), "{size:?}");
        }
    }
}

/// As many blocks are free as was asked for, and nearly no more.
#[test]
fn what_is_to_be_free_is_free() {
    let blobs = MemoryBlobs::new();
    for tree in [Tree::new(), special_tree(&blobs)] {
        for spare in [0, 1, 5 << 20, 125 << 20, 300 << 20, 5 << 30] {
            let layout = layout(&tree, &options(Size::Fitting { spare })).unwrap();
            let superblock = layout.pieces().iter().find(|piece| piece.what == "superblock").unwrap();
            let crate::layout::Source::Bytes(bytes) = &superblock.source else { panic!("bytes") };
            let free = u64::from(fields::get32(bytes, 0x0c)) * BLOCK;
            assert!((spare..=spare + (2 << 20)).contains(&free), "{spare}: {free}");
        }
    }
}

/// A dump of an image, to be seen by people: what is where.
#[test]
fn pieces_say_what_they_are() {
    let blobs = MemoryBlobs::new();
    let mut tree = Tree::new();
    put(&mut tree, &blobs, "/a", &[b'a'; 5000]);
    tree.insert(path("/b"), Entry::symlink("a")).unwrap();
    change(&mut tree, "/a", |meta| drop(meta.xattrs.insert(b"user.a".to_vec(), vec![1; 200])));
    let layout = layout(&tree, &options(Size::Fitting { spare: 0 })).unwrap();
    assert_eq!(
        pieces(&layout),
        "\
0..1024 unused
1024..2048 superblock
2048..4096 unused
4096..4160 descriptors
4160..8192 unused
8192..12288 used blocks
12288..16384 used inodes
16384..16640 unused
16640..16896 inode /
16896..18176 unused
18176..18432 inode of the journal
18432..18944 unused
18944..19200 inode /lost+found
19200..19456 inode /a
19456..19712 inode /b
19712..86016 unused
86016..86084 journal
86084..4280320 unused
4280320..4284416 names /
4284416..4289416 content /a
4289416..4292608 unused
4292608..4296704 attributes /a
4296704..4313088 names /lost+found"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_tree_comes_back((tree, blobs) in any_tree(true), spare in 0_u64..5 << 20) {
        let tree = with_known_names(&tree);
        let bytes = write_sized(&tree, &blobs, Size::Fitting { spare });
        prop_assert_eq!(Dump(&read_back(&bytes).unwrap()).to_string(), Dump(&with_lost(&tree)).to_string());
    }
}
