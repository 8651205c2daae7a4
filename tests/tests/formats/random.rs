//! Random trees: written by kit, unpacked by the tools of others, compared.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::BufReader;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use kit_format::Limits;
use kit_format::workers::Alone;
use kit_format::{erofs, iso, squashfs};
use kit_tests::TestProject;
use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Blobs as _, Entry, FileName, Meta, Mode, Tree, TreePath};

use super::samples::{tool, write};

/// 2023-11-14 22:13:20.
pub(super) const MTIME: u32 = 1_700_000_000;
/// Each makes another tree, and always the same.
pub(super) const SEEDS: [u64; 3] = [1, 2, 3];
/// What names are made of.
const LETTERS: [&str; 32] = [
    "a", "b", "c", "d", "e", "X", "Y", "Z", "0", "1", "9", " ", ".", "_", "-", "+", "~", "'", "\"", "\\",
    "$", "*", "?", "[", "]", "{", ";", "ä", "ß", "日", "€", "\u{301}",
];

/// Whether a tree is for whoever unpacks it as nobody in particular.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contents {
    /// All of it belongs to the one who unpacks it, who can read it.
    Anybodys,
    /// Any owner, any mode, any attributes.
    Any,
}

/// Numbers that depend on a seed alone.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }

    fn name(&mut self, number: usize) -> String {
        let length = if self.below(12) == 0 { 240 } else { 1 + self.below(30) };
        let mut name = String::new();
        while name.len() < length {
            name.push_str(LETTERS[self.below(LETTERS.len())]);
        }
        // Unlike any other in upper and lower case, too, and neither `.` nor `..`.
        format!("{name}{number}")
    }

    fn content(&mut self) -> Vec<u8> {
        let edges = [0, 1, 4095, 4096, 4097, 65_536, 131_071, 131_072, 131_073];
        let length = match self.below(4) {
            0 => edges[self.below(edges.len())],
            1 => self.below(300_000),
            _ => self.below(6000),
        };
        let mut bytes = vec![0; length];
        match self.below(4) {
            // Holes.
            0 => {}
            1 => {
                let (from, to) = (length / 3, length / 2);
                bytes[from..to].fill(7);
            }
            2 => bytes.iter_mut().for_each(|byte| *byte = self.below(256).to_le_bytes()[0]),
            _ => bytes
                .iter_mut()
                .enumerate()
                .for_each(|(at, byte)| *byte = (at / 5 % 90).to_le_bytes()[0] + 32),
        }
        bytes
    }

    fn meta(&mut self, contents: Contents, is_directory: bool) -> Meta {
        let least = if is_directory { 0o700 } else { 0o400 };
        let bits = u32::try_from(self.below(0o10000)).expect("it is small");
        if contents == Contents::Anybodys {
            return Meta::root(Mode::new(bits & 0o777 | least).expect("a mode"));
        }
        let mut xattrs = BTreeMap::new();
        for _ in 0..self.below(9).saturating_sub(5) {
            let name = format!("{}.{}", ["user", "trusted"][self.below(2)], self.below(40));
            xattrs.insert(name.into_bytes(), self.content().into_iter().take(3000).collect());
        }
        let mut id = || [0, 1, 1000, 65_535, 65_536, 4_294_967_294][self.below(6)];
        Meta { uid: id(), gid: id(), xattrs, ..Meta::root(Mode::new(bits).expect("a mode")) }
    }
}

/// Makes a tree.
pub(super) fn tree(seed: u64, blobs: &MemoryBlobs, contents: Contents) -> Tree {
    let mut random = Random(seed);
    let mut tree = Tree::new();
    let (mut directories, mut files) = (vec![TreePath::root()], Vec::new());
    let mut deepest = TreePath::root();
    for number in 0..260 {
        let name = FileName::new(random.name(number)).expect("a name");
        // One row goes down and down.
        let parent = if number % 9 == 0 {
            deepest.clone()
        } else {
            directories[random.below(directories.len())].clone()
        };
        let Ok(path) = parent.join(&name) else { continue };
        // Tools put a place of their own before it.
        if path.as_bytes().len() > 3500 {
            continue;
        }
        let entry = match (number % 9, random.below(10)) {
            (0, _) | (_, 0) => {
                directories.push(path.clone());
                if number % 9 == 0 {
                    deepest = path.clone();
                }
                Entry::Directory(random.meta(contents, true))
            }
            (_, 1) => Entry::symlink("t".repeat(1 + random.below(200)) + &random.name(number)),
            (_, 2 | 3) if !files.is_empty() => {
                let target: &TreePath = &files[random.below(files.len())];
                if *target > path {
                    continue;
                }
                Entry::HardLink { target: target.clone() }
            }
            _ => {
                let content = random.content();
                files.push(path.clone());
                let (size, blob) = (content.len() as u64, blobs.insert(content));
                Entry::File { meta: random.meta(contents, false), blob, size }
            }
        };
        tree.insert(path, entry).expect("a free place");
    }
    // What is mounted in a machine is read by a slow processor.
    let huge = if contents == Contents::Anybodys { 2500 } else { 400 };
    for number in 0..huge {
        let path = format!("/huge/{number}-{}", "n".repeat(random.below(60))).parse().expect("a path");
        tree.insert_file(path, Mode::FILE, blobs.insert(Vec::new()), 0).expect("a free place");
    }
    tree
}

/// Whether a tool keeps that several names are one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    Kept,
    Copied,
}

/// Bits of a mode that a tool gives files whatever its umask, which unsquashfs heeds and the sandbox sets; the kernel's view has all of them.
const SAID: u32 = 0o7755;

/// Compares what a tool unpacked with the tree.
pub(super) fn compare(what: &str, top: &Path, tree: &Tree, blobs: &MemoryBlobs, links: Links) {
    for (path, entry) in tree.entries() {
        let place = |path: &TreePath| top.join(OsStr::from_bytes(path.as_bytes()));
        let there = place(path).symlink_metadata().unwrap_or_else(|error| panic!("{what}: {path}: {error}"));
        match tree.inode(path).expect("no link hangs") {
            Entry::File { meta, blob, size } => {
                assert_eq!(there.permissions().mode() & SAID, meta.mode.bits() & SAID, "{what}: {path}");
                let content = std::fs::read(place(path)).expect("it can be read");
                assert!(content == blobs.read(blob, *size).expect("it is in memory"), "{what}: {path}");
            }
            Entry::Symlink { target, .. } => {
                let found = std::fs::read_link(place(path)).expect("a link");
                assert_eq!(found.as_os_str().as_bytes(), target, "{what}: {path}");
            }
            // The tool's own name for the root may be there already.
            _ if path.is_root() => assert!(there.is_dir(), "{what}"),
            entry => {
                let mode = entry.meta().expect("directories have one").mode.bits();
                assert_eq!(
                    (there.is_dir(), there.permissions().mode() & SAID),
                    (true, mode & SAID),
                    "{what}: {path}"
                );
            }
        }
        if let (Entry::HardLink { target }, Links::Kept) = (entry, links) {
            assert_eq!(there.ino(), place(target).metadata().expect("it is there").ino(), "{what}: {path}");
        }
    }
    let count = walkdir::WalkDir::new(top).into_iter().count();
    assert_eq!(count, tree.entries().len(), "{what}: no more and no less");
}

/// Opens what was written.
pub(super) fn image(project: &TestProject) -> BufReader<File> {
    BufReader::new(File::open(project.path().join("image")).expect("it was written"))
}

#[test]
fn tools_unpack_the_same_trees() {
    let project = TestProject::new();
    for seed in SEEDS {
        let blobs = MemoryBlobs::new();
        let tree = tree(seed, &blobs, Contents::Anybodys);
        let check = |name: &str, links| {
            compare(&format!("{name} of seed {seed}"), &project.path().join(name), &tree, &blobs, links);
            std::fs::remove_dir_all(project.path().join(name)).expect("it is ours");
        };
        let compression = if seed % 2 == 0 { erofs::Compression::None } else { erofs::Compression::Lz4 };
        let options = erofs::Options { mtime: MTIME.into(), label: "kit".to_owned(), compression };
        let layout = erofs::layout(&tree, &blobs, &blobs, &options, &Alone).expect("EROFS holds it");
        write(&project, "image", &layout, &blobs);
        let read = erofs::read(image(&project), &Limits::standard(), &MemoryBlobs::new());
        assert!(read.expect("it is one") == tree, "EROFS of seed {seed}");
        tool(&project, &["fsck.erofs", "--extract=erofs", "--preserve-perms", "image"]);
        check("erofs", Links::Copied);
        let methods = [
            squashfs::Compression::Gzip,
            squashfs::Compression::Xz,
            squashfs::Compression::Zstd { level: 3 },
        ];
        let compression = methods[usize::try_from(seed).expect("it is small") % methods.len()];
        let options = squashfs::Options { mtime: MTIME, compression, block: squashfs::BLOCK };
        let layout = squashfs::layout(&tree, &blobs, &blobs, &options, &Alone).expect("squashfs holds it");
        write(&project, "image", &layout, &blobs);
        let read = squashfs::read(image(&project), &Limits::standard(), &MemoryBlobs::new());
        assert!(read.expect("it is one") == tree, "squashfs of seed {seed}");
        tool(&project, &["unsquashfs", "-quiet", "-no-progress", "-dest", "squashfs", "image"]);
        check("squashfs", Links::Kept);
        let options = iso::Options {
            label: "KIT".to_owned(),
            mtime: MTIME.into(),
            bios: None,
            efi: None,
            hybrid: false,
        };
        write(&project, "image", &iso::layout(&tree, &blobs, &options).expect("an ISO holds it"), &blobs);
        let read = iso::read(image(&project), &Limits::standard(), &MemoryBlobs::new());
        assert!(read.expect("it is one") == tree, "ISO of seed {seed}");
        tool(
            &project,
            &["xorriso", "-osirrox", "on:auto_chmod_on", "-indev", "image", "-extract", "/", "iso"],
        );
        check("iso", Links::Copied);
    }
}
