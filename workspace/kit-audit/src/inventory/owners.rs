//! Whose each path of a tree is, by the way that it came there.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use kit_hash::{BlobId, DerivationId};
use kit_plan::derivation::{Action, Archive, Compose, Input, Run};
use kit_plan::{Plan, PlanInputs};
use kit_recipe::lockfile::DebSource;
use kit_recipe::recipe::RecipeName;
use kit_tree::{Entry, Tree, TreePath};

use super::component::ComponentId;
use super::{InventoryError, TreeOf, title};

/// A component, by its place in a list.
type Index = usize;

/// A tree with the owner of each path.
pub(super) struct Owned {
    pub(super) tree: Rc<Tree>,
    owners: OwnersOf,
}

enum OwnersOf {
    /// All of it is one's.
    One(Index),
    /// Each path has its own, in the order of the tree.
    Each(BTreeMap<TreePath, Index>),
}

impl Owned {
    /// Returns the owner of a path of the tree.
    pub(super) fn owner(&self, path: &TreePath) -> Index {
        match &self.owners {
            OwnersOf::One(owner) => *owner,
            OwnersOf::Each(each) => each[path],
        }
    }
}

/// Finds owners, each step's once.
pub(super) struct Owners<'a> {
    plan: &'a Plan,
    tree_of: TreeOf<'a>,
    components: Vec<ComponentId>,
    indices: BTreeMap<ComponentId, Index>,
    /// Steps whose results belong to one component.
    leaves: BTreeMap<DerivationId, ComponentId>,
    /// Packages by the composition that they are.
    packages: BTreeMap<DerivationId, RecipeName>,
    known: BTreeMap<(Input, RecipeName), Rc<Owned>>,
}

impl<'a> Owners<'a> {
    pub(super) fn new(plan: &'a Plan, inputs: PlanInputs<'_>, tree_of: TreeOf<'a>) -> Self {
        let packages =
            plan.packages.iter().map(|(name, id)| (*id, RecipeName::Package(name.clone()))).collect();
        Self {
            plan,
            tree_of,
            components: Vec::new(),
            indices: BTreeMap::new(),
            leaves: leaves(plan, inputs),
            packages,
            known: BTreeMap::new(),
        }
    }

    /// Returns the component at a place.
    pub(super) fn component(&self, index: Index) -> &ComponentId {
        &self.components[index]
    }

    fn index(&mut self, component: &ComponentId) -> Index {
        if let Some(index) = self.indices.get(component) {
            return *index;
        }
        self.components.push(component.clone());
        self.indices.insert(component.clone(), self.components.len() - 1);
        self.components.len() - 1
    }

    fn tree(&self, input: &Input) -> Result<Rc<Tree>, InventoryError> {
        let missing = || InventoryError::Missing { step: title(self.plan, input) };
        (self.tree_of)(input).map(Rc::new).ok_or_else(missing)
    }

    /// Finds the owners in the result of a step; what `recipe` makes itself is its own.
    pub(super) fn of(&mut self, input: &Input, recipe: &RecipeName) -> Result<Rc<Owned>, InventoryError> {
        let key = (*input, recipe.clone());
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let owned = Rc::new(self.find(input, recipe)?);
        self.known.insert(key, owned.clone());
        Ok(owned)
    }

    fn find(&mut self, input: &Input, recipe: &RecipeName) -> Result<Owned, InventoryError> {
        let tree = self.tree(input)?;
        let own = ComponentId::Recipe(recipe.clone());
        let plan = self.plan;
        let derivation = if let Input::Derivation(id) = input { plan.get(id) } else { None };
        let Some(derivation) = derivation else {
            return Ok(Owned { tree, owners: OwnersOf::One(self.index(&own)) });
        };
        if let Some(leaf) = self.leaves.get(&derivation.id()).cloned() {
            return Ok(Owned { tree, owners: OwnersOf::One(self.index(&leaf)) });
        }
        let recipe = self.packages.get(&derivation.id()).unwrap_or(recipe).clone();
        let own = self.index(&ComponentId::Recipe(recipe.clone()));
        let owners = match derivation.action() {
            Action::Compose(compose) => OwnersOf::Each(self.composed(compose, &tree, &recipe, own)?),
            Action::Run(run) => self.built(run, &tree, &recipe, own)?,
            Action::Fetch(_) | Action::Unpack(_) | Action::Image(_) => OwnersOf::One(own),
        };
        Ok(Owned { tree, owners })
    }

    fn composed(
        &mut self,
        compose: &Compose,
        tree: &Tree,
        recipe: &RecipeName,
        own: Index,
    ) -> Result<BTreeMap<TreePath, Index>, InventoryError> {
        let mut owners = BTreeMap::new();
        let parts: Result<Vec<_>, _> =
            compose.parts.iter().map(|part| Ok((part, self.of(&part.input, recipe)?))).collect();
        let parts = parts?;
        for (at, (part, owned)) in parts.iter().enumerate() {
            for (inner, own_entry) in owned.tree.entries() {
                let Ok(path) = part.at.append(inner) else { continue };
                let Some(entry) = tree.inode(&path) else { continue };
                let is_preferred = compose.prefer.get(&path) == Some(&at);
                let own_entry = match own_entry {
                    Entry::HardLink { target } => owned.tree.inode(target),
                    own_entry => Some(own_entry),
                };
                // Of a directory that several have, one has the mode; it is the first one's all the same.
                let both = own_entry.is_some_and(Entry::is_directory) && entry.is_directory();
                let is_it = own_entry == Some(entry) || both;
                if is_it && (is_preferred || !owners.contains_key(&path)) {
                    owners.insert(path, owned.owner(inner));
                }
            }
        }
        for added in &compose.additions {
            // A directory that a recipe mentions is often there already: it changes the mode of somebody else's.
            if tree.get(&added.path).is_some_and(|entry| !entry.is_directory()) {
                owners.insert(added.path.clone(), own);
            }
        }
        for (path, _) in tree.entries() {
            owners.entry(path.clone()).or_insert(own);
        }
        Ok(owners)
    }

    /// What a script leaves is its recipe's, but for files that it took over from packages as they were.
    fn built(
        &mut self,
        run: &Run,
        tree: &Tree,
        recipe: &RecipeName,
        own: Index,
    ) -> Result<OwnersOf, InventoryError> {
        let mut given: BTreeMap<BlobId, Index> = BTreeMap::new();
        for input in run.sources.values() {
            if !self.is_of_packages(input) {
                continue;
            }
            let owned = self.of(input, recipe)?;
            for (path, entry) in owned.tree.entries() {
                if let Entry::File { blob, size: 1.., .. } = entry {
                    given.entry(*blob).or_insert_with(|| owned.owner(path));
                }
            }
        }
        if given.is_empty() {
            return Ok(OwnersOf::One(own));
        }
        let owner = |path: &TreePath| match tree.inode(path) {
            Some(Entry::File { blob, .. }) => given.get(blob).copied().unwrap_or(own),
            _ => own,
        };
        Ok(OwnersOf::Each(tree.entries().map(|(path, _)| (path.clone(), owner(path))).collect()))
    }

    /// Returns the steps whose trees say whose the files of `start` are.
    pub(super) fn needed(&self, start: Vec<Input>) -> BTreeSet<DerivationId> {
        let (mut needed, mut todo) = (BTreeSet::new(), start);
        while let Some(input) = todo.pop() {
            let Input::Derivation(id) = input else { continue };
            if !needed.insert(id) || self.leaves.contains_key(&id) {
                continue;
            }
            match self.plan.get(&id).map(kit_plan::Derivation::action) {
                Some(Action::Compose(compose)) => todo.extend(compose.parts.iter().map(|part| part.input)),
                Some(Action::Run(run)) => {
                    todo.extend(run.sources.values().filter(|input| self.is_of_packages(input)));
                }
                Some(Action::Fetch(_) | Action::Unpack(_) | Action::Image(_)) | None => {}
            }
        }
        needed
    }

    /// Whether an input has files as packages install them, rather than sources.
    fn is_of_packages(&self, input: &Input) -> bool {
        let Input::Derivation(id) = input else { return false };
        if self.packages.contains_key(id) {
            return true;
        }
        match self.plan.get(id).map(kit_plan::Derivation::action) {
            Some(Action::Unpack(unpack)) => matches!(unpack.archive, Archive::Deb | Archive::Layer { .. }),
            Some(Action::Compose(compose)) => {
                compose.parts.iter().all(|part| self.is_of_packages(&part.input))
            }
            Some(Action::Run(_) | Action::Fetch(_) | Action::Image(_)) | None => false,
        }
    }
}

/// Returns the steps whose whole results belong to one component that the lockfile pins.
fn leaves(plan: &Plan, inputs: PlanInputs<'_>) -> BTreeMap<DerivationId, ComponentId> {
    let mut leaves = BTreeMap::new();
    leaves.extend(plan.debs.iter().map(|(key, id)| (*id, ComponentId::Debian(key.clone()))));
    for ((package, source, _), id) in &plan.source_archives {
        if let Some(pin) = inputs.lock.debian_sources.get(&(package.clone(), source.clone())) {
            let source = DebSource { name: pin.name.clone(), version: pin.version.clone() };
            leaves.insert(*id, ComponentId::DebianSource(source));
        }
    }
    for ((name, version), id) in &plan.crates {
        leaves.insert(*id, ComponentId::Crate { name: name.clone(), version: version.clone() });
    }
    for ((package, source), id) in &plan.upstream {
        let id_of = ComponentId::File { package: package.clone(), source: source.clone() };
        leaves.insert(*id, id_of);
    }
    leaves.extend(
        plan.images.iter().map(|(reference, image)| (image.tree, ComponentId::Image(reference.clone()))),
    );
    leaves
}
