//! The pins of Debian suites: binary packages and source packages, kept or resolved anew.

use std::collections::BTreeMap;

use kit_plan::requirements::{DebianGroup, DebianSourceGroup};
use kit_recipe::Name;
use kit_recipe::lockfile::Lockfile;
use kit_recipe::recipe::RecipeName;

use super::{Previous, Update};
use crate::BuildError;
use crate::load::Loaded;
use crate::network::{Kept, Resolver, SuiteWanted};

/// Pins what the recipes take from each suite.
pub(super) fn pin(
    loaded: &Loaded,
    before: &Previous,
    update: &Update,
    resolver: &dyn Resolver,
    lock: &mut Lockfile,
) -> Result<(), BuildError> {
    let previous = before.lock();
    for (suite, (groups, sources)) in by_suite(loaded) {
        let holds = |package: &Name| previous.is_some_and(|p| holds(package, suite, loaded, p, update));
        let kept_groups: Vec<_> = groups.iter().filter(|group| holds(&group.package)).collect();
        let kept_sources: Vec<_> = sources.iter().filter(|source| holds(&source.package)).collect();
        let group_pins: Vec<_> = kept_groups
            .iter()
            .filter_map(|group| {
                let key = (group.package.clone(), group.source.clone());
                Some((**group, previous?.closures.get(&key)?.as_slice()))
            })
            .collect();
        let source_pins: Vec<_> = kept_sources
            .iter()
            .filter_map(|source| {
                let key = (source.package.clone(), source.source.clone());
                Some((**source, previous?.debian_sources.get(&key)?))
            })
            .collect();
        let kept = Kept { groups: group_pins, sources: source_pins };
        if let Previous::Sound(previous) = before
            && kept.groups.len() == groups.len()
            && kept.sources.len() == sources.len()
        {
            keep(previous, suite, &kept, lock);
            continue;
        }
        let not_before = previous.and_then(|p| p.suites.get(suite)).map(|s| s.date);
        let wanted = SuiteWanted { suite, groups: &groups, sources: &sources, kept: &kept, not_before };
        let resolved = resolver.resolve(&wanted)?;
        lock.suites.insert(suite.to_owned(), resolved.suite);
        lock.debs.extend(resolved.debs);
        lock.closures.extend(resolved.closures);
        lock.debian_sources.extend(resolved.sources);
    }
    Ok(())
}

/// What is wanted of one suite.
pub(crate) type Wanted<'a> = (Vec<&'a DebianGroup>, Vec<&'a DebianSourceGroup>);

pub(crate) fn by_suite(loaded: &Loaded) -> BTreeMap<&str, Wanted<'_>> {
    let mut by_suite: BTreeMap<&str, Wanted<'_>> = BTreeMap::new();
    for group in &loaded.requirements.debian {
        by_suite.entry(&group.suite).or_default().0.push(group);
    }
    for source in &loaded.requirements.debian_sources {
        by_suite.entry(&source.suite).or_default().1.push(source);
    }
    by_suite
}

/// Whether the earlier lockfile still says what the sources of a package resolve to.
fn holds(package: &Name, suite: &str, loaded: &Loaded, previous: &Lockfile, update: &Update) -> bool {
    let recipe = RecipeName::Package(package.clone());
    let id = loaded.recipes.iter().find(|(name, _)| **name == recipe).map(|(_, l)| l.recipe.id());
    let asked_the_same = previous.recipes.get(&recipe) == id.as_ref();
    asked_the_same && !update.gives_up(package) && previous.suites.contains_key(suite)
}

/// Takes over what an earlier lockfile pins for a suite.
fn keep(previous: &Lockfile, suite: &str, kept: &Kept<'_>, lock: &mut Lockfile) {
    lock.suites.insert(suite.to_owned(), previous.suites[suite].clone());
    for (group, closure) in &kept.groups {
        for deb in *closure {
            if let Some(pinned) = previous.debs.get(deb) {
                lock.debs.insert(deb.clone(), pinned.clone());
            }
        }
        lock.closures.insert((group.package.clone(), group.source.clone()), closure.to_vec());
    }
    for (wanted, source) in &kept.sources {
        lock.debian_sources.insert((wanted.package.clone(), wanted.source.clone()), (*source).clone());
    }
}
