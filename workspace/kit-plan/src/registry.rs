//! Images that others made: what must be pinned of them, how they become trees, and how they say that they are run.

use kit_hash::{DerivationId, Sha256};
use kit_recipe::container::Id;
use kit_recipe::lockfile::image::{Document, ImagePin, ImageSettings};
use kit_recipe::{Container, ImageReference, Spanned};
use kit_tree::TreePath;

use crate::derivation::{Action, Archive, Compose, Fetch, Input, Laying, Origin, Part, Unpack};
use crate::error::Place;
use crate::planner::Planner;

/// An image to pin.
#[derive(Debug, Clone)]
pub struct WantedImage {
    /// Which one.
    pub reference: ImageReference,
    /// Where it is written first.
    pub place: Place,
}

/// Where a file of an image can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFile {
    /// The image.
    pub reference: ImageReference,
    /// What it is.
    pub part: ImagePart,
}

/// What a file is: registries have manifests in another place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImagePart {
    /// A manifest.
    Manifest,
    /// Anything else.
    Blob,
}

/// An image, planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedImage {
    /// Its manifest, fetched.
    pub manifest: DerivationId,
    /// Its configuration, fetched.
    pub config: DerivationId,
    /// The tree of each layer, the lowest first, in the raw form of [`kit_tree::layers`].
    pub layers: Vec<DerivationId>,
    /// The layers over each other.
    pub tree: DerivationId,
}

impl Planner<'_> {
    /// Plans the tree of an image; also returns how the image says that it is run.
    pub(crate) fn image(&mut self, reference: &ImageReference) -> Option<(DerivationId, Container)> {
        let Some(pin) = self.inputs.lock.images.get(reference) else {
            self.unpinned(format!("the image `{reference}`"));
            return None;
        };
        let container = container(pin);
        if let Some(planned) = self.plan.images.get(reference) {
            return Some((planned.tree, container));
        }
        let planned = self.planned_image(reference, pin);
        let tree = planned.tree;
        self.plan.images.insert(reference.clone(), planned);
        Some((tree, container))
    }

    fn planned_image(&mut self, reference: &ImageReference, pin: &ImagePin) -> PlannedImage {
        let mut document =
            |document: &Document, part| self.image_file(reference, part, document.size, document.sha256);
        let manifest = document(&pin.manifest, ImagePart::Manifest);
        let config = document(&pin.config, ImagePart::Blob);
        let mut layers = Vec::new();
        for layer in &pin.layers {
            let fetched = self.image_file(reference, ImagePart::Blob, layer.size, layer.sha256);
            let unpack = Unpack {
                input: Input::Derivation(fetched),
                archive: Archive::Layer { diff_id: layer.diff_id },
            };
            let title = format!("unpack layer {}", layer.sha256.short());
            layers.push(self.plan.add(title, Action::Unpack(unpack)));
        }
        let part = |(at, id): (usize, &DerivationId)| Part {
            input: Input::Derivation(*id),
            owner: format!("layer {}", at + 1),
            at: TreePath::root(),
        };
        let parts = layers.iter().enumerate().map(part).collect();
        let compose = Compose { parts, laying: Laying::Layers, ..Compose::default() };
        let tree = self.plan.add(format!("image {reference}"), Action::Compose(compose));
        PlannedImage { manifest, config, layers, tree }
    }

    fn image_file(
        &mut self,
        reference: &ImageReference,
        part: ImagePart,
        size: u64,
        sha256: Sha256,
    ) -> DerivationId {
        let origin = Origin::Image(ImageFile { reference: reference.clone(), part });
        let fetch = Fetch { file_name: sha256.to_string(), size: Some(size), sha256, origin };
        let title = match part {
            ImagePart::Manifest => format!("fetch manifest {}", sha256.short()),
            ImagePart::Blob => format!("fetch blob {}", sha256.short()),
        };
        self.plan.add(title, Action::Fetch(fetch))
    }
}

/// Returns what an image says, as a recipe would.
fn container(pin: &ImagePin) -> Container {
    let ImageSettings { command, env, cwd, user: _, label: _ } = &pin.settings;
    let id = |number| Some(Spanned::new(Id::Number(number), 0..0));
    Container {
        command: Some(command.clone()).filter(|command| !command.is_empty()),
        env: Some(env.clone()).filter(|env| !env.is_empty()),
        cwd: cwd.clone(),
        uid: pin.owner.and_then(|owner| id(owner.uid)),
        gid: pin.owner.and_then(|owner| id(owner.gid)),
        ..Container::default()
    }
}

/// Returns OCI's word (Go's `GOARCH`) for a machine architecture.
pub fn oci_architecture(machine: &str) -> &str {
    match machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
