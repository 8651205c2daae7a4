//! A subject, loaded, locked and planned; and the engine that builds it.

use std::path::Path;

use kit_build::engine::{OnFailure, Order, Room};
use kit_build::load::{Loaded, load, word};
use kit_build::local::LocalSandbox;
use kit_build::network::Network;
use kit_build::processors::Pool;
use kit_build::surroundings::Surroundings;
use kit_build::{Engine, Events, ProjectFiles};
use kit_hash::BlobId;
use kit_plan::{Outline, Plan, RecipeFiles as _, plan};
use kit_recipe::image::Format;
use kit_recipe::lockfile::Subject;
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Lockfile, Name};
use kit_sandbox::Sandbox;
use kit_store::{RootName, Roots, Store};
use kit_tree::Blobs as _;

use crate::Failure;
use crate::context::Context;
use crate::places::places;
use crate::project::{Project, open_dir};

/// The longest outline of a plan that is read, in bytes.
const LONGEST_OUTLINE: u64 = 256 << 20;

/// A subject that a lockfile pins, ready to be built.
#[derive(Debug)]
pub(crate) struct Workpiece {
    pub(crate) loaded: Loaded,
    pub(crate) lock: Lockfile,
    pub(crate) plan: Plan,
}

impl Workpiece {
    /// Reads recipes and lockfile of a subject and plans it; a lockfile that doesn't hold is an error. Without formats,
    /// those of the recipe are planned.
    pub(crate) fn prepare(project: &Project, subject: &Subject, formats: &[Format]) -> Result<Self, Failure> {
        let loaded = load(subject, &project.files())?;
        let lock = project.read_lock(subject)?;
        Self::from_lock(loaded, lock, formats)
    }

    /// Plans a subject whose recipes were read, by a lockfile that has to hold.
    pub(crate) fn from_lock(loaded: Loaded, lock: Lockfile, formats: &[Format]) -> Result<Self, Failure> {
        loaded.check_fresh(&lock)?;
        let plan = plan(loaded.plan_inputs(&lock, formats)).map_err(Failure::Recipes)?;
        Ok(Self { loaded, lock, plan })
    }

    /// Returns what people call its subject.
    pub(crate) fn lock_word(&self) -> String {
        word(&self.lock.subject)
    }
}

/// Calls `work` with an engine for this machine.
pub(crate) fn with_engine<T>(
    context: &Context,
    store: &Store,
    events: &dyn Events,
    work: impl FnOnce(&Engine<'_>, &Network<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    with_going_engine(context, store, events, OnFailure::Stop, work)
}

/// Calls `work` with an engine for this machine that does this when a step fails.
pub(crate) fn with_going_engine<T>(
    context: &Context,
    store: &Store,
    events: &dyn Events,
    on_failure: OnFailure,
    work: impl FnOnce(&Engine<'_>, &Network<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let network = Network::new(places(context)?, store);
    let execute = local_sandbox(store);
    let (jobs, order) = (context.jobs(), Order::LongestFirst);
    let room = Room { processors: execute.processors.count(), memory_bytes: available_memory() };
    let engine = Engine { store, fetch: &network, execute: &execute, events, jobs, order, room, on_failure };
    work(&engine, &network)
}

/// Runs scripts as every build does.
pub(crate) fn local_sandbox(store: &Store) -> LocalSandbox<'_> {
    let surroundings = Surroundings::standard();
    let processors = Pool::of_this_machine();
    LocalSandbox { store, sandbox: sandbox(), surroundings, processors, memory: memory_limit() }
}

/// Starts jobs, by this program itself.
pub(crate) fn sandbox() -> Sandbox {
    Sandbox::new("/proc/self/exe")
}

/// Returns how much memory a script may use, in bytes: three quarters of what the machine has, so that it fails by itself before the
/// machine does. None where the machine doesn't say.
pub(crate) fn memory_limit() -> Option<u64> {
    Some(memory("MemTotal:")? / 4 * 3)
}

/// Returns how much memory the machine can give now without taking it from others, in bytes.
fn available_memory() -> Option<u64> {
    memory("MemAvailable:")
}

/// Returns what the machine says of its memory, in bytes.
fn memory(what: &str) -> Option<u64> {
    let text = open_dir(Path::new("/proc")).ok()?.read_to_string("meminfo").ok()?;
    let amount = text.lines().find_map(|line| line.strip_prefix(what))?;
    let kibibytes: u64 = amount.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Puts the project's own files into the store.
pub(crate) fn store_locals(project: &Project, store: &Store, loaded: &Loaded) -> Result<(), Failure> {
    let files = project.files();
    Ok(loaded.store_locals(&files as &dyn ProjectFiles, store)?)
}

/// Lets all that a plan makes stay in the store, in place of what the subject's last plan made, and what it was made of.
pub(crate) fn keep(project: &Project, store: &Store, subject: &Subject, plan: &Plan) -> Result<(), Failure> {
    let name = root_name(project, store, subject);
    let derivations = plan.derivations().iter().map(kit_plan::Derivation::id).collect();
    let outline = store.put_bytes(&Outline::of(plan).to_bytes())?;
    let roots = Roots { derivations, blobs: [outline].into(), ..Roots::default() };
    // A root is written to the disk at once, which takes time: only when it changes.
    if store.root(&name).ok().flatten().as_ref() != Some(&roots) {
        store.set_root(&name, &roots)?;
    }
    Ok(())
}

/// Returns what the last plan of a subject was, where the store keeps it.
pub(crate) fn kept(project: &Project, store: &Store, subject: &Subject) -> Result<Option<Outline>, Failure> {
    let roots = store.root(&root_name(project, store, subject))?;
    let blobs = roots.map(|roots| roots.blobs).unwrap_or_default();
    // One of another version of kit says nothing to this one.
    let read = |blob: &BlobId| Outline::parse(&store.read(blob, LONGEST_OUTLINE).ok()?).ok();
    Ok(blobs.iter().find_map(read))
}

/// Names a subject among all projects that use a store: plain in the project's own store, with a digest of the project's
/// path elsewhere.
fn root_name(project: &Project, store: &Store, subject: &Subject) -> RootName {
    let kind = if let Subject::Image(_) = subject { "image" } else { "kit" };
    let mut name = format!("{kind}-{}", word(subject));
    if !store.path().starts_with(project.path()) {
        let digest = BlobId::of(project.path().as_os_str().as_encoded_bytes());
        name = format!("{name}@{}", digest.short());
    }
    name.parse().expect("because names of subjects are made of what names of roots take")
}

/// Reads the name of an image or `tools`.
pub(crate) fn parse_subject(text: &str) -> Result<Subject, Failure> {
    if text == "tools" {
        return Ok(Subject::Tools);
    }
    Ok(Subject::Image(parse_name(text, "an image")?))
}

/// Reads a name.
pub(crate) fn parse_name(text: &str, what: &'static str) -> Result<Name, Failure> {
    text.parse().map_err(|_| Failure::BadName { text: text.to_owned(), what })
}

/// Returns the images that are named, or the only one of the project.
pub(crate) fn images(project: &Project, named: &[String]) -> Result<Vec<Subject>, Failure> {
    if !named.is_empty() {
        return named.iter().map(|text| Ok(Subject::Image(parse_name(text, "an image")?))).collect();
    }
    let mut images = project.own_images()?;
    match images.pop() {
        Some(only) if images.is_empty() => Ok(vec![Subject::Image(only)]),
        Some(last) => {
            images.push(last);
            Err(Failure::WhichImage { images })
        }
        None => Err(Failure::WhichImage { images }),
    }
}

/// Finds the recipe that a word means: `tools`, an image or a package, in this order.
pub(crate) fn find_recipe(project: &Project, word: &str) -> Result<RecipeName, Failure> {
    if word == "tools" {
        return Ok(RecipeName::Tools);
    }
    let files = project.files();
    let name = parse_name(word, "an image or package")?;
    for recipe in [RecipeName::Image(name.clone()), RecipeName::Package(name)] {
        if files.text(&recipe).map_err(|error| Failure::Recipes(vec![error]))?.is_some() {
            return Ok(recipe);
        }
    }
    let known = files.names().unwrap_or_default();
    let names = known.iter().filter_map(|recipe| match recipe {
        RecipeName::Image(name) | RecipeName::Package(name) => Some(name.to_string()),
        RecipeName::Tools => None,
    });
    Err(Failure::NoSuchRecipe { name: word.to_owned(), close: closest(word, names) })
}

/// Returns the subject with a lockfile that holds in which a recipe takes part: an image or the tools themselves, or the
/// first that uses a package.
pub(crate) fn workpiece_with(project: &Project, recipe: &RecipeName) -> Result<Workpiece, Failure> {
    let package = match recipe {
        RecipeName::Image(name) => return Workpiece::prepare(project, &Subject::Image(name.clone()), &[]),
        RecipeName::Tools => return Workpiece::prepare(project, &Subject::Tools, &[]),
        RecipeName::Package(name) => name,
    };
    let mut subjects: Vec<_> = project.own_images()?.into_iter().map(Subject::Image).collect();
    subjects.push(Subject::Tools);
    let mut first_failure = None;
    for subject in subjects {
        match Workpiece::prepare(project, &subject, &[]) {
            Ok(piece) if piece.plan.packages.contains_key(package) => return Ok(piece),
            Ok(_) => {}
            Err(failure) => first_failure = first_failure.or(Some(failure)),
        }
    }
    Err(first_failure.unwrap_or(Failure::NotPinned { package: package.to_string() }))
}

/// Returns the name that was probably meant, when one is close.
pub(crate) fn closest(word: &str, names: impl Iterator<Item = String>) -> Option<String> {
    let allowed = (word.chars().count() / 3).max(1);
    names
        .map(|name| (strsim::osa_distance(word, &name), name))
        .filter(|(slips, _)| *slips <= allowed)
        .min()
        .map(|(_, name)| name)
}
