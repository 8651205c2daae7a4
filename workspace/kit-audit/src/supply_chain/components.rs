//! Binaries that others built, pins that are old or not used, scripts that didn't run.

use std::collections::{BTreeMap, BTreeSet};

use kit_recipe::Lockfile;

use super::{Known, counted, kind};
use crate::finding::{Evidence, Finding, Kind, Severity};
use crate::inventory::{Component, ComponentId, Inventory, Role};

pub(super) const BINARY_SEED: Kind = kind(
    "binary-seed",
    Severity::Note,
    "programs that others built take part",
    "build them from their sources where it matters who built them",
);
pub(super) const UNUSED: Kind =
    kind("pin-unused", Severity::Low, "the lockfile pins something that nothing uses", "run `kit lock`");
pub(super) const STALE: Kind =
    kind("pin-stale", Severity::Low, "there is a newer version", "run `kit lock --update`");
pub(super) const SCRIPT_IGNORED: Kind = kind(
    "script-ignored",
    Severity::Low,
    "an installation would have run commands that change the image",
    "write into a recipe what the commands would have done: `[[file]]`, `[[directory]]`, `[[symlink]]`, `[[user]]`",
);

/// The most commands of a package that a finding shows.
const COMMANDS: usize = 20;

pub(super) fn findings(known: Known<'_>) -> Vec<Finding> {
    let Known { inventory, lock, outside, .. } = known;
    let mut findings = debian_seeds(inventory, lock);
    findings.extend(inventory.components.iter().filter_map(|(id, component)| image_seed(id, component)));
    findings.extend(unused(inventory, lock));
    for (id, newer) in &outside.newer {
        findings.extend(stale(id, inventory.components.get(id), newer));
    }
    for (id, commands) in outside.scripts.iter().filter(|(_, commands)| !commands.is_empty()) {
        findings.extend(inventory.components.get(id).map(|component| ignored(id, component, commands)));
    }
    findings
}

/// Sums up the Debian packages of each suite: they are many, and their signature is one.
fn debian_seeds(inventory: &Inventory, lock: &Lockfile) -> Vec<Finding> {
    let mut suites: BTreeMap<&str, Vec<&Component>> = BTreeMap::new();
    for (id, component) in &inventory.components {
        if let (ComponentId::Debian(_), Some(suite)) = (id, &component.suite) {
            suites.entry(suite).or_default().push(component);
        }
    }
    let finding = |(suite, components): (&str, Vec<&Component>)| {
        let bytes: u64 = components.iter().filter_map(|component| component.size).sum();
        let packages = counted(components.len(), "package");
        let signed_by = lock.suites.get(suite).map_or(&[][..], |suite| &suite.signed_by);
        let who = match signed_by {
            [] => "nobody".to_owned(),
            keys => keys.join(", "),
        };
        let roles = [Role::Shipped, Role::Part, Role::Tool].map(|role| {
            let number = components.iter().filter(|component| component.role == role).count();
            format!("{} {}", number, role.word())
        });
        let message = format!("{packages} of `{suite}` that Debian built take part, {bytes} bytes");
        let severity = if signed_by.is_empty() { Severity::High } else { BINARY_SEED.severity };
        Finding::new(&BINARY_SEED, suite, message)
            .as_bad_as(severity)
            .because(Evidence::Fact(format!("signed by {who}")))
            .because(Evidence::Fact(format!("they are {}", roles.join(", "))))
    };
    suites.into_iter().map(finding).collect()
}

fn image_seed(id: &ComponentId, component: &Component) -> Option<Finding> {
    let ComponentId::Image(reference) = id else { return None };
    let bytes = component.size.unwrap_or(0);
    let message = format!("the image `{reference}` that others built takes part, {bytes} bytes");
    let digest = component.version.clone().unwrap_or_default();
    let finding = Finding::new(&BINARY_SEED, reference.to_string(), message).as_bad_as(Severity::Low);
    Some(
        finding
            .because(Evidence::Lock(format!("images {reference} {digest}")))
            .because(Evidence::Fact("known by its digest, and by no signature".to_owned()))
            .because(Evidence::Fact(format!("it is {}", component.role.word()))),
    )
}

/// Finds what the lockfile pins and no recipe is made of.
fn unused(inventory: &Inventory, lock: &Lockfile) -> Vec<Finding> {
    let used: BTreeSet<&ComponentId> = inventory
        .components
        .values()
        .flat_map(|component| component.made_of.iter().chain(&component.made_with))
        .collect();
    let is_own = |id: &ComponentId| matches!(id, ComponentId::Recipe(_) | ComponentId::Foreign(_));
    let is_pin = |id: &&ComponentId| !is_own(id) && !used.contains(id);
    let pins = inventory.components.keys().filter(is_pin).map(|id| {
        let message = format!("the lockfile pins `{id}`, and nothing uses it");
        Finding::new(&UNUSED, id.to_string(), message).because(Evidence::Lock(id.to_string()))
    });
    let suites: BTreeSet<&str> =
        inventory.components.values().filter_map(|component| component.suite.as_deref()).collect();
    let suites = lock.suites.keys().filter(|name| !suites.contains(name.as_str())).map(|name| {
        let message = format!("the lockfile pins the suite `{name}`, and nothing is of it");
        Finding::new(&UNUSED, format!("suite {name}"), message)
            .because(Evidence::Lock(format!("suites {name}")))
    });
    pins.chain(suites).collect()
}

fn stale(id: &ComponentId, component: Option<&Component>, newer: &str) -> Option<Finding> {
    let component = component.filter(|component| component.version.as_deref() != Some(newer))?;
    let name = &component.name;
    let version = component.version.as_deref().unwrap_or("without a version");
    let message = format!("`{name}` is {version}, and {newer} is there");
    let severity = if component.role == Role::Tool { Severity::Note } else { STALE.severity };
    let mut finding = Finding::new(&STALE, id.to_string(), message).as_bad_as(severity);
    if let ComponentId::Crate { name, .. } = id {
        let help = "where the `Cargo.lock` is that names it, and `kit lock`";
        finding = finding.with_help(format!("run `cargo update {name}` {help}"));
    }
    Some(finding.because(Evidence::Lock(id.to_string())))
}

fn ignored(id: &ComponentId, component: &Component, commands: &[String]) -> Finding {
    let number = counted(commands.len(), "command");
    let message = format!("{number} of the maintainer scripts of `{}` didn't run", component.name);
    let severity = if component.role == Role::Tool { Severity::Note } else { SCRIPT_IGNORED.severity };
    let finding = Finding::new(&SCRIPT_IGNORED, id.to_string(), message).as_bad_as(severity);
    let shown = commands.iter().take(COMMANDS).map(|command| Evidence::Fact(command.clone()));
    let finding = shown.fold(finding, Finding::because);
    match commands.len().checked_sub(COMMANDS).filter(|more| *more > 0) {
        Some(more) => finding.because(Evidence::Fact(format!("and {more} more"))),
        None => finding,
    }
}
