//! Sets of Linux capabilities.

use crate::json::{Node, Problem};

/// Capability n is the n-th name, `include/uapi/linux/capability.h`.
const NAMES: [&str; 41] = [
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

/// The five sets of `process.capabilities`; bit n of a set is capability n. All empty if it is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// What the process and its descendants can ever gain.
    pub(crate) bounding: u64,
    /// What it can do.
    pub(crate) effective: u64,
    /// What a program with file capabilities may take over.
    pub(crate) inheritable: u64,
    /// What it can make effective.
    pub(crate) permitted: u64,
    /// What survives the execution of a program for users other than root.
    pub(crate) ambient: u64,
}

impl Capabilities {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, Problem> {
        Ok(Self {
            bounding: read_set(&node.get("bounding"))?,
            effective: read_set(&node.get("effective"))?,
            inheritable: read_set(&node.get("inheritable"))?,
            permitted: read_set(&node.get("permitted"))?,
            ambient: read_set(&node.get("ambient"))?,
        })
    }
}

fn read_set(node: &Node<'_>) -> Result<u64, Problem> {
    let mut set = 0;
    for item in node.items()? {
        let name = item.required_text()?;
        let number = NAMES.iter().position(|known| *known == name);
        set |= 1 << number.ok_or_else(|| item.problem(format!("no capability is named `{name}`")))?;
    }
    Ok(set)
}
