//! `[images."reference"]`.

use super::{digest, digest_at, invalid_entry, number_at, required};
use crate::ImageReference;
use crate::lockfile::image::{Document, ImagePin, ImageSettings, LayerPin, Owner};
use crate::parse::Faults;
use crate::parse::container::environment;
use crate::parse::section::Section;
use crate::parse::value::{Items, Value};

/// The section, for messages.
const SECTION: &str = "[images]";

/// Reads one entry.
pub(super) fn image(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<(ImageReference, ImagePin)> {
    let mut section = Section::open(SECTION, value, faults)?;
    let index = section.value("index").map(|value| digest(&value, faults));
    let manifest = document(&mut section, "manifest", faults);
    let config = document(&mut section, "config", faults);
    let settings = settings(&mut section, faults);
    let owner = section.value("owner").map(|value| owner(&value, faults));
    let layers = required(&mut section, "layers").and_then(|value| value.list(Items::Any, faults, layer));
    section.finish(faults);
    let reference: Option<ImageReference> = value.key.parse().ok();
    // One that says the same in another way wouldn't be found.
    let reference = reference.filter(|reference| reference.to_string() == value.key);
    let reference = reference.or_else(|| invalid_entry(value, SECTION, "registry/repository:tag", faults));
    let owner = owner.map_or(Some(None), |owner| owner.map(Some))?;
    let index = index.map_or(Some(None), |index| index.map(Some))?;
    Some((
        reference?,
        ImagePin { index, manifest: manifest?, config: config?, settings: settings?, owner, layers: layers? },
    ))
}

fn document(section: &mut Section<'_>, key: &'static str, faults: &mut Faults<'_>) -> Option<Document> {
    let value = required(section, key)?;
    let mut section = Section::open(SECTION, &value, faults)?;
    let size = number_at(&mut section, "size", faults);
    let sha256 = digest_at(&mut section, "sha256", faults);
    section.finish(faults);
    Some(Document { size: size?, sha256: sha256? })
}

fn settings(section: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<ImageSettings> {
    let text = |value: &Value<'_>, faults: &mut Faults<'_>| value.any_text(faults).map(ToOwned::to_owned);
    let command =
        section.value("command").map_or(Some(Vec::new()), |value| value.list(Items::Any, faults, text));
    let env = section.section("env", faults).map(|section| environment(&section, faults)).unwrap_or_default();
    let mut option = |key| section.value(key).map_or(Some(None), |value| text(&value, faults).map(Some));
    let (cwd, user, label) = (option("cwd"), option("user"), option("label"));
    Some(ImageSettings { command: command?, env, cwd: cwd?, user: user?, label: label? })
}

fn owner(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Owner> {
    let mut section = Section::open(SECTION, value, faults)?;
    let uid = required(&mut section, "uid").and_then(|value| value.owner(faults));
    let gid = required(&mut section, "gid").and_then(|value| value.owner(faults));
    section.finish(faults);
    Some(Owner { uid: uid?, gid: gid? })
}

fn layer(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<LayerPin> {
    let mut section = Section::open(SECTION, value, faults)?;
    let size = number_at(&mut section, "size", faults);
    let sha256 = digest_at(&mut section, "sha256", faults);
    let diff_id = digest_at(&mut section, "diff-id", faults);
    let tree = section.value("tree").map(|value| digest(&value, faults));
    section.finish(faults);
    let tree = tree.map_or(Some(None), |tree| tree.map(Some))?;
    Some(LayerPin { size: size?, sha256: sha256?, diff_id: diff_id?, tree })
}
