//! Paths that a container does not see, or cannot change.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};

use super::mounts::Machine;
use super::open_inside;
use crate::error::{During, Failure};
use crate::sys::mount::{NODEV, NOEXEC, NOSUID, RDONLY, Reach};
use crate::sys::{self, Errno};

/// Covers files with `/dev/null` and directories with an empty directory. Paths that do not exist are as hidden as
/// they can be.
pub(super) fn mask(root: BorrowedFd<'_>, paths: &[String], machine: &Machine) -> Result<(), Failure> {
    let cover = |path: &str| -> Result<(), Errno> {
        let Some(target) = found(open_inside(root, path))? else { return Ok(()) };
        let target = File::from(target);
        let cover = if target.metadata()?.is_dir() {
            let context = sys::mount::open_file_system(c"tmpfs")?;
            sys::mount::set_option(context.as_fd(), c"nr_inodes", Some(c"1"))?;
            sys::mount::set_option(context.as_fd(), c"mode", Some(c"0555"))?;
            sys::mount::create_file_system(context.as_fd(), RDONLY | NOSUID | NODEV | NOEXEC)?
        } else {
            sys::mount::clone_mount(machine.null.as_fd(), c"", Reach::One)?
        };
        sys::mount::attach(cover.as_fd(), target.as_fd())
    };
    paths.iter().try_for_each(|path| cover(path).during("mask", path))
}

/// Makes paths, and all mounts below them, read-only. Paths that do not exist need nothing.
pub(super) fn make_read_only(root: BorrowedFd<'_>, paths: &[String]) -> Result<(), Failure> {
    let protect = |path: &str| -> Result<(), Errno> {
        let Some(target) = found(open_inside(root, path))? else { return Ok(()) };
        let copy = sys::mount::clone_mount(target.as_fd(), c"", Reach::Recursive)?;
        sys::mount::set_attributes(copy.as_fd(), RDONLY, 0, Reach::Recursive)?;
        sys::mount::attach(copy.as_fd(), target.as_fd())
    };
    paths.iter().try_for_each(|path| protect(path).during("make read-only", path))
}

fn found<T>(opened: Result<T, Errno>) -> Result<Option<T>, Errno> {
    match opened {
        Err(Errno(libc::ENOENT | libc::ENOTDIR)) => Ok(None),
        opened => opened.map(Some),
    }
}
