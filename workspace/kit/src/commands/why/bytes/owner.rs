//! Whose a piece of an output is: the file of the image that it belongs to, the component, the steps that brought it, the line of a recipe.

mod followed;

use std::collections::BTreeMap;

use kit_build::load::word;
use kit_format::Limits;
use kit_format::locate::Located;
use kit_format::oci::read_layout;
use kit_format::tar::{TarOptions, read_tar};
use kit_hash::DerivationId;
use kit_plan::derivation::{Action, Image, ImageFormat, Input, OciImage};
use kit_plan::{Derivation, written};
use kit_recipe::image::Format;
use kit_store::Store;
use kit_tree::{Tree, TreePath};
use serde_json::{Value, json};

use super::output::Output;
use crate::Failure;
use crate::commands::why::trace::{Step, trace};
use crate::context::Context;
use crate::progress::Progress;
use crate::render::line_of;
use crate::text::Text;
use crate::workbench::with_engine;

/// Whose something is.
#[derive(Default)]
pub(super) struct Owner {
    /// What it is of, in words, where that is more than a file: an image of a layout, and which part.
    part: Option<String>,
    path: Option<TreePath>,
    pub(super) component: Option<String>,
    steps: Vec<Step>,
    /// `FILE:LINE` of a recipe.
    recipe: Option<String>,
}

impl Owner {
    pub(super) fn show(&self, text: &mut Text) {
        if let Some(part) = &self.part {
            text.line(format_args!("  it is {part}"));
        }
        if let (Some(path), Some(component)) = (&self.path, &self.component) {
            text.line(format_args!("  {path} belongs to {component}"));
        }
        for step in &self.steps {
            text.line(format_args!("    {}  {}  {}", step.derivation.short(), step.title, step.what));
        }
        if let Some(recipe) = &self.recipe {
            text.line(format_args!("  written in {recipe}"));
        }
    }

    pub(super) fn object(&self) -> Value {
        let step = |step: &Step| json!({ "derivation": step.derivation.to_string(), "step": step.title, "what": step.what });
        json!({
            "part": self.part,
            "path": self.path.as_ref().map(ToString::to_string),
            "component": self.component,
            "steps": self.steps.iter().map(step).collect::<Vec<_>>(),
            "recipe": self.recipe,
        })
    }
}

/// Knows whose the pieces of an output are.
pub(super) struct Owners<'a> {
    context: &'a Context,
    store: &'a Store,
    output: &'a Output,
    /// Whether it is in what stands uncompressed before an initrd.
    is_first: bool,
    /// What the files of a layout are, by the digest in their name: in words, and the image whose layer it is.
    blobs: BTreeMap<String, (String, Option<String>)>,
}

impl<'a> Owners<'a> {
    pub(super) fn new(
        context: &'a Context,
        store: &'a Store,
        output: &'a Output,
        is_first: bool,
    ) -> Result<Self, Failure> {
        let blobs = blobs(store, output)
            .map_err(|source| Failure::UnreadableArtifact { path: output.path.clone().into(), source })?;
        Ok(Self { context, store, output, is_first, blobs })
    }

    /// Returns whose the piece is that a byte is in.
    pub(super) fn of(&self, found: &Located) -> Result<Owner, Failure> {
        let member = match &found.inner {
            Some(inner) => inner.located.extent.member.as_ref(),
            None => found.extent.member.as_ref().filter(|_| self.output.format != Format::DockerArchive),
        };
        let own = match (self.output.format, member) {
            (Format::KernelInitrd, None) if self.output.path.ends_with("-kernel") => self.kernel()?,
            _ if self.is_laid_out() => self.followed(found)?,
            (_, Some(member)) => self.of_member(found, member)?,
            _ => None,
        };
        let mut owner = own.unwrap_or_default();
        owner.part = self.blob(found).map(|(words, _)| words.clone());
        if owner.recipe.is_none() {
            owner.recipe = self.line(&self.output.step);
        }
        Ok(owner)
    }

    /// Returns whose a file of the image is that an archive has as a member.
    pub(super) fn of_member(&self, found: &Located, member: &TreePath) -> Result<Option<Owner>, Failure> {
        if self.is_laid_out() {
            return self.followed_member(found, member);
        }
        let Some(Action::Image(image)) =
            self.output.built.piece.plan.get(&self.output.step).map(Derivation::action)
        else {
            return Ok(None);
        };
        match (&image.format, self.blob(found)) {
            (ImageFormat::KernelInitrd { kernel, microcode: Some(path), .. }, _) if self.is_first => {
                self.traced(kernel, path, path).map(Some)
            }
            (
                ImageFormat::KernelInitrd { root, .. }
                | ImageFormat::Tar { root }
                | ImageFormat::CompressedTar { root, .. }
                | ImageFormat::FileSystem { root, .. },
                _,
            ) => self.traced(root, member, member).map(Some),
            (ImageFormat::Oci { images } | ImageFormat::DockerArchive { images }, Some((_, Some(name)))) => {
                let Some(OciImage { root, .. }) = images.get(name) else { return Ok(None) };
                self.traced(root, member, &self.in_root(name, member)).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Returns where the root of an image has a file of one of its containers; the path itself where it has no such container.
    fn in_root(&self, container: &str, member: &TreePath) -> TreePath {
        let end = format!("-{container}/rootfs");
        let files = &self.output.built.inventory.files;
        let below = |path: &TreePath| {
            let text = path.to_string();
            text.starts_with("/containers/") && text.ends_with(&end)
        };
        let root = files.iter().map(|file| &file.path).find(|path| below(path));
        root.and_then(|root| root.append(member).ok()).unwrap_or_else(|| member.clone())
    }

    /// Follows the kernel.
    fn kernel(&self) -> Result<Option<Owner>, Failure> {
        let plan = &self.output.built.piece.plan;
        let Some(Action::Image(Image { format: ImageFormat::KernelInitrd { kernel, .. }, .. })) =
            plan.get(&self.output.step).map(Derivation::action)
        else {
            return Ok(None);
        };
        let files = &self.output.built.inventory.files;
        let is_kernel = |path: &&TreePath| path.as_bytes().starts_with(b"boot/vmlinuz");
        let path = files.iter().map(|file| &file.path).find(is_kernel);
        path.map(|path| self.traced(kernel, path, path)).transpose()
    }

    /// Follows a path from the result of a step; `known` is where the inventory has it.
    fn traced(&self, start: &Input, path: &TreePath, known: &TreePath) -> Result<Owner, Failure> {
        let built = &self.output.built;
        let file = built.inventory.files.iter().find(|file| file.path == *known);
        let progress = Progress::new(&self.context.output);
        let steps = match start {
            Input::Derivation(id) => with_engine(self.context, self.store, &progress, |engine, _| {
                trace(engine, &built.piece.plan, *id, path)
            })?,
            Input::Tree(_) => Vec::new(),
        };
        let component = file.map(|file| file.owner.to_string());
        let recipe = steps.last().and_then(|step| self.line(&step.derivation));
        let component = component.or_else(|| steps.last().map(|step| step.title.clone()));
        Ok(Owner { part: None, path: Some(path.clone()), component, steps, recipe })
    }

    fn line(&self, step: &DerivationId) -> Option<String> {
        let piece = &self.output.built.piece;
        written(&piece.plan, &piece.loaded.recipes, &piece.lock, step).map(|place| line_of(&place))
    }

    /// Returns what the file of a layout is that a byte is in.
    fn blob(&self, found: &Located) -> Option<&(String, Option<String>)> {
        let name = match self.output.format {
            Format::Oci => self.output.path.rsplit('/').next().map(str::to_owned),
            Format::DockerArchive => found.extent.member.as_ref()?.file_name().map(|name| name.to_string()),
            _ => None,
        };
        self.blobs.get(&name?)
    }
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Says what the files of a layout are; nothing where the output has none.
fn blobs(store: &Store, output: &Output) -> Result<BTreeMap<String, (String, Option<String>)>, AnyError> {
    let limits = Limits::standard();
    let layout = match output.format {
        Format::Oci => below(&output.tree, output.path.split('/').next().unwrap_or_default())?,
        Format::DockerArchive => {
            let mut tree = read_tar(store.open_blob(&output.blob)?, store, &limits, TarOptions::own())?;
            // What it says to Docker alone is no part of the layout.
            tree.remove(&"/manifest.json".parse()?);
            tree
        }
        _ => return Ok(BTreeMap::new()),
    };
    let mut blobs = BTreeMap::new();
    for image in read_layout(&layout, store, &limits)? {
        let name = image.ref_name.clone().unwrap_or_else(|| word(&output.built.piece.lock.subject));
        blobs.insert(image.manifest.to_string(), (format!("the manifest of image `{name}`"), None));
        blobs.insert(image.config.to_string(), (format!("the configuration of image `{name}`"), None));
        let count = image.layers.len();
        for (number, layer) in image.layers.iter().enumerate() {
            let words = format!("layer {} of {count} of image `{name}`", number + 1);
            // Images share layers: the first one tells whose it is.
            blobs.entry(layer.digest.to_string()).or_insert((words, Some(name.clone())));
        }
    }
    Ok(blobs)
}

/// Returns what is in a directory of a tree.
fn below(tree: &Tree, name: &str) -> Result<Tree, AnyError> {
    let top = TreePath::new(name)?;
    let mut inner = Tree::new();
    for (path, entry) in tree.entries() {
        if let Some(path) = path.strip_prefix(&top).filter(|path| !path.is_root()) {
            inner.insert(path, entry.clone())?;
        }
    }
    Ok(inner)
}
