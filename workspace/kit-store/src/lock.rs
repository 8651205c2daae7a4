//! Who may do what at the same time: `flock` on files in `locks/`, released when the holder drops them or dies.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use kit_hash::DerivationId;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::{Store, StoreError, disk};

/// What to do when others hold a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Wait until they are done.
    Until,
    /// Give up.
    Never,
}

/// The lock on the whole store: shared by its users, exclusive for collection.
#[derive(Debug)]
pub(crate) struct StoreLock {
    file: File,
    path: PathBuf,
}

impl StoreLock {
    /// Takes the shared lock; calls `on_wait` once if it has to wait.
    pub(crate) fn shared(
        locks: impl AsFd,
        store: &Path,
        on_wait: &mut dyn FnMut(),
    ) -> Result<Self, StoreError> {
        let path = store.join("locks/store");
        let file = disk::open_lock(locks, b"store").map_err(|e| StoreError::io("lock", &path, e))?;
        let lock = Self { file, path };
        if !lock.apply(FlockOperation::NonBlockingLockShared)? {
            on_wait();
            lock.apply(FlockOperation::LockShared)?;
        }
        Ok(lock)
    }

    /// Makes the shared lock exclusive; tells whether it could.
    ///
    /// On the way there it may be released for a moment, so nothing read before it holds afterwards.
    pub(crate) fn make_exclusive(&self, wait: Wait) -> Result<bool, StoreError> {
        let done = self.apply(FlockOperation::NonBlockingLockExclusive)?;
        match wait {
            Wait::Until if !done => self.apply(FlockOperation::LockExclusive),
            // The attempt has released the shared lock.
            Wait::Never if !done => self.make_shared().map(|()| false),
            _ => Ok(done),
        }
    }

    /// Makes the exclusive lock shared again.
    pub(crate) fn make_shared(&self) -> Result<(), StoreError> {
        self.apply(FlockOperation::LockShared).map(|_| ())
    }

    fn apply(&self, operation: FlockOperation) -> Result<bool, StoreError> {
        apply(&self.file, operation, &self.path)
    }
}

/// Applies a lock operation; false when others hold it and the operation doesn't wait.
fn apply(file: &File, operation: FlockOperation, path: &Path) -> Result<bool, StoreError> {
    loop {
        match flock(file, operation) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(e) => return Err(StoreError::io("lock", path, e.into())),
        }
    }
}

/// The right to build one derivation, alone among all threads and processes; given back when it is dropped.
#[derive(Debug)]
#[must_use = "the lock is released when it is dropped"]
pub struct BuildLock {
    _file: File,
}

impl Store {
    /// Takes the right to build a derivation; calls `on_wait` once if another has it and it has to wait.
    ///
    /// Who had to wait looks for the record again: the other has most likely made it.
    pub fn build_lock(
        &self,
        derivation: &DerivationId,
        on_wait: &mut dyn FnMut(),
    ) -> Result<BuildLock, StoreError> {
        self.named_lock(&format!("build-{derivation}"), on_wait)
    }

    /// Takes the right to build a derivation, or nothing when another has it.
    pub fn try_build_lock(&self, derivation: &DerivationId) -> Result<Option<BuildLock>, StoreError> {
        let (file, path) = self.lock_file(&format!("build-{derivation}"))?;
        let taken = apply(&file, FlockOperation::NonBlockingLockExclusive, &path)?;
        Ok(taken.then_some(BuildLock { _file: file }))
    }

    pub(crate) fn named_lock(&self, name: &str, on_wait: &mut dyn FnMut()) -> Result<BuildLock, StoreError> {
        let (file, path) = self.lock_file(name)?;
        if !apply(&file, FlockOperation::NonBlockingLockExclusive, &path)? {
            on_wait();
            apply(&file, FlockOperation::LockExclusive, &path)?;
        }
        Ok(BuildLock { _file: file })
    }

    // Lock files are removed under the exclusive store lock alone, so none can vanish between opening and locking it.
    fn lock_file(&self, name: &str) -> Result<(File, PathBuf), StoreError> {
        let path = self.path.join("locks").join(name);
        let file =
            disk::open_lock(&self.locks, name.as_bytes()).map_err(|e| StoreError::io("lock", &path, e))?;
        Ok((file, path))
    }
}

#[cfg(test)]
mod tests;
