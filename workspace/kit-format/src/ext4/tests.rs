use std::io::{Cursor, Read as _};

use kit_hash::Sha256;
use kit_tree::blobs::MemoryBlobs;
use kit_tree::dump::Dump;
use kit_tree::{DeviceKind, Entry, Meta, Mode, Tree};
use proptest::prelude::*;

use super::*;
use crate::limits::{LimitError, Limits};
use crate::samples::{MTIME, any_tree, change, lines, path, plain_tree, put, rich_tree};

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
6ec445cdef3c55fd401fcc0d97b8cbd11804193e8f04cece31ff47f42f640393
e5e5c559322096970b38ca63eecdb7064169440eba94c290c1b9e4d6c563bfb4
d26b56ba37e34bfdd90d9835756ee5aae2bf64b9ef20b1050b88caf00949692b
e182bc8c21a41b2ae4c1286fddf2ebee12091ba939d8041b5c2e8354e56bf94f";

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
    assert_eq!(REVISION, 1);
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
    let lines: Vec<_> = layout
        .pieces()
        .iter()
        .map(|piece| {
            let member = piece.member.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{:?} {} {member}", piece.range, piece.what).trim_end().to_owned()
        })
        .collect();
    assert_eq!(
        lines.join("\n"),
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

/// ext4 knows names of some kinds only.
fn with_known_names(tree: &Tree) -> Tree {
    let mut known = tree.clone();
    for (place, entry) in tree.entries() {
        let mut entry = entry.clone();
        if let Some(meta) = entry.meta_mut() {
            let kinds = ["user.", "trusted.", "security."];
            let named = std::mem::take(&mut meta.xattrs)
                .into_iter()
                .map(|(name, value)| ([kinds[value.len() % 3].as_bytes(), &name].concat(), value));
            meta.xattrs = named.collect();
            known.insert(place.clone(), entry).unwrap();
        }
    }
    known
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
