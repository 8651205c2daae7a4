//! Why a package, a crate or another component takes part in an image.

use std::collections::{BTreeMap, BTreeSet};

use kit_audit::Inventory;
use kit_audit::inventory::{Component, ComponentId};
use kit_recipe::recipe::RecipeName;
use serde_json::{Value, json};

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

fn line(id: &ComponentId, component: &Component) -> String {
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

/// The shortest ways from the image.
struct Ways<'a> {
    /// What led to each component first, and whether it was as a tool.
    from: BTreeMap<&'a ComponentId, (&'a ComponentId, &'static str)>,
}

impl<'a> Ways<'a> {
    fn new(inventory: &'a Inventory) -> Self {
        let image = inventory.components.keys().find(|id| {
            matches!(id, ComponentId::Recipe(RecipeName::Image(name)) if name.as_str() == inventory.image)
        });
        let mut from = BTreeMap::new();
        let mut seen: BTreeSet<_> = image.into_iter().collect();
        let mut layer: Vec<_> = image.into_iter().collect();
        while !layer.is_empty() {
            let mut next = Vec::new();
            for id in layer {
                let Some(component) = inventory.components.get(id) else { continue };
                let of = component.made_of.iter().map(|below| (below, "is made of"));
                let with = component.made_with.iter().map(|below| (below, "is built with"));
                for (below, how) in of.chain(with) {
                    if seen.insert(below) {
                        from.insert(below, (id, how));
                        next.push(below);
                    }
                }
            }
            layer = next;
        }
        Self { from }
    }

    /// Returns the way to a component, a line for each step.
    fn to(&self, id: &'a ComponentId) -> Vec<String> {
        let mut lines = Vec::new();
        let mut at = id;
        while let Some((above, how)) = self.from.get(at) {
            lines.push(format!("{above} {how} {at}"));
            at = above;
        }
        lines.reverse();
        lines
    }
}
