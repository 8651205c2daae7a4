//! The container's mounts, and the mount points for them.
//!
//! Destinations are resolved by the kernel as if the container's root were `/`, without magic links: an image
//! cannot lead a mount out of its own root.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::{open_inside, open_path};
use crate::config::{Mount, Origin};
use crate::error::{During, Failure};
use crate::sys::mount::{RDONLY, Reach};
use crate::sys::{self, Errno};

/// What containers get from the machine besides what their configuration names.
#[derive(Debug)]
pub(super) struct Machine {
    /// The machine's `/dev/null`, to cover files with.
    pub(super) null: OwnedFd,
}

impl Machine {
    /// Opens it, before the machine's root is out of reach.
    pub(super) fn open() -> Result<Self, Failure> {
        Ok(Self { null: open_path("/dev/null").during("open", "/dev/null")? })
    }
}

/// A mount point's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// For file systems and directories.
    Directory,
    /// For files and device nodes.
    File,
}

/// Copies of what is bound, attached nowhere yet; taken while mounts still spread from the machine, so that what is to go on
/// spreading does.
pub(super) fn open_binds(mounts: &[Mount]) -> Result<Vec<Option<(OwnedFd, Kind)>>, Failure> {
    let open = |mount: &Mount| match &mount.origin {
        Origin::FileSystem { .. } => Ok(None),
        Origin::Bind { source, reach } => clone(source, *reach).map(Some),
    };
    mounts.iter().map(open).collect()
}

/// Mounts everything in order, and gives the new file systems that are to be read-only: they become so when all mount
/// points and device nodes in them are made.
pub(super) fn mount_all(
    root: BorrowedFd<'_>,
    mounts: &[Mount],
    binds: Vec<Option<(OwnedFd, Kind)>>,
) -> Result<Vec<(OwnedFd, String)>, Failure> {
    let mut read_only_later = Vec::new();
    for (mount, bind) in mounts.iter().zip(binds) {
        let path = &mount.destination;
        match &mount.origin {
            Origin::FileSystem { kind, source, options } => {
                let made = create(kind, source, options, mount.set & !RDONLY, path)?;
                attach(root, made.as_fd(), path, Kind::Directory)?;
                if mount.set & RDONLY != 0 {
                    read_only_later.push((made, path.clone()));
                }
            }
            Origin::Bind { source, reach } => {
                let (found, kind) = bind.map_or_else(|| clone(source, *reach), Ok)?;
                sys::mount::set_attributes(found.as_fd(), mount.set, mount.clear, *reach)
                    .during("set options of mount", path)?;
                let (flag, below) = mount.spread.unwrap_or((libc::MS_PRIVATE, Reach::Recursive));
                sys::mount::set_propagation(found.as_fd(), flag, below)
                    .during("set options of mount", path)?;
                attach(root, found.as_fd(), path, kind)?;
            }
        }
    }
    Ok(read_only_later)
}

/// Creates a file system, attached nowhere yet.
pub(super) fn create(
    kind: &str,
    source: &str,
    options: &[(String, Option<String>)],
    attributes: u64,
    path: &str,
) -> Result<OwnedFd, Failure> {
    let open = || sys::mount::open_file_system(&sys::c_string(kind)?);
    let context = open().during("mount", format!("{path} of type {kind}"))?;
    let set = |key: &str, value: Option<&str>| {
        let value = value.map(sys::c_string).transpose()?;
        sys::mount::set_option(context.as_fd(), &sys::c_string(key)?, value.as_deref())
    };
    set("source", Some(source)).during("set source of mount", path)?;
    for (key, value) in options {
        set(key, value.as_deref()).during("set option", format!("{key} of mount {path}"))?;
    }
    sys::mount::create_file_system(context.as_fd(), attributes)
        .during("mount", format!("{path} of type {kind}"))
}

/// A copy of a mount of the machine, attached nowhere yet.
pub(super) fn clone(source: &str, reach: Reach) -> Result<(OwnedFd, Kind), Failure> {
    let clone = || -> Result<_, Errno> {
        let file = File::from(open_path(source)?);
        let kind = if file.metadata()?.is_dir() { Kind::Directory } else { Kind::File };
        Ok((sys::mount::clone_mount(file.as_fd(), c"", reach)?, kind))
    };
    clone().during("bind", source)
}

/// Attaches a mount at a path of the container.
pub(super) fn attach(
    root: BorrowedFd<'_>,
    mount: BorrowedFd<'_>,
    path: &str,
    kind: Kind,
) -> Result<(), Failure> {
    let target = mount_point(root, path, kind).during("make mount point", path)?;
    sys::mount::attach(mount, target.as_fd()).during("mount", path)
}

/// Opens a mount point; what is missing of it is made, where the container's root can be written.
pub(super) fn mount_point(root: BorrowedFd<'_>, path: &str, kind: Kind) -> Result<OwnedFd, Errno> {
    match open_inside(root, path) {
        Err(Errno(libc::ENOENT)) => {}
        found => return found,
    }
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
    let mut at = String::new();
    let mut parent = open_inside(root, "/")?;
    for (index, name) in names.iter().enumerate() {
        at = format!("{at}/{name}");
        let last = index + 1 == names.len();
        match open_inside(root, &at) {
            Err(Errno(libc::ENOENT)) if last && kind == Kind::File => {
                let flags = libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY;
                sys::mount::open_in_root(root, &sys::c_string(&*at)?, flags)?;
            }
            Err(Errno(libc::ENOENT)) => {
                sys::mount::make_directory_at(parent.as_fd(), &sys::c_string(*name)?, 0o755)?;
            }
            found => {
                parent = found?;
                continue;
            }
        }
        parent = open_inside(root, &at)?;
    }
    Ok(parent)
}
