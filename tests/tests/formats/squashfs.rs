//! Squashfs: `unsquashfs` reads what kit writes, and kit what `mksquashfs` writes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Cursor;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use kit_format::Limits;
use kit_format::squashfs::{self, Compression, Options};
use kit_format::workers::Alone;
use kit_tests::TestProject;
use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Blobs as _, DeviceKind, Entry, Meta, Mode, Tree, TreePath};

use super::samples::{self, path, tool};

/// 2023-11-14 22:13:20.
const MTIME: u32 = 1_700_000_000;

const METHODS: [Compression; 3] = [Compression::Gzip, Compression::Xz, Compression::Zstd { level: 6 }];

fn put(tree: &mut Tree, blobs: &MemoryBlobs, name: &str, mode: u32, content: Vec<u8>) {
    let size = content.len() as u64;
    tree.insert_file(path(name), Mode::from_st_mode(mode), blobs.insert(content), size)
        .expect("its place is free");
}

/// What every user can make: files of all lengths that matter, zeros, links, many names, an attribute.
fn common(blobs: &MemoryBlobs) -> Tree {
    let mut tree = Tree::new();
    let mut text = String::new();
    for number in 0..70_000_u32 {
        writeln!(text, "{number} {}", number.wrapping_mul(2_654_435_761) >> 12).expect("it fits");
    }
    let text = text.into_bytes();
    put(&mut tree, blobs, "/empty", 0o600, Vec::new());
    put(&mut tree, blobs, "/blocks/two", 0o644, text[..262_144].to_vec());
    put(&mut tree, blobs, "/blocks/more", 0o755, text[..300_001].to_vec());
    put(&mut tree, blobs, "/blocks/same", 0o400, text[..300_001].to_vec());
    put(&mut tree, blobs, "/blocks/less", 0o640, text[..131_071].to_vec());
    put(&mut tree, blobs, "/blocks/zeros", 0o644, vec![0; 400_000]);
    let mut holes = vec![0; 900_000];
    holes[300_000..300_005].copy_from_slice(b"hello");
    put(&mut tree, blobs, "/blocks/holes", 0o644, holes);
    tree.insert(path("/blocks/zlink"), Entry::HardLink { target: path("/blocks/two") }).expect("a file");
    tree.insert(path("/alias"), Entry::symlink("blocks/../blocks/two")).expect("a free place");
    for number in 0..700_usize {
        let name = format!("/names/{number:04}-{}", "n".repeat(number % 200));
        put(&mut tree, blobs, &name, 0o644, text[number..number * 3].to_vec());
    }
    put(&mut tree, blobs, "/names/Größe mit Leerzeichen", 0o644, b"x".to_vec());
    tree
}

/// What only root can make, or nobody who unpacks: owners, special bits, devices, attributes. `unsquashfs` lists minor
/// numbers over 255 wrong.
fn everything(blobs: &MemoryBlobs) -> Tree {
    let mut tree = common(blobs);
    put(&mut tree, blobs, "/bin/su", 0o4755, b"set-uid".to_vec());
    let meta = |mode| Meta { uid: 1000, gid: 4_294_967_294, ..Meta::root(Mode::from_st_mode(mode)) };
    let mut attributed = meta(0o2755);
    attributed.xattrs.insert(b"security.capability".to_vec(), vec![1, 0, 0, 2, 0, 0]);
    attributed.xattrs.insert(b"trusted.overlay.opaque".to_vec(), b"y".to_vec());
    let device = |kind, major, minor| Entry::Device { meta: meta(0o660), kind, major, minor };
    for (name, entry) in [
        ("/attributed", Entry::Directory(attributed)),
        ("/null", device(DeviceKind::Char, 1, 3)),
        ("/disk", device(DeviceKind::Block, 259, 255)),
        ("/pipe", Entry::Fifo(meta(0o600))),
        ("/sticky", Entry::Directory(meta(0o1777))),
        ("/owned", Entry::Symlink { uid: 5, gid: 6, target: b"/nowhere".to_vec() }),
    ] {
        tree.insert(path(name), entry).expect("a free place");
    }
    tree
}

/// Writes a tree as a file of a project.
fn write(project: &TestProject, file: &str, tree: &Tree, blobs: &MemoryBlobs, compression: Compression) {
    let options = Options { mtime: MTIME, compression, block: squashfs::BLOCK };
    let layout = squashfs::layout(tree, blobs, blobs, &options, &Alone).expect("squashfs holds it");
    samples::write(project, file, &layout, blobs);
}

/// Returns a path of a tree as a line of `unsquashfs -lln`: mode, owner, size or device, time, name, target.
fn line(tree: &Tree, path: &TreePath, entry: &Entry) -> String {
    let file = tree.inode(path).expect("no link hangs");
    let (kind, size, target) = match file {
        Entry::Directory(_) | Entry::HardLink { .. } => ('d', String::new(), String::new()),
        Entry::File { size, .. } => ('-', size.to_string(), String::new()),
        Entry::Symlink { target, .. } => {
            ('l', target.len().to_string(), format!(" -> {}", String::from_utf8_lossy(target)))
        }
        Entry::Device { kind, major, minor, .. } => {
            (if *kind == DeviceKind::Char { 'c' } else { 'b' }, format!("{major},{minor}"), String::new())
        }
        Entry::Fifo(_) => ('p', "0".to_owned(), String::new()),
    };
    let (mode, uid, gid) = match (file, entry) {
        (Entry::Symlink { uid, gid, .. }, _) => (0o777, *uid, *gid),
        (file, _) => file.meta().map(|meta| (meta.mode.bits(), meta.uid, meta.gid)).expect("it has"),
    };
    let name = String::from_utf8_lossy(path.as_bytes()).into_owned();
    let slash = if name.is_empty() { "" } else { "/" };
    let mode = letters(kind, mode);
    format!("{mode} {uid}/{gid} {size} 2023-11-14 22:13 squashfs-root{slash}{name}{target}")
}

/// Returns a mode as `ls` shows it.
fn letters(kind: char, mode: u32) -> String {
    let mut letters = String::from(kind);
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift;
        letters.push(if bits & 4 == 0 { '-' } else { 'r' });
        letters.push(if bits & 2 == 0 { '-' } else { 'w' });
        letters.push(match (mode & special != 0, bits & 1 != 0) {
            (false, false) => '-',
            (false, true) => 'x',
            (true, false) => letter.to_ascii_uppercase(),
            (true, true) => letter,
        });
    }
    letters
}

/// Takes the columns of a listing apart: sizes of directories are those of listings, which nobody needs to know.
fn columns(listed: &str) -> String {
    let (front, rest) = listed.split_once("2023-11-14").expect("it has the time");
    let front: Vec<_> = front.split_whitespace().collect();
    let front = if listed.starts_with('d') { format!("{} {} ", front[0], front[1]) } else { front.join(" ") };
    format!("{} 2023-11-14{rest}", front.replace(", ", ","))
}

/// Compares two listings, and shows the first line that differs instead of both.
#[track_caller]
fn compare(found: &[String], expected: &[String]) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn unsquashfs_lists_all_of_it() {
    let project = TestProject::new();
    let blobs = MemoryBlobs::new();
    let tree = everything(&blobs);
    let mut expected: Vec<_> = tree.entries().map(|(path, entry)| line(&tree, path, entry)).collect();
    expected.sort();
    for (method, says) in METHODS.into_iter().zip(["gzip", "xz", "zstd"]) {
        write(&project, "image.squashfs", &tree, &blobs, method);
        let statistics = tool(&project, &["unsquashfs", "-stat", "image.squashfs"]);
        let inodes = tree.entries().filter(|(_, entry)| !matches!(entry, Entry::HardLink { .. })).count();
        for text in [
            "Creation or last append time Tue Nov 14 22:13:20 2023".to_owned(),
            format!("Compression {says}"),
            "Block size 131072".to_owned(),
            "Filesystem is exportable via NFS".to_owned(),
            format!("Number of inodes {inodes}"),
            "Number of xattr ids 1".to_owned(),
        ] {
            assert!(statistics.contains(&text), "no `{text}` in:\n{statistics}");
        }
        assert_eq!(statistics.contains("compression-level 6"), says == "zstd", "{statistics}");
        let listing = tool(&project, &["unsquashfs", "-UTC", "-lln", "image.squashfs"]);
        let lines = listing.lines().filter(|line| line.contains("squashfs-root"));
        let mut found: Vec<_> = lines.map(columns).collect();
        found.sort();
        compare(&found, &expected);
    }
}

#[test]
fn unsquashfs_unpacks_all_of_it() {
    let project = TestProject::new();
    let blobs = MemoryBlobs::new();
    let tree = common(&blobs);
    for (method, directory) in METHODS.into_iter().zip(["gzip", "xz", "zstd"]) {
        write(&project, "image.squashfs", &tree, &blobs, method);
        tool(&project, &["unsquashfs", "-quiet", "-no-progress", "-dest", directory, "image.squashfs"]);
        let top = project.path().join(directory);
        for (path, entry) in tree.entries() {
            let place = top.join(String::from_utf8_lossy(path.as_bytes()).as_ref());
            let there = place.symlink_metadata().unwrap_or_else(|error| panic!("{path}: {error}"));
            match tree.inode(path).expect("no link hangs") {
                Entry::File { meta, blob, size } => {
                    assert_eq!(there.permissions().mode() & 0o7777, meta.mode.bits(), "{path}");
                    let content = std::fs::read(&place).expect("it can be read");
                    assert!(content == blobs.read(blob, *size).expect("it is there"), "{path}");
                }
                Entry::Symlink { target, .. } => {
                    let found = std::fs::read_link(&place).expect("a link");
                    assert_eq!(found.to_string_lossy().as_bytes(), target, "{path}");
                }
                _ => assert!(there.is_dir(), "{path}"),
            }
            assert_eq!(there.mtime(), i64::from(MTIME), "{path}");
            if let Entry::HardLink { target } = entry {
                let target = top.join(String::from_utf8_lossy(target.as_bytes()).as_ref());
                assert_eq!(there.ino(), target.metadata().expect("it is there").ino(), "{path}");
            }
        }
        let count = walkdir::WalkDir::new(&top).into_iter().count();
        assert_eq!(count, tree.entries().len(), "no more and no less");
    }
}

#[test]
fn kit_reads_what_mksquashfs_writes() {
    let project = TestProject::new();
    let blobs = MemoryBlobs::new();
    let tree = common(&blobs);
    write(&project, "image.squashfs", &tree, &blobs, Compression::Zstd { level: 1 });
    tool(&project, &["unsquashfs", "-quiet", "-no-progress", "-dest", "files", "image.squashfs"]);
    let mut expected = tree;
    let root = |mode| Meta::root(Mode::from_st_mode(mode));
    let null = Entry::Device { meta: root(0o666), kind: DeviceKind::Char, major: 1, minor: 3 };
    expected.insert(path("/null"), null).expect("a free place");
    expected.insert(path("/made"), Entry::Directory(root(0o1700))).expect("a free place");
    let variants: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("gzip", &[][..]),
        ("xz", &["-always-use-fragments", "-b", "4096"]),
        ("zstd", &["-b", "1M", "-no-fragments", "-noI", "-no-exports"]),
    ]);
    for (method, options) in variants {
        let pseudo = ["-p", "null c 666 0 0 1 3", "-p", "made d 1700 0 0"];
        let command =
            ["mksquashfs", "files", "theirs.squashfs", "-noappend", "-all-root", "-quiet", "-no-progress"];
        tool(&project, &[&command[..], &["-comp", method], options, &pseudo].concat());
        let bytes = std::fs::read(project.path().join("theirs.squashfs")).expect("it was written");
        let found =
            squashfs::read(Cursor::new(bytes), &Limits::standard(), &blobs).expect("it is a good one");
        let show = |tree: &Tree| -> Vec<String> {
            kit_tree::dump::Dump(tree).to_string().lines().map(str::to_owned).collect()
        };
        compare(&show(&found), &show(&expected));
    }
}
