//! `kit.toml`.

use super::section::Section;
use super::value::{Items, Value};
use super::{Faults, document};
use crate::Settings;
use crate::problem::{Area, Fault, Problems};
use crate::settings::DebianSettings;

impl Settings {
    /// Reads `kit.toml`.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        document(Area::Settings, text, |root, faults| Some(settings(root, faults)))
    }
}

fn settings(mut root: Section<'_>, faults: &mut Faults<'_>) -> Settings {
    let store = path_of("store", &mut root, faults);
    let out = path_of("out", &mut root, faults);
    let debian = root.section("debian", faults).map(|section| debian(section, faults));
    root.finish(faults);
    Settings { store, out, debian: debian.unwrap_or_default() }
}

fn path_of(key: &'static str, root: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let mut section = root.section(key, faults)?;
    let path = section.value("path").and_then(|value| value.line(faults)).map(ToOwned::to_owned);
    section.finish(faults);
    path
}

fn debian(mut section: Section<'_>, faults: &mut Faults<'_>) -> DebianSettings {
    let mirrors = section.value("mirrors").and_then(|value| value.list(Items::Any, faults, address));
    let snapshot = section.value("snapshot").and_then(|value| address(&value, faults));
    let keyrings = section.value("keyrings").and_then(|value| {
        value.list(Items::Any, faults, |item, faults| item.line(faults).map(ToOwned::to_owned))
    });
    section.finish(faults);
    DebianSettings { mirrors: mirrors.unwrap_or_default(), snapshot, keyrings: keyrings.unwrap_or_default() }
}

fn address(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let text = value.line(faults)?;
    let rest = ["http://", "https://", "file:///"].into_iter().find_map(|scheme| text.strip_prefix(scheme));
    if rest.is_none_or(str::is_empty) || text.contains(char::is_whitespace) {
        return value.fault(Fault::InvalidAddress { address: text.to_owned() }, faults);
    }
    Some(text.to_owned())
}
