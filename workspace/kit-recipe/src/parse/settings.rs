//! `kit.toml`.

use std::collections::BTreeMap;

use super::section::Section;
use super::value::{Items, Value};
use super::{Faults, document};
use crate::Settings;
use crate::problem::{Area, Fault, Problems};
use crate::settings::{AdvisorySettings, DebianSettings, SignatureSettings};

impl Settings {
    /// Reads `kit.toml`.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        document(Area::Settings, text, |root, faults| Some(settings(root, faults)))
    }
}

fn settings(mut root: Section<'_>, faults: &mut Faults<'_>) -> Settings {
    let store = path_of("store", &mut root, faults);
    let out = path_of("out", &mut root, faults);
    let vendor = path_of("vendor", &mut root, faults);
    let debian = root.section("debian", faults).map(|section| debian(section, faults));
    let signatures = root.section("signatures", faults).map(|section| signatures(section, faults));
    let advisories = root.section("advisories", faults).map(|section| advisories(section, faults));
    let mirrors = root.section("mirrors", faults).map(|section| mirrors(&section, faults));
    root.finish(faults);
    Settings {
        store,
        out,
        vendor,
        debian: debian.unwrap_or_default(),
        signatures: signatures.unwrap_or_default(),
        advisories: advisories.unwrap_or_default(),
        mirrors: mirrors.unwrap_or_default(),
    }
}

fn advisories(mut section: Section<'_>, faults: &mut Faults<'_>) -> AdvisorySettings {
    let from = section.value("from").and_then(|value| {
        value.list(Items::Some, faults, |item, faults| {
            let text = item.line(faults)?;
            if text.contains("://") && !is_http(text) {
                return item.fault(no_http(text), faults);
            }
            Some(text.to_owned())
        })
    });
    section.finish(faults);
    AdvisorySettings { from: from.unwrap_or_default() }
}

fn signatures(mut section: Section<'_>, faults: &mut Faults<'_>) -> SignatureSettings {
    let needed = section.value("needed").and_then(|value| value.number(1, 1000, faults));
    let mut keys = BTreeMap::new();
    if let Some(section) = section.section("keys", faults) {
        for value in section.entries() {
            let text = value.line(faults).map(ToOwned::to_owned);
            keys.extend(text.map(|text| (value.key.to_owned(), text)));
        }
    }
    section.finish(faults);
    SignatureSettings { needed, keys }
}

/// Reads what else addresses can begin with.
fn mirrors(section: &Section<'_>, faults: &mut Faults<'_>) -> BTreeMap<String, Vec<String>> {
    let mut mirrors = BTreeMap::new();
    for value in section.entries() {
        if !is_http(value.key) {
            faults.add(value.key_span.clone(), no_http(value.key));
        }
        let others = value.list(Items::Some, faults, |item, faults| {
            let text = item.line(faults)?;
            if is_http(text) {
                return Some(text.to_owned());
            }
            item.fault(no_http(text), faults)
        });
        mirrors.insert(value.key.to_owned(), others.unwrap_or_default());
    }
    mirrors
}

fn no_http(address: &str) -> Fault {
    Fault::SourceAddress { address: address.to_owned(), why: "doesn't begin with `https://` or `http://`" }
}

fn is_http(text: &str) -> bool {
    let rest = ["http://", "https://"].into_iter().find_map(|scheme| text.strip_prefix(scheme));
    rest.is_some_and(|rest| !rest.is_empty()) && !text.contains(char::is_whitespace)
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
