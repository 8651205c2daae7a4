//! Processes: cloning into namespaces, executing, reaping.

use std::convert::Infallible;
use std::ffi::{CStr, CString};
use std::fmt;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::{Errno, Result, check, done};

/// The two sides of a clone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// This is the new process.
    Child,
    /// This is the caller; the number is the new process's.
    Parent(i32),
}

const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// `struct clone_args` of clone3(2), first version plus the cgroup.
#[repr(C)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// Makes a child process like fork(2), in new namespaces (`CLONE_NEW*` flags) and in the given cgroup.
///
/// Only a process with one thread may call this: the child has the memory as it is at this instant.
pub(crate) fn clone(namespaces: u64, cgroup: Option<BorrowedFd<'_>>) -> Result<Side> {
    clone3(namespaces, libc::SIGCHLD, cgroup)
}

/// [`clone`], but the new process is a child of this one's parent.
pub(crate) fn clone_sibling(namespaces: u64, cgroup: Option<BorrowedFd<'_>>) -> Result<Side> {
    // The signal at its end is that of this process.
    clone3(namespaces | u64::from(libc::CLONE_PARENT.unsigned_abs()), 0, cgroup)
}

fn clone3(flags: u64, exit_signal: i32, cgroup: Option<BorrowedFd<'_>>) -> Result<Side> {
    let mut args = CloneArgs {
        flags,
        pidfd: 0,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: u64::from(exit_signal.unsigned_abs()),
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: 0,
    };
    if let Some(fd) = cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = u64::from(fd.as_raw_fd().unsigned_abs());
    }
    // SAFETY: without CLONE_VM the child runs on a copy of this memory and stack, as after fork(2); the structure
    // has the size that is passed.
    let pid = check(unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of::<CloneArgs>()) })?;
    Ok(if pid == 0 { Side::Child } else { Side::Parent(i32::try_from(pid).unwrap_or(i32::MAX)) })
}

/// Moves this process into new namespaces.
pub(crate) fn unshare(namespaces: i32) -> Result<()> {
    // SAFETY: unshare touches no memory of ours.
    done(unsafe { libc::unshare(namespaces) })
}

/// Moves this process into the namespace that `fd` refers to, which must be of the given kind.
pub(crate) fn join_namespace(fd: BorrowedFd<'_>, kind: i32) -> Result<()> {
    // SAFETY: setns touches no memory of ours.
    done(unsafe { libc::setns(fd.as_raw_fd(), kind) })
}

/// The kind (`CLONE_NEW*`) of the namespace that `fd` refers to; an error if it is none.
pub(crate) fn namespace_kind(fd: BorrowedFd<'_>) -> Result<i32> {
    const NS_GET_NSTYPE: libc::Ioctl = 0xb703;
    // SAFETY: this call takes no argument.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), NS_GET_NSTYPE) })
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It exited with this code.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(signal) => {
                write!(f, "was killed by signal {signal}")?;
                let names = [
                    (libc::SIGABRT, "SIGABRT"),
                    (libc::SIGBUS, "SIGBUS"),
                    (libc::SIGFPE, "SIGFPE"),
                    (libc::SIGILL, "SIGILL"),
                    (libc::SIGKILL, "SIGKILL"),
                    (libc::SIGPIPE, "SIGPIPE"),
                    (libc::SIGSEGV, "SIGSEGV"),
                    (libc::SIGSYS, "SIGSYS, a system call that its seccomp profile forbids"),
                    (libc::SIGTERM, "SIGTERM"),
                    (libc::SIGTRAP, "SIGTRAP"),
                ];
                match names.iter().find(|(number, _)| number == signal) {
                    Some((_, name)) => write!(f, " ({name})"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Reaps one dead child, if there is one.
pub(crate) fn reap() -> Option<(i32, Exit)> {
    let mut status = 0;
    loop {
        // SAFETY: `status` is writable.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
        match check(pid) {
            Ok(0) => return None,
            Ok(pid) if libc::WIFSIGNALED(status) => return Some((pid, Exit::Signal(libc::WTERMSIG(status)))),
            Ok(pid) => return Some((pid, Exit::Code(libc::WEXITSTATUS(status)))),
            Err(Errno(libc::EINTR)) => {}
            Err(_) => return None,
        }
    }
}

/// Starts a session of its own, without a terminal.
pub(crate) fn new_session() -> Result<()> {
    // SAFETY: setsid touches no memory.
    done(unsafe { libc::setsid() })
}

/// Sets the file mode creation mask.
pub(crate) fn set_umask(mask: u32) {
    // SAFETY: umask touches no memory and cannot fail.
    unsafe { libc::umask(mask) };
}

/// Sets a limit (`RLIMIT_*`) of this process.
pub(crate) fn set_limit(resource: u32, soft: u64, hard: u64) -> Result<()> {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: `limit` is an rlimit structure.
    done(unsafe { libc::setrlimit(resource, &raw const limit) })
}

/// Replaces this process's program. Returns only on failure.
pub(crate) fn execute(path: &CStr, args: &[CString], env: &[CString]) -> Result<Infallible> {
    let pointers = |strings: &[CString]| -> Vec<*const libc::c_char> {
        strings.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (args, env) = (pointers(args), pointers(env));
    // SAFETY: both arrays end with a null pointer, and all strings live through the call.
    unsafe { libc::execve(path.as_ptr(), args.as_ptr(), env.as_ptr()) };
    Err(Errno::last())
}

/// Ends this process at once, without running destructors that belong to its parent.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: _exit does not return and touches no memory.
    unsafe { libc::_exit(code) }
}
