//! An image that is built, with all that evidence about it is made from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use kit_audit::Inventory;
use kit_audit::inventory::{Component, ComponentId, Place, Role};
use kit_audit::licence::Licence;
use kit_audit::sbom::{FileDigests, KernelFacts};

use kit_build::check::check_results;
use kit_build::engine::Trees;
use kit_build::facts::digests;
use kit_build::parallel::each;
use kit_build::{Engine, ProjectFiles};
use kit_hash::{BlobId, DerivationId, Sha256, TreeId};
use kit_plan::derivation::{Action, Image, ImageFormat, Input};
use kit_recipe::lockfile::{DebKey, Subject};
use kit_recipe::recipe::RecipeName;
use kit_store::Store;
use kit_tree::{Blobs as _, Entry, Tree};
use serde_json::{Value, json};

use crate::Failure;
use crate::context::Context;
use crate::progress::Progress;
use crate::project::write_file;
use crate::revision::{self, Named};
use crate::workbench::{Workpiece, with_engine};

/// An image, built.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) piece: Workpiece,
    pub(crate) inventory: Inventory,
    /// What steps turned out to be: those that say whose the files are, and the components' own trees.
    pub(crate) trees: Trees,
    /// How many components are read at the same time.
    jobs: usize,
}

/// Which components' own trees are wanted, beside those that say whose the files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Those of what is in the image, and of what that is made of.
    Shipped,
    /// All.
    All,
    /// None: the outputs, held against the lockfile. Whose the files are isn't known then.
    Outputs,
}

/// The kernel of an image.
#[derive(Debug)]
pub(crate) struct Kernel {
    pub(crate) facts: KernelFacts,
    /// Its configuration.
    pub(crate) config: String,
}

/// How many packages' documentation may be a link to the next one's.
const FURTHEST: usize = 4;
/// The longest configuration of a kernel that is read, in bytes.
const LONGEST_CONFIG: u64 = 4 << 20;

impl Built {
    /// Reads what an image is made of; builds what of it isn't in the store.
    pub(crate) fn prepare(
        context: &Context,
        store: &Store,
        subject: &Subject,
        wanted: Wanted,
    ) -> Result<Self, Failure> {
        let project = context.project()?;
        let piece = Workpiece::prepare(project, subject, &[])?;
        Self::of_piece(context, store, piece, &project.files(), wanted)
    }

    /// Reads the same of an image of the project that can be named at a revision, `NAME@REVISION`.
    pub(crate) fn named(
        context: &Context,
        store: &Store,
        named: &Named,
        wanted: Wanted,
    ) -> Result<Self, Failure> {
        match &named.revision {
            None => Self::prepare(context, store, &Subject::Image(named.image.clone()), wanted),
            Some(revision) => {
                let then = revision::read(context.project()?, &named.image, revision)?;
                Self::of_piece(context, store, then.piece, then.files.as_ref(), wanted)
            }
        }
    }

    /// Reads what an image is made of that is planned already, from local files that can be those of another state of the project.
    pub(crate) fn of_piece(
        context: &Context,
        store: &Store,
        piece: Workpiece,
        files: &dyn ProjectFiles,
        wanted: Wanted,
    ) -> Result<Self, Failure> {
        let progress = Progress::new(&context.output);
        let made = with_engine(context, store, &progress, |engine, _| {
            engine.repairing(Failure::damage, || {
                piece.loaded.store_locals(files, store)?;
                make(engine, &piece, wanted)
            })
        });
        progress.finish();
        let (inventory, trees) = made?;
        Ok(Self { piece, inventory, trees, jobs: context.jobs() })
    }

    /// Takes what was planned, and builds nothing: nothing is known of files.
    pub(crate) fn planned(piece: Workpiece) -> Result<Self, Failure> {
        let inputs = piece.loaded.plan_inputs(&piece.lock, &[]);
        let inventory = Inventory::of_plan(&piece.plan, inputs).map_err(bug)?;
        Ok(Self { piece, inventory, trees: Trees::default(), jobs: 1 })
    }

    /// Reads what an image is made of by an engine that works already.
    pub(crate) fn by(engine: &Engine<'_>, piece: Workpiece, wanted: Wanted) -> Result<Self, Failure> {
        let (inventory, trees) = make(engine, &piece, wanted)?;
        Ok(Self { piece, inventory, trees, jobs: engine.jobs })
    }

    /// Returns the root file system.
    pub(crate) fn root(&self, store: &Store) -> Result<Tree, Failure> {
        let root = self.piece.plan.root.expect("because the subject is an image");
        Ok(store.tree(&self.trees[&root])?)
    }

    /// Returns the whole tree of a component, where it has one.
    pub(crate) fn tree_of(&self, store: &Store, id: &ComponentId) -> Result<Option<Tree>, Failure> {
        let step = self.inventory.components.get(id).and_then(|component| component.tree);
        let tree = step.and_then(|step| self.trees.get(&step));
        Ok(tree.map(|tree| store.tree(tree)).transpose()?)
    }

    /// Returns what is known of the licences of the components whose trees are there.
    pub(crate) fn licences(&self, store: &Store) -> Result<BTreeMap<ComponentId, Licence>, Failure> {
        let components: Vec<_> = self.inventory.components.iter().collect();
        let licences = each(&components, self.jobs, &|(id, component)| {
            let licence = self.licence(store, id, component)?;
            Ok::<_, Failure>(licence.map(|licence| ((*id).clone(), licence)))
        })?;
        Ok(licences.into_iter().flatten().collect())
    }

    fn licence(
        &self,
        store: &Store,
        id: &ComponentId,
        component: &Component,
    ) -> Result<Option<Licence>, Failure> {
        let tree = self.tree_of(store, id)?;
        Ok(Some(match (id, tree) {
            (ComponentId::Debian(key), Some(tree)) => self.licence_of_debian(store, key, &tree)?,
            (ComponentId::Crate { .. }, Some(tree)) => Licence::of_crate(&tree, store),
            (ComponentId::File { .. }, Some(tree)) => {
                Licence::of_sources(component.licence.as_deref(), &tree, store)
            }
            (ComponentId::Recipe(RecipeName::Package(_)), _) if component.licence.is_some() => {
                Licence::of_recipe(component.licence.as_deref())
            }
            _ => return Ok(None),
        }))
    }

    /// Returns the licence of a Debian package; where its documentation is a link to another package's that takes part, it is there.
    fn licence_of_debian(&self, store: &Store, key: &DebKey, tree: &Tree) -> Result<Licence, Failure> {
        let mut licence = Licence::of_debian(&key.name, tree, store);
        for _ in 0..FURTHEST {
            let Some(name) = licence.elsewhere().map(str::to_owned) else { break };
            let is_other = |id: &&ComponentId| matches!(id, ComponentId::Debian(other) if other.name == name);
            let Some(other) = self.inventory.components.keys().find(is_other) else { break };
            let Some(tree) = self.tree_of(store, other)? else { break };
            licence = Licence::of_debian(&name, &tree, store);
        }
        Ok(licence)
    }

    /// Returns the kernel, where the image has one that says how it was built.
    pub(crate) fn kernel(&self, store: &Store) -> Result<Option<Kernel>, Failure> {
        let boots = |file: &&kit_audit::inventory::File| {
            file.place == Place::Boot && file.path.as_bytes().starts_with(b"boot/vmlinuz")
        };
        let Some(owner) = self.inventory.files.iter().find(boots).map(|file| &file.owner) else {
            return Ok(None);
        };
        let Some(tree) = self.tree_of(store, owner)? else { return Ok(None) };
        let config = tree.entries().find_map(|(path, entry)| match entry {
            Entry::File { blob, .. } if path.as_bytes().starts_with(b"boot/config") => Some((path, blob)),
            _ => None,
        });
        let Some((path, blob)) = config else { return Ok(None) };
        let bytes = store.read(blob, LONGEST_CONFIG).map_err(|source| Failure::File {
            action: "read",
            path: path.to_string().into(),
            source,
        })?;
        let name = path.file_name().map(|name| String::from_utf8_lossy(name.as_bytes()).into_owned());
        let release = name.as_deref().and_then(|name| name.strip_prefix("config-")).unwrap_or_default();
        let facts = KernelFacts { release: release.to_owned(), config_sha256: Sha256::of(&bytes) };
        Ok(Some(Kernel { facts, config: String::from_utf8_lossy(&bytes).into_owned() }))
    }

    /// Returns what the kernel is started with, where the image has one.
    pub(crate) fn command_line(&self) -> Option<&str> {
        let plan = &self.piece.plan;
        plan.derivations().iter().find_map(|derivation| match derivation.action() {
            Action::Image(Image { format: ImageFormat::KernelInitrd { cmdline, .. }, .. }) => {
                Some(cmdline.as_str())
            }
            _ => None,
        })
    }
}

/// Returns the other digests of all files of an image.
pub(crate) fn file_digests(
    inventory: &Inventory,
    context: &Context,
    store: &Store,
) -> Result<BTreeMap<BlobId, FileDigests>, Failure> {
    let blobs = inventory.files.iter().filter_map(|file| match &file.entry {
        Entry::File { blob, .. } => Some(*blob),
        _ => None,
    });
    let blobs: BTreeSet<_> = blobs.collect();
    Ok(digests(store, &blobs, context.jobs())?)
}

fn make(engine: &Engine<'_>, piece: &Workpiece, wanted: Wanted) -> Result<(Inventory, Trees), Failure> {
    let inputs = piece.loaded.plan_inputs(&piece.lock, &[]);
    let planned = Inventory::of_plan(&piece.plan, inputs).map_err(bug)?;
    let build = |targets: BTreeSet<DerivationId>| {
        let list: Vec<_> = targets.iter().copied().collect();
        let mut trees = engine.build(&piece.plan, &list).map_err(|error| piece.loaded.locate(error))?;
        // What else was built on the way depends on what was in the store: evidence may not.
        trees.retain(|step, _| targets.contains(step));
        Ok::<_, Failure>(trees)
    };
    let is_wanted = |component: &&Component| wanted == Wanted::All || component.role != Role::Tool;
    match wanted {
        Wanted::Outputs => {
            let trees = build(piece.plan.outputs.values().copied().chain(piece.plan.documents()).collect())?;
            check_results(engine, &piece.lock, &piece.plan, &trees)?;
            Ok((planned, trees))
        }
        Wanted::Shipped | Wanted::All => {
            let own = planned.components.values().filter(is_wanted).filter_map(|component| component.tree);
            let trees = build(own.chain(Inventory::needed(&piece.plan, inputs)).collect())?;
            let tree_of = |input: &Input| {
                let tree: TreeId = match input {
                    Input::Derivation(id) => *trees.get(id)?,
                    Input::Tree(id) => *id,
                };
                engine.store.tree(&tree).ok()
            };
            let inventory = Inventory::of_built(&piece.plan, inputs, &tree_of).map_err(bug)?;
            Ok((inventory, trees))
        }
    }
}

/// Writes a document to a file, or to standard output where none is named.
pub(crate) fn write_evidence(
    context: &Context,
    to: Option<&Path>,
    text: &[u8],
    mut result: Value,
) -> Result<ExitCode, Failure> {
    if let Some(path) = to {
        write_file(path, text)?;
        context.output.data(&format!("{}\n", path.display())).map_err(Failure::Output)?;
        result["path"] = json!(path);
    } else {
        let text = String::from_utf8_lossy(text);
        context.output.data(&text).map_err(Failure::Output)?;
        result["document"] = serde_json::from_str(&text).unwrap_or_default();
    }
    result["sha256"] = json!(Sha256::of(text).to_string());
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// All that an inventory asks for was just built.
fn bug(error: kit_audit::inventory::InventoryError) -> Failure {
    Failure::Evidence { what: "inventory", source: Box::new(error) }
}
