//! Why a package, a crate or another component takes part in an image.

use kit_audit::Inventory;
use kit_audit::inventory::{Component, ComponentId};
use serde_json::{Value, json};

use super::way::Ways;
use crate::Failure;
use crate::text::Text;
use crate::units::{Bytes, count};
use crate::workbench::closest;

/// Explains all components of a name: what they are, and the ways from the image to them.
pub(super) fn explain(inventory: &Inventory, name: &str) -> Result<(Text, Value), Failure> {
    let is_it = |component: &Component| {
        component.name == name || component.source.as_ref().is_some_and(|source| source.name == name)
    };
    let found: Vec<_> = inventory.components.iter().filter(|(_, component)| is_it(component)).collect();
    if found.is_empty() {
        let names = inventory.components.values().map(|component| component.name.clone());
        let close = closest(name, names);
        return Err(Failure::NoSuchComponent {
            name: name.to_owned(),
            image: inventory.image.clone(),
            close,
        });
    }
    let ways = Ways::new(inventory);
    let (mut text, mut objects) = (Text::default(), Vec::new());
    for (id, component) in found {
        let way = ways.to(id);
        text.line(line(id, component));
        for step in &way {
            text.line(format_args!("  {step}"));
        }
        objects.push(json!({
            "component": id.to_string(),
            "role": component.role.word(),
            "bytes": component.bytes,
            "files": component.files,
            "source": component.source.as_ref().map(|source| format!("{} {}", source.name, source.version)),
            "purl": component.purl,
            "way": way,
        }));
    }
    Ok((text, json!({ "components": objects })))
}

/// Says how a component takes part, in a line.
pub(super) fn line(id: &ComponentId, component: &Component) -> String {
    let mut text = format!("{id}  {}", component.role.word());
    if component.files > 0 {
        let paths = count(usize::try_from(component.files).unwrap_or(usize::MAX), "path");
        text = format!("{text}, {} in {paths}", Bytes(component.bytes));
    }
    match &component.source {
        Some(source) if source.name != component.name => format!("{text}, of source package {}", source.name),
        _ => text,
    }
}
