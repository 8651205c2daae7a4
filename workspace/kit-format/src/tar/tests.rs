use std::io::{self, Read};

use kit_hash::Sha256;
use kit_tree::blobs::MemoryBlobs;
use kit_tree::dump::Dump;
use kit_tree::{Entry, Meta, Mode, Tree, TreePath};
use proptest::prelude::*;

use super::*;
use crate::limits::{LimitError, Limits};
use crate::samples::{self, MTIME, Trickle, any_tree, path, plain_tree, rich_tree};

mod hostile;

fn write(tree: &Tree, blobs: &MemoryBlobs) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_tar(tree, blobs, MTIME, &mut bytes).unwrap();
    let stream = TarStream::new(tree, blobs, MTIME).unwrap();
    assert_eq!(stream.total_len(), bytes.len() as u64);
    bytes
}

fn read(bytes: &[u8]) -> Result<Tree, TarReadError> {
    read_tar(bytes, &MemoryBlobs::new(), &Limits::standard(), TarOptions::own())
}

const PINNED: &str = "\
afe5c1fb31752ba60b4e2a717a24d04f73897e3be98748b1de151cb2c5900b82
c31c0a72bc73b7c905d285e573a454387929658b4d4294d388ae33d8b6098a93
8840a816645ab3a0be8ff7d80420fceab738e271833302f521a081562c84c1a5";

/// The dumps say what changed when a digest does; both change only with [`write::REVISION`].
#[test]
fn bytes_are_pinned() {
    let blobs = MemoryBlobs::new();
    let digest = |tree: &Tree| Sha256::of(&write(tree, &blobs)).to_string();
    let found = [digest(&Tree::new()), digest(&plain_tree(&blobs)), digest(&rich_tree(&blobs))];
    assert_eq!(write::REVISION, 1);
    assert_eq!(found.join("\n"), PINNED);
}

#[test]
fn what_was_written_is_read_back() {
    let blobs = MemoryBlobs::new();
    for tree in [Tree::new(), plain_tree(&blobs), rich_tree(&blobs)] {
        let bytes = write(&tree, &blobs);
        assert_eq!(Dump(&read(&bytes).unwrap()).to_string(), Dump(&tree).to_string());
        assert_eq!(bytes.len() % BLOCK, 0);
        let mut slow = TarStream::new(&tree, &blobs, MTIME).unwrap();
        let mut trickled = Vec::new();
        while let count @ 1.. = slow.read(&mut [0; 300][..]).unwrap() {
            trickled.push(count);
        }
        assert_eq!(trickled.iter().sum::<usize>(), bytes.len());
        assert_eq!(
            read_tar(Trickle(&bytes, 11), &blobs, &Limits::standard(), TarOptions::own()).unwrap(),
            tree
        );
    }
}

#[test]
fn another_implementation_reads_the_same() {
    let blobs = MemoryBlobs::new();
    let tree = rich_tree(&blobs);
    let bytes = write(&tree, &blobs);
    let mut archive = ::tar::Archive::new(bytes.as_slice());
    let mut count = 0;
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let place = TreePath::from_archive(&entry.path_bytes()).unwrap();
        let ours = tree.get(&place).unwrap();
        let header = entry.header().clone();
        assert_eq!(header.mtime().unwrap(), u64::from(MTIME));
        assert_eq!(header.username_bytes().unwrap(), b"");
        match ours {
            Entry::File { size, .. } => assert_eq!(entry.size(), *size),
            Entry::Symlink { target, .. } => assert_eq!(entry.link_name_bytes().unwrap(), target.as_slice()),
            Entry::HardLink { target } => assert_eq!(entry.link_name_bytes().unwrap(), target.as_bytes()),
            _ => {}
        }
        let meta = tree.inode(&place).unwrap().meta().cloned();
        let meta = meta.unwrap_or(Meta::root(Mode::from_st_mode(0o777)));
        assert_eq!(header.mode().unwrap(), meta.mode.bits(), "{place}");
        let records = entry.pax_extensions().unwrap();
        let uid = records.into_iter().flatten().flatten().find(|r| r.key() == Ok("uid"));
        if let Some(uid) = uid {
            assert_eq!(uid.value().unwrap(), meta.uid.to_string());
        }
        count += 1;
    }
    assert_eq!(count, tree.len() + 1);
}

#[test]
fn reads_what_another_implementation_wrote() {
    let mut builder = ::tar::Builder::new(Vec::new());
    let mut header = ::tar::Header::new_gnu();
    header.set_mode(0o100_640);
    header.set_uid(5_000_000);
    header.set_size(3);
    let long = format!("{}/{}", "a".repeat(200), "b".repeat(150));
    builder.append_data(&mut header, &long, &b"abc"[..]).unwrap();
    let mut link = ::tar::Header::new_gnu();
    link.set_entry_type(::tar::EntryType::Link);
    link.set_size(0);
    builder.append_link(&mut link, "A", &long).unwrap();
    let tree = read(&builder.into_inner().unwrap()).unwrap();
    // the name that sorts first is the file
    let Some(Entry::File { meta, size: 3, .. }) = tree.get(&path("/A")) else { panic!("{}", Dump(&tree)) };
    assert_eq!((meta.mode.bits(), meta.uid), (0o640, 5_000_000));
    let place = TreePath::new(long).unwrap();
    assert_eq!(tree.get(&place), Some(&Entry::HardLink { target: path("/A") }));
    assert_eq!(tree.get(&place.parent().unwrap()), Some(&Entry::directory()));
}

#[test]
fn large_values_go_into_records() {
    let blobs = MemoryBlobs::new();
    let mut tree = Tree::new();
    let blob = blobs.insert(Vec::new());
    tree.insert_file(path("/big"), Mode::FILE, blob, 9 << 30).unwrap();
    let stream = TarStream::new(&tree, &blobs, MTIME).unwrap();
    assert_eq!(stream.total_len(), 512 * 6 + (9 << 30));
    let mut head = Vec::new();
    stream.take(512 * 4).read_to_end(&mut head).unwrap();
    assert!(head[1024..].starts_with(b"19 size=9663676416\n"));
    assert_eq!(head[1536 + 124..1536 + 136], *b"00000000000\0");
}

#[test]
fn content_of_another_length_is_an_error() {
    let blobs = MemoryBlobs::new();
    for size in [4, 6] {
        let mut tree = Tree::new();
        let blob = blobs.insert(b"12345".to_vec());
        tree.insert_file(path("/file"), Mode::FILE, blob, size).unwrap();
        let written = write_tar(&tree, &blobs, MTIME, &mut io::sink());
        assert!(matches!(written, Err(TarWriteError::Io(_))), "{size}");
    }
}

#[test]
fn what_tar_cannot_hold_is_refused() {
    let blobs = MemoryBlobs::new();
    let mut tree = plain_tree(&blobs);
    let device = Entry::Device {
        meta: Meta::root(Mode::FILE),
        kind: kit_tree::DeviceKind::Char,
        major: 0o10_000_000,
        minor: 0,
    };
    tree.insert(path("/dev/large"), device).unwrap();
    let error = TarStream::new(&tree, &blobs, MTIME).unwrap_err();
    assert!(matches!(error, TarWriteError::DeviceNumber { path } if path.to_string() == "/dev/large"));
    let mut tree = plain_tree(&blobs);
    samples::change(&mut tree, "/tmp", |meta| _ = meta.xattrs.insert(b"user.a=b".to_vec(), vec![]));
    let error = TarStream::new(&tree, &blobs, MTIME).unwrap_err();
    assert!(matches!(error, TarWriteError::AttributeName { .. }));
}

proptest! {
    #[test]
    fn any_tree_survives((tree, blobs) in any_tree(true)) {
        let bytes = write(&tree, &blobs);
        prop_assert_eq!(Dump(&read(&bytes).unwrap()).to_string(), Dump(&tree).to_string());
    }

    #[test]
    fn damaged_archives_never_panic((tree, blobs) in any_tree(true), at in any::<usize>(), flip in 1_u8.., end in any::<usize>()) {
        let mut bytes = write(&tree, &blobs);
        let end = end % bytes.len();
        prop_assert!(read(&bytes[..end]).is_err());
        let at = at % bytes.len();
        bytes[at] ^= flip;
        let _ = read(&bytes);
    }
}
