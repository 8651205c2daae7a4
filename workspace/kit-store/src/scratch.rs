//! Working directories on the store's file system.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::fs::Dir;
use rustix::fs::FileType;

use crate::error::At as _;
use crate::session::Session;
use crate::{Store, StoreError, disk};

/// An empty directory that goes away with all in it when it is dropped, or, after `kill -9`, when the store is next opened.
pub struct Scratch {
    session: Arc<Session>,
    name: String,
    dir: Dir,
    path: PathBuf,
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Scratch {
    /// The directory, mode 0755.
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Its path, for sandboxes.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the directory to a name, unless that is taken; then it goes away.
    pub(crate) fn rename_to(self, to: impl AsFd, name: &str) -> io::Result<()> {
        let from = (self.session.dir(), self.name.as_bytes());
        disk::rename_new(from.0, from.1, to, name.as_bytes(), FileType::Directory).map(|_| ())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What can't be removed now is swept when the store is next opened.
        _ = disk::remove_all(self.session.dir(), self.name.as_bytes());
    }
}

impl Store {
    /// Makes an empty working directory.
    pub fn scratch(&self) -> Result<Scratch, StoreError> {
        let session = self.session()?;
        let name = session.fresh_name();
        let path = session.path().join(&name);
        let make = || -> io::Result<OwnedFd> { disk::make_dir(session.dir(), name.as_bytes()) };
        let dir = Dir::from(make().at("create", &path)?);
        Ok(Scratch { session, name, dir, path })
    }
}

#[cfg(test)]
mod tests;
