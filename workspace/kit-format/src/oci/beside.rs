//! What a layout has beside its images: documents that hold signatures of one of them, or attestations about it, and nothing else.
//!
//! Only the document itself decides. Any manifest may name a subject, and whoever writes an index says there of a document what he likes: one
//! that could be run as an image is an image, which has to be signed, opened and compared as such.

use std::collections::BTreeSet;

use kit_hash::Sha256;
use kit_tree::{Blobs, Entry, Tree};
use serde_json::Value;

use super::artifact::{Artifact, EMPTY, Part};
use super::cosign::{self, image_of_tag};
use super::document;
use super::graph::{self, Link};
use super::pull::{DocumentError, LARGEST_DOCUMENT};

/// The type of an artifact with signatures: each part is a signature of the image's manifest, in any format.
pub const SIGNATURE: &str = "application/vnd.kit.signature.v1";
/// The type of an artifact with attestations: each part is an envelope.
pub const ATTESTATION: &str = cosign::ENVELOPE;
/// How the types of cosign's artifacts begin.
const OF_COSIGN: &str = "application/vnd.dev.cosign.artifact.";
/// What a manifest may say. What else it says, others may read: some take `Layers` for `layers`.
const OF_MANIFEST: [&str; 7] =
    ["schemaVersion", "mediaType", "artifactType", "config", "layers", "subject", "annotations"];
/// The same of what it names.
const OF_DESCRIPTOR: [&str; 8] =
    ["mediaType", "digest", "size", "annotations", "urls", "data", "platform", "artifactType"];

/// The images of a layout, and what is about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutImages {
    /// What the layout is for.
    pub images: Vec<Link>,
    /// What is in it about one of them.
    pub about: Vec<About>,
}

/// A document about an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The image.
    pub image: Sha256,
    /// The document.
    pub document: Link,
    /// The tag under which it is looked for; none where it names the image itself.
    pub tag: Option<String>,
}

/// Returns the bytes of a document, whose digest it has checked; none where it can't.
pub type ReadDocument<'r> = &'r mut dyn FnMut(&Link) -> Option<Vec<u8>>;

/// Whether an artifact of this type holds signatures or attestations, as it says.
pub fn is_about_images(artifact_type: &str) -> bool {
    artifact_type == SIGNATURE || artifact_type == ATTESTATION || artifact_type.starts_with(OF_COSIGN)
}

/// Returns what a layout has in its index, sorted by what it is for. What is about an image that the layout hasn't got is what it is for.
pub fn images_of_layout(layout: &Tree, blobs: &dyn Blobs) -> Result<LayoutImages, DocumentError> {
    Ok(sort(graph::entries(layout, blobs)?, &mut |link| read_document(layout, blobs, link)))
}

/// Sorts what an index names.
pub fn sort(links: Vec<Link>, read: ReadDocument<'_>) -> LayoutImages {
    let found: Vec<_> = links
        .into_iter()
        .map(|link| {
            let about = read(&link).and_then(|manifest| about(&link, &manifest));
            (link, about)
        })
        .collect();
    let images: BTreeSet<_> =
        found.iter().filter(|(_, about)| about.is_none()).map(|(link, _)| link.sha256).collect();
    let mut sorted = LayoutImages { images: Vec::new(), about: Vec::new() };
    for (document, about) in found {
        match about.filter(|(image, _)| images.contains(image)) {
            Some((image, tag)) => sorted.about.push(About { image, document, tag }),
            None => sorted.images.push(document),
        }
    }
    sorted
}

/// Returns which image a document is about, and the tag that says so: none where it could be an image itself.
fn about(link: &Link, manifest: &[u8]) -> Option<(Sha256, Option<String>)> {
    if link.media_type != document::MANIFEST || !says_no_more(manifest) {
        return None;
    }
    let artifact = Artifact::parse(manifest).ok()?;
    let config = artifact.config?;
    let is_signature = artifact.artifact_type.as_deref() == Some(SIGNATURE) && config == Sha256::of(EMPTY);
    let is_it = |part: &Part| match part.media_type.as_str() {
        cosign::PAYLOAD | cosign::ENVELOPE => true,
        other => is_signature && !is_layer(other),
    };
    if artifact.parts.is_empty() || !artifact.parts.iter().all(is_it) {
        return None;
    }
    let tag = link.ref_name.as_deref().and_then(|name| Some((image_of_tag(name)?, Some(name.to_owned()))));
    let is_artifact = artifact.artifact_type.as_deref().is_some_and(is_about_images);
    tag.or_else(|| artifact.subject.filter(|_| is_artifact).map(|image| (image, None)))
}

/// Whether a part could be a layer: kinds of them are not only those that kit knows.
fn is_layer(media_type: &str) -> bool {
    let media_type = media_type.to_ascii_lowercase();
    ["layer", "rootfs", "tar"].iter().any(|word| media_type.contains(word))
}

/// Whether a manifest has nothing that one reader overlooks and another one takes for what makes an image.
fn says_no_more(manifest: &[u8]) -> bool {
    let Ok(Value::Object(manifest)) = serde_json::from_slice(manifest) else { return false };
    let has_only = |value: &Value, known: &[&str]| {
        value.as_object().is_some_and(|object| object.keys().all(|key| known.contains(&key.as_str())))
    };
    let layers = manifest.get("layers").and_then(Value::as_array).into_iter().flatten();
    let named = layers.chain(manifest.get("config"));
    manifest.get("mediaType").is_none_or(|kind| kind == document::MANIFEST)
        && manifest.keys().all(|key| OF_MANIFEST.contains(&key.as_str()))
        && named.into_iter().all(|descriptor| has_only(descriptor, &OF_DESCRIPTOR))
}

/// Returns a document of a layout, if it is what its digest says.
pub(super) fn read_document(layout: &Tree, blobs: &dyn Blobs, link: &Link) -> Option<Vec<u8>> {
    match layout.inode(&graph::place(&link.sha256)) {
        Some(Entry::File { blob, size, .. }) if *size <= LARGEST_DOCUMENT => {
            blobs.read(blob, LARGEST_DOCUMENT).ok().filter(|bytes| Sha256::of(bytes) == link.sha256)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
