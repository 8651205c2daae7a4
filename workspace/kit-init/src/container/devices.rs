//! The device nodes in a container's `/dev`.

use std::os::fd::{AsFd, BorrowedFd};

use super::mounts::{self, Kind, Machine};
use super::{open_inside, open_path};
use crate::config::{Config, Device, Origin};
use crate::error::{During, Failure};
use crate::sys::mount::Reach;
use crate::sys::{self, Errno};

/// The devices that the specification promises to every container.
const DEFAULT: [(&str, u32, u32); 6] = [
    ("/dev/null", 1, 3),
    ("/dev/zero", 1, 5),
    ("/dev/full", 1, 7),
    ("/dev/random", 1, 8),
    ("/dev/urandom", 1, 9),
    ("/dev/tty", 5, 0),
];

/// The links that it promises, and the multiplexer of the container's own pseudo terminals.
const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// Makes the nodes. The default ones need a new file system at `/dev`; a container that has none gets only the
/// devices that its configuration lists.
pub(super) fn make(root: BorrowedFd<'_>, config: &Config, machine: &Machine) -> Result<(), Failure> {
    let own = config.mounts.iter().any(|mount| {
        mount.destination.trim_end_matches('/') == "/dev" && matches!(mount.origin, Origin::FileSystem { .. })
    });
    if own {
        for (path, major, minor) in DEFAULT {
            let number = (major, minor);
            let device =
                Device { path: path.into(), kind: libc::S_IFCHR, number, mode: 0o666, owner: (0, 0) };
            make_one(root, &device, machine)?;
        }
        let directory = open_inside(root, "/dev").during("open", "/dev")?;
        for (name, target) in LINKS {
            let link = || {
                sys::mount::make_link_at(directory.as_fd(), &sys::c_string(name)?, &sys::c_string(target)?)
            };
            already_there(link()).during("make link", format!("/dev/{name}"))?;
        }
    }
    config.linux.devices.iter().try_for_each(|device| make_one(root, device, machine))
}

fn make_one(root: BorrowedFd<'_>, device: &Device, machine: &Machine) -> Result<(), Failure> {
    let path = device.path.trim_end_matches('/');
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    let node = || {
        let parent = mounts::mount_point(root, &format!("{parent}/"), Kind::Directory)?;
        let mode = device.kind | device.mode;
        sys::mount::make_node_at(parent.as_fd(), &sys::c_string(name)?, mode, device.number, device.owner)
    };
    match already_there(node()) {
        // In a user namespace nobody can make nodes, but the machine's can be bound.
        Err(Errno(libc::EPERM)) => bind(root, path, machine),
        made => made.during("make device", path),
    }
}

fn bind(root: BorrowedFd<'_>, path: &str, machine: &Machine) -> Result<(), Failure> {
    let clone = || {
        let source = if path == "/dev/null" { machine.null.try_clone()? } else { open_path(path)? };
        sys::mount::clone_mount(source.as_fd(), c"", Reach::One)
    };
    mounts::attach(root, clone().during("bind device", path)?.as_fd(), path, Kind::File)
}

fn already_there(made: Result<(), Errno>) -> Result<(), Errno> {
    if made == Err(Errno(libc::EEXIST)) { Ok(()) } else { made }
}
