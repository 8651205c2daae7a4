//! One side of a comparison: what is named, and all that can be known of it.

use std::path::Path;

use kit_audit::Inventory;
use kit_audit::difference::State;
use kit_audit::hardening::kernel::KernelConfig;
use kit_build::BuildError;
use kit_format::oci::graph::{Graph, Link, follow, place, tops};
use kit_format::oci::pull::{DocumentError, LARGEST_DOCUMENT};
use kit_hash::Sha256;
use kit_recipe::Lockfile;
use kit_recipe::image::Format;
use kit_recipe::lockfile::Subject;
use kit_store::Store;
use kit_tree::{Blobs as _, Entry, Tree};

use super::super::pull::parse_reference;
use crate::Failure;
use crate::audit::opened;
use crate::context::Context;
use crate::evidence::{Built, Wanted};
use crate::layouts;
use crate::opened::{Choice, Opened};
use crate::progress::Progress;
use crate::project::read_file;
use crate::revision::{self, Named};
use crate::workbench::with_engine;

/// The longest lockfile that is read, in bytes.
const LONGEST_LOCK: u64 = 64 << 20;

/// How much of an image of the project is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// All.
    Files,
    /// What its lockfile pins.
    Pins,
}

/// One side of a comparison.
pub(super) struct Side {
    pub(super) state: State,
    /// Its lockfile, where it has one.
    pub(super) lock: Option<Lockfile>,
    /// What it is made of, where that is known.
    pub(super) inventory: Option<Inventory>,
    depth: Depth,
}

/// Where one side is a lockfile alone, takes the other for one too, as far as it is about packages: what a lockfile pins for tools isn't
/// gone from an image that never had it.
pub(super) fn level(sides: &mut [Side]) {
    if !sides.iter().any(|side| side.depth == Depth::Pins) {
        return;
    }
    for side in sides {
        if let Some(lock) = &side.lock {
            side.state.take_pins(lock);
            side.inventory = Inventory::of_lock(lock).ok();
        }
    }
}

/// Reads what a text names.
pub(super) fn read(text: &str, depth: Depth, context: &Context, store: &Store) -> Result<Side, Failure> {
    let path = Path::new(text);
    if path.extension().is_some_and(|extension| extension == "lock") {
        return Ok(of_lock(text, lockfile(path)?));
    }
    if path.is_dir() {
        return of_layout(text, depth, context, store);
    }
    match (Named::parse(text), depth) {
        (Some(named), Depth::Files) => of_image(text, &named, context, store),
        (Some(named), Depth::Pins) => Ok(of_lock(text, lock_of(&named, context)?)),
        (None, Depth::Files) if path.exists() => {
            let opened = Opened::path(path, Choice::default(), store)?;
            of_opened(State::named(text), opened, context, store)
        }
        (None, _) => of_reference(text, depth, context, store),
    }
}

fn lockfile(path: &Path) -> Result<Lockfile, Failure> {
    let shown = path.display().to_string();
    let bytes = read_file(path, LONGEST_LOCK)?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::NotText { path: shown.clone() })?;
    Lockfile::parse(&text).map_err(|problems| BuildError::LockProblems { path: shown, text, problems }.into())
}

fn lock_of(named: &Named, context: &Context) -> Result<Lockfile, Failure> {
    let project = context.project()?;
    match &named.revision {
        None => project.read_lock(&Subject::Image(named.image.clone())),
        Some(revision) => revision::lockfile(project, &named.image, revision),
    }
}

fn of_lock(text: &str, lock: Lockfile) -> Side {
    let mut state = State::named(text);
    state.take_lock(&lock);
    let inventory = Inventory::of_lock(&lock).ok();
    Side { state, lock: Some(lock), inventory, depth: Depth::Pins }
}

fn of_image(text: &str, named: &Named, context: &Context, store: &Store) -> Result<Side, Failure> {
    let built = Built::named(context, store, named, Wanted::Shipped)?;
    let mut state = State::named(text);
    state.take_lock(&built.piece.lock);
    state.take_inventory(&built.inventory);
    state.take_root(&built.root(store)?, store);
    state.take_licences(&built.inventory, &built.licences(store)?);
    if let Some(kernel) = built.kernel(store)? {
        match KernelConfig::parse(&kernel.config) {
            Ok(config) => state.take_kernel(&config),
            Err(why) => {
                let text = format!("the options of the kernel of {text} aren't known: {why}\n");
                context.output.say(&text);
            }
        }
    }
    if let Some(layout) = layout(&built, context, store)? {
        state.take_layout(&format!("{}.oci", named.image), &layout);
    }
    if let Some(words) = built.command_line() {
        state.take_command_line(words);
    }
    let Built { piece, inventory, .. } = built;
    Ok(Side { state, lock: Some(piece.lock), inventory: Some(inventory), depth: Depth::Files })
}

/// Builds the layout of an image that has one: how many bytes its blobs have isn't known else.
fn layout(built: &Built, context: &Context, store: &Store) -> Result<Option<Tree>, Failure> {
    let Built { piece, .. } = built;
    let Some(target) = piece.plan.outputs.get(&Format::Oci) else { return Ok(None) };
    let progress = Progress::new(&context.output);
    let made = with_engine(context, store, &progress, |engine, _| {
        engine.repairing(Failure::damage, || {
            let targets: Vec<_> = piece.plan.documents().chain([*target]).collect();
            let trees = engine.build(&piece.plan, &targets).map_err(|error| piece.loaded.locate(error))?;
            Ok(store.tree(&trees[target])?)
        })
    });
    progress.finish();
    made.map(Some)
}

/// Takes an image that was opened: its files, and what the lockfile that it carries, or it itself, says that they are of.
fn of_opened(mut state: State, opened: Opened, context: &Context, store: &Store) -> Result<Side, Failure> {
    let audited = opened::audited(opened, None, context, store)?;
    // A layout and a registry tell more exactly what is downloaded.
    if let Some(lock) = audited.lock.as_ref().filter(|_| state.images.is_empty()) {
        state.take_lock(lock);
    }
    if let Some(inventory) = audited.inventory() {
        state.take_inventory(inventory);
        if let Some(licences) = audited.licences(store)? {
            state.take_licences(inventory, &licences);
        }
    }
    if let Some(root) = &audited.root {
        state.take_root(root, store);
    }
    let inventory = audited.inventory().cloned();
    Ok(Side { state, lock: audited.lock, inventory, depth: Depth::Files })
}

/// Takes the layers of all images of a layout, and the files where there is one image.
fn of_layout(text: &str, depth: Depth, context: &Context, store: &Store) -> Result<Side, Failure> {
    let path = Path::new(text);
    if !path.join("oci-layout").is_file() {
        let opened = Opened::path(path, Choice::default(), store)?;
        return of_opened(State::named(text), opened, context, store);
    }
    let odd = |source: Box<dyn std::error::Error + Send + Sync>| Failure::UnreadableArtifact {
        path: path.to_owned(),
        source,
    };
    let layout = layouts::take(store, path)?;
    let mut state = State::named(text);
    for top in tops(&layout, store).map_err(|error| odd(Box::new(error)))? {
        let mut read = |link: &Link| {
            let missing = || DocumentError::Kind { kind: format!("layout without {}", link.sha256.oci()) };
            let Some(Entry::File { blob, .. }) = layout.inode(&place(&link.sha256)) else {
                return Err(missing());
            };
            store.read(blob, LARGEST_DOCUMENT).map_err(|_| missing())
        };
        let graph = follow(&top, &mut read).map_err(|error| odd(Box::new(error)))?;
        take_graph(&mut state, top.ref_name.as_deref(), top.sha256, &graph);
    }
    if depth == Depth::Files && state.images.len() == 1 {
        return of_opened(state, Opened::path(path, Choice::default(), store)?, context, store);
    }
    Ok(Side { state, lock: None, inventory: None, depth: Depth::Files })
}

/// Takes the layers of an image in a registry, and its files where they are compared.
fn of_reference(text: &str, depth: Depth, context: &Context, store: &Store) -> Result<Side, Failure> {
    let reference = parse_reference(text)
        .map_err(|_| Failure::BadName { text: text.to_owned(), what: "an image, a lockfile or a layout" })?;
    let progress = Progress::new(&context.output);
    let graph = with_engine(context, store, &progress, |_, network| {
        let top = network.named(&reference, None)?;
        let graph = network.leads_to(&reference, &top)?;
        Ok((top, graph))
    });
    progress.finish();
    let (top, graph) = graph?;
    let mut state = State::named(text);
    take_graph(&mut state, None, top.sha256, &graph);
    if depth == Depth::Files {
        let opened = Opened::reference(&reference, Choice::default(), context, store)?;
        return of_opened(state, opened, context, store);
    }
    Ok(Side { state, lock: None, inventory: None, depth: Depth::Files })
}

/// Takes what an image of a layout or a registry leads to.
fn take_graph(state: &mut State, name: Option<&str>, manifest: Sha256, graph: &Graph) {
    let name = name.unwrap_or("image");
    state.images.insert(name.to_owned(), manifest);
    let blobs = || graph.blobs.values().map(|link| (link.sha256, Some(link.size)));
    state.blobs.extend(blobs());
    state.downloads.get_or_insert_default().entry(name.to_owned()).or_default().extend(blobs());
}
