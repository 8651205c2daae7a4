//! Files that are no image, as an OCI artifact (image specification 1.1, "Guidelines for Artifact Usage"): a manifest whose configuration is
//! empty and whose layers are the files, as they are.

use kit_hash::Sha256;
use serde_json::{Value, json};

use super::document;
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

/// Writes the manifest of an artifact; the files keep their order.
pub fn artifact_manifest(artifact_type: &str, files: &[ArtifactFile]) -> Result<Vec<u8>, JsonError> {
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
    canonical(&json!({
        "schemaVersion": 2,
        "mediaType": document::MANIFEST,
        "artifactType": artifact_type,
        "config": config,
        "layers": layers,
    }))
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
}
