//! Images that others made: new pins, and what is pinned.

use std::fs::File;
use std::io::{Seek as _, Write as _};

use kit_format::limits::Limits;
use kit_format::oci::layer::read_layer;
use kit_format::oci::pull::{self, ACCEPTED, DocumentError, LARGEST_DOCUMENT, Parts, Top};
use kit_format::tar::Devices;
use kit_hash::{BlobId, Sha256};
use kit_plan::derivation::Fetch;
use kit_plan::registry::{ImageFile, ImagePart};
use kit_recipe::lockfile::ImagePin;
use kit_recipe::lockfile::image::{Document, ImageSettings, LayerPin, Owner};
use kit_recipe::{ImageReference, Reference};
use kit_source::http::{Encryption, Expected};
use kit_source::registry::Repository;
use kit_tree::Blobs as _;
use kit_tree::layers::stack;

use super::Network;
use crate::BuildError;
use crate::registry::{ImageError, owner_in};

/// Indexes may name indexes, this deep.
const DEPTH: usize = 4;

impl Network<'_> {
    /// Pins what a reference is now, for an architecture in OCI's words.
    pub(super) fn pin_image(
        &self,
        reference: &ImageReference,
        architecture: &str,
        progress: &mut dyn FnMut(u64),
    ) -> Result<ImagePin, BuildError> {
        let odd = |source| ImageError::Document { reference: reference.clone(), source };
        let (mut manifest, mut bytes) = self.top(reference, architecture)?;
        let mut index = None;
        let mut depth = 0;
        let Parts { config, layers } = loop {
            match pull::read_top(&bytes, architecture).map_err(odd)? {
                Top::Manifest(parts) => break parts,
                Top::Index(_) if depth == DEPTH => return Err(odd(DocumentError::Deep { depth }).into()),
                Top::Index(entry) => {
                    index = index.or(Some(manifest.sha256));
                    manifest = Document { size: entry.size, sha256: entry.sha256 };
                    bytes = self.document(reference, &manifest)?;
                    depth += 1;
                }
            }
        };
        let config = Document { size: config.size, sha256: config.sha256 };
        let bytes = self.config(reference, &config)?;
        let Said { settings, diff_ids } = said(&bytes, architecture, layers.len()).map_err(odd)?;
        let layer = |(layer, diff_id): (&pull::Referred, Sha256)| LayerPin {
            size: layer.size,
            sha256: layer.sha256,
            diff_id,
            tree: None,
        };
        let layers: Vec<_> = layers.iter().zip(diff_ids).map(layer).collect();
        let owner = match &settings.user {
            Some(user) => Some(self.owner(reference, user, &layers, progress)?),
            None => None,
        };
        Ok(ImagePin { index, manifest, config, settings, owner, layers })
    }

    /// Returns the numbers of an image's user, which its own files have.
    fn owner(
        &self,
        reference: &ImageReference,
        user: &str,
        layers: &[LayerPin],
        progress: &mut dyn FnMut(u64),
    ) -> Result<Owner, BuildError> {
        let mut trees = Vec::new();
        for layer in layers {
            let wanted = Document { size: layer.size, sha256: layer.sha256 };
            let blob = self.blob(reference, &wanted, progress)?;
            let file = self.store.open_blob_file(&blob)?;
            let tree = read_layer(file, &layer.diff_id, self.store, &Limits::standard(), Devices::Refuse);
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
    pub(super) fn blob(
        &self,
        reference: &ImageReference,
        wanted: &Document,
        progress: &mut dyn FnMut(u64),
    ) -> Result<BlobId, BuildError> {
        if let Some(blob) = self.store.blob_of_sha256(&wanted.sha256)? {
            return Ok(blob);
        }
        let reference = match reference {
            ImageReference::Registry(reference) => reference,
            local => return self.local_blob(local, &wanted.sha256, progress),
        };
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
    pub(super) fn fetch_image(
        &self,
        fetch: &Fetch,
        wanted: &ImageFile,
        file: &mut File,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), BuildError> {
        let reference = match &wanted.reference {
            ImageReference::Registry(reference) => reference,
            local => return self.fetch_local(local, &fetch.sha256, file, progress),
        };
        let size = fetch.size.unwrap_or(LARGEST_DOCUMENT);
        match wanted.part {
            ImagePart::Blob => {
                let expected = Expected::exactly(size, fetch.sha256);
                let repository = repository(reference);
                let fetched = self.registries().blob(repository, &fetch.sha256, &expected, file, progress);
                Ok(fetched.map_err(ImageError::Registry)?)
            }
            ImagePart::Manifest => {
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
    pub(super) fn top(
        &self,
        reference: &ImageReference,
        architecture: &str,
    ) -> Result<(Document, Vec<u8>), BuildError> {
        let reference = match reference {
            ImageReference::Registry(reference) => reference,
            local => return self.local_top(local, architecture),
        };
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

    /// Returns a manifest or an index.
    pub(super) fn document(
        &self,
        reference: &ImageReference,
        wanted: &Document,
    ) -> Result<Vec<u8>, BuildError> {
        small(reference, wanted)?;
        let reference = match reference {
            ImageReference::Registry(reference) => reference,
            local => return self.local_document(local, wanted),
        };
        let expected = Expected::exactly(wanted.size, wanted.sha256);
        let name = wanted.sha256.oci();
        let bytes = self.registries().document(repository(reference), &name, ACCEPTED, &expected);
        let bytes = bytes.map_err(ImageError::Registry)?;
        self.keep(&bytes)?;
        Ok(bytes)
    }

    /// Returns a configuration, which is a blob.
    fn config(&self, reference: &ImageReference, wanted: &Document) -> Result<Vec<u8>, BuildError> {
        small(reference, wanted)?;
        let blob = self.blob(reference, wanted, &mut |_| {})?;
        let io = |source| BuildError::Io { what: format!("read the configuration of `{reference}`"), source };
        self.store.read(&blob, LARGEST_DOCUMENT).map_err(io)
    }

    /// Keeps a document, so that it isn't fetched again.
    pub(super) fn keep(&self, bytes: &[u8]) -> Result<Sha256, BuildError> {
        let blob = self.store.put_bytes(bytes)?;
        let sha256 = Sha256::of(bytes);
        self.store.put_sha256(&sha256, &blob)?;
        Ok(sha256)
    }
}

fn small(reference: &ImageReference, wanted: &Document) -> Result<(), ImageError> {
    if wanted.size > LARGEST_DOCUMENT {
        return Err(ImageError::LargeDocument { reference: reference.clone(), size: wanted.size });
    }
    Ok(())
}

pub(super) fn repository(reference: &Reference) -> Repository<'_> {
    Repository { registry: reference.registry(), path: reference.repository() }
}

/// What a configuration says.
pub(crate) struct Said {
    /// How the image is run.
    pub(crate) settings: ImageSettings,
    /// The digest of each uncompressed layer.
    pub(crate) diff_ids: Vec<Sha256>,
}

/// Reads the configuration of a manifest with `layers` layers.
pub(crate) fn said(bytes: &[u8], architecture: &str, layers: usize) -> Result<Said, DocumentError> {
    let pull::Settings { command, env, cwd, user, label, diff_ids } =
        pull::read_config(bytes, architecture, layers)?;
    Ok(Said { settings: ImageSettings { command, env, cwd, user, label }, diff_ids })
}
