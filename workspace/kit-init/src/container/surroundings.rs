//! What is done on the machine around the start of a container: control groups, directories, mounts, interfaces, and the
//! places where its namespaces are kept.

use std::os::fd::{AsFd, OwnedFd};

use super::mounts;
use crate::cgroup::Hierarchy;
use crate::config::{Config, Interface, Origin};
use crate::error::{During, Failure};
use crate::files;
use crate::sys::{self, Errno};

/// Makes what the container needs, before it is started the first time.
pub(crate) fn prepare(config: &Config, hierarchy: Option<&Hierarchy>) -> Result<(), Failure> {
    let service = &config.service;
    for path in &service.cgroups {
        let missing = || Failure::new("make", path, "the machine has no control groups of version 2");
        hierarchy.ok_or_else(missing)?.make(path, &[])?;
    }
    for path in &service.mkdir {
        files::make_directory(path).during("make directory", path)?;
    }
    for mount in &service.mounts {
        let path = &mount.destination;
        let (made, is_directory): (OwnedFd, bool) = match &mount.origin {
            Origin::FileSystem { kind, source, options } => {
                (mounts::create(kind, source, options, mount.set, path)?, true)
            }
            Origin::Bind { source, reach } => {
                let (found, kind) = mounts::clone(source, *reach)?;
                sys::mount::set_attributes(found.as_fd(), mount.set, mount.clear, *reach)
                    .during("set options of mount", path)?;
                (found, kind == mounts::Kind::Directory)
            }
        };
        let attach = || -> Result<(), Errno> {
            if is_directory {
                files::make_directory(path)?;
            } else {
                files::make_file(path)?;
            }
            sys::mount::attach(made.as_fd(), super::open_path(path)?.as_fd())
        };
        attach().during("mount", path)?;
        if let Some((flag, reach)) = mount.spread {
            sys::mount::set_propagation(made.as_fd(), flag, reach).during("set options of mount", path)?;
        }
    }
    Ok(())
}

/// Gives interfaces to the container whose first process is `pid`, and keeps its namespaces. The process waits.
pub(super) fn settle(pid: i32, config: &Config) -> Result<(), Failure> {
    for interface in &config.service.interfaces {
        give(interface, pid).during("give interface", &*interface.name)?;
    }
    for (kind, path) in &config.service.bind_namespaces {
        keep(pid, kind, path).during("keep a namespace at", path)?;
    }
    Ok(())
}

fn give(interface: &Interface, pid: i32) -> Result<(), Errno> {
    let Interface { name, add, peer, create_in_root } = interface;
    match add {
        Some(kind) if !create_in_root => sys::netlink::add_link(name, kind, peer.as_deref(), Some(pid)),
        Some(kind) => {
            sys::netlink::add_link(name, kind, peer.as_deref(), None)?;
            sys::netlink::move_link(name, pid)
        }
        None => sys::netlink::move_link(name, pid),
    }
}

/// Binds a namespace over a file, in place of one that is kept there.
fn keep(pid: i32, kind: &str, path: &str) -> Result<(), Errno> {
    files::make_file(path)?;
    let target = sys::c_string(path)?;
    match sys::mount::unmount(&target, libc::MNT_DETACH) {
        Ok(()) | Err(Errno(libc::EINVAL)) => {}
        failed => return failed,
    }
    let source = sys::c_string(format!("/proc/{pid}/ns/{kind}"))?;
    sys::mount::mount(&source, &target, c"", libc::MS_BIND, c"")
}
