//! What brings a component into an image.

use std::collections::{BTreeMap, BTreeSet};

use kit_audit::Inventory;
use kit_audit::inventory::ComponentId;
use kit_recipe::recipe::RecipeName;

/// The shortest ways from the image to everything that takes part in it.
pub(super) struct Ways<'a> {
    /// What led to each component first, and whether it was as a tool.
    from: BTreeMap<&'a ComponentId, (&'a ComponentId, &'static str)>,
}

impl<'a> Ways<'a> {
    pub(super) fn new(inventory: &'a Inventory) -> Self {
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
    pub(super) fn to(&self, id: &'a ComponentId) -> Vec<String> {
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
