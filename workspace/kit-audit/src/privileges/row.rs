//! A line of the table for people.

use super::service::{Access, Class, Limits, Mounted, Namespace, Seccomp, Service, Whose};

/// What a container may do, in words; what is as little as possible is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is called.
    pub name: String,
    /// When it runs.
    pub class: Class,
    /// `root`, or the numbers of its user and group.
    pub user: String,
    /// Its capabilities, without `CAP_`.
    pub capabilities: String,
    /// The namespaces that aren't its own, with the path where they are kept.
    pub namespaces: String,
    /// What it sees of the machine, each `source:destination:access`.
    pub mounts: String,
    /// Its devices.
    pub devices: String,
    /// `writable` where its root is.
    pub root: String,
    /// `unconfined`, or how much its profile differs.
    pub seccomp: String,
    /// `yes`, where it reaches some files only.
    pub landlock: String,
    /// Its profile of `AppArmor`.
    pub apparmor: String,
    /// What else keeps it less: privileges that it may gain, paths that it sees.
    pub exposed: String,
    /// Its limits.
    pub limits: String,
    /// When it starts again.
    pub restart: String,
}

impl Row {
    /// What stands over the cells.
    pub const HEADINGS: [&str; 13] = [
        "service",
        "user",
        "capabilities",
        "shared namespaces",
        "mounts",
        "devices",
        "root",
        "system calls",
        "landlock",
        "apparmor",
        "exposed",
        "limits",
        "restart",
    ];

    /// Writes the line of a container.
    pub fn of(service: &Service) -> Self {
        Self {
            name: service.name.clone(),
            class: service.class,
            user: user(service),
            capabilities: capabilities(service),
            namespaces: namespaces(service),
            mounts: mounts(service),
            devices: devices(service),
            root: if service.read_only_root { String::new() } else { "writable".to_owned() },
            seccomp: seccomp(&service.seccomp),
            landlock: service.landlock.as_ref().map_or_else(String::new, |_| "yes".to_owned()),
            apparmor: service.apparmor.clone().unwrap_or_default(),
            exposed: exposed(service),
            limits: limits(service),
            restart: if service.restart == "never" { String::new() } else { service.restart.clone() },
        }
    }

    /// Returns the cells, in the order of [`Row::HEADINGS`].
    pub fn cells(&self) -> [&str; 13] {
        [
            &self.name,
            &self.user,
            &self.capabilities,
            &self.namespaces,
            &self.mounts,
            &self.devices,
            &self.root,
            &self.seccomp,
            &self.landlock,
            &self.apparmor,
            &self.exposed,
            &self.limits,
            &self.restart,
        ]
    }
}

fn user(service: &Service) -> String {
    let user = &service.user;
    let mut text = match (user.uid, user.gid) {
        (0, 0) => "root".to_owned(),
        (uid, gid) => format!("{uid}:{gid}"),
    };
    text.extend(user.groups.iter().map(|group| format!(" +{group}")));
    if !service.shares(Namespace::User) {
        text.push_str(" (of its own users)");
    }
    text
}

fn capabilities(service: &Service) -> String {
    let sets = service.capabilities.sets();
    if kit_recipe::container::CAPABILITIES.iter().all(|name| sets.contains_key(name)) {
        return "all".to_owned();
    }
    let names: Vec<_> = sets.keys().map(|name| name.strip_prefix("CAP_").unwrap_or(name)).collect();
    names.join(" ")
}

fn namespaces(service: &Service) -> String {
    // Users are the machine's unless a recipe says otherwise, which the user tells.
    let all = Namespace::ALL.into_iter().filter(|namespace| *namespace != Namespace::User);
    let words: Vec<_> = all
        .filter_map(|namespace| match service.whose(namespace) {
            Whose::Own => None,
            Whose::Machine => Some(namespace.word().to_owned()),
            Whose::Kept(path) => Some(format!("{}={path}", namespace.word())),
        })
        .collect();
    words.join(" ")
}

fn mounts(service: &Service) -> String {
    let words: Vec<_> = service
        .mounts
        .iter()
        .filter_map(|mount| match &mount.what {
            Mounted::Bind(source) => Some(format!("{source}:{}:{}", mount.destination, mount.access.word())),
            Mounted::FileSystem { kind, .. } if is_usual(kind, mount.access) => None,
            Mounted::FileSystem { kind, .. } => {
                Some(format!("{kind}:{}:{}", mount.destination, mount.access.word()))
            }
        })
        .collect();
    words.join(" ")
}

/// Whether every container may have a file system of this type.
fn is_usual(kind: &str, access: Access) -> bool {
    matches!(kind, "proc" | "tmpfs" | "devpts" | "mqueue") || kind == "sysfs" && access == Access::ReadOnly
}

fn devices(service: &Service) -> String {
    let nodes = service.devices.iter().map(|node| node.path.clone());
    let classes =
        service.allowed_devices.iter().filter(|allowed| allowed.major.is_none() || allowed.minor.is_none());
    let words: Vec<_> = nodes.chain(classes.map(super::device::name)).collect();
    words.join(" ")
}

fn seccomp(seccomp: &Seccomp) -> String {
    match seccomp {
        Seccomp::Default => String::new(),
        Seccomp::Unconfined => "unconfined".to_owned(),
        Seccomp::Own { more, fewer } => format!("+{} -{fewer}", more.len()),
    }
}

fn exposed(service: &Service) -> String {
    let privileges = (!service.no_new_privileges).then(|| "new-privileges".to_owned());
    let propagation = service.propagation.as_ref().map(|word| format!("mounts={word}"));
    let paths = service.unmasked.iter().chain(&service.writable).cloned();
    let words: Vec<_> = privileges.into_iter().chain(propagation).chain(paths).collect();
    words.join(" ")
}

fn limits(service: &Service) -> String {
    let Limits { memory, processes, files } = &service.limits;
    let memory = memory.map(|bytes| format!("memory={bytes}"));
    let processes = processes.map(|number| format!("processes={number}"));
    let files = files.iter().map(|(file, value)| format!("{file}={value}"));
    let rlimits = service.rlimits.iter().map(|(name, (soft, hard))| {
        let number =
            |number: u64| if number == u64::MAX { "unlimited".to_owned() } else { number.to_string() };
        format!("{}={}:{}", name.to_lowercase(), number(*soft), number(*hard))
    });
    let words: Vec<_> = memory.into_iter().chain(processes).chain(files).chain(rlimits).collect();
    words.join(" ")
}
