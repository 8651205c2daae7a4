//! Holds results against a lockfile, and reads results for one.

use std::collections::BTreeMap;

use kit_format::limits::Limits;
use kit_format::oci::read_layout;
use kit_hash::{BlobHasher, DerivationId, TreeId};
use kit_plan::derivation::Action;
use kit_plan::{Derivation, Plan};
use kit_recipe::image::Format;
use kit_recipe::lockfile::{ContainerPin, Output, Step};
use kit_recipe::{Lockfile, Name};
use kit_store::Store;
use kit_tree::{Blobs as _, Entry, Tree, diff::diff};

use crate::engine::{Engine, Trees};
use crate::{BuildError, load};

/// How many files of the first differing step are named.
const NAMED_FILES: usize = 5;

/// Returns the title under which a lockfile keeps a step; fetches and unpackings stand at their source instead.
pub fn step_title(derivation: &Derivation) -> Option<&str> {
    match derivation.action() {
        Action::Fetch(_) | Action::Unpack(_) => None,
        Action::Run(_) | Action::Compose(_) | Action::Image(_) => Some(derivation.title()),
    }
}

/// Reads the files of an output tree as a lockfile keeps them.
pub fn outputs(store: &Store, tree: &Tree, format: Format) -> Result<BTreeMap<String, Output>, BuildError> {
    let mut outputs = BTreeMap::new();
    for (path, entry) in tree.entries() {
        let Entry::File { blob, size, .. } = entry else { continue };
        let name = path.to_string().trim_start_matches('/').to_owned();
        let io = |source| BuildError::Io { what: format!("read {name}"), source };
        // The blobs of a layout are named by their digest; its index pins them all.
        if name.contains("/blobs/") {
            continue;
        }
        let mut hasher = BlobHasher::new();
        std::io::copy(&mut store.open(blob).map_err(io)?, &mut hasher).map_err(io)?;
        let digests = hasher.finish();
        outputs.insert(name, Output { format, size: *size, sha256: digests.sha256, blake3: digests.blob });
    }
    Ok(outputs)
}

/// Reads the digests of a container from its OCI layout.
pub fn container(
    store: &Store,
    tree: &Tree,
    package: &Name,
    recipe: DerivationId,
) -> Result<ContainerPin, BuildError> {
    let wrong = |source: Box<dyn std::error::Error + Send + Sync>| BuildError::Write {
        title: format!("container of package {package}"),
        source,
    };
    let layout = layout_below(tree);
    let images = read_layout(&layout, store, &Limits::standard()).map_err(|e| wrong(Box::new(e)))?;
    let [image] = images.as_slice() else {
        return Err(wrong(format!("its layout has {} images", images.len()).into()));
    };
    Ok(ContainerPin {
        platform: image.platform.clone(),
        package: package.clone(),
        recipe,
        manifest: image.manifest,
        config: image.config,
        layers: image.layers.iter().map(|layer| layer.digest).collect(),
    })
}

/// The contents of the one directory of a tree: an output's layout lies in a directory of its own.
fn layout_below(tree: &Tree) -> Tree {
    let mut layout = Tree::new();
    let Some((top, _)) = tree.entries().nth(1) else { return layout };
    for (path, entry) in tree.entries() {
        if let Some(inner) = path.strip_prefix(top)
            && !inner.is_root()
        {
            layout.insert(inner, entry.clone()).expect("because parents come first");
        }
    }
    layout
}

/// Fails when an output or a container is another than the one locked. A lockfile without results passes.
///
/// Contents are known by their BLAKE3 digest, so nothing is read.
pub fn check_results(
    engine: &Engine<'_>,
    lock: &Lockfile,
    plan: &Plan,
    trees: &Trees,
) -> Result<(), BuildError> {
    for (format, id) in &plan.outputs {
        let Some(tree) = trees.get(id) else { continue };
        for (path, entry) in engine.store.tree(tree)?.entries() {
            let name = path.to_string().trim_start_matches('/').to_owned();
            let (Entry::File { blob, .. }, Some(locked)) = (entry, lock.outputs.get(&name)) else { continue };
            if locked.format == *format && locked.blake3 != *blob {
                let (expected, found) = (locked.blake3.to_string(), blob.to_string());
                return Err(different(engine, lock, plan, &name, expected, found));
            }
        }
    }
    Ok(())
}

fn different(
    engine: &Engine<'_>,
    lock: &Lockfile,
    plan: &Plan,
    output: &str,
    expected: String,
    found: String,
) -> BuildError {
    BuildError::Different {
        output: output.to_owned(),
        path: load::lock_path(&lock.subject),
        expected,
        found,
        first: first_difference(engine, lock, plan),
    }
}

/// Finds the first step in plan order whose tree isn't the locked one, and the files that differ.
fn first_difference(engine: &Engine<'_>, lock: &Lockfile, plan: &Plan) -> Option<(String, Vec<String>)> {
    let expected = |derivation: &Derivation| -> Option<TreeId> {
        let id = derivation.id();
        let deb = plan.debs.iter().find(|(_, unpacked)| **unpacked == id);
        let krate = plan.crates.iter().find(|(_, unpacked)| **unpacked == id);
        match (deb, krate) {
            (Some((key, _)), _) => lock.debs.get(key)?.tree,
            (_, Some((key, _))) => lock.crates.get(key)?.tree,
            (None, None) => lock.steps.get(step_title(derivation)?).map(|step| step.tree),
        }
    };
    for derivation in plan.derivations() {
        let (Some(expected), Ok(Some(found))) = (expected(derivation), engine.remembered(&derivation.id()))
        else {
            continue;
        };
        if expected != found {
            let files = match (engine.store.tree(&expected), engine.store.tree(&found)) {
                (Ok(before), Ok(after)) => {
                    diff(&before, &after).iter().take(NAMED_FILES).map(ToString::to_string).collect()
                }
                // The locked tree is known by its digest alone: this machine never had it.
                _ => Vec::new(),
            };
            return Some((derivation.title().to_owned(), files));
        }
    }
    None
}

/// Returns what each step of a plan came out as, for a lockfile.
pub fn steps(plan: &Plan, trees: &Trees) -> BTreeMap<String, Step> {
    plan.derivations()
        .iter()
        .filter_map(|derivation| {
            let tree = *trees.get(&derivation.id())?;
            Some((step_title(derivation)?.to_owned(), Step { derivation: derivation.id(), tree }))
        })
        .collect()
}
