//! Which components a document has, and how they belong together.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Scope;
use super::{Relation, RelationKind};
use crate::inventory::{ComponentId, Inventory, Role};

/// Chooses the components of a document, the image first.
pub(super) fn choose<'a>(
    inventory: &'a Inventory,
    image: &'a ComponentId,
    scope: Scope,
) -> Vec<&'a ComponentId> {
    let chosen: BTreeSet<&ComponentId> = match scope {
        Scope::Shipped => [Role::Shipped, Role::Part]
            .into_iter()
            .flat_map(|role| inventory.in_role(role).map(|(id, _)| id))
            .collect(),
        Scope::Build => build(inventory, image),
    };
    std::iter::once(image).chain(chosen.into_iter().filter(|id| *id != image)).collect()
}

/// Chooses the tools, what these are made of, whatever part it takes besides, and what is made with them. Of recipes that are tools only
/// those count that something is made with: a project has others too.
fn build<'a>(inventory: &'a Inventory, image: &'a ComponentId) -> BTreeSet<&'a ComponentId> {
    let all = reached(inventory, [image]);
    let component = |id: &ComponentId| inventory.components.get(id);
    let users = all.iter().copied().filter(|id| component(id).is_some_and(|user| !user.made_with.is_empty()));
    let users: BTreeSet<_> = users.collect();
    let tools = users.iter().filter_map(|id| component(id)).flat_map(|user| &user.made_with);
    let mut chosen = reached(inventory, tools);
    chosen.extend(users);
    let pinned = inventory.in_role(Role::Tool).map(|(id, _)| id);
    chosen.extend(pinned.filter(|id| all.contains(id) || !matches!(id, ComponentId::Recipe(_))));
    chosen
}

/// Returns components, and all that they are made of and with.
fn reached<'a>(
    inventory: &'a Inventory,
    from: impl IntoIterator<Item = &'a ComponentId>,
) -> BTreeSet<&'a ComponentId> {
    let mut todo: Vec<_> = from.into_iter().collect();
    let mut found = BTreeSet::new();
    while let Some(id) = todo.pop() {
        let Some((id, component)) = inventory.components.get_key_value(id) else { continue };
        if found.insert(id) {
            todo.extend(component.made_of.iter().chain(&component.made_with));
        }
    }
    found
}

/// Returns how the chosen components belong together. All that is in the image is contained in it; a tool that nothing names was still
/// locked to make it.
pub(super) fn relations(inventory: &Inventory, ids: &[&ComponentId], scope: Scope) -> Vec<Relation> {
    let places: BTreeMap<&ComponentId, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let mut found = BTreeSet::new();
    for (from, id) in ids.iter().enumerate() {
        let component = &inventory.components[*id];
        for (to, part) in component.made_of.iter().filter_map(|id| Some((*places.get(id)?, id))) {
            let is_left_out = inventory.components[part].role == Role::Tool && component.role != Role::Tool;
            let is_plain = component.made_with.is_empty() && !is_left_out;
            let kind = if is_plain { RelationKind::Contains } else { RelationKind::MadeOf };
            found.insert(Relation { from, kind, to });
        }
        let tools = component.made_with.iter().filter_map(|id| places.get(id));
        found.extend(tools.map(|to| Relation { from, kind: RelationKind::MadeWith, to: *to }));
    }
    let known: BTreeSet<usize> = found.iter().map(|relation| relation.to).collect();
    for (to, id) in ids.iter().enumerate().skip(1) {
        let role = inventory.components[*id].role;
        match scope {
            Scope::Shipped if role == Role::Shipped => {
                found.insert(Relation { from: 0, kind: RelationKind::Contains, to });
            }
            Scope::Build if role == Role::Tool && !known.contains(&to) => {
                found.insert(Relation { from: 0, kind: RelationKind::MadeWith, to });
            }
            Scope::Shipped | Scope::Build => {}
        }
    }
    found.into_iter().filter(|relation| relation.from != relation.to).collect()
}
