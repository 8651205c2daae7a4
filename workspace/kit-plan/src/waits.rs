//! Which containers wait for which: every name is known, and nobody waits for itself.

use std::collections::BTreeMap;

use kit_recipe::Name;

use crate::PlanError;
use crate::bundles::Merged;
use crate::planner::Planner;

/// Notes what is wrong with `after` and `requires`.
///
/// Onboot containers have all ended when services start, so a service may name them.
pub(crate) fn check(planner: &mut Planner<'_>, all: &[Merged<'_>]) {
    let known: Vec<_> = all.iter().filter(|merged| merged.kind != "onshutdown").map(Merged::name).collect();
    for merged in all {
        for name in waits_for(merged).filter(|name| !known.contains(name)) {
            let problem = PlanError::UnknownPart {
                what: "service",
                name: name.to_string(),
                known: known.iter().map(ToString::to_string).collect(),
                place: merged.place(planner),
            };
            planner.problems.push(problem);
        }
    }
    let services: BTreeMap<&Name, &Merged<'_>> =
        all.iter().filter(|merged| merged.kind == "services").map(|merged| (merged.name(), merged)).collect();
    if let Some(around) = cycle(&services) {
        let places = around[..around.len() - 1].iter().map(|name| services[*name].place(planner)).collect();
        let around = around.iter().map(ToString::to_string).collect();
        planner.problems.push(PlanError::WaitCycle { around, places });
    }
}

fn waits_for<'a>(merged: &'a Merged<'_>) -> impl Iterator<Item = &'a Name> {
    merged.container.after.iter().chain(&merged.container.requires).flatten().map(|name| &name.value)
}

/// Returns the names around a cycle, the first one again at its end.
fn cycle<'a>(services: &BTreeMap<&'a Name, &'a Merged<'_>>) -> Option<Vec<&'a Name>> {
    // Those that wait for nobody are taken away, until there are none of them.
    let mut left = services.clone();
    loop {
        let free = left.iter().find(|(_, merged)| waits_for(merged).all(|name| !left.contains_key(name)));
        let Some(name) = free.map(|(name, _)| *name) else { break };
        left.remove(name);
    }
    let mut around = vec![*left.keys().next()?];
    loop {
        let last = left[around[around.len() - 1]];
        let next = waits_for(last).find_map(|name| left.get_key_value(name).map(|(name, _)| *name))?;
        if let Some(start) = around.iter().position(|name| *name == next) {
            around.drain(..start);
            around.push(next);
            return Some(around);
        }
        around.push(next);
    }
}
