//! Files of the machine that kit-init runs on.
//!
//! PID 1 works on the root directory that the kernel gave it: there is no directory handle that somebody else
//! could have opened for it, so this module is the crate's one exception to the ban of ambient file access.

#![expect(clippy::disallowed_methods, reason = "PID 1 works on the machine's own root directory")]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::error::{During, Failure};
use crate::sys::Errno;

/// The largest text file that is read: a `config.json` with a seccomp profile has about 30 KiB.
const LIMIT: u64 = 4 << 20;

/// Reads a UTF-8 file of at most 4 MiB.
pub(crate) fn read_text(path: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let file = fs::File::open(path).during("read", path)?;
    let size = file.take(LIMIT + 1).read_to_string(&mut text).during("read", path)?;
    if size as u64 > LIMIT {
        return Err(Failure::new("read", path, "the file is larger than 4 MiB"));
    }
    Ok(text)
}

/// Writes `text` to a file that exists, in one write, as the kernel's control files want it.
pub(crate) fn write_existing(path: &str, text: &str) -> Result<(), Errno> {
    let mut file = fs::OpenOptions::new().write(true).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}

/// `/dev/null`, as the three standard streams of a program.
pub(crate) fn null_streams() -> Result<[std::os::fd::OwnedFd; 3], Failure> {
    let open = || crate::sys::io::open(c"/dev/null", libc::O_RDWR).during("open", "/dev/null");
    Ok([open()?, open()?, open()?])
}

/// Whether a file is there and may be written.
pub(crate) fn can_write(path: &str) -> bool {
    fs::OpenOptions::new().write(true).open(path).is_ok()
}

/// Makes a directory and its parents, each with mode 0755; one that is there already is success.
pub(crate) fn make_directory(path: &str) -> Result<(), Errno> {
    Ok(fs::create_dir_all(path)?)
}

/// Makes an empty file and the directories above it; one that is there already is success.
pub(crate) fn make_file(path: &str) -> Result<(), Errno> {
    if let Some(parent) = Path::new(path).parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::OpenOptions::new().write(true).create_new(true).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => Ok(made.map(drop)?),
    }
}

/// Whether something is mounted at `path`.
pub(crate) fn is_mounted(path: &str) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|meta| meta.dev()).ok();
    let parent = Path::new(path).parent().and_then(device);
    device(Path::new(path)).zip(parent).is_some_and(|(own, parent)| own != parent)
}

/// Whether there is a directory at `path`.
pub(crate) fn is_directory(path: &str) -> bool {
    Path::new(path).is_dir()
}

/// Whether there is anything but a directory at `path`.
pub(crate) fn is_other(path: &str) -> bool {
    fs::metadata(path).is_ok_and(|meta| !meta.is_dir())
}

/// Whether there is a symbolic link at `path`, wherever it leads.
pub(crate) fn is_link(path: &str) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink())
}

/// Where a symbolic link leads; nothing if that can't be told.
pub(crate) fn link_target(path: &str) -> Option<String> {
    fs::read_link(path).ok()?.into_os_string().into_string().ok()
}

/// The names in a directory in byte order; none if the directory does not exist.
pub(crate) fn list(path: &str) -> Result<Vec<String>, Failure> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.during("list", path)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.during("list", path)?.file_name();
        names.push(name.into_string().map_err(|name| {
            Failure::new("list", path, format!("the name {:?} is not UTF-8", name.to_string_lossy()))
        })?);
    }
    names.sort();
    Ok(names)
}

/// Gives the directory `to` the owner and mode of the directory `from`.
pub(crate) fn copy_owner_and_mode(from: &str, to: &str) -> Result<(), Errno> {
    let meta = fs::metadata(from)?;
    std::os::unix::fs::chown(to, Some(meta.uid()), Some(meta.gid()))?;
    Ok(fs::set_permissions(to, fs::Permissions::from_mode(meta.mode() & 0o7777))?)
}

/// Removes an empty directory.
pub(crate) fn remove_directory(path: &str) -> Result<(), Errno> {
    Ok(fs::remove_dir(path)?)
}

/// Removes all files of the root's file system, which is in memory, and leaves what is mounted elsewhere. What can't be removed
/// stays in memory and does no harm.
pub(crate) fn empty_root() {
    if let Ok(meta) = fs::metadata("/") {
        empty(Path::new("/"), meta.dev());
    }
}

fn empty(directory: &Path, device: u64) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.metadata() {
            Ok(meta) if meta.dev() != device => {}
            Ok(meta) if meta.is_dir() => {
                empty(&path, device);
                let _ = fs::remove_dir(path);
            }
            _ => {
                let _ = fs::remove_file(path);
            }
        }
    }
}
