//! Opening and sharing a store.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cap_std::fs::Dir;
use kit_hash::Encoder;

use crate::error::At as _;
use crate::fan_out::FanOut;
use crate::lock::StoreLock;
use crate::materialise::Creation;
use crate::publish::{Place, Policy, Unfinished};
use crate::sealed::seal;
use crate::session::{self, Session};
use crate::{StoreError, disk};

/// First line of the version file.
const VERSION: &str = "kit-store 1";

/// Everything that the store puts into its directory.
const NAMES: [&str; 13] = [
    "version",
    "objects",
    "trees",
    "records",
    "memo",
    "costs",
    "facts",
    "sha256",
    "materialised",
    "failed",
    "roots",
    "locks",
    "tmp",
];

/// What a store survives without losing finished work.
///
/// Whatever happens, damage is noticed: lengths are compared wherever content is linked, bytes are hashed wherever they
/// are read, and what is damaged is made anew. So this is about lost work, not about wrong bytes. `kill -9` costs
/// nothing but the step under way, in both cases, since a file gets its name after its last byte.
///
/// Syncing each of 10,000 small files takes over ten seconds on a common disk. Syncing the file system once
/// (`syncfs`) takes a tenth of a second, most of it the disk's own time to take the data. Objects, trees, records, memos and names
/// by SHA-256 are therefore never synced one by one. The file system is synced before a root is written, and before
/// the record of a step that took a second or more. Roots and the version file are synced themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A power cut too: whatever a root leads to is on disk before the root is, and so is what took long to make.
    /// Quick steps after the last sync may have to be done again.
    PowerCut,
    /// `kill -9` alone. After a power cut, the last records may stand for steps that have to be done again.
    Kill,
}

/// A store on disk, open.
///
/// It is shared by reference between threads, and by opening it again between processes. While it is open, nothing is collected.
#[derive(Debug)]
pub struct Store {
    pub(crate) dir: OwnedFd,
    pub(crate) path: PathBuf,
    pub(crate) objects: FanOut,
    pub(crate) trees: FanOut,
    pub(crate) records: FanOut,
    pub(crate) memos: FanOut,
    pub(crate) costs: FanOut,
    pub(crate) facts: FanOut,
    pub(crate) sha256: FanOut,
    pub(crate) materialised: OwnedFd,
    pub(crate) failed: OwnedFd,
    pub(crate) roots: OwnedFd,
    pub(crate) locks: OwnedFd,
    pub(crate) tmp: OwnedFd,
    session: Mutex<Option<Arc<Session>>>,
    durability: Durability,
    pub(crate) creation: Creation,
    /// Files published so far.
    published: AtomicU64,
    /// How many of them are known to be on disk.
    synced: Mutex<u64>,
    // Last, so that the session has ended before the lock goes.
    pub(crate) lock: StoreLock,
}

impl Store {
    /// Opens the store in a directory and makes what is missing in it; `path` is its path, for messages and sandboxes.
    ///
    /// Waits while another process collects.
    pub fn open(dir: Dir, path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        Self::open_with(dir, path, Durability::PowerCut, &mut || ())
    }

    /// Like [`Store::open`], with a choice of durability; calls `on_wait` once if it has to wait for a collection.
    pub fn open_with(
        dir: Dir,
        path: impl Into<PathBuf>,
        durability: Durability,
        on_wait: &mut dyn FnMut(),
    ) -> Result<Self, StoreError> {
        let path = path.into();
        let dir = disk::open_dir(dir, b".").at("open", &path)?;
        let fresh = check_version(&dir, &path)? == Found::Nothing;
        let make = |name: &str| disk::make_dir(&dir, name.as_bytes()).at("open", &path.join(name));
        let locks = make("locks")?;
        let lock = StoreLock::shared(&locks, &path, on_wait)?;
        let fan_out = |name: &str| FanOut::open(&dir, &path, name);
        let store = Self {
            objects: fan_out("objects")?,
            trees: fan_out("trees")?,
            records: fan_out("records")?,
            memos: fan_out("memo")?,
            costs: fan_out("costs")?,
            facts: fan_out("facts")?,
            sha256: fan_out("sha256")?,
            materialised: make("materialised")?,
            failed: make("failed")?,
            roots: make("roots")?,
            tmp: make("tmp")?,
            locks,
            dir,
            path,
            session: Mutex::new(None),
            durability,
            creation: Creation::Forwards,
            published: AtomicU64::new(0),
            synced: Mutex::new(0),
            lock,
        };
        if fresh {
            let line = format!("{VERSION}\n");
            store.publish(store.dir.as_fd(), "version", &store.path, line.as_bytes(), Policy::Durable)?;
        }
        // What others may not remove is left to its owner; `verify` names it.
        _ = session::sweep(&store.tmp);
        Ok(store)
    }

    /// Returns the path that the store was opened with.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the store with all that is in it; its directory stays, empty but for what is foreign.
    pub fn remove(self) -> Result<(), StoreError> {
        let dir = self.dir.try_clone().at("remove", &self.path)?;
        let path = self.path.clone();
        // Ends the session, and lets the locks go.
        drop(self);
        for name in NAMES {
            disk::remove_all(dir.as_fd(), name.as_bytes()).at("remove", &path.join(name))?;
        }
        Ok(())
    }

    /// Returns where unfinished things go; started when the first one is.
    pub(crate) fn session(&self) -> Result<Arc<Session>, StoreError> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = &*session {
            return Ok(Arc::clone(session));
        }
        let path = self.path.join("tmp");
        let start = || Session::start(self.tmp.try_clone()?, &path);
        let started = Arc::new(start().at("write to", &path)?);
        *session = Some(Arc::clone(&started));
        Ok(started)
    }

    /// Puts a small file at `name` in `dir`, whose path is `path`.
    pub(crate) fn publish(
        &self,
        dir: std::os::fd::BorrowedFd<'_>,
        name: &str,
        path: &Path,
        bytes: &[u8],
        policy: Policy,
    ) -> Result<(), StoreError> {
        let session = self.session()?;
        let write = || {
            let mut unfinished = Unfinished::create(Arc::clone(&session))?;
            std::io::Write::write_all(unfinished.file(), bytes)?;
            unfinished.publish(&Place { dir, name, mode: 0o444, policy })
        };
        write().map_err(|e| StoreError::io_sized("write", path.join(name), bytes.len() as u64, e))?;
        self.note_published();
        Ok(())
    }

    /// Puts a sealed file into a category, in place of an older one.
    pub(crate) fn publish_sealed(
        &self,
        category: &FanOut,
        name: &str,
        encoder: &Encoder,
    ) -> Result<(), StoreError> {
        let path = category.path_of(name);
        let dir = category.make_dir_of(name).at("write", &path)?;
        let parent = path.parent().unwrap_or(&path);
        self.publish(dir.as_fd(), name, parent, &seal(encoder), Policy::Statement)
    }

    /// Notes that something new, or something of another process that may be new, is to be synced.
    pub(crate) fn note_published(&self) {
        self.published.fetch_add(1, Ordering::SeqCst);
    }

    /// Brings everything published so far to the disk, unless the store need not survive a power cut.
    pub(crate) fn settle(&self) -> Result<(), StoreError> {
        if self.durability == Durability::Kill {
            return Ok(());
        }
        let wanted = self.published.load(Ordering::SeqCst);
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if *synced < wanted {
            let reached = self.published.load(Ordering::SeqCst);
            rustix::fs::syncfs(&self.dir).map_err(std::io::Error::from).at("sync", &self.path)?;
            *synced = reached;
        }
        Ok(())
    }
}

#[derive(PartialEq, Eq)]
enum Found {
    Nothing,
    Store,
}

/// Tells a store from a directory that can become one, and from all others.
fn check_version(dir: &OwnedFd, path: &Path) -> Result<Found, StoreError> {
    if let Some(bytes) = disk::read_file(dir, b"version").at("read", &path.join("version"))? {
        let text = String::from_utf8_lossy(&bytes);
        let found = text.lines().next().unwrap_or_default();
        if found == VERSION {
            return Ok(Found::Store);
        }
        return Err(StoreError::Version {
            path: path.to_owned(),
            found: found.chars().take(60).collect(),
            supported: VERSION,
        });
    }
    let names = disk::list(dir).at("list", path)?;
    let foreign = names.iter().map(|name| String::from_utf8_lossy(name)).find(|name| {
        !NAMES.contains(&name.as_ref()) && !name.starts_with('.') && name.as_ref() != "lost+found"
    });
    match foreign {
        None => Ok(Found::Nothing),
        Some(found) => Err(StoreError::Foreign { path: path.to_owned(), found: found.into_owned() }),
    }
}

#[cfg(test)]
mod tests;
