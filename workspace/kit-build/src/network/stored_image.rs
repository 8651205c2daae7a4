//! Images in the user's store of containers, which Podman, Buildah and CRI-O use (containers/storage), and in the stores that are read besides.
//!
//! ```text
//! DRIVER-images/images.json                names of images, and the uppermost layer of each
//! DRIVER-images/IMAGE/manifest             the manifest as it came, and the configuration beside it
//! DRIVER-layers/layers.json                which layer lies on which, and what its archive was
//! DRIVER-layers/LAYER.tar-split.gz         the archive of a layer without its files
//! overlay/LAYER/diff, vfs/dir/LAYER        the files
//! ```
//!
//! The manifest names archives as they came. Where they were compressed, nobody has them any more, and a manifest is made that names them
//! uncompressed.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;

use cap_std::fs::Dir;
use kit_format::compression::{Compression, Decoder};
use kit_format::limits::Limits;
use kit_format::oci::choose;
use kit_format::oci::pull::{self, LARGEST_DOCUMENT, Referred};
use kit_format::oci::stored::{self, LARGEST_LIST};
use kit_format::oci::tar_split::{OpenFile, TarSplitReader};
use kit_hash::Sha256;
use kit_recipe::{ImageReference, Reference};

use super::Network;
use super::local_image::{at, open_file, small_file};
use crate::BuildError;
use crate::registry::{ImageError, PlaceError};

/// An image of stores of containers.
#[derive(Debug)]
pub(super) struct Stored {
    /// Its manifest, which may be made here.
    pub(super) manifest: Vec<u8>,
    /// The layers, by the digest of the uncompressed archive: which store has it, and what it is called there.
    pub(super) layers: BTreeMap<Sha256, (usize, String)>,
    stores: Vec<StoreOfContainers>,
}

/// A store of containers.
#[derive(Debug)]
struct StoreOfContainers {
    driver: Driver,
    root: Dir,
}

/// How the store keeps files.
#[derive(Debug, Clone, Copy)]
enum Driver {
    Overlay,
    Vfs,
}

impl Driver {
    fn name(self) -> &'static str {
        match self {
            Self::Overlay => "overlay",
            Self::Vfs => "vfs",
        }
    }

    fn files_of(self, layer: &str) -> String {
        match self {
            Self::Overlay => format!("overlay/{layer}/diff"),
            Self::Vfs => format!("vfs/dir/{layer}"),
        }
    }
}

impl StoreOfContainers {
    /// Opens a directory; none when it is no such store.
    fn open(root: &Dir) -> Result<Option<Self>, BuildError> {
        let has = |driver: &Driver| root.is_file(format!("{}-images/images.json", driver.name()));
        let Some(driver) = [Driver::Overlay, Driver::Vfs].into_iter().find(has) else { return Ok(None) };
        let root = root
            .try_clone()
            .map_err(|source| BuildError::Io { what: "open a directory".to_owned(), source })?;
        Ok(Some(Self { driver, root }))
    }

    fn read(&self, image: &ImageReference, file: &str, limit: u64) -> Result<Vec<u8>, BuildError> {
        small_file(image, &self.root, &format!("{}-{file}", self.driver.name()), limit)
    }

    /// Reads what it says about its layers; it needs not have any.
    fn layers(&self, image: &ImageReference) -> Result<Vec<u8>, BuildError> {
        let list = "layers/layers.json";
        if self.root.exists(format!("{}-{list}", self.driver.name())) {
            return self.read(image, list, LARGEST_LIST);
        }
        Ok(b"[]".to_vec())
    }
}

impl Network<'_> {
    /// Finds an image in the user's store of containers, or else in those that are read besides.
    pub(super) fn stored(&self, image: &ImageReference, name: &Reference) -> Result<Stored, BuildError> {
        let odd = |source| ImageError::Document { reference: image.clone(), source };
        let stores = self.stores_of_containers(image)?;
        let lists = stores.iter().map(|store| store.read(image, "images/images.json", LARGEST_LIST));
        let wanted = name.to_string();
        let is_it = |text: &str| text.parse::<Reference>().is_ok_and(|other| other == *name);
        let lists = lists.collect::<Result<Vec<_>, _>>()?;
        let found = stored::find_image(&lists, &wanted, &is_it).map_err(odd)?;
        let of_image = |key: &str| {
            let id = checked(image, &found.value.id)?;
            let file = format!("images/{id}/{}", stored::file_of(key));
            stores[found.store].read(image, &file, LARGEST_DOCUMENT)
        };
        let came = of_image("manifest")?;
        let parts = pull::read_manifest(&came).map_err(odd)?;
        let config = of_image(&parts.config.sha256.oci())?;
        let actual = self.keep(&config)?;
        if actual != parts.config.sha256 {
            let file = format!("configuration {}", parts.config.sha256.oci());
            return Err(at(image, PlaceError::Content { file, actual }));
        }
        let lists = stores.iter().map(|store| store.layers(image)).collect::<Result<Vec<_>, _>>()?;
        let chain = stored::layers_of(&lists, &found.value).map_err(odd)?;
        let plain: Vec<_> = chain.iter().map(|(_, archive)| (*archive, Compression::None)).collect();
        let config = Referred { size: config.len() as u64, sha256: actual };
        let manifest = if parts.layers.iter().eq(chain.iter().map(|(_, archive)| archive)) {
            came
        } else {
            choose::manifest_of(&config, &plain).map_err(odd)?
        };
        self.keep(&manifest)?;
        let layer = |(layer, archive): (stored::Of<stored::StoredLayer>, Referred)| {
            Ok((archive.sha256, (layer.store, checked(image, &layer.value.id)?.to_owned())))
        };
        let layers = chain.into_iter().map(layer).collect::<Result<_, BuildError>>()?;
        Ok(Stored { manifest, layers, stores })
    }

    /// Opens the stores of containers; one must be there.
    fn stores_of_containers(&self, image: &ImageReference) -> Result<Vec<StoreOfContainers>, BuildError> {
        let places = &self.places.containers;
        let mut stores = Vec::new();
        for (root, _) in places {
            stores.extend(StoreOfContainers::open(root)?);
        }
        if stores.is_empty() {
            let place = places.first().map(|(_, path)| path.display().to_string());
            return Err(at(image, PlaceError::NoStorage { place }));
        }
        Ok(stores)
    }
}

impl Stored {
    /// Opens a layer, as the archive that it was.
    pub(super) fn open_layer<'o>(
        &'o self,
        image: &ImageReference,
        sha256: &Sha256,
    ) -> Result<Box<dyn Read + 'o>, BuildError> {
        let gone = || at(image, PlaceError::Blob { sha256: *sha256 });
        let (store, layer) = self.layers.get(sha256).ok_or_else(gone)?;
        let StoreOfContainers { driver, root } = &self.stores[*store];
        let limits = Limits::standard();
        let split = format!("{}-layers/{layer}.tar-split.gz", driver.name());
        let read = |file: &str, source| at(image, PlaceError::Read { file: file.to_owned(), source });
        let lines = open_file(root, &split).map_err(|source| read(&split, source))?;
        let lines = lines.ok_or_else(|| at(image, PlaceError::File { file: split.clone() }))?;
        let lines = Decoder::sniff(lines, &limits).map_err(|source| read(&split, source))?;
        let files = driver.files_of(layer);
        let directory = root.open_dir(&files).map_err(|source| read(&files, source))?;
        let open: OpenFile<'_> = Box::new(move |name| {
            let path = std::path::Path::new(std::ffi::OsStr::from_bytes(name));
            let path = path.strip_prefix("/").unwrap_or(path);
            let file = directory.open(path)?;
            // Nothing that waits for somebody else, or never ends.
            if !file.metadata()?.is_file() {
                return Err(io::Error::other("it is something else than a file"));
            }
            Ok(Box::new(file))
        });
        Ok(Box::new(TarSplitReader::new(lines, open, &limits)))
    }
}

/// Checks that what a store calls something is no path.
fn checked<'i>(image: &ImageReference, id: &'i str) -> Result<&'i str, BuildError> {
    if stored::is_id(id) {
        return Ok(id);
    }
    Err(at(image, PlaceError::File { file: id.to_owned() }))
}
