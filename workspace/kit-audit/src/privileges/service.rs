//! A container, and what it may do.

use std::collections::{BTreeMap, BTreeSet};

use kit_tree::TreePath;

/// When a container runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Before everything else.
    Onboot,
    /// As long as the machine runs.
    Service,
    /// Before the machine ends.
    Onshutdown,
}

impl Class {
    /// All of them, in the order in which they run.
    pub const ALL: [Self; 3] = [Self::Onboot, Self::Service, Self::Onshutdown];

    /// Returns the name of the directory with its containers.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Onboot => "onboot",
            Self::Service => "services",
            Self::Onshutdown => "onshutdown",
        }
    }

    /// Returns the section of a recipe that its containers are written in.
    pub fn section(self) -> &'static str {
        match self {
            Self::Onboot => "onboot",
            Self::Service => "service",
            Self::Onshutdown => "onshutdown",
        }
    }
}

/// What a container may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// What it is called.
    pub name: String,
    /// When it runs.
    pub class: Class,
    /// Its directory in the root.
    pub directory: TreePath,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Whom it runs as.
    pub user: User,
    /// Its capabilities.
    pub capabilities: Capabilities,
    /// Whether nothing that it executes gains privileges.
    pub no_new_privileges: bool,
    /// Whose namespaces it lives in.
    pub namespaces: BTreeMap<Namespace, Whose>,
    /// What is mounted in it, in order.
    pub mounts: Vec<Mount>,
    /// Device nodes in its `/dev` beside the harmless ones.
    pub devices: Vec<Device>,
    /// Devices that its control group lets it use, with a node or without.
    pub allowed_devices: Vec<AllowedDevice>,
    /// Whether its root can't be written.
    pub read_only_root: bool,
    /// How mounts below its root are seen elsewhere.
    pub propagation: Option<String>,
    /// Which system calls it may make.
    pub seccomp: Seccomp,
    /// What it reaches of its files: lists of paths by what may be done beneath them; none is no further limit.
    pub landlock: Option<BTreeMap<String, Vec<String>>>,
    /// Its profile of `AppArmor`.
    pub apparmor: Option<String>,
    /// Paths that kit hides unless a recipe says otherwise, and that it sees.
    pub unmasked: Vec<String>,
    /// Paths that kit makes read-only unless a recipe says otherwise, and that it can write.
    pub writable: Vec<String>,
    /// Limits of its control group.
    pub limits: Limits,
    /// Limits of its processes: what holds, and how far they can raise it.
    pub rlimits: BTreeMap<String, (u64, u64)>,
    /// Kernel settings of its namespaces.
    pub sysctl: BTreeMap<String, String>,
    /// What happens when it ends: `never`, `on-failure` or `always`.
    pub restart: String,
    /// What is done on the machine around its start, a line each.
    pub around: Vec<String>,
}

impl Service {
    /// Returns the place of its OCI configuration.
    pub fn config(&self) -> TreePath {
        let name = "/config.json".parse().expect("because it is a constant path");
        self.directory.append(&name).unwrap_or_else(|_| self.directory.clone())
    }

    /// Whose namespace of a kind it lives in.
    pub fn whose(&self, namespace: Namespace) -> &Whose {
        self.namespaces.get(&namespace).unwrap_or(&Whose::Machine)
    }

    /// Whether its namespace of a kind is the machine's.
    pub fn shares(&self, namespace: Namespace) -> bool {
        *self.whose(namespace) == Whose::Machine
    }

    /// Whether its user is root of the machine.
    pub fn is_root(&self) -> bool {
        self.user.uid == 0 && self.shares(Namespace::User)
    }
}

/// Whom a container runs as.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct User {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Further groups.
    pub groups: Vec<u32>,
}

/// The sets of capabilities of a container, capabilities(7).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// What it and all that it starts can ever have.
    pub bounding: BTreeSet<String>,
    /// What it has at once.
    pub effective: BTreeSet<String>,
    /// What it can make effective.
    pub permitted: BTreeSet<String>,
    /// What programs with capabilities of their own may take over.
    pub inheritable: BTreeSet<String>,
    /// What programs without any keep.
    pub ambient: BTreeSet<String>,
}

impl Capabilities {
    /// Returns each capability with the sets that it is in, by name.
    pub fn sets(&self) -> BTreeMap<&str, Vec<&'static str>> {
        let Self { bounding, effective, permitted, inheritable, ambient } = self;
        let sets = [
            ("bounding", bounding),
            ("effective", effective),
            ("permitted", permitted),
            ("inheritable", inheritable),
            ("ambient", ambient),
        ];
        let mut all: BTreeMap<&str, Vec<&'static str>> = BTreeMap::new();
        for (set, names) in sets {
            for name in names {
                all.entry(name).or_default().push(set);
            }
        }
        all
    }
}

/// A kind of namespace, namespaces(7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Namespace {
    /// Interfaces, ports, firewalls.
    Net,
    /// Processes.
    Pid,
    /// Shared memory, message queues.
    Ipc,
    /// The host name.
    Uts,
    /// Control groups.
    Cgroup,
    /// Users and capabilities.
    User,
    /// Mounts.
    Mount,
}

impl Namespace {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 7] =
        [Self::Net, Self::Pid, Self::Ipc, Self::Uts, Self::Cgroup, Self::User, Self::Mount];

    /// Returns the key of a recipe.
    pub fn word(self) -> &'static str {
        match self {
            Self::Net => "net",
            Self::Pid => "pid",
            Self::Ipc => "ipc",
            Self::Uts => "uts",
            Self::Cgroup => "cgroup",
            Self::User => "user",
            Self::Mount => "mount",
        }
    }

    /// Reads the type of the OCI runtime specification.
    pub(super) fn from_oci(word: &str) -> Option<Self> {
        match word {
            "network" => Some(Self::Net),
            other => Self::ALL.into_iter().find(|namespace| namespace.word() == other),
        }
    }
}

/// Whose a namespace is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// The container's own.
    Own,
    /// The machine's.
    Machine,
    /// The one that is kept at a path.
    Kept(String),
}

/// Something that is mounted in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where in the container.
    pub destination: String,
    /// What.
    pub what: Mounted,
    /// Whether it can be written.
    pub access: Access,
    /// Whether device nodes in it work.
    pub devices: Devices,
    /// How it spreads, where that isn't as usual.
    pub propagation: Option<String>,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mounted {
    /// A path of the machine.
    Bind(String),
    /// A file system.
    FileSystem {
        /// Its type.
        kind: String,
        /// The device, where it has one, or any word.
        source: String,
    },
}

/// Whether something can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// It can't.
    ReadOnly,
    /// It can.
    ReadWrite,
}

impl Access {
    /// Returns the word of mount(8).
    pub fn word(self) -> &'static str {
        match self {
            Self::ReadOnly => "ro",
            Self::ReadWrite => "rw",
        }
    }
}

/// Whether device nodes of a mount work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Devices {
    /// They do.
    Work,
    /// They don't.
    Ignored,
}

/// A device node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Where in the container.
    pub path: String,
    /// `c`, `b` or `p`, as mknod(1) has it; `u` is a character device too.
    pub kind: String,
    /// Major number.
    pub major: i64,
    /// Minor number.
    pub minor: i64,
}

/// Devices that a control group lets a container use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedDevice {
    /// `c`, `b`, or `a` for both.
    pub kind: String,
    /// Major number; none is any.
    pub major: Option<i64>,
    /// Minor number; none is any.
    pub minor: Option<i64>,
    /// What may be done, of `rwm`: read, write, make nodes.
    pub access: String,
}

/// Which system calls a container may make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seccomp {
    /// All of them.
    Unconfined,
    /// Those of kit's own profile for its capabilities.
    Default,
    /// Others.
    Own {
        /// Calls that it allows and kit's own doesn't, sorted.
        more: Vec<String>,
        /// How many calls kit's own allows and it doesn't.
        fewer: usize,
    },
}

/// Limits of a control group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits {
    /// Memory in bytes.
    pub memory: Option<i64>,
    /// Processes.
    pub processes: Option<i64>,
    /// Files of the control group, by name.
    pub files: BTreeMap<String, String>,
}
