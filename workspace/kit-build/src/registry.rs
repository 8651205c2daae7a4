//! Images of registries: what can be wrong with them, and whether documents say what the lockfile does.

mod accounts;

use kit_format::oci::pull::{self, DocumentError, LARGEST_DOCUMENT};
use kit_hash::{DerivationId, TreeId};
use kit_plan::Plan;
use kit_plan::registry::oci_architecture;
use kit_recipe::Reference;
use kit_recipe::lockfile::image::Owner;
use kit_recipe::lockfile::{ImagePin, Lockfile};
use kit_source::registry::RegistryError;
use kit_store::Store;
use kit_tree::{Blobs as _, Entry, Tree, TreePath};

use crate::BuildError;
use crate::actions::only_file;
use crate::engine::{Engine, Trees};
use crate::network::settings;

/// Why an image can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The registry doesn't give it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// One of its documents can't be used.
    #[error("the image `{reference}` can't be used: {source}")]
    Document {
        /// The image.
        reference: Reference,
        /// Why.
        source: DocumentError,
    },
    /// One of its documents is too large.
    #[error(
        "the image `{reference}` can't be used: it has a document of {size} bytes, and {LARGEST_DOCUMENT} is the most that kit reads"
    )]
    LargeDocument {
        /// The image.
        reference: Reference,
        /// Bytes.
        size: u64,
    },
    /// Nothing in it says which number its user has.
    #[error("the image `{reference}` is run by `{user}`, and its own files have no number for that")]
    User {
        /// The image.
        reference: Reference,
        /// As its configuration has it.
        user: String,
    },
    /// What the lockfile says about it isn't what its documents say.
    #[error("the lockfile says something else about the image `{reference}` than its {document}")]
    Contradiction {
        /// The image.
        reference: Reference,
        /// Which document, or its files.
        document: &'static str,
    },
}

impl ImageError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Registry(error) => error.code(),
            Self::Document {
                source: DocumentError::Platform { .. } | DocumentError::OtherPlatform { .. },
                ..
            } => "kit::registry::platform",
            Self::Document { .. } | Self::LargeDocument { .. } => "kit::registry::document",
            Self::User { .. } => "kit::registry::user",
            Self::Contradiction { .. } => "kit::lock::image",
        }
    }

    /// Returns what to do next.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Registry(error) => error.help(),
            Self::Document { .. } | Self::LargeDocument { .. } => None,
            Self::User { .. } => Some("tell those who made the image: it can't be run as it says".to_owned()),
            Self::Contradiction { .. } => {
                Some("nobody but `kit lock` writes a lockfile: run it, and look at what changes".to_owned())
            }
        }
    }
}

/// The largest `/etc/passwd` or `/etc/group` that is read, in bytes.
const ACCOUNTS: u64 = 1 << 20;

/// Returns the numbers of a user, as the files of an image have them; none where they don't.
pub(crate) fn owner_in(store: &Store, tree: &Tree, user: &str) -> Result<Option<Owner>, BuildError> {
    let text = |path: &str| {
        let path: TreePath = path.parse().expect("because it is a constant path");
        let Some(Entry::File { blob, .. }) = tree.inode(&path) else { return Ok(String::new()) };
        let io = |source| BuildError::Io { what: format!("read `{path}` of an image"), source };
        Ok::<_, BuildError>(String::from_utf8_lossy(&store.read(blob, ACCOUNTS).map_err(io)?).into_owned())
    };
    Ok(accounts::owner(user, &text("/etc/passwd")?, &text("/etc/group")?))
}

/// Holds what the lockfile says about images against their documents, as far as those were fetched.
pub(crate) fn check_images(
    engine: &Engine<'_>,
    lock: &Lockfile,
    plan: &Plan,
    trees: &Trees,
) -> Result<(), BuildError> {
    let store = engine.store;
    // What was laid together before needs not be a part of what was built now, but is there.
    let tree_of = |id: &DerivationId| match trees.get(id) {
        Some(tree) => Ok(Some(*tree)),
        None => engine.remembered(id),
    };
    let architecture = oci_architecture(&lock.architecture);
    for (reference, planned) in &plan.images {
        let Some(pin) = lock.images.get(reference) else { continue };
        let bytes = |tree: &TreeId| -> Result<Vec<u8>, BuildError> {
            let tree = store.tree(tree)?;
            let (_, blob) = only_file(&tree).expect("because a fetch leaves one file");
            let what = || format!("read a document of `{reference}`");
            store.read(&blob, LARGEST_DOCUMENT).map_err(|source| BuildError::Io { what: what(), source })
        };
        let contradiction = |document| ImageError::Contradiction { reference: reference.clone(), document };
        if let Some(tree) = trees.get(&planned.manifest)
            && !is_manifest_of(pin, &bytes(tree)?)
        {
            return Err(contradiction("manifest").into());
        }
        if let Some(tree) = trees.get(&planned.config) {
            let said = settings(&bytes(tree)?, architecture, pin.layers.len());
            if said.ok().as_ref() != Some(&pin.settings) {
                return Err(contradiction("configuration").into());
            }
        }
        if let (Some(user), Some(tree)) = (&pin.settings.user, tree_of(&planned.tree)?)
            && owner_in(store, &store.tree(&tree)?, user)? != pin.owner
        {
            return Err(contradiction("files").into());
        }
    }
    Ok(())
}

fn is_manifest_of(pin: &ImagePin, bytes: &[u8]) -> bool {
    let Ok(parts) = pull::read_manifest(bytes) else { return false };
    let layers = pin.layers.iter().map(|layer| (layer.size, layer.sha256));
    (parts.config.size, parts.config.sha256) == (pin.config.size, pin.config.sha256)
        && parts.layers.iter().map(|layer| (layer.size, layer.sha256)).eq(layers)
}
