//! What in an image has a capability, and the line of a recipe that gives it.

use std::collections::BTreeMap;

use kit_audit::hardening::files::capability::{ATTRIBUTE, FileCapabilities};
use kit_audit::inventory::{Inventory, Place};
use kit_audit::privileges::capability::{of, severity};
use kit_audit::privileges::{Privilege, Privileges, Recipes, Service};
use kit_recipe::container::CAPABILITIES;
use kit_store::Store;
use serde_json::{Value, json};

use crate::Failure;
use crate::evidence::Built;
use crate::render::line_of;
use crate::text::Text;
use crate::workbench::closest;

/// Returns the capability that a word names; nothing where it is the name of something else. Without `CAP_`, what an image is made of goes
/// first: packages are called `kill` and `syslog`, too.
pub(super) fn named(word: &str, inventory: &Inventory) -> Result<Option<&'static str>, Failure> {
    let upper = word.to_ascii_uppercase().replace('-', "_");
    let (name, is_sure) = match upper.strip_prefix("CAP_") {
        Some(_) => (upper.clone(), true),
        None => (format!("CAP_{upper}"), false),
    };
    let known = CAPABILITIES.iter().find(|known| **known == name).copied();
    let is_component = || {
        inventory.components.values().any(|component| {
            component.name == word || component.source.as_ref().is_some_and(|source| source.name == word)
        })
    };
    match known {
        Some(_) if is_sure || !is_component() => Ok(known),
        None if is_sure && !is_component() => {
            let close = closest(&name, CAPABILITIES.iter().map(|known| (*known).to_owned()));
            Err(Failure::NoSuchCapability { name: word.to_owned(), close })
        }
        _ => Ok(None),
    }
}

/// Explains a capability: which services and which files have it, and which services haven't.
pub(super) fn explain(store: &Store, built: &Built, name: &str) -> Result<(Text, Value), Failure> {
    let (inventory, piece) = (&built.inventory, &built.piece);
    let privileges = Privileges::of(&built.root(store)?, store);
    let image = inventory.image.parse().ok();
    let recipes = image.and_then(|image| Recipes::new(&piece.loaded.recipes, &image, Some(&piece.lock)));
    let sets = |service: &Service| service.capabilities.sets().get(name).cloned();
    let danger = of(name);
    let mut text = Text::default();
    text.line(format_args!("{name}  whoever has it {}", danger.reason));
    let (mut has, mut has_not) = (Vec::new(), Vec::new());
    for service in &privileges.services {
        let Some(sets) = sets(service) else {
            has_not.push(service.name.clone());
            continue;
        };
        let privilege = Privilege::Capability(name.to_owned());
        let place = recipes.as_ref().and_then(|recipes| recipes.place(&service.name, &privilege));
        let place = place.as_ref().map(line_of);
        let bad = severity(&danger, service);
        let class = service.class.section();
        text.line(format_args!("  {} ({class})  {}, {bad}", service.name, sets.join(" ")));
        if let Some(place) = &place {
            text.line(format_args!("    by {place}"));
        }
        has.push(json!({
            "service": service.name,
            "class": class,
            "sets": sets,
            "severity": bad.word(),
            "recipe": place,
        }));
    }
    let files = files(inventory, name);
    for (path, (owner, sets)) in &files {
        text.line(format_args!("  {path} of {owner}  {}, as a capability of the file", sets.join(" ")));
    }
    if has.is_empty() && files.is_empty() {
        text.line("  nothing has it");
    }
    if !has_not.is_empty() && !has.is_empty() {
        text.line(format_args!("  without it: {}", has_not.join(", ")));
    }
    for unreadable in &privileges.unreadable {
        text.line(format_args!("  {}: not known, {}", unreadable.service, unreadable.reason));
    }
    let file = |(path, (owner, sets)): (&String, &(String, Vec<&str>))| json!({ "path": path, "owner": owner, "sets": sets });
    let result = json!({
        "capability": name,
        "reason": danger.reason,
        "services": has,
        "without": has_not,
        "files": files.iter().map(file).collect::<Vec<_>>(),
        "unreadable": privileges.unreadable.iter().map(|one| one.service.clone()).collect::<Vec<_>>(),
    });
    Ok((text, result))
}

/// Returns the files that give it to whoever starts them, each with its owner and the sets that it is in.
fn files(inventory: &Inventory, name: &str) -> BTreeMap<String, (String, Vec<&'static str>)> {
    let bit = CAPABILITIES.iter().position(|known| *known == name).unwrap_or(CAPABILITIES.len());
    let has = |set: u64| bit < 64 && set >> bit & 1 == 1;
    let mut found = BTreeMap::new();
    for file in inventory.files.iter().filter(|file| file.place == Place::Root) {
        let attribute = file.entry.meta().and_then(|meta| meta.xattrs.get(ATTRIBUTE));
        let Some(Ok(capabilities)) = attribute.map(|bytes| FileCapabilities::read(bytes)) else { continue };
        let mut sets = Vec::new();
        sets.extend(has(capabilities.permitted).then_some("permitted"));
        sets.extend(has(capabilities.inheritable).then_some("inheritable"));
        let in_effect = !sets.is_empty() && capabilities.effective;
        sets.extend(in_effect.then_some("effective"));
        if !sets.is_empty() {
            found.insert(file.path.to_string(), (file.owner.to_string(), sets));
        }
    }
    found
}
