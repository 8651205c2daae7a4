//! The index of a tag, to which the builds of several platforms add theirs: what others wrote stays as it is, the order is that of the
//! platforms, and the bytes follow from the manifests alone.

use kit_hash::Sha256;
use serde_json::{Map, Value, json};

use super::document;
use super::graph::Link;
use super::pull::DocumentError;
use crate::json::{JsonError, canonical};

/// Why an index can't be written.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// What is there can't be read.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// What is there has no canonical form.
    #[error("the index can't be written")]
    Json(#[from] JsonError),
}

/// Returns an index with a manifest for its platform, in place of the one that `before`, an index, has for it.
pub fn with_manifest(before: Option<&[u8]>, manifest: &Link) -> Result<Vec<u8>, IndexError> {
    let read = |bytes| serde_json::from_slice(bytes).map_err(DocumentError::Json);
    let mut index: Map<String, Value> = before.map(read).transpose()?.unwrap_or_default();
    let own = manifest.platform.clone().unwrap_or_default();
    let mut manifests = match index.remove("manifests") {
        Some(Value::Array(manifests)) => manifests,
        _ => Vec::new(),
    };
    manifests.retain(|entry| platform(entry) != own && entry["digest"] != manifest.sha256.oci());
    manifests.push(descriptor(manifest));
    manifests.sort_by_key(|entry| (platform(entry), entry["digest"].to_string()));
    index.insert("schemaVersion".to_owned(), json!(2));
    index.entry("mediaType").or_insert_with(|| json!(document::INDEX));
    index.insert("manifests".to_owned(), Value::Array(manifests));
    Ok(canonical(&index)?)
}

/// Returns the index of a layout with a document in it that is about another one: its name takes the place of an earlier one of that name.
/// The same document twice is there once.
pub fn with_document(
    before: &[u8],
    added: &Link,
    artifact_type: Option<&str>,
) -> Result<Vec<u8>, IndexError> {
    let mut index: Map<String, Value> = serde_json::from_slice(before).map_err(DocumentError::Json)?;
    let Some(Value::Array(mut entries)) = index.remove("manifests") else {
        return Err(DocumentError::Kind { kind: "index without `manifests`".to_owned() }.into());
    };
    let mut entry = descriptor(added);
    if let Some(kind) = artifact_type {
        entry["artifactType"] = json!(kind);
    }
    if let Some(name) = &added.ref_name {
        entry["annotations"] = json!({ document::REF_NAME: name });
        entries.retain(|other| other["annotations"][document::REF_NAME] != name.as_str());
    }
    if !entries.iter().any(|other| other["digest"] == entry["digest"]) {
        entries.push(entry);
    }
    index.insert("manifests".to_owned(), Value::Array(entries));
    Ok(canonical(&index)?)
}

/// Returns the index of a layout without these documents: what it was before they were added to it.
pub fn without_documents(index: &[u8], documents: &[Sha256]) -> Result<Vec<u8>, IndexError> {
    let mut index: Map<String, Value> = serde_json::from_slice(index).map_err(DocumentError::Json)?;
    let digests: Vec<_> = documents.iter().map(Sha256::oci).collect();
    if let Some(Value::Array(entries)) = index.get_mut("manifests") {
        entries.retain(|entry| !digests.iter().any(|digest| entry["digest"] == digest.as_str()));
    }
    Ok(canonical(&index)?)
}

/// Returns the media type that an index says it has.
pub fn media_type(index: &[u8]) -> String {
    let value: Value = serde_json::from_slice(index).unwrap_or_default();
    value["mediaType"].as_str().unwrap_or(document::INDEX).to_owned()
}

/// Returns `os/architecture[/variant]` of a configuration.
pub fn platform_of(config: &[u8]) -> Result<String, DocumentError> {
    let part: document::PlatformPart = serde_json::from_slice(config)?;
    Ok(part.to_string())
}

fn descriptor(manifest: &Link) -> Value {
    let mut descriptor = json!({
        "mediaType": manifest.media_type,
        "digest": manifest.sha256.oci(),
        "size": manifest.size,
    });
    if let Some(text) = &manifest.platform {
        let mut parts = text.split('/');
        let mut platform = Map::new();
        for key in ["os", "architecture", "variant"] {
            platform.extend(parts.next().map(|part| (key.to_owned(), json!(part))));
        }
        descriptor["platform"] = Value::Object(platform);
    }
    descriptor
}

fn platform(entry: &Value) -> String {
    let platform = &entry["platform"];
    let parts = ["os", "architecture", "variant"].map(|key| platform[key].as_str());
    parts.into_iter().flatten().collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::graph::read_links;

    fn link(platform: &str, text: &str) -> Link {
        Link {
            media_type: document::MANIFEST.to_owned(),
            size: text.len() as u64,
            sha256: Sha256::of(text.as_bytes()),
            platform: Some(platform.to_owned()),
            ref_name: None,
            image_name: None,
        }
    }

    #[test]
    fn the_order_of_the_builds_doesn_t_matter() {
        let [arm, amd] = [link("linux/arm64/v8", "arm"), link("linux/amd64", "amd")];
        let one = with_manifest(Some(&with_manifest(None, &arm).unwrap()), &amd).unwrap();
        let two = with_manifest(Some(&with_manifest(None, &amd).unwrap()), &arm).unwrap();
        assert_eq!(one, two);
        assert_eq!(read_links(&one).unwrap(), [amd.clone(), arm]);
        let again = with_manifest(Some(&one), &amd).unwrap();
        assert_eq!(again, one);
        let other = with_manifest(Some(&one), &link("linux/amd64", "new")).unwrap();
        let platforms: Vec<_> =
            read_links(&other).unwrap().into_iter().map(|link| (link.platform.unwrap(), link.size)).collect();
        assert_eq!(platforms, [("linux/amd64".to_owned(), 3), ("linux/arm64/v8".to_owned(), 3)]);
    }

    #[test]
    fn documents_about_an_image_are_added_to_a_layout() {
        let image = with_manifest(None, &link("linux/amd64", "amd")).unwrap();
        let named = |text: &str, name: Option<&str>| Link {
            platform: None,
            ref_name: name.map(ToOwned::to_owned),
            ..link("", text)
        };
        let one = with_document(&image, &named("one", None), Some("application/x.kind")).unwrap();
        assert_eq!(with_document(&one, &named("one", None), Some("application/x.kind")).unwrap(), one);
        let two = with_document(&one, &named("two", Some("it")), None).unwrap();
        let three = with_document(&two, &named("three", Some("it")), None).unwrap();
        let sizes: Vec<_> = read_links(&three).unwrap().into_iter().map(|link| link.size).collect();
        assert_eq!(sizes, [3, 3, 5]);
        let value: Value = serde_json::from_slice(&three).unwrap();
        assert_eq!(value["manifests"][1]["artifactType"], "application/x.kind");
        let about = ["one", "three"].map(|text| Sha256::of(text.as_bytes()));
        assert_eq!(without_documents(&three, &about).unwrap(), image);
        assert!(with_document(b"{}", &named("one", None), None).is_err());
        assert!(with_document(b"[]", &named("one", None), None).is_err());
    }

    #[test]
    fn what_others_wrote_stays() {
        let foreign = r#"{"schemaVersion":2,"annotations":{"a":"b"},"manifests":[
            {"mediaType":"x","digest":"sha256:1","size":1,"platform":{"os":"unknown","architecture":"unknown"},"annotations":{"c":"d"}}]}"#;
        let index = with_manifest(Some(foreign.as_bytes()), &link("linux/amd64", "amd")).unwrap();
        let value: Value = serde_json::from_slice(&index).unwrap();
        assert_eq!(value["annotations"]["a"], "b");
        assert_eq!(value["manifests"][1]["annotations"]["c"], "d");
        assert_eq!(media_type(&index), document::INDEX);
        assert!(with_manifest(Some(b"[]"), &link("linux/amd64", "amd")).is_err());
    }
}
