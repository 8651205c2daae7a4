//! A store in a temporary directory, for the tests of this crate.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use kit_hash::{BlobId, DerivationId, Identity as _, ResolvedId, TreeId};
use kit_tree::{Entry, Mode, Tree, TreePath};

use crate::{Cost, Durability, Record, Store};

/// A directory that goes away, and a store in it.
pub(crate) struct TestStore {
    pub(crate) store: Store,
    // After the store, so that the store is closed first.
    pub(crate) root: tempfile::TempDir,
}

impl TestStore {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        Self { store: open(root.path()), root }
    }

    /// Path of something in the store.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// Path of an object.
    pub(crate) fn object(&self, id: &BlobId, suffix: &str) -> PathBuf {
        self.path(&format!("objects/{}/{id}{suffix}", &id.to_string()[..2]))
    }

    /// Opens it again, as another process would.
    pub(crate) fn again(&self) -> Store {
        open(self.root.path())
    }

    /// Puts a record, with a memo for the derivation of the same number.
    pub(crate) fn build(&self, number: u8, tree: TreeId) -> (DerivationId, ResolvedId) {
        let (derivation, resolved) = (derivation(number), ResolvedId::from_bytes([number; 32]));
        let log = Some(self.store.put_bytes(format!("log {number}").as_bytes()).unwrap());
        self.store.put_record(&resolved, &Record { tree, log, cost: Cost::default() }).unwrap();
        self.store.put_memo(&derivation, &resolved).unwrap();
        (derivation, resolved)
    }
}

pub(crate) fn derivation(number: u8) -> DerivationId {
    DerivationId::from_bytes([number; 32])
}

#[expect(clippy::disallowed_methods, reason = "tests make their own directories")]
pub(crate) fn open_dir(path: &Path) -> Dir {
    Dir::open_ambient_dir(path, ambient_authority()).unwrap()
}

pub(crate) fn open(path: &Path) -> Store {
    Store::open_with(open_dir(path), path, Durability::Kill, &mut || ()).unwrap()
}

/// Writes over a file as somebody would who doesn't know better.
pub(crate) fn damage(path: &Path, bytes: &[u8]) {
    let mode = std::fs::metadata(path).unwrap().permissions();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    write(path, bytes);
    std::fs::set_permissions(path, mode).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "tests damage a store behind its back")]
pub(crate) fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "tests look into a store behind its back")]
pub(crate) fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "tests damage a store behind its back")]
pub(crate) fn remove(path: &Path) {
    std::fs::remove_file(path).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "tests make their own directories")]
pub(crate) fn make_dir(path: &Path) {
    std::fs::create_dir_all(path).unwrap();
}

pub(crate) fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

pub(crate) fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

/// A tree with one file of each kind that a step can see.
pub(crate) fn sample(store: &Store) -> Tree {
    let mut tree = Tree::new();
    let put = |content: &str| (store.put_bytes(content.as_bytes()).unwrap(), content.len() as u64);
    for (name, mode, content) in [
        ("bin/tool", Mode::PROGRAM, "#!/bin/sh\n"),
        ("etc/motd", Mode::FILE, "hello\n"),
        ("etc-more/empty", Mode::FILE, ""),
        ("etc/twin", Mode::FILE, "hello\n"),
    ] {
        let (blob, size) = put(content);
        tree.insert_file(path(name), mode, blob, size).unwrap();
    }
    tree.insert(path("etc/z"), Entry::HardLink { target: path("etc/motd") }).unwrap();
    tree.insert(path("bin/sh"), Entry::symlink("tool")).unwrap();
    tree.insert(path("bin/up"), Entry::symlink("/../../etc/passwd")).unwrap();
    tree.insert(path("var"), Entry::directory()).unwrap();
    tree
}

#[expect(clippy::disallowed_methods, reason = "tests damage a store behind its back")]
pub(crate) fn rename(from: &Path, to: &Path) {
    std::fs::rename(from, to).unwrap();
}
