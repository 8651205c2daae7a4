//! Limits by cgroup v2, where the machine has handed a part of the tree to us.
//!
//! A group for the job is made beside our own or further up, in the nearest one that we may write to and whose children have the controllers
//! that the limits need. Nothing is switched on, and no process but the helper is moved.

use std::io::Write;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

use crate::job::Limits;

const PREFIX: &str = "kit-sandbox-";

/// A group of one job. Dropped without being removed, it is swept by a later job once its processes are gone.
#[derive(Debug)]
pub(crate) struct Cgroup {
    parent: Dir,
    group: Dir,
    name: String,
    memory: bool,
    processes: bool,
}

impl Cgroup {
    /// Makes a group with the limits and moves the process `pid` into it. `None` if there is no place for one, or none of the limits
    /// would hold there.
    pub(crate) fn create(limits: &Limits, pid: u32) -> Option<Self> {
        let wanted = [("memory", limits.memory_bytes), ("pids", limits.processes)];
        let wanted: Vec<&str> = wanted.into_iter().filter_map(|(name, limit)| limit.map(|_| name)).collect();
        let places = places()?;
        // A place that has all controllers is better than a nearer one that has only some.
        (1..=wanted.len()).rev().find_map(|least| {
            places.iter().find_map(|place| {
                let has = place.read_to_string("cgroup.subtree_control").ok()?;
                let count =
                    wanted.iter().filter(|name| has.split_whitespace().any(|word| word == **name)).count();
                if count < least { None } else { Self::create_in(place, limits, pid) }
            })
        })
    }

    fn create_in(parent: &Dir, limits: &Limits, pid: u32) -> Option<Self> {
        sweep(parent);
        let name = format!("{PREFIX}{pid}");
        parent.create_dir(&name).ok()?;
        let group = parent.open_dir(&name).ok()?;
        let set = |file: &str, value: Option<u64>| {
            value.is_some_and(|value| write(&group, file, &value.to_string()))
        };
        let memory = set("memory.max", limits.memory_bytes);
        if memory {
            // Kernels without swap accounting have no such file, and then no swap to limit.
            write(&group, "memory.swap.max", "0");
            write(&group, "memory.oom.group", "0");
        }
        // Supervisor and first process count too.
        let processes = set("pids.max", limits.processes.map(|processes| processes.saturating_add(2)));
        let moved = write(&group, "cgroup.procs", &pid.to_string());
        let cgroup = Self { parent: parent.try_clone().ok()?, group, name, memory, processes };
        if moved && (memory || processes) {
            return Some(cgroup);
        }
        cgroup.remove();
        None
    }

    pub(crate) fn limits_memory(&self) -> bool {
        self.memory
    }

    pub(crate) fn limits_processes(&self) -> bool {
        self.processes
    }

    /// Removes the group, in which no process is left, and says what the kernel counted.
    pub(crate) fn remove(self) -> Counted {
        let events = self.group.read_to_string("memory.events").unwrap_or_default();
        let killed =
            events.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|count| count != "0"));
        let peak = self.group.read_to_string("memory.peak").ok();
        // One that can't be removed yet is swept by a later job.
        self.parent.remove_dir(&self.name).ok();
        Counted { out_of_memory: killed, peak_bytes: peak.and_then(|text| text.trim().parse().ok()) }
    }
}

/// What the kernel counted of a group.
#[derive(Debug)]
pub(crate) struct Counted {
    /// Whether it killed a process for memory.
    pub(crate) out_of_memory: bool,
    /// Most memory of all processes together, where it was counted.
    pub(crate) peak_bytes: Option<u64>,
}

/// Removes groups whose job's supervisor, and so whose processes, are gone. The kernel refuses to remove any other.
fn sweep(parent: &Dir) {
    let Ok(entries) = parent.entries() else { return };
    for name in entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
        let Some(pid) = name
            .strip_prefix(PREFIX)
            .and_then(|pid| pid.parse().ok())
            .and_then(rustix::process::Pid::from_raw)
        else {
            continue;
        };
        if rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH) {
            parent.remove_dir(&name).ok();
        }
    }
}

/// Our own group and those above it, nearest first.
fn places() -> Option<Vec<Dir>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the kernel's process information is not in any directory of a caller's"
    )]
    let this = Dir::open_ambient_dir("/proc/self", ambient_authority()).ok()?;
    let top = mount_point(&this.read_to_string("mountinfo").ok()?)?;
    let own = own_group(&this.read_to_string("cgroup").ok()?)?;
    #[expect(
        clippy::disallowed_methods,
        reason = "the place of the cgroup file system is found in the line above"
    )]
    let top = Dir::open_ambient_dir(top, ambient_authority()).ok()?;
    let places = own.ancestors().map(|group| match group.to_str() {
        Some("") => top.try_clone(),
        _ => top.open_dir(group),
    });
    Some(places.flatten().collect())
}

/// Where cgroup v2 is mounted, with nothing hidden, by `/proc/self/mountinfo`.
fn mount_point(mountinfo: &str) -> Option<PathBuf> {
    mountinfo.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut fields = before.split(' ').skip(3);
        let (root, place) = (fields.next()?, fields.next()?);
        (root == "/" && after.starts_with("cgroup2 ")).then(|| PathBuf::from(place))
    })
}

/// Our group relative to the top, by `/proc/self/cgroup`.
fn own_group(cgroup: &str) -> Option<PathBuf> {
    let path = cgroup.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let outside = Path::new(path).components().any(|part| part == std::path::Component::ParentDir);
    (!outside).then(|| PathBuf::from(path))
}

fn write(group: &Dir, file: &str, value: &str) -> bool {
    let opened = group.open_with(file, OpenOptions::new().write(true));
    opened.and_then(|mut file| file.write_all(value.as_bytes())).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{mount_point, own_group};
    use std::path::{Path, PathBuf};

    #[test]
    fn finds_the_unified_tree() {
        let hybrid = "24 30 0:22 / /sys/fs/cgroup/memory rw shared:7 - cgroup cgroup rw,memory\n\
                      25 30 0:23 / /sys/fs/cgroup/unified rw,relatime shared:8 master:2 - cgroup2 cgroup2 rw\n";
        assert_eq!(mount_point(hybrid), Some(PathBuf::from("/sys/fs/cgroup/unified")));
        assert_eq!(mount_point("25 30 0:23 /part /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"), None);
        assert_eq!(mount_point("1 2"), None);
    }

    #[test]
    fn finds_the_own_group() {
        assert_eq!(
            own_group("4:memory:/x\n0::/user.slice/a.scope\n").as_deref(),
            Some(Path::new("user.slice/a.scope"))
        );
        assert_eq!(own_group("0::/\n").as_deref(), Some(Path::new("")));
        assert_eq!(own_group("0::/../other\n"), None);
        assert_eq!(own_group("4:memory:/x\n"), None);
    }
}
