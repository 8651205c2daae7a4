//! From recipes, a lockfile and the project's own files to a plan.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use kit_hash::{DerivationId, Sha256};
use kit_recipe::image::{Base, Format};
use kit_recipe::lockfile::{DebKey, Lockfile, Subject};
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Architecture, ImageReference, Name};
use kit_tree::Tree;

use crate::derivation::{Action, Archive, Derivation, Fetch, Input, Origin, Unpack};
use crate::registry::PlannedImage;
use crate::{PlanError, RecipeSet, image};

/// All that a plan is made of.
#[derive(Debug, Clone, Copy)]
pub struct PlanInputs<'a> {
    /// The recipes.
    pub recipes: &'a RecipeSet,
    /// What they resolved to.
    pub lock: &'a Lockfile,
    /// The project's own files, by recipe and label.
    pub locals: &'a BTreeMap<(RecipeName, String), Tree>,
    /// The crates that each `Cargo.lock` names, by package and source.
    pub crates: &'a BTreeMap<(Name, Name), Vec<CratePin>>,
    /// The formats to write; those of the recipe when empty.
    pub formats: &'a [Format],
}

/// A crate that a `Cargo.lock` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CratePin {
    /// Crate name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Digest of the `.crate`.
    pub sha256: Sha256,
}

/// What is to be done, in an order in which it can be done.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    derivations: Vec<Derivation>,
    index: BTreeMap<DerivationId, usize>,
    /// The tree of each package.
    pub packages: BTreeMap<Name, DerivationId>,
    /// The images of registries.
    pub images: BTreeMap<ImageReference, PlannedImage>,
    /// The containers of the image.
    pub containers: BTreeMap<Name, PlannedContainer>,
    /// The root file system of the image.
    pub root: Option<DerivationId>,
    /// The files of each output format.
    pub outputs: BTreeMap<Format, DerivationId>,
    /// Roots to run each tool in: its package with what every sandbox has.
    pub tools: BTreeMap<Name, DerivationId>,
    /// The unpacked tree of each Debian package.
    pub debs: BTreeMap<DebKey, DerivationId>,
    /// The unpacked tree of each archive of a Debian source package, by package, source and file.
    pub source_archives: BTreeMap<(Name, Name, String), DerivationId>,
    /// The unpacked tree of each crate, by name and version.
    pub crates: BTreeMap<(String, String), DerivationId>,
    /// The tree of each source as its authors publish it, by package and source.
    pub upstream: BTreeMap<(Name, Name), DerivationId>,
}

/// A container of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedContainer {
    /// What it is made of.
    pub base: Base,
    /// Its root file system.
    pub root: DerivationId,
    /// Its OCI layout.
    pub image: DerivationId,
}

impl Plan {
    /// Returns all derivations; each comes after those that it takes.
    pub fn derivations(&self) -> &[Derivation] {
        &self.derivations
    }

    /// Returns a derivation of this plan.
    pub fn get(&self, id: &DerivationId) -> Option<&Derivation> {
        self.index.get(id).map(|at| &self.derivations[*at])
    }

    /// Puts a derivation behind those that it takes; the same one again is the same one.
    pub(crate) fn add(&mut self, title: impl Into<String>, action: Action) -> DerivationId {
        let derivation = Derivation::new(title, action);
        let id = derivation.id();
        if let Entry::Vacant(place) = self.index.entry(id) {
            place.insert(self.derivations.len());
            self.derivations.push(derivation);
        }
        id
    }

    /// Returns the fetches of what says which layers images have, and how they are run: results of theirs are compared with the lockfile.
    pub fn documents(&self) -> impl Iterator<Item = DerivationId> {
        self.images.values().flat_map(|image| [image.manifest, image.config])
    }

    /// Returns what must be done to have `targets`, in order.
    pub fn closure(&self, targets: impl IntoIterator<Item = DerivationId>) -> Vec<&Derivation> {
        let mut wanted = vec![false; self.derivations.len()];
        let mut stack: Vec<_> = targets.into_iter().filter_map(|id| self.index.get(&id).copied()).collect();
        while let Some(at) = stack.pop() {
            if std::mem::replace(&mut wanted[at], true) {
                continue;
            }
            for input in self.derivations[at].action().inputs() {
                if let Input::Derivation(id) = input {
                    stack.extend(self.index.get(&id));
                }
            }
        }
        self.derivations.iter().zip(wanted).filter(|(_, wanted)| *wanted).map(|(d, _)| d).collect()
    }
}

/// Plans the subject of the lockfile: an image with its formats, or the tools.
pub fn plan(inputs: PlanInputs<'_>) -> Result<Plan, Vec<PlanError>> {
    let mut planner = Planner { inputs, plan: Plan::default(), problems: Vec::new() };
    match &inputs.lock.subject {
        Subject::Image(name) => image::lower(&mut planner, name),
        Subject::Tools => {
            for package in &inputs.recipes.tools().expect("because the subject was loaded").packages {
                let root = planner
                    .sandbox_root(&format!("tool {}", package.value), std::slice::from_ref(&package.value));
                if let Input::Derivation(id) = root {
                    planner.plan.tools.insert(package.value.clone(), id);
                }
            }
        }
    }
    if planner.problems.is_empty() { Ok(planner.plan) } else { Err(planner.problems) }
}

/// A plan in the making.
#[derive(Debug)]
pub(crate) struct Planner<'a> {
    pub(crate) inputs: PlanInputs<'a>,
    pub(crate) plan: Plan,
    pub(crate) problems: Vec<PlanError>,
}

impl Planner<'_> {
    pub(crate) fn source_date(&self) -> u64 {
        self.inputs.lock.source_date
    }

    /// Returns the tree of a project file that was hashed for this plan.
    pub(crate) fn local(&mut self, recipe: &RecipeName, label: &str) -> Option<Tree> {
        let found = self.inputs.locals.get(&(recipe.clone(), label.to_owned())).cloned();
        if found.is_none() {
            self.unpinned(format!("the files `{label}` of {recipe}"));
        }
        found
    }

    pub(crate) fn unpinned(&mut self, what: String) {
        self.problems.push(PlanError::Unpinned { what });
    }

    /// Plans the unpacked tree of a pinned Debian package.
    pub(crate) fn deb(&mut self, key: &DebKey) -> Option<Input> {
        if let Some(id) = self.plan.debs.get(key) {
            return Some(Input::Derivation(*id));
        }
        let lock = self.inputs.lock;
        let Some(deb) = lock.debs.get(key) else {
            self.unpinned(format!("the Debian package `{} {}`", key.name, key.version));
            return None;
        };
        let file_name = deb.filename.rsplit('/').next().unwrap_or_default().to_owned();
        let origin = Origin::Debian {
            suite: deb.suite.clone(),
            filename: deb.filename.clone(),
            date: lock.suites.get(&deb.suite).map_or(0, |suite| suite.date),
        };
        let fetch = Fetch { file_name: file_name.clone(), size: Some(deb.size), sha256: deb.sha256, origin };
        let fetched = self.plan.add(format!("fetch {file_name}"), Action::Fetch(fetch));
        let unpack = Unpack { input: Input::Derivation(fetched), archive: Archive::Deb };
        let is_usual = key.architecture == Architecture::USUAL.word() || key.architecture == "all";
        let other = if is_usual { String::new() } else { format!(" {}", key.architecture) };
        let id = self.plan.add(format!("unpack {} {}{other}", key.name, key.version), Action::Unpack(unpack));
        self.plan.debs.insert(key.clone(), id);
        Some(Input::Derivation(id))
    }

    /// Plans the unpacked tree of a crate.
    pub(crate) fn krate(&mut self, pin: &CratePin) -> Option<Input> {
        let key = (pin.name.clone(), pin.version.clone());
        if self.inputs.lock.crates.get(&key).is_none_or(|locked| locked.sha256 != pin.sha256) {
            self.unpinned(format!("the crate `{} {}`", pin.name, pin.version));
            return None;
        }
        let directory = format!("{}-{}", pin.name, pin.version);
        let origin = Origin::Crate { name: pin.name.clone(), version: pin.version.clone() };
        let file_name = format!("{directory}.crate");
        let fetch = Fetch { file_name: file_name.clone(), size: None, sha256: pin.sha256, origin };
        let fetched = self.plan.add(format!("fetch {file_name}"), Action::Fetch(fetch));
        let archive = Archive::Crate { sha256: pin.sha256, directory };
        let unpack = Unpack { input: Input::Derivation(fetched), archive };
        let id = self.plan.add(format!("unpack {} {}", pin.name, pin.version), Action::Unpack(unpack));
        self.plan.crates.insert(key, id);
        Some(Input::Derivation(id))
    }
}

#[cfg(test)]
pub(crate) mod tests;
