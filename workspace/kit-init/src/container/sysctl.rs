//! Kernel settings of the container's own namespaces.

use crate::config::{Config, Namespaces};
use crate::error::{During, Failure};
use crate::files;

/// Writes the settings. The machine's `/proc/sys` shows a process the settings of the process's namespaces.
pub(super) fn set(config: &Config) -> Result<(), Failure> {
    for (name, value) in &config.linux.sysctl {
        let path = path_of(name, &config.linux.namespaces)?;
        files::write_existing(&path, value).during("set", name)?;
    }
    Ok(())
}

/// The file of a setting; only settings that belong to a namespace of the container's own are allowed.
fn path_of(name: &str, namespaces: &Namespaces) -> Result<String, Failure> {
    let path = name.replace('.', "/");
    let kind = match path.split('/').collect::<Vec<_>>()[..] {
        ["net", ..] => libc::CLONE_NEWNET,
        ["fs", "mqueue", ..] => libc::CLONE_NEWIPC,
        ["kernel", "hostname" | "domainname"] => libc::CLONE_NEWUTS,
        ["kernel", setting]
            if setting == "sem" || setting.starts_with("msg") || setting.starts_with("shm") =>
        {
            libc::CLONE_NEWIPC
        }
        _ => {
            return Err(Failure::new(
                "set",
                name,
                "it is a setting of the whole machine, not of a container",
            ));
        }
    };
    if path.split('/').any(|part| part.is_empty() || part == "..") {
        return Err(Failure::new("set", name, "there is no such setting"));
    }
    if !namespaces.has(kind) {
        return Err(Failure::new("set", name, "the container shares the namespace that it belongs to"));
    }
    Ok(format!("/proc/sys/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_settings_of_own_namespaces() {
        let none = Namespaces::default();
        let network = Namespaces { new: libc::CLONE_NEWNET, joined: Vec::new() };
        let ipc = Namespaces { new: 0, joined: vec![(libc::CLONE_NEWIPC, "/x".into())] };
        let path = |name, namespaces| path_of(name, namespaces).map_err(|failure| failure.to_string());
        assert_eq!(path("net.ipv4.ip_forward", &network), Ok("/proc/sys/net/ipv4/ip_forward".into()));
        assert_eq!(path("net/ipv4/conf/eth0/x", &network), Ok("/proc/sys/net/ipv4/conf/eth0/x".into()));
        assert_eq!(path("kernel.shmmax", &ipc), Ok("/proc/sys/kernel/shmmax".into()));
        assert_eq!(path("fs.mqueue.msg_max", &ipc), Ok("/proc/sys/fs/mqueue/msg_max".into()));
        for (name, namespaces) in [
            ("net.ipv4.ip_forward", &none),
            ("kernel.hostname", &network),
            ("kernel.panic", &network),
            ("vm.swappiness", &network),
            ("net/../kernel/panic", &network),
            ("net..x", &network),
            ("", &network),
        ] {
            assert!(path(name, namespaces).is_err(), "{name}");
        }
    }
}
