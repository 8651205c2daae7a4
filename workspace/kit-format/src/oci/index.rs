//! The index of a tag, to which the builds of several platforms add theirs: what others wrote stays as it is, the order is that of the
//! platforms, and the bytes follow from the manifests alone.

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
    use kit_hash::Sha256;

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
