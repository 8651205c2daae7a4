//! What a container has beyond the least.

use kit_recipe::container::CAPABILITIES;

use super::service::{AllowedDevice, Mount, Mounted, Namespace, Seccomp, Service, Whose};
use super::written::Privilege;
use super::{capability, device, path};
use crate::finding::{Area, Kind, Severity};

const fn kind(id: &'static str, severity: Severity, title: &'static str, help: &'static str) -> Kind {
    Kind { id, area: Area::Privileges, severity, title, help }
}

const CAPABILITY: Kind = kind(
    "privilege-capability",
    Severity::Medium,
    "a service has a capability",
    "take it from `capabilities` unless the program needs it",
);
const NAMESPACE: Kind = kind(
    "privilege-host-namespace",
    Severity::Medium,
    "a service lives in a namespace that isn't its own",
    "give it one of its own, by `\"new\"`, unless it needs what it shares",
);
const MOUNT: Kind = kind(
    "privilege-host-mount",
    Severity::Medium,
    "a service sees files of the machine",
    "bind what it needs and no more, read-only where it only reads, or a volume instead",
);
const PROPAGATION: Kind = kind(
    "privilege-mount-propagation",
    Severity::Medium,
    "what a service mounts is seen elsewhere",
    "leave `root-propagation` out unless it mounts for others",
);
const DEVICE: Kind = kind(
    "privilege-device",
    Severity::Medium,
    "a service uses a device",
    "name the devices that it needs and no more, with as little `access` as it needs",
);
const NO_SECCOMP: Kind = kind(
    "privilege-no-seccomp",
    Severity::Medium,
    "a service may make every system call",
    "leave `seccomp` out, or write a table that allows what it needs besides",
);
const SECCOMP: Kind = kind(
    "privilege-seccomp",
    Severity::Low,
    "a service may make more system calls than usual",
    "allow the calls that it needs and no more",
);
const NEW_PRIVILEGES: Kind = kind(
    "privilege-new-privileges",
    Severity::Low,
    "what a service executes may gain privileges",
    "leave `no-new-privileges` out unless it needs set-user-id programs",
);
pub(super) const ROOT_USER: Kind = kind(
    "privilege-root-user",
    Severity::Note,
    "a service runs as root",
    "give it a user of its own by `uid` and `gid`, such as its own name",
);
const WRITABLE_ROOT: Kind = kind(
    "privilege-writable-root",
    Severity::Low,
    "a service can write to its root",
    "leave `readonly` out, and give it a `tmpfs` or a volume where it writes",
);
const EXPOSED: Kind = kind(
    "privilege-exposed-path",
    Severity::Low,
    "a service sees or writes what tells about, or changes, the whole machine",
    "leave `masked-paths` and `readonly-paths` out, or write the usual ones with the others",
);
/// A configuration that can't be read.
pub(super) const UNREADABLE: Kind = kind(
    "privilege-unreadable",
    Severity::High,
    "nobody can tell what a service may do",
    "build the image anew; kit's init refuses such a container too",
);

/// The kinds of findings about privileges.
pub const KINDS: &[Kind] = &[
    CAPABILITY,
    NAMESPACE,
    MOUNT,
    PROPAGATION,
    DEVICE,
    NO_SECCOMP,
    SECCOMP,
    NEW_PRIVILEGES,
    ROOT_USER,
    WRITABLE_ROOT,
    EXPOSED,
    UNREADABLE,
];

/// Something that a container has beyond the least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What kind of finding it is.
    pub kind: &'static Kind,
    /// What, in a word: `CAP_SYS_ADMIN`, `net`, `/etc`.
    pub what: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it is, in a sentence.
    pub message: String,
    /// Why it matters.
    pub reason: String,
    /// What a recipe says.
    pub privilege: Privilege,
}

impl Difference {
    fn new(
        kind: &'static Kind,
        what: impl Into<String>,
        message: String,
        reason: impl Into<String>,
        privilege: Privilege,
    ) -> Self {
        Self { kind, what: what.into(), severity: kind.severity, message, reason: reason.into(), privilege }
    }

    fn weighing(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }
}

/// Returns what a container has beyond what kit gives to one whose recipe says nothing.
pub fn differences(service: &Service) -> Vec<Difference> {
    let mut all = capabilities(service);
    all.extend(Namespace::ALL.into_iter().filter_map(|namespace| of_namespace(service, namespace)));
    all.extend(service.mounts.iter().filter_map(|mount| of_mount(service, mount)));
    all.extend(propagations(service));
    all.extend(devices(service));
    all.extend(seccomp(service));
    all.extend(process(service));
    all.extend(exposed(service));
    all
}

fn capabilities(service: &Service) -> Vec<Difference> {
    let name = &service.name;
    let sets = service.capabilities.sets();
    if CAPABILITIES.iter().all(|capability| sets.contains_key(capability)) {
        let severity = capability::severity(&capability::of("CAP_SYS_ADMIN"), service);
        let reason = "with all of them it is as good as root of the machine";
        let privilege = Privilege::Capability(CAPABILITIES[0].to_owned());
        let message = format!("`{name}` has every capability");
        return vec![Difference::new(&CAPABILITY, "all", message, reason, privilege).weighing(severity)];
    }
    let one = |(capability, sets): (&str, Vec<&str>)| {
        let danger = capability::of(capability);
        let message = format!("`{name}` has `{capability}`: it {}", danger.reason);
        let reason = format!("it is in the sets: {}", sets.join(", "));
        let privilege = Privilege::Capability(capability.to_owned());
        Difference::new(&CAPABILITY, capability, message, reason, privilege)
            .weighing(capability::severity(&danger, service))
    };
    sets.into_iter().map(one).collect()
}

fn of_namespace(service: &Service, namespace: Namespace) -> Option<Difference> {
    let (severity, reason) = match namespace {
        Namespace::Net => {
            (Severity::Medium, "it reaches all networks of the machine, and every service that listens")
        }
        Namespace::Pid => (Severity::High, "it sees all processes, their arguments and environments"),
        Namespace::Ipc => (Severity::Medium, "it reaches shared memory of others"),
        Namespace::Uts => (Severity::Low, "it sees the machine's name, and changes it with a capability"),
        Namespace::Cgroup => (Severity::Low, "it sees the control groups of others"),
        // The machine's is the usual one; what follows from it is told of its user.
        Namespace::User => return None,
        Namespace::Mount => (Severity::High, "it sees all mounts of the machine"),
    };
    let (name, word) = (&service.name, namespace.word());
    let (severity, message) = match service.whose(namespace) {
        Whose::Own => return None,
        Whose::Machine => (severity, format!("`{name}` lives in the machine's `{word}` namespace")),
        Whose::Kept(path) => {
            (Severity::Low, format!("`{name}` lives in the `{word}` namespace that is kept at `{path}`"))
        }
    };
    let privilege = Privilege::Namespace(namespace);
    Some(Difference::new(&NAMESPACE, word, message, reason, privilege).weighing(severity))
}

fn of_mount(service: &Service, mount: &Mount) -> Option<Difference> {
    let (severity, reason) = path::severity(mount, service)?;
    let (name, access, destination) = (&service.name, mount.access.word(), &mount.destination);
    let (what, message) = match &mount.what {
        Mounted::Bind(source) => (
            // Nearly always, a path is bound at one place only.
            if service.mounts.iter().filter(|other| other.what == mount.what).count() > 1 {
                format!("{source} {destination}")
            } else {
                source.clone()
            },
            format!("`{name}` sees the machine's `{source}` at `{destination}` ({access})"),
        ),
        Mounted::FileSystem { kind, source } => {
            (destination.clone(), format!("`{name}` has `{source}` ({kind}) at `{destination}` ({access})"))
        }
    };
    let privilege = Privilege::Mount(destination.clone());
    Some(Difference::new(&MOUNT, what, message, reason, privilege).weighing(severity))
}

fn propagations(service: &Service) -> Vec<Difference> {
    let spreads = |word: &&String| matches!(word.as_str(), "shared" | "rshared");
    let name = &service.name;
    let difference = |what: &str, word: &str, privilege| {
        let message = format!("what `{name}` mounts below `{what}` is seen on the machine (`{word}`)");
        let reason = "a mount over a file of the machine replaces it for everybody";
        Difference::new(&PROPAGATION, what, message, reason, privilege)
    };
    let root = service.propagation.as_ref().filter(spreads);
    let root = root.map(|word| difference("/", word, Privilege::Propagation));
    let mounts = service.mounts.iter().filter_map(|mount| {
        let word = mount.propagation.as_ref().filter(spreads)?;
        Some(difference(&mount.destination, word, Privilege::Mount(mount.destination.clone())))
    });
    root.into_iter().chain(mounts).collect()
}

fn devices(service: &Service) -> Vec<Difference> {
    let name = &service.name;
    let nodes = service.devices.iter().filter_map(|node| {
        let (severity, reason) = device::of_node(node)?;
        let path = &node.path;
        let numbers = format!("{} {}:{}", node.kind, node.major, node.minor);
        let message = format!("`{name}` uses the device `{path}` ({numbers})");
        let privilege = Privilege::Device(Some(path.clone()));
        Some(Difference::new(&DEVICE, path, message, reason, privilege).weighing(severity))
    });
    let has_node = |allowed: &AllowedDevice| {
        let is_it = |node: &super::service::Device| {
            (Some(node.major), Some(node.minor)) == (allowed.major, allowed.minor)
                && node.kind == allowed.kind
        };
        service.devices.iter().any(is_it)
    };
    let without = service.allowed_devices.iter().filter(|allowed| !has_node(allowed)).filter_map(|allowed| {
        let (severity, reason) = device::of_allowed(allowed)?;
        let what = device::name(allowed);
        let message = format!("`{name}` may use the devices `{what}` ({})", allowed.access);
        let privilege = Privilege::Device(None);
        Some(Difference::new(&DEVICE, what, message, reason, privilege).weighing(severity))
    });
    nodes.chain(without).collect()
}

/// Calls that lead past the usual limits of a container; the usual profile has them with a capability alone.
const MIGHTY_CALLS: [&str; 17] = [
    "bpf",
    "clone3",
    "delete_module",
    "finit_module",
    "fsopen",
    "init_module",
    "io_uring_setup",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "mount",
    "move_mount",
    "open_by_handle_at",
    "perf_event_open",
    "ptrace",
    "setns",
    "unshare",
];

fn seccomp(service: &Service) -> Option<Difference> {
    let name = &service.name;
    match &service.seccomp {
        Seccomp::Default => None,
        Seccomp::Unconfined => {
            let message = format!("`{name}` may make every system call");
            let reason = "mistakes in rarely used parts of the kernel are open to it";
            Some(Difference::new(&NO_SECCOMP, "seccomp", message, reason, Privilege::Seccomp))
        }
        Seccomp::Own { more, .. } if more.is_empty() => None,
        Seccomp::Own { more, .. } => {
            let is_mighty = more.iter().any(|call| MIGHTY_CALLS.contains(&call.as_str()));
            let message =
                format!("`{name}` may make {} system calls that the usual profile refuses", more.len());
            let reason = format!("they are {}", more.join(", "));
            let severity = if is_mighty { Severity::Medium } else { Severity::Low };
            let difference = Difference::new(&SECCOMP, "seccomp", message, reason, Privilege::Seccomp);
            Some(difference.weighing(severity))
        }
    }
}

fn process(service: &Service) -> Vec<Difference> {
    let name = &service.name;
    let mut all = Vec::new();
    if !service.no_new_privileges {
        let message = format!("what `{name}` executes may gain privileges");
        let reason = "a set-user-id program with a mistake makes it root";
        let privilege = Privilege::NewPrivileges;
        all.push(Difference::new(&NEW_PRIVILEGES, "new-privileges", message, reason, privilege));
    }
    if service.is_root() {
        let message = format!("`{name}` runs as root");
        let reason = "where it gets out of its container, it is root of the machine";
        all.push(Difference::new(&ROOT_USER, "root", message, reason, Privilege::User));
    }
    if !service.read_only_root {
        let message = format!("`{name}` can write to its root");
        let reason = "whoever takes it over can change its programs, until it starts again";
        all.push(Difference::new(&WRITABLE_ROOT, "/", message, reason, Privilege::Root));
    }
    all
}

fn exposed(service: &Service) -> Vec<Difference> {
    let name = &service.name;
    let one = |path: &String, how: &str, reason: &str, privilege| {
        let message = format!("`{name}` can {how} `{path}`");
        Difference::new(&EXPOSED, path, message, reason, privilege).weighing(path::of_exposed(path, service))
    };
    let seen = service
        .unmasked
        .iter()
        .map(|path| one(path, "see", "it tells about the whole machine", Privilege::MaskedPaths));
    let written = service
        .writable
        .iter()
        .map(|path| one(path, "write below", "it changes the whole machine", Privilege::ReadOnlyPaths));
    seen.chain(written).collect()
}
