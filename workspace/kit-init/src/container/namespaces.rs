//! Namespaces: new ones, joined ones, and the ids of user namespaces.

use std::os::fd::{AsFd, OwnedFd};

use super::Groups;
use crate::config::{Config, IdMapping, Linux, Namespaces};
use crate::error::{During, Failure};
use crate::files;
use crate::sys::{self, Errno};

/// All kinds, as `/proc/PID/ns` calls them.
pub(super) const KINDS: [(&str, i32); 7] = [
    ("user", libc::CLONE_NEWUSER),
    ("cgroup", libc::CLONE_NEWCGROUP),
    ("ipc", libc::CLONE_NEWIPC),
    ("uts", libc::CLONE_NEWUTS),
    ("net", libc::CLONE_NEWNET),
    ("pid", libc::CLONE_NEWPID),
    ("mnt", libc::CLONE_NEWNS),
];

/// The flags with which the container's process is cloned. The control group namespace comes later: its root is the
/// group that the process is in when it is made.
pub(super) fn clone_flags(namespaces: &Namespaces) -> u64 {
    u64::from((namespaces.new & !libc::CLONE_NEWCGROUP).unsigned_abs())
}

/// The namespaces that are joined before the container's process is cloned. The control group namespace comes later: from
/// inside of it, a process can't be started in a group that is outside.
pub(super) fn places(namespaces: &Namespaces) -> Vec<(i32, String)> {
    namespaces.joined.iter().filter(|(kind, _)| *kind != libc::CLONE_NEWCGROUP).cloned().collect()
}

/// A namespace that is open, to be joined.
struct Door<'a> {
    kind: i32,
    path: &'a str,
    file: OwnedFd,
}

impl<'a> Door<'a> {
    fn open(kind: i32, path: &'a str) -> Result<Self, Failure> {
        // Whatever is there: a named pipe that nobody writes must not keep the machine waiting.
        let flags = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY;
        let file = sys::c_string(path).and_then(|path| sys::io::open(&path, flags));
        Ok(Self { kind, path, file: file.during("open namespace", path)? })
    }

    fn pass(&self) -> Result<(), Errno> {
        sys::process::join_namespace(self.file.as_fd(), self.kind)
    }

    /// Says why this namespace can't be joined.
    fn refusal(&self, errno: Errno) -> Failure {
        let name = |kind| KINDS.iter().find(|(_, flag)| *flag == kind).map_or("another", |(name, _)| *name);
        let wanted = name(self.kind);
        let why = match sys::process::namespace_kind(self.file.as_fd()) {
            Err(_) => "it is no namespace".to_owned(),
            Ok(kind) if kind != self.kind => {
                format!("it is a namespace of kind {}, not {wanted}", name(kind))
            }
            Ok(libc::CLONE_NEWUSER) if errno.0 == libc::EINVAL => "it is the machine's own".to_owned(),
            Ok(_) => errno.to_string(),
        };
        Failure::new("join namespace", self.path, why)
    }
}

/// Joins namespaces: kind and path of each.
///
/// In a user namespace, the machine's root may no longer join what belongs to the machine; another user may join nothing
/// before, but then what belongs to the user namespace. So this one is joined as soon as no more of the others can be.
pub(super) fn join(places: &[(i32, String)]) -> Result<(), Failure> {
    let doors: Vec<_> =
        places.iter().map(|(kind, path)| Door::open(*kind, path)).collect::<Result<_, _>>()?;
    let (users, others): (Vec<_>, Vec<_>) =
        doors.into_iter().partition(|door| door.kind == libc::CLONE_NEWUSER);
    let mut later = Vec::new();
    for door in others {
        match door.pass() {
            Err(Errno(libc::EPERM)) if !users.is_empty() => later.push(door),
            passed => passed.map_err(|errno| door.refusal(errno))?,
        }
    }
    users.iter().chain(&later).try_for_each(|door| door.pass().map_err(|errno| door.refusal(errno)))
}

/// Becomes root of the user namespace that this process has come into.
pub(super) fn become_root() -> Result<(), Failure> {
    let mapped = |became, who: &str| match became {
        Err(Errno(libc::EINVAL)) => Err(Failure::new("become", who, "the namespace has no such id")),
        became => became.during("become", who),
    };
    mapped(sys::cred::set_group(0), "group 0 of the user namespace")?;
    mapped(sys::cred::set_user(0), "user 0 of the user namespace")
}

/// Maps the ids of a new user namespace; the parent does it, from outside.
pub(super) fn map_ids(pid: i32, linux: &Linux) -> Result<(), Failure> {
    if linux.namespaces.new & libc::CLONE_NEWUSER == 0 {
        return Ok(());
    }
    let write = |file: &str, text: &str| {
        let path = format!("/proc/{pid}/{file}");
        files::write_existing(&path, text).during("write", path)
    };
    // An ordinary user may map groups only where nobody can leave one.
    if sys::cred::effective_user() != 0 {
        write("setgroups", "deny")?;
    }
    write("uid_map", &map_text(&linux.user_mappings))?;
    write("gid_map", &map_text(&linux.group_mappings))
}

/// Whether a process can set its groups, by its entry in the machine's `/proc`; asked when its ids are mapped.
pub(super) fn groups(process: &str) -> Groups {
    let text = files::read_text(&format!("/proc/{process}/setgroups"));
    if text.is_ok_and(|text| text.trim() == "deny") { Groups::Fixed } else { Groups::Free }
}

/// The user and group of the container's program as the machine sees them; those that aren't mapped stay as they are, and
/// becoming them fails.
pub(super) fn owner_outside(pid: i32, config: &Config) -> (u32, u32) {
    let user = &config.process.user;
    if !config.linux.namespaces.has(libc::CLONE_NEWUSER) {
        return (user.uid, user.gid);
    }
    let map = |name| files::read_text(&format!("/proc/{pid}/{name}")).unwrap_or_default();
    (outside(user.uid, &map("uid_map")), outside(user.gid, &map("gid_map")))
}

/// What an id of a user namespace is outside, by its map in `/proc`.
fn outside(id: u32, map: &str) -> u32 {
    let found = map.lines().find_map(|line| {
        let numbers: Vec<u32> = line.split_whitespace().map_while(|number| number.parse().ok()).collect();
        let [first, outside, count] = numbers[..] else { return None };
        let place = id.checked_sub(first).filter(|place| *place < count)?;
        outside.checked_add(place)
    });
    found.unwrap_or(id)
}

fn map_text(mappings: &[IdMapping]) -> String {
    let line = |map: &IdMapping| format!("{} {} {}", map.container, map.host, map.size);
    mappings.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What is left to do in the new process: namespaces of control groups, and settings of the new ones.
pub(super) fn enter(config: &Config) -> Result<(), Failure> {
    let namespaces = &config.linux.namespaces;
    if namespaces.has(libc::CLONE_NEWUSER) {
        become_root()?;
    }
    if namespaces.new & libc::CLONE_NEWCGROUP != 0 {
        sys::process::unshare(libc::CLONE_NEWCGROUP).during("make", "a cgroup namespace")?;
    }
    let group = |(kind, _): &&(i32, String)| *kind == libc::CLONE_NEWCGROUP;
    join(&namespaces.joined.iter().filter(group).cloned().collect::<Vec<_>>())?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_outside() {
        let map = "         0     100000       1000\n      2000       3000          1\n";
        assert_eq!([0, 999, 2000].map(|id| outside(id, map)), [100_000, 100_999, 3000]);
        assert_eq!([1000, 2001].map(|id| outside(id, map)), [1000, 2001]);
        assert_eq!(outside(7, "0 4294967295 4294967295"), 7);
        assert_eq!([outside(7, ""), outside(7, "0 x 9"), outside(7, "0 1")], [7, 7, 7]);
    }
}
