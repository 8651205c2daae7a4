//! Input devices, and notice of new ones.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::{Result, check, done};

/// The power key's number in `linux/input-event-codes.h`.
const KEY_POWER: u16 = 116;
const EV_KEY: u16 = 1;

/// Whether an input device has a power key.
pub(crate) fn has_power_key(fd: BorrowedFd<'_>) -> bool {
    const BYTES: usize = 96; // KEY_CNT / 8
    let mut keys = [0_u8; BYTES];
    // EVIOCGBIT(EV_KEY, BYTES): _IOC(_IOC_READ, 'E', 0x20 + EV_KEY, BYTES)
    let request: u32 = if cfg!(any(target_arch = "powerpc64", target_arch = "mips64")) {
        (2 << 29) | (96 << 16) | (0x45 << 8) | 0x21
    } else {
        (2 << 30) | (96 << 16) | (0x45 << 8) | 0x21
    };
    // SAFETY: the request stores at most `BYTES` bytes, the size that it names.
    let found = done(unsafe { libc::ioctl(fd.as_raw_fd(), libc::Ioctl::from(request), keys.as_mut_ptr()) });
    found.is_ok() && keys[usize::from(KEY_POWER / 8)] & (1 << (KEY_POWER % 8)) != 0
}

/// Reads all events that an input device has and tells whether one of them is a press of the power key.
///
/// An error (the device is gone) is given back; that there is nothing to read is none.
pub(crate) fn power_key_pressed(fd: BorrowedFd<'_>) -> Result<bool> {
    let mut pressed = false;
    loop {
        // SAFETY: input_event is plain numbers; all-zero is a value of it.
        let mut events: [libc::input_event; 16] = unsafe { std::mem::zeroed() };
        let size = size_of_val(&events);
        // SAFETY: `events` is writable for its size.
        let count = check(unsafe { libc::read(fd.as_raw_fd(), events.as_mut_ptr().cast(), size) });
        let count = match count {
            Ok(count) => usize::try_from(count).unwrap_or(0) / size_of::<libc::input_event>(),
            Err(errno) if errno.0 == libc::EAGAIN => return Ok(pressed),
            Err(errno) => return Err(errno),
        };
        if count == 0 {
            return Ok(pressed);
        }
        pressed |= events[..count].iter().any(|e| e.type_ == EV_KEY && e.code == KEY_POWER && e.value == 1);
    }
}

/// A descriptor that becomes readable when a file appears in the directory.
pub(crate) fn watch_directory(path: &CStr) -> Result<OwnedFd> {
    watch(path, libc::IN_CREATE | libc::IN_ATTRIB)
}

/// A descriptor that becomes readable when the file changes.
pub(crate) fn watch_file(path: &CStr) -> Result<OwnedFd> {
    watch(path, libc::IN_MODIFY)
}

fn watch(path: &CStr, what: u32) -> Result<OwnedFd> {
    // SAFETY: inotify_init1 takes a number only.
    let fd = check(unsafe { libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK) })?;
    // SAFETY: the kernel has just made the descriptor and nobody else owns it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: `path` is NUL-terminated.
    done(unsafe { libc::inotify_add_watch(fd.as_raw_fd(), path.as_ptr(), what) })?;
    Ok(fd)
}
