//! What is mounted in a container.

use crate::Spanned;
use crate::container::{Bind, BindSource, Container, Mount, Tmpfs};
use crate::parse::check::{self, Root};
use crate::parse::section::Section;
use crate::parse::value::{Items, Value};
use crate::parse::{Faults, closest};
use crate::problem::Fault;

/// Options of both kinds of mounts.
pub(crate) const MOUNT_OPTIONS: [&str; 12] = [
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
pub(crate) const BIND_OPTIONS: [&str; 10] = [
    "bind",
    "rbind",
    "private",
    "rprivate",
    "slave",
    "rslave",
    "shared",
    "rshared",
    "unbindable",
    "runbindable",
];
/// Options of tmpfs alone; each has a value.
pub(crate) const TMPFS_OPTIONS: [&str; 5] = ["size", "mode", "uid", "gid", "nr_inodes"];

/// File systems that need no more than their name.
const PLAIN: [&str; 7] = ["proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2", "tmpfs"];

pub(super) fn read(section: &mut Section<'_>, container: &mut Container, faults: &mut Faults<'_>) {
    container.binds = section.value("binds").and_then(|value| value.list(Items::Any, faults, bind));
    section.contradiction("add-binds", "binds", "the list beside it is whole", faults);
    container.add_binds = section.value("add-binds").and_then(|value| value.list(Items::Any, faults, bind));
    container.tmpfs = section.value("tmpfs").and_then(|value| value.list(Items::Any, faults, tmpfs));
    container.mounts = mounts(section, faults);
}

fn bind(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Spanned<Bind>> {
    let text = value.line(faults)?;
    let mut parts = text.splitn(3, ':');
    let (source, destination, options) = (parts.next(), parts.next(), parts.next());
    let source = source.unwrap_or_default();
    let volume = source.parse().ok().filter(|_| !source.contains('/'));
    let why = match destination {
        None => Some("has no destination"),
        Some(_) if volume.is_none() && check::check_tree_path(source, Root::Allowed).is_err() => {
            Some("has a source that is neither an absolute, plain path nor a volume's name")
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
    let source = volume.map_or_else(|| BindSource::Path(source.to_owned()), BindSource::Volume);
    Some(value.spanned(Bind { source, destination, options }))
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

/// Reads `mounts`, `[[…mounts]]`.
pub(super) fn mounts(section: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<Vec<Spanned<Mount>>> {
    section.peek("mounts")?;
    let mounts = section.sections("mounts", faults);
    Some(mounts.into_iter().filter_map(|section| mount(section, faults)).collect())
}

fn mount(mut section: Section<'_>, faults: &mut Faults<'_>) -> Option<Spanned<Mount>> {
    let span = section.span.clone();
    let destination = section.required("destination", "destination = \"/srv\"");
    let destination = destination.and_then(|value| check::absolute(&value, faults));
    let source = section.value("source").and_then(|value| value.line(faults)).map(ToOwned::to_owned);
    let guessed = source.clone().filter(|source| PLAIN.contains(&source.as_str()));
    let kind = match guessed {
        None => section.required("type", "type = \"tmpfs\""),
        Some(_) => section.value("type"),
    };
    let kind = kind.and_then(|value| value.line(faults)).map(ToOwned::to_owned).or(guessed);
    let options = section.value("options").and_then(|value| {
        value.list(Items::Any, faults, |item, faults| item.line(faults).map(ToOwned::to_owned))
    });
    if kind.as_deref().is_some_and(|kind| source.is_none() && !PLAIN.contains(&kind)) {
        section.required("source", "source = \"/dev/vda1\"");
    }
    section.finish(faults);
    let kind = kind?;
    let mount = Mount {
        destination: destination?,
        source: source.unwrap_or_else(|| kind.clone()),
        kind,
        options: options.unwrap_or_default(),
    };
    Some(Spanned::new(mount, span))
}
