//! The OCI runtime configuration (`config.json`, runtime-spec 1.2) of a container: least privilege, plus what the recipe adds.

use std::collections::BTreeMap;

use kit_recipe::container::{
    Bind, Capability, Device, DeviceKind, Id, IdMap, Mount, Namespace, Rlimit, Seccomp, Tmpfs,
};
use kit_recipe::{Architecture, Container, Name, Spanned};
use kit_tree::TreePath;
use serde_json::{Value, json};

use crate::seccomp;

pub mod service;

const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Kernel interfaces that tell about, or change, the whole machine: hidden as container runtimes usually do.
const MASKED: [&str; 11] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/scsi",
    "/proc/timer_list",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
    "/sys/fs/selinux",
];
const READ_ONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// Returns `NAME=value` of a container, sorted, with a `PATH`.
pub fn environment(container: &Container) -> Vec<String> {
    let own = container.env.clone().unwrap_or_default();
    let path = (!own.contains_key("PATH")).then(|| PATH.to_owned());
    path.into_iter().chain(own.iter().map(|(name, value)| format!("{name}={value}"))).collect()
}

/// Returns the number of a user or a group; those of containers are resolved before.
pub fn number(id: Option<&Spanned<Id>>) -> u32 {
    match id.map(|id| &id.value) {
        Some(Id::Number(number)) => *number,
        Some(Id::Container(_)) | None => 0,
    }
}

/// Whether a path lies below one of the usual mounts: it is made when that is mounted.
pub(crate) fn is_made_later(path: &str) -> bool {
    ["/dev/", "/proc/", "/sys/"].iter().any(|above| path.starts_with(above))
}

/// Returns the directories that must exist in the root for the container's own mounts, and those that it asks for. What is
/// bound may be a file, so its places are made when that is known.
pub fn mount_points(container: &Container) -> Vec<TreePath> {
    let tmpfs = container.tmpfs.iter().flatten().map(|tmpfs| tmpfs.destination.clone());
    let mounts = container.mounts.iter().flatten().map(|mount| mount.destination.clone());
    let made = container.runtime.iter().flat_map(|runtime| &runtime.mkdir);
    let made = made.filter(|path| !path.starts_with('/')).map(|path| format!("/{path}"));
    let all = tmpfs.chain(mounts).chain(made);
    all.filter(|path| !is_made_later(path)).filter_map(|path| path.parse().ok()).collect()
}

/// Writes the configuration for these processors, keys sorted, with a line end.
pub fn config(name: &Name, container: &Container, architecture: Architecture) -> String {
    let mut config = json!({
        "ociVersion": "1.2.0",
        "process": process(container),
        "root": { "path": "rootfs", "readonly": container.readonly.unwrap_or(true) },
        "mounts": mounts(container),
        "linux": linux(container, architecture),
    });
    let own_name = match &container.uts {
        None | Some(Namespace::New) => Some(name.as_str()),
        // Whoever made the namespace gives the name.
        Some(Namespace::Host | Namespace::Path(_)) => None,
    };
    if let Some(name) = container.hostname.as_deref().or(own_name) {
        config["hostname"] = json!(name);
    }
    if let Some(annotations) = container.annotations.as_ref().filter(|annotations| !annotations.is_empty()) {
        config["annotations"] = json!(annotations);
    }
    format!("{config}\n")
}

fn process(container: &Container) -> Value {
    let names = |list: &Option<Vec<Spanned<Capability>>>| -> Vec<String> {
        list.iter().flatten().map(|capability| capability.as_str().to_owned()).collect()
    };
    let mut capabilities = names(&container.capabilities);
    // A program that isn't root keeps its capabilities only when they are ambient, and only inheritable ones can be.
    let ambient = match (&container.ambient, number(container.uid.as_ref())) {
        (Some(_), _) => names(&container.ambient),
        (None, 0) => Vec::new(),
        (None, _) => capabilities.clone(),
    };
    let further: Vec<_> = ambient.iter().filter(|name| !capabilities.contains(name)).cloned().collect();
    capabilities.extend(further);
    let groups: Vec<_> = container.groups.iter().flatten().map(|id| number(Some(id))).collect();
    let mut process = json!({
        "args": container.command,
        "env": environment(container),
        "cwd": container.cwd.as_deref().unwrap_or("/"),
        "user": {
            "uid": number(container.uid.as_ref()),
            "gid": number(container.gid.as_ref()),
            "additionalGids": groups,
        },
        "noNewPrivileges": container.no_new_privileges.unwrap_or(true),
        "capabilities": {
            "bounding": capabilities, "effective": capabilities, "permitted": capabilities,
            "inheritable": ambient, "ambient": ambient,
        },
    });
    if let Some(limits) = container.rlimits.as_ref().filter(|limits| !limits.is_empty()) {
        let limit = |(name, Rlimit { soft, hard }): (&String, &Rlimit)| json!({ "type": format!("RLIMIT_{}", name.to_ascii_uppercase()), "soft": soft, "hard": hard });
        process["rlimits"] = limits.iter().map(limit).collect();
    }
    if let Some(score) = container.oom_score_adj {
        process["oomScoreAdj"] = json!(score);
    }
    if let Some(profile) = &container.apparmor {
        process["apparmorProfile"] = json!(profile);
    }
    process
}

fn mounts(container: &Container) -> Vec<Value> {
    let mount = |destination: &str, kind: &str, source: &str, options: &[&str]| json!({ "destination": destination, "type": kind, "source": source, "options": options });
    let mut mounts = vec![
        mount("/proc", "proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount("/dev", "tmpfs", "tmpfs", &["nosuid", "noexec", "strictatime", "mode=755", "size=65536k"]),
        mount(
            "/dev/pts",
            "devpts",
            "devpts",
            &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
        ),
        mount("/dev/shm", "tmpfs", "shm", &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
        mount("/sys", "sysfs", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
    ];
    // What is mounted on the place of a usual mount is mounted instead of it.
    let instead = |destination: &Value| {
        let binds = container.binds.iter().flatten().map(|bind| &bind.destination);
        let own = container.mounts.iter().flatten().map(|mount| &mount.destination);
        binds.chain(own).any(|own| destination == own)
    };
    mounts.retain(|mount| !instead(&mount["destination"]));
    if instead(&json!("/dev")) {
        mounts.retain(|mount| !mount["destination"].as_str().is_some_and(|path| path.starts_with("/dev/")));
    }
    let options = |given: &[String], default: &[&str]| -> Vec<String> {
        if given.is_empty() { default.iter().map(|o| (*o).to_owned()).collect() } else { given.to_vec() }
    };
    mounts.extend(container.mounts.iter().flatten().map(|mount| any_mount(mount)));
    for Tmpfs { destination, options: given } in container.tmpfs.iter().flatten().map(|t| &t.value) {
        let options = options(given, &["nosuid", "nodev", "noexec"]);
        mounts.push(
            json!({ "destination": destination, "type": "tmpfs", "source": "tmpfs", "options": options }),
        );
    }
    for Bind { source, destination, options: given } in container.binds.iter().flatten().map(|b| &b.value) {
        let mut options = options(given, &["ro", "nosuid", "nodev"]);
        if !options.iter().any(|o| o == "bind" || o == "rbind") {
            options.push("rbind".to_owned());
        }
        mounts.push(json!({
            "destination": destination, "type": "bind", "source": source.as_str(), "options": options,
        }));
    }
    mounts
}

/// Writes a mount of the runtime specification.
pub(crate) fn any_mount(mount: &Mount) -> Value {
    let Mount { destination, kind, source, options } = mount;
    json!({ "destination": destination, "type": kind, "source": source, "options": options })
}

fn linux(container: &Container, architecture: Architecture) -> Value {
    // What a recipe binds in on purpose isn't hidden again.
    let bound = |path: &&str| container.binds.iter().flatten().any(|bind| bind.destination == *path);
    let hidden = |own: &Option<Vec<String>>, usual: &[&'static str]| match own {
        Some(paths) => json!(paths),
        None => json!(usual.iter().copied().filter(|path| !bound(path)).collect::<Vec<_>>()),
    };
    let mut linux = BTreeMap::from([
        ("namespaces", json!(namespaces(container))),
        ("maskedPaths", hidden(&container.masked_paths, &MASKED)),
        ("readonlyPaths", hidden(&container.readonly_paths, &READ_ONLY)),
    ]);
    for (key, maps) in [("uidMappings", &container.uid_map), ("gidMappings", &container.gid_map)] {
        if let (Some(maps), Some(Namespace::New)) = (maps, &container.user) {
            let map = |IdMap { container, host, size }: &IdMap| json!({ "containerID": container, "hostID": host, "size": size });
            linux.insert(key, maps.iter().map(map).collect());
        }
    }
    if let Some(settings) = container.sysctl.as_ref().filter(|settings| !settings.is_empty()) {
        linux.insert("sysctl", json!(settings));
    }
    if let Some(profile) = seccomp(container, architecture) {
        linux.insert("seccomp", profile);
    }
    if let Some(word) = &container.root_propagation {
        linux.insert("rootfsPropagation", json!(word));
    }
    if let Some(path) = &container.cgroups_path {
        linux.insert("cgroupsPath", json!(path));
    }
    let nodes: Vec<_> = container.devices.iter().flatten().filter_map(node).collect();
    if !nodes.is_empty() {
        linux.insert("devices", json!(nodes));
    }
    let resources = resources(container);
    if !resources.is_empty() {
        linux.insert("resources", json!(resources));
    }
    json!(linux)
}

fn namespaces(container: &Container) -> Vec<Value> {
    let own = |namespace: Option<&Namespace>, word: &str| match namespace {
        None | Some(Namespace::New) => Some(json!({ "type": word })),
        Some(Namespace::Host) => None,
        Some(Namespace::Path(path)) => Some(json!({ "type": word, "path": path })),
    };
    let user = container.user.as_ref().unwrap_or(&Namespace::Host);
    let namespaces = [
        own(None, "mount"),
        own(container.cgroup.as_ref(), "cgroup"),
        own(container.pid.as_ref(), "pid"),
        own(container.net.as_ref(), "network"),
        own(container.ipc.as_ref(), "ipc"),
        own(container.uts.as_ref(), "uts"),
        own(Some(user), "user"),
    ];
    namespaces.into_iter().flatten().collect()
}

fn seccomp(container: &Container, architecture: Architecture) -> Option<Value> {
    let capabilities = container.capabilities.iter().flatten().map(|c| c.as_str());
    match container.seccomp.as_ref().unwrap_or(&Seccomp::Default) {
        Seccomp::Unconfined => None,
        Seccomp::Default => Some(seccomp::profile(capabilities, None, architecture)),
        Seccomp::Own(rules) => Some(seccomp::profile(capabilities, Some(rules), architecture)),
    }
}

fn node(device: &Device) -> Option<Value> {
    let Device { path, kind, major, minor, mode, uid, gid, access: _ } = device;
    let path = path.as_ref()?;
    let mut node = json!({ "path": path, "type": kind.letter(), "fileMode": mode, "uid": uid, "gid": gid });
    for (key, number) in [("major", major), ("minor", minor)] {
        if let Some(number) = number {
            node[key] = json!(number);
        }
    }
    Some(node)
}

fn resources(container: &Container) -> BTreeMap<&'static str, Value> {
    let mut resources = BTreeMap::new();
    if let Some(bytes) = container.memory {
        resources.insert("memory", json!({ "limit": bytes }));
    }
    if let Some(processes) = container.processes {
        resources.insert("pids", json!({ "limit": processes }));
    }
    if let Some(files) = container.resources.as_ref().filter(|files| !files.is_empty()) {
        resources.insert("unified", json!(files));
    }
    if reaches_devices(container) {
        let mut rules = vec![json!({ "allow": false, "access": "rwm" })];
        rules.extend(container.devices.iter().flatten().filter_map(rule));
        resources.insert("devices", json!(rules));
    }
    resources
}

/// Whether a container could open a device that isn't one of its own `/dev`: it can make nodes, or sees a file system whose
/// nodes can be opened. Only then its control group says which ones it may use.
fn reaches_devices(container: &Container) -> bool {
    let makes_nodes = container.capabilities.iter().flatten().any(|c| c.as_str() == "CAP_MKNOD");
    let opens = |options: &[String], usual: bool| {
        let last = options.iter().rev().find_map(|option| match option.as_str() {
            "nodev" => Some(false),
            "dev" => Some(true),
            _ => None,
        });
        last.unwrap_or(usual)
    };
    let binds = container.binds.iter().flatten().any(|bind| opens(&bind.options, !bind.options.is_empty()));
    let mounts = container.mounts.iter().flatten().any(|mount| {
        let plain = ["proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup", "cgroup2"];
        opens(&mount.options, !plain.contains(&mount.kind.as_str()))
    });
    makes_nodes || binds || mounts
}

/// Writes the rule of a device; a named pipe needs none.
fn rule(device: &Device) -> Option<Value> {
    let Device { kind, major, minor, access, .. } = device;
    if *kind == DeviceKind::Pipe {
        return None;
    }
    let mut rule = json!({ "allow": true, "type": kind.letter(), "access": access });
    for (key, number) in [("major", major), ("minor", minor)] {
        if let Some(number) = number {
            rule[key] = json!(number);
        }
    }
    Some(rule)
}

#[cfg(test)]
mod tests;
