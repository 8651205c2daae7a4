//! Mounts, by the descriptor-based interface (Linux 5.12 and later) and the classic one.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::{EMPTY, Errno, Result, check, done};

/// Read-only.
pub(crate) const RDONLY: u64 = 0x1;
/// Set-user-id bits have no effect.
pub(crate) const NOSUID: u64 = 0x2;
/// Device nodes cannot be opened.
pub(crate) const NODEV: u64 = 0x4;
/// Nothing can be executed.
pub(crate) const NOEXEC: u64 = 0x8;
/// The mask of the access time modes; zero is `relatime`.
pub(crate) const ATIME: u64 = 0x70;
/// Access times are not kept.
pub(crate) const NOATIME: u64 = 0x10;
/// Access times are kept on every read.
pub(crate) const STRICTATIME: u64 = 0x20;
/// Access times of directories are not kept.
pub(crate) const NODIRATIME: u64 = 0x80;
/// Symbolic links are not followed.
pub(crate) const NOSYMFOLLOW: u64 = 0x20_0000;

const FSCONFIG_SET_FLAG: u32 = 0;
const FSCONFIG_SET_STRING: u32 = 1;
const FSCONFIG_CMD_CREATE: u32 = 6;
const FSOPEN_CLOEXEC: u32 = 1;
const FSMOUNT_CLOEXEC: u32 = 1;
const OPEN_TREE_CLONE: u32 = 1;
const MOVE_MOUNT_F_EMPTY_PATH: u32 = 0x4;
const MOVE_MOUNT_T_EMPTY_PATH: u32 = 0x40;
const AT_RECURSIVE: u32 = 0x8000;
const AT_EMPTY_PATH: u32 = 0x1000;

/// How far a mount operation reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// This mount alone.
    One,
    /// This mount and all below.
    Recursive,
}

fn own(value: libc::c_long) -> Result<OwnedFd> {
    let fd = RawFd::try_from(check(value)?).map_err(|_| Errno(libc::EBADF))?;
    // SAFETY: the kernel has just made the descriptor and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// mount(2).
pub(crate) fn mount(source: &CStr, target: &CStr, kind: &CStr, flags: u64, data: &CStr) -> Result<()> {
    // SAFETY: all strings are NUL-terminated and live through the call.
    done(unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, data.as_ptr().cast()) })
}

/// Takes a mount away, at once or (`MNT_DETACH`) when nobody uses it any more.
pub(crate) fn unmount(target: &CStr, flags: i32) -> Result<()> {
    // SAFETY: `target` is NUL-terminated and lives through the call.
    done(unsafe { libc::umount2(target.as_ptr(), flags) })
}

/// Starts the description of a new file system of this kind.
pub(crate) fn open_file_system(kind: &CStr) -> Result<OwnedFd> {
    // SAFETY: `kind` is NUL-terminated and lives through the call.
    own(unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), FSOPEN_CLOEXEC) })
}

/// Sets an option of a file system being described: `key=value`, or `key` alone.
pub(crate) fn set_option(fs: BorrowedFd<'_>, key: &CStr, value: Option<&CStr>) -> Result<()> {
    let (command, value) = match value {
        Some(value) => (FSCONFIG_SET_STRING, value.as_ptr()),
        None => (FSCONFIG_SET_FLAG, std::ptr::null()),
    };
    // SAFETY: the strings are NUL-terminated and live through the call.
    done(unsafe { libc::syscall(libc::SYS_fsconfig, fs.as_raw_fd(), command, key.as_ptr(), value, 0) })
}

/// Creates the described file system and gives a mount of it that is attached nowhere.
pub(crate) fn create_file_system(fs: BorrowedFd<'_>, attributes: u64) -> Result<OwnedFd> {
    let null = std::ptr::null::<libc::c_char>();
    // SAFETY: the create command takes neither key nor value.
    done(unsafe { libc::syscall(libc::SYS_fsconfig, fs.as_raw_fd(), FSCONFIG_CMD_CREATE, null, null, 0) })?;
    // SAFETY: fsmount takes numbers only.
    own(unsafe { libc::syscall(libc::SYS_fsmount, fs.as_raw_fd(), FSMOUNT_CLOEXEC, attributes) })
}

/// Gives a copy of the mount at `path` below `dir`, attached nowhere, ready to be a bind mount.
pub(crate) fn clone_mount(dir: BorrowedFd<'_>, path: &CStr, reach: Reach) -> Result<OwnedFd> {
    let cloexec = libc::O_CLOEXEC.unsigned_abs();
    let recursive = if reach == Reach::Recursive { AT_RECURSIVE } else { 0 };
    let flags = OPEN_TREE_CLONE | AT_EMPTY_PATH | cloexec | recursive;
    // SAFETY: `path` is NUL-terminated and lives through the call.
    own(unsafe { libc::syscall(libc::SYS_open_tree, dir.as_raw_fd(), path.as_ptr(), flags) })
}

/// Attaches a mount on the file or directory that `target` refers to.
pub(crate) fn attach(mount: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: both paths are the empty string: the descriptors say it all.
    done(unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            mount.as_raw_fd(),
            EMPTY.as_ptr(),
            target.as_raw_fd(),
            EMPTY.as_ptr(),
            MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH,
        )
    })
}

#[repr(C)]
struct Attributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// Sets and clears attributes of the mount that `fd` refers to.
pub(crate) fn set_attributes(fd: BorrowedFd<'_>, set: u64, clear: u64, reach: Reach) -> Result<()> {
    self::set(fd, &Attributes { set, clear, propagation: 0, user_namespace: 0 }, reach)
}

fn set(fd: BorrowedFd<'_>, attributes: &Attributes, reach: Reach) -> Result<()> {
    let recursive = if reach == Reach::Recursive { AT_RECURSIVE } else { 0 };
    // SAFETY: `attributes` has the size that is passed.
    done(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            fd.as_raw_fd(),
            EMPTY.as_ptr(),
            AT_EMPTY_PATH | recursive,
            std::ptr::from_ref(attributes),
            size_of::<Attributes>(),
        )
    })
}

/// Sets how the mount that `fd` refers to spreads: `MS_PRIVATE`, `MS_SLAVE`, `MS_SHARED` or `MS_UNBINDABLE`.
pub(crate) fn set_propagation(fd: BorrowedFd<'_>, propagation: u64, reach: Reach) -> Result<()> {
    set(fd, &Attributes { set: 0, clear: 0, propagation, user_namespace: 0 }, reach)
}

/// Makes the mount at the working directory the root of the mount namespace, with the old root above it.
pub(crate) fn pivot_root_here() -> Result<()> {
    // SAFETY: both paths are NUL-terminated constants.
    done(unsafe { libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()) })
}

/// Changes the root directory of this process.
pub(crate) fn change_root(path: &CStr) -> Result<()> {
    // SAFETY: `path` is NUL-terminated.
    done(unsafe { libc::chroot(path.as_ptr()) })
}

/// Changes the working directory to one that is open.
pub(crate) fn change_directory(dir: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: fchdir touches no memory.
    done(unsafe { libc::fchdir(dir.as_raw_fd()) })
}

/// Changes the working directory.
pub(crate) fn change_directory_to(path: &CStr) -> Result<()> {
    // SAFETY: `path` is NUL-terminated.
    done(unsafe { libc::chdir(path.as_ptr()) })
}

/// Opens `path` as if `root` were the root directory: links and `..` cannot leave it, and the kernel's magic
/// links are refused.
pub(crate) fn open_in_root(root: BorrowedFd<'_>, path: &CStr, flags: i32) -> Result<OwnedFd> {
    const RESOLVE_NO_MAGICLINKS: u64 = 0x2;
    const RESOLVE_IN_ROOT: u64 = 0x10;
    #[repr(C)]
    struct How {
        flags: u64,
        mode: u64,
        resolve: u64,
    }
    let flags = u64::from((flags | libc::O_CLOEXEC).unsigned_abs());
    // With O_CREAT the new file is an empty mount point.
    let mode = if flags & u64::from(libc::O_CREAT.unsigned_abs()) == 0 { 0 } else { 0o644 };
    let how = How { flags, mode, resolve: RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
    // SAFETY: `path` is NUL-terminated and `how` has the size that is passed.
    own(unsafe {
        libc::syscall(libc::SYS_openat2, root.as_raw_fd(), path.as_ptr(), &raw const how, size_of::<How>())
    })
}

/// Makes a directory in an open directory.
pub(crate) fn make_directory_at(dir: BorrowedFd<'_>, name: &CStr, mode: u32) -> Result<()> {
    // SAFETY: `name` is NUL-terminated.
    done(unsafe { libc::mkdirat(dir.as_raw_fd(), name.as_ptr(), mode) })
}

/// Makes a symbolic link in an open directory.
pub(crate) fn make_link_at(dir: BorrowedFd<'_>, name: &CStr, target: &CStr) -> Result<()> {
    // SAFETY: both strings are NUL-terminated.
    done(unsafe { libc::symlinkat(target.as_ptr(), dir.as_raw_fd(), name.as_ptr()) })
}

/// Makes a device node in an open directory, with exactly the given mode and owner.
pub(crate) fn make_node_at(
    dir: BorrowedFd<'_>,
    name: &CStr,
    mode: u32,
    device: (u32, u32),
    owner: (u32, u32),
) -> Result<()> {
    let number = libc::makedev(device.0, device.1);
    // SAFETY: `name` is NUL-terminated.
    done(unsafe { libc::mknodat(dir.as_raw_fd(), name.as_ptr(), mode, number) })?;
    // SAFETY: `name` is NUL-terminated.
    done(unsafe { libc::fchmodat(dir.as_raw_fd(), name.as_ptr(), mode & 0o7777, 0) })?;
    // SAFETY: `name` is NUL-terminated.
    done(unsafe {
        libc::fchownat(dir.as_raw_fd(), name.as_ptr(), owner.0, owner.1, libc::AT_SYMLINK_NOFOLLOW)
    })
}

/// Whether the root is an ext4 file system that can be written to.
pub(crate) fn root_is_writable() -> bool {
    // SAFETY: statvfs and statfs are plain numbers; all-zero is a value of them.
    let (mut flags, mut info): (libc::statvfs, libc::statfs) =
        unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
    // SAFETY: the path is a NUL-terminated constant, `flags` and `info` are such structures.
    let found = unsafe {
        libc::statvfs(c"/".as_ptr(), &raw mut flags) == 0 && libc::statfs(c"/".as_ptr(), &raw mut info) == 0
    };
    found && info.f_type == 0xef53 && flags.f_flag & libc::ST_RDONLY == 0
}

/// Whether the root directory is on a memory file system, as an initramfs is.
pub(crate) fn root_is_in_memory() -> bool {
    // SAFETY: statfs is plain numbers; all-zero is a value of it.
    let mut info: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the path is a NUL-terminated constant and `info` is a statfs structure.
    let found = done(unsafe { libc::statfs(c"/".as_ptr(), &raw mut info) }).is_ok();
    found && [0x0102_1994, 0x8584_58f6].contains(&(info.f_type & 0xffff_ffff))
}
