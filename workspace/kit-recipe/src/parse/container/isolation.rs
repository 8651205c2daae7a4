//! What a container shares with the machine, and what it is kept from.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::{amounts, devices, runtime};
use crate::container::{
    Container, IdMap, Landlock, Namespace, PROPAGATIONS, Seccomp, SeccompBase, SeccompRules,
};
use crate::parse::section::Section;
use crate::parse::value::{Items, Value};
use crate::parse::{Faults, check};
use crate::problem::Fault;

pub(super) fn read(section: &mut Section<'_>, container: &mut Container, faults: &mut Faults<'_>) {
    namespaces(section, container, faults);
    container.readonly = section.value("readonly").and_then(|value| value.boolean(faults));
    container.masked_paths = section.value("masked-paths").and_then(|value| paths(&value, faults));
    container.readonly_paths = section.value("readonly-paths").and_then(|value| paths(&value, faults));
    let spread: Vec<_> = PROPAGATIONS.iter().map(|word| (*word, *word)).collect();
    container.root_propagation = section
        .value("root-propagation")
        .and_then(|value| value.word(&spread, faults))
        .map(ToOwned::to_owned);
    container.devices = devices::read(section, faults);
    container.sysctl = section.section("sysctl", faults).map(|section| sysctl(&section, faults));
    container.seccomp = seccomp(section, faults);
    container.landlock = section.section("landlock", faults).map(|section| landlock(section, faults));
    container.apparmor =
        section.value("apparmor").and_then(|value| value.line(faults)).map(ToOwned::to_owned);
    container.memory = section.value("memory").and_then(|value| amounts::memory(&value, faults));
    // The most that Linux takes as its number of process ids.
    container.processes = section.value("processes").and_then(|value| value.number(1, 4_194_304, faults));
    container.resources = section.section("resources", faults).map(|section| resources(&section, faults));
    container.cgroups_path = section.value("cgroups-path").and_then(|value| cgroup(&value, faults));
    container.annotations = section.section("annotations", faults).map(|section| texts(&section, faults));
    container.runtime = section.section("runtime", faults).map(|section| runtime::read(section, faults));
    container.label = section.value("label").and_then(|value| value.boolean(faults));
}

fn namespaces(section: &mut Section<'_>, container: &mut Container, faults: &mut Faults<'_>) {
    let mut read = |key| section.value(key).and_then(|value| namespace(&value, faults));
    container.net = read("net");
    container.ipc = read("ipc");
    container.uts = read("uts");
    container.cgroup = read("cgroup");
    container.pid = read("pid");
    container.user = read("user");
    if container.uts == Some(Namespace::Host) {
        section.contradiction("hostname", "uts", "the host's namespace has the host's name", faults);
    }
    container.hostname = section.value("hostname").and_then(|value| hostname(&value, faults));
    container.uid_map = section.value("uid-map").and_then(|value| value.list(Items::Some, faults, id_map));
    container.gid_map = section.value("gid-map").and_then(|value| value.list(Items::Some, faults, id_map));
    for key in ["uid-map", "gid-map"] {
        if let (Some(map), false) = (section.peek(key), container.user == Some(Namespace::New)) {
            let why = "needs a user namespace of its own";
            let written = faults.written(&map.span).to_owned();
            let fault = Fault::malformed(key, &written, why, "`user = \"new\"` beside it, or leave it out");
            faults.add(map.span.clone(), fault);
        }
    }
}

fn namespace(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Namespace> {
    match value.any_text(faults)? {
        path if path.starts_with('/') => check::absolute(value, faults).map(Namespace::Path),
        _ => {
            let new = value.word(&[("new", true), ("host", false)], faults)?;
            Some(if new { Namespace::New } else { Namespace::Host })
        }
    }
}

fn id_map(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<IdMap> {
    let text = value.text(faults)?;
    let numbers: Vec<Option<u32>> = text.split(':').map(|part| part.parse().ok()).collect();
    if let [Some(container), Some(host), Some(size @ 1..)] = numbers[..]
        && container.checked_add(size - 1).is_some()
        && host.checked_add(size - 1).is_some()
    {
        return Some(IdMap { container, host, size });
    }
    let why = "must be three numbers: the first one inside, the first one outside, how many";
    value.fault(Fault::malformed(value.key, text, why, "a range such as `\"0:100000:65536\"`"), faults)
}

fn hostname(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let name = value.text(faults)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    if name.len() > 64 || !name.bytes().all(plain) || name.starts_with(['-', '.']) {
        return value.fault(Fault::InvalidHostname { name: name.to_owned() }, faults);
    }
    Some(name.to_owned())
}

/// Reads a list of paths of the container.
pub(super) fn paths(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Vec<String>> {
    value.list(Items::Any, faults, check::absolute)
}

fn sysctl(section: &Section<'_>, faults: &mut Faults<'_>) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    for value in section.entries() {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/".contains(&b);
        if let DeValue::Table(_) = value.node {
            let fault = Fault::SplitKey { section: section.title.clone(), key: dotted(&value) };
            faults.add(value.key_span.clone(), fault);
        } else if value.key.is_empty() || !value.key.bytes().all(plain) {
            let why = "must be letters, digits, `.`, `_`, `-` and `/`";
            faults.add(value.key_span.clone(), section.invalid_key(&value, why));
        } else if let Some(text) = value.line(faults) {
            settings.insert(value.key.to_owned(), text.to_owned());
        }
    }
    settings
}

/// Joins a key that was split at its dots again.
fn dotted(value: &Value<'_>) -> String {
    let mut key = value.key.to_owned();
    let mut node = value.node;
    while let DeValue::Table(table) = node
        && let Some((next, value)) = table.iter().next()
    {
        key = format!("{key}.{}", next.get_ref());
        node = value.get_ref();
    }
    key
}

/// Reads `KEY = "value"` pairs of any kind.
fn texts(section: &Section<'_>, faults: &mut Faults<'_>) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for value in section.entries() {
        if let DeValue::Table(_) = value.node {
            let fault = Fault::SplitKey { section: section.title.clone(), key: dotted(&value) };
            faults.add(value.key_span.clone(), fault);
        } else if let Some(text) = value.any_text(faults)
            && let Some(text) = value.without(&['\0'], "a NUL character", text, faults)
        {
            texts.insert(value.key.to_owned(), text.to_owned());
        }
    }
    texts
}

/// Reads files of a control group, `controller.what`.
fn resources(section: &Section<'_>, faults: &mut Faults<'_>) -> BTreeMap<String, String> {
    let mut files = texts(section, faults);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    for value in section.entries().filter(|value| !matches!(value.node, DeValue::Table(_))) {
        let file = value.key;
        if !file.contains('.') || !file.bytes().all(plain) || file.starts_with("cgroup.") {
            let why = "must be a file of a controller, such as `cpu.weight`";
            faults.add(value.key_span.clone(), section.invalid_key(&value, why));
            files.remove(file);
        }
    }
    files
}

/// Reads a path of a control group.
pub(super) fn cgroup(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let text = value.line(faults)?;
    let names: Vec<_> = text.trim_start_matches('/').split('/').collect();
    if names.iter().any(|name| matches!(*name, "" | "." | "..")) || text.contains(':') {
        let why = "must be names with `/` between them, none of them `.` or `..`, and no `:`";
        return value.fault(Fault::malformed(value.key, text, why, "a path such as `/web`"), faults);
    }
    Some(text.to_owned())
}

fn seccomp(section: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<Seccomp> {
    let value = section.value("seccomp")?;
    let DeValue::Table(_) = value.node else {
        let words = [("default", true), ("unconfined", false)];
        let default = value.word(&words, faults)?;
        return Some(if default { Seccomp::Default } else { Seccomp::Unconfined });
    };
    let mut section = section.table_of(&value, faults)?;
    let bases = [("default", SeccompBase::Default), ("none", SeccompBase::None)];
    let base = section.value("base").and_then(|value| value.word(&bases, faults));
    let mut calls = |key| section.value(key).and_then(|value| value.list(Items::Any, faults, call));
    let (allow, deny) = (calls("allow").unwrap_or_default(), calls("deny").unwrap_or_default());
    section.finish(faults);
    Some(Seccomp::Own(SeccompRules { base: base.unwrap_or(SeccompBase::Default), allow, deny }))
}

/// Reads the name of a system call. Which ones there are depends on the kernel's version and the machine.
fn call(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let name = value.text(faults)?;
    if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        let why = "must be lower-case letters, digits and `_`";
        return value.fault(Fault::malformed(value.key, name, why, "a call such as `\"keyctl\"`"), faults);
    }
    Some(name.to_owned())
}

fn landlock(mut section: Section<'_>, faults: &mut Faults<'_>) -> Landlock {
    let mut list = |key| section.value(key).and_then(|value| paths(&value, faults)).unwrap_or_default();
    let rules = Landlock { read: list("read"), write: list("write"), execute: list("execute") };
    section.finish(faults);
    rules
}
