//! Control groups of version 2: one for each container.

use std::os::fd::OwnedFd;

use crate::config::Setting;
use crate::error::{During, Failure};
use crate::files;
use crate::sys;

/// Controllers that containers' limits need.
const CONTROLLERS: [&str; 5] = ["cpu", "cpuset", "io", "memory", "pids"];

/// The mounted hierarchy.
#[derive(Clone, Debug)]
pub(crate) struct Hierarchy {
    root: &'static str,
}

impl Hierarchy {
    /// The hierarchy at `/sys/fs/cgroup`, if there is one of version 2. One that belongs to somebody else is as good as none: a
    /// container with limits is refused then.
    pub(crate) fn find() -> Option<Self> {
        let root = "/sys/fs/cgroup";
        if !files::is_other(&format!("{root}/cgroup.controllers"))
            || !files::can_write(&format!("{root}/cgroup.procs"))
        {
            return None;
        }
        // In a container the root is a group like any other: it hands nothing down while processes are in it.
        if files::is_other(&format!("{root}/cgroup.type")) {
            let own = format!("{root}/kit-init");
            files::make_directory(&own).ok()?;
            let _ = files::write_existing(&format!("{own}/cgroup.procs"), "0");
        }
        Some(Self { root })
    }

    /// Makes the group `path` with the given settings. Every group above it hands its controllers down.
    pub(crate) fn make(&self, path: &str, settings: &[Setting]) -> Result<Group, Failure> {
        let mut group = Group { path: self.root.to_owned() };
        for name in path.split('/').filter(|name| !name.is_empty()) {
            for controller in CONTROLLERS {
                // A controller that the kernel lacks shows when a setting needs it.
                let _ =
                    files::write_existing(&group.file("cgroup.subtree_control"), &format!("+{controller}"));
            }
            group.path = group.file(name);
            files::make_directory(&group.path).during("make control group", &*group.path)?;
        }
        // Left over from an earlier run of the container, with its limits and counters.
        if files::remove_directory(&group.path).is_ok() {
            files::make_directory(&group.path).during("make control group", &*group.path)?;
        }
        for Setting { file, value } in settings {
            let path = group.file(file);
            files::write_existing(&path, value).during("write", format!("{value:?} to {path}"))?;
        }
        Ok(group)
    }
}

/// A container's group.
#[derive(Debug)]
pub(crate) struct Group {
    path: String,
}

impl Group {
    /// Its directory.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.path)
    }

    /// The group as a descriptor, to start a process in it.
    pub(crate) fn open(&self) -> Result<OwnedFd, Failure> {
        let flags = libc::O_PATH | libc::O_DIRECTORY;
        let path = sys::c_string(&*self.path);
        path.and_then(|path| sys::io::open(&path, flags)).during("open control group", &*self.path)
    }

    /// How many processes of the group the kernel has killed because the group's memory was used up.
    pub(crate) fn killed_for_memory(&self) -> u64 {
        files::read_text(&self.file("memory.events")).map_or(0, |text| oom_kills(&text))
    }

    /// A descriptor that becomes readable when that number may have changed.
    pub(crate) fn watch_memory(&self) -> Option<OwnedFd> {
        let path = sys::c_string(self.file("memory.events")).ok()?;
        sys::device::watch_file(&path).ok()
    }

    /// Kills all that is left in the group and removes it, as far as that is possible at once.
    pub(crate) fn remove(self) {
        let _ = files::write_existing(&self.file("cgroup.kill"), "1");
        let _ = files::remove_directory(&self.path);
    }
}

fn oom_kills(events: &str) -> u64 {
    let count = events.lines().find_map(|line| line.strip_prefix("oom_kill "));
    count.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_kills_for_memory() {
        assert_eq!(oom_kills("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n"), 2);
        assert_eq!(oom_kills("oom_kill x"), 0);
        assert_eq!(oom_kills(""), 0);
    }
}
