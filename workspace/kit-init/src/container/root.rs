//! The container's root: builds it next to the machine's, then makes it the only one.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::{devices, mounts, open_path, paths, sysctl};
use crate::config::{Access, Config};
use crate::error::{During, Failure};
use crate::files;
use crate::sys::mount::{NODEV, RDONLY, Reach};
use crate::sys::{self, Errno};

/// Builds the root of the container whose bundle is the directory `bundle`, and moves this process into it.
pub(super) fn enter(bundle: &str, config: &Config) -> Result<(), Failure> {
    let binds = mounts::open_binds(&config.mounts)?;
    let private = libc::MS_REC | libc::MS_PRIVATE;
    sys::mount::mount(c"", c"/", c"", private, c"").during("make private", "/")?;
    let path = if config.root_path.starts_with('/') {
        config.root_path.clone()
    } else {
        format!("{bundle}/{}", config.root_path)
    };
    let root = match config.root_access {
        Access::ReadOnly => bind_root(&path)?,
        Access::Writable => overlay_root(&path, config.linux.namespaces.has(libc::CLONE_NEWUSER))?,
    };
    let root = root.as_fd();
    let machine = mounts::Machine::open()?;
    let read_only_later = mounts::mount_all(root, &config.mounts, binds)?;
    devices::make(root, config, &machine)?;
    sysctl::set(config)?;
    paths::mask(root, &config.linux.masked_paths, &machine)?;
    paths::make_read_only(root, &config.linux.readonly_paths)?;
    for (mount, path) in &read_only_later {
        sys::mount::set_attributes(mount.as_fd(), RDONLY, 0, Reach::One).during("make read-only", path)?;
    }
    let attributes = NODEV | if config.root_access == Access::ReadOnly { RDONLY } else { 0 };
    sys::mount::set_attributes(root, attributes, 0, Reach::One).during("set attributes of", "/")?;
    pivot(root).during("change to root", path)?;
    if let Some((flag, reach)) = config.linux.root_spread {
        let below = if reach == Reach::Recursive { libc::MS_REC } else { 0 };
        sys::mount::mount(c"", c"/", c"", flag | below, c"").during("set options of mount", "/")?;
    }
    Ok(())
}

/// The root as it is in the image, as a mount of its own.
fn bind_root(path: &str) -> Result<OwnedFd, Failure> {
    let flags = libc::MS_BIND | libc::MS_REC;
    let bind = || {
        let path_c = sys::c_string(path)?;
        sys::mount::mount(&path_c, &path_c, c"", flags, c"")?;
        open_path(path)
    };
    bind().during("bind root", path)
}

/// The root of the image below a layer in memory that takes the changes.
///
/// Layer and overlay are mounted on the image's directory itself, in this mount namespace: nothing outlives the
/// container, and no other directory is needed. The working directory reaches what the layer covers.
fn overlay_root(path: &str, in_user_namespace: bool) -> Result<OwnedFd, Failure> {
    let cover = || -> Result<(), Errno> {
        let target = sys::c_string(path)?;
        sys::mount::change_directory_to(&target)?;
        let flags = libc::MS_NOSUID | libc::MS_NODEV;
        sys::mount::mount(c"tmpfs", &target, c"tmpfs", flags, c"mode=0700")?;
        for directory in ["changes", "work", "root"] {
            files::make_directory(&format!("{path}/{directory}"))?;
        }
        files::copy_owner_and_mode(".", &format!("{path}/changes"))
    };
    cover().during("make a writable layer on", path)?;
    let root = format!("{path}/root");
    let own = if in_user_namespace { ",userxattr" } else { "" };
    let data = format!("lowerdir=.,upperdir={path}/changes,workdir={path}/work{own}");
    let overlay = || {
        let (root_c, data) = (sys::c_string(&*root)?, sys::c_string(data)?);
        sys::mount::mount(c"overlay", &root_c, c"overlay", 0, &data)?;
        open_path(&root)
    };
    match overlay() {
        Err(Errno(libc::ENODEV)) => {
            Err(Failure::new("mount overlay on", path, "the kernel module overlay is not loaded"))
        }
        result => result.during("mount overlay on", path),
    }
}

/// Makes `root` the root of the mount namespace and lets go of the old one.
fn pivot(root: BorrowedFd<'_>) -> Result<(), Errno> {
    sys::mount::change_directory(root)?;
    sys::mount::pivot_root_here()?;
    // The old root lies on top of the new one now.
    sys::mount::unmount(c".", libc::MNT_DETACH)?;
    sys::mount::change_directory_to(c"/")
}
