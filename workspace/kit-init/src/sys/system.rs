//! The machine as a whole: modules, host name, loopback, the end.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::{Result, check, done};

/// Loads a kernel module from an open file.
pub(crate) fn load_module(file: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: the parameters are a NUL-terminated constant.
    done(unsafe { libc::syscall(libc::SYS_finit_module, file.as_raw_fd(), c"".as_ptr(), 0) })
}

/// Sets the host name of this process's UTS namespace.
pub(crate) fn set_host_name(name: &CStr) -> Result<()> {
    // SAFETY: the array has the length that is passed.
    done(unsafe { libc::sethostname(name.as_ptr(), name.count_bytes()) })
}

/// Brings the loopback interface of this process's network namespace up; its addresses come by themselves.
pub(crate) fn loopback_up() -> Result<()> {
    // SAFETY: socket takes numbers only.
    let fd = check(unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: the kernel has just made the descriptor and nobody else owns it.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: ifreq is plain data; all-zero is a value of it.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(c"lo".to_bytes_with_nul()) {
        *to = libc::c_char::from_ne_bytes([*from]);
    }
    request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_UP | libc::IFF_RUNNING).unwrap_or(0);
    // SAFETY: SIOCSIFFLAGS reads one ifreq structure.
    done(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) })
}

/// Ctrl-Alt-Del sends SIGINT to PID 1 instead of resetting the machine.
pub(crate) fn catch_ctrl_alt_del() -> Result<()> {
    // SAFETY: this command of reboot takes no memory and stops nothing.
    done(unsafe { libc::reboot(libc::RB_DISABLE_CAD) })
}

/// The time since 1970, as the machine's clock has it.
pub(crate) fn time() -> std::time::Duration {
    // SAFETY: timespec is plain numbers; all-zero is a value of it.
    let mut time: libc::timespec = unsafe { std::mem::zeroed() };
    // SAFETY: `time` is writable.
    let _ = done(unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut time) });
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    std::time::Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}

/// Writes all that is not yet on disk.
pub(crate) fn sync() {
    // SAFETY: sync touches no memory and cannot fail.
    unsafe { libc::sync() };
}

/// Ends the machine with an `RB_*` command. Returns only on failure.
pub(crate) fn reboot(command: i32) -> Result<()> {
    // SAFETY: reboot with a command takes no memory.
    done(unsafe { libc::reboot(command) })
}
