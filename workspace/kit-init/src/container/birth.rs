//! How a container's first process is made: by the caller itself or, where the container joins namespaces, by a process that
//! goes there before it. Nobody who wants to come back can go there: a user namespace has no way out, and only children are in
//! a joined namespace of processes.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering;

use super::{SETTING_UP, namespaces};
use crate::config::Namespaces;
use crate::error::{During, Failure};
use crate::sys::process::Side;
use crate::sys::{self, Errno};

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Birth {
    /// This is the new process.
    Child,
    /// This is the caller; the number is the new process's, a child of it.
    Parent(i32),
    /// This is the caller, and there is no new process: the child with this number was to make it, and said into the status
    /// pipe why it could not.
    Failed(i32),
}

/// Makes the process, in its control group and in its namespaces, all but the one of control groups.
pub(super) fn give(
    namespaces: &Namespaces,
    group: Option<BorrowedFd<'_>>,
    status: BorrowedFd<'_>,
) -> Result<Birth, Failure> {
    let places = namespaces::places(namespaces);
    if places.is_empty() {
        let side = sys::process::clone(namespaces::clone_flags(namespaces), group);
        return match side.during("start", "a process")? {
            Side::Child => Ok(Birth::Child),
            Side::Parent(pid) => Ok(Birth::Parent(pid)),
        };
    }
    let (report, end) = sys::io::pipe().during("make", "a pipe")?;
    // Not in the control group, which may have room for a single process.
    let Side::Parent(first) = sys::process::clone(0, None).during("start", "a process")? else {
        SETTING_UP.store(true, Ordering::Relaxed);
        drop(report);
        return match go_and_clone(namespaces, &places, group) {
            Ok(Side::Child) => Ok(Birth::Child),
            Ok(Side::Parent(pid)) => leave(&end, &pid.to_ne_bytes(), 0),
            Err(failure) => leave(status, failure.to_string().as_bytes(), 127),
        };
    };
    drop(end);
    let mut number = [0; 4];
    Ok(match sys::io::read(report.as_fd(), &mut number) {
        Ok(4) => Birth::Parent(i32::from_ne_bytes(number)),
        _ => Birth::Failed(first),
    })
}

/// The process that goes first: joins the namespaces, and makes another child of its own parent.
fn go_and_clone(
    namespaces: &Namespaces,
    places: &[(i32, String)],
    group: Option<BorrowedFd<'_>>,
) -> Result<Side, Failure> {
    namespaces::join(places)?;
    let side = sys::process::clone_sibling(namespaces::clone_flags(namespaces), group);
    match (side, places.iter().find(|(kind, _)| *kind == libc::CLONE_NEWPID)) {
        (Err(Errno(libc::ENOMEM)), Some((_, path))) => {
            let why = "its first process has ended, or there is no memory";
            Err(Failure::new("start a process in namespace", path, why))
        }
        (side, _) => side.during("start", "a process"),
    }
}

/// Ends this process with its last words.
fn leave(to: impl AsFd, words: &[u8], code: i32) -> ! {
    let _ = sys::io::write(to.as_fd(), words);
    sys::process::exit_now(code)
}
