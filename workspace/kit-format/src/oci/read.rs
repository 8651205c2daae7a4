//! What is in a layout, every digest checked: descriptors against blobs, and configurations against uncompressed layers.

use std::collections::BTreeSet;
use std::io::{self, Read};

use kit_hash::{BlobHasher, HexError, Sha256};
use kit_tree::{Blobs, Entry, Tree, TreePath};
use serde::de::DeserializeOwned;

use super::beside::{LayoutImages, read_document, sort};
use super::document::{self, ConfigPart, Descriptor, Index, LayoutFile, Manifest};
use super::graph::link;
use crate::compression::Decoder;
use crate::limits::{LimitError, Limits};

/// Documents are read up to this length, the most that registries take.
const DOCUMENT_BYTES: u64 = 4 << 20;

/// Indexes may name indexes, this deep.
const DEPTH: usize = 4;

/// An image in a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutImage {
    /// Its name in the index.
    pub ref_name: Option<String>,
    /// `os/architecture[/variant]`, from its configuration.
    pub platform: String,
    /// Digest of its manifest.
    pub manifest: Sha256,
    /// Digest of its configuration.
    pub config: Sha256,
    /// Its layers from the lowest.
    pub layers: Vec<LayoutLayer>,
}

/// A layer in a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutLayer {
    /// How the archive is compressed, by its media type.
    pub media_type: String,
    /// Digest of the blob.
    pub digest: Sha256,
    /// Digest of the uncompressed archive.
    pub diff_id: Sha256,
    /// Bytes of the blob.
    pub size: u64,
}

/// Why a layout is refused.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// A file isn't there, or is something else than a file.
    #[error("the layout has no file `{path}`")]
    Missing {
        /// Where it belongs.
        path: String,
    },
    /// A file can't be read.
    #[error("can't read `{path}`")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A document isn't one of the image specification.
    #[error("`{path}` is no document of the image specification")]
    Document {
        /// The file.
        path: String,
        /// Why.
        source: serde_json::Error,
    },
    /// A value that the specification doesn't have there, or that is unknown.
    #[error("`{path}` has the {field} `{value}`")]
    Value {
        /// The file.
        path: String,
        /// Which field.
        field: &'static str,
        /// What stands there.
        value: String,
    },
    /// A digest isn't `sha256:` and 64 digits.
    #[error("`{digest}` is no digest")]
    Digest {
        /// What stands there.
        digest: String,
        /// Why.
        source: HexError,
    },
    /// A blob has another digest or length than its descriptor says.
    #[error("`{path}` is {actual} ({actual_size} bytes), not {expected} ({expected_size} bytes)")]
    Content {
        /// The blob.
        path: String,
        /// What its descriptor says.
        expected: Sha256,
        /// What its descriptor says.
        expected_size: u64,
        /// What it is.
        actual: Sha256,
        /// What it is.
        actual_size: u64,
    },
    /// A layer unpacks to something else than its configuration says.
    #[error("layer {layer} unpacks to {actual}, not to {expected}")]
    DiffId {
        /// Its place from the lowest, from 1.
        layer: usize,
        /// What the configuration says.
        expected: String,
        /// What it is.
        actual: Sha256,
    },
    /// The configuration has another number of layers than the manifest.
    #[error("the configuration has {config} layers, the manifest {manifest}")]
    Layers {
        /// In the configuration.
        config: usize,
        /// In the manifest.
        manifest: usize,
    },
    /// A file that no descriptor names.
    #[error("nothing names `{path}`")]
    Unreferenced {
        /// The file.
        path: TreePath,
    },
}

/// Reads a layout directory and checks all of it. What it has about its images is checked, too, and is no image.
pub fn read_layout(tree: &Tree, blobs: &dyn Blobs, limits: &Limits) -> Result<Vec<LayoutImage>, LayoutError> {
    let mut layout = Layout { tree, blobs, limits, used: BTreeSet::new(), images: Vec::new() };
    let version: LayoutFile = layout.document("oci-layout")?;
    if version.image_layout_version != document::LAYOUT_VERSION {
        return Err(value("oci-layout", "version", version.image_layout_version));
    }
    let mut index: Index = layout.document("index.json")?;
    for document in layout.take_about(&mut index) {
        layout.about(&document)?;
    }
    layout.index("index.json", &index, DEPTH)?;
    let files = tree.entries().filter(|(_, entry)| !entry.is_directory());
    for (path, _) in files {
        if !layout.used.contains(path) {
            return Err(LayoutError::Unreferenced { path: path.clone() });
        }
    }
    Ok(layout.images)
}

struct Layout<'a> {
    tree: &'a Tree,
    blobs: &'a dyn Blobs,
    limits: &'a Limits,
    used: BTreeSet<TreePath>,
    images: Vec<LayoutImage>,
}

impl<'a> Layout<'a> {
    fn open(&mut self, path: &str) -> Result<(Box<dyn Read + 'a>, u64), LayoutError> {
        let missing = || LayoutError::Missing { path: path.to_owned() };
        let place = TreePath::new(path).map_err(|_| missing())?;
        let Some(Entry::File { blob, size, .. }) = self.tree.inode(&place) else { return Err(missing()) };
        self.used.insert(place);
        let reader =
            self.blobs.open(blob).map_err(|source| LayoutError::Read { path: path.to_owned(), source })?;
        Ok((reader, *size))
    }

    fn document<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, LayoutError> {
        let read = |source| LayoutError::Read { path: path.to_owned(), source };
        let (mut reader, size) = self.open(path)?;
        if size > DOCUMENT_BYTES {
            return Err(read(LimitError::FileBytes { size, limit: DOCUMENT_BYTES }.into()));
        }
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(read)?;
        serde_json::from_slice(&bytes)
            .map_err(|source| LayoutError::Document { path: path.to_owned(), source })
    }

    /// Takes what is about images out of the index of the layout.
    fn take_about(&self, index: &mut Index) -> Vec<Descriptor> {
        // What has no digest is told where it is read.
        let links = index.manifests.iter().filter_map(|entry| link(entry).ok()).collect();
        let LayoutImages { about, .. } = sort(links, &mut |link| read_document(self.tree, self.blobs, link));
        let is_about = |entry: &mut Descriptor| {
            link(entry).is_ok_and(|link| about.iter().any(|about| about.document == link))
        };
        index.manifests.extract_if(.., is_about).collect()
    }

    /// Checks a document about an image, and what it holds.
    fn about(&mut self, descriptor: &Descriptor) -> Result<(), LayoutError> {
        let (_, path) = self.check(descriptor)?;
        let manifest: Manifest = self.document(&path)?;
        for part in [&manifest.config].into_iter().chain(&manifest.layers) {
            self.check(part)?;
        }
        Ok(())
    }

    fn index(&mut self, path: &str, index: &Index, depth: usize) -> Result<(), LayoutError> {
        for descriptor in &index.manifests {
            match descriptor.media_type.as_str() {
                document::MANIFEST => self.image(descriptor)?,
                document::INDEX if depth > 0 => {
                    let (_, blob) = self.check(descriptor)?;
                    let inner: Index = self.document(&blob)?;
                    self.index(&blob, &inner, depth - 1)?;
                }
                kind => return Err(value(path, "media type", kind.to_owned())),
            }
        }
        Ok(())
    }

    fn image(&mut self, descriptor: &Descriptor) -> Result<(), LayoutError> {
        let (manifest_digest, path) = self.check(descriptor)?;
        let manifest: Manifest = self.document(&path)?;
        let (config_digest, config_path) = self.check(&manifest.config)?;
        let config: ConfigPart = self.document(&config_path)?;
        let (in_config, in_manifest) = (config.rootfs.diff_ids.len(), manifest.layers.len());
        if in_config != in_manifest {
            return Err(LayoutError::Layers { config: in_config, manifest: in_manifest });
        }
        let mut layers = Vec::new();
        for (index, (layer, expected)) in manifest.layers.iter().zip(&config.rootfs.diff_ids).enumerate() {
            let (digest, blob) = self.check(layer)?;
            let diff_id = self.uncompressed(&blob)?;
            if diff_id.oci() != *expected {
                return Err(LayoutError::DiffId {
                    layer: index + 1,
                    expected: expected.clone(),
                    actual: diff_id,
                });
            }
            let media_type = layer.media_type.clone();
            layers.push(LayoutLayer { media_type, digest, diff_id, size: layer.size });
        }
        let platform = config.platform;
        let parts = [Some(platform.os), Some(platform.architecture), platform.variant];
        self.images.push(LayoutImage {
            ref_name: descriptor.annotations.get(document::REF_NAME).cloned(),
            platform: parts.into_iter().flatten().collect::<Vec<_>>().join("/"),
            manifest: manifest_digest,
            config: config_digest,
            layers,
        });
        Ok(())
    }

    /// Checks a blob against its descriptor; returns its digest and path.
    fn check(&mut self, descriptor: &Descriptor) -> Result<(Sha256, String), LayoutError> {
        let digest = descriptor.digest.clone();
        let expected = Sha256::from_oci(&digest).map_err(|source| LayoutError::Digest { digest, source })?;
        let path = format!("blobs/sha256/{expected}");
        let (mut reader, _) = self.open(&path)?;
        let mut hasher = BlobHasher::new();
        io::copy(&mut reader, &mut hasher)
            .map_err(|source| LayoutError::Read { path: path.clone(), source })?;
        let actual = hasher.finish();
        if actual.sha256 != expected || actual.size != descriptor.size {
            let (expected_size, actual_size) = (descriptor.size, actual.size);
            let actual = actual.sha256;
            return Err(LayoutError::Content { path, expected, expected_size, actual, actual_size });
        }
        Ok((expected, path))
    }

    fn uncompressed(&mut self, path: &str) -> Result<Sha256, LayoutError> {
        let read = |source| LayoutError::Read { path: path.to_owned(), source };
        let (reader, _) = self.open(path)?;
        let mut decoder = Decoder::sniff(reader, self.limits).map_err(read)?.take(self.limits.total_bytes);
        let mut hasher = BlobHasher::new();
        io::copy(&mut decoder, &mut hasher).map_err(read)?;
        if decoder.limit() == 0 {
            return Err(read(LimitError::TotalBytes { limit: self.limits.total_bytes }.into()));
        }
        Ok(hasher.finish().sha256)
    }
}

fn value(path: &str, field: &'static str, value: String) -> LayoutError {
    LayoutError::Value { path: path.to_owned(), field, value }
}
