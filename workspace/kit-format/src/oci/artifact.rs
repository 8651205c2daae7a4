//! Files that are no image, as an OCI artifact (image specification 1.1, "Guidelines for Artifact Usage"): a manifest whose configuration is
//! empty and whose layers are the files, as they are. One about an image names it as its subject.

use std::collections::BTreeMap;

use kit_hash::Sha256;
use serde::Deserialize;
use serde_json::{Value, json};

use super::document::{self, Descriptor};
use super::graph::Link;
use super::pull::{DocumentError, LARGEST_DOCUMENT};
use crate::json::{JsonError, canonical};

/// The empty configuration.
pub const EMPTY: &[u8] = b"{}";
/// What the specification calls it.
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
/// The annotation with a file's name.
const TITLE: &str = "org.opencontainers.image.title";

/// A file of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArtifactFile {
    /// Its name, for people.
    pub title: String,
    /// Its media type.
    pub media_type: String,
    /// Its digest.
    pub sha256: Sha256,
    /// Bytes.
    pub size: u64,
}

/// Something that an artifact, or what looks like one, holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its media type.
    pub media_type: String,
    /// Its digest.
    pub sha256: Sha256,
    /// Bytes.
    pub size: u64,
    /// What is said about it.
    pub annotations: BTreeMap<String, String>,
}

/// What a manifest says, as far as artifacts differ in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// What it is; where it doesn't say, what its configuration is.
    pub artifact_type: Option<String>,
    /// What it is about.
    pub subject: Option<Sha256>,
    /// Its configuration, which is empty where it is an artifact.
    pub config: Option<Sha256>,
    /// What it holds.
    pub parts: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    subject: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

impl Artifact {
    /// The most parts that are read.
    pub const MOST_PARTS: usize = 64;

    /// Reads a manifest, or the index that an artifact can be about: then it has no parts.
    pub fn parse(manifest: &[u8]) -> Result<Self, DocumentError> {
        if manifest.len() as u64 > LARGEST_DOCUMENT {
            return Err(DocumentError::Kind { kind: format!("document of {} bytes", manifest.len()) });
        }
        let Written { artifact_type, config, subject, layers } = serde_json::from_slice(manifest)?;
        if layers.len() > Self::MOST_PARTS {
            return Err(DocumentError::Layers { count: layers.len() });
        }
        let digest = |text: &str| {
            Sha256::from_oci(text).map_err(|_| DocumentError::Digest { digest: text.to_owned() })
        };
        let part = |layer: Descriptor| {
            let sha256 = digest(&layer.digest)?;
            let Descriptor { media_type, size, annotations, .. } = layer;
            Ok(Part { media_type, sha256, size, annotations })
        };
        let said = artifact_type.filter(|kind| !kind.is_empty());
        Ok(Self {
            config: config.as_ref().map(|config| digest(&config.digest)).transpose()?,
            artifact_type: said.or_else(|| config.map(|config| config.media_type)),
            subject: subject.map(|subject| digest(&subject.digest)).transpose()?,
            parts: layers.into_iter().map(part).collect::<Result<_, DocumentError>>()?,
        })
    }
}

/// Writes the manifest of an artifact; the files keep their order.
pub fn artifact_manifest(artifact_type: &str, files: &[ArtifactFile]) -> Result<Vec<u8>, JsonError> {
    canonical(&manifest(artifact_type, files))
}

/// Writes the manifest of an artifact that is about an image.
pub fn artifact_about(
    subject: &Link,
    artifact_type: &str,
    files: &[ArtifactFile],
    annotations: &BTreeMap<String, String>,
) -> Result<Vec<u8>, JsonError> {
    let mut manifest = manifest(artifact_type, files);
    manifest["subject"] =
        json!({ "mediaType": subject.media_type, "digest": subject.sha256.oci(), "size": subject.size });
    if !annotations.is_empty() {
        manifest["annotations"] = json!(annotations);
    }
    canonical(&manifest)
}

fn manifest(artifact_type: &str, files: &[ArtifactFile]) -> Value {
    let layer = |file: &ArtifactFile| {
        json!({
            "mediaType": file.media_type,
            "digest": file.sha256.oci(),
            "size": file.size,
            "annotations": { TITLE: file.title },
        })
    };
    let layers: Vec<Value> = files.iter().map(layer).collect();
    let config = json!({ "mediaType": EMPTY_TYPE, "digest": Sha256::of(EMPTY).oci(), "size": EMPTY.len() });
    json!({
        "schemaVersion": 2,
        "mediaType": document::MANIFEST,
        "artifactType": artifact_type,
        "config": config,
        "layers": layers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_is_that_of_the_specification() {
        let file = ArtifactFile {
            title: "a.deb".to_owned(),
            media_type: "application/octet-stream".to_owned(),
            sha256: Sha256::of(b"a"),
            size: 1,
        };
        let manifest = artifact_manifest("application/vnd.example", &[file]).unwrap();
        let expected = concat!(
            r#"{"artifactType":"application/vnd.example","config":{"digest":"#,
            r#""sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","#,
            r#""mediaType":"application/vnd.oci.empty.v1+json","size":2},"#,
            r#""layers":[{"annotations":{"org.opencontainers.image.title":"a.deb"},"digest":"#,
            r#""sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb","#,
            r#""mediaType":"application/octet-stream","size":1}],"#,
            r#""mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2}"#,
        );
        assert_eq!(String::from_utf8(manifest).unwrap(), expected);
    }

    #[test]
    fn an_artifact_about_an_image_is_read_as_it_is_written() {
        let image = Link {
            media_type: document::MANIFEST.to_owned(),
            size: 7,
            sha256: Sha256::of(b"image"),
            platform: None,
            ref_name: None,
            image_name: None,
        };
        let file = ArtifactFile {
            title: "a.sig".to_owned(),
            media_type: "text/plain".to_owned(),
            sha256: Sha256::of(b"a"),
            size: 1,
        };
        let notes = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        let written = artifact_about(&image, "application/vnd.example", &[file], &notes).unwrap();
        let read = Artifact::parse(&written).unwrap();
        assert_eq!(read.artifact_type.as_deref(), Some("application/vnd.example"));
        assert_eq!(read.subject, Some(image.sha256));
        let annotations = BTreeMap::from([(TITLE.to_owned(), "a.sig".to_owned())]);
        let media_type = "text/plain".to_owned();
        assert_eq!(read.parts, [Part { media_type, sha256: Sha256::of(b"a"), size: 1, annotations }]);
        let index = Artifact::parse(br#"{"schemaVersion":2,"manifests":[]}"#).unwrap();
        assert_eq!(index, Artifact { artifact_type: None, subject: None, config: None, parts: Vec::new() });
    }

    #[test]
    fn hostile_artifacts_are_refused() {
        let layer = r#"{"mediaType":"x","digest":"sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb","size":1}"#;
        let many = vec![layer; Artifact::MOST_PARTS + 1].join(",");
        for text in [
            format!(r#"{{"layers":[{many}]}}"#),
            r#"{"layers":[{"mediaType":"x","digest":"sha256:1","size":1}]}"#.to_owned(),
            r#"{"layers":[],"subject":{"mediaType":"x","digest":"md5:1","size":1}}"#.to_owned(),
            r#"{"layers":{}}"#.to_owned(),
            "[]".to_owned(),
            String::new(),
            " ".repeat(5 << 20),
        ] {
            assert!(Artifact::parse(text.as_bytes()).is_err(), "{text:.80}");
        }
    }
}
