//! `[sources.<name>]`.

use std::collections::BTreeMap;

use super::section::Section;
use super::value::{Items, Value};
use super::{Faults, check, git, upstream};
use crate::package::{Dependencies, Patches, Source};
use crate::problem::Fault;
use crate::{Name, Spanned};

/// Reads all sources.
pub(crate) fn sources(section: &Section<'_>, faults: &mut Faults<'_>) -> BTreeMap<Name, Spanned<Source>> {
    let mut sources = BTreeMap::new();
    for value in section.entries() {
        let Some(name) = key_name(&value, faults) else { continue };
        let Some(table) = section.table_of(&value, faults) else { continue };
        let span = table.span.clone();
        if let Some(source) = source(value.key, table, faults) {
            sources.insert(name, Spanned::new(source, span));
        }
    }
    sources
}

/// Reads a key that is a name.
fn key_name(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Name> {
    let name = value.key.parse().ok();
    if name.is_none() {
        let suggestion = Some(value.key.to_ascii_lowercase()).filter(|better| better.parse::<Name>().is_ok());
        faults.add(value.key_span.clone(), Fault::InvalidName { name: value.key.to_owned(), suggestion });
    }
    name
}

/// The keys that say where a source comes from; each has exactly one.
const ORIGINS: [&str; 6] = ["suite", "local", "crates", "url", "git", "image"];

fn source(name: &str, mut section: Section<'_>, faults: &mut Faults<'_>) -> Option<Source> {
    section.knows(&ORIGINS);
    for (at, key) in ORIGINS.into_iter().enumerate() {
        for other in &ORIGINS[at + 1..] {
            section.contradiction(key, other, "a source has one origin", faults);
        }
    }
    let source = if section.peek("suite").is_some() {
        debian(&mut section, faults)
    } else if section.peek("local").is_some() {
        local(&mut section, faults)
    } else if let Some(value) = section.value("crates") {
        check::project_path(&value, faults).map(|lockfile| Source::Crates { lockfile })
    } else if section.peek("url").is_some() {
        upstream::url(&mut section, faults)
    } else if section.peek("git").is_some() {
        git::git(name, &mut section, faults)
    } else if let Some(value) = section.value("image") {
        check::reference(&value, faults).map(Source::Image)
    } else {
        faults.add(section.span.clone(), Fault::SourceWithoutOrigin { name: name.to_owned() });
        section.knows(&[
            "packages",
            "dependencies",
            "architecture",
            "component",
            "source",
            "patches",
            "include",
            "exclude",
            "mirrors",
            "sha256",
            "unpack",
            "commit",
            "tag",
            "branch",
            "submodules",
        ]);
        None
    };
    section.finish(faults);
    source
}

/// The parts of Debian's suites.
const COMPONENTS: [(&str, &str); 4] = [
    ("main", "main"),
    ("contrib", "contrib"),
    ("non-free", "non-free"),
    ("non-free-firmware", "non-free-firmware"),
];

fn debian(section: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<Source> {
    let suite = section.value("suite").and_then(|value| check::suite(&value, faults));
    let why = "a source is of binary packages or of one source package";
    section.contradiction("packages", "source", why, faults);
    section.contradiction("dependencies", "source", why, faults);
    section.contradiction("architecture", "source", why, faults);
    section.contradiction("component", "source", why, faults);
    section.contradiction("patches", "packages", why, faults);
    if section.peek("source").is_some() {
        section.knows(&["packages", "dependencies", "architecture", "component"]);
        let (source, patches) = (debian_source(section, faults), patches(section, faults));
        return Some(Source::DebianSource { suite: suite?, source: source?, patches: patches? });
    }
    section.knows(&["source", "patches"]);
    let packages = section.required("packages", "packages = [\"busybox-static\"]");
    let packages = packages.and_then(|value| {
        let packages = value.list(Items::Some, faults, check::debian_package)?;
        let name = |package: &String| package.split('=').next().unwrap_or_default().to_owned();
        check::no_item_twice(value.key, &packages, name, faults);
        Some(packages)
    });
    let words = [("closure", Dependencies::Closure), ("none", Dependencies::None)];
    let dependencies = section.value("dependencies").and_then(|value| value.word(&words, faults));
    let dependencies = dependencies.unwrap_or(Dependencies::Closure);
    let architecture = check::architecture(section, faults).map(|architecture| architecture.value);
    let component = section.value("component").and_then(|value| value.word(&COMPONENTS, faults));
    let component = component.filter(|component| *component != "main").map(str::to_owned);
    Some(Source::Debian { suite: suite?, packages: packages?, dependencies, architecture, component })
}

fn debian_source(section: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<Spanned<String>> {
    section.value("source").and_then(|value| check::debian_package(&value, faults))
}

fn patches(section: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<Patches> {
    let Some(value) = section.value("patches") else { return Some(Patches::Applied) };
    value.boolean(faults).map(|applied| if applied { Patches::Applied } else { Patches::LeftOut })
}

fn local(section: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<Source> {
    let path = section.value("local").and_then(|value| check::project_path(&value, faults));
    let include = section.value("include").and_then(|value| check::globs(&value, faults)).unwrap_or_default();
    let exclude = section.value("exclude").and_then(|value| check::globs(&value, faults)).unwrap_or_default();
    Some(Source::Local { path: path?, include, exclude })
}
