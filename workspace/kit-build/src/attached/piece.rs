//! What is put beside an image: documents and what they hold.

use std::collections::BTreeMap;

use kit_format::json::JsonError;
use kit_format::oci::artifact::{ArtifactFile, EMPTY, Part, artifact_about};
use kit_format::oci::cosign::{self, Tagged, with_layer};
use kit_format::oci::graph::{self, Link, link_to};
use kit_format::oci::index::IndexError;
use kit_hash::Sha256;
use kit_store::Store;
use kit_tree::{Mode, Tree};

use super::{ATTESTATION, SIGNATURE};
use crate::BuildError;

/// The annotation that says what an attestation is about, where artifacts are listed.
const PREDICATE: &str = "in-toto.io/predicate-type";

/// A document and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The document. Its name in a layout is its tag.
    pub document: Link,
    /// What it is, where it says so itself.
    pub artifact_type: Option<&'static str>,
    /// The tag under which it is looked for; none where it names the image itself.
    pub tag: Option<String>,
    /// All bytes, its own at the end.
    pub blobs: Vec<Vec<u8>>,
}

impl Piece {
    /// Puts a signature of an image's manifest into an artifact; `title` is what people may call it.
    pub fn signature(image: &Link, title: &str, text: Vec<u8>) -> Result<Self, JsonError> {
        let file = file(title, "text/plain", &text);
        let manifest = artifact_about(image, SIGNATURE, &[file], &BTreeMap::new())?;
        Ok(Self::new(manifest, Some(SIGNATURE), None, vec![EMPTY.to_vec(), text]))
    }

    /// Puts an envelope with a statement about an image into an artifact.
    pub fn attestation(image: &Link, predicate: &str, envelope: Vec<u8>) -> Result<Self, JsonError> {
        let file = file("attestation.dsse.json", cosign::ENVELOPE, &envelope);
        let notes = BTreeMap::from([(PREDICATE.to_owned(), predicate.to_owned())]);
        let manifest = artifact_about(image, ATTESTATION, &[file], &notes)?;
        Ok(Self::new(manifest, Some(ATTESTATION), None, vec![EMPTY.to_vec(), envelope]))
    }

    /// Puts a signature of a payload where cosign looks for it; `before` is the manifest that is there. None where it is in that already.
    pub fn cosign_signature(
        image: &Link,
        before: Option<&[u8]>,
        payload: Vec<u8>,
        signature: &str,
    ) -> Result<Option<Self>, IndexError> {
        let notes = BTreeMap::from([(cosign::SIGNATURE.to_owned(), signature.to_owned())]);
        Self::cosign(Tagged::Signatures.tag(&image.sha256), before, (cosign::PAYLOAD, notes), payload)
    }

    /// Puts an envelope where cosign looks for it.
    pub fn cosign_attestation(
        image: &Link,
        before: Option<&[u8]>,
        predicate: &str,
        envelope: Vec<u8>,
    ) -> Result<Option<Self>, IndexError> {
        let notes = [(cosign::SIGNATURE, ""), (cosign::PREDICATE, predicate)];
        let notes = notes.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        Self::cosign(Tagged::Attestations.tag(&image.sha256), before, (cosign::ENVELOPE, notes), envelope)
    }

    fn cosign(
        tag: String,
        before: Option<&[u8]>,
        (media_type, annotations): (&str, BTreeMap<String, String>),
        bytes: Vec<u8>,
    ) -> Result<Option<Self>, IndexError> {
        let (sha256, size) = (Sha256::of(&bytes), bytes.len() as u64);
        let layer = Part { media_type: media_type.to_owned(), sha256, size, annotations };
        let written = with_layer(before, &layer)?;
        Ok(written.map(|written| Self::new(written.manifest, None, Some(tag), vec![bytes, written.config])))
    }

    fn new(
        manifest: Vec<u8>,
        artifact_type: Option<&'static str>,
        tag: Option<String>,
        mut blobs: Vec<Vec<u8>>,
    ) -> Self {
        let link = link_to(&manifest).expect("because it is a manifest of the specification");
        blobs.push(manifest);
        Self { document: Link { ref_name: tag.clone(), ..link }, artifact_type, tag, blobs }
    }

    /// Returns a tree that has its bytes where a layout has them.
    pub fn tree(&self, store: &Store) -> Result<Tree, BuildError> {
        let mut tree = Tree::new();
        for bytes in &self.blobs {
            add(&mut tree, store, bytes)?;
        }
        Ok(tree)
    }
}

/// Puts bytes where a layout has them.
pub(crate) fn add(tree: &mut Tree, store: &Store, bytes: &[u8]) -> Result<(), BuildError> {
    let blob = store.put_bytes(bytes)?;
    let place = graph::place(&Sha256::of(bytes));
    if tree.inode(&place).is_some() {
        return Ok(());
    }
    tree.insert_file(place, Mode::FILE, blob, bytes.len() as u64)
        .map_err(|source| BuildError::Write { title: "layout".to_owned(), source: Box::new(source) })
}

fn file(title: &str, media_type: &str, bytes: &[u8]) -> ArtifactFile {
    let (sha256, size) = (Sha256::of(bytes), bytes.len() as u64);
    ArtifactFile { title: title.to_owned(), media_type: media_type.to_owned(), sha256, size }
}
