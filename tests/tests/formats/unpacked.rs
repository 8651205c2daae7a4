//! Random trees in archives, ext4 and FAT: read back by kit, unpacked by the tools of others, compared.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt as _;

use kit_format::Limits;
use kit_format::cpio::{CpioStream, Segments, read_cpio};
use kit_format::tar::{TarOptions, TarStream, read_tar};
use kit_format::{ext4, fat};
use kit_tests::TestProject;
use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Blobs as _, Entry, Meta, Mode, Tree, TreePath};

use super::random::{Contents, Links, MTIME, SEEDS, compare, image, tree};
use super::samples::{tool, write};

/// The longest path that is put into FAT, in bytes: more than Windows takes, and less than tools do.
const LONGEST: usize = 700;

fn stream(project: &TestProject, stream: &mut dyn Read) {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("everything is in memory");
    project.write_bytes("image", &bytes);
}

/// Has a tool unpack the file `image` into a directory, and compares.
fn unpack(
    project: &TestProject,
    name: &str,
    command: &[&str],
    (tree, blobs): (&Tree, &MemoryBlobs),
    links: Links,
) {
    let directory = project.path().join(name);
    std::fs::create_dir(&directory).expect("it is new");
    project.kit(&[&["tool"], command].concat()).succeeded();
    compare(name, &directory, tree, blobs, links);
    std::fs::remove_dir_all(directory).expect("it is ours");
}

#[test]
fn tools_unpack_archives() {
    let project = TestProject::new();
    let limits = Limits::standard();
    for seed in SEEDS {
        let blobs = MemoryBlobs::new();
        let tree = tree(seed, &blobs, Contents::Anybodys);
        stream(&project, &mut TarStream::new(&tree, &blobs, MTIME).expect("tar holds it"));
        let read = read_tar(image(&project), &MemoryBlobs::new(), &limits, TarOptions::own());
        assert!(read.expect("an archive") == tree, "tar of seed {seed}");
        let command = [
            "gnu-tar",
            "--",
            "tar",
            "--extract",
            "--preserve-permissions",
            "--file=image",
            "--directory=tar",
        ];
        unpack(&project, "tar", &command, (&tree, &blobs), Links::Kept);
        stream(&project, &mut CpioStream::new(&tree, &blobs, MTIME).expect("cpio holds it"));
        let read = read_cpio(image(&project), &MemoryBlobs::new(), &limits, Segments::One);
        assert!(read.expect("an archive") == tree, "cpio of seed {seed}");
        let command = [
            "cpio",
            "--",
            "cpio",
            "--extract",
            "--make-directories",
            "--quiet",
            "--directory=cpio",
            "--file=image",
        ];
        unpack(&project, "cpio", &command, (&tree, &blobs), Links::Kept);
    }
}

#[test]
fn debugfs_unpacks_the_same_trees() {
    let project = TestProject::new();
    for seed in SEEDS {
        let blobs = MemoryBlobs::new();
        let mut tree = tree(seed, &blobs, Contents::Anybodys);
        let size = ext4::Size::Fitting { spare: 0 };
        let options = ext4::Options { mtime: MTIME.into(), label: "kit".to_owned(), size };
        write(&project, "image", &ext4::layout(&tree, &options).expect("ext4 holds it"), &blobs);
        tool(&project, &["e2fsck", "-fn", "image"]);
        let lost = Entry::Directory(Meta::root(Mode::new(0o700).expect("a mode")));
        tree.insert("/lost+found".parse().expect("a path"), lost).expect("a free place");
        let read = ext4::read(image(&project), &Limits::standard(), &MemoryBlobs::new());
        assert!(read.expect("it is one") == tree, "ext4 of seed {seed}");
        let command = ["disk-tools", "--", "debugfs", "-R", "rdump / ext4", "image"];
        unpack(&project, "ext4", &command, (&tree, &blobs), Links::Copied);
    }
}

/// Returns what FAT can hold of a tree: directories and files, with the names that each tool writes as they are, and the one mode that
/// there is.
fn for_fat(tree: &Tree) -> Tree {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/.-_+$~ {};[]'".contains(letter);
    let name = |path: &TreePath| -> Option<TreePath> {
        let text: String = String::from_utf8_lossy(path.as_bytes())
            .chars()
            .map(|letter| if is_plain(letter) { letter } else { '_' })
            .collect();
        (text.len() < LONGEST).then(|| TreePath::new(format!("/{text}")).expect("a path"))
    };
    let mut other = Tree::new();
    for (path, entry) in tree.entries().filter(|(path, _)| !path.is_root()) {
        let Some(path) = name(path) else { continue };
        match entry {
            Entry::Directory(_) => other.insert(path, Entry::directory()).map(drop),
            Entry::File { blob, size, .. } => other.insert_file(path, Mode::FILE, *blob, *size),
            _ => continue,
        }
        .expect("a free place");
    }
    other
}

#[test]
fn mtools_unpack_the_same_trees() {
    let project = TestProject::new();
    for seed in SEEDS {
        let blobs = MemoryBlobs::new();
        let tree = for_fat(&tree(seed, &blobs, Contents::Anybodys));
        let options = fat::Options {
            label: "KIT".to_owned(),
            mtime: MTIME.into(),
            size: fat::Size::Fitting { spare: 0 },
            hidden_sectors: 0,
            kind: None,
            seed: [0; 32],
        };
        write(&project, "image", &fat::layout(&tree, &options).expect("FAT holds it"), &blobs);
        let read = fat::read(&mut image(&project), &Limits::standard(), &MemoryBlobs::new());
        let read = read.expect("it is one");
        assert_eq!(contents(&read), contents(&tree), "FAT of seed {seed}");
        tool(&project, &["fsck.fat", "-n", "-V", "image"]);
        std::fs::create_dir(project.path().join("fat")).expect("it is new");
        tool(&project, &["mcopy", "-s", "-n", "-i", "image", "::/*", "fat"]);
        for (path, entry) in tree.entries() {
            let place = project.path().join("fat").join(OsStr::from_bytes(path.as_bytes()));
            match entry {
                Entry::File { blob, size, .. } => {
                    let found = std::fs::read(&place).unwrap_or_else(|error| panic!("{path}: {error}"));
                    assert!(found == blobs.read(blob, *size).expect("it is in memory"), "{path}");
                }
                _ => assert!(place.is_dir(), "{path}"),
            }
        }
        let count = walkdir::WalkDir::new(project.path().join("fat")).into_iter().count();
        assert_eq!(count, tree.entries().len(), "no more and no less");
        std::fs::remove_dir_all(project.path().join("fat")).expect("it is ours");
    }
}

/// Returns the names in a tree, with the contents of those that are files.
fn contents(tree: &Tree) -> Vec<(String, Option<String>)> {
    let content = |entry: &Entry| match entry {
        Entry::File { blob, .. } => Some(blob.to_string()),
        _ => None,
    };
    tree.entries().map(|(path, entry)| (path.to_string(), content(entry))).collect()
}
