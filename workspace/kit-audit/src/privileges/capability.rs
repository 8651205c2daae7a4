//! How dangerous each capability is, and why: what whoever takes over the container can do to the rest of the machine with it.

use super::service::{Namespace, Service};
use crate::finding::Severity::{self, High, Low, Medium, Note};

/// A capability's danger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Danger {
    /// Its name.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it lets do.
    pub reason: &'static str,
    /// The namespace that keeps it small when the container has its own.
    pub within: Option<Namespace>,
}

const fn danger(name: &'static str, severity: Severity, reason: &'static str) -> Danger {
    Danger { name, severity, reason, within: None }
}

const fn kept(within: Namespace, name: &'static str, severity: Severity, reason: &'static str) -> Danger {
    Danger { name, severity, reason, within: Some(within) }
}

/// All capabilities that kit knows, in their numeric order.
pub const DANGERS: [Danger; 41] = [
    danger("CAP_CHOWN", Medium, "gives any file that it sees to anybody"),
    danger("CAP_DAC_OVERRIDE", Medium, "reads and writes any file that it sees, whatever its mode says"),
    danger(
        "CAP_DAC_READ_SEARCH",
        High,
        "opens files by handles, which leads out of its root to any file of the machine",
    ),
    danger("CAP_FOWNER", Medium, "changes the modes of files of others"),
    danger("CAP_FSETID", Low, "keeps set-user-id bits on files that it changes"),
    kept(Namespace::Pid, "CAP_KILL", Medium, "stops processes of others"),
    danger("CAP_SETGID", Low, "becomes any group"),
    danger("CAP_SETUID", Low, "becomes any user"),
    danger("CAP_SETPCAP", Low, "hands its capabilities on"),
    danger("CAP_LINUX_IMMUTABLE", Low, "makes files that nobody can change, and such files changeable"),
    kept(Namespace::Net, "CAP_NET_BIND_SERVICE", Low, "takes ports below 1024, which others trust"),
    kept(Namespace::Net, "CAP_NET_BROADCAST", Low, "sends to everybody in the network"),
    kept(Namespace::Net, "CAP_NET_ADMIN", High, "changes interfaces, addresses, routes and firewalls"),
    kept(Namespace::Net, "CAP_NET_RAW", Medium, "reads and forges packets"),
    danger("CAP_IPC_LOCK", Low, "locks memory that others need"),
    kept(Namespace::Ipc, "CAP_IPC_OWNER", Medium, "reads and changes shared memory of others"),
    danger("CAP_SYS_MODULE", High, "loads code into the kernel"),
    danger("CAP_SYS_RAWIO", High, "reads and writes the machine's memory and ports"),
    danger("CAP_SYS_CHROOT", Low, "changes its root, which other mistakes turn into a way out"),
    kept(Namespace::Pid, "CAP_SYS_PTRACE", High, "reads and changes the memory of processes of others"),
    danger("CAP_SYS_PACCT", Low, "turns the accounting of processes on and off"),
    danger(
        "CAP_SYS_ADMIN",
        High,
        "mounts, joins namespaces and much more: it is as good as root of the machine",
    ),
    kept(Namespace::Pid, "CAP_SYS_BOOT", Medium, "restarts the machine, or loads another kernel"),
    danger("CAP_SYS_NICE", Low, "takes processor time from others"),
    danger("CAP_SYS_RESOURCE", Low, "goes beyond limits and quotas"),
    danger(
        "CAP_SYS_TIME",
        Medium,
        "sets the machine's clock, by which certificates are valid and logs are in order",
    ),
    danger("CAP_SYS_TTY_CONFIG", Low, "takes over terminals of others"),
    danger(
        "CAP_MKNOD",
        Medium,
        "makes nodes of devices, which lead to disks and memory where nothing forbids them",
    ),
    danger("CAP_LEASE", Note, "delays others who open a file"),
    danger("CAP_AUDIT_WRITE", Low, "writes into the kernel's audit log"),
    danger("CAP_AUDIT_CONTROL", Medium, "turns the kernel's audit log off"),
    danger("CAP_SETFCAP", Medium, "gives capabilities to programs"),
    danger("CAP_MAC_OVERRIDE", High, "passes by mandatory access control"),
    danger("CAP_MAC_ADMIN", High, "changes the rules of mandatory access control"),
    danger("CAP_SYSLOG", Medium, "reads the kernel's messages and addresses"),
    danger("CAP_WAKE_ALARM", Note, "wakes the machine up"),
    danger("CAP_BLOCK_SUSPEND", Note, "keeps the machine awake"),
    danger("CAP_AUDIT_READ", Low, "reads the kernel's audit log"),
    danger("CAP_PERFMON", Medium, "observes the kernel and processes of others"),
    danger("CAP_BPF", High, "loads programs into the kernel"),
    danger(
        "CAP_CHECKPOINT_RESTORE",
        Medium,
        "chooses numbers of processes, and follows links of others in `/proc`",
    ),
];

/// Returns the danger of a capability; a name that kit doesn't know is taken for a bad one.
pub fn of(name: &str) -> Danger {
    let unknown =
        Danger { name: "", severity: High, reason: "kit doesn't know what it lets do", within: None };
    DANGERS.into_iter().find(|danger| danger.name == name).unwrap_or(unknown)
}

/// Returns how bad a capability is in a container: one step less where a namespace of its own keeps it small, and one less where all that
/// it has holds in a user namespace of its own only.
pub fn severity(danger: &Danger, service: &Service) -> Severity {
    let own = |namespace: Namespace| !service.shares(namespace);
    let steps = u8::from(danger.within.is_some_and(own)) + u8::from(own(Namespace::User));
    (0..steps).fold(danger.severity, |severity, _| less(severity))
}

/// Returns the next less bad one.
pub(super) fn less(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => High,
        High => Medium,
        Medium => Low,
        Low | Note => Note,
    }
}
