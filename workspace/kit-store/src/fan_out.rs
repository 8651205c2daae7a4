//! A category of the store: files named by a digest, in 256 directories by its first two digits.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::Stat;

use crate::StoreError;
use crate::disk;
use crate::error::At as _;

/// Digits of a name that choose its directory.
const PREFIX: usize = 2;
/// How many directories there are.
const DIRECTORIES: usize = 256;

/// A category; its names are 64 hexadecimal digits, perhaps with a suffix.
#[derive(Debug)]
pub(crate) struct FanOut {
    dir: OwnedFd,
    path: PathBuf,
    /// Directories that [`Self::stat_of_many`] found, by what their names say.
    seen: Box<[OnceLock<OwnedFd>; DIRECTORIES]>,
}

impl FanOut {
    /// Opens the category `name` in the store's directory, and makes it when it isn't there.
    pub(crate) fn open(store: impl AsFd, store_path: &Path, name: &str) -> Result<Self, StoreError> {
        let path = store_path.join(name);
        let dir = disk::make_dir(store, name.as_bytes()).at("open", &path)?;
        Ok(Self { dir, path, seen: Box::new([const { OnceLock::new() }; DIRECTORIES]) })
    }

    /// Path of a file, for messages.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(&name[..PREFIX]).join(name)
    }

    /// Directory of a file, or none when it isn't there.
    pub(crate) fn dir_of(&self, name: &str) -> io::Result<Option<OwnedFd>> {
        disk::find_dir(&self.dir, &name.as_bytes()[..PREFIX])
    }

    /// Directory of a file, made when it isn't there.
    pub(crate) fn make_dir_of(&self, name: &str) -> io::Result<OwnedFd> {
        match self.dir_of(name)? {
            Some(dir) => Ok(dir),
            None => disk::make_dir(&self.dir, &name.as_bytes()[..PREFIX]),
        }
    }

    /// Opens a file, or none when it isn't there.
    pub(crate) fn open_file(&self, name: &str) -> io::Result<Option<File>> {
        match self.dir_of(name)? {
            Some(dir) => disk::absent(disk::open_file(dir, name.as_bytes())),
            None => Ok(None),
        }
    }

    /// Reads a file, or none when it isn't there.
    pub(crate) fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match self.dir_of(name)? {
            Some(dir) => disk::read_file(dir, name.as_bytes()),
            None => Ok(None),
        }
    }

    /// Looks at a file, or none when it isn't there.
    pub(crate) fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        match self.dir_of(name)? {
            Some(dir) => disk::stat(dir, name.as_bytes()),
            None => Ok(None),
        }
    }

    /// Does the same for ten thousands of files one after the other: directories that were found stay open.
    pub(crate) fn stat_of_many(&self, name: &str) -> io::Result<Option<Stat>> {
        let Some(seen) = u8::from_str_radix(&name[..PREFIX], 16).ok().map(|at| &self.seen[usize::from(at)])
        else {
            return self.stat(name);
        };
        if let Some(dir) = seen.get() {
            let stat = disk::stat(dir, name.as_bytes())?;
            // A directory that was taken away since has nothing in it, which says nothing of one that took its place.
            return if stat.is_some() { Ok(stat) } else { self.stat(name) };
        }
        let Some(dir) = self.dir_of(name)? else { return Ok(None) };
        let stat = disk::stat(&dir, name.as_bytes());
        _ = seen.set(dir);
        stat
    }

    /// Marks a file as used now. Nobody depends on it, so a failure is nobody's concern.
    pub(crate) fn touch(&self, name: &str) {
        if let Ok(Some(dir)) = self.dir_of(name) {
            _ = disk::touch(dir, name.as_bytes());
        }
    }

    /// Takes a file away; tells whether it was there.
    pub(crate) fn remove(&self, name: &str) -> Result<bool, StoreError> {
        let remove = || match self.dir_of(name)? {
            Some(dir) => disk::unlink(dir, name.as_bytes()),
            None => Ok(false),
        };
        remove().map_err(|e| StoreError::io("remove", self.path_of(name), e))
    }

    /// Lists everything in the category, sorted.
    pub(crate) fn list(&self) -> Result<Listing, StoreError> {
        let mut listing = Listing::default();
        for prefix in disk::list(&self.dir).at("list", &self.path)? {
            let shown = String::from_utf8_lossy(&prefix).into_owned();
            let path = self.path.join(&shown);
            match disk::open_dir(&self.dir, &prefix) {
                Ok(dir) if is_hex(&prefix, PREFIX) => {
                    for name in disk::list(&dir).at("list", &path)? {
                        match String::from_utf8(name) {
                            Ok(name) if belongs(&name, &shown) => listing.names.push(name),
                            Ok(name) => listing.strangers.push(format!("{shown}/{name}")),
                            Err(e) => {
                                let name = String::from_utf8_lossy(e.as_bytes()).into_owned();
                                listing.strangers.push(format!("{shown}/{name}"));
                            }
                        }
                    }
                }
                _ => listing.strangers.push(shown),
            }
        }
        Ok(listing)
    }
}

/// What is in a category.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// File names, sorted: 64 digits and perhaps a suffix.
    pub(crate) names: Vec<String>,
    /// Paths in the category that it can't have made.
    pub(crate) strangers: Vec<String>,
}

fn is_hex(bytes: &[u8], len: usize) -> bool {
    bytes.len() == len && bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn belongs(name: &str, prefix: &str) -> bool {
    name.starts_with(prefix) && name.as_bytes().get(..64).is_some_and(|digits| is_hex(digits, 64))
}
