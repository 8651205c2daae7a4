//! The OCI runtime configuration (`config.json`, runtime-spec 1.2) of a container: least privilege, plus what the recipe adds.

use std::collections::BTreeMap;

use kit_recipe::container::{Bind, Namespace, Restart, Seccomp, Tmpfs};
use kit_recipe::{Container, Name};
use kit_tree::TreePath;
use serde_json::{Value, json};

use crate::seccomp;

/// The annotation that tells kit-init what to do when a container ends.
pub const RESTART_ANNOTATION: &str = "org.kit.restart";
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

/// Returns the directories that must exist in the root for the container's own mounts.
pub fn mount_points(container: &Container) -> Vec<TreePath> {
    let binds = container.binds.iter().flatten().map(|bind| &bind.destination);
    let tmpfs = container.tmpfs.iter().flatten().map(|tmpfs| &tmpfs.destination);
    binds.chain(tmpfs).filter_map(|path| path.parse().ok()).collect()
}

/// Writes the configuration, keys sorted, with a line end.
pub fn config(name: &Name, container: &Container) -> String {
    let capabilities: Vec<_> = container.capabilities.iter().flatten().map(|c| c.as_str()).collect();
    let mut config = json!({
        "ociVersion": "1.2.0",
        "process": {
            "args": container.command,
            "env": environment(container),
            "cwd": container.cwd.as_deref().unwrap_or("/"),
            "user": {
                "uid": container.uid.unwrap_or(0),
                "gid": container.gid.unwrap_or(0),
                "additionalGids": container.groups.clone().unwrap_or_default(),
            },
            "noNewPrivileges": true,
            "capabilities": {
                "bounding": capabilities, "effective": capabilities, "permitted": capabilities,
                "inheritable": ambient(container, &capabilities), "ambient": ambient(container, &capabilities),
            },
        },
        "root": { "path": "rootfs", "readonly": container.readonly.unwrap_or(true) },
        "mounts": mounts(container),
        "linux": linux(container),
    });
    if container.uts != Some(Namespace::Host) {
        config["hostname"] = json!(container.hostname.as_deref().unwrap_or(name.as_str()));
    }
    let restart = match container.restart {
        None | Some(Restart::Never) => None,
        Some(Restart::OnFailure) => Some("on-failure"),
        Some(Restart::Always) => Some("always"),
    };
    if let Some(restart) = restart {
        config["annotations"] = json!({ RESTART_ANNOTATION: restart });
    }
    format!("{config}\n")
}

/// A program that isn't root keeps its capabilities only when they are ambient, and only inheritable ones can be.
fn ambient<'a>(container: &Container, capabilities: &[&'a str]) -> Vec<&'a str> {
    if container.uid.unwrap_or(0) == 0 { Vec::new() } else { capabilities.to_vec() }
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
    let options = |given: &[String], default: &[&str]| -> Vec<String> {
        if given.is_empty() { default.iter().map(|o| (*o).to_owned()).collect() } else { given.to_vec() }
    };
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
        mounts.push(
            json!({ "destination": destination, "type": "bind", "source": source, "options": options }),
        );
    }
    mounts
}

fn linux(container: &Container) -> Value {
    let own = |namespace: Option<Namespace>, word| (namespace != Some(Namespace::Host)).then_some(word);
    let namespaces = [
        own(None, "mount"),
        own(None, "cgroup"),
        own(container.pid, "pid"),
        own(container.net, "network"),
        own(container.ipc, "ipc"),
        own(container.uts, "uts"),
    ];
    let namespaces: Vec<_> = namespaces.into_iter().flatten().map(|kind| json!({ "type": kind })).collect();
    // What a recipe binds in on purpose isn't hidden again.
    let bound = |path: &&str| container.binds.iter().flatten().any(|bind| bind.destination == *path);
    let hidden = |paths: &[&'static str]| paths.iter().copied().filter(|p| !bound(p)).collect::<Vec<_>>();
    let writable_sysctl = container.sysctl.as_ref().is_some_and(|settings| !settings.is_empty());
    let mut linux = BTreeMap::from([
        ("namespaces", json!(namespaces)),
        ("maskedPaths", json!(hidden(&MASKED))),
        ("readonlyPaths", json!(hidden(&READ_ONLY))),
    ]);
    if writable_sysctl {
        linux.insert("sysctl", json!(container.sysctl));
    }
    if container.seccomp.unwrap_or(Seccomp::Default) == Seccomp::Default {
        let capabilities = container.capabilities.iter().flatten().map(|c| c.as_str());
        linux.insert("seccomp", seccomp::profile(capabilities));
    }
    let mut resources = BTreeMap::new();
    if let Some(bytes) = container.memory {
        resources.insert("memory", json!({ "limit": bytes }));
    }
    if let Some(processes) = container.processes {
        resources.insert("pids", json!({ "limit": processes }));
    }
    if !resources.is_empty() {
        linux.insert("resources", json!(resources));
    }
    json!(linux)
}

#[cfg(test)]
mod tests;
