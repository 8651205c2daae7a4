//! All that an image is made of: its components, and which of them each of its files belongs to.
//!
//! It is exact, since it is read from the plan that made the image, never guessed from the files: a composition took each file from one
//! part, a script's result belongs to the recipe with the script, and what a composition makes itself belongs to the recipe that it is of.
//! A file that a script took over as it was from a package that it was given still belongs to that package: kernel modules do.
//!
//! | module | what |
//! |---|---|
//! | [`component`] | [`Component`]: a package, a crate, a file, an image of others, or what a recipe makes |
//! | `gather` | the components of a lockfile and its recipes |
//! | `owners` | the component of each path of a tree |
//! | [`foreign`] | what an image that kit didn't make says of itself |
//! | [`altered`] | where an image isn't what its lockfile gives |

pub mod altered;
pub mod component;
pub mod foreign;
mod gather;
mod owners;

use std::collections::{BTreeMap, BTreeSet};

use kit_hash::{DerivationId, PinId};
use kit_plan::derivation::{Action, Image, ImageFormat, Input};
use kit_plan::{Plan, PlanInputs};
use kit_recipe::Lockfile;
use kit_recipe::lockfile::Subject;
use kit_recipe::recipe::RecipeName;
use kit_tree::{Entry, Tree, TreePath};

pub use self::component::{Component, ComponentId, Role};
use self::owners::Owners;

/// All that an image is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// The image.
    pub image: String,
    /// The digest of what its lockfile pins; none where the image says of no lockfile.
    pub pin: Option<PinId>,
    /// `x86_64`.
    pub architecture: String,
    /// Seconds since 1970 of every time in it.
    pub source_date: u64,
    /// The components, by their identity.
    pub components: BTreeMap<ComponentId, Component>,
    /// The files, those of the root first, each part by path.
    pub files: Vec<File>,
}

/// One path of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Which part of the image it is in.
    pub place: Place,
    /// Its path there.
    pub path: TreePath,
    /// What it is.
    pub entry: Entry,
    /// The component that it belongs to.
    pub owner: ComponentId,
}

/// A part of an image that has files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The root file system.
    Root,
    /// What is loaded before it: the kernel, and microcode.
    Boot,
}

/// Why there is no inventory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InventoryError {
    /// The subject is the tools.
    #[error("the tools are no image")]
    NoImage,
    /// A step's result isn't in the store.
    #[error("the result of `{step}` isn't in the store")]
    Missing {
        /// What people call the step.
        step: String,
    },
}

/// Gives the tree that an input turned out to be; none where it isn't in the store.
pub type TreeOf<'a> = &'a dyn Fn(&Input) -> Option<Tree>;

impl Inventory {
    /// Reads what a plan is made of, and from the trees that its steps turned out to be whose each file is.
    pub fn of_built(
        plan: &Plan,
        inputs: PlanInputs<'_>,
        tree_of: TreeOf<'_>,
    ) -> Result<Self, InventoryError> {
        let mut inventory = Self::of_plan(plan, inputs)?;
        let mut owners = Owners::new(plan, inputs, tree_of);
        let recipe = RecipeName::Image(image_of(inputs)?);
        let root = plan.root.expect("because the subject is an image");
        let owned = owners.of(&Input::Derivation(root), &recipe)?;
        for (path, entry) in owned.tree.entries() {
            let owner = owners.component(owned.owner(path)).clone();
            inventory.files.push(File {
                place: Place::Root,
                path: path.clone(),
                entry: entry.clone(),
                owner,
            });
        }
        for (input, path) in boot_files(plan, tree_of)? {
            let owned = owners.of(&input, &recipe)?;
            let Some(entry) = owned.tree.inode(&path).cloned() else { continue };
            let owner = owners.component(owned.owner(&path)).clone();
            inventory.files.push(File { place: Place::Boot, path, entry, owner });
        }
        inventory.count();
        Ok(inventory)
    }

    /// Returns the steps whose trees [`Inventory::of_built`] asks for.
    pub fn needed(plan: &Plan, inputs: PlanInputs<'_>) -> BTreeSet<DerivationId> {
        let owners = Owners::new(plan, inputs, &|_| None);
        let mut start: Vec<_> = plan.root.map(Input::Derivation).into_iter().collect();
        start.extend(kernels(plan).into_iter().map(|(kernel, _)| kernel));
        owners.needed(start)
    }

    /// Reads what a plan is made of, without any file: which components are in an image is as sure as before, but for those whose files
    /// are all left out.
    pub fn of_plan(plan: &Plan, inputs: PlanInputs<'_>) -> Result<Self, InventoryError> {
        let image = image_of(inputs)?;
        let lock = inputs.lock;
        Ok(Self {
            image: image.to_string(),
            pin: Some(lock.pin_id()),
            architecture: lock.architecture.clone(),
            source_date: lock.source_date,
            components: gather::components(plan, inputs, &image),
            files: Vec::new(),
        })
    }

    /// Reads what a lockfile pins. What of it is in the image and what only took part in making it isn't told by a lockfile: each
    /// component is taken for a part.
    pub fn of_lock(lock: &Lockfile) -> Result<Self, InventoryError> {
        let Subject::Image(image) = &lock.subject else { return Err(InventoryError::NoImage) };
        Ok(Self {
            image: image.to_string(),
            pin: Some(lock.pin_id()),
            architecture: lock.architecture.clone(),
            source_date: lock.source_date,
            components: gather::locked(lock),
            files: Vec::new(),
        })
    }

    /// Counts the files and bytes of each component; one without files is in the image no more, unless it is a part of another one.
    fn count(&mut self) {
        self.count_files();
        gather::settle_roles(&mut self.components);
    }

    fn count_files(&mut self) {
        for file in &self.files {
            let Some(component) = self.components.get_mut(&file.owner) else { continue };
            component.files += 1;
            if let Entry::File { size, .. } = &file.entry {
                component.bytes += size;
            }
        }
    }

    /// Returns the components in a role.
    pub fn in_role(&self, role: Role) -> impl Iterator<Item = (&ComponentId, &Component)> {
        self.components.iter().filter(move |(_, component)| component.role == role)
    }

    /// Returns the bytes of all files, names of one file counted once.
    pub fn bytes(&self) -> u64 {
        self.components.values().map(|component| component.bytes).sum()
    }

    /// Returns the file at a path of the root.
    pub fn file(&self, path: &TreePath) -> Option<&File> {
        let root = self.files.partition_point(|file| file.place == Place::Root);
        let found = self.files[..root].binary_search_by(|file| file.path.cmp(path));
        found.ok().map(|at| &self.files[at])
    }
}

fn image_of(inputs: PlanInputs<'_>) -> Result<kit_recipe::Name, InventoryError> {
    match &inputs.lock.subject {
        Subject::Image(name) => Ok(name.clone()),
        Subject::Tools => Err(InventoryError::NoImage),
    }
}

/// Returns the files that an image boots with and that aren't in its root: where they are in the trees that they come from.
fn boot_files(plan: &Plan, tree_of: TreeOf<'_>) -> Result<Vec<(Input, TreePath)>, InventoryError> {
    let mut found = Vec::new();
    for (kernel, microcode) in kernels(plan) {
        let tree = tree_of(&kernel).ok_or_else(|| InventoryError::Missing { step: title(plan, &kernel) })?;
        let is_kernel = |path: &&TreePath| path.as_bytes().starts_with(b"boot/vmlinuz");
        let paths = tree.entries().map(|(path, _)| path).filter(is_kernel).cloned();
        found.extend(paths.chain(microcode).map(|path| (kernel, path)));
    }
    Ok(found)
}

/// Returns the trees of the kernels that outputs have, and where in them what stands before the initrd is.
fn kernels(plan: &Plan) -> BTreeSet<(Input, Option<TreePath>)> {
    let kernels = plan.derivations().iter().filter_map(|derivation| match derivation.action() {
        Action::Image(Image { format: ImageFormat::KernelInitrd { kernel, microcode, .. }, .. }) => {
            Some((*kernel, microcode.clone()))
        }
        _ => None,
    });
    kernels.collect()
}

/// Returns what people call the step that an input is the result of.
fn title(plan: &Plan, input: &Input) -> String {
    let step = |id: &DerivationId| plan.get(id).map(|derivation| derivation.title().to_owned());
    match input {
        Input::Derivation(id) => step(id).unwrap_or_else(|| id.short()),
        Input::Tree(id) => id.short(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
