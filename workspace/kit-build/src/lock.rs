//! Making a lockfile: resolve what isn't pinned, build what must be known, write down both.

pub(crate) mod debian;
pub mod images;
pub mod upstream;

use std::collections::BTreeSet;

use kit_plan::{Plan, plan};
use kit_recipe::lockfile::{Crate, Lockfile};
use kit_recipe::{ImageReference, Name};

use crate::engine::{Engine, Trees};
use crate::load::Loaded;
use crate::network::Resolver;
use crate::registry::check_images;
use crate::{BuildError, Events, check};

/// The format epoch of this program.
pub const EPOCH: u64 = 0;

/// Which pins of an earlier lockfile are given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// Those that recipes ask for differently than before.
    Needed,
    /// All.
    All,
    /// Those of these packages, and of images by their references.
    Named(BTreeSet<String>),
}

/// The lockfile that there was before.
#[derive(Debug, Clone)]
pub enum Previous {
    /// There was none, or nothing of it counts.
    None,
    /// It is as kit wrote it: its pins hold.
    Sound(Lockfile),
    /// Somebody edited its pins: the versions that it names are looked up again.
    Edited(Lockfile),
}

impl Previous {
    /// Returns the lockfile.
    pub fn lock(&self) -> Option<&Lockfile> {
        match self {
            Self::None => None,
            Self::Sound(lock) | Self::Edited(lock) => Some(lock),
        }
    }
}

/// Makes the pins: those of `previous` that still hold, and newly resolved ones.
pub fn pin(
    loaded: &Loaded,
    previous: &Previous,
    update: &Update,
    resolver: &dyn Resolver,
    events: &dyn Events,
) -> Result<Lockfile, BuildError> {
    let architecture = kit_plan::architecture::of_subject(&loaded.recipes, &loaded.subject);
    let mut lock = Lockfile {
        architecture: architecture.machine().to_owned(),
        recipes: loaded.recipes.iter().map(|(name, l)| (name.clone(), l.recipe.id())).collect(),
        locals: crate::load::local_ids(loaded),
        advisories: previous.lock().and_then(|lock| lock.advisories),
        ..Lockfile::new(EPOCH, loaded.subject.clone(), 0)
    };
    debian::pin(loaded, previous, update, resolver, &mut lock)?;
    upstream::pin_files(loaded, previous, update, resolver, events, &mut lock)?;
    images::pin_images(loaded, previous, update, resolver, events, &mut lock)?;
    for pins in loaded.crates.values() {
        for pin in pins {
            let key = (pin.name.clone(), pin.version.clone());
            lock.crates.insert(key, Crate { sha256: pin.sha256, tree: None });
        }
    }
    lock.source_date = lock.suites.values().map(|suite| suite.date).max().unwrap_or(0);
    Ok(lock)
}

impl Update {
    /// Whether the pins of a package are given up.
    fn gives_up(&self, package: &Name) -> bool {
        match self {
            Self::Needed => false,
            Self::All => true,
            Self::Named(names) => names.contains(package.as_str()),
        }
    }

    /// Whether the pin of an image is given up; a digest says for ever what a reference is.
    fn gives_up_image(&self, reference: &ImageReference) -> bool {
        let is_it = |text: &String| text.parse().is_ok_and(|named: ImageReference| named == *reference);
        let given_up = match self {
            Self::Needed => false,
            Self::All => true,
            Self::Named(names) => names.iter().any(is_it),
        };
        given_up && !reference.is_fixed()
    }
}

/// Builds what the pins lead to and writes the results into the lockfile.
pub fn fill(engine: &Engine<'_>, loaded: &Loaded, lock: &mut Lockfile) -> Result<Plan, BuildError> {
    let plan = plan(loaded.plan_inputs(lock, &[])).map_err(BuildError::Plan)?;
    let trees = build_all(engine, &plan).map_err(|error| loaded.locate(error))?;
    for (key, id) in &plan.debs {
        if let Some(deb) = lock.debs.get_mut(key) {
            deb.tree = trees.get(id).copied();
        }
    }
    for ((package, name, file), id) in &plan.source_archives {
        let source = lock.debian_sources.get_mut(&(package.clone(), name.clone()));
        let mut files = source.into_iter().flat_map(|source| &mut source.files);
        if let Some(file) = files.find(|other| other.name == *file) {
            file.tree = trees.get(id).copied();
        }
    }
    for (key, id) in &plan.crates {
        if let Some(krate) = lock.crates.get_mut(key) {
            krate.tree = trees.get(id).copied();
        }
    }
    for (key, id) in &plan.upstream {
        if let Some(file) = lock.files.get_mut(key) {
            file.tree = trees.get(id).copied();
        }
    }
    for (reference, planned) in &plan.images {
        let layers = lock.images.get_mut(reference).into_iter().flat_map(|pin| &mut pin.layers);
        for (layer, id) in layers.zip(&planned.layers) {
            layer.tree = trees.get(id).copied();
        }
    }
    check_images(engine, lock, &plan, &trees)?;
    lock.steps = check::steps(&plan, &trees);
    for (name, planned) in &plan.containers {
        let tree = engine.store.tree(&trees[&planned.image])?;
        let pin = check::container(engine.store, &tree, &planned.base, planned.image)?;
        lock.containers.insert(name.clone(), pin);
    }
    for (format, id) in &plan.outputs {
        let tree = engine.store.tree(&trees[id])?;
        lock.outputs.extend(check::outputs(engine.store, &tree, *format)?);
    }
    Ok(plan)
}

/// Builds everything that isn't known; what is known but gone since is made again only where something needs it.
fn build_all(engine: &Engine<'_>, plan: &Plan) -> Result<Trees, BuildError> {
    let mut trees = Trees::new();
    let mut targets: Vec<_> = plan.outputs.values().copied().collect();
    targets.extend(plan.containers.values().map(|container| container.image));
    targets.extend(plan.tools.values());
    for derivation in plan.derivations() {
        match engine.remembered(&derivation.id())? {
            Some(tree) => _ = trees.insert(derivation.id(), tree),
            None => targets.push(derivation.id()),
        }
    }
    trees.extend(engine.build(plan, &targets)?);
    Ok(trees)
}
