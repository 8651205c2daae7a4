//! Single steps on directory handles: each takes one name in one directory and follows no symbolic link.
//!
//! Handles that come from outside may be good for nothing but looking up names (`O_PATH`), as cap-std's are: what is
//! listed, synced or changed is opened anew, as `.`.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, ResolveFlags, Stat, Timespec, Timestamps, UTIME_NOW,
    chmodat, fchmod, mkdirat, openat, openat2, renameat_with, statat, unlinkat, utimensat,
};
use rustix::io::Errno;

/// When all content was last changed, as far as anybody who looks at it can tell: 2000-01-01T00:00:00Z, in seconds.
///
/// Programs see the times of the files they are built from, so these can't be the times of this machine. It is
/// late enough for archive formats that start in 1980.
pub const FILE_TIME: i64 = 946_684_800;

/// Mode of the store's own directories.
pub(crate) const DIRECTORY_MODE: u32 = 0o755;

const FIXED: Timestamps = Timestamps {
    last_access: Timespec { tv_sec: FILE_TIME, tv_nsec: 0 },
    last_modification: Timespec { tv_sec: FILE_TIME, tv_nsec: 0 },
};
const NOW: Timestamps = Timestamps {
    last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
    last_modification: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
};

/// Opens a directory.
pub(crate) fn open_dir(parent: impl AsFd, name: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(parent, name, flags, Mode::empty())?)
}

/// Opens a directory, or none when it isn't there.
pub(crate) fn find_dir(parent: impl AsFd, name: &[u8]) -> io::Result<Option<OwnedFd>> {
    absent(open_dir(parent, name))
}

/// Opens a directory and makes it when it isn't there, whatever the umask.
pub(crate) fn make_dir(parent: impl AsFd, name: &[u8]) -> io::Result<OwnedFd> {
    match mkdirat(&parent, name, Mode::from_raw_mode(0o700)) {
        Ok(()) => {
            let made = open_dir(parent, name)?;
            set_mode(&made, DIRECTORY_MODE)?;
            Ok(made)
        }
        Err(Errno::EXIST) => open_dir(parent, name),
        Err(e) => Err(e.into()),
    }
}

/// Opens a regular file to read it; anything else at that name is [`io::ErrorKind::InvalidData`].
pub(crate) fn open_file(parent: impl AsFd, name: &[u8]) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let odd = || io::Error::new(io::ErrorKind::InvalidData, "not a regular file");
    let file = match openat(parent, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::LOOP | Errno::NXIO) => return Err(odd()),
        Err(e) => return Err(e.into()),
    };
    if file.metadata()?.is_file() { Ok(file) } else { Err(odd()) }
}

/// Reads a whole file, or none when it isn't there.
pub(crate) fn read_file(parent: impl AsFd, name: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let Some(mut file) = absent(open_file(parent, name))? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Makes a new file that only its owner can see, to write to.
pub(crate) fn create_file(parent: impl AsFd, name: &[u8]) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(openat(parent, name, flags, Mode::from_raw_mode(0o600))?))
}

/// Opens a file to lock it, and makes it when it isn't there.
pub(crate) fn open_lock(parent: impl AsFd, name: &[u8]) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(openat(parent, name, flags, Mode::from_raw_mode(0o644))?))
}

/// Looks at what stands at a name, or none when nothing does.
pub(crate) fn stat(parent: impl AsFd, name: &[u8]) -> io::Result<Option<Stat>> {
    absent(statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).map_err(io::Error::from))
}

/// Kind of what a [`Stat`] describes.
pub(crate) fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// Length of what a [`Stat`] describes, in bytes.
pub(crate) fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// Sets the permission bits of an open file or directory.
pub(crate) fn set_mode(file: impl AsFd, mode: u32) -> io::Result<()> {
    Ok(fchmod(file, Mode::from_raw_mode(mode))?)
}

/// Sets the time of an open file or directory to [`FILE_TIME`].
pub(crate) fn set_fixed_time(file: impl AsFd) -> io::Result<()> {
    Ok(rustix::fs::futimens(file, &FIXED)?)
}

/// Sets the time of what stands at a name to [`FILE_TIME`].
pub(crate) fn set_fixed_time_at(parent: impl AsFd, name: &[u8]) -> io::Result<()> {
    Ok(utimensat(parent, name, &FIXED, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Marks a file as used now.
pub(crate) fn touch(parent: impl AsFd, name: &[u8]) -> io::Result<()> {
    Ok(utimensat(parent, name, &NOW, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Takes a file away; tells whether it was there.
pub(crate) fn unlink(parent: impl AsFd, name: &[u8]) -> io::Result<bool> {
    Ok(absent(unlinkat(parent, name, AtFlags::empty()).map_err(io::Error::from))?.is_some())
}

/// Renames within a file system unless the new name is taken; tells whether it did.
pub(crate) fn rename_new(
    from: impl AsFd,
    old: &[u8],
    to: impl AsFd,
    new: &[u8],
    what: FileType,
) -> io::Result<bool> {
    match renameat_with(&from, old, &to, new, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST | Errno::NOTEMPTY) => Ok(false),
        // Some network file systems lack the flag; a hard link doesn't replace either.
        Err(Errno::INVAL | Errno::NOSYS) if what == FileType::RegularFile => {
            match rustix::fs::linkat(&from, old, to, new, AtFlags::empty()) {
                Ok(()) => unlink(from, old).map(|_| true),
                Err(Errno::EXIST) => Ok(false),
                Err(e) => Err(e.into()),
            }
        }
        Err(e) => Err(e.into()),
    }
}

/// Names in a directory, sorted by their bytes.
pub(crate) fn list(dir: impl AsFd) -> io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in Dir::new(open_dir(dir, b".")?)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(name.to_vec());
        }
    }
    names.sort();
    Ok(names)
}

/// Takes away what stands at a name, with all below it, however deep, odd or write-protected it is.
///
/// Directories move up to `base` before they are emptied, so that neither stack nor handles grow with the depth.
pub(crate) fn remove_all(base: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    let Some(found) = stat(base, name)? else { return Ok(()) };
    if kind(&found) != FileType::Directory {
        return unlink(base, name).map(|_| ());
    }
    let mut moved: u64 = 0;
    let mut queue = vec![name.to_vec()];
    while let Some(name) = queue.pop() {
        chmodat(base, name.as_slice(), Mode::RWXU, AtFlags::empty())?;
        let dir = open_dir(base, &name)?;
        for child in list(&dir)? {
            match unlinkat(&dir, child.as_slice(), AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => continue,
                Err(Errno::ISDIR | Errno::PERM) => {}
                Err(e) => return Err(e.into()),
            }
            chmodat(&dir, child.as_slice(), Mode::RWXU, AtFlags::empty())?;
            loop {
                moved += 1;
                let up = format!("removed-{moved}").into_bytes();
                if rename_new(&dir, &child, base, &up, FileType::Directory)? {
                    queue.push(up);
                    break;
                }
            }
        }
        unlinkat(base, name.as_slice(), AtFlags::REMOVEDIR)?;
    }
    Ok(())
}

/// Turns "not there" into none.
pub(crate) fn absent<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Opens the directory at a path of names below `root`, following no symbolic link on the way.
pub(crate) fn walk(root: impl AsFd, path: &[u8]) -> io::Result<OwnedFd> {
    if path.is_empty() {
        return open_dir(root, b".");
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat2(&root, path, flags, Mode::empty(), ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS) {
        Ok(dir) => Ok(dir),
        // Old kernels lack it, and old container run-times forbid it.
        Err(Errno::NOSYS | Errno::PERM) => walk_by_name(root, path),
        Err(e) => Err(e.into()),
    }
}

fn walk_by_name(root: impl AsFd, path: &[u8]) -> io::Result<OwnedFd> {
    let mut dir = open_dir(root, b".")?;
    for name in path.split(|byte| *byte == b'/') {
        dir = open_dir(&dir, name)?;
    }
    Ok(dir)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{make_dir, open_dir as open_path};

    #[test]
    fn both_ways_to_walk_agree() {
        let root = tempfile::tempdir().unwrap();
        make_dir(&root.path().join("a/b/c"));
        std::os::unix::fs::symlink("b", root.path().join("a/link")).unwrap();
        crate::testing::write(&root.path().join("a/b/file"), b"");
        let dir = open_path(root.path());
        for (path, is_there) in [
            ("a", true),
            ("a/b/c", true),
            ("a/link", false),
            ("a/link/c", false),
            ("a/b/file", false),
            ("x", false),
        ] {
            assert_eq!(walk(&dir, path.as_bytes()).is_ok(), is_there, "{path}");
            assert_eq!(walk_by_name(&dir, path.as_bytes()).is_ok(), is_there, "{path}");
        }
    }
}
