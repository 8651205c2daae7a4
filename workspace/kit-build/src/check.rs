//! Holds results against a lockfile, and reads results for one.

use std::collections::{BTreeMap, BTreeSet};

use kit_format::limits::Limits;
use kit_format::oci::read_layout;
use kit_hash::{BlobHasher, BlobId, DerivationId, Sha256, TreeId};
use kit_plan::derivation::Action;
use kit_plan::{Derivation, Plan};
use kit_recipe::Lockfile;
use kit_recipe::image::{Base, Format};
use kit_recipe::lockfile::{ContainerPin, Output, Step};
use kit_store::Store;
use kit_tree::{Blobs as _, Entry, Tree, diff::diff};

use crate::engine::{Engine, Trees};
use crate::registry::check_images;
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
    base: &Base,
    recipe: DerivationId,
) -> Result<ContainerPin, BuildError> {
    let wrong = |source: Box<dyn std::error::Error + Send + Sync>| BuildError::Write {
        title: format!("container of {base}"),
        source,
    };
    let layout = layout_below(tree);
    let images = read_layout(&layout, store, &Limits::standard()).map_err(|e| wrong(Box::new(e)))?;
    let [image] = images.as_slice() else {
        return Err(wrong(format!("its layout has {} images", images.len()).into()));
    };
    Ok(ContainerPin {
        platform: image.platform.clone(),
        base: base.clone(),
        recipe,
        manifest: image.manifest,
        config: image.config,
        layers: image.layers.iter().map(|layer| layer.digest).collect(),
    })
}

/// The contents of the one directory of a tree: an output's layout lies in a directory of its own.
pub fn layout_below(tree: &Tree) -> Tree {
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

/// Fails when an output, a container or a step came out as another one than the lockfile says; what it doesn't say passes.
///
/// Looks at what is in `trees`, and at containers wherever they come from. Contents are known by their BLAKE3 digest, so that next to nothing is read.
pub fn check_results(
    engine: &Engine<'_>,
    lock: &Lockfile,
    plan: &Plan,
    trees: &Trees,
) -> Result<(), BuildError> {
    check_images(engine, lock, plan, trees)?;
    let different = |what: String, expected: String, found: String| {
        let (path, first) = (load::lock_path(&lock.subject), first_difference(engine, lock, plan));
        Err(BuildError::Different { output: what, path, expected, found, first })
    };
    for (format, id) in &plan.outputs {
        let Some(tree) = trees.get(id) else { continue };
        for (path, entry) in engine.store.tree(tree)?.entries() {
            let name = path.to_string().trim_start_matches('/').to_owned();
            let (Entry::File { blob, size, .. }, Some(locked)) = (entry, lock.outputs.get(&name)) else {
                continue;
            };
            if locked.format != *format {
                continue;
            }
            if locked.blake3 != *blob {
                return different(name, format!("blake3 {}", locked.blake3), format!("blake3 {blob}"));
            }
            let sha256 = sha256_of(engine.store, blob, &locked.sha256)?;
            if (sha256, *size) != (locked.sha256, locked.size) {
                let expected = format!("sha256 {}, {} bytes", locked.sha256, locked.size);
                return different(name, expected, format!("sha256 {sha256}, {size} bytes"));
            }
        }
    }
    for (name, planned) in &plan.containers {
        let Some(locked) = lock.containers.get(name) else { continue };
        // Its image needs not be a part of what was built, but may be there.
        let tree = match trees.get(&planned.image) {
            Some(tree) => *tree,
            None => match engine.remembered(&planned.image)? {
                Some(tree) if engine.store.has_tree_complete(&tree)? => tree,
                _ => continue,
            },
        };
        let tree = engine.store.tree(&tree)?;
        if planned.image == locked.recipe && planned.base == locked.base && is_layout_of(&tree, locked) {
            continue;
        }
        let found = container(engine.store, &tree, &planned.base, planned.image)?;
        // Another recipe hash is another container: then the plan is another one, too.
        if found.recipe == locked.recipe && found != *locked {
            let digest = |pin: &ContainerPin| format!("manifest sha256 {}", pin.manifest);
            return different(format!("container {name}"), digest(locked), digest(&found));
        }
    }
    for derivation in plan.derivations() {
        let Some(found) = trees.get(&derivation.id()) else { continue };
        if let Some(locked) = locked_tree(lock, plan, derivation)
            && locked != *found
        {
            return different(
                derivation.title().to_owned(),
                format!("tree {locked}"),
                format!("tree {found}"),
            );
        }
    }
    Ok(())
}

/// Whether the blobs of a layout are those that a lockfile pins: their names are their digests, so nothing is read.
fn is_layout_of(tree: &Tree, pin: &ContainerPin) -> bool {
    let pinned: BTreeSet<_> =
        [pin.manifest, pin.config].iter().chain(&pin.layers).map(Sha256::to_string).collect();
    let blobs = tree.entries().filter(|(_, entry)| !entry.is_directory()).filter_map(|(path, _)| {
        let path = path.to_string();
        path.split_once("/blobs/sha256/").map(|(_, name)| name.to_owned())
    });
    blobs.collect::<BTreeSet<_>>() == pinned
}

/// Returns the trees of those steps of a plan that were done before and whose results are still there.
pub fn complete(engine: &Engine<'_>, plan: &Plan) -> Result<Trees, BuildError> {
    let mut trees = Trees::new();
    for derivation in plan.derivations() {
        let id = derivation.id();
        if let Some(tree) = engine.remembered(&id)?
            && engine.store.has_tree_complete(&tree)?
        {
            trees.insert(id, tree);
        }
    }
    Ok(trees)
}

/// Returns the SHA-256 of a blob; known, when it is the one that is expected, else computed.
fn sha256_of(store: &Store, blob: &BlobId, expected: &Sha256) -> Result<Sha256, BuildError> {
    if store.blob_of_sha256(expected)? == Some(*blob) {
        return Ok(*expected);
    }
    let io = |source| BuildError::Io { what: format!("read {blob}"), source };
    let mut hasher = BlobHasher::new();
    std::io::copy(&mut store.open(blob).map_err(io)?, &mut hasher).map_err(io)?;
    let sha256 = hasher.finish().sha256;
    store.put_sha256(&sha256, blob)?;
    Ok(sha256)
}

/// Returns the tree that a lockfile has for a step; none when it has none, or has it for a step that is another one now.
fn locked_tree(lock: &Lockfile, plan: &Plan, derivation: &Derivation) -> Option<TreeId> {
    let id = derivation.id();
    if let Some(title) = step_title(derivation) {
        return lock.steps.get(title).filter(|step| step.derivation == id).map(|step| step.tree);
    }
    let deb = plan.debs.iter().find(|(_, unpacked)| **unpacked == id);
    let archive = plan.source_archives.iter().find(|(_, unpacked)| **unpacked == id);
    if let Some(((package, name, file), _)) = archive {
        let source = lock.debian_sources.get(&(package.clone(), name.clone()))?;
        return source.files.iter().find(|other| other.name == *file)?.tree;
    }
    let krate = plan.crates.iter().find(|(_, unpacked)| **unpacked == id);
    if let Some((key, _)) = plan.upstream.iter().find(|(_, planned)| **planned == id) {
        return lock.files.get(key)?.tree;
    }
    let layer = plan.images.iter().find_map(|(reference, planned)| {
        let at = planned.layers.iter().position(|layer| *layer == id)?;
        Some(lock.images.get(reference)?.layers.get(at)?.tree)
    });
    if let Some(tree) = layer {
        return tree;
    }
    match (deb, krate) {
        (Some((key, _)), _) => lock.debs.get(key)?.tree,
        (_, Some((key, _))) => lock.crates.get(key)?.tree,
        (None, None) => None,
    }
}

/// Finds the first step in plan order whose tree isn't the locked one, and the files that differ.
fn first_difference(engine: &Engine<'_>, lock: &Lockfile, plan: &Plan) -> Option<(String, Vec<String>)> {
    for derivation in plan.derivations() {
        let remembered = engine.remembered(&derivation.id());
        let (Some(expected), Ok(Some(found))) = (locked_tree(lock, plan, derivation), remembered) else {
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
