//! `linux`: namespaces, devices, kernel settings, hidden paths, and what the other files of this folder read.

use std::collections::BTreeMap;

use super::mount::propagation;
use super::resources::{self, Setting};
use super::seccomp::Profile;
use crate::json::{Node, Problem};
use crate::sys::mount::Reach;

/// The Linux part of a configuration.
#[derive(Debug)]
pub(crate) struct Linux {
    /// Which namespaces are the container's own.
    pub(crate) namespaces: Namespaces,
    /// User ids of a new user namespace.
    pub(crate) user_mappings: Vec<IdMapping>,
    /// Group ids of a new user namespace.
    pub(crate) group_mappings: Vec<IdMapping>,
    /// Nodes to make besides the default ones.
    pub(crate) devices: Vec<Device>,
    /// Kernel settings, by their dotted names.
    pub(crate) sysctl: BTreeMap<String, String>,
    /// Paths to hide.
    pub(crate) masked_paths: Vec<String>,
    /// Paths to make read-only.
    pub(crate) readonly_paths: Vec<String>,
    /// System call filter.
    pub(crate) seccomp: Option<Profile>,
    /// Path of the control group, from the hierarchy's root.
    pub(crate) cgroup_path: Option<String>,
    /// Files of the control group to write.
    pub(crate) cgroup_settings: Vec<Setting>,
    /// Which devices may be used, if that is limited; the last rule about one holds.
    pub(crate) device_rules: Vec<DeviceRule>,
    /// How mounts below the root spread; nothing is `rprivate`.
    pub(crate) root_spread: Option<(u64, Reach)>,
}

/// What may be done with a class of devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceRule {
    /// Whether it is allowed, or refused.
    pub(crate) allow: bool,
    /// `b` or `c`; nothing is both.
    pub(crate) kind: Option<char>,
    /// Nothing is any.
    pub(crate) major: Option<u32>,
    /// Nothing is any.
    pub(crate) minor: Option<u32>,
    /// `BPF_DEVCG_ACC_*`: 1 make nodes, 2 read, 4 write.
    pub(crate) access: u32,
}

impl DeviceRule {
    fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let kind = match node.get("type").text()? {
            None | Some("" | "a") => None,
            Some("b") => Some('b'),
            Some("c" | "u") => Some('c'),
            Some(_) => return Err(node.get("type").problem("expected `a`, `b`, `c` or `u`")),
        };
        let number = |key| Ok(node.get(key).integer::<i64>()?.and_then(|number| u32::try_from(number).ok()));
        let mut access = 0;
        for letter in node.get("access").text()?.unwrap_or("rwm").chars() {
            access |= match letter {
                'm' => 1,
                'r' => 2,
                'w' => 4,
                _ => return Err(node.get("access").problem("expected letters of `rwm`")),
            };
        }
        let allow = node.get("allow").flag()?;
        Ok(Self { allow, kind, major: number("major")?, minor: number("minor")?, access })
    }
}

/// The container's namespaces.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Namespaces {
    /// `CLONE_NEW*` flags of those that are new.
    pub(crate) new: i32,
    /// Those to join: `CLONE_NEW*` flag and path.
    pub(crate) joined: Vec<(i32, String)>,
}

impl Namespaces {
    /// Whether the container has a namespace of this kind that is not the machine's.
    pub(crate) fn has(&self, kind: i32) -> bool {
        self.new & kind != 0 || self.joined.iter().any(|(joined, _)| *joined == kind)
    }

    fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let mut namespaces = Self::default();
        for item in node.items()? {
            let name = item.get("type").required_text()?;
            let kind = match name {
                "pid" => libc::CLONE_NEWPID,
                "network" => libc::CLONE_NEWNET,
                "ipc" => libc::CLONE_NEWIPC,
                "uts" => libc::CLONE_NEWUTS,
                "mount" => libc::CLONE_NEWNS,
                "cgroup" => libc::CLONE_NEWCGROUP,
                "user" => libc::CLONE_NEWUSER,
                _ => return Err(item.problem(format!("`{name}` namespaces are not supported"))),
            };
            if namespaces.has(kind) {
                return Err(item.problem(format!("a second `{name}` namespace")));
            }
            match item.get("path").text()?.filter(|path| !path.is_empty()) {
                None => namespaces.new |= kind,
                Some(_) if kind == libc::CLONE_NEWNS => {
                    return Err(item.problem("a `mount` namespace cannot be joined by path"));
                }
                Some(path) => namespaces.joined.push((kind, path.to_owned())),
            }
        }
        if namespaces.new & libc::CLONE_NEWNS == 0 {
            return Err(node.problem("a `mount` namespace is needed"));
        }
        Ok(namespaces)
    }
}

/// A range of ids in a user namespace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct IdMapping {
    /// First id inside.
    pub(crate) container: u32,
    /// First id outside.
    pub(crate) host: u32,
    /// How many.
    pub(crate) size: u32,
}

/// A device node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    /// Absolute path inside the container.
    pub(crate) path: String,
    /// `S_IFCHR`, `S_IFBLK` or `S_IFIFO`.
    pub(crate) kind: u32,
    /// Major and minor number.
    pub(crate) number: (u32, u32),
    /// Permissions.
    pub(crate) mode: u32,
    /// Owning user and group.
    pub(crate) owner: (u32, u32),
}

impl Device {
    fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let path = node.get("path");
        if !path.required_text()?.starts_with('/') {
            return Err(path.problem("expected an absolute path"));
        }
        let kind = match node.get("type").required_text()? {
            "c" | "u" => libc::S_IFCHR,
            "b" => libc::S_IFBLK,
            "p" => libc::S_IFIFO,
            _ => return Err(node.get("type").problem("expected `c`, `u`, `b` or `p`")),
        };
        let number = |key| Ok(node.get(key).integer::<u32>()?.unwrap_or(0));
        Ok(Self {
            path: path.required_text()?.to_owned(),
            kind,
            number: (number("major")?, number("minor")?),
            mode: node.get("fileMode").integer::<u32>()?.unwrap_or(0o666) & 0o7777,
            owner: (number("uid")?, number("gid")?),
        })
    }
}

impl Linux {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let spread = node.get("rootfsPropagation");
        let root_spread = match spread.text()?.filter(|word| !word.is_empty()) {
            None => None,
            Some(word) => {
                Some(propagation(word).ok_or_else(|| spread.problem(format!("`{word}` is not known")))?)
            }
        };
        let seccomp = node.get("seccomp");
        let resources = node.get("resources");
        let cgroup_path = node.get("cgroupsPath");
        let path = cgroup_path.text()?.filter(|path| !path.is_empty());
        if path.is_some_and(|path| path.split('/').any(|name| name == "..") || path.contains(':')) {
            return Err(cgroup_path.problem("expected a path without `..` and `:`"));
        }
        Ok(Self {
            namespaces: Namespaces::read(&node.get("namespaces"))?,
            user_mappings: read_mappings(&node.get("uidMappings"))?,
            group_mappings: read_mappings(&node.get("gidMappings"))?,
            devices: node.get("devices").items()?.iter().map(Device::read).collect::<Result<_, _>>()?,
            sysctl: node.get("sysctl").text_map()?,
            masked_paths: node.get("maskedPaths").texts()?,
            readonly_paths: node.get("readonlyPaths").texts()?,
            seccomp: if seccomp.is_present() { Some(Profile::read(&seccomp)?) } else { None },
            cgroup_path: path.map(str::to_owned),
            cgroup_settings: resources::read(&resources)?,
            device_rules: resources
                .get("devices")
                .items()?
                .iter()
                .map(DeviceRule::read)
                .collect::<Result<_, _>>()?,
            root_spread,
        })
    }
}

fn read_mappings(node: &Node<'_>) -> Result<Vec<IdMapping>, Problem> {
    let read = |item: &Node<'_>| {
        Ok(IdMapping {
            container: item.get("containerID").required_integer()?,
            host: item.get("hostID").required_integer()?,
            size: item.get("size").required_integer()?,
        })
    };
    node.items()?.iter().map(read).collect()
}
