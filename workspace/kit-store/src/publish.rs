//! Write beside, sync, rename: the only way in which a file gets into the store.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use rustix::fs::{FileType, fsync, renameat};

use crate::disk;
use crate::session::Session;

/// How a file gets its name, and what may stand there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Named by its content: one that is there already is success, unless its length gives it away as damaged. Its
    /// time is fixed; it is synced with all others before a record refers to it.
    Content,
    /// Says something about content: the new one replaces the old one.
    Statement,
    /// Like a statement, and on disk when the call returns.
    Durable,
}

/// Where a file goes.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    /// Directory, on the same file system.
    pub(crate) dir: BorrowedFd<'a>,
    /// Name in it.
    pub(crate) name: &'a str,
    /// Permission bits, whatever the umask.
    pub(crate) mode: u32,
    /// What may stand there.
    pub(crate) policy: Policy,
}

/// A file that nobody sees yet; goes away unless it is published.
#[derive(Debug)]
pub(crate) struct Unfinished {
    session: Arc<Session>,
    name: String,
    file: File,
    published: bool,
}

impl Unfinished {
    /// Starts an empty one.
    pub(crate) fn create(session: Arc<Session>) -> io::Result<Self> {
        let (file, name) = session.create_file()?;
        Ok(Self { session, name, file, published: false })
    }

    /// The file, to fill it.
    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Gives it mode, time and name.
    pub(crate) fn publish(mut self, place: &Place<'_>) -> io::Result<()> {
        self.file.flush()?;
        disk::set_mode(&self.file, place.mode)?;
        match place.policy {
            Policy::Content => {
                disk::set_fixed_time(&self.file)?;
                if !self.rename_new(place)? && !self.is_there(place)? {
                    self.rename_over(place)?;
                }
            }
            Policy::Statement => self.rename_over(place)?,
            Policy::Durable => {
                fsync(&self.file)?;
                self.rename_over(place)?;
                fsync(place.dir)?;
            }
        }
        Ok(())
    }

    fn rename_new(&mut self, to: &Place<'_>) -> io::Result<bool> {
        let renamed = disk::rename_new(
            self.session.dir(),
            self.name.as_bytes(),
            to.dir,
            to.name.as_bytes(),
            FileType::RegularFile,
        )?;
        self.published |= renamed;
        Ok(renamed)
    }

    fn rename_over(&mut self, to: &Place<'_>) -> io::Result<()> {
        renameat(self.session.dir(), self.name.as_str(), to.dir, to.name)?;
        self.published = true;
        Ok(())
    }

    /// Whether what has the name already can be the same thing.
    fn is_there(&self, place: &Place<'_>) -> io::Result<bool> {
        let Some(stat) = disk::stat(place.dir, place.name.as_bytes())? else { return Ok(false) };
        Ok(disk::kind(&stat) == FileType::RegularFile && disk::size(&stat) == self.file.metadata()?.len())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.published {
            // What can't be removed now is swept with the session.
            _ = disk::unlink(self.session.dir(), self.name.as_bytes());
        }
    }
}
