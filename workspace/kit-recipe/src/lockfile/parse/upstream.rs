//! Pins of sources as their authors publish them.

use super::{digest, digest_at, invalid_entry, number_at, text_at};
use crate::Name;
use crate::git::CommitId;
use crate::lockfile::FilePin;
use crate::parse::Faults;
use crate::parse::section::Section;
use crate::parse::value::Value;

pub(super) fn file(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<((Name, Name), FilePin)> {
    let mut section = Section::open("[files]", value, faults)?;
    let source = digest_at(&mut section, "source", faults);
    let name = text_at(&mut section, "name", faults);
    let size = number_at(&mut section, "size", faults);
    let sha256 = digest_at(&mut section, "sha256", faults);
    let commit = section.value("commit").map(|value| commit(&value, faults));
    let tree = section.value("tree").map(|value| digest(&value, faults));
    section.finish(faults);
    let key = key(value, "[files]", faults);
    let tree = tree.map_or(Some(None), |tree| tree.map(Some))?;
    let commit = commit.map_or(Some(None), |commit| commit.map(Some))?;
    Some((key?, FilePin { source: source?, name: name?, size: size?, sha256: sha256?, commit, tree }))
}

fn commit(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<CommitId> {
    let text = value.line(faults)?;
    text.parse().ok().or_else(|| invalid_entry(value, "[files]", "the 40 or 64 digits of a commit", faults))
}

/// Reads `package/source`.
fn key(value: &Value<'_>, section: &'static str, faults: &mut Faults<'_>) -> Option<(Name, Name)> {
    let names = value.key.split_once('/').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    names.or_else(|| invalid_entry(value, section, "package/source", faults))
}
