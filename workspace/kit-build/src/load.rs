//! Recipes, local trees and lockfile, ready for a plan.

use std::collections::BTreeMap;
use std::io::{self, Read};

use kit_hash::{BlobId, TreeId};
use kit_plan::planner::CratePin;
use kit_plan::requirements::{LocalFiles, Purpose};
use kit_plan::{PlanInputs, RecipeSet, Requirements, requirements, stale};
use kit_recipe::image::Format;
use kit_recipe::lockfile::Subject;
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Lockfile, Name};
use kit_store::Store;
use kit_tree::{BlobSink, Entry, Globs, Meta, Mode, Tree, TreePath};

use crate::BuildError;
use crate::files::{LocalContent, ProjectFiles};
use crate::places::locate;

/// Everything about a subject that is known without the network and the store.
#[derive(Debug)]
pub struct Loaded {
    /// What it is.
    pub subject: Subject,
    /// Its recipes.
    pub recipes: RecipeSet,
    /// What they refer to.
    pub requirements: Requirements,
    /// Trees of the project's own files.
    pub locals: BTreeMap<(RecipeName, String), Tree>,
    /// The crates that each `Cargo.lock` names.
    pub crates: BTreeMap<(Name, Name), Vec<CratePin>>,
}

/// Returns the recipe of a subject.
pub fn recipe_of(subject: &Subject) -> RecipeName {
    match subject {
        Subject::Image(name) => RecipeName::Image(name.clone()),
        Subject::Tools => RecipeName::Tools,
    }
}

/// Returns the path of a subject's lockfile below the project.
pub fn lock_path(subject: &Subject) -> String {
    format!("lockfiles/{}.lock", word(subject))
}

/// Returns what people call a subject on the command line.
pub fn word(subject: &Subject) -> String {
    match subject {
        Subject::Image(name) => name.to_string(),
        Subject::Tools => "tools".to_owned(),
    }
}

/// Reads the recipes of a subject and hashes the project's own files that they use.
pub fn load(subject: &Subject, files: &dyn ProjectFiles) -> Result<Loaded, BuildError> {
    let recipes = RecipeSet::load(&recipe_of(subject), files).map_err(BuildError::Plan)?;
    let requirements = requirements(&recipes);
    let mut locals = BTreeMap::new();
    let mut crates = BTreeMap::new();
    for local in &requirements.locals {
        let (tree, contents) = read_local(files, local, &Hashing).map_err(|error| locate(error, &recipes))?;
        if let (Purpose::CargoLock, RecipeName::Package(package)) = (local.purpose, &local.recipe) {
            let source: Name = local.label.parse().expect("because the label is the source's name");
            crates.insert((package.clone(), source), cargo_lock(&local.path, &contents)?);
        }
        locals.insert((local.recipe.clone(), local.label.clone()), tree);
    }
    Ok(Loaded { subject: subject.clone(), recipes, requirements, locals, crates })
}

impl Loaded {
    /// Puts the project's own files into the store, where it hasn't got them.
    pub fn store_locals(&self, files: &dyn ProjectFiles, store: &Store) -> Result<(), BuildError> {
        for local in &self.requirements.locals {
            let tree = &self.locals[&(local.recipe.clone(), local.label.clone())];
            if !store.has_tree_complete(&tree.id())? {
                let (tree, _) = read_local(files, local, store)?;
                store.put_tree(&tree)?;
            }
        }
        Ok(())
    }

    /// Fails when the lockfile was made from other recipes or files.
    pub fn check_fresh(&self, lock: &Lockfile) -> Result<(), BuildError> {
        let changes = stale(lock, &self.recipes, &self.locals);
        if changes.is_empty() {
            return Ok(());
        }
        Err(BuildError::Stale { path: lock_path(&self.subject), subject: word(&self.subject), changes })
    }

    /// Adds the places in the recipes that an error is about.
    pub fn locate(&self, error: BuildError) -> BuildError {
        locate(error, &self.recipes)
    }

    /// Returns the inputs of a plan.
    pub fn plan_inputs<'a>(&'a self, lock: &'a Lockfile, formats: &'a [Format]) -> PlanInputs<'a> {
        PlanInputs { recipes: &self.recipes, lock, locals: &self.locals, crates: &self.crates, formats }
    }
}

/// Takes content and forgets all but its digest.
pub(crate) struct Hashing;

impl BlobSink for Hashing {
    fn put(&self, content: &mut dyn Read) -> io::Result<(BlobId, u64)> {
        BlobId::of_reader(content)
    }
}

/// The most that a `Cargo.lock` may have, in bytes.
const CARGO_LOCK_LIMIT: u64 = 16 << 20;

/// Reads local files into a tree; also returns the content of a `Cargo.lock`.
///
/// Names are looked at first, so that files which no glob takes are never opened.
fn read_local(
    files: &dyn ProjectFiles,
    local: &LocalFiles,
    sink: &dyn BlobSink,
) -> Result<(Tree, Vec<u8>), BuildError> {
    let names = walk(files, local, &mut |_, _| Ok((BlobId::of(b""), 0)), &|_| true)?;
    let wanted = select(local, names)?;
    let mut contents = Vec::new();
    let tree = walk(
        files,
        local,
        &mut |purpose, open| match purpose {
            Purpose::CargoLock => {
                open()?.take(CARGO_LOCK_LIMIT).read_to_end(&mut contents)?;
                sink.put(&mut contents.as_slice())
            }
            Purpose::Tree | Purpose::File => sink.put(&mut open()?),
        },
        &|path| wanted.get(path).is_some(),
    )?;
    Ok((tree, contents))
}

type Open<'a> = &'a dyn Fn() -> io::Result<Box<dyn Read + 'a>>;
type Put<'a> = &'a mut dyn FnMut(Purpose, Open<'_>) -> io::Result<(BlobId, u64)>;

fn walk(
    files: &dyn ProjectFiles,
    local: &LocalFiles,
    put: Put<'_>,
    wanted: &dyn Fn(&TreePath) -> bool,
) -> Result<Tree, BuildError> {
    let contents_path: TreePath = "/contents".parse().expect("because it is a constant path");
    let mut tree = Tree::new();
    let found = files.visit(&local.path, &mut |file| {
        let path = if file.path.is_root() { contents_path.clone() } else { file.path };
        if !wanted(&path) {
            return Ok(());
        }
        let entry = match file.content {
            LocalContent::File { executable, open } => {
                let mode = if executable { Mode::PROGRAM } else { Mode::FILE };
                let (blob, size) = put(local.purpose, open)?;
                Entry::File { meta: Meta::root(mode), blob, size }
            }
            LocalContent::Symlink(target) => Entry::symlink(target),
        };
        let other = |e: kit_tree::TreeError| io::Error::other(e.to_string());
        tree.make_parents(&path, &Meta::root(Mode::DIRECTORY)).map_err(other)?;
        tree.insert(path, entry).map(|_| ()).map_err(other)
    });
    match found {
        Ok(true) => Ok(tree),
        Ok(false) => {
            Err(BuildError::NoLocal { path: local.path.clone(), place: Box::new(local.place.clone()) })
        }
        Err(source)
            if matches!(source.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied) =>
        {
            let (path, place) = (local.path.clone(), Box::new(local.place.clone()));
            Err(BuildError::BadLocal { path, place, source })
        }
        Err(source) => Err(BuildError::Io { what: format!("read {}", local.path), source }),
    }
}

fn select(local: &LocalFiles, tree: Tree) -> Result<Tree, BuildError> {
    let owner = match &local.recipe {
        RecipeName::Image(name) | RecipeName::Package(name) => name.as_str(),
        RecipeName::Tools => "tools",
    };
    let title = format!("source {owner}/{}", local.label);
    let globs = Globs::new(&local.include, &local.exclude)
        .map_err(|e| BuildError::Compose { title: title.clone(), reason: e.to_string() })?;
    if globs.is_all() {
        return Ok(tree);
    }
    let selection = globs.select(&tree);
    if selection.unmatched.is_empty() {
        Ok(selection.tree)
    } else {
        Err(BuildError::GlobMatchesNothing { title, globs: selection.unmatched, labels: Vec::new() })
    }
}

fn cargo_lock(path: &str, contents: &[u8]) -> Result<Vec<CratePin>, BuildError> {
    let text = String::from_utf8_lossy(contents);
    let pins = kit_source::crates::parse_cargo_lock(&text)
        .map_err(|source| BuildError::CargoLock { path: path.to_owned(), source })?;
    let pin = |pin: kit_source::crates::CratePin| CratePin {
        name: pin.name,
        version: pin.version,
        sha256: pin.sha256,
    };
    Ok(pins.into_iter().map(pin).collect())
}

/// Returns the digest of a tree of local files.
pub fn local_ids(loaded: &Loaded) -> BTreeMap<(RecipeName, String), TreeId> {
    loaded.locals.iter().map(|(key, tree)| (key.clone(), tree.id())).collect()
}
