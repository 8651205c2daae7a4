//! Images in the user's store of containers, which Podman, Buildah and CRI-O use (containers/storage).
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

/// An image of a store of containers.
#[derive(Debug)]
pub(super) struct Stored {
    /// Its manifest, which may be made here.
    pub(super) manifest: Vec<u8>,
    /// The layers, by the digest of the uncompressed archive.
    pub(super) layers: BTreeMap<Sha256, String>,
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

impl Network<'_> {
    /// Finds an image in the user's store of containers.
    pub(super) fn stored(&self, image: &ImageReference, name: &Reference) -> Result<Stored, BuildError> {
        let odd = |source| ImageError::Document { reference: image.clone(), source };
        let missing = |place| at(image, PlaceError::NoStorage { place });
        let Some((root, path)) = &self.places.containers else { return Err(missing(None)) };
        let root = root
            .try_clone()
            .map_err(|source| BuildError::Io { what: "open a directory".to_owned(), source })?;
        let has = |driver: &Driver| root.is_file(format!("{}-images/images.json", driver.name()));
        let driver = [Driver::Overlay, Driver::Vfs].into_iter().find(has);
        let driver = driver.ok_or_else(|| missing(Some(path.display().to_string())))?;
        let read = |file: &str, limit| small_file(image, &root, &format!("{}-{file}", driver.name()), limit);
        let wanted = name.to_string();
        let is_it = |text: &str| text.parse::<Reference>().is_ok_and(|other| other == *name);
        let found =
            stored::find_image(&read("images/images.json", LARGEST_LIST)?, &wanted, &is_it).map_err(odd)?;
        let of_image = |key: &str| {
            read(&format!("images/{}/{}", checked(image, &found.id)?, stored::file_of(key)), LARGEST_DOCUMENT)
        };
        let came = of_image("manifest")?;
        let parts = pull::read_manifest(&came).map_err(odd)?;
        let config = of_image(&parts.config.sha256.oci())?;
        let actual = self.keep(&config)?;
        if actual != parts.config.sha256 {
            let file = format!("configuration {}", parts.config.sha256.oci());
            return Err(at(image, PlaceError::Content { file, actual }));
        }
        let chain = stored::layers_of(&read("layers/layers.json", LARGEST_LIST)?, &found).map_err(odd)?;
        let plain: Vec<_> = chain.iter().map(|(_, archive)| (*archive, Compression::None)).collect();
        let config = Referred { size: config.len() as u64, sha256: actual };
        let manifest = if parts.layers.iter().eq(chain.iter().map(|(_, archive)| archive)) {
            came
        } else {
            choose::manifest_of(&config, &plain).map_err(odd)?
        };
        self.keep(&manifest)?;
        let layer = |(layer, archive): (stored::StoredLayer, Referred)| {
            Ok((archive.sha256, checked(image, &layer.id)?.to_owned()))
        };
        let layers = chain.into_iter().map(layer).collect::<Result<_, BuildError>>()?;
        Ok(Stored { manifest, layers, driver, root })
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
        let layer = self.layers.get(sha256).ok_or_else(gone)?;
        let limits = Limits::standard();
        let split = format!("{}-layers/{layer}.tar-split.gz", self.driver.name());
        let read = |file: &str, source| at(image, PlaceError::Read { file: file.to_owned(), source });
        let lines = open_file(&self.root, &split).map_err(|source| read(&split, source))?;
        let lines = lines.ok_or_else(|| at(image, PlaceError::File { file: split.clone() }))?;
        let lines = Decoder::sniff(lines, &limits).map_err(|source| read(&split, source))?;
        let files = self.driver.files_of(layer);
        let directory = self.root.open_dir(&files).map_err(|source| read(&files, source))?;
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
