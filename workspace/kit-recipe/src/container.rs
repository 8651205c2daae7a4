//! What a service may do and see. A package gives defaults, an image's entry replaces them key by key.

use std::collections::BTreeMap;

use crate::Spanned;

/// `[container]` of a package, or the keys of an `[[onboot]]`, `[[service]]` or `[[onshutdown]]` entry.
///
/// A key that isn't written is `None`; where neither says anything, the default is the least privilege.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Container {
    /// Program and arguments; without it the container can't run.
    pub command: Option<Vec<String>>,
    /// Environment; default `PATH` alone.
    pub env: Option<BTreeMap<String, String>>,
    /// Working directory; default `/`.
    pub cwd: Option<String>,
    /// Numeric user; default 0.
    pub uid: Option<u32>,
    /// Numeric group; default 0.
    pub gid: Option<u32>,
    /// Further groups; default none.
    pub groups: Option<Vec<u32>>,
    /// `CAP_…` names; default none.
    pub capabilities: Option<Vec<Spanned<Capability>>>,
    /// Network namespace; default new, loopback only.
    pub net: Option<Namespace>,
    /// Process namespace; default new.
    pub pid: Option<Namespace>,
    /// IPC namespace; default new.
    pub ipc: Option<Namespace>,
    /// Host-name namespace; default new.
    pub uts: Option<Namespace>,
    /// Host name in its own namespace; default the container's name.
    pub hostname: Option<String>,
    /// `source:destination[:options]`; default none, options `ro,nosuid,nodev`.
    pub binds: Option<Vec<Spanned<Bind>>>,
    /// `/destination[:options]`; default none.
    pub tmpfs: Option<Vec<Spanned<Tmpfs>>>,
    /// Whether the root is read-only; default true.
    pub readonly: Option<bool>,
    /// Kernel settings of its namespaces.
    pub sysctl: Option<BTreeMap<String, String>>,
    /// System-call filter; default [`Seccomp::Default`].
    pub seccomp: Option<Seccomp>,
    /// What happens when it ends; default never.
    pub restart: Option<Restart>,
    /// Memory limit in bytes; default none.
    pub memory: Option<u64>,
    /// Limit on processes; default none.
    pub processes: Option<u64>,
}

/// A Linux capability, `CAP_…`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Capability(String);

/// All capabilities of Linux 6.1, in their numeric order.
pub const CAPABILITIES: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

impl Capability {
    /// Takes the name of a known capability.
    pub fn new(name: &str) -> Option<Self> {
        CAPABILITIES.contains(&name).then(|| Self(name.to_owned()))
    }

    /// Returns the name, `CAP_…`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whose namespace a container lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Namespace {
    /// One of its own.
    New,
    /// The host's.
    Host,
}

/// A host path made visible in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Absolute path on the host.
    pub source: String,
    /// Absolute path in the container.
    pub destination: String,
    /// Mount options; `ro`, `nosuid`, `nodev` when none are given.
    pub options: Vec<String>,
}

/// A file system in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tmpfs {
    /// Absolute path in the container.
    pub destination: String,
    /// Mount options; `nosuid`, `nodev`, `noexec` when none are given.
    pub options: Vec<String>,
}

/// Which system calls a container may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seccomp {
    /// The default profile.
    Default,
    /// All of them.
    Unconfined,
}

/// What happens when a service ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// It stays ended.
    Never,
    /// It starts again unless it ended with 0.
    OnFailure,
    /// It starts again.
    Always,
}
