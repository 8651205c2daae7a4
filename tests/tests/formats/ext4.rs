//! ext4.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use kit_format::Limits;
use kit_format::ext4::{self, Options, Size};
use kit_tests::TestProject;
use kit_tree::blobs::MemoryBlobs;
use kit_tree::dump::Dump;
use kit_tree::{DeviceKind, Entry, Meta, Mode, Tree};

use super::samples::{self, path, put, tool};

fn content(length: usize) -> Vec<u8> {
    (0_u32..).flat_map(|number| (number / 3).to_le_bytes()).take(length).collect()
}

/// What anybody can unpack: files, links, many names.
fn plain(blobs: &MemoryBlobs) -> Tree {
    let mut tree = Tree::new();
    for size in [0, 1, 4095, 4096, 4097, 100_000, 5_000_000] {
        put(&mut tree, blobs, &format!("/sizes/{size}"), &content(size));
    }
    put(&mut tree, blobs, "/twice/a", &content(100_000));
    tree.insert(path("/twice/link"), Entry::HardLink { target: path("/twice/a") }).expect("a place");
    for number in 0..1200 {
        put(&mut tree, blobs, &format!("/many/a name that is long, {number}"), b"");
    }
    for number in 0..5000 {
        put(&mut tree, blobs, &format!("/thousands/{number}"), b"");
    }
    for number in 0..9000 {
        put(&mut tree, blobs, &format!("/long/{number:0>240}"), b"");
    }
    for length in [1, 59, 60, 4000] {
        let target = Entry::symlink("t".repeat(length));
        tree.insert(path(&format!("/links-{length}")), target).expect("a place");
    }
    tree
}

/// What needs privileges: devices, owners, attributes behind inodes and in blocks, alone and shared, access control lists.
fn rich(blobs: &MemoryBlobs) -> Tree {
    let mut tree = plain(blobs);
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
        let file = Entry::File { meta: meta(&format!("user.{}", number / 2), number / 2 * 200), blob, size };
        tree.insert(path(&format!("/sizes/with-{number}")), file).expect("a place");
    }
    let mut listed = meta("user.a", 1);
    let list = [
        &[2, 0, 0, 0][..],
        &[1, 0, 6, 0],
        &[255; 4],
        &[2, 0, 4, 0],
        &[232, 3, 0, 0],
        &[4, 0, 4, 0],
        &[255; 4],
    ];
    let list = [&list.concat()[..], &[16, 0, 4, 0], &[255; 4], &[32, 0, 4, 0], &[255; 4]].concat();
    listed.xattrs.insert(b"system.posix_acl_access".to_vec(), list.clone());
    listed.xattrs.insert(b"system.posix_acl_default".to_vec(), list);
    tree.insert(path("/listed"), Entry::Directory(listed)).expect("a place");
    for (name, kind, minor) in [("/null", DeviceKind::Char, 3), ("/disk", DeviceKind::Block, 300_000)] {
        let device = Entry::Device { meta: meta("trusted.a", 1), kind, major: 259, minor };
        tree.insert(path(name), device).expect("a place");
    }
    tree.insert(path("/pipe"), Entry::Fifo(meta("user.b", 3000))).expect("a place");
    tree
}

/// Writes an image of a tree, and makes sure that it comes back.
fn write(project: &TestProject, name: &str, tree: &Tree, blobs: &MemoryBlobs, size: Size) {
    let options = Options { mtime: 1_700_000_000, label: String::from("kit-root"), size };
    let layout = ext4::layout(tree, &options).expect("it is laid out");
    let bytes = samples::write(project, name, &layout, blobs);
    let source = std::io::Cursor::new(bytes.as_slice());
    let mut back = ext4::read(source, &Limits::standard(), &MemoryBlobs::new()).expect("it is an image");
    back.remove(&path("/lost+found"));
    assert!(back == *tree, "{name}\n{}", Dump(&back));
}

fn debugfs(project: &TestProject, image: &str, request: &str) -> String {
    tool(project, &["debugfs", "-R", request, image])
}

const SPARE: Size = Size::Fitting { spare: 10 << 20 };

#[test]
fn e2fsprogs_find_nothing_wrong() {
    let project = TestProject::new();
    let blobs = MemoryBlobs::new();
    for (name, tree, size) in [
        ("empty.img", Tree::new(), Size::Fitting { spare: 0 }),
        ("plain.img", plain(&blobs), SPARE),
        ("rich.img", rich(&blobs), SPARE),
        ("groups.img", rich(&blobs), Size::Exactly(650 << 20)),
    ] {
        write(&project, name, &tree, &blobs, size);
        let said = tool(&project, &["e2fsck", "-fn", name]);
        assert!(
            said.contains("Pass 5") && !said.contains("WARNING") && !said.contains("Fix"),
            "{name}: {said}"
        );
    }
    let said = debugfs(&project, "rich.img", "show_super_stats -h");
    for line in ["kit-root", "metadata_csum", "has_journal", "not clean"] {
        assert_eq!(said.contains(line), line != "not clean", "{line}: {said}");
    }
    let said = debugfs(&project, "rich.img", "stat /disk");
    for words in ["Type: block special", "Mode:  0755", "User: 100000", "Group:     5", "259:300000"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    for line in ["mtime: 0x6553f100:00000000", "trusted.a (1) = 01", "security.selinux"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let said = debugfs(&project, "rich.img", "stat /twice/link");
    assert!(said.contains("Links: 2"), "{said}");
    assert!(debugfs(&project, "rich.img", "ea_get /sizes/with-38 user.19").len() > 3800);
}

/// Directories over a block have a hash tree, with two levels where one isn't enough.
#[test]
fn debugfs_reads_hash_trees() {
    let project = TestProject::new();
    let blobs = MemoryBlobs::new();
    write(&project, "plain.img", &plain(&blobs), &blobs, SPARE);
    for (directory, levels, count) in [("/many", 0, 1200), ("/thousands", 0, 5000), ("/long", 1, 9000)] {
        let said = debugfs(&project, "plain.img", &format!("htree_dump {directory}"));
        assert!(said.contains(&format!("Indirect levels: {levels}")), "{directory}: {said}");
        assert!(said.contains("Hash Version: 1"), "{directory}: {said}");
        // Each name is told as its inode, its hashes, its length, itself.
        let inodes = said.split(" 0x").filter(|before| before.ends_with(|last: char| last.is_ascii_digit()));
        assert_eq!(inodes.count(), count, "{directory}: {said}");
    }
}

/// It grows in its place, into a disk that became larger.
#[test]
fn a_file_system_grows() {
    let project = TestProject::new();
    let blobs = MemoryBlobs::new();
    let tree = rich(&blobs);
    write(&project, "small.img", &tree, &blobs, Size::Exactly(140 << 20));
    let said = debugfs(&project, "small.img", "show_super_stats -h");
    assert!(said.contains("resize_inode") && said.contains("Reserved GDT blocks"), "{said}");
    let file =
        std::fs::File::options().write(true).open(project.path().join("small.img")).expect("it is there");
    // More groups than one block has descriptors for.
    file.set_len(9 << 30).expect("it is sparse");
    let moved = tool(&project, &["resize2fs", "-f", "-d", "6", "small.img"]);
    assert!(!moved.contains("blocks moved"), "{moved}");
    let said = tool(&project, &["e2fsck", "-fn", "small.img"]);
    assert!(said.contains("Pass 5") && !said.contains("Fix"), "{said}");
    let file = std::fs::File::open(project.path().join("small.img")).expect("it is there");
    let mut back = ext4::read(file, &Limits::standard(), &MemoryBlobs::new()).expect("it is an image");
    back.remove(&path("/lost+found"));
    assert!(back == tree, "{}", Dump(&back));
}

#[test]
fn debugfs_unpacks_what_is_written() {
    let project = TestProject::new();
    let blobs = MemoryBlobs::new();
    let tree = plain(&blobs);
    write(&project, "plain.img", &tree, &blobs, SPARE);
    project.write("files/empty", "");
    debugfs(&project, "plain.img", "rdump / files");
    for (place, entry) in tree.entries() {
        let on_disk = project.path().join("files").join(OsStr::from_bytes(place.as_bytes()));
        match entry {
            Entry::File { blob, size, .. } => {
                let expected = kit_tree::Blobs::read(&blobs, blob, *size).expect("it is there");
                assert!(std::fs::read(&on_disk).expect("a file") == expected, "{place}");
            }
            Entry::Symlink { target, .. } => {
                let found = std::fs::read_link(&on_disk).expect("a link");
                assert_eq!(found.as_os_str().as_encoded_bytes(), target, "{place}");
            }
            _ => assert!(on_disk.exists(), "{place}"),
        }
    }
}

#[test]
fn images_of_e2fsprogs_are_read() {
    let project = TestProject::new();
    let blobs = MemoryBlobs::new();
    let mut tree = plain(&blobs);
    // more than the tool makes of a link
    tree.remove(&path("/links-4000"));
    write(&project, "own.img", &tree, &blobs, SPARE);
    project.write("files/empty", "");
    debugfs(&project, "own.img", "rdump / files");
    let ways: [&[&str]; 4] = [
        &["-Ometadata_csum,64bit"],
        &["-O^metadata_csum,^64bit,^flex_bg"],
        &["-b1024", "-I128"],
        &["-O^has_journal,metadata_csum_seed,sparse_super2", "-b2048"],
    ];
    for way in ways {
        project.write_bytes("theirs.img", &[]);
        let command = ["mke2fs", "-q", "-t", "ext4", "-E", "root_owner=0:0", "-d", "files"];
        tool(&project, &[&command, way, &["theirs.img", "64M"]].concat());
        let bytes = std::fs::read(project.path().join("theirs.img")).expect("an image");
        let source = std::io::Cursor::new(bytes.as_slice());
        let back = ext4::read(source, &Limits::standard(), &MemoryBlobs::new())
            .unwrap_or_else(|error| panic!("{way:?}: {error}"));
        for (place, entry) in tree.entries() {
            match (entry, back.inode(place).unwrap_or_else(|| panic!("{way:?}: no {place}"))) {
                (Entry::File { blob, size, .. }, Entry::File { blob: other, size: length, .. }) => {
                    assert_eq!((blob, size), (other, length), "{way:?}: {place}");
                }
                (Entry::Symlink { target, .. }, Entry::Symlink { target: other, .. }) => {
                    assert_eq!(target, other, "{way:?}: {place}");
                }
                (Entry::Directory(_), Entry::Directory(_)) | (Entry::HardLink { .. }, Entry::File { .. }) => {
                }
                (_, other) => panic!("{way:?}: {place} is {other:?}"),
            }
        }
    }
}
