//! `[debian-sources."package/source"]`.

use std::collections::BTreeMap;

use super::{digest, digest_at, invalid_entry, number_at, required, text_at};
use crate::Name;
use crate::lockfile::{DebianSource, SourceFile, SourcePart, Suite};
use crate::parse::Faults;
use crate::parse::section::Section;
use crate::parse::value::{Items, Value};
use crate::problem::Fault;

/// The section, for messages.
const SECTION: &str = "[debian-sources]";

/// Reads one entry.
pub(super) fn debian_source(
    value: &Value<'_>,
    faults: &mut Faults<'_>,
) -> Option<((Name, Name), DebianSource)> {
    let mut section = Section::open(SECTION, value, faults)?;
    let name = text_at(&mut section, "name", faults);
    let version = text_at(&mut section, "version", faults);
    let suite = text_at(&mut section, "suite", faults);
    let directory = text_at(&mut section, "path", faults);
    let files = required(&mut section, "files");
    let files = files.and_then(|value| value.list(Items::Any, faults, file));
    section.finish(faults);
    let names = value.key.split_once('/').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    let names = names.or_else(|| invalid_entry(value, SECTION, "package/source", faults));
    let source =
        DebianSource { name: name?, version: version?, suite: suite?, directory: directory?, files: files? };
    Some((names?, source))
}

fn file(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<SourceFile> {
    let mut section = Section::open(SECTION, value, faults)?;
    let part = required(&mut section, "part").and_then(|value| part(&value, faults));
    let name = text_at(&mut section, "name", faults);
    let size = number_at(&mut section, "size", faults);
    let sha256 = digest_at(&mut section, "sha256", faults);
    let tree = section.value("tree").map(|value| digest(&value, faults));
    section.finish(faults);
    let tree = tree.map_or(Some(None), |tree| tree.map(Some))?;
    Some(SourceFile { part: part?, name: name?, size: size?, sha256: sha256?, tree })
}

fn part(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<SourcePart> {
    let text = value.any_text(faults)?;
    if let Ok(part) = text.parse() {
        return Some(part);
    }
    let (entry, form) = (text.to_owned(), "dsc, orig, orig-NAME, debian or diff");
    value.fault(Fault::InvalidEntry { entry, section: SECTION, form }, faults)
}

/// Notes suites of sources that aren't locked.
pub(super) fn dangling(
    root: &Section<'_>,
    sources: &BTreeMap<(Name, Name), DebianSource>,
    suites: &BTreeMap<String, Suite>,
    faults: &mut Faults<'_>,
) {
    let entries = root.peek("debian-sources").and_then(|value| root.table_of(&value, faults));
    for value in entries.iter().flat_map(Section::entries) {
        let is_it = |((package, source), _): &(&(Name, Name), &DebianSource)| {
            value.key.split_once('/') == Some((package.as_str(), source.as_str()))
        };
        let Some((_, source)) = sources.iter().find(is_it) else { continue };
        if !suites.contains_key(&source.suite) {
            let (name, section) = (source.suite.clone(), "[suites]");
            faults.add(value.section_span(), Fault::Dangling { name, section });
        }
    }
}
