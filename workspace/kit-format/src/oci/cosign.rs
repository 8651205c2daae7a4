//! Signatures and attestations where cosign looks for them (its `SIGNATURE_SPEC.md` and `ATTESTATION_SPEC.md`): an image under a tag that is
//! made of the digest, one layer for each of them.
//!
//! ```text
//! sha256-HEX.sig    layers: the payload below; the signature in base64 is an annotation of the layer
//! sha256-HEX.att    layers: envelopes (DSSE)
//!
//! payload           {"critical":{"identity":{"docker-reference":…},"image":{"docker-manifest-digest":"sha256:HEX"},
//!                   "type":"cosign container image signature"},"optional":null}
//! ```
//! What others put there stays as it is. The image's configuration names its layers and nothing else, as cosign writes it.

use std::collections::BTreeMap;

use kit_hash::Sha256;
use serde::Deserialize;
use serde_json::{Value, json};

use super::artifact::Part;
use super::document;
use super::index::IndexError;
use super::pull::DocumentError;
use crate::json::{JsonError, canonical};

/// The media type of a payload.
pub const PAYLOAD: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The media type of an envelope.
pub const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
/// The annotation with a signature.
pub const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// The annotation with what an envelope is about.
pub const PREDICATE: &str = "predicateType";
/// What a payload says that it is.
const KIND: &str = "cosign container image signature";

/// The time that cosign writes where there is none.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// What is under a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tagged {
    /// Signatures.
    Signatures,
    /// Attestations.
    Attestations,
}

impl Tagged {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Signatures, Self::Attestations];

    /// Returns the tag for an image.
    pub fn tag(self, image: &Sha256) -> String {
        match self {
            Self::Signatures => format!("sha256-{image}.sig"),
            Self::Attestations => format!("sha256-{image}.att"),
        }
    }
}

/// Returns which image a tag is about, where it is one of those above.
pub fn image_of_tag(tag: &str) -> Option<Sha256> {
    let hex = tag.strip_prefix("sha256-")?;
    let hex = hex.strip_suffix(".sig").or_else(|| hex.strip_suffix(".att"))?;
    Sha256::from_oci(&format!("sha256:{hex}")).ok()
}

/// Returns what is signed of an image.
pub fn payload(repository: &str, image: &Sha256) -> Result<Vec<u8>, JsonError> {
    canonical(&json!({
        "critical": {
            "identity": { "docker-reference": repository },
            "image": { "docker-manifest-digest": image.oci() },
            "type": KIND,
        },
        "optional": null,
    }))
}

#[derive(Deserialize)]
struct Payload {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Image {
    docker_manifest_digest: String,
}

/// Returns the digest of the image that a payload is about, as it is written there.
pub fn image_of_payload(payload: &[u8]) -> Result<String, DocumentError> {
    let Payload { critical } = serde_json::from_slice(payload)?;
    if critical.kind != KIND {
        return Err(DocumentError::Kind { kind: critical.kind });
    }
    Ok(critical.image.docker_manifest_digest)
}

/// An image of cosign's, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its manifest.
    pub manifest: Vec<u8>,
    /// Its configuration.
    pub config: Vec<u8>,
}

/// Returns the image with a layer in it; `before` is the manifest that is there. None where it has the layer already.
pub fn with_layer(before: Option<&[u8]>, layer: &Part) -> Result<Option<Written>, IndexError> {
    let read = |bytes| serde_json::from_slice::<Value>(bytes).map_err(DocumentError::Json);
    let mut layers = match before.map(read).transpose()? {
        None => Vec::new(),
        Some(mut manifest) => match manifest["layers"].take() {
            Value::Array(layers) => layers,
            _ => return Err(DocumentError::Kind { kind: "manifest without `layers`".to_owned() }.into()),
        },
    };
    let added = descriptor(layer);
    if layers.contains(&added) {
        return Ok(None);
    }
    layers.push(added);
    let digests: Vec<_> = layers.iter().map(|layer| layer["digest"].clone()).collect();
    let config = canonical(&json!({
        "architecture": "",
        "config": {},
        "created": NO_TIME,
        "history": digests.iter().map(|_| json!({ "created": NO_TIME })).collect::<Vec<_>>(),
        "os": "",
        "rootfs": { "type": "layers", "diff_ids": digests },
    }))?;
    let manifest = canonical(&json!({
        "schemaVersion": 2,
        "mediaType": document::MANIFEST,
        "config": { "mediaType": document::CONFIG, "digest": Sha256::of(&config).oci(), "size": config.len() },
        "layers": layers,
    }))?;
    Ok(Some(Written { manifest, config }))
}

fn descriptor(layer: &Part) -> Value {
    let annotations: &BTreeMap<String, String> = &layer.annotations;
    json!({
        "mediaType": layer.media_type,
        "digest": layer.sha256.oci(),
        "size": layer.size,
        "annotations": annotations,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::artifact::Artifact;

    fn layer(text: &str) -> Part {
        Part {
            media_type: PAYLOAD.to_owned(),
            sha256: Sha256::of(text.as_bytes()),
            size: text.len() as u64,
            annotations: BTreeMap::from([(SIGNATURE.to_owned(), format!("{text}="))]),
        }
    }

    #[test]
    fn the_payload_is_the_one_that_cosign_writes() {
        let image = Sha256::of(b"image");
        let written = payload("registry.example/team/web", &image).unwrap();
        let expected = format!(
            r#"{{"critical":{{"identity":{{"docker-reference":"registry.example/team/web"}},"image":{{"docker-manifest-digest":"{}"}},"type":"cosign container image signature"}},"optional":null}}"#,
            image.oci()
        );
        assert_eq!(String::from_utf8(written.clone()).unwrap(), expected);
        assert_eq!(image_of_payload(&written).unwrap(), image.oci());
        let other = expected.replace("cosign container", "atomic container");
        for hostile in [other.as_str(), "{}", "[]", "", "{\"critical\":{\"type\":1}}"] {
            assert!(image_of_payload(hostile.as_bytes()).is_err(), "{hostile}");
        }
    }

    #[test]
    fn signatures_are_added_to_those_that_are_there() {
        let one = with_layer(None, &layer("one")).unwrap().unwrap();
        assert_eq!(with_layer(Some(&one.manifest), &layer("one")).unwrap(), None);
        let two = with_layer(Some(&one.manifest), &layer("two")).unwrap().unwrap();
        assert_eq!(Artifact::parse(&two.manifest).unwrap().parts, [layer("one"), layer("two")]);
        assert_eq!(Artifact::parse(&two.manifest).unwrap().config, Some(Sha256::of(&two.config)));
        let config: Value = serde_json::from_slice(&two.config).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"], json!([Sha256::of(b"one").oci(), Sha256::of(b"two").oci()]));
        assert!(with_layer(Some(b"{}"), &layer("one")).is_err());
        assert!(with_layer(Some(b"no"), &layer("one")).is_err());
    }

    #[test]
    fn tags_tell_the_image() {
        let image = Sha256::of(b"image");
        for tagged in Tagged::ALL {
            assert_eq!(image_of_tag(&tagged.tag(&image)), Some(image));
        }
        assert_eq!(Tagged::Signatures.tag(&image), format!("sha256-{image}.sig"));
        for other in ["1", "sha256-1.sig", &format!("sha256-{image}"), &format!("sha256-{image}.sbom")] {
            assert_eq!(image_of_tag(other), None);
        }
    }
}
