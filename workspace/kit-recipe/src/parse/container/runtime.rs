//! `runtime`: what is done on the machine around the start of a container.

use std::collections::BTreeMap;

use super::{isolation, mounts};
use crate::container::{Interface, NAMESPACES, Runtime};
use crate::parse::section::Section;
use crate::parse::value::{Items, Value};
use crate::parse::{Faults, check};
use crate::problem::Fault;

pub(super) fn read(mut section: Section<'_>, faults: &mut Faults<'_>) -> Runtime {
    let cgroups = section
        .value("cgroups")
        .and_then(|value| value.list(Items::Any, faults, |item, faults| isolation::cgroup(item, faults)));
    let mkdir = section.value("mkdir").and_then(|value| value.list(Items::Any, faults, directory));
    let mounts = mounts::mounts(&mut section, faults).unwrap_or_default();
    let interfaces = section.sections("interfaces", faults);
    let runtime = Runtime {
        cgroups: cgroups.unwrap_or_default(),
        mkdir: mkdir.unwrap_or_default(),
        mounts: mounts.into_iter().map(|mount| mount.value).collect(),
        interfaces: interfaces.into_iter().filter_map(|section| interface(section, faults)).collect(),
        bind_namespaces: section
            .section("bind-namespaces", faults)
            .map(|section| bind_namespaces(&section, faults))
            .unwrap_or_default(),
    };
    section.finish(faults);
    runtime
}

/// Reads a directory: absolute on the machine, or relative to the container's root.
fn directory(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let text = value.line(faults)?;
    if text.starts_with('/') {
        check::absolute(value, faults)
    } else {
        check::project_path(value, faults).map(|path| path.value)
    }
}

fn interface(mut section: Section<'_>, faults: &mut Faults<'_>) -> Option<Interface> {
    let name = section.required("name", "name = \"eth0\"").and_then(|value| interface_name(&value, faults));
    let add = section.value("add").and_then(|value| value.line(faults)).map(ToOwned::to_owned);
    let peer = section.value("peer").and_then(|value| interface_name(&value, faults));
    let create_in_root = section.value("create-in-root").and_then(|value| value.boolean(faults));
    section.finish(faults);
    Some(Interface { name: name?, add, peer, create_in_root: create_in_root.unwrap_or(false) })
}

fn interface_name(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let text = value.line(faults)?;
    let bad = |c: char| c.is_whitespace() || c == '/' || c == ':';
    if text.len() > 15 || text.contains(bad) || matches!(text, "." | "..") {
        let why = "must be 1 to 15 bytes without spaces, `/` and `:`";
        return value.fault(Fault::malformed(value.key, text, why, "a name such as `\"eth0\"`"), faults);
    }
    Some(text.to_owned())
}

fn bind_namespaces(section: &Section<'_>, faults: &mut Faults<'_>) -> BTreeMap<String, String> {
    let mut paths = BTreeMap::new();
    for value in section.entries() {
        if !NAMESPACES.contains(&value.key) {
            let why = "must be one of `cgroup`, `ipc`, `mnt`, `net`, `pid`, `user`, `uts`";
            faults.add(value.key_span.clone(), section.invalid_key(&value, why));
        } else if let Some(path) = check::absolute(&value, faults) {
            paths.insert(value.key.to_owned(), path);
        }
    }
    paths
}
