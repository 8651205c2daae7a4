//! Every `unsafe` line, here and below: system calls that have no safe wrapper.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;
use std::time::Duration;

use rustix::io::Errno;
use rustix::mount::MountAttrFlags;
use rustix::process::Pid;
use rustix::thread::UnshareFlags;

pub(crate) mod trace;

/// Lets the program that `command` starts inherit `descriptor` under its present number.
///
/// Only that program: the flag is changed in the child alone, so no other program started at the same time gets it.
pub(crate) fn pass_descriptor(command: &mut Command, descriptor: &OwnedFd) {
    let number = descriptor.as_raw_fd();
    let pass = move || {
        // SAFETY: `fcntl` with `F_SETFD` takes an integer and touches no memory; it is async-signal-safe.
        match unsafe { libc::fcntl(number, libc::F_SETFD, 0) } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    };
    // SAFETY: the closure only makes one async-signal-safe call and allocates nothing.
    unsafe { command.pre_exec(pass) };
}

/// Takes over a descriptor that the caller of this program passed by number, and marks it to be closed on `execve`.
pub(crate) fn adopt_descriptor(number: RawFd) -> rustix::io::Result<OwnedFd> {
    // SAFETY: `fcntl` with `F_SETFD` takes an integer and touches no memory; a bad number is an error.
    let result = unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    if number <= libc::STDERR_FILENO || result == -1 {
        return Err(Errno::BADF);
    }
    // SAFETY: the descriptor is open, as `fcntl` has shown, and nothing else in this just started program owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Closes every descriptor from `first` to `last` that this program may have inherited.
pub(crate) fn close_inherited(first: u32, last: u32) {
    if first <= last {
        // SAFETY: the helper has just started and owns no descriptor in the range yet.
        unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    }
}

/// Marks every descriptor but the standard three to be closed on `execve`.
pub(crate) fn close_on_execute() -> rustix::io::Result<()> {
    let first = libc::STDERR_FILENO.cast_unsigned() + 1;
    // SAFETY: only sets a flag on descriptors, and closes none.
    checked(unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) })
        .map(drop)
}

/// Moves this process into new namespaces.
pub(crate) fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    debug_assert!(!flags.contains(UnshareFlags::FILES), "descriptor tables stay shared");
    // SAFETY: descriptor tables stay shared, which is the one thing that could take descriptors from other threads.
    unsafe { rustix::thread::unshare_unsafe(flags) }
}

/// The two sides of a [`fork`].
pub(crate) enum Fork {
    /// In the process that called; the new process has this id.
    Parent(Pid),
    /// In the new process.
    Child,
}

/// Copies this process. Only for the helper, which has one thread.
pub(crate) fn fork() -> rustix::io::Result<Fork> {
    // SAFETY: the helper has one thread, so the copy finds no lock held and may go on as usual.
    match unsafe { libc::fork() } {
        -1 => Err(last_errno()),
        child => Ok(Pid::from_raw(child).map_or(Fork::Child, Fork::Parent)),
    }
}

/// Becomes another program; returns only if that fails.
pub(crate) fn execute(program: &CStr, arguments: &[CString], environment: &[CString]) -> Errno {
    let terminated = |list: &[CString]| -> Vec<*const libc::c_char> {
        list.iter().map(|each| each.as_ptr()).chain([ptr::null()]).collect()
    };
    let (arguments, environment) = (terminated(arguments), terminated(environment));
    // SAFETY: all three are terminated by null and live until the call returns.
    unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    last_errno()
}

/// Ends this process at once, without running anything that its copy of the memory would still have to run.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: never returns and touches no memory.
    unsafe { libc::_exit(code) }
}

/// Whether mounts below are meant too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// This mount alone.
    One,
    /// All mounts below it too.
    All,
}

/// Adds attributes to a mount, see `mount_setattr(2)`.
pub(crate) fn add_mount_attributes(
    mount: BorrowedFd<'_>,
    attributes: MountAttrFlags,
    depth: Depth,
) -> rustix::io::Result<()> {
    #[repr(C)]
    struct MountAttributes {
        set: u64,
        clear: u64,
        propagation: u64,
        user_namespace: u64,
    }
    let change =
        MountAttributes { set: u64::from(attributes.bits()), clear: 0, propagation: 0, user_namespace: 0 };
    let flags = match depth {
        Depth::One => libc::AT_EMPTY_PATH,
        Depth::All => libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
    };
    // SAFETY: the path is an empty C string, and the struct has the kernel's layout and the given size.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const change,
            size_of::<MountAttributes>(),
        )
    };
    checked(result).map(drop)
}

/// Sets the loopback interface of this network namespace up.
pub(crate) fn bring_up_loopback() -> rustix::io::Result<()> {
    // SAFETY: `socket` takes integers only.
    let socket = checked(unsafe {
        libc::syscall(libc::SYS_socket, libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0)
    })?;
    let number = RawFd::try_from(socket).map_err(|_| Errno::BADF)?;
    // SAFETY: the kernel just gave us this descriptor.
    let socket = unsafe { OwnedFd::from_raw_fd(number) };
    // SAFETY: `ifreq` is plain data, for which all zeros is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(*b"lo") {
        *place = libc::c_char::from_ne_bytes([byte]);
    }
    request.ifr_ifru.ifru_flags =
        i16::try_from(libc::IFF_UP | libc::IFF_RUNNING).map_err(|_| Errno::INVAL)?;
    // SAFETY: the request has the type that SIOCSIFFLAGS reads and lives until the call returns.
    checked(unsafe {
        libc::syscall(libc::SYS_ioctl, socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request)
    })
    .map(drop)
}

/// Makes this process ignore a signal.
pub(crate) fn ignore_signal(signal: i32) {
    // SAFETY: installs no handler of ours.
    unsafe { libc::signal(signal, libc::SIG_IGN) };
}

/// Gives every signal its default effect and blocks none, as a new program expects.
pub(crate) fn reset_signals() {
    /// The kernel's `sigaction` on every architecture: handler, flags and the rest all zero is the default.
    const DEFAULT: [u64; 4] = [0; 4];
    for signal in 1..=64 {
        // SAFETY: the struct is at least as large as the kernel's, which copies it. The C library's wrapper would leave out the signals that it
        // keeps for itself, which the next program must not find ignored either. SIGKILL and SIGSTOP are refused, which is fine.
        unsafe {
            let nowhere = ptr::null_mut::<u64>();
            libc::syscall(libc::SYS_rt_sigaction, signal, DEFAULT.as_ptr(), nowhere, size_of::<u64>());
        }
    }
    // SAFETY: `sigset_t` is plain data, for which all zeros is a valid value that the next call overwrites.
    let mut none: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set lives until both calls return; the old mask isn't asked for.
    unsafe {
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
    }
}

/// CPU time and largest resident memory in bytes of all children that were waited for, and of theirs.
pub(crate) fn usage_of_children() -> (Duration, u64) {
    // SAFETY: `rusage` is plain data, for which all zeros is a valid value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes one `rusage` to where one lives.
    unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage) };
    let duration = |time: libc::timeval| {
        let seconds = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or_default());
        seconds + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or_default())
    };
    let kibibytes = u64::try_from(usage.ru_maxrss).unwrap_or_default();
    (duration(usage.ru_utime) + duration(usage.ru_stime), kibibytes.saturating_mul(1024))
}

/// Sets this process's personality, `personality(2)`; in force from the next `execve` on.
pub(crate) fn set_personality(bits: libc::c_int) -> rustix::io::Result<()> {
    // SAFETY: takes an integer and touches no memory.
    let result = unsafe { libc::personality(libc::c_ulong::from(bits.cast_unsigned())) };
    checked(result.into()).map(drop)
}

/// Leaves the caller's session keyring for a new, empty one. Kernels without keyrings have nothing to leave.
pub(crate) fn leave_session_keyring() {
    // SAFETY: joins an anonymous keyring: the name is null, and no memory is touched.
    unsafe {
        libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, ptr::null::<libc::c_char>())
    };
}

fn checked(result: libc::c_long) -> rustix::io::Result<libc::c_long> {
    if result == -1 { Err(last_errno()) } else { Ok(result) }
}

fn last_errno() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)
}
