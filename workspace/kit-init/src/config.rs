//! A container's `config.json`: the OCI runtime specification 1.x, as far as kit-init carries it out.
//!
//! Fields that the specification does not know are ignored, as it demands. Fields that it knows and that ask for
//! something kit-init cannot do are refused: a container never runs with less than its configuration says.

mod capabilities;
mod linux;
mod mount;
mod process;
mod resources;
mod seccomp;
pub(crate) mod service;
#[cfg(test)]
mod tests;

pub(crate) use capabilities::Capabilities;
pub(crate) use linux::{Device, DeviceRule, IdMapping, Linux, Namespaces};
pub(crate) use mount::{Mount, Origin};
pub(crate) use process::{Privileges, Process};
pub(crate) use resources::Setting;
#[cfg(test)]
pub(crate) use seccomp::Rule;
pub(crate) use seccomp::{Action, Condition, Operator, Profile};
pub(crate) use service::{Health, Interface, Landlock, OnFailure, Probe, Ready, Restart, Service};

use crate::json::{self, Node, Problem};

/// A whole configuration.
#[derive(Debug)]
pub(crate) struct Config {
    /// What to run and as whom.
    pub(crate) process: Process,
    /// `root.path`, absolute or relative to the bundle's directory.
    pub(crate) root_path: String,
    /// Whether the container can write to its root.
    pub(crate) root_access: Access,
    /// `hostname`
    pub(crate) host_name: Option<String>,
    /// `mounts`, in their order.
    pub(crate) mounts: Vec<Mount>,
    /// `linux`
    pub(crate) linux: Linux,
    /// What the specification has no field for.
    pub(crate) service: Service,
}

/// How a root file system is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// `root.readonly` is true.
    ReadOnly,
    /// Changes go to memory and end with the container.
    Writable,
}

/// Members that change what a container may do and that kit-init does not carry out.
const REFUSED: [(&str, &str); 6] = [
    ("process", "selinuxLabel"),
    ("process", "scheduler"),
    ("linux", "mountLabel"),
    ("linux", "intelRdt"),
    ("linux", "timeOffsets"),
    ("linux", "personality"),
];

/// Reads a `config.json`, with the `runtime.json` beside it.
pub(crate) fn parse(text: &str, service: Service) -> Result<Config, String> {
    let json = json::parse(text).map_err(|error| error.to_string())?;
    read(&Node::root(&json), service).map_err(|problem| problem.to_string())
}

fn read(root: &Node<'_>, service: Service) -> Result<Config, Problem> {
    let version = root.get("ociVersion");
    if !version.required_text()?.starts_with("1.") {
        return Err(version.problem("expected a version 1.x"));
    }
    for (object, member) in REFUSED {
        let node = root.get(object).get(member);
        if node.is_present() && node.text() != Ok(Some("")) {
            return Err(node.problem("not supported"));
        }
    }
    for (kind, hooks) in root.get("hooks").members()? {
        if !hooks.items()?.is_empty() {
            return Err(hooks.problem(format!("{kind} hooks are not supported")));
        }
    }
    let access = if root.get("root").get("readonly").flag()? { Access::ReadOnly } else { Access::Writable };
    Ok(Config {
        process: Process::read(&root.get("process"))?,
        root_path: root.get("root").get("path").required_text()?.to_owned(),
        root_access: access,
        host_name: root.get("hostname").text()?.filter(|name| !name.is_empty()).map(str::to_owned),
        mounts: root.get("mounts").items()?.iter().map(Mount::read).collect::<Result<_, _>>()?,
        linux: Linux::read(&root.get("linux"))?,
        service,
    })
}
