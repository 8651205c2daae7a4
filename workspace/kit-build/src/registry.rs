//! Images that others made: what can be wrong with them, and whether documents say what the lockfile does.

mod accounts;

use kit_format::oci::pull::{self, DocumentError, LARGEST_DOCUMENT};
use kit_hash::{DerivationId, Sha256, TreeId};
use kit_plan::Plan;
use kit_plan::registry::oci_architecture;
use kit_recipe::ImageReference;
use kit_recipe::image_reference::{ImageForm, ProjectImage};
use kit_recipe::lockfile::image::Owner;
use kit_recipe::lockfile::{ImagePin, Lockfile};
use kit_source::registry::RegistryError;
use kit_store::Store;
use kit_tree::{Blobs as _, Entry, Tree, TreePath};

use crate::BuildError;
use crate::actions::only_file;
use crate::engine::{Engine, Trees};
use crate::network::said;

/// Why an image can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The registry doesn't give it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The project or the user's store of containers doesn't have it as its recipe says.
    #[error("the image `{image}` can't be had")]
    Place {
        /// The image.
        image: ImageReference,
        /// Why.
        #[source]
        error: PlaceError,
    },
    /// One of its documents can't be used.
    #[error("the image `{reference}` can't be used")]
    Document {
        /// The image.
        reference: ImageReference,
        /// Why.
        source: DocumentError,
    },
    /// One of its documents is too large.
    #[error(
        "the image `{reference}` can't be used: it has a document of {size} bytes, and {LARGEST_DOCUMENT} is the most that kit reads"
    )]
    LargeDocument {
        /// The image.
        reference: ImageReference,
        /// Bytes.
        size: u64,
    },
    /// Nothing in it says which number its user has.
    #[error("the image `{reference}` is run by `{user}`, and its own files have no number for that")]
    User {
        /// The image.
        reference: ImageReference,
        /// As its configuration has it.
        user: String,
    },
    /// More is said to be about an image than is looked at.
    #[error("what lies beside the image can't be looked at: {0}")]
    Attached(crate::attached::TooMany),
    /// What the lockfile says about it isn't what its documents say.
    #[error("the lockfile says something else about the image `{reference}` than its {document}")]
    Contradiction {
        /// The image.
        reference: ImageReference,
        /// Which document, or its files.
        document: &'static str,
    },
}

/// What is wrong with the place of an image.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Nothing is there.
    #[error("the project has nothing there")]
    Missing,
    /// There is no store of containers.
    #[error("{}", no_storage(place.as_deref()))]
    NoStorage {
        /// Where it would be, when that is known.
        place: Option<String>,
    },
    /// It isn't a directory.
    #[error("it is no directory")]
    NoDirectory,
    /// It can't be read, or a link leads out of the project.
    #[error("`{file}` can't be read")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// It isn't an archive that can be read.
    #[error("it is no archive that can be read")]
    Archive(#[source] Box<kit_format::tar::TarReadError>),
    /// It lacks a file that every one has.
    #[error("it has no file `{file}`")]
    File {
        /// The file.
        file: String,
    },
    /// It lacks what one of its documents or the lockfile names.
    #[error("it doesn't have {}", sha256.oci())]
    Blob {
        /// The digest.
        sha256: Sha256,
    },
    /// A file is something else than its name says.
    #[error("`{file}` is {}", actual.oci())]
    Content {
        /// The file.
        file: String,
        /// What it is.
        actual: Sha256,
    },
}

impl PlaceError {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing | Self::NoDirectory | Self::NoStorage { .. } => "kit::image::missing",
            Self::Read { .. } => "kit::image::unreadable",
            Self::Archive(_) => "kit::image::archive",
            Self::File { .. } => "kit::image::incomplete",
            Self::Blob { .. } => "kit::image::blob",
            Self::Content { .. } => "kit::image::digest_mismatch",
        }
    }

    fn help(&self, image: &ImageReference) -> String {
        match (self, image) {
            (Self::Blob { .. }, image) => {
                format!("if it is another image now, run `kit lock --update '{image}'`; else put back what was there")
            }
            (_, ImageReference::Project(image)) => self.help_in_project(image),
            (Self::NoStorage { .. }, _) => {
                "pull it by `podman pull`, as the user who runs kit; `CONTAINERS_STORAGE_CONF` names another configuration".to_owned()
            }
            (Self::Read { .. }, _) => {
                "files of other users' numbers are read inside of `podman unshare`: run kit there".to_owned()
            }
            _ => "pull it again by `podman pull`, or save it by `podman save` and name the archive".to_owned(),
        }
    }

    fn help_in_project(&self, image: &ProjectImage) -> String {
        let (path, transport) = (image.path(), image.form().transport());
        match self {
            Self::Missing => {
                format!("put it at `{path}`, which is relative to the project, or change the recipe")
            }
            Self::NoDirectory => {
                format!("`oci:` names a directory; an archive of one is `oci-archive:{path}`")
            }
            Self::Read { .. } => {
                "it must be a file of the project that you may read, and no link out of it".to_owned()
            }
            Self::File { .. } if image.form() == ImageForm::DockerArchive => {
                "save it again: Docker before 1.10 wrote none; a layout in an archive is `oci-archive:`"
                    .to_owned()
            }
            Self::Content { .. } => "it is damaged: make it again".to_owned(),
            _ => format!("make it again, by `skopeo copy … {transport}:{path}`"),
        }
    }
}

fn no_storage(place: Option<&str>) -> String {
    match place {
        Some(place) => format!("there is no store of containers at `{place}`"),
        None => "there is no store of containers".to_owned(),
    }
}

impl From<crate::attached::TooMany> for BuildError {
    fn from(error: crate::attached::TooMany) -> Self {
        ImageError::Attached(error).into()
    }
}

impl ImageError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Registry(error) => error.code(),
            Self::Place { error, .. } => error.code(),
            Self::Document { source: DocumentError::Name { .. } | DocumentError::Which { .. }, .. } => {
                "kit::image::name"
            }
            Self::Document {
                source: DocumentError::Platform { .. } | DocumentError::OtherPlatform { .. },
                ..
            } => "kit::registry::platform",
            Self::Document { .. } | Self::LargeDocument { .. } => "kit::registry::document",
            Self::User { .. } => "kit::registry::user",
            Self::Attached(_) => "kit::verify::too_many_signatures",
            Self::Contradiction { .. } => "kit::lock::image",
        }
    }

    /// Returns what to do next.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Registry(error) => error.help(),
            Self::Place { image, error } => Some(error.help(image)),
            Self::Document {
                reference: ImageReference::Project(image),
                source: DocumentError::Name { .. } | DocumentError::Which { .. },
            } => {
                let (transport, path) = (image.form().transport(), image.path());
                Some(format!("name one that is there, by `{transport}:{path}:NAME`"))
            }
            Self::Document { .. } | Self::LargeDocument { .. } => None,
            Self::Attached(_) => Some(
                "delete what nobody needs by the registry's own means, and see who may write to it"
                    .to_owned(),
            ),
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
            let said = said(&bytes(tree)?, architecture, pin.layers.len());
            let diff_ids = pin.layers.iter().map(|layer| layer.diff_id);
            if !said.is_ok_and(|said| said.settings == pin.settings && said.diff_ids.into_iter().eq(diff_ids))
            {
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
