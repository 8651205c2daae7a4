//! Namespaces, devices, filters, and what is done around the start of a container.

use std::collections::BTreeMap;

use super::Mount;

/// Whose namespace a container lives in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Namespace {
    /// One of its own.
    New,
    /// The host's.
    Host,
    /// The one at an absolute path of the machine.
    Path(String),
}

/// The kinds of namespaces that can be kept at a path, as `/proc/PID/ns` calls them.
pub const NAMESPACES: [&str; 7] = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];

/// How mounts spread, `mount_namespaces(7)`.
pub const PROPAGATIONS: [&str; 8] =
    ["private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable"];

/// A range of users or groups in a user namespace, `user_namespaces(7)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdMap {
    /// The first one inside.
    pub container: u32,
    /// The first one outside.
    pub host: u32,
    /// How many.
    pub size: u32,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Absolute path in the container; none where no node is made and a whole class is allowed.
    pub path: Option<String>,
    /// What it is.
    pub kind: DeviceKind,
    /// Major number; none is any, of a class.
    pub major: Option<u32>,
    /// Minor number; none is any, of a class.
    pub minor: Option<u32>,
    /// Permission bits of the node.
    pub mode: u32,
    /// Owner of the node.
    pub uid: u32,
    /// Group of the node.
    pub gid: u32,
    /// What may be done with it, of `rwm`: read, write, make nodes.
    pub access: String,
}

/// What a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// `c`: character device.
    Character,
    /// `b`: block device.
    Block,
    /// `p`: named pipe.
    Pipe,
    /// `a`: character and block devices, of a class.
    All,
}

impl DeviceKind {
    /// Returns the letter of mknod(1).
    pub fn letter(self) -> &'static str {
        match self {
            Self::Character => "c",
            Self::Block => "b",
            Self::Pipe => "p",
            Self::All => "a",
        }
    }
}

/// Which system calls a container may make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seccomp {
    /// The default profile.
    Default,
    /// All of them.
    Unconfined,
    /// A profile of its own.
    Own(SeccompRules),
}

/// A profile: what it starts from, and what differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeccompRules {
    /// What it starts from.
    pub base: SeccompBase,
    /// Calls that are allowed besides.
    pub allow: Vec<String>,
    /// Calls that are refused all the same.
    pub deny: Vec<String>,
}

/// What a profile starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeccompBase {
    /// The default profile.
    Default,
    /// No call at all.
    None,
}

/// The files that a container reaches, landlock(7): beneath each path what its list says, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Landlock {
    /// Read files, list directories.
    pub read: Vec<String>,
    /// Read, change, make and remove.
    pub write: Vec<String>,
    /// Read and execute.
    pub execute: Vec<String>,
}

/// What is done on the machine around the start of a container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Runtime {
    /// Control groups that are made.
    pub cgroups: Vec<String>,
    /// Directories that are made; a relative path is in the container's root.
    pub mkdir: Vec<String>,
    /// Mounts on the machine, before it starts.
    pub mounts: Vec<Mount>,
    /// Network interfaces that it gets.
    pub interfaces: Vec<Interface>,
    /// Where its namespaces are kept, by kind; see [`NAMESPACES`].
    pub bind_namespaces: BTreeMap<String, String>,
}

/// A network interface of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// What kind is made, ip-link(8); none where the machine's is moved.
    pub add: Option<String>,
    /// The name of the other end, of a pair.
    pub peer: Option<String>,
    /// Whether it is made on the machine and then moved, not in the container.
    pub create_in_root: bool,
}
