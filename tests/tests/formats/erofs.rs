//! EROFS.
//!
//! `fsck.erofs` and `dump.erofs` of erofs-utils 1.5 know no zstd: what is compressed by it is read back by kit's own reader alone.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use kit_format::Limits;
use kit_format::erofs::{self, Compression, Options};
use kit_format::workers::Alone;
use kit_tests::TestProject;
use kit_tree::blobs::MemoryBlobs;
use kit_tree::{DeviceKind, Entry, Meta, Mode, Tree, TreePath};

use super::samples::{self, path, put, tool};

/// Text and noise, here and there.
fn content(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut bytes = Vec::new();
    while bytes.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if (state >> 40).is_multiple_of(4) {
            bytes.extend_from_slice(&state.to_le_bytes());
        } else {
            bytes.extend_from_slice(format!("line {} of a text\n", state >> 56).as_bytes());
        }
    }
    bytes.truncate(length);
    bytes
}

/// What can be unpacked by anybody: files, links, many names.
fn plain(blobs: &MemoryBlobs) -> Tree {
    let mut tree = Tree::new();
    for size in [0, 1, 4063, 4064, 4065, 4096, 4097, 100_000, 300_000, (2 << 20) + 1, 5_000_000] {
        put(&mut tree, blobs, &format!("/sizes/{size}"), &content(size));
    }
    put(&mut tree, blobs, "/twice/a", &content(100_000));
    tree.insert(path("/twice/link"), Entry::HardLink { target: path("/twice/a") }).expect("a place");
    put(&mut tree, blobs, "/zeros", &vec![0; 3_000_001]);
    for number in 0..1200 {
        put(&mut tree, blobs, &format!("/many/a name that is long, {number}"), b"");
    }
    for length in [1, 4000, 4080] {
        let target = Entry::symlink("t".repeat(length));
        tree.insert(path(&format!("/links-{length}")), target).expect("a place");
    }
    tree
}

/// What the tool doesn't unpack as it is: devices, owners, attributes, holes (which version 1.5 leaves out).
fn rich(blobs: &MemoryBlobs) -> Tree {
    let mut tree = plain(blobs);
    put(&mut tree, blobs, "/holes", &[&content(70_000)[..], &vec![0; 20 << 20], b"end"].concat());
    let meta = |name: &str, length| {
        let xattrs = BTreeMap::from([
            (b"security.selinux".to_vec(), b"system_u:object_r:bin_t:s0\0".to_vec()),
            (name.as_bytes().to_vec(), vec![1; length]),
        ]);
        Meta { uid: 100_000, gid: 5, xattrs, ..Meta::root(Mode::PROGRAM) }
    };
    for number in 0..40 {
        let bytes = content(number * 700);
        let (size, blob) = (bytes.len() as u64, blobs.insert(bytes));
        let file = Entry::File { meta: meta(&format!("user.{number}"), number * 200), blob, size };
        tree.insert(path(&format!("/sizes/with-{number}")), file).expect("a place");
    }
    for (name, kind, minor) in [("/null", DeviceKind::Char, 3), ("/disk", DeviceKind::Block, 300_000)] {
        let device = Entry::Device { meta: meta("trusted.a", 1), kind, major: 259, minor };
        tree.insert(path(name), device).expect("a place");
    }
    tree.insert(path("/pipe"), Entry::Fifo(meta("user.b", 60_000))).expect("a place");
    tree
}

/// Writes an image of a tree, and makes sure that it comes back.
fn write(project: &TestProject, name: &str, tree: &Tree, blobs: &MemoryBlobs, compression: Compression) {
    let options = Options { mtime: 1_700_000_000, label: String::from("kit-root"), compression };
    let layout = erofs::layout(tree, blobs, blobs, &options, &Alone).expect("it is laid out");
    let bytes = samples::write(project, name, &layout, blobs);
    let source = std::io::Cursor::new(bytes.as_slice());
    let back = erofs::read(source, &Limits::standard(), &MemoryBlobs::new()).expect("it is an image");
    assert!(back == *tree, "{name}");
}

const WAYS: [(&str, Compression); 2] = [("plain", Compression::None), ("lz4", Compression::Lz4)];

#[test]
fn erofs_utils_unpack_what_is_written() {
    let project = TestProject::new();
    let blobs = MemoryBlobs::new();
    let tree = plain(&blobs);
    for (name, compression) in WAYS {
        let image = format!("{name}.erofs");
        write(&project, &image, &tree, &blobs, compression);
        let extract = format!("--extract={name}");
        tool(&project, &["fsck.erofs", &extract, &image]);
        compare(&project.path().join(name), &tree, &blobs);
    }
}

/// Compares a directory with a tree.
fn compare(directory: &Path, tree: &Tree, blobs: &MemoryBlobs) {
    let mut left = 0;
    for entry in walkdir::WalkDir::new(directory).min_depth(1) {
        let entry = entry.expect("an entry");
        let place = entry.path().strip_prefix(directory).expect("it is below");
        let place = TreePath::new(place.as_os_str().as_encoded_bytes()).expect("a path");
        let metadata = entry.metadata().expect("it is there");
        match tree.inode(&place).expect("it is in the tree") {
            Entry::Directory(_) => assert!(metadata.is_dir(), "{place}"),
            Entry::Symlink { target, .. } => {
                let found = std::fs::read_link(entry.path()).expect("a link");
                assert_eq!(found.as_os_str().as_encoded_bytes(), target, "{place}");
            }
            Entry::File { meta, blob, size } => {
                assert_eq!(metadata.size(), *size, "{place}");
                assert_eq!(metadata.permissions().mode() & 0o7777, meta.mode.bits(), "{place}");
                let expected = kit_tree::Blobs::read(blobs, blob, *size).expect("it is there");
                assert!(std::fs::read(entry.path()).expect("a file") == expected, "{place}");
            }
            other => panic!("{place}: {other:?}"),
        }
        left += 1;
    }
    assert_eq!(left, tree.len());
}

#[test]
fn erofs_utils_find_nothing_wrong() {
    let project = TestProject::new();
    let blobs = MemoryBlobs::new();
    let tree = rich(&blobs);
    for (name, compression) in WAYS {
        let image = format!("{name}.erofs");
        write(&project, &image, &tree, &blobs, compression);
        let said = tool(&project, &["fsck.erofs", &image]);
        assert!(said.is_empty() || said.contains("No errors found"), "{said}");
        let said = tool(&project, &["dump.erofs", "-s", &image]);
        let inodes = tree.entries().filter(|(_, entry)| !matches!(entry, Entry::HardLink { .. })).count();
        let created = "Tue Nov 14 22:13:20 2023";
        for line in ["0xE0F5E1E2", &inodes.to_string(), created, "sb_csum", "mtime"] {
            assert!(said.contains(line), "{line}: {said}");
        }
        let said = tool(&project, &["dump.erofs", "--path=/disk", &image]);
        assert!(said.contains("100000"), "{said}");
    }
    write(&project, "zstd.erofs", &tree, &blobs, Compression::Zstd { level: 3 });
}

#[test]
fn images_of_erofs_utils_are_read() {
    let project = TestProject::new();
    let blobs = MemoryBlobs::new();
    let tree = plain(&blobs);
    write(&project, "own.erofs", &tree, &blobs, Compression::None);
    tool(&project, &["fsck.erofs", "--extract=files", "own.erofs"]);
    // Not in chunks: it copies between files by a call that the sandbox doesn't let through.
    let ways: [&[&str]; 4] = [
        &[],
        &["-zlz4"],
        &["-zlz4hc", "-C65536", "-Eztailpacking"],
        &["-zlz4hc", "-C16384", "-Elegacy-compress"],
    ];
    for way in ways {
        let command = [&["mkfs.erofs", "--all-root", "--quiet"], way, &["theirs.erofs", "files"]].concat();
        tool(&project, &command);
        let bytes = std::fs::read(project.path().join("theirs.erofs")).expect("an image");
        let source = std::io::Cursor::new(bytes.as_slice());
        let back = erofs::read(source, &Limits::standard(), &MemoryBlobs::new())
            .unwrap_or_else(|error| panic!("{way:?}: {error}"));
        let mut expected = tree.clone();
        // links come out of the tool as copies
        let copy = tree.inode(&path("/twice/link")).expect("a file").clone();
        expected.insert(path("/twice/link"), copy).expect("a place");
        // the root is the directory that it was made from
        expected
            .insert(TreePath::root(), back.get(&TreePath::root()).expect("a root").clone())
            .expect("a root");
        let (found, expected) = (kit_tree::dump::Dump(&back), kit_tree::dump::Dump(&expected));
        assert!(found.to_string() == expected.to_string(), "{way:?}\n{found}");
    }
}
