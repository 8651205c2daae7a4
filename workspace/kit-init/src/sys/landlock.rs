//! Landlock: limits that a process puts on itself and all that it will start.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::{Errno, Result, check, done};

/// `LANDLOCK_ACCESS_FS_*`: execute a file.
pub(crate) const EXECUTE: u64 = 1;
/// Write to a file.
pub(crate) const WRITE_FILE: u64 = 1 << 1;
/// Read a file.
pub(crate) const READ_FILE: u64 = 1 << 2;
/// List a directory.
pub(crate) const READ_DIR: u64 = 1 << 3;
/// Change the length of a file.
pub(crate) const TRUNCATE: u64 = 1 << 14;
/// ioctl(2) on a device.
pub(crate) const IOCTL_DEV: u64 = 1 << 15;

#[repr(C)]
struct Ruleset {
    handled_access_fs: u64,
}

#[repr(C, packed)]
struct Beneath {
    allowed_access: u64,
    parent_fd: i32,
}

/// All rights to files that this kernel knows. `ENOSYS` or `EOPNOTSUPP`: it has no Landlock.
pub(crate) fn known_rights() -> Result<u64> {
    const VERSION: u32 = 1;
    let null = std::ptr::null::<Ruleset>();
    // SAFETY: with this flag the call takes no memory.
    let version = check(unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, null, 0, VERSION) })?;
    Ok(match version {
        1 => (1 << 13) - 1,
        2 => (1 << 14) - 1,
        3 | 4 => (1 << 15) - 1,
        _ => (1 << 16) - 1,
    })
}

/// Makes a set of rules that refuses these rights, as far as no rule gives them back.
pub(crate) fn create_ruleset(rights: u64) -> Result<OwnedFd> {
    let ruleset = Ruleset { handled_access_fs: rights };
    let size = size_of::<Ruleset>();
    // SAFETY: the structure has the size that is passed.
    let fd = check(unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const ruleset, size, 0) })?;
    let fd = RawFd::try_from(fd).map_err(|_| Errno(libc::EBADF))?;
    // SAFETY: the kernel has just made the descriptor and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Gives rights beneath a file or directory.
pub(crate) fn allow_beneath(ruleset: BorrowedFd<'_>, path: BorrowedFd<'_>, rights: u64) -> Result<()> {
    const PATH_BENEATH: u32 = 1;
    let rule = Beneath { allowed_access: rights, parent_fd: path.as_raw_fd() };
    // SAFETY: the rule is of the type that the number says.
    done(unsafe {
        libc::syscall(libc::SYS_landlock_add_rule, ruleset.as_raw_fd(), PATH_BENEATH, &raw const rule, 0)
    })
}

/// Puts the rules on this process. It needs `no_new_privs` or `CAP_SYS_ADMIN`.
pub(crate) fn restrict_self(ruleset: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: the call takes numbers only.
    done(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) })
}
