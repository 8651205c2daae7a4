//! Small projects in memory: recipes, a lockfile, a plan, and the trees that its steps would turn out to be.

use std::collections::BTreeMap;

use kit_hash::Sha256;
use kit_plan::derivation::{Action, Added, AddedEntry, Compose, Input};
use kit_plan::planner::CratePin;
use kit_plan::recipes::RecipeFiles;
use kit_plan::{Plan, PlanError, PlanInputs, RecipeSet, plan};
use kit_recipe::lockfile::{Crate, Deb, DebKey, DebSource, Lockfile, Subject, Suite};
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Name, Recipe};
use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Entry, Globs, Meta, Mode, Tree, TreePath, overlay};

use crate::Inventory;
use crate::inventory::ComponentId;

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// Recipes in memory.
struct Texts(BTreeMap<RecipeName, String>);

impl RecipeFiles for Texts {
    fn text(&self, name: &RecipeName) -> Result<Option<String>, PlanError> {
        Ok(self.0.get(name).cloned())
    }
    fn names(&self) -> Result<Vec<RecipeName>, PlanError> {
        Ok(self.0.keys().cloned().collect())
    }
}

/// A project and what it resolved to.
pub(crate) struct Sample {
    pub(crate) recipes: RecipeSet,
    pub(crate) lock: Lockfile,
    crates: BTreeMap<(Name, Name), Vec<CratePin>>,
    /// What steps that aren't compositions turned out to be, by title.
    trees: BTreeMap<String, Tree>,
    pub(crate) blobs: MemoryBlobs,
}

/// What is locked of a Debian package: always version 1, of a source of the same name.
pub(crate) fn deb(package: &str) -> (DebKey, Deb) {
    let key = DebKey { name: package.to_owned(), version: "1".to_owned(), architecture: "amd64".to_owned() };
    let deb = Deb {
        source: DebSource { name: package.to_owned(), version: "1".to_owned() },
        suite: "bookworm".to_owned(),
        filename: format!("pool/{package}_1_amd64.deb"),
        size: 100,
        sha256: Sha256::of(package.as_bytes()),
        tree: None,
    };
    (key, deb)
}

pub(crate) fn deb_id(package: &str) -> ComponentId {
    ComponentId::Debian(deb(package).0)
}

pub(crate) fn recipe_id(recipe: &str) -> ComponentId {
    ComponentId::Recipe(recipe.parse().unwrap())
}

impl Sample {
    /// Reads recipes, each named as in `package base`; the image is `demo`. Nothing is locked yet.
    pub(crate) fn new(texts: &[(&str, &str)]) -> Self {
        let text = |(name, text): &(&str, &str)| (name.parse().unwrap(), (*text).to_owned());
        let texts = Texts(texts.iter().map(text).collect());
        let recipes = RecipeSet::load(&RecipeName::Image(name("demo")), &texts).unwrap();
        let identity = |recipe: &Recipe| recipe.id();
        let suite =
            Suite { date: 1_700_000_000, in_release: Sha256::of(b"r"), signed_by: vec!["AB".to_owned()] };
        let lock = Lockfile {
            recipes: recipes.iter().map(|(name, loaded)| (name.clone(), identity(&loaded.recipe))).collect(),
            suites: BTreeMap::from([("bookworm".to_owned(), suite)]),
            ..Lockfile::new(0, Subject::Image(name("demo")), 7)
        };
        let (crates, trees) = (BTreeMap::new(), BTreeMap::new());
        Self { recipes, lock, crates, trees, blobs: MemoryBlobs::new() }
    }

    /// Locks the Debian packages of a source of a package.
    pub(crate) fn lock_debs(mut self, package: &str, source: &str, names: &[&str]) -> Self {
        let debs: Vec<_> = names.iter().map(|name| deb(name)).collect();
        let keys = debs.iter().map(|(key, _)| key.clone()).collect();
        self.lock.closures.insert((name(package), name(source)), keys);
        self.lock.debs.extend(debs);
        self
    }

    /// Locks the crates of a source of a package, all of version 1.0.0.
    pub(crate) fn lock_crates(mut self, package: &str, source: &str, names: &[&str]) -> Self {
        let pin = |name: &&str| CratePin {
            name: (*name).to_owned(),
            version: "1.0.0".to_owned(),
            sha256: Sha256::of(name.as_bytes()),
        };
        let pins: Vec<_> = names.iter().map(pin).collect();
        for CratePin { name, version, sha256 } in &pins {
            let locked = Crate { sha256: *sha256, tree: None };
            self.lock.crates.insert((name.clone(), version.clone()), locked);
        }
        self.crates.insert((name(package), name(source)), pins);
        self
    }

    /// Changes the lockfile.
    pub(crate) fn locked(mut self, change: impl FnOnce(&mut Lockfile)) -> Self {
        change(&mut self.lock);
        self
    }

    /// Says what a step turned out to be: paths with the content of files, `-> PATH` for another name of one, and `/` at the end for
    /// directories.
    pub(crate) fn step(mut self, title: &str, files: &[(&str, &str)]) -> Self {
        let mut tree = Tree::new();
        for (path, content) in files {
            let path: TreePath = path.trim_end_matches('/').parse().unwrap();
            tree.make_parents(&path, &Meta::root(Mode::DIRECTORY)).unwrap();
            let entry = match content.strip_prefix("-> ") {
                Some(target) => Entry::HardLink { target: target.parse().unwrap() },
                None if *content == "/" => Entry::directory(),
                None => {
                    let blob = self.blobs.insert(content.as_bytes().to_vec());
                    Entry::File { meta: Meta::root(Mode::FILE), blob, size: content.len() as u64 }
                }
            };
            tree.insert(path, entry).unwrap();
        }
        self.trees.insert(title.to_owned(), tree);
        self
    }

    pub(crate) fn inputs<'a>(&'a self, locals: &'a BTreeMap<(RecipeName, String), Tree>) -> PlanInputs<'a> {
        PlanInputs { recipes: &self.recipes, lock: &self.lock, locals, crates: &self.crates, formats: &[] }
    }

    /// Returns the inventory of the plan alone.
    pub(crate) fn planned(&self) -> Inventory {
        let locals = BTreeMap::new();
        let inputs = self.inputs(&locals);
        Inventory::of_plan(&plan(inputs).unwrap(), inputs).unwrap()
    }

    /// Returns the inventory with the files.
    pub(crate) fn built(&self) -> Inventory {
        let locals = BTreeMap::new();
        let inputs = self.inputs(&locals);
        let plan = plan(inputs).unwrap();
        Inventory::of_built(&plan, inputs, &|input| self.tree(&plan, input)).unwrap()
    }

    /// Returns what a step turned out to be.
    pub(crate) fn tree(&self, plan: &Plan, input: &Input) -> Option<Tree> {
        let Input::Derivation(id) = input else { return None };
        let derivation = plan.get(id)?;
        if let Some(tree) = self.trees.get(derivation.title()) {
            return Some(tree.clone());
        }
        match derivation.action() {
            Action::Compose(compose) => Some(self.composed(plan, compose)),
            _ => None,
        }
    }

    /// Puts trees together as builds do.
    fn composed(&self, plan: &Plan, compose: &Compose) -> Tree {
        let parts: Vec<_> = compose
            .parts
            .iter()
            .map(|part| self.tree(plan, &part.input).unwrap().moved_below(&part.at).unwrap())
            .collect();
        let union = overlay(&parts.iter().collect::<Vec<_>>(), &compose.prefer);
        assert_eq!(union.conflicts, []);
        let globs = Globs::new(&compose.include, &compose.exclude).unwrap();
        let mut tree = if globs.is_all() { union.tree } else { globs.select(&union.tree).tree };
        let plain = Meta::root(Mode::DIRECTORY);
        for Added { path, what } in &compose.additions {
            tree.make_parents(path, &plain).unwrap();
            let entry = match what {
                AddedEntry::Inline { meta, content } => Entry::File {
                    meta: meta.clone(),
                    blob: self.blobs.insert(content.clone()),
                    size: content.len() as u64,
                },
                AddedEntry::Entry(entry) => entry.clone(),
            };
            tree.insert(path.clone(), entry).unwrap();
        }
        let points = compose.mount_points.iter().map(|point| &point.path);
        for path in compose.ensure.iter().chain(points) {
            if tree.get(path).is_none() {
                tree.make_parents(path, &plain).unwrap();
                tree.insert(path.clone(), Entry::directory()).unwrap();
            }
        }
        tree
    }
}
