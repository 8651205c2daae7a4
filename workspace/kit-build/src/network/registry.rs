//! Images of registries: new pins, and what is pinned.

use std::fs::File;
use std::io::{Seek as _, Write as _};

use kit_format::limits::Limits;
use kit_format::oci::layer::read_layer;
use kit_format::oci::pull::{self, ACCEPTED, DocumentError, LARGEST_DOCUMENT, Parts, Top};
use kit_hash::{BlobId, Sha256};
use kit_plan::derivation::Fetch;
use kit_plan::registry::{RegistryFile, RegistryKind};
use kit_recipe::Reference;
use kit_recipe::lockfile::ImagePin;
use kit_recipe::lockfile::image::{Document, ImageSettings, LayerPin, Owner};
use kit_source::http::{Encryption, Expected};
use kit_source::registry::Repository;
use kit_tree::Blobs as _;
use kit_tree::layers::stack;

use super::Network;
use crate::BuildError;
use crate::registry::{ImageError, owner_in};

impl Network<'_> {
    /// Pins what a reference is now, for an architecture in OCI's words.
    pub(super) fn pin_image(
        &self,
        reference: &Reference,
        architecture: &str,
        progress: &mut dyn FnMut(u64),
    ) -> Result<ImagePin, BuildError> {
        let odd = |source| ImageError::Document { reference: reference.clone(), source };
        let (top, bytes) = self.top(reference)?;
        let (index, manifest, parts) = match pull::read_top(&bytes, architecture).map_err(odd)? {
            Top::Manifest(parts) => (None, top, parts),
            Top::Index(entry) => {
                let manifest = Document { size: entry.size, sha256: entry.sha256 };
                let bytes = self.document(reference, &manifest)?;
                (Some(top.sha256), manifest, pull::read_manifest(&bytes).map_err(odd)?)
            }
        };
        let Parts { config, layers } = parts;
        let config = Document { size: config.size, sha256: config.sha256 };
        let bytes = self.config(reference, &config)?;
        let settings = settings(&bytes, architecture, layers.len()).map_err(odd)?;
        let layer = |layer: &pull::Referred| LayerPin { size: layer.size, sha256: layer.sha256, tree: None };
        let layers: Vec<_> = layers.iter().map(layer).collect();
        let owner = match &settings.user {
            Some(user) => Some(self.owner(reference, user, &layers, progress)?),
            None => None,
        };
        Ok(ImagePin { index, manifest, config, settings, owner, layers })
    }

    /// Returns the numbers of an image's user, which its own files have.
    fn owner(
        &self,
        reference: &Reference,
        user: &str,
        layers: &[LayerPin],
        progress: &mut dyn FnMut(u64),
    ) -> Result<Owner, BuildError> {
        let mut trees = Vec::new();
        for layer in layers {
            let wanted = Document { size: layer.size, sha256: layer.sha256 };
            let blob = self.blob(reference, &wanted, progress)?;
            let file = self.store.open_blob_file(&blob)?;
            let tree = read_layer(file, self.store, &Limits::standard());
            let title = format!("unpack layer {}", layer.sha256.short());
            trees.push(tree.map_err(|error| BuildError::Unpack { title, source: Box::new(error) })?);
        }
        let tree = stack(&trees.iter().collect::<Vec<_>>());
        let title = format!("image {reference}");
        let tree = tree.map_err(|error| BuildError::Unpack { title, source: Box::new(error) })?;
        let owner = owner_in(self.store, &tree, user)?;
        let missing = || ImageError::User { reference: reference.clone(), user: user.to_owned() };
        Ok(owner.ok_or_else(missing)?)
    }

    /// Returns a blob, from the store where it is there.
    fn blob(
        &self,
        reference: &Reference,
        wanted: &Document,
        progress: &mut dyn FnMut(u64),
    ) -> Result<BlobId, BuildError> {
        if let Some(blob) = self.store.blob_of_sha256(&wanted.sha256)? {
            return Ok(blob);
        }
        let (scratch, mut file) = self.scratch_file()?;
        let expected = Expected::exactly(wanted.size, wanted.sha256);
        let fetched =
            self.registries().blob(repository(reference), &wanted.sha256, &expected, &mut file, progress);
        fetched.map_err(ImageError::Registry)?;
        let io = |source| kit_store::StoreError::io("read", scratch.path(), source);
        file.rewind().map_err(io)?;
        Ok(self.store.put_download(&mut file)?.blob)
    }

    /// Fetches a pinned file.
    pub(super) fn fetch_registry(
        &self,
        fetch: &Fetch,
        wanted: &RegistryFile,
        file: &mut File,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), BuildError> {
        let size = fetch.size.unwrap_or(LARGEST_DOCUMENT);
        match wanted.kind {
            RegistryKind::Blob => {
                let expected = Expected::exactly(size, fetch.sha256);
                let repository = repository(&wanted.reference);
                let fetched = self.registries().blob(repository, &fetch.sha256, &expected, file, progress);
                Ok(fetched.map_err(ImageError::Registry)?)
            }
            RegistryKind::Manifest => {
                let document = Document { size, sha256: fetch.sha256 };
                let bytes = self.document(&wanted.reference, &document)?;
                let io = |source| BuildError::Io { what: "write a manifest".to_owned(), source };
                file.write_all(&bytes).map_err(io)?;
                progress(size);
                Ok(())
            }
        }
    }

    /// Returns what a reference leads to: an index or a manifest.
    fn top(&self, reference: &Reference) -> Result<(Document, Vec<u8>), BuildError> {
        let sha256 = reference.digest().copied();
        let digest = sha256.as_ref().map(Sha256::oci);
        let name = digest.as_deref().or(reference.tag()).unwrap_or_default();
        let encryption = Encryption::Optional;
        let expected = Expected { size: None, sha256, limit: LARGEST_DOCUMENT, encryption };
        let bytes = self.registries().document(repository(reference), name, ACCEPTED, &expected);
        let bytes = bytes.map_err(ImageError::Registry)?;
        let document = Document { size: bytes.len() as u64, sha256: self.keep(&bytes)? };
        Ok((document, bytes))
    }

    /// Returns a manifest.
    fn document(&self, reference: &Reference, wanted: &Document) -> Result<Vec<u8>, BuildError> {
        small(reference, wanted)?;
        let expected = Expected::exactly(wanted.size, wanted.sha256);
        let name = wanted.sha256.oci();
        let bytes = self.registries().document(repository(reference), &name, ACCEPTED, &expected);
        let bytes = bytes.map_err(ImageError::Registry)?;
        self.keep(&bytes)?;
        Ok(bytes)
    }

    /// Returns a configuration, which is a blob.
    fn config(&self, reference: &Reference, wanted: &Document) -> Result<Vec<u8>, BuildError> {
        small(reference, wanted)?;
        let blob = self.blob(reference, wanted, &mut |_| {})?;
        let io = |source| BuildError::Io { what: format!("read the configuration of `{reference}`"), source };
        self.store.read(&blob, LARGEST_DOCUMENT).map_err(io)
    }

    /// Keeps a document, so that it isn't fetched again.
    fn keep(&self, bytes: &[u8]) -> Result<Sha256, BuildError> {
        let blob = self.store.put_bytes(bytes)?;
        let sha256 = Sha256::of(bytes);
        self.store.put_sha256(&sha256, &blob)?;
        Ok(sha256)
    }
}

fn small(reference: &Reference, wanted: &Document) -> Result<(), ImageError> {
    if wanted.size > LARGEST_DOCUMENT {
        return Err(ImageError::LargeDocument { reference: reference.clone(), size: wanted.size });
    }
    Ok(())
}

pub(super) fn repository(reference: &Reference) -> Repository<'_> {
    Repository { registry: reference.registry(), path: reference.repository() }
}

/// Reads how an image is run.
pub(crate) fn settings(
    bytes: &[u8],
    architecture: &str,
    layers: usize,
) -> Result<ImageSettings, DocumentError> {
    let pull::Settings { command, env, cwd, user, label, diff_ids: _ } =
        pull::read_config(bytes, architecture, layers)?;
    Ok(ImageSettings { command, env, cwd, user, label })
}
