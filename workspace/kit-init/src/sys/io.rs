//! Descriptors: pipes, reading and writing without waiting, polling.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::{Errno, Result, check, done};

/// A pipe whose ends close on exec: (read end, write end).
pub(crate) fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: `ends` is writable memory for the two descriptors that the call stores.
    done(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) })?;
    // SAFETY: the kernel has just made both descriptors and nobody else owns them.
    Ok(unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) })
}

/// Opens `path` with the given `O_*` flags; close-on-exec is added.
pub(crate) fn open(path: &CStr, flags: i32) -> Result<OwnedFd> {
    // SAFETY: `path` is a NUL-terminated string that lives through the call.
    let fd = check(unsafe { libc::open(path.as_ptr(), flags | libc::O_CLOEXEC, 0) })?;
    // SAFETY: the kernel has just made the descriptor and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Gives a file of an open directory another name there; what has that name already is replaced.
pub(crate) fn rename_at(directory: BorrowedFd<'_>, from: &CStr, to: &CStr) -> Result<()> {
    let directory = directory.as_raw_fd();
    // SAFETY: both names are NUL-terminated and live through the call.
    done(unsafe { libc::renameat(directory, from.as_ptr(), directory, to.as_ptr()) })
}

/// Writes all that is not yet on disk of the file system that something is on.
pub(crate) fn sync_file_system(on: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: syncfs touches no memory.
    done(unsafe { libc::syncfs(on.as_raw_fd()) })
}

/// Makes reads and writes on the open file description give `EAGAIN` instead of waiting.
pub(crate) fn set_nonblocking(fd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: F_GETFL takes no further argument.
    let flags = check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) })?;
    // SAFETY: F_SETFL takes an int.
    done(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) })
}

/// Reads what is there; `Ok(0)` is the end of the file.
pub(crate) fn read(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize> {
    loop {
        // SAFETY: `buffer` is writable for its whole length.
        let count = unsafe { libc::read(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
        match check(count) {
            Ok(count) => return Ok(usize::try_from(count).unwrap_or(0)),
            Err(Errno(libc::EINTR)) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Writes some of `bytes` and tells how many.
pub(crate) fn write(fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize> {
    loop {
        // SAFETY: `bytes` is readable for its whole length.
        let count = unsafe { libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
        match check(count) {
            Ok(count) => return Ok(usize::try_from(count).unwrap_or(0)),
            Err(Errno(libc::EINTR)) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Makes the descriptor number `to` refer to `from`'s file, open across exec.
pub(crate) fn duplicate_to(from: BorrowedFd<'_>, to: RawFd) -> Result<()> {
    if from.as_raw_fd() == to {
        // SAFETY: F_SETFD takes an int.
        return done(unsafe { libc::fcntl(to, libc::F_SETFD, 0) });
    }
    // SAFETY: dup2 touches no memory; whoever owned `to` keeps a valid descriptor of that number.
    done(unsafe { libc::dup2(from.as_raw_fd(), to) })
}

/// Marks every descriptor from 3 up to be closed by exec.
pub(crate) fn close_others_on_exec() -> Result<()> {
    // SAFETY: close_range with CLOEXEC only sets flags of descriptors.
    done(unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) })
}

/// What to wait for on a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// Something to read, or the end.
    Read,
    /// Room to write.
    Write,
    /// That nobody is at the other end any more.
    End,
}

/// Waits until one of the descriptors is ready or the time is over (`None`: for ever), and tells for each
/// whether it is ready. A hang-up or an error counts as ready: the next read or write tells.
pub(crate) fn poll(
    fds: &[(BorrowedFd<'_>, Interest)],
    timeout: Option<std::time::Duration>,
) -> Result<Vec<bool>> {
    let mut set: Vec<libc::pollfd> = fds
        .iter()
        .map(|(fd, interest)| libc::pollfd {
            fd: fd.as_raw_fd(),
            events: match interest {
                Interest::Read => libc::POLLIN,
                Interest::Write => libc::POLLOUT,
                // Errors and hang-ups come unasked.
                Interest::End => 0,
            },
            revents: 0,
        })
        .collect();
    // One millisecond more than asked, so that a deadline has passed when the wait for it is over.
    let millis = timeout.map_or(-1, |time| i32::try_from(time.as_millis()).unwrap_or(i32::MAX - 1) + 1);
    let count = libc::nfds_t::try_from(set.len()).unwrap_or(0);
    // SAFETY: `set` is an array of `count` pollfd structures.
    match done(unsafe { libc::poll(set.as_mut_ptr(), count, millis) }) {
        Ok(()) | Err(Errno(libc::EINTR)) => Ok(set.iter().map(|entry| entry.revents != 0).collect()),
        Err(errno) => Err(errno),
    }
}

/// The bytes that a terminal has taken but not yet sent.
pub(crate) fn unsent(fd: BorrowedFd<'_>) -> Result<i32> {
    let mut count = 0;
    // SAFETY: TIOCOUTQ stores one int.
    done(unsafe { libc::ioctl(fd.as_raw_fd(), libc::TIOCOUTQ, &raw mut count) })?;
    Ok(count)
}
