//! The lockfiles of a project.

use std::io::{self, Write as _};

use kit_build::BuildError;
use kit_build::load::{lock_path, word};
use kit_build::replace::{self, replace};
use kit_hash::Sha256;
use kit_recipe::Lockfile;
use kit_recipe::lockfile::Subject;

use super::{Project, read_text};
use crate::{Failure, embedded};

impl Project {
    /// Reads the lockfile of a subject; none when there is none. The tools' comes with the program when the project has
    /// none of its own.
    pub(crate) fn find_lock(&self, subject: &Subject) -> Result<Option<Lockfile>, Failure> {
        let path = lock_path(subject);
        let text = match read_text(&self.dir, &path)? {
            None if *subject == Subject::Tools => {
                embedded::find(&path).map(|file| String::from_utf8_lossy(file.content).into_owned())
            }
            text => text,
        };
        let Some(text) = text else { return Ok(None) };
        match Lockfile::parse(&text) {
            Ok(lock) => Ok(Some(lock)),
            Err(problems) => Err(BuildError::LockProblems { path, text, problems }.into()),
        }
    }

    /// Reads the lockfile of a subject, which must be there.
    pub(crate) fn read_lock(&self, subject: &Subject) -> Result<Lockfile, Failure> {
        let missing = || BuildError::NoLock { path: lock_path(subject), subject: word(subject) };
        Ok(self.find_lock(subject)?.ok_or_else(missing)?)
    }

    /// Returns the digest of the text of a lockfile, which must be there.
    pub(crate) fn lock_sha256(&self, subject: &Subject) -> Result<Sha256, Failure> {
        let path = lock_path(subject);
        let missing = || BuildError::NoLock { path: path.clone(), subject: word(subject) };
        Ok(Sha256::of(read_text(&self.dir, &path)?.ok_or_else(missing)?.as_bytes()))
    }

    /// Writes a lockfile: beside, synced, renamed. Returns whether its bytes changed; when they don't, it isn't touched.
    pub(crate) fn write_lock(&self, lock: &Lockfile) -> Result<Change, Failure> {
        let path = lock_path(&lock.subject);
        let text = lock.to_text();
        if read_text(&self.dir, &path)?.as_ref() == Some(&text) {
            return Ok(Change::None);
        }
        let write = || -> io::Result<()> {
            self.dir.create_dir_all("lockfiles")?;
            let (dir, name) = (self.dir.open_dir("lockfiles")?, format!("{}.lock", word(&lock.subject)));
            replace::sweep(&dir, &|left| left == name)?;
            replace(&dir, &name, &mut |file| file.write_all(text.as_bytes()))
        };
        write().map_err(|source| Failure::File { action: "write", path: self.path.join(&path), source })?;
        Ok(Change::Written)
    }
}

/// What became of a lockfile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Its bytes are what they were.
    None,
    /// It was written.
    Written,
}
