//! The list of Alpine's package manager: a paragraph for each package, a field in a line, named by a letter.
//!
//! ```text
//! P:musl          name             L:MIT         licence
//! V:1.2.5-r0      version          T:the musl …  what it is
//! A:x86_64        architecture     F:lib         a directory, and behind it
//!                                  R:ld-musl…    its files
//! ```

use super::{LONGEST_LIST, OsRelease, Reader, is_word, shortened};
use crate::inventory::component::{Component, ComponentId, Role, purl_part};

/// Where the list is, from the newest form on.
const LISTS: [&str; 2] = ["/usr/lib/apk/db/installed", "/lib/apk/db/installed"];

/// Reads all packages and whose the files are.
pub(super) fn read(reader: &mut Reader<'_>) {
    for path in LISTS {
        if let Some(text) = reader.text(path, LONGEST_LIST) {
            for (number, paragraph) in text.split("\n\n").enumerate() {
                read_package(reader, path, number + 1, paragraph);
            }
            return;
        }
    }
}

fn read_package(reader: &mut Reader<'_>, list: &str, number: usize, paragraph: &str) {
    let lines = || paragraph.lines().filter_map(|line| line.split_once(':'));
    let field = |name: &str| lines().find(|(key, _)| *key == name).map(|(_, value)| value.trim());
    if paragraph.trim().is_empty() {
        return;
    }
    let (name, version) = (field("P").unwrap_or_default(), field("V").unwrap_or_default());
    if !is_word(name) || !is_word(version) {
        let shown = shortened(&format!("{name} {version}"));
        reader.tell(format!("`{list}`, paragraph {number}: `{shown}` is no package and version"));
        return;
    }
    let distribution = reader.system.as_ref().and_then(OsRelease::distribution).map(purl_part);
    let architecture = field("A").filter(|architecture| is_word(architecture));
    let architecture = architecture.map(|architecture| format!("?arch={}", purl_part(architecture)));
    let (own_name, own_version) = (purl_part(name), purl_part(version));
    let architecture = architecture.unwrap_or_default();
    let purl = distribution
        .map(|distribution| format!("pkg:apk/{distribution}/{own_name}@{own_version}{architecture}"));
    let component = Component {
        version: Some(version.to_owned()),
        summary: field("T").map(shortened),
        licence: field("L").map(str::to_owned),
        purl,
        role: Role::Shipped,
        ..Component::named(name)
    };
    let id = ComponentId::Apk { name: name.to_owned(), version: version.to_owned() };
    if !reader.add(id.clone(), component) {
        return;
    }
    let mut directory = "";
    for (key, value) in lines() {
        match key {
            "F" => {
                directory = value;
                reader.give(directory, &id, list);
            }
            "R" if directory.is_empty() => reader.give(value, &id, list),
            "R" => reader.give(&format!("{directory}/{value}"), &id, list),
            _ => {}
        }
    }
}
