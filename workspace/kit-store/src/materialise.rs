//! Trees to directories, as a run step and a sandbox see them.
//!
//! What is made is what every user can make anywhere, the same on every machine: directories, regular files with or
//! without their executable bits, symbolic links, hard links. Owners, other permission bits, attributes, devices and
//! fifos aren't applied; [`LeftOut`] lists them. All times are 2000-01-01T00:00:00Z.
//!
//! | how | directories | files | programs |
//! |---|---|---|---|
//! | [`Materialise::HardLinks`] | 0555 | 0444 | 0555 |
//! | [`Materialise::Copies`] | 0755 | 0644 | 0755 |
//!
//! Hard-linked files are the store's own: whoever runs something foreign over them mounts them read-only, since the
//! owner of a file can always make it writable.

mod cursor;
mod fill;

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use cap_std::fs::Dir;
use kit_hash::TreeId;
use kit_tree::{Entry, Meta, Mode, Tree, TreePath};

use self::fill::Fill;
use crate::blob::PROGRAM_MODE;
use crate::error::At as _;
use crate::{Store, StoreError, disk};

/// How files get into a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Materialise {
    /// Hard links to the store's own files, everything read-only. Lengths and modes are checked, content isn't read.
    HardLinks,
    /// A private copy that can be written to. Content is checked.
    Copies,
}

/// The order in which what is in a directory is made. Some file systems list it in this order, or in the opposite one; who sorts
/// what is listed sees no difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// By name.
    Forwards,
    /// By name, the last one first.
    Backwards,
}

/// Something of a tree that a directory doesn't show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Where.
    pub path: TreePath,
    /// What.
    pub what: LeftOutKind,
}

/// What a directory doesn't show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOutKind {
    /// An owner other than root.
    Owner {
        /// Numeric owner.
        uid: u32,
        /// Numeric group.
        gid: u32,
    },
    /// Permission bits other than 0755, or 0644 for files.
    Mode(Mode),
    /// Extended attributes, this many.
    Attributes(usize),
    /// A device node, which isn't there at all.
    Device,
    /// A fifo, which isn't there at all.
    Fifo,
}

/// A tree as a read-only directory in the store.
#[derive(Debug)]
pub struct Materialised {
    /// The directory.
    pub dir: Dir,
    /// Its path, for sandboxes.
    pub path: PathBuf,
}

impl Store {
    /// Has trees made in another order from now on.
    #[must_use]
    pub fn with_creation(mut self, creation: Creation) -> Self {
        self.creation = creation;
        self
    }

    /// Makes a tree in `target`, which is empty; `shown` is its path for messages. Returns what it had to leave out, in path order.
    pub fn materialise(
        &self,
        tree: &Tree,
        target: &Dir,
        shown: &Path,
        how: Materialise,
    ) -> Result<Vec<LeftOut>, StoreError> {
        Fill { store: self, tree, target: target.as_fd(), shown, how }.run()?;
        Ok(left_out(tree))
    }

    /// Returns the read-only directory of a tree, made when it isn't there: once, whoever else asks for it meanwhile.
    pub fn materialised(&self, id: &TreeId) -> Result<Materialised, StoreError> {
        let name = id.to_string();
        let path = self.path.join("materialised").join(&name);
        let find = || disk::find_dir(&self.materialised, name.as_bytes()).at("open", &path);
        let dir = if let Some(dir) = find()? {
            dir
        } else {
            let _lock = self.named_lock(&format!("materialise-{name}"), &mut || ())?;
            match find()? {
                Some(dir) => dir,
                None => self.make_materialised(id, &name)?,
            }
        };
        // Only now, since a directory that its owner can't write to can't be renamed. It also marks it as used.
        disk::set_mode(&dir, PROGRAM_MODE).at("open", &path)?;
        disk::set_fixed_time(&dir).at("open", &path)?;
        Ok(Materialised { dir: Dir::from(dir), path })
    }

    fn make_materialised(&self, id: &TreeId, name: &str) -> Result<OwnedFd, StoreError> {
        let tree = self.tree(id)?;
        let scratch = self.scratch()?;
        let (target, shown) = (scratch.dir().as_fd(), scratch.path());
        Fill { store: self, tree: &tree, target, shown, how: Materialise::HardLinks }.run()?;
        let path = self.path.join("materialised").join(name);
        disk::set_mode(scratch.dir(), disk::DIRECTORY_MODE).at("write", &path)?;
        scratch.rename_to(&self.materialised, name).at("write", &path)?;
        disk::open_dir(&self.materialised, name.as_bytes()).at("open", &path)
    }
}

/// Returns what a tree reads back as from a directory: the part of it that [`Store::materialise`] shows and
/// [`import`](crate::import()) takes over.
pub fn shown(tree: &Tree) -> Tree {
    let mut shown = Tree::new();
    for (path, entry) in tree.entries() {
        let entry = match tree.inode(path).unwrap_or(entry) {
            Entry::Directory(_) => Entry::directory(),
            Entry::File { meta, blob, size } => {
                let mode = if meta.mode.is_executable() { Mode::PROGRAM } else { Mode::FILE };
                Entry::File { meta: Meta::root(mode), blob: *blob, size: *size }
            }
            Entry::Symlink { target, .. } => Entry::symlink(target.clone()),
            Entry::HardLink { .. } | Entry::Device { .. } | Entry::Fifo(_) => continue,
        };
        shown.insert(path.clone(), entry).expect("because a part of a tree, from the top, is a tree");
    }
    shown
}

/// Lists what a directory doesn't show of a tree, in path order.
fn left_out(tree: &Tree) -> Vec<LeftOut> {
    let mut all = Vec::new();
    for (path, entry) in tree.entries() {
        let mut add = |what| all.push(LeftOut { path: path.clone(), what });
        match entry {
            Entry::Device { .. } => add(LeftOutKind::Device),
            Entry::Fifo(_) => add(LeftOutKind::Fifo),
            Entry::Symlink { uid, gid, .. } if (*uid, *gid) != (0, 0) => {
                add(LeftOutKind::Owner { uid: *uid, gid: *gid });
            }
            Entry::Symlink { .. } | Entry::HardLink { .. } => {}
            Entry::Directory(meta) | Entry::File { meta, .. } => {
                let is_program = entry.is_directory() || meta.mode.is_executable();
                if meta.mode != if is_program { Mode::PROGRAM } else { Mode::FILE } {
                    add(LeftOutKind::Mode(meta.mode));
                }
                if (meta.uid, meta.gid) != (0, 0) {
                    add(LeftOutKind::Owner { uid: meta.uid, gid: meta.gid });
                }
                if !meta.xattrs.is_empty() {
                    add(LeftOutKind::Attributes(meta.xattrs.len()));
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests;
