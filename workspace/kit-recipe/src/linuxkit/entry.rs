//! An entry of `onboot`, `onshutdown` or `services`, and the label of an image, which has the same keys.

use std::ops::Range;

use super::decode::{Faults, Field, Mapping, Value};
use super::fault::Fault;
use super::given::{Base, Given};
use super::mounts::{self, Bind, Destinations, Mount, Tmpfs};
use super::path;
use super::resources::{self, Resources};
use super::runtime::{self, Runtime};
use super::system::{Id, id, mode};
use crate::Spanned;
use crate::container::{CAPABILITIES, RESOURCES};
use crate::parse::closest;

/// An entry with its name and image.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) span: Range<usize>,
    pub(super) name: Spanned<String>,
    pub(super) image: Spanned<Base>,
    pub(super) config: Config,
}

/// The keys that a label has too. One that isn't written is none.
#[derive(Debug, Default)]
pub(super) struct Config {
    pub(super) capabilities: Field<Vec<Spanned<String>>>,
    pub(super) capabilities_add: Field<Vec<Spanned<String>>>,
    pub(super) ambient: Field<Vec<Spanned<String>>>,
    pub(super) mounts: Field<Vec<Mount>>,
    pub(super) binds: Field<Vec<Spanned<Bind>>>,
    pub(super) binds_add: Field<Vec<Spanned<Bind>>>,
    pub(super) tmpfs: Field<Vec<Spanned<Tmpfs>>>,
    pub(super) command: Field<Vec<Spanned<String>>>,
    pub(super) env: Field<Vec<Spanned<String>>>,
    pub(super) cwd: Field<String>,
    pub(super) net: Field<Namespace>,
    pub(super) pid: Field<Namespace>,
    pub(super) ipc: Field<Namespace>,
    pub(super) uts: Field<Namespace>,
    pub(super) userns: Field<Namespace>,
    pub(super) readonly: Field<bool>,
    pub(super) masked_paths: Field<Vec<Spanned<String>>>,
    pub(super) readonly_paths: Field<Vec<Spanned<String>>>,
    pub(super) uid: Field<Id>,
    pub(super) gid: Field<Id>,
    pub(super) additional_gids: Field<Vec<Spanned<Id>>>,
    pub(super) no_new_privileges: Field<bool>,
    pub(super) hostname: Field<String>,
    pub(super) oom_score_adj: Field<i64>,
    pub(super) rootfs_propagation: Field<&'static str>,
    pub(super) cgroups_path: Field<String>,
    pub(super) resources: Field<Resources>,
    pub(super) sysctl: Field<Vec<(String, Spanned<String>)>>,
    pub(super) rlimits: Field<Vec<Spanned<Rlimit>>>,
    pub(super) uid_mappings: Field<Vec<IdMapping>>,
    pub(super) gid_mappings: Field<Vec<IdMapping>>,
    pub(super) annotations: Field<Vec<(String, Spanned<String>)>>,
    pub(super) devices: Field<Vec<Device>>,
    pub(super) runtime: Field<Runtime>,
}

/// Whose namespace it lives in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Namespace {
    Host,
    New,
    Path(String),
}

/// A limit of its processes; `u64::MAX` is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rlimit {
    /// In lower case, without `rlimit_`.
    pub(super) name: &'static str,
    pub(super) soft: u64,
    pub(super) hard: u64,
}

/// A range of users or groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IdMapping {
    pub(super) container: i64,
    pub(super) host: i64,
    pub(super) size: i64,
}

/// A device, or a class of them.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) span: Range<usize>,
    /// None is a class.
    pub(super) path: Option<String>,
    pub(super) kind: &'static str,
    pub(super) major: Option<i64>,
    pub(super) minor: Option<i64>,
    pub(super) mode: Option<u32>,
}

/// Reads an entry.
pub(super) fn named(mut mapping: Mapping<'_>, given: &Given, faults: &mut Faults) -> Option<Entry> {
    let span = mapping.span.clone();
    let name = mapping.required("name", faults).and_then(|value| {
        let name = value.line(faults)?;
        if name.is_empty() {
            faults.push((value.place(), Fault::Empty { key: "name".to_owned() }));
        }
        Some(Spanned::new(name, value.place()))
    });
    let image = mapping
        .required("image", faults)
        .and_then(|value| given.base(&value, faults).map(|base| Spanned::new(base, value.field(()).span)));
    let config = config(mapping, faults);
    Some(Entry { span, name: name?, image: image?, config })
}

/// Reads the keys of a container; `mapping` has no others.
pub(super) fn config(mut mapping: Mapping<'_>, faults: &mut Faults) -> Config {
    let m = &mut mapping;
    let config = Config {
        capabilities: capabilities(m, "capabilities", faults),
        capabilities_add: capabilities(m, "capabilities.add", faults),
        ambient: capabilities(m, "ambient", faults),
        mounts: mounts::mounts(m, Destinations::Absolute, faults),
        binds: m.list("binds", faults, mounts::bind),
        binds_add: m.list("binds.add", faults, mounts::bind),
        tmpfs: m.list("tmpfs", faults, mounts::tmpfs),
        command: m.texts("command", faults),
        env: m.texts("env", faults),
        cwd: absolute(m, "cwd", faults),
        net: namespace(m, "net", faults),
        pid: namespace(m, "pid", faults),
        ipc: namespace(m, "ipc", faults),
        uts: namespace(m, "uts", faults),
        userns: namespace(m, "userns", faults),
        readonly: m.boolean("readonly", faults),
        masked_paths: m.list("maskedPaths", faults, path_item),
        readonly_paths: m.list("readonlyPaths", faults, path_item),
        uid: m.take("uid").and_then(|value| id(&value, faults)),
        gid: m.take("gid").and_then(|value| id(&value, faults)),
        additional_gids: m
            .list("additionalGids", faults, |value, faults| id(value, faults).map(|id| id.value)),
        no_new_privileges: m.boolean("noNewPrivileges", faults),
        hostname: not_empty(m.line("hostname", faults)),
        oom_score_adj: m.integer("oomScoreAdj", -1000, 1000, faults),
        rootfs_propagation: m.take("rootfsPropagation").and_then(|value| {
            value.word(&crate::container::PROPAGATIONS, faults).map(|word| value.field(word))
        }),
        cgroups_path: not_empty(m.line("cgroupsPath", faults)),
        resources: resources::read(m, faults),
        sysctl: m.map("sysctl", faults),
        rlimits: m.list("rlimits", faults, rlimit),
        uid_mappings: id_mappings(m, "uidMappings", faults),
        gid_mappings: id_mappings(m, "gidMappings", faults),
        annotations: m.map("annotations", faults),
        devices: devices(m, faults),
        runtime: runtime::read(m, faults),
    };
    mapping.finish(faults);
    config
}

/// LinuxKit takes an empty text as one that isn't written.
fn not_empty(field: Field<String>) -> Field<String> {
    field.filter(|text| !text.is_empty())
}

fn absolute(mapping: &mut Mapping<'_>, key: &'static str, faults: &mut Faults) -> Field<String> {
    let value = mapping.take(key)?;
    let text = value.line(faults).filter(|text| !text.is_empty())?;
    path::absolute(&text, &value, faults).map(|path| value.field(path))
}

fn path_item(value: &Value<'_>, faults: &mut Faults) -> Option<String> {
    let text = value.line(faults)?;
    path::absolute(&text, value, faults)
}

/// Reads a list of capabilities; `all` alone is `["all"]`, `none` alone is empty.
fn capabilities(
    mapping: &mut Mapping<'_>,
    key: &'static str,
    faults: &mut Faults,
) -> Field<Vec<Spanned<String>>> {
    let mut list = mapping.texts(key, faults)?;
    if let [only] = &mut list.value[..] {
        match only.value.to_ascii_lowercase().as_str() {
            "all" => {
                "all".clone_into(&mut only.value);
                return Some(list);
            }
            "none" => return Some(Spanned::new(Vec::new(), list.span)),
            _ => {}
        }
    }
    list.value.retain(|name| {
        let known = CAPABILITIES.contains(&name.as_str());
        if !known {
            let upper = name.to_ascii_uppercase();
            let full = if upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") };
            let suggestion = closest(&full, CAPABILITIES);
            faults
                .push((name.span.clone(), Fault::UnknownCapability { name: name.value.clone(), suggestion }));
        }
        known
    });
    let mut seen = std::collections::BTreeSet::new();
    list.value.retain(|name| seen.insert(name.value.clone()));
    Some(list)
}

fn namespace(mapping: &mut Mapping<'_>, key: &'static str, faults: &mut Faults) -> Field<Namespace> {
    let value = mapping.take(key)?;
    let text = value.line(faults).filter(|text| !text.is_empty())?;
    let namespace = match text.as_str() {
        "host" | "root" => Namespace::Host,
        "new" => Namespace::New,
        "none" if key == "net" => Namespace::New,
        path if path.starts_with('/') => Namespace::Path(path::absolute(path, &value, faults)?),
        _ => {
            faults.push((value.place(), Fault::InvalidNamespace { key, word: text }));
            return None;
        }
    };
    Some(value.field(namespace))
}

fn rlimit(value: &Value<'_>, faults: &mut Faults) -> Option<Rlimit> {
    let text = value.line(faults)?;
    let parts: Vec<_> = text.split(',').map(str::trim).collect();
    let number = |text: &str| match text.to_ascii_lowercase().as_str() {
        "unlimited" => Some(u64::MAX),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok(),
        _ => None,
    };
    let why = if let [name, soft, hard] = parts[..] {
        let lower = name.to_ascii_lowercase();
        let plain = lower.strip_prefix("rlimit_").unwrap_or(&lower);
        match (RESOURCES.iter().find(|known| **known == plain), number(soft), number(hard)) {
            (None, _, _) => "has a name that setrlimit(2) doesn't know",
            (Some(name), Some(soft), Some(hard)) if soft <= hard => return Some(Rlimit { name, soft, hard }),
            (Some(_), Some(_), Some(_)) => "has a soft limit above the hard one",
            _ => "has a limit that is neither a number nor `unlimited`",
        }
    } else {
        "isn't three parts with commas between them"
    };
    faults.push((value.place(), Fault::InvalidRlimit { limit: text, why }));
    None
}

fn id_mappings(mapping: &mut Mapping<'_>, key: &'static str, faults: &mut Faults) -> Field<Vec<IdMapping>> {
    let most = i64::from(u32::MAX) - 1;
    mapping.mappings(key, faults).map(|list| {
        list.map(|items| {
            items
                .into_iter()
                .map(|mut item| {
                    let mut number =
                        |key, least| item.integer(key, least, most, faults).map(|field| field.value);
                    let (container, host) = (number("containerID", 0), number("hostID", 0));
                    let size = number("size", 0);
                    item.finish(faults);
                    IdMapping {
                        container: container.unwrap_or(0),
                        host: host.unwrap_or(0),
                        size: size.unwrap_or(0),
                    }
                })
                .collect()
        })
    })
}

fn devices(mapping: &mut Mapping<'_>, faults: &mut Faults) -> Field<Vec<Device>> {
    let list = mapping.mappings("devices", faults)?;
    Some(list.map(|items| items.into_iter().filter_map(|item| device(item, faults)).collect()))
}

fn device(mut item: Mapping<'_>, faults: &mut Faults) -> Option<Device> {
    let span = item.span.clone();
    let path = item.required("path", faults);
    let whole_class =
        path.as_ref().and_then(|value| value.text(&mut Vec::new())).is_some_and(|path| path == "all");
    let path =
        path.and_then(|value| if whole_class { Some(None) } else { path_item(&value, faults).map(Some) });
    let kinds: &[&'static str] = if whole_class { &["c", "b", "a", "u", "p"] } else { &["c", "b", "u", "p"] };
    let kind = item.required("type", faults).and_then(|value| value.word(kinds, faults));
    // `-1` and 0 of a class stand for any.
    let major = item.integer("major", -1, 4095, faults).map(|field| field.value);
    let minor = item.integer("minor", -1, 1_048_575, faults).map(|field| field.value);
    let mode = if whole_class {
        item.take("mode").and_then(|value| mode(&value, faults))
    } else {
        item.required("mode", faults).and_then(|value| mode(&value, faults))
    };
    item.finish(faults);
    Some(Device { span, path: path?, kind: kind?, major, minor, mode: mode.map(|mode| mode.value) })
}
