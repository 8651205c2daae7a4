//! `[container]` of a package, and the same keys in an image's `[[onboot]]`, `[[service]]`, `[[onshutdown]]`.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::check::{self, Root};
use super::section::Section;
use super::value::{Items, Value};
use super::{Faults, closest};
use crate::Spanned;
use crate::container::{Bind, CAPABILITIES, Capability, Container, Namespace, Restart, Seccomp, Tmpfs};
use crate::problem::{Fault, Shape};

/// Options of both kinds of mounts.
const MOUNT_OPTIONS: [&str; 12] = [
    "ro",
    "rw",
    "nosuid",
    "suid",
    "nodev",
    "dev",
    "noexec",
    "exec",
    "noatime",
    "relatime",
    "strictatime",
    "nosymfollow",
];
/// Options of binds alone.
const BIND_OPTIONS: [&str; 4] = ["bind", "rbind", "private", "rprivate"];
/// Options of tmpfs alone; each has a value.
const TMPFS_OPTIONS: [&str; 5] = ["size", "mode", "uid", "gid", "nr_inodes"];

/// Reads the keys of a container.
pub(crate) fn container(section: &mut Section<'_>, faults: &mut Faults<'_>) -> Container {
    let mut container = Container::default();
    process(section, &mut container, faults);
    isolation(section, &mut container, faults);
    limits(section, &mut container, faults);
    container
}

fn process(section: &mut Section<'_>, container: &mut Container, faults: &mut Faults<'_>) {
    container.command = section.value("command").and_then(|value| {
        value.list(Items::Some, faults, |item, faults| {
            let text = item.any_text(faults)?;
            item.without(&['\0'], "a NUL character", text, faults).map(ToOwned::to_owned)
        })
    });
    container.env = section.section("env", faults).map(|section| environment(&section, faults));
    container.cwd = section.value("cwd").and_then(|value| check::absolute(&value, faults));
    container.uid = section.value("uid").and_then(|value| value.owner(faults));
    container.gid = section.value("gid").and_then(|value| value.owner(faults));
    container.groups = section.value("groups").and_then(|value| value.list(Items::Any, faults, Value::owner));
    container.capabilities = section.value("capabilities").and_then(|value| {
        let capabilities = value.list(Items::Any, faults, capability)?;
        check::no_item_twice(value.key, &capabilities, |one| one.as_str().to_owned(), faults);
        Some(capabilities)
    });
}

fn isolation(section: &mut Section<'_>, container: &mut Container, faults: &mut Faults<'_>) {
    let spaces = [("new", Namespace::New), ("host", Namespace::Host)];
    container.net = section.value("net").and_then(|value| value.word(&spaces, faults));
    container.pid = section.value("pid").and_then(|value| value.word(&spaces, faults));
    container.ipc = section.value("ipc").and_then(|value| value.word(&spaces, faults));
    container.uts = section.value("uts").and_then(|value| value.word(&spaces, faults));
    if container.uts == Some(Namespace::Host) {
        section.contradiction("hostname", "uts", "the host's namespace has the host's name", faults);
    }
    container.hostname = section.value("hostname").and_then(|value| hostname(&value, faults));
    container.binds = section.value("binds").and_then(|value| value.list(Items::Any, faults, bind));
    container.tmpfs = section.value("tmpfs").and_then(|value| value.list(Items::Any, faults, tmpfs));
    container.readonly = section.value("readonly").and_then(|value| value.boolean(faults));
    container.sysctl = section.section("sysctl", faults).map(|section| sysctl(&section, faults));
    let filters = [("default", Seccomp::Default), ("unconfined", Seccomp::Unconfined)];
    container.seccomp = section.value("seccomp").and_then(|value| value.word(&filters, faults));
}

fn limits(section: &mut Section<'_>, container: &mut Container, faults: &mut Faults<'_>) {
    let words = [("never", Restart::Never), ("on-failure", Restart::OnFailure), ("always", Restart::Always)];
    container.restart = section.value("restart").and_then(|value| value.word(&words, faults));
    container.memory = section.value("memory").and_then(|value| memory(&value, faults));
    // The most that Linux takes as its number of process ids.
    container.processes = section.value("processes").and_then(|value| value.number(1, 4_194_304, faults));
}

/// Reads `KEY = "value"` pairs of an environment.
pub(crate) fn environment(section: &Section<'_>, faults: &mut Faults<'_>) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    for value in section.entries() {
        if value.key.is_empty() || value.key.contains(['=', '\0']) {
            let why = "must have at least one character, none of them `=` or NUL";
            faults.add(value.key_span.clone(), section.invalid_key(&value, why));
        } else if let Some(text) = value.any_text(faults)
            && let Some(text) = value.without(&['\0'], "a NUL character", text, faults)
        {
            environment.insert(value.key.to_owned(), text.to_owned());
        }
    }
    environment
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

fn capability(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Spanned<Capability>> {
    let name = value.any_text(faults)?;
    if let Some(capability) = Capability::new(name) {
        return Some(value.spanned(capability));
    }
    let upper = name.to_ascii_uppercase();
    let full = if upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") };
    let suggestion = closest(&full, CAPABILITIES);
    value.fault(Fault::UnknownCapability { name: name.to_owned(), suggestion }, faults)
}

fn hostname(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let name = value.text(faults)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    if name.len() > 64 || !name.bytes().all(plain) || name.starts_with(['-', '.']) {
        return value.fault(Fault::InvalidHostname { name: name.to_owned() }, faults);
    }
    Some(name.to_owned())
}

fn bind(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Spanned<Bind>> {
    let text = value.line(faults)?;
    let mut parts = text.splitn(3, ':');
    let (source, destination, options) = (parts.next(), parts.next(), parts.next());
    let source = source.unwrap_or_default();
    let why = match destination {
        None => Some("has no destination"),
        Some(_) if check::check_tree_path(source, Root::Allowed).is_err() => {
            Some("has a source that is not an absolute, plain path")
        }
        Some(to) if check::check_tree_path(to, Root::Refused).is_err() => {
            Some("has a destination that is not an absolute, plain path")
        }
        Some(_) => None,
    };
    if let Some(why) = why {
        return value.fault(Fault::InvalidBind { mount: text.to_owned(), why }, faults);
    }
    let options = mount_options(value, options, &BIND_OPTIONS, &[], faults)?;
    let destination = destination.unwrap_or_default().to_owned();
    Some(value.spanned(Bind { source: source.to_owned(), destination, options }))
}

fn tmpfs(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Spanned<Tmpfs>> {
    let text = value.line(faults)?;
    let (destination, options) =
        text.split_once(':').map_or((text, None), |(to, options)| (to, Some(options)));
    if check::check_tree_path(destination, Root::Refused).is_err() {
        let why = "has a destination that is not an absolute, plain path";
        return value.fault(Fault::InvalidTmpfs { mount: text.to_owned(), why }, faults);
    }
    let options = mount_options(value, options, &[], &TMPFS_OPTIONS, faults)?;
    Some(value.spanned(Tmpfs { destination: destination.to_owned(), options }))
}

fn mount_options(
    value: &Value<'_>,
    options: Option<&str>,
    more: &[&'static str],
    with_value: &[&'static str],
    faults: &mut Faults<'_>,
) -> Option<Vec<String>> {
    let before = faults.count();
    let mut list = Vec::new();
    for option in options.into_iter().flat_map(|options| options.split(',')) {
        let known = match option.split_once('=') {
            Some((key, amount)) => with_value.contains(&key) && !amount.is_empty(),
            None => MOUNT_OPTIONS.contains(&option) || more.contains(&option),
        };
        if known {
            list.push(option.to_owned());
        } else {
            let suggestion = closest(option, MOUNT_OPTIONS.iter().chain(more).copied());
            value.fault::<()>(Fault::UnknownMountOption { option: option.to_owned(), suggestion }, faults);
        }
    }
    (faults.count() == before).then_some(list)
}

/// Reads bytes, or `"64M"`; the suffixes are powers of 1024.
fn memory(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<u64> {
    const MOST: u64 = i64::MAX as u64;
    let text = match value.node {
        DeValue::Integer(_) => return value.number(1, MOST, faults),
        DeValue::String(text) => text.as_ref(),
        _ => return value.wrong_type(Shape::String, faults),
    };
    let (digits, unit) = match text.char_indices().last() {
        Some((at, suffix)) if "KMGT".contains(suffix) => (&text[..at], suffix),
        _ => (text, ' '),
    };
    let unit = match unit {
        'K' => 1 << 10,
        'M' => 1 << 20,
        'G' => 1 << 30,
        'T' => 1 << 40,
        _ => 1,
    };
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    let bytes = digits.parse::<u64>().ok().filter(|_| plain).and_then(|number| number.checked_mul(unit));
    match bytes.filter(|bytes| (1..=MOST).contains(bytes)) {
        Some(bytes) => Some(bytes),
        None => value.fault(Fault::InvalidMemory { amount: text.to_owned() }, faults),
    }
}
