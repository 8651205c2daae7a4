//! The kernel mounts what kit writes, or unpacks it: all that it then has, read by GNU tar, is the tree that was written.

use std::collections::BTreeMap;
use std::fs::File;

use kit_format::Limits;
use kit_format::erofs;
use kit_format::ext4;
use kit_format::squashfs;
use kit_format::tar::{TarOptions, read_tar};
use kit_format::workers::Alone;
use kit_tests::TestProject;
use kit_tests::booted::{empty_disk, project_with};
use kit_tests::formats::{Seen, record};
use kit_tests::machine::{Machine, disks};
use kit_tree::blobs::MemoryBlobs;
use kit_tree::dump::Dump;
use kit_tree::{DeviceKind, Entry, Meta, Mode, Tree, TreePath};

use super::random::{self, Contents};
use super::root::{ODD, layer};
use super::samples::write;

/// 2023-11-14 22:13:20.
const MTIME: u32 = 1_700_000_000;

/// The first container mounts the disks, the second one writes what is there to the last of them.
const PARTS: &str = r#"
[[onboot]]
name = "mounts"
package = "busybox"
capabilities = ["CAP_SYS_ADMIN"]
binds = ["/dev:/dev:rw,dev", "/var:/var:rw,rshared"]
devices = [{ path = "all", type = "b", access = "rwm" }]
command = ["/bin/sh", "-ec", '''
mounted() {
    mkdir -p "/var/all/$3"
    mount -t "$2" -o ro "/dev/$1" "/var/all/$3"
}
mounted vda erofs erofs-plain
mounted vdb erofs erofs-lz4
mounted vdc squashfs squashfs-gzip
mounted vdd squashfs squashfs-xz
mounted vde squashfs squashfs-zstd
mounted vdf ext4 ext4
''']

[[onboot]]
name = "read"
package = "reader"
capabilities = ["CAP_SYS_ADMIN", "CAP_DAC_READ_SEARCH"]
binds = ["/dev:/dev:rw,dev", "/var:/var:rw", "/odd:/odd"]
devices = [{ path = "all", type = "b", access = "rwm" }]
command = ["/bin/sh", "-ec", '''
cd /var/all
for place in *; do
    find "$place" -exec stat -c '%h %Y %n' {} + | sort -k 3 > "$place.links"
done
tar --create --sort=name --format=posix --xattrs "--xattrs-include=*" --file=/dev/vdg * -C / odd
echo all of it is read
''']
"#;

const READER: &str = r#"
[package]
name = "reader"

[tree]
packages = ["gnu-tar", "shell-tools"]

[[symlink]]
path = "/bin"
target = "usr/bin"
"#;

fn path(text: impl AsRef<[u8]>) -> TreePath {
    TreePath::new(text).expect("a path")
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut bytes = Vec::new();
    while bytes.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(format!("{} of a text\n", state >> 44).as_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn owned(mode: u32, uid: u32, gid: u32) -> Meta {
    Meta { uid, gid, ..Meta::root(Mode::new(mode).expect("a mode")) }
}

fn with(mut meta: Meta, attributes: &[(&str, &[u8])]) -> Meta {
    meta.xattrs = attributes.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec())).collect();
    meta
}

/// Everything that a file system has to keep, and whatever is hard to keep.
fn tree(blobs: &MemoryBlobs) -> Tree {
    let mut tree = Tree::new();
    let mut file = |name: &[u8], meta: Meta, content: Vec<u8>| {
        let (size, path) = (content.len() as u64, path(name));
        tree.make_parents(&path, &Meta::root(Mode::DIRECTORY)).expect("directories");
        tree.insert(path, Entry::File { meta, blob: blobs.insert(content), size }).expect("a free place");
    };
    let plain = || Meta::root(Mode::FILE);
    for size in [0, 1, 4095, 4096, 4097, 131_071, 131_072, 131_073, 700_001] {
        file(format!("/sizes/{size}").as_bytes(), plain(), noise(size));
    }
    file(b"/sizes/same", plain(), noise(700_001));
    file(b"/sizes/zeros", plain(), vec![0; 1_000_001]);
    file(b"/sizes/holes", plain(), [vec![0; 600_000], noise(9), vec![0; 300_000], noise(70_000)].concat());
    for number in 0..900 {
        file(format!("/many/{number}, {}", "n".repeat(number % 90)).as_bytes(), plain(), noise(number % 50));
    }
    for name in ["two words", "Größe", "-dash", "quote's \"", "back\\slash", "[a]*?", "%s"] {
        file(format!("/names/{name}").as_bytes(), plain(), name.into());
    }
    file(b"/names/\xff\xfe no UTF-8", plain(), noise(1));
    file(b"/names/line\nbreak", plain(), noise(2));
    file(format!("/names/{}", "l".repeat(255)).as_bytes(), plain(), noise(3));
    file(format!("{}/file", "/deep".repeat(40)).as_bytes(), plain(), noise(4));
    for mode in [0o0, 0o400, 0o640, 0o755, 0o4755, 0o2711, 0o1644, 0o7777, 0o4000] {
        file(format!("/modes/{mode:04o}").as_bytes(), owned(mode, 0, 0), noise(5));
    }
    for (uid, gid) in [(1, 0), (0, 1000), (65_535, 65_536), (100_000, 4_294_967_294)] {
        file(format!("/owners/{uid}-{gid}").as_bytes(), owned(0o640, uid, gid), noise(6));
    }
    // `CAP_NET_RAW` as Linux stores it, which looks at it before it hands it out.
    let mut capability = [0; 20];
    capability[..5].copy_from_slice(&[1, 0, 0, 2, 0]);
    capability[5] = 0x20;
    file(b"/attributes/ping", with(owned(0o755, 0, 0), &[("security.capability", &capability)]), noise(7));
    let several: [(&str, &[u8]); 4] = [
        ("security.selinux", b"system_u:object_r:bin_t:s0\0"),
        ("trusted.kit", b"\x00\xff\n="),
        ("user.empty", b""),
        ("user.kit", b"kept"),
    ];
    file(b"/attributes/several", with(plain(), &several), noise(8));
    for number in 0..30_u8 {
        let value = vec![number; usize::from(number) * 40];
        let name = format!("user.number-{}", number / 2);
        let meta = with(plain(), &[("user.same", b"shared by all"), (&name, &value)]);
        file(format!("/attributes/{number}").as_bytes(), meta, noise(9));
    }
    rest(&mut tree, capability.len());
    let below = random::tree(4, blobs, Contents::Any).moved_below(&path("/random")).expect("a path");
    for (path, entry) in below.entries().filter(|(path, _)| !path.is_root()) {
        tree.insert(path.clone(), entry.clone()).expect("a free place");
    }
    tree
}

/// Adds what isn't a file.
fn rest(tree: &mut Tree, large: usize) {
    let mut insert = |name: &str, entry: Entry| {
        let path = path(name);
        tree.make_parents(&path, &Meta::root(Mode::DIRECTORY)).expect("directories");
        tree.insert(path, entry).expect("a free place");
    };
    for number in 0..60 {
        insert(&format!("/linked/{number:02}"), Entry::HardLink { target: path("/attributes/ping") });
    }
    insert("/z/setuid", Entry::HardLink { target: path("/modes/4755") });
    insert("/empty/directory", Entry::directory());
    insert("/directories/sticky", Entry::Directory(owned(0o1777, 7, 8)));
    insert("/directories/set-gid", Entry::Directory(owned(0o2775, 0, 50)));
    insert("/directories/closed", Entry::Directory(owned(0o0, 9, 9)));
    let attributes = with(owned(0o755, 1, 1), &[("trusted.overlay.opaque", b"y"), ("user.a", b"1")]);
    insert("/directories/attributes", Entry::Directory(attributes));
    for length in [1, 59, 60, 255, 3000] {
        insert(&format!("/links/{length}"), Entry::symlink("t".repeat(length)));
    }
    insert("/links/owned", Entry::Symlink { uid: 1000, gid: 70_000, target: b"../else/where".to_vec() });
    let device = |kind, major, minor| Entry::Device { meta: owned(0o660, 0, 6), kind, major, minor };
    insert("/devices/null", device(DeviceKind::Char, 1, 3));
    insert("/devices/disk", device(DeviceKind::Block, 8, u32::try_from(large).expect("it is small")));
    insert("/devices/far", device(DeviceKind::Block, 259, 300_000));
    insert("/devices/pipe", Entry::Fifo(owned(0o620, 5, 6)));
}

/// Returns the tree with as much of attributes as ext4 holds, a directory with so many names that they are found by hashes, and what ext4 adds.
fn tree_for_ext4(tree: &Tree, blobs: &MemoryBlobs) -> Tree {
    let mut held = Tree::new();
    for (path, entry) in tree.entries() {
        let mut entry = entry.clone();
        for value in entry.meta_mut().into_iter().flat_map(|meta| meta.xattrs.values_mut()) {
            value.truncate(1200);
        }
        held.insert(path.clone(), entry).expect("its parents come first");
    }
    held.insert(path("/thousands"), Entry::directory()).expect("a free place");
    for number in 0..5000 {
        let content = number.to_string().into_bytes();
        let (size, blob) = (content.len() as u64, blobs.insert(content));
        let place = path(format!("/thousands/one of them, {number}"));
        held.insert_file(place, Mode::FILE, blob, size).expect("a free place");
    }
    let lost = Meta::root(Mode::new(0o700).expect("a mode"));
    held.insert(path("/lost+found"), Entry::Directory(lost)).expect("a free place");
    held
}

/// Writes the trees in each file system that has all of one, and returns their names.
fn write_all(project: &TestProject, tree: &Tree, for_ext4: &Tree, blobs: &MemoryBlobs) -> [&'static str; 6] {
    let options = ext4::Options {
        mtime: MTIME.into(),
        label: "kit".to_owned(),
        size: ext4::Size::Fitting { spare: 8 << 20 },
    };
    let erofs = |compression| {
        let options = erofs::Options { mtime: MTIME.into(), label: "kit".to_owned(), compression };
        erofs::layout(tree, blobs, blobs, &options, &Alone).expect("EROFS holds it")
    };
    let squashfs = |compression| {
        let options = squashfs::Options { mtime: MTIME, compression, block: squashfs::BLOCK };
        squashfs::layout(tree, blobs, blobs, &options, &Alone).expect("squashfs holds it")
    };
    let layouts = [
        ("erofs-plain", erofs(erofs::Compression::None)),
        ("erofs-lz4", erofs(erofs::Compression::Lz4)),
        ("squashfs-gzip", squashfs(squashfs::Compression::Gzip)),
        ("squashfs-xz", squashfs(squashfs::Compression::Xz)),
        ("squashfs-zstd", squashfs(squashfs::Compression::Zstd { level: 3 })),
        ("ext4", ext4::layout(for_ext4, &options).expect("ext4 holds it")),
    ];
    layouts.map(|(name, layout)| {
        write(project, name, &layout, blobs);
        name
    })
}

/// Returns what is below a directory, as a tree of its own.
fn below(tree: &Tree, top: &str) -> Tree {
    let top = path(format!("/{top}"));
    let stripped = |path: &TreePath| path.strip_prefix(&top).expect("no link leads out of it");
    let mut part = Tree::new();
    for (path, entry) in tree.below(&top) {
        let entry = match entry {
            Entry::HardLink { target } => Entry::HardLink { target: stripped(target) },
            entry => entry.clone(),
        };
        part.insert(stripped(path), entry).expect("its parents come first");
    }
    part
}

/// Returns what `stat` says of a tree whose times are all one: names of each inode, time, path.
fn counted(tree: &Tree, top: &str) -> String {
    let mut counts = BTreeMap::new();
    for (path, entry) in tree.entries() {
        let (own, other) = match entry {
            Entry::Directory(_) => (2, path.parent()),
            Entry::HardLink { target } => (0, Some(target.clone())),
            _ => (1, None),
        };
        *counts.entry(path.clone()).or_insert(0) += own;
        if let Some(other) = other {
            *counts.entry(other).or_insert(0) += 1;
        }
    }
    let links = |path: &TreePath| match tree.get(path) {
        Some(Entry::HardLink { target }) => counts[target],
        _ => counts[path],
    };
    let line = |path: &TreePath| {
        let name = String::from_utf8_lossy(path.as_bytes()).into_owned();
        let slash = if name.is_empty() { "" } else { "/" };
        format!("{} {MTIME} {top}{slash}{name}\n", links(path))
    };
    let mut lines: Vec<_> = tree.entries().map(|(path, _)| line(path)).collect();
    lines.sort();
    lines.concat()
}

/// Fails with the first difference.
#[track_caller]
fn same(name: &str, found: &str, expected: &str) {
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected, "{name}");
    }
    assert_eq!(found.lines().count(), expected.lines().count(), "{name}");
}

#[test]
fn what_is_mounted_is_what_was_written() {
    let modules = r#""virtio_pci", "virtio_blk", "erofs", "squashfs", "crc32c_generic", "ext4""#;
    let project = project_with(modules, r#""init", "odd""#, PARTS);
    project.write("recipes/packages/reader.toml", READER);
    project.write("recipes/packages/odd.toml", &ODD.replace("LONG", &"long-name-".repeat(20)));
    project.write_bytes("odd.tar", &layer(false));
    project.kit(&["lock", "minimal"]).succeeded();
    project.kit(&["build", "minimal"]).succeeded();
    let blobs = MemoryBlobs::new();
    let tree = tree(&blobs);
    let for_ext4 = tree_for_ext4(&tree, &blobs);
    let names = write_all(&project, &tree, &for_ext4, &blobs);
    empty_disk(&project, "read.tar", 256);
    let files = [&names[..], &["read.tar"]].concat();
    let mut machine = Machine::start(&project, "minimal", "console", &disks(&files));
    machine.wait_for("read: all of it is read\n");
    drop(machine);
    let archive = File::open(project.path().join("read.tar")).expect("it is there");
    let read_blobs = MemoryBlobs::new();
    let read = read_tar(archive, &read_blobs, &Limits::standard(), TarOptions::own()).expect("an archive");
    for name in names {
        let tree = if name == "ext4" { &for_ext4 } else { &tree };
        same(name, &Dump(&below(&read, name)).to_string(), &Dump(tree).to_string());
        let Some(Entry::File { blob, size, .. }) = read.get(&path(format!("/{name}.links"))) else {
            panic!("nothing was counted in {name}");
        };
        let said = kit_tree::Blobs::read(&read_blobs, blob, *size).expect("it is in memory");
        let mut said: Vec<_> =
            String::from_utf8_lossy(&said).lines().map(|line| line.to_owned() + "\n").collect();
        said.sort();
        let mut lines: Vec<_> = counted(tree, name).lines().map(|line| line.to_owned() + "\n").collect();
        lines.sort();
        same(name, &said.concat(), &lines.concat());
    }
    // What the kernel unpacked of the initrd, by the list that kit has of the root.
    let list = project.kit(&["show", "minimal", "--files"]).succeeded().stdout;
    let of_odd = |list: &str| -> String {
        list.lines()
            .filter(|line| line.starts_with("/odd ") || line.starts_with("/odd/"))
            .fold(String::new(), |all, line| all + line + "\n")
    };
    assert!(of_odd(&list).contains("/odd/second link"), "{list}");
    same("initrd", &of_odd(&Dump(&read).to_string()), &of_odd(&list));
    record("kernel+initrd", Seen::ReadBy("Linux"));
    record("kernel+erofs", Seen::ReadBy("Linux"));
    record("kernel+squashfs", Seen::ReadBy("Linux"));
    record("kernel+ext4", Seen::ReadBy("Linux"));
}
