//! Fills an empty directory with a tree.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use kit_hash::BlobId;
use kit_tree::{Entry, FileName, Mode, Tree, TreePath};
use rustix::fs::{AtFlags, FileType, linkat, mkdirat, symlinkat};
use rustix::io::Errno;

use super::cursor::Cursor;
use super::{Creation, Materialise};
use crate::blob::{FILE_MODE, PROGRAM_MODE, PROGRAM_SUFFIX, copy};
use crate::error::At as _;
use crate::{Damage, Item, Store, StoreError, disk};

/// One tree on its way into one directory.
pub(super) struct Fill<'a> {
    pub(super) store: &'a Store,
    pub(super) tree: &'a Tree,
    pub(super) target: BorrowedFd<'a>,
    /// Path of the directory, for messages.
    pub(super) shown: &'a Path,
    pub(super) how: Materialise,
}

/// A place for one file.
#[derive(Clone, Copy)]
struct Place<'a> {
    dir: BorrowedFd<'a>,
    name: &'a FileName,
    path: &'a Path,
}

/// A regular file of the tree.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    blob: &'a BlobId,
    size: u64,
    is_program: bool,
}

impl Wanted<'_> {
    fn link_mode(self) -> u32 {
        if self.is_program { PROGRAM_MODE } else { FILE_MODE }
    }

    fn copy_mode(self) -> u32 {
        if self.is_program { Mode::PROGRAM.bits() } else { Mode::FILE.bits() }
    }

    fn item(self) -> Item {
        if self.is_program { Item::Program(*self.blob) } else { Item::Blob(*self.blob) }
    }
}

impl Fill<'_> {
    /// Puts all entries, then gives directories their modes and times.
    pub(super) fn run(&self) -> Result<(), StoreError> {
        let mut cursor = Cursor::new(self.target).at("open", self.shown)?;
        let mut files = BTreeMap::new();
        for (path, entry) in self.entries() {
            let name = path.file_name().expect("because only the root has no name");
            let shown = self.show(path);
            let dir = cursor.parent_of(path).at("open", &shown)?;
            let place = Place { dir, name: &name, path: &shown };
            match entry {
                Entry::Directory(_) => {
                    let made = mkdirat(dir, name.as_bytes(), rustix::fs::Mode::RWXU);
                    made.map_err(io::Error::from).at("create", &shown)?;
                }
                Entry::Symlink { target, .. } => symlink(target, place).at("create", &shown)?,
                Entry::File { meta, blob, size } => {
                    let file = Wanted { blob, size: *size, is_program: meta.mode.is_executable() };
                    self.put(file, place)?;
                    files.insert(path, file);
                }
                Entry::HardLink { target } => match (self.how, files.get(target)) {
                    (Materialise::HardLinks, Some(file)) => self.put(*file, place)?,
                    _ => self.link_copy(target, place).at("create", &shown)?,
                },
                Entry::Device { .. } | Entry::Fifo(_) => {}
            }
        }
        drop(cursor);
        self.finish_directories()
    }

    /// All but the root, each directory before what is in it, and each file before its other names.
    fn entries(&self) -> Vec<(&TreePath, &Entry)> {
        let mut entries: Vec<_> = self.tree.entries().skip(1).collect();
        match self.store.creation {
            Creation::Forwards => {}
            Creation::Backwards => entries.sort_by(|(a, left), (b, right)| {
                let is_other_name = |entry: &Entry| matches!(entry, Entry::HardLink { .. });
                is_other_name(left).cmp(&is_other_name(right)).then_with(|| backwards(a, b))
            }),
        }
        entries
    }

    fn show(&self, path: &TreePath) -> PathBuf {
        self.shown.join(path.to_string().trim_start_matches('/'))
    }

    fn put(&self, file: Wanted<'_>, place: Place<'_>) -> Result<(), StoreError> {
        match self.how {
            Materialise::Copies => self.copy(file, place, file.copy_mode()),
            Materialise::HardLinks if self.link(file, place)? => self.check_link(file, place),
            // Too many links, or another file system or owner: a copy looks the same.
            Materialise::HardLinks => self.copy(file, place, file.link_mode()),
        }
    }

    /// Links an object; false when the system has no link to give.
    fn link(&self, file: Wanted<'_>, place: Place<'_>) -> Result<bool, StoreError> {
        let missing = || self.store.missing(Item::Blob(*file.blob));
        let mut object = file.blob.to_string();
        let objects = &self.store.objects;
        let dir = objects.dir_of(&object).at("open", &objects.path_of(&object))?.ok_or_else(missing)?;
        if file.is_program {
            object.push_str(PROGRAM_SUFFIX);
        }
        let link = |dir: &OwnedFd, object: &str| {
            linkat(dir, object, place.dir, place.name.as_bytes(), AtFlags::empty())
        };
        let linked = match link(&dir, &object) {
            Err(Errno::NOENT) if file.is_program => {
                let (dir, object) = self.store.make_program(file.blob)?;
                link(&dir, &object)
            }
            linked => linked,
        };
        match linked {
            Ok(()) => Ok(true),
            Err(Errno::MLINK | Errno::XDEV | Errno::PERM) => Ok(false),
            Err(Errno::NOENT) => Err(missing()),
            Err(e) => Err(StoreError::io("create", place.path, e.into())),
        }
    }

    /// Checks what was linked: kind, length, and that nobody may write to it.
    fn check_link(&self, file: Wanted<'_>, place: Place<'_>) -> Result<(), StoreError> {
        let name = place.name.as_bytes();
        let stat = disk::stat(place.dir, name).at("read", place.path)?;
        let stat = stat.ok_or_else(|| self.store.missing(file.item()))?;
        let (mode, size) = (stat.st_mode & 0o7777, disk::size(&stat));
        let damage = if disk::kind(&stat) != FileType::RegularFile {
            Damage::Kind
        } else if size != file.size {
            Damage::Size { expected: file.size, found: size }
        } else if mode != file.link_mode() {
            Damage::Mode { expected: file.link_mode(), found: mode }
        } else {
            return Ok(());
        };
        disk::unlink(place.dir, name).at("remove", place.path)?;
        Err(self.store.corrupt(file.item(), damage))
    }

    fn copy(&self, file: Wanted<'_>, place: Place<'_>, mode: u32) -> Result<(), StoreError> {
        let mut content = self.store.open_blob(file.blob)?;
        let fail = |e| StoreError::io_sized("write", place.path, file.size, e);
        let mut copied = disk::create_file(place.dir, place.name.as_bytes()).map_err(fail)?;
        copy(&mut content, &mut copied).map_err(|e| e.at("write", place.path, file.size))?;
        let found = copied.metadata().map_err(fail)?.len();
        if found != file.size {
            let damage = Damage::Size { expected: file.size, found };
            return Err(self.store.corrupt(Item::Blob(*file.blob), damage));
        }
        disk::set_mode(&copied, mode).map_err(fail)?;
        disk::set_fixed_time(&copied).map_err(fail)
    }

    /// Gives a copy another name.
    fn link_copy(&self, first: &TreePath, place: Place<'_>) -> io::Result<()> {
        let (Some(above), Some(last)) = (first.parent(), first.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let dir = disk::walk(self.target, above.as_bytes())?;
        Ok(linkat(dir, last.as_bytes(), place.dir, place.name.as_bytes(), AtFlags::empty())?)
    }

    /// Gives directories their modes and times, the lowest first, once nothing is put into them any more.
    fn finish_directories(&self) -> Result<(), StoreError> {
        let mode = match self.how {
            Materialise::HardLinks => PROGRAM_MODE,
            Materialise::Copies => Mode::DIRECTORY.bits(),
        };
        let mut cursor = Cursor::new(self.target).at("open", self.shown)?;
        let mut finish = |path: &TreePath| {
            let dir = cursor.dir(path)?;
            disk::set_mode(dir, mode)?;
            disk::set_fixed_time(dir)
        };
        for (path, _) in self.tree.entries().rev().filter(|(_, entry)| entry.is_directory()) {
            finish(path).at("write", &self.show(path))?;
        }
        Ok(())
    }
}

/// Orders what is in a directory backwards, but behind the directory itself.
fn backwards(a: &TreePath, b: &TreePath) -> Ordering {
    let names =
        |path: &TreePath| path.as_bytes().split(|byte| *byte == b'/').map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (a, b) = (names(a), names(b));
    let differ = a.iter().zip(&b).find(|(a, b)| a != b);
    differ.map_or_else(|| a.len().cmp(&b.len()), |(a, b)| b.cmp(a))
}

fn symlink(target: &[u8], place: Place<'_>) -> io::Result<()> {
    symlinkat(target, place.dir, place.name.as_bytes())?;
    disk::set_fixed_time_at(place.dir, place.name.as_bytes())
}
