//! What is mounted: `binds`, `tmpfs`, `mounts`.

use std::ops::Range;

use super::decode::{Faults, Field, Mapping, Value};
use super::fault::Fault;
use super::path;
use crate::Spanned;
use crate::parse::closest;
use crate::parse::container::{BIND_OPTIONS, MOUNT_OPTIONS, TMPFS_OPTIONS};

/// `source:destination[:option,…]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bind {
    /// An absolute path, or the name of a volume.
    pub(super) source: String,
    pub(super) destination: String,
    /// None where none are written.
    pub(super) options: Option<Vec<String>>,
}

/// `destination[:option,…]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tmpfs {
    pub(super) destination: String,
    pub(super) options: Option<Vec<String>>,
}

/// Any mount, with what LinuxKit puts in where it isn't written.
#[derive(Debug, Clone)]
pub(super) struct Mount {
    pub(super) span: Range<usize>,
    pub(super) destination: String,
    /// Where the destination is counted from.
    pub(super) below: Below,
    pub(super) kind: String,
    pub(super) source: String,
    pub(super) options: Vec<String>,
}

/// Where a path is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Below {
    /// The root of whoever mounts: of the machine in `runtime`, else of the container.
    Own,
    /// The root of the container, of a mount in `runtime`.
    Container,
}

/// Which destinations a list of mounts may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Destinations {
    /// Absolute ones.
    Absolute,
    /// Relative ones too, which are in the container's root.
    Any,
}

const BIND: &str = "source:destination:option,option";
const TMPFS: &str = "/destination:option,option";
/// Flags that change nothing that kit knows of, or that hold anyway.
const WITHOUT_EFFECT: [&str; 15] = [
    "atime",
    "diratime",
    "defaults",
    "async",
    "sync",
    "dirsync",
    "norelatime",
    "nostrictatime",
    "nodiratime",
    "mand",
    "nomand",
    "iversion",
    "noiversion",
    "silent",
    "loud",
];

impl Bind {
    /// Returns the volume that it names.
    pub(super) fn volume(&self) -> Option<&str> {
        (!self.source.contains('/')).then_some(self.source.as_str())
    }

    /// Whether nothing can be written through it.
    pub(super) fn is_read_only(&self) -> bool {
        self.options.as_ref().is_some_and(|options| options.iter().any(|option| option == "ro"))
    }
}

/// Reads a bind.
pub(super) fn bind(value: &Value<'_>, faults: &mut Faults) -> Option<Bind> {
    let text = value.line(faults)?;
    let parts: Vec<_> = text.split(':').collect();
    let (source, destination, options) = match parts[..] {
        [source, destination] => (source, destination, None),
        [source, destination, options] => (source, destination, Some(options)),
        _ => {
            let why = if parts.len() < 2 { "has no destination" } else { "has too many `:`" };
            faults.push((value.place(), Fault::InvalidMount { what: "bind", mount: text, why, form: BIND }));
            return None;
        }
    };
    let from = if source.contains('/') { path::plain(source) } else { Ok(source.to_owned()) };
    let to = path::plain(destination);
    let why = match (&from, &to) {
        (Err(why), _) | (_, Err(why)) => Some(*why),
        _ if source.is_empty() => Some("has no source"),
        _ if source.contains('/') && !source.starts_with('/') => {
            Some("has a source that doesn't begin with `/`")
        }
        _ if !destination.starts_with('/') => Some("has a destination that doesn't begin with `/`"),
        (_, Ok(path)) if path == "/" => Some("has the root as its destination"),
        _ => None,
    };
    if let Some(why) = why {
        faults.push((value.place(), Fault::InvalidMount { what: "bind", mount: text, why, form: BIND }));
        return None;
    }
    let options = match options {
        None => None,
        Some(options) => Some(flags(options, &BIND_OPTIONS, &[], value, faults)?),
    };
    Some(Bind { source: from.ok()?, destination: to.ok()?, options })
}

/// Reads a file system in memory.
pub(super) fn tmpfs(value: &Value<'_>, faults: &mut Faults) -> Option<Tmpfs> {
    let text = value.line(faults)?;
    let parts: Vec<_> = text.split(':').collect();
    let (destination, options) = match parts[..] {
        [destination] => (destination, None),
        [destination, options] => (destination, Some(options)),
        _ => {
            let why = "has too many `:`";
            faults
                .push((value.place(), Fault::InvalidMount { what: "tmpfs", mount: text, why, form: TMPFS }));
            return None;
        }
    };
    let why = match path::plain(destination) {
        Err(why) => Some(why),
        Ok(_) if !destination.starts_with('/') => Some("has a destination that doesn't begin with `/`"),
        Ok(path) if path == "/" => Some("has the root as its destination"),
        Ok(_) => None,
    };
    if let Some(why) = why {
        faults.push((value.place(), Fault::InvalidMount { what: "tmpfs", mount: text, why, form: TMPFS }));
        return None;
    }
    let options = match options {
        None => None,
        Some(options) => Some(flags(options, &[], &TMPFS_OPTIONS, value, faults)?),
    };
    Some(Tmpfs { destination: path::plain(destination).ok()?, options })
}

/// Reads options; those without effect are left out.
fn flags(
    text: &str,
    more: &[&'static str],
    with_value: &[&'static str],
    value: &Value<'_>,
    faults: &mut Faults,
) -> Option<Vec<String>> {
    let mut options: Vec<String> = Vec::new();
    let before = faults.len();
    for option in text.split(',').map(str::trim).filter(|option| !option.is_empty()) {
        let known = match option.split_once('=') {
            Some((key, amount)) => with_value.contains(&key) && !amount.is_empty(),
            None => MOUNT_OPTIONS.contains(&option) || more.contains(&option),
        };
        if WITHOUT_EFFECT.contains(&option) {
            continue;
        }
        if known {
            if options.iter().all(|other| other != option) {
                options.push(option.to_owned());
            }
        } else {
            let suggestion = closest(option, MOUNT_OPTIONS.iter().chain(more).chain(with_value).copied());
            faults.push((value.place(), Fault::UnknownMountOption { option: option.to_owned(), suggestion }));
        }
    }
    (faults.len() == before).then_some(options)
}

/// Reads `mounts`.
pub(super) fn mounts(
    mapping: &mut Mapping<'_>,
    destinations: Destinations,
    faults: &mut Faults,
) -> Field<Vec<Mount>> {
    let list = mapping.mappings("mounts", faults)?;
    Some(list.map(|items| items.into_iter().filter_map(|item| mount(item, destinations, faults)).collect()))
}

fn mount(mut item: Mapping<'_>, destinations: Destinations, faults: &mut Faults) -> Option<Mount> {
    let span = item.span.clone();
    let before = faults.len();
    let kind = item.line("type", faults).map(|field| field.value).filter(|kind| !kind.is_empty());
    let source = item.line("source", faults).map(|field| field.value).filter(|source| !source.is_empty());
    let mut below = Below::Own;
    let destination = item.take("destination").and_then(|value| {
        let text = value.line(faults).filter(|text| !text.is_empty())?;
        if destinations == Destinations::Any && !text.starts_with('/') {
            below = Below::Container;
            return path::in_image(&text, &value, faults);
        }
        path::absolute(&text, &value, faults)
    });
    let options = item.texts("options", faults);
    item.finish(faults);
    if faults.len() > before {
        return None;
    }
    let guessed = source.as_deref().filter(|source| place(source).is_some()).map(ToOwned::to_owned);
    let kind =
        kind.or(guessed).or_else(|| (destination.as_deref() == Some("/dev")).then(|| "tmpfs".to_owned()));
    let destination = destination.or_else(|| kind.as_deref().and_then(place).map(ToOwned::to_owned));
    let why = match (&kind, &destination) {
        (None, _) => Some("has no `type`"),
        (_, None) => Some("has no `destination`"),
        (_, Some(path)) if path == "/" => Some("has the root as its destination"),
        _ => None,
    };
    if let Some(why) = why {
        let mount = kind.or(source).unwrap_or_default();
        let form = "{type: tmpfs, destination: /path}";
        faults.push((span, Fault::InvalidMount { what: "mount", mount, why, form }));
        return None;
    }
    let (kind, destination) = (kind?, destination?);
    let options = options.map(|options| options.value).unwrap_or_default();
    Some(Mount {
        span,
        source: source.unwrap_or_else(|| kind.clone()),
        kind,
        destination,
        below,
        options: options.into_iter().map(|Spanned { value, .. }| value).collect(),
    })
}

/// Returns where a file system of a kind is mounted as a rule.
fn place(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "proc" => "/proc",
        "devpts" => "/dev/pts",
        "sysfs" => "/sys",
        "cgroup" | "cgroup2" => "/sys/fs/cgroup",
        "mqueue" => "/dev/mqueue",
        _ => return None,
    })
}
