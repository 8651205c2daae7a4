//! What Debian's maintainer scripts, which never run, would have done to the files of a package.

use std::collections::{BTreeMap, BTreeSet};

use kit_plan::derivation::Action;
use kit_plan::{Derivation, Input, Plan};
use kit_recipe::{Lockfile, Name};
use kit_store::Store;
use kit_tree::Blobs as _;

use crate::BuildError;

/// The most that is read of what a package's scripts would have done, in bytes.
const LIMIT: u64 = 1 << 20;

/// Returns, by Debian package, the lines that unpacking it wrote about its scripts, for the Debian packages that a kit
/// package takes directly. What isn't unpacked yet says nothing.
pub fn not_run(
    store: &Store,
    plan: &Plan,
    lock: &Lockfile,
    package: &Name,
) -> Result<BTreeMap<String, Vec<String>>, BuildError> {
    let closures = lock.closures.iter().filter(|((owner, _), _)| owner == package);
    let mut lines = BTreeMap::new();
    for key in closures.flat_map(|(_, closure)| closure) {
        let Some(resolved) = plan.debs.get(key).map(|id| store.memo(id)).transpose()?.flatten() else {
            continue;
        };
        let Some(log) = store.record(&resolved)?.and_then(|record| record.log) else { continue };
        let bytes = store
            .read(&log, LIMIT)
            .map_err(|source| BuildError::Io { what: format!("read the log of {}", key.name), source })?;
        let text = String::from_utf8_lossy(&bytes);
        if !text.is_empty() {
            lines.insert(key.name.clone(), text.lines().map(str::to_owned).collect());
        }
    }
    Ok(lines)
}

/// What changes the files of a system in a way that a recipe should say itself: users, links, rights, certificates.
const MATTERS: [&str; 7] =
    ["user", "group", "alternative", "certificates", "diversion", "ownership", "capability"];

/// Whether a line of [`not_run`] says something that a recipe should declare when it wants it.
pub fn matters(line: &str) -> bool {
    MATTERS.iter().any(|kind| line.strip_prefix(kind).is_some_and(|rest| rest.starts_with(' ')))
}

/// Returns the packages whose files are in the image itself, not only in the tools that build it.
pub fn content_packages(plan: &Plan) -> Vec<&Name> {
    let mut reached = BTreeSet::new();
    let mut stack: Vec<_> = plan.root.into_iter().collect();
    while let Some(id) = stack.pop() {
        let Some(Action::Compose(compose)) = plan.get(&id).map(Derivation::action) else { continue };
        if reached.insert(id) {
            stack.extend(compose.parts.iter().filter_map(|part| match part.input {
                Input::Derivation(id) => Some(id),
                Input::Tree(_) => None,
            }));
        }
    }
    plan.packages.iter().filter(|(_, id)| reached.contains(*id)).map(|(name, _)| name).collect()
}
