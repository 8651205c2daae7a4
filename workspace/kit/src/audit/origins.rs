//! Where an image comes from, with what neither recipes nor lockfile say of it: the ages of keys, the scripts that never ran, and, where
//! that is asked for, what archives, registries and repositories have now.

use std::collections::BTreeMap;

use kit_audit::finding::Area;
use kit_audit::inventory::ComponentId;
use kit_audit::policy::Day;
use kit_audit::supply_chain::{self, Outside};
use kit_build::network::Network;
use kit_build::newer::{Newer, newer};
use kit_build::scripts::{content_packages, matters, not_run};
use kit_store::Store;

use super::gather::Gathered;
use super::subject::Audited;
use super::{Asked, Online};
use crate::Failure;
use crate::context::Context;
use crate::evidence::Built;
use crate::places::places;
use crate::progress::Progress;

/// The most days that a key may be old.
const KEY_DAYS: u64 = 5 * 365;
/// The most days that a suite's state may be old.
const SUITE_DAYS: u64 = 180;

pub(crate) fn trace(
    asked: &Asked,
    context: &Context,
    store: &Store,
    subject: &Audited,
    today: Day,
    gathered: &mut Gathered,
) -> Result<(), Failure> {
    gathered.findings.extend(subject.found.iter().cloned());
    if subject.foreign.is_some() {
        gathered.areas.insert(Area::SupplyChain);
    }
    let (Some(lock), Some(built)) = (&subject.lock, &subject.built) else {
        if asked.online == Online::Asked {
            let why = "what is newer than the pins wasn't asked: that needs the recipes";
            gathered.notes.push(why.to_owned());
        }
        return Ok(());
    };
    let network = Network::new(places(context)?, store);
    let ages = network.keys(lock.suites.keys().map(String::as_str));
    let outside = Outside {
        now: Some(today.seconds()),
        keys: ages.iter().map(|(key, age)| (key.clone(), age.made)).collect(),
        key_ends: ages.iter().filter_map(|(key, age)| Some((key.clone(), age.ends?))).collect(),
        key_days: KEY_DAYS,
        suite_days: SUITE_DAYS,
        // What unpacking once told isn't in every store.
        scripts: if subject.root.is_some() { scripts(store, built)? } else { BTreeMap::new() },
        newer: match asked.online {
            Online::Asked => ask(context, &network, built, gathered),
            Online::Left => BTreeMap::new(),
        },
    };
    gathered.findings.extend(supply_chain::findings(supply_chain::Known {
        inventory: &built.inventory,
        lock,
        recipes: &built.piece.loaded.recipes,
        outside: &outside,
    }));
    gathered.areas.insert(Area::SupplyChain);
    Ok(())
}

/// Asks what is newer than the pins, and notes what couldn't be asked.
fn ask(
    context: &Context,
    network: &Network<'_>,
    built: &Built,
    gathered: &mut Gathered,
) -> BTreeMap<ComponentId, String> {
    let progress = Progress::new(&context.output);
    let Newer { versions, unasked } = newer(&built.piece.loaded, &built.piece.lock, network, &progress);
    progress.finish();
    for (what, error) in unasked {
        let why = error.to_string();
        let mut lines = why.lines();
        // One address after the other is told on lines of its own.
        let first = lines.next().unwrap_or_default();
        let more: Vec<_> = lines.map(str::trim).collect();
        let more = if more.is_empty() { String::new() } else { format!(" ({})", more.join("; ")) };
        gathered
            .notes
            .push(format!("what is newer than the pins of {what} couldn't be asked: {first}{more}"));
    }
    versions
}

/// Returns what maintainer scripts would have done that matters, by package.
fn scripts(store: &Store, built: &Built) -> Result<BTreeMap<ComponentId, Vec<String>>, Failure> {
    let (plan, lock) = (&built.piece.plan, &built.piece.lock);
    let mut all = BTreeMap::new();
    for package in content_packages(plan) {
        for (deb, lines) in not_run(store, plan, lock, package)? {
            let lines: Vec<_> = lines.into_iter().filter(|line| matters(line)).collect();
            let is_it = |id: &&ComponentId| matches!(id, ComponentId::Debian(key) if key.name == deb);
            if let Some(id) = built.inventory.components.keys().find(is_it).filter(|_| !lines.is_empty()) {
                all.insert(id.clone(), lines);
            }
        }
    }
    Ok(all)
}
