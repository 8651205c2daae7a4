//! Images of a layout into a registry.

use std::io;

use kit_format::limits::Limits;
use kit_format::oci::pull::LARGEST_DOCUMENT;
use kit_format::oci::{MANIFEST, read_layout};
use kit_hash::{BlobId, Sha256};
use kit_recipe::Reference;
use kit_tree::{Blobs as _, Entry, Tree, TreePath};

use super::Network;
use super::registry::repository;
use crate::BuildError;
use crate::registry::ImageError;

/// What became of an image that was pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pushed {
    /// Its manifest.
    pub manifest: Sha256,
    /// Blobs that were sent.
    pub sent: usize,
    /// Bytes of those.
    pub bytes: u64,
    /// Blobs that were there.
    pub there: usize,
}

impl Network<'_> {
    /// Puts the image `name` of a layout into a registry, under the tag of a reference: first what isn't there yet, then the manifest.
    /// `layout` is the tree of the layout itself.
    pub fn push(&self, layout: &Tree, name: &str, reference: &Reference) -> Result<Pushed, BuildError> {
        let title = || format!("image {name}");
        let images = read_layout(layout, self.store, &Limits::standard());
        let images = images.map_err(|e| BuildError::Write { title: title(), source: Box::new(e) })?;
        let mut images = images.into_iter();
        let image = images.find(|image| image.ref_name.as_deref() == Some(name));
        let missing = || BuildError::Write { title: title(), source: "its layout doesn't have it".into() };
        let image = image.ok_or_else(missing)?;
        let repository = repository(reference);
        let registries = self.registries();
        let mut pushed = Pushed { manifest: image.manifest, sent: 0, bytes: 0, there: 0 };
        for sha256 in image.layers.iter().map(|layer| layer.digest).chain([image.config]) {
            if registries.has_blob(repository, &sha256).map_err(ImageError::Registry)? {
                pushed.there += 1;
                continue;
            }
            let (blob, size) = blob_of(layout, &sha256).ok_or_else(missing)?;
            let mut open = || self.store.open(&blob);
            let put = registries.put_blob(repository, &sha256, size, &mut open);
            put.map_err(ImageError::Registry)?;
            (pushed.sent, pushed.bytes) = (pushed.sent + 1, pushed.bytes + size);
        }
        let (blob, _) = blob_of(layout, &image.manifest).ok_or_else(missing)?;
        let bytes = self.store.read(&blob, LARGEST_DOCUMENT);
        let io = |source: io::Error| BuildError::Io { what: format!("read the manifest of {name}"), source };
        let tag = reference.tag().unwrap_or_default();
        let put = registries.put_manifest(repository, tag, MANIFEST, &bytes.map_err(io)?);
        put.map_err(ImageError::Registry)?;
        Ok(pushed)
    }
}

/// Returns a blob of a layout.
fn blob_of(layout: &Tree, sha256: &Sha256) -> Option<(BlobId, u64)> {
    let path: TreePath = format!("/blobs/sha256/{sha256}").parse().ok()?;
    match layout.inode(&path)? {
        Entry::File { blob, size, .. } => Some((*blob, *size)),
        _ => None,
    }
}
