//! Namespaces: new ones, joined ones, and the ids of a new user namespace.

use std::os::fd::AsFd;

use super::Groups;
use crate::config::{Config, IdMapping, Linux, Namespaces};
use crate::error::{During, Failure};
use crate::files;
use crate::sys;

/// The flags with which the container's process is cloned. The control group namespace comes later: its root is the
/// group that the process is in when it is made.
pub(super) fn clone_flags(namespaces: &Namespaces) -> u64 {
    u64::from((namespaces.new & !libc::CLONE_NEWCGROUP).unsigned_abs())
}

/// Maps the ids of a new user namespace; the parent does it, from outside.
pub(super) fn map_ids(pid: i32, linux: &Linux, groups: Groups) -> Result<(), Failure> {
    if !linux.namespaces.has(libc::CLONE_NEWUSER) {
        return Ok(());
    }
    let write = |file: &str, text: &str| {
        let path = format!("/proc/{pid}/{file}");
        files::write_existing(&path, text).during("write", path)
    };
    if groups == Groups::Fixed {
        write("setgroups", "deny")?;
    }
    write("uid_map", &map_text(&linux.user_mappings))?;
    write("gid_map", &map_text(&linux.group_mappings))
}

/// Whether the container's process will be able to set its groups; asked before it is cloned.
pub(super) fn groups(namespaces: &Namespaces) -> Groups {
    let ordinary = namespaces.has(libc::CLONE_NEWUSER) && sys::cred::effective_user() != 0;
    let denied = || files::read_text("/proc/self/setgroups").is_ok_and(|text| text.trim() == "deny");
    if ordinary || denied() { Groups::Fixed } else { Groups::Free }
}

/// The user and group of the container's program as the machine sees them; those that aren't mapped stay as they are, and
/// becoming them fails.
pub(super) fn owner_outside(config: &Config) -> (u32, u32) {
    let outside = |id: u32, mappings: &[IdMapping]| {
        let map = mappings.iter().find(|map| id >= map.container && id - map.container < map.size);
        map.map_or(id, |map| map.host + (id - map.container))
    };
    let (user, linux) = (&config.process.user, &config.linux);
    if !linux.namespaces.has(libc::CLONE_NEWUSER) {
        return (user.uid, user.gid);
    }
    (outside(user.uid, &linux.user_mappings), outside(user.gid, &linux.group_mappings))
}

fn map_text(mappings: &[IdMapping]) -> String {
    let line = |map: &IdMapping| format!("{} {} {}", map.container, map.host, map.size);
    mappings.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What is left to do in the new process: joins, and settings of the new namespaces.
pub(super) fn enter(config: &Config) -> Result<(), Failure> {
    let namespaces = &config.linux.namespaces;
    if namespaces.has(libc::CLONE_NEWUSER) {
        sys::cred::set_group(0).during("become", "group 0 of the user namespace")?;
        sys::cred::set_user(0).during("become", "user 0 of the user namespace")?;
    }
    if namespaces.new & libc::CLONE_NEWCGROUP != 0 {
        sys::process::unshare(libc::CLONE_NEWCGROUP).during("make", "a cgroup namespace")?;
    }
    for (kind, path) in &namespaces.joined {
        let file = sys::c_string(&**path).and_then(|path| sys::io::open(&path, libc::O_RDONLY));
        let file = file.during("open namespace", &**path)?;
        sys::process::join_namespace(file.as_fd(), *kind).during("join namespace", &**path)?;
    }
    if namespaces.new & libc::CLONE_NEWNET != 0 {
        sys::system::loopback_up().during("bring up", "the loopback interface")?;
    }
    if let Some(name) = &config.host_name {
        if !namespaces.has(libc::CLONE_NEWUTS) {
            return Err(Failure::new(
                "set",
                "the host name",
                "the container has no uts namespace of its own",
            ));
        }
        let set = sys::c_string(&**name).and_then(|name| sys::system::set_host_name(&name));
        set.during("set", "the host name")?;
    }
    Ok(())
}
