//! Images into a layout.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::num::NonZeroU32;

use kit_hash::{BlobHasher, Sha256, TreeId};
use kit_tree::{BlobSink, Blobs, Mode, Tree, TreeError, TreePath};

use super::config::ImageConfig;
use super::document::{self, Config, Descriptor, Index, LayoutFile, Manifest};
use crate::compression::zstd::ZstdOptions;
use crate::compression::{GzipStream, ZstdStream};
use crate::json::{JsonError, canonical};
use crate::tar::{TarStream, TarWriteError};

/// Names the exact bytes of the documents; layers have those of their archive and compression.
pub const REVISION: u32 = 1;

/// How layers are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerCompression {
    /// Not at all.
    None,
    /// gzip, which everything reads.
    Gzip,
    /// zstd: smaller and faster, read by runtimes since 2021.
    Zstd {
        /// From 1 (fast) to 19 (small).
        level: i32,
        /// Threads that compress; not part of the bytes.
        workers: NonZeroU32,
    },
}

/// An image to write.
#[derive(Debug, Clone)]
pub struct OciImage<'a> {
    /// Its layers from the lowest.
    pub layers: Vec<&'a Tree>,
    /// What runs in it.
    pub config: ImageConfig,
    /// Annotations of its manifest.
    pub annotations: BTreeMap<String, String>,
    /// Its name in the layout, for example a tag; none for the only image of a layout.
    pub ref_name: Option<String>,
    /// What containerd calls it once it is loaded: `registry/repository:tag`.
    pub image_name: Option<String>,
}

/// Digests of one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerDigests {
    /// Of the blob.
    pub digest: Sha256,
    /// Of the uncompressed archive.
    pub diff_id: Sha256,
    /// Bytes of the blob.
    pub size: u64,
}

/// Digests of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OciDigests {
    /// Of its manifest: what pins the image.
    pub manifest: Sha256,
    /// Of its configuration.
    pub config: Sha256,
    /// Of its layers from the lowest.
    pub layers: Vec<LayerDigests>,
}

/// A layout that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OciLayout {
    /// The directory; its contents are in the sink.
    pub tree: Tree,
    /// Digests of the images, in the order given.
    pub images: Vec<OciDigests>,
}

/// Why images can't be written as a layout.
#[derive(Debug, thiserror::Error)]
pub enum OciError {
    /// A layer can't be an archive.
    #[error("layer {layer} can't be written")]
    Layer {
        /// Its place from the lowest, from 1.
        layer: usize,
        /// Why.
        source: TarWriteError,
    },
    /// A file's name means that a lower layer's file is deleted.
    #[error("`{path}` would be taken as the deletion of a file")]
    Whiteout {
        /// The file.
        path: TreePath,
    },
    /// Content can't be kept.
    #[error("can't keep a blob")]
    Keep(#[source] io::Error),
    /// Two images have one name, or several have none.
    #[error("the name `{ref_name}` is there twice")]
    RefName {
        /// The name; empty for none.
        ref_name: String,
    },
    /// An environment variable's name is empty or has `=` in it.
    #[error("`{name}` can't be the name of an environment variable")]
    Env {
        /// The name.
        name: String,
    },
    /// A document has no canonical form.
    #[error("a document can't be written")]
    Json(#[from] JsonError),
    /// The layout is no tree.
    #[error("the layout is no tree")]
    Tree(#[from] TreeError),
}

/// Writes images into one layout; `created` is the source date in seconds since 1970. Layer contents come from `blobs`, everything
/// written goes to `sink`.
pub fn write_layout(
    images: &[OciImage<'_>],
    compression: LayerCompression,
    created: u32,
    blobs: &dyn Blobs,
    sink: &dyn BlobSink,
) -> Result<OciLayout, OciError> {
    let mut names = BTreeSet::new();
    for image in images {
        if !names.insert(&image.ref_name) {
            return Err(OciError::RefName { ref_name: image.ref_name.clone().unwrap_or_default() });
        }
    }
    let mut layout = Layout { tree: Tree::new(), compression, created, blobs, sink, layers: BTreeMap::new() };
    let mut digests = Vec::new();
    let mut manifests = Vec::new();
    for image in images {
        let (descriptor, image_digests) = layout.add_image(image)?;
        manifests.push(descriptor);
        digests.push(image_digests);
    }
    let index = Index { schema_version: 2, media_type: Some(String::from(document::INDEX)), manifests };
    layout.add_file("index.json", &canonical(&index)?)?;
    let version = LayoutFile { image_layout_version: String::from(document::LAYOUT_VERSION) };
    layout.add_file("oci-layout", &canonical(&version)?)?;
    Ok(OciLayout { tree: layout.tree, images: digests })
}

struct Layout<'a> {
    tree: Tree,
    compression: LayerCompression,
    created: u32,
    blobs: &'a dyn Blobs,
    sink: &'a dyn BlobSink,
    /// Layers that are written: images often share them.
    layers: BTreeMap<TreeId, LayerDigests>,
}

impl Layout<'_> {
    fn add_image(&mut self, image: &OciImage<'_>) -> Result<(Descriptor, OciDigests), OciError> {
        if let Some(name) = image.config.env.keys().find(|name| name.is_empty() || name.contains(['=', '\0']))
        {
            return Err(OciError::Env { name: name.clone() });
        }
        let mut layers = Vec::new();
        for (index, tree) in image.layers.iter().enumerate() {
            layers.push(self.add_layer(index + 1, tree)?);
        }
        let diff_ids = layers.iter().map(|layer| layer.diff_id.oci()).collect();
        let config = self.add_document(&canonical(&Config::new(&image.config, self.created, diff_ids))?)?;
        let descriptors = layers.iter().map(|layer| descriptor(&self.layer_type(), layer.digest, layer.size));
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(String::from(document::MANIFEST)),
            config: descriptor(document::CONFIG, config.0, config.1),
            layers: descriptors.collect(),
            annotations: image.annotations.clone(),
        };
        let manifest = self.add_document(&canonical(&manifest)?)?;
        let mut descriptor = descriptor(document::MANIFEST, manifest.0, manifest.1);
        descriptor.platform = Some((&image.config.platform).into());
        for (key, name) in [(document::REF_NAME, &image.ref_name), (document::IMAGE_NAME, &image.image_name)]
        {
            descriptor.annotations.extend(name.iter().map(|name| (key.to_owned(), name.clone())));
        }
        Ok((descriptor, OciDigests { manifest: manifest.0, config: config.0, layers }))
    }

    fn layer_type(&self) -> String {
        let suffix = match self.compression {
            LayerCompression::None => "",
            LayerCompression::Gzip => "+gzip",
            LayerCompression::Zstd { .. } => "+zstd",
        };
        format!("{}{suffix}", document::LAYER)
    }

    /// Archives, compresses, hashes and keeps a layer in one pass.
    fn add_layer(&mut self, layer: usize, tree: &Tree) -> Result<LayerDigests, OciError> {
        let id = tree.id();
        if let Some(written) = self.layers.get(&id) {
            return Ok(written.clone());
        }
        refuse_whiteouts(tree)?;
        let archive = TarStream::new(tree, self.blobs, self.created)
            .map_err(|source| OciError::Layer { layer, source })?;
        let length = archive.total_len();
        let mut archive = Hashed::new(archive);
        let mut blob = Hashed::new(match self.compression {
            LayerCompression::None => Box::new(&mut archive) as Box<dyn Read + '_>,
            LayerCompression::Gzip => Box::new(GzipStream::new(&mut archive)),
            LayerCompression::Zstd { level, workers } => {
                let options = ZstdOptions { level, workers };
                Box::new(ZstdStream::new(&mut archive, length, options).map_err(OciError::Keep)?)
            }
        });
        let (content, size) = self.sink.put(&mut blob).map_err(OciError::Keep)?;
        let digest = blob.finish();
        let layer = LayerDigests { digest, diff_id: archive.finish(), size };
        self.insert(&blob_path(&digest), content, size)?;
        self.layers.insert(id, layer.clone());
        Ok(layer)
    }

    fn add_document(&mut self, bytes: &[u8]) -> Result<(Sha256, u64), OciError> {
        let digest = Sha256::of(bytes);
        self.add_file(&blob_path(&digest), bytes)?;
        Ok((digest, bytes.len() as u64))
    }

    fn add_file(&mut self, path: &str, mut bytes: &[u8]) -> Result<(), OciError> {
        let (id, size) = self.sink.put(&mut bytes).map_err(OciError::Keep)?;
        self.insert(path, id, size)
    }

    fn insert(&mut self, path: &str, id: kit_hash::BlobId, size: u64) -> Result<(), OciError> {
        let path = TreePath::new(path).expect("because the layout's names are ours");
        Ok(self.tree.insert_file(path, Mode::FILE, id, size)?)
    }
}

pub(super) fn blob_path(digest: &Sha256) -> String {
    format!("blobs/sha256/{digest}")
}

fn descriptor(media_type: &str, digest: Sha256, size: u64) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest: digest.oci(),
        size,
        annotations: BTreeMap::new(),
        platform: None,
        artifact_type: None,
    }
}

/// Names with this start delete files of lower layers.
fn refuse_whiteouts(tree: &Tree) -> Result<(), OciError> {
    let whiteout = |path: &TreePath| {
        let name = path.as_bytes().rsplit(|b| *b == b'/').next().unwrap_or_default();
        name.starts_with(b".wh.")
    };
    match tree.entries().find(|(path, _)| whiteout(path)) {
        Some((path, _)) => Err(OciError::Whiteout { path: path.clone() }),
        None => Ok(()),
    }
}

/// Hashes what is read through it.
struct Hashed<R> {
    reader: R,
    hasher: BlobHasher,
}

impl<R: Read> Hashed<R> {
    fn new(reader: R) -> Self {
        Self { reader, hasher: BlobHasher::new() }
    }

    fn finish(self) -> Sha256 {
        self.hasher.finish().sha256
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}
