//! What is said about an image, where its registry keeps no account of that: an index under a tag that is made of the image's digest
//! (distribution specification 1.1, "Referrers Tag Schema"). What others wrote there stays as it is.

use std::collections::BTreeMap;

use kit_hash::Sha256;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::document::{self, Descriptor};
use super::graph::{self, link_to};
use super::index::IndexError;
use super::pull::DocumentError;
use crate::json::canonical;

/// What tells what a document is about.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    subject: Option<Descriptor>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// Returns the digest of what a document is about, where it is about something.
pub fn subject(document: &[u8]) -> Result<Option<Sha256>, DocumentError> {
    let About { subject, .. } = serde_json::from_slice(document)?;
    let digest = |Descriptor { digest, .. }| {
        Sha256::from_oci(&digest).map_err(|_| DocumentError::Digest { digest: digest.clone() })
    };
    subject.map(digest).transpose()
}

/// Returns the tag under which the documents about an image are listed.
pub fn tag(subject: &Sha256) -> String {
    format!("sha256-{subject}")
}

/// A document that a list names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Referrer {
    /// Its digest.
    pub sha256: Sha256,
    /// Bytes.
    pub size: u64,
    /// What it is, where the list says so.
    pub artifact_type: Option<String>,
}

#[derive(Deserialize)]
struct List {
    manifests: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    digest: String,
    size: u64,
    artifact_type: Option<String>,
}

/// Reads a list, from wherever it is: the referrers API, the tag, the index of a layout. What has a digest of another kind is left out.
pub fn read(list: &[u8]) -> Result<Vec<Referrer>, DocumentError> {
    let List { manifests } = serde_json::from_slice(list)?;
    let referrer = |listed: Listed| {
        let sha256 = Sha256::from_oci(&listed.digest).ok()?;
        Some(Referrer { sha256, size: listed.size, artifact_type: listed.artifact_type })
    };
    Ok(manifests.into_iter().filter_map(referrer).collect())
}

/// Returns the list with a document in it; `before` is the list that is there. None where it has it.
pub fn with_referrer(before: Option<&[u8]>, document: &[u8]) -> Result<Option<Vec<u8>>, IndexError> {
    let mut list: Map<String, Value> = match before {
        Some(bytes) => {
            let kind = link_to(bytes)?.media_type;
            if !graph::is_index(&kind) {
                return Err(DocumentError::Kind { kind }.into());
            }
            serde_json::from_slice(bytes).map_err(DocumentError::Json)?
        }
        None => Map::new(),
    };
    let mut entries = match list.remove("manifests") {
        Some(Value::Array(entries)) => entries,
        _ => Vec::new(),
    };
    let entry = descriptor(document)?;
    if entries.iter().any(|other| other["digest"] == entry["digest"]) {
        return Ok(None);
    }
    entries.push(entry);
    list.insert("schemaVersion".to_owned(), json!(2));
    list.entry("mediaType").or_insert_with(|| json!(document::INDEX));
    list.insert("manifests".to_owned(), Value::Array(entries));
    Ok(Some(canonical(&list)?))
}

fn descriptor(document: &[u8]) -> Result<Value, DocumentError> {
    let About { artifact_type, config, annotations, .. } = serde_json::from_slice(document)?;
    let link = link_to(document)?;
    let mut descriptor =
        json!({ "mediaType": link.media_type, "digest": link.sha256.oci(), "size": link.size });
    let said = artifact_type.filter(|kind| !kind.is_empty());
    if let Some(kind) = said.or_else(|| config.map(|config| config.media_type)) {
        descriptor["artifactType"] = json!(kind);
    }
    if !annotations.is_empty() {
        descriptor["annotations"] = json!(annotations);
    }
    Ok(descriptor)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A manifest about something, with these keys besides.
    fn about(more: &Value) -> Vec<u8> {
        let config =
            json!({ "mediaType": "application/x.parts", "digest": Sha256::of(b"{}").oci(), "size": 2 });
        let mut whole = json!({ "schemaVersion": 2, "config": config, "layers": [] });
        for (key, value) in more.as_object().unwrap() {
            whole[key] = value.clone();
        }
        whole.to_string().into_bytes()
    }

    #[test]
    fn subjects_are_told() {
        let image = Sha256::of(b"image");
        let descriptor = json!({ "mediaType": document::MANIFEST, "digest": image.oci(), "size": 5 });
        assert_eq!(subject(&about(&json!({ "subject": descriptor }))).unwrap(), Some(image));
        assert_eq!(subject(&about(&json!({}))).unwrap(), None);
        let odd = json!({ "subject": { "mediaType": "x", "digest": "md5:1", "size": 5 } });
        assert!(subject(&about(&odd)).is_err());
        assert_eq!(tag(&image), format!("sha256-{image}"));
    }

    #[test]
    fn lists_have_each_document_once() {
        let notes = json!({ "annotations": { "a": "b" }, "artifactType": "application/x.kind" });
        let (one, two) = (about(&notes), about(&json!({})));
        let first = with_referrer(None, &one).unwrap().unwrap();
        assert_eq!(with_referrer(Some(&first), &one).unwrap(), None);
        let list = with_referrer(Some(&first), &two).unwrap().unwrap();
        let list: Value = serde_json::from_slice(&list).unwrap();
        let entries = list["manifests"].as_array().unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(
            (&entries[0]["artifactType"], &entries[0]["annotations"]["a"]),
            (&json!("application/x.kind"), &json!("b"))
        );
        assert_eq!(
            (&entries[1]["artifactType"], &entries[1]["size"]),
            (&json!("application/x.parts"), &json!(two.len()))
        );
        assert_eq!(list["mediaType"], document::INDEX);
        let read = read(list.to_string().as_bytes()).unwrap();
        let types: Vec<_> = read.iter().map(|one| one.artifact_type.as_deref()).collect();
        assert_eq!(types, [Some("application/x.kind"), Some("application/x.parts")]);
        assert_eq!((read[0].sha256, read[1].size), (Sha256::of(&one), two.len() as u64));
        // Under such a tag there may be anything.
        assert!(with_referrer(Some(&one), &two).is_err());
        assert!(with_referrer(Some(b"[]"), &two).is_err());
    }
}
