//! Where one user of the store keeps what is unfinished: `tmp/<session>/`, locked as long as the user lives.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, FlockOperation, Mode, flock, mkdirat, unlinkat};
use rustix::io::Errno;

use crate::disk;

/// A directory under `tmp/` that only this session writes to.
#[derive(Debug)]
pub(crate) struct Session {
    tmp: OwnedFd,
    dir: OwnedFd,
    name: String,
    path: PathBuf,
    next: AtomicU64,
}

impl Session {
    /// Makes a new one; `tmp_path` is for messages and for programs that are given paths.
    pub(crate) fn start(tmp: OwnedFd, tmp_path: &Path) -> io::Result<Self> {
        let pid = rustix::process::getpid().as_raw_nonzero();
        for number in 0_u64.. {
            let name = format!("{pid}-{number}");
            match mkdirat(&tmp, name.as_str(), Mode::RWXU) {
                Ok(()) => {}
                Err(Errno::EXIST) => continue,
                Err(e) => return Err(e.into()),
            }
            // Between the two steps, somebody who sweeps may take the directory for a leftover: then it is gone now.
            let Some(dir) = disk::find_dir(&tmp, name.as_bytes())? else { continue };
            if flock(&dir, FlockOperation::NonBlockingLockExclusive).is_err() {
                continue;
            }
            let inode = rustix::fs::fstat(&dir)?.st_ino;
            if disk::stat(&tmp, name.as_bytes())?.is_none_or(|stat| stat.st_ino != inode) {
                continue;
            }
            disk::set_mode(&dir, 0o700)?;
            let path = tmp_path.join(&name);
            return Ok(Self { tmp, dir, name, path, next: AtomicU64::new(0) });
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// The directory.
    pub(crate) fn dir(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a name that nothing in the directory has had.
    pub(crate) fn fresh_name(&self) -> String {
        self.next.fetch_add(1, Ordering::Relaxed).to_string()
    }

    /// Makes a new file to write to.
    pub(crate) fn create_file(&self) -> io::Result<(File, String)> {
        let name = self.fresh_name();
        Ok((disk::create_file(&self.dir, name.as_bytes())?, name))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // What can't be removed now is swept by the next user.
        if unlinkat(&self.tmp, self.name.as_str(), AtFlags::REMOVEDIR) == Err(Errno::NOTEMPTY) {
            _ = empty(self.dir.as_fd());
            _ = unlinkat(&self.tmp, self.name.as_str(), AtFlags::REMOVEDIR);
        }
    }
}

/// Returns the names in `tmp/` whose sessions have ended without cleaning up.
pub(crate) fn leftovers(tmp: impl AsFd) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for name in disk::list(&tmp)? {
        if !matches!(claim(&tmp, &name)?, Claim::Live) {
            names.push(String::from_utf8_lossy(&name).into_owned());
        }
    }
    Ok(names)
}

/// Removes what ended sessions have left; returns their names.
pub(crate) fn sweep(tmp: impl AsFd) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for name in disk::list(&tmp)? {
        match claim(&tmp, &name)? {
            Claim::Live => continue,
            Claim::Odd => _ = disk::unlink(&tmp, &name)?,
            Claim::Leftover(dir) => {
                empty(dir.as_fd())?;
                match unlinkat(&tmp, name.as_slice(), AtFlags::REMOVEDIR) {
                    Ok(()) | Err(Errno::NOENT) => {}
                    Err(e) => return Err(e.into()),
                }
            }
        }
        names.push(String::from_utf8_lossy(&name).into_owned());
    }
    Ok(names)
}

/// What a name in `tmp/` turns out to be.
enum Claim {
    /// Its session lives, or it has just gone.
    Live,
    /// Its session has ended; the handle holds its lock now.
    Leftover(OwnedFd),
    /// No session made it.
    Odd,
}

fn claim(tmp: impl AsFd, name: &[u8]) -> io::Result<Claim> {
    match disk::open_dir(&tmp, name) {
        Ok(dir) => match flock(&dir, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Claim::Leftover(dir)),
            Err(Errno::WOULDBLOCK) => Ok(Claim::Live),
            Err(e) => Err(e.into()),
        },
        Err(e) => match e.kind() {
            io::ErrorKind::NotFound => Ok(Claim::Live),
            io::ErrorKind::NotADirectory => Ok(Claim::Odd),
            _ => Err(e),
        },
    }
}

fn empty(dir: BorrowedFd<'_>) -> io::Result<()> {
    disk::list(dir)?.iter().try_for_each(|name| disk::remove_all(dir, name))
}
