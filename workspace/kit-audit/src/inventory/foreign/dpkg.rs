//! The lists of Debian's package manager.
//!
//! ```text
//! /var/lib/dpkg/status            all packages, a paragraph each
//! /var/lib/dpkg/status.d/NAME     one package: images without a package manager have these
//! /var/lib/dpkg/status.d/NAME.md5sums      and these, its files
//! /var/lib/dpkg/info/NAME.list    the files of a package; NAME:ARCHITECTURE where there can be several
//! ```

use std::collections::BTreeMap;

use kit_recipe::lockfile::{DebKey, DebSource};

use super::{LONGEST_FILES, LONGEST_LIST, MOST_PATHS, Reader, is_word, shortened};
use crate::inventory::component::{Component, ComponentId, Role, purl_part};

const STATUS: &str = "/var/lib/dpkg/status";
const SINGLE: &str = "/var/lib/dpkg/status.d";
const INFO: &str = "/var/lib/dpkg/info";
/// What the names of lists of files of images without a package manager end with.
const SUMS: &str = ".md5sums";

/// Reads all packages and whose the files are.
pub(super) fn read(reader: &mut Reader<'_>) {
    if let Some(text) = reader.text(STATUS, LONGEST_LIST)
        && !packages(reader, STATUS, &text, None)
    {
        return;
    }
    let names = reader.names_in(SINGLE);
    for name in names.iter().filter(|name| !name.ends_with(SUMS)) {
        let path = format!("{SINGLE}/{name}");
        let Some(text) = reader.text(&path, LONGEST_LIST) else { continue };
        if !packages(reader, &path, &text, Some(name)) {
            return;
        }
    }
}

/// A package that is installed.
struct Package {
    key: DebKey,
    source: DebSource,
    summary: Option<String>,
}

/// Adds a package and gives it its files; `single` is the name of the file that lists it alone. Whether there was room for it.
fn add(reader: &mut Reader<'_>, package: Package, single: Option<&str>) -> bool {
    let Package { key, source, summary } = package;
    let system = reader.system.clone().unwrap_or_default();
    let suite = system.debian_suite();
    let distro = suite.map(|suite| format!("&distro={}", purl_part(suite))).unwrap_or_default();
    let purl = system.distribution().map(|distribution| {
        format!(
            "pkg:deb/{}/{}@{}?arch={}{distro}",
            purl_part(distribution),
            purl_part(&key.name),
            purl_part(&key.version),
            purl_part(&key.architecture),
        )
    });
    let component = Component {
        version: Some(key.version.clone()),
        summary,
        purl,
        source: Some(source),
        suite: suite.map(str::to_owned),
        role: Role::Shipped,
        ..Component::named(&key.name)
    };
    let id = ComponentId::Debian(key.clone());
    if !reader.add(id.clone(), component) {
        return false;
    }
    let DebKey { name, architecture, .. } = &key;
    let lists = if let Some(single) = single {
        vec![format!("{SINGLE}/{single}{SUMS}")]
    } else {
        vec![format!("{INFO}/{name}.list"), format!("{INFO}/{name}:{architecture}.list")]
    };
    for list in lists {
        if reader.paths > MOST_PATHS {
            break;
        }
        let Some(text) = reader.text(&list, LONGEST_FILES) else { continue };
        for line in text.lines() {
            // Sums have paths without a slash before them.
            let path =
                if single.is_some() { line.split_once("  ").map_or("", |(_, path)| path) } else { line };
            reader.give(path.trim_end(), &id, &list);
        }
        break;
    }
    true
}

/// Adds the packages that the paragraphs of a list are about, and tells of those that can't be read. Whether there was room for all.
fn packages(reader: &mut Reader<'_>, path: &str, text: &str, single: Option<&str>) -> bool {
    let mut fields = BTreeMap::new();
    let mut start = 1;
    for (number, line) in text.lines().enumerate().chain([(0, "")]) {
        if line.trim().is_empty() {
            let fields = std::mem::take(&mut fields);
            if fields.is_empty() {
                continue;
            }
            match package(&fields) {
                Ok(None) => {}
                Ok(Some(package)) => {
                    if !add(reader, package, single) {
                        return false;
                    }
                }
                Err(why) => reader.tell(format!("`{path}`, line {start}: {why}")),
            }
            continue;
        }
        if fields.is_empty() {
            start = number + 1;
        }
        // What goes on in a further line isn't needed of any field.
        if line.starts_with([' ', '\t']) {
            continue;
        }
        // An empty name marks a paragraph that isn't one.
        let (name, value) = line.split_once(':').unwrap_or(("", line));
        fields.entry(name).or_insert_with(|| value.trim());
    }
    true
}

/// Reads a paragraph; none where the package isn't installed.
fn package(fields: &BTreeMap<&str, &str>) -> Result<Option<Package>, String> {
    if let Some(line) = fields.get("") {
        return Err(format!("`{}` is no field", shortened(line)));
    }
    // Wanted, errors, state. Images without a package manager don't say it.
    let state = fields.get("Status").map(|status| status.split_whitespace().nth(2).unwrap_or_default());
    if state.is_some_and(|state| {
        !matches!(
            state,
            "installed" | "unpacked" | "half-configured" | "triggers-awaited" | "triggers-pending"
        )
    }) {
        return Ok(None);
    }
    let word = |field: &str| match fields.get(field) {
        Some(value) if is_word(value) => Ok((*value).to_owned()),
        Some(value) => Err(format!("its `{field}` is `{}`", shortened(value))),
        None => Err(format!("it has no `{field}`")),
    };
    let (name, version) = (word("Package")?, word("Version")?);
    let architecture = word("Architecture")?;
    let source = match fields.get("Source") {
        None => DebSource { name: name.clone(), version: version.clone() },
        Some(text) => {
            let (source, rest) = text.split_once(' ').unwrap_or((text, ""));
            let inside = |rest: &str| Some(rest.strip_prefix('(')?.strip_suffix(')')?.trim().to_owned());
            let own = if rest.trim().is_empty() { Some(version.clone()) } else { inside(rest.trim()) };
            match own.filter(|own| is_word(source) && is_word(own)) {
                Some(own) => DebSource { name: source.to_owned(), version: own },
                None => return Err(format!("its `Source` is `{}`", shortened(text))),
            }
        }
    };
    let summary = fields.get("Description").map(|text| shortened(text)).filter(|text| !text.is_empty());
    Ok(Some(Package { key: DebKey { name, version, architecture }, source, summary }))
}
