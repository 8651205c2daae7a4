//! Images of a registry byte by byte, and the files by which a plain HTTP server serves them.

use std::io::Read as _;

use kit_hash::Sha256;
use serde_json::{Value, json};

use crate::server::{Answer, Site};

/// Media types of the image specification.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The same, of a manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The same, of a configuration.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// The same, of an uncompressed layer.
pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// An image that can be made wrong in every way.
#[derive(Debug, Clone)]
pub struct Image {
    /// Its configuration's `architecture`.
    pub architecture: String,
    /// Its configuration's `config`.
    pub run: Value,
    /// The layers, the lowest first, with their media types.
    pub layers: Vec<(String, Vec<u8>)>,
}

/// Returns a descriptor.
pub fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Sha256::of(bytes).oci(), "size": bytes.len() })
}

impl Image {
    /// Makes an image of uncompressed layers that runs `/bin/hello`.
    pub fn new(layers: &[Vec<u8>]) -> Self {
        let layers = layers.iter().map(|layer| (LAYER.to_owned(), layer.clone())).collect();
        let architecture = "amd64".to_owned();
        Self { architecture, run: json!({ "Cmd": ["/bin/hello"], "Env": ["LANG=C"] }), layers }
    }

    /// Returns its configuration.
    pub fn config(&self) -> Vec<u8> {
        let diff_id = |(_, layer): &(_, Vec<u8>)| Sha256::of(&uncompressed(layer)).oci();
        let diff_ids: Vec<_> = self.layers.iter().map(diff_id).collect();
        let rootfs = json!({ "type": "layers", "diff_ids": diff_ids });
        let config =
            json!({ "os": "linux", "architecture": self.architecture, "config": self.run, "rootfs": rootfs });
        config.to_string().into_bytes()
    }

    /// Returns its manifest.
    pub fn manifest(&self) -> Vec<u8> {
        let layers: Vec<_> = self.layers.iter().map(|(kind, layer)| descriptor(kind, layer)).collect();
        let config = descriptor(CONFIG, &self.config());
        json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers })
            .to_string()
            .into_bytes()
    }

    /// Returns its documents and layers.
    pub fn blobs(&self) -> Vec<Vec<u8>> {
        let layers = self.layers.iter().map(|(_, layer)| layer.clone());
        layers.chain([self.config(), self.manifest()]).collect()
    }

    /// Returns what a registry has of it, with `top` at a tag.
    pub fn site(&self, repository: &str, tag: &str, top: Answer) -> Site {
        let mut site = Site::from([(format!("/v2/{repository}/manifests/{tag}"), top)]);
        let manifest = self.manifest();
        let path = format!("/v2/{repository}/manifests/{}", Sha256::of(&manifest).oci());
        site.insert(path, Answer::Bytes(manifest));
        let layers = self.layers.iter().map(|(_, layer)| layer.clone());
        for blob in layers.chain([self.config()]) {
            site.insert(blob_path(repository, &blob), Answer::Bytes(blob));
        }
        site
    }
}

fn uncompressed(layer: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if layer.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(layer).read_to_end(&mut bytes).expect("it is whole");
    } else {
        bytes.extend_from_slice(layer);
    }
    bytes
}

/// Returns where a registry has a blob.
pub fn blob_path(repository: &str, blob: &[u8]) -> String {
    format!("/v2/{repository}/blobs/{}", Sha256::of(blob).oci())
}
