//! How dangerous it is to see a path of the machine.

use super::capability::less;
use super::service::{Access, Devices, Mount, Mounted, Service};
use crate::finding::Severity::{self, Critical, High, Low, Medium, Note};

/// The danger of a path; of those that hold for one, the longest counts.
struct Danger {
    path: &'static str,
    /// How bad it is when it can be written.
    writable: Severity,
    /// How bad it is when it can only be read; none is nothing to tell.
    readable: Option<Severity>,
    reason: &'static str,
    extent: Extent,
}

/// What a line of the table is about.
#[derive(PartialEq, Eq)]
enum Extent {
    /// The path and all below it.
    Below,
    /// The path alone: what is below it is of many kinds.
    Alone,
}

const fn danger(
    path: &'static str,
    writable: Severity,
    readable: Option<Severity>,
    reason: &'static str,
) -> Danger {
    Danger { path, writable, readable, reason, extent: Extent::Below }
}

const fn alone(
    path: &'static str,
    writable: Severity,
    readable: Option<Severity>,
    reason: &'static str,
) -> Danger {
    Danger { path, writable, readable, reason, extent: Extent::Alone }
}

const fn socket(path: &'static str, reason: &'static str) -> Danger {
    danger(path, High, Some(High), reason)
}

/// Paths of the machine, in order.
const DANGERS: &[Danger] = &[
    alone("/", Critical, Some(High), "all of the machine's files are below it"),
    danger("/bin", High, None, "the machine's programs are in it"),
    danger("/boot", High, None, "the machine's kernels are in it"),
    danger("/containers", High, Some(Low), "all containers and what they may do are in it"),
    danger("/containers/volumes", Low, None, "volumes are in it"),
    danger("/dev", High, Some(High), "the machine's disks and memory are in it"),
    danger("/dev/log", Low, Some(Low), "what is written there is taken for messages of the machine"),
    danger("/dev/shm", Medium, Some(Low), "shared memory of others is in it"),
    danger("/etc", High, Some(Low), "the machine's settings and passwords are in it"),
    danger("/etc/hostname", Low, None, "the machine's name is in it"),
    danger("/etc/hosts", Medium, None, "names of hosts are in it"),
    danger("/etc/localtime", Low, None, "the machine's time zone is in it"),
    danger("/etc/os-release", Low, None, "the image's name is in it"),
    danger("/etc/resolv.conf", Medium, None, "the addresses of name servers are in it"),
    danger("/etc/ssl/certs", High, None, "certificates that programs trust are in it"),
    danger("/home", Medium, Some(Low), "files of people are in it"),
    danger("/init", High, None, "the machine's first program is in it"),
    danger("/lib", High, None, "the machine's libraries are in it"),
    danger("/lib/modules", High, None, "modules of the kernel are in it"),
    danger("/proc", High, Some(Medium), "it tells about all processes, and changes the kernel"),
    danger("/root", High, Some(Medium), "files of root are in it"),
    alone("/run", High, Some(High), "sockets of the machine's own programs are in it"),
    socket("/run/containerd", "whoever speaks to the engine starts containers that may do anything"),
    socket("/run/crio", "whoever speaks to the engine starts containers that may do anything"),
    socket("/run/dbus", "whoever speaks to it speaks to services of the machine"),
    socket("/run/docker.sock", "whoever speaks to the engine starts containers that may do anything"),
    socket("/run/kit", "root who speaks to kit's init starts and stops services, and runs programs in them"),
    danger("/run/kit/volumes", Low, None, "volumes are in it"),
    danger("/run/netns", Medium, Some(Low), "network namespaces of others are in it"),
    socket("/run/podman", "whoever speaks to the engine starts containers that may do anything"),
    danger("/sbin", High, None, "the machine's programs are in it"),
    danger("/sys", High, Some(Low), "it changes devices and the kernel"),
    danger("/sys/fs/bpf", High, Some(Medium), "programs and tables in the kernel are in it"),
    danger("/sys/fs/cgroup", Medium, Some(Note), "limits of all containers are in it"),
    danger("/sys/kernel/debug", High, Some(High), "the kernel's inside is in it"),
    danger("/tmp", Medium, Some(Low), "files of others are in it"),
    danger("/usr", High, None, "the machine's programs are in it"),
    danger("/var", Medium, Some(Low), "data of the machine and of others is in it"),
    danger("/var/lib/containerd", High, Some(Medium), "images and roots of containers are in it"),
    danger("/var/lib/docker", High, Some(Medium), "images and roots of containers are in it"),
    danger("/var/lib/kubelet", High, Some(Medium), "secrets and data of pods are in it"),
    danger("/var/log", Low, Some(Low), "logs of others are in it"),
    alone("/var/run", High, Some(High), "sockets of the machine's own programs are in it"),
    socket("/var/run/docker.sock", "whoever speaks to the engine starts containers that may do anything"),
];

/// A path that nothing is known of.
const OTHER: Danger = danger("", Low, Some(Note), "it isn't the container's own");

/// Capabilities with which modes of files keep nobody out.
const PAST_MODES: [&str; 2] = ["CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"];

/// Returns how bad a mount of a container is, and why; none where there is nothing to tell.
pub(super) fn severity(mount: &Mount, service: &Service) -> Option<(Severity, String)> {
    match &mount.what {
        Mounted::Bind(source) => of_bind(source, mount, service),
        Mounted::FileSystem { kind, source } => of_file_system(kind, source, mount),
    }
}

fn of_bind(source: &str, mount: &Mount, service: &Service) -> Option<(Severity, String)> {
    let source = plain(source);
    if ["/run/kit/volumes/", "/containers/volumes/"].iter().any(|volumes| source.starts_with(volumes)) {
        return None;
    }
    let danger = most_specific(&source);
    let mut severity = match mount.access {
        Access::ReadWrite => danger.writable,
        Access::ReadOnly => danger.readable?,
    };
    // Nodes of devices work though they can't be replaced, unless the mount says that they don't.
    if danger.path == "/dev" && mount.devices == Devices::Ignored && mount.access == Access::ReadOnly {
        severity = Low;
    }
    let sets = service.capabilities.sets();
    if !service.is_root() && !PAST_MODES.iter().any(|name| sets.contains_key(name)) {
        // Modes of files keep out whoever isn't root, and kit's init answers root alone.
        severity = if danger.path == "/run/kit" { Low } else { less(severity) };
    }
    Some((severity, danger.reason.to_owned()))
}

fn of_file_system(kind: &str, source: &str, mount: &Mount) -> Option<(Severity, String)> {
    let is_writable = mount.access == Access::ReadWrite;
    let (severity, reason) = match kind {
        "devtmpfs" => (High, "the machine's disks and memory are in it"),
        "debugfs" | "tracefs" => (High, "the kernel's inside is in it"),
        "bpf" => (High, "programs and tables in the kernel are in it"),
        "securityfs" | "configfs" | "efivarfs" if is_writable => {
            (High, "it changes the kernel or the firmware")
        }
        "sysfs" if is_writable => (High, "it changes devices and the kernel"),
        "cgroup" | "cgroup2" if is_writable => {
            (Medium, "it changes limits, of all where they aren't its own")
        }
        _ if source.starts_with("/dev/") => (Medium, "it is what is on a device of the machine"),
        _ => return None,
    };
    Some((severity, reason.to_owned()))
}

/// Takes doubled slashes, `.` and `..` out of a path.
fn plain(path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => _ = names.pop(),
            name => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}

fn most_specific(path: &str) -> &'static Danger {
    let is_within = |danger: &&Danger| {
        let below = || path.strip_prefix(danger.path).is_some_and(|rest| rest.starts_with('/'));
        path == danger.path || danger.extent == Extent::Below && below()
    };
    DANGERS.iter().filter(is_within).max_by_key(|danger| danger.path.len()).unwrap_or(&OTHER)
}

/// Returns how bad it is to see, or to write, a path that kit hides or protects otherwise.
pub(super) fn of_exposed(path: &str, service: &Service) -> Severity {
    let is_bad = matches!(path, "/proc/kcore" | "/proc/sys" | "/proc/sysrq-trigger");
    if is_bad && service.is_root() { Medium } else { Low }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_path_counts() {
        for (path, found) in [
            ("/", "/"),
            ("/srv", ""),
            ("/etc", "/etc"),
            ("/etcetera", ""),
            ("/etc//ssl/./certs/ca.pem", "/etc/ssl/certs"),
            ("/usr/../etc/shadow", "/etc"),
            ("/../..", "/"),
            ("/run/docker.sock", "/run/docker.sock"),
            ("/run/web", ""),
            ("/run", "/run"),
            ("/run/kit/volumes/data", "/run/kit/volumes"),
        ] {
            assert_eq!(most_specific(&plain(path)).path, found, "{path}");
        }
    }
}
