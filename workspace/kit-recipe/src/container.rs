//! What a service may do and see, and when it runs. A package gives defaults, an image's entry replaces them key by key.

mod capability;
mod isolation;
mod mount;
mod process;
mod service;

use std::collections::BTreeMap;

pub use capability::{CAPABILITIES, Capability};
pub use isolation::{
    Device, DeviceKind, IdMap, Interface, Landlock, NAMESPACES, Namespace, PROPAGATIONS, Runtime, Seccomp,
    SeccompBase, SeccompRules,
};
pub use mount::{Bind, BindSource, Mount, Tmpfs};
pub use process::{Id, RESOURCES, Rlimit};
pub use service::{Failure, Health, Probe, Ready, Restart, SIGNALS};

use crate::Spanned;

macro_rules! container {
    ($($(#[$doc:meta])* $key:ident: $type:ty,)*) => {
        /// `[container]` of a package, `[defaults]` of an image, or the keys of an `[[onboot]]`, `[[service]]` or
        /// `[[onshutdown]]` entry.
        ///
        /// A key that isn't written is `None`; where nobody says anything, the default is the least privilege.
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct Container {
            $($(#[$doc])* pub $key: Option<$type>,)*
        }

        impl Container {
            /// Returns these keys, and those of `below` where one isn't written here, each as a whole.
            fn each_over(&self, below: &Self) -> Self {
                Self { $($key: self.$key.clone().or_else(|| below.$key.clone()),)* }
            }
        }
    };
}

container! {
    /// Program and arguments; without it the container can't run.
    command: Vec<String>,
    /// Environment; default `PATH` alone.
    env: BTreeMap<String, String>,
    /// Working directory; default `/`.
    cwd: String,
    /// User; default 0.
    uid: Spanned<Id>,
    /// Group; default 0.
    gid: Spanned<Id>,
    /// Further groups; default none.
    groups: Vec<Spanned<Id>>,
    /// `CAP_…` names; default none.
    capabilities: Vec<Spanned<Capability>>,
    /// Capabilities besides those that are said below, by a label, a package or the defaults; nothing beside
    /// `capabilities`.
    add_capabilities: Vec<Spanned<Capability>>,
    /// Capabilities that programs of users other than root keep; default all of `capabilities` unless the user is root.
    ambient: Vec<Spanned<Capability>>,
    /// Whether nothing that it executes gains privileges; default true.
    no_new_privileges: bool,
    /// How much the kernel prefers to kill it when memory runs out, -1000 to 1000; default the machine's.
    oom_score_adj: i32,
    /// Limits of its processes, by resource; default the machine's.
    rlimits: BTreeMap<String, Rlimit>,
    /// Network namespace; default new, loopback only.
    net: Namespace,
    /// Process namespace; default new.
    pid: Namespace,
    /// IPC namespace; default new.
    ipc: Namespace,
    /// Host-name namespace; default new.
    uts: Namespace,
    /// Control-group namespace; default new.
    cgroup: Namespace,
    /// User namespace; default the host's.
    user: Namespace,
    /// Users of its own user namespace.
    uid_map: Vec<IdMap>,
    /// Groups of its own user namespace.
    gid_map: Vec<IdMap>,
    /// Host name in its own namespace; default the container's name.
    hostname: String,
    /// `source:destination[:options]`; default none, options `ro,nosuid,nodev`.
    binds: Vec<Spanned<Bind>>,
    /// Binds besides those that are said below, by a label, a package or the defaults; nothing beside `binds`.
    add_binds: Vec<Spanned<Bind>>,
    /// `/destination[:options]`; default none.
    tmpfs: Vec<Spanned<Tmpfs>>,
    /// Further mounts; one at the destination of a usual one replaces it. Default none.
    mounts: Vec<Spanned<Mount>>,
    /// Paths that are hidden; default what tells about the whole machine.
    masked_paths: Vec<String>,
    /// Paths that can't be written; default what changes the whole machine.
    readonly_paths: Vec<String>,
    /// How mounts below its root are seen elsewhere, one of [`PROPAGATIONS`]; default `private`.
    root_propagation: String,
    /// Whether the root is read-only; default true.
    readonly: bool,
    /// Device nodes, and what its control group may use; default the harmless ones.
    devices: Vec<Device>,
    /// Kernel settings of its namespaces.
    sysctl: BTreeMap<String, String>,
    /// System-call filter; default [`Seccomp::Default`].
    seccomp: Seccomp,
    /// What it can reach of its files; default no further limit.
    landlock: Landlock,
    /// Profile of `AppArmor`; default none.
    apparmor: String,
    /// Memory limit in bytes; default none.
    memory: u64,
    /// Limit on processes; default none.
    processes: u64,
    /// Files of its control group (version 2), by name; default none.
    resources: BTreeMap<String, String>,
    /// Path of its control group; default one by its name.
    cgroups_path: String,
    /// Annotations of its OCI configuration.
    annotations: BTreeMap<String, String>,
    /// What is done around its start.
    runtime: Runtime,
    /// Whether the image's own `org.mobyproject.config` label counts; default false.
    label: bool,
    /// What happens when it ends; default never.
    restart: Restart,
    /// The first wait before a restart, in milliseconds; default one second. Each failure in a row doubles it.
    restart_wait: u64,
    /// How often in a row it starts again before it has failed for good; default without end.
    restart_limit: u64,
    /// What the machine does when it has failed for good; default stop for onboot, continue else.
    on_failure: Failure,
    /// Containers that are ready, or have ended, before it starts.
    after: Vec<Spanned<crate::Name>>,
    /// Containers that are ready before it starts; it doesn't start without them.
    requires: Vec<Spanned<crate::Name>>,
    /// When it counts as ready; default as soon as it runs.
    ready: Ready,
    /// How it is seen to be well; default not at all.
    health: Health,
    /// The signal that asks it to stop, one of [`SIGNALS`]; default `SIGTERM`.
    stop_signal: String,
    /// How long it may take to stop, in milliseconds; default ten seconds.
    stop_timeout: u64,
    /// How much of what it prints is kept in memory, in bytes; default 64 KiB.
    log_limit: u64,
    /// How long after its end it starts again, in milliseconds; default not at all.
    every: u64,
}

impl Container {
    /// Returns these keys, and those of `below` where one isn't written here: whole values, never joined, but for those
    /// that say that they are.
    #[must_use]
    pub fn over(&self, below: &Self) -> Self {
        let mut joined = self.each_over(below);
        (joined.capabilities, joined.add_capabilities) = join(
            [&self.capabilities, &self.add_capabilities],
            [&below.capabilities, &below.add_capabilities],
            |one, other| one.value == other.value,
        );
        (joined.binds, joined.add_binds) =
            join([&self.binds, &self.add_binds], [&below.binds, &below.add_binds], |one, other| {
                one.destination == other.destination
            });
        joined
    }

    /// Returns what holds when nothing is below: what was to be added is all that there is.
    #[must_use]
    pub fn settled(self) -> Self {
        let capabilities = self.capabilities.or(self.add_capabilities);
        let binds = self.binds.or(self.add_binds);
        Self { capabilities, binds, add_capabilities: None, add_binds: None, ..self }
    }
}

/// A list, and what is added to it.
type Joined<T> = (Option<Vec<T>>, Option<Vec<T>>);

/// Joins a list and what is added to it with those below; of two that are the same the upper one stays.
fn join<T: Clone>(
    [list, add]: [&Option<Vec<T>>; 2],
    [below, below_add]: [&Option<Vec<T>>; 2],
    same: fn(&T, &T) -> bool,
) -> Joined<T> {
    if list.is_some() {
        return (list.clone(), None);
    }
    let over = |below: &Vec<T>| {
        let add = add.as_deref().unwrap_or_default();
        let kept = below.iter().filter(|one| add.iter().all(|other| !same(one, other)));
        kept.chain(add).cloned().collect()
    };
    match (below, below_add) {
        (Some(below), _) => (Some(over(below)), None),
        (None, Some(below_add)) => (None, Some(over(below_add))),
        (None, None) => (None, add.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capabilities(names: &[&str]) -> Option<Vec<Spanned<Capability>>> {
        names.iter().map(|name| Some(Spanned::new(Capability::new(name)?, 0..0))).collect()
    }

    #[test]
    fn what_is_added_joins_what_is_below() {
        let label =
            Container { capabilities: capabilities(&["CAP_KILL", "CAP_CHOWN"]), ..Container::default() };
        let entry = Container {
            add_capabilities: capabilities(&["CAP_CHOWN", "CAP_FOWNER"]),
            ..Container::default()
        };
        let all = capabilities(&["CAP_KILL", "CAP_CHOWN", "CAP_FOWNER"]);
        let nothing = Container::default();
        assert_eq!(entry.over(&label).settled().capabilities, all);
        assert_eq!(entry.over(&nothing).over(&label).settled().capabilities, all);
        assert_eq!(entry.over(&nothing).settled().capabilities, entry.add_capabilities);
        assert_eq!(entry.over(&label).over(&label).settled().add_capabilities, None);
        let written = Container { capabilities: capabilities(&[]), ..entry };
        assert_eq!(written.over(&label).settled().capabilities, capabilities(&[]));
    }
}
