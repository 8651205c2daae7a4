//! What a store of containers writes down about its images and layers (`images.json` and `layers.json` of containers/storage, which Podman
//! uses).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kit_hash::Sha256;
use serde::Deserialize;

use super::pull::{DocumentError, MOST_LAYERS, Referred};

/// The largest of these documents that is read, in bytes.
pub const LARGEST_LIST: u64 = 64 << 20;
/// The most names that an error lists.
const NAMED: usize = 20;

/// An image of a store.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StoredImage {
    /// What its files are found by.
    pub id: String,
    /// Its references, with their registries.
    #[serde(default)]
    pub names: Vec<String>,
    /// The uppermost of its layers; none where it has no layers.
    #[serde(default)]
    pub layer: Option<String>,
}

/// A layer of a store.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StoredLayer {
    /// What its files are found by.
    pub id: String,
    /// The layer below.
    #[serde(default)]
    pub parent: Option<String>,
    /// The digest of its uncompressed archive, where it was seen whole.
    #[serde(default)]
    pub diff_digest: Option<String>,
    /// Bytes of the same; less than none where nobody counted.
    #[serde(default)]
    pub diff_size: Option<i64>,
}

/// Something of one of several stores: which store, and what it is called there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Of<T> {
    /// The number of the store, in the order that they were given in.
    pub store: usize,
    /// What it has.
    pub value: T,
}

/// Reads the same list of several stores, one after the other.
fn all<T: for<'de> Deserialize<'de>>(lists: &[Vec<u8>]) -> Result<Vec<Of<T>>, DocumentError> {
    let mut found = Vec::new();
    for (store, bytes) in lists.iter().enumerate() {
        let list: Vec<T> = serde_json::from_slice(bytes)?;
        found.extend(list.into_iter().map(|value| Of { store, value }));
    }
    Ok(found)
}

/// Returns the image that has a name, of the first store that has it; `lists` are the lists of images. `names` tells whether a text is another
/// way to write it.
pub fn find_image(
    lists: &[Vec<u8>],
    name: &str,
    names: &dyn Fn(&str) -> bool,
) -> Result<Of<StoredImage>, DocumentError> {
    let images: Vec<Of<StoredImage>> = all(lists)?;
    let found = images.iter().find(|image| image.value.names.iter().any(|name| names(name)));
    found.cloned().ok_or_else(|| {
        let mut found: Vec<_> = images.into_iter().flat_map(|image| image.value.names).collect();
        found.sort();
        found.dedup();
        found.truncate(NAMED);
        DocumentError::Name { name: name.to_owned(), found }
    })
}

/// Returns an image's layers, the lowest first, and what each unpacked archive is; `lists` are the lists of layers. The layers of one store can
/// lie on those of another.
pub fn layers_of(
    lists: &[Vec<u8>],
    image: &StoredImage,
) -> Result<Vec<(Of<StoredLayer>, Referred)>, DocumentError> {
    let all: Vec<Of<StoredLayer>> = all(lists)?;
    let mut chain = Vec::new();
    let mut next = image.layer.clone().filter(|id| !id.is_empty());
    while let Some(id) = next {
        if chain.len() == MOST_LAYERS {
            return Err(DocumentError::Layers { count: chain.len() + 1 });
        }
        let layer = all.iter().find(|layer| layer.value.id == id).cloned();
        let layer = layer.ok_or_else(|| DocumentError::NoLayer { id: id.clone() })?;
        let sha256 = layer.value.diff_digest.as_deref().and_then(|digest| Sha256::from_oci(digest).ok());
        let size = layer.value.diff_size.and_then(|size| u64::try_from(size).ok());
        let (Some(sha256), Some(size)) = (sha256, size) else {
            return Err(DocumentError::PartLayer { id });
        };
        next = layer.value.parent.clone().filter(|id| !id.is_empty());
        chain.push((layer, Referred { size, sha256 }));
    }
    chain.reverse();
    Ok(chain)
}

/// Returns the name of the file that has something of an image, such as `manifest` or the digest of its configuration.
pub fn file_of(key: &str) -> String {
    let plain = |byte: u8| byte == b'.' || byte.is_ascii_digit() || byte.is_ascii_lowercase();
    if key.bytes().all(plain) { key.to_owned() } else { format!("={}", STANDARD.encode(key)) }
}

/// Whether a text can be the name of a directory or a file of its own.
pub fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYERS: &str = r#"[
        {"id":"up","parent":"low","diff-digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","diff-size":2},
        {"id":"low","diff-digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","diff-size":1,"compression":2},
        {"id":"part","parent":"low","diff-size":-1},
        {"id":"lost","parent":"none","diff-digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","diff-size":1},
        {"id":"loop","parent":"loop","diff-digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","diff-size":1}
    ]"#;

    fn image(layer: &str) -> StoredImage {
        StoredImage { id: "1".to_owned(), names: Vec::new(), layer: Some(layer.to_owned()) }
    }

    #[test]
    fn layers_lie_on_each_other() {
        let sizes = |id: &str| {
            let found =
                layers_of(&[LAYERS.as_bytes().to_vec()], &image(id)).map_err(|error| error.to_string())?;
            Ok::<_, String>(found.iter().map(|(_, referred)| referred.size).collect::<Vec<_>>())
        };
        assert_eq!(sizes("up"), Ok(vec![1, 2]));
        assert_eq!(sizes(""), Ok(vec![]));
        assert!(sizes("part").is_err_and(|told| told.contains("`part`")));
        assert!(sizes("lost").is_err_and(|told| told.contains("`none`")));
        assert!(sizes("loop").is_err_and(|told| told.contains("1001 layers")));
        let own = r#"[{"id":"own","parent":"up","diff-digest":"sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","diff-size":3}]"#;
        let lists = [own, "[]", LAYERS].map(|text| text.as_bytes().to_vec());
        let found = layers_of(&lists, &image("own")).unwrap();
        let found: Vec<_> = found.iter().map(|(layer, referred)| (layer.store, referred.size)).collect();
        assert_eq!(found, [(2, 1), (2, 2), (0, 3)]);
    }

    #[test]
    fn images_are_found_by_name() {
        let own =
            r#"[{"id":"1"},{"id":"2","names":["localhost/a:1","localhost/b:1"],"layer":"x","digest":"y"}]"#;
        let other = r#"[{"id":"3","names":["localhost/b:1"]}]"#;
        let lists = [own, other].map(|text| text.as_bytes().to_vec());
        let is_b = |name: &str| name == "localhost/b:1";
        let found =
            |lists: &[Vec<u8>]| find_image(lists, "b", &is_b).map(|of| (of.store, of.value.id)).unwrap();
        assert_eq!(found(&lists), (0, "2".to_owned()));
        assert_eq!(found(&[b"[]".to_vec(), lists[1].clone()]), (1, "3".to_owned()));
        let error = find_image(&lists, "c", &|_| false).unwrap_err().to_string();
        assert_eq!(error, "it has no image `c`; it has `localhost/a:1`, `localhost/b:1`");
    }

    #[test]
    fn files_are_named_as_they_are() {
        assert_eq!(file_of("manifest"), "manifest");
        assert_eq!(file_of("sha256:ab"), "=c2hhMjU2OmFi");
        assert!(is_id("0a") && !is_id("") && !is_id("../a") && !is_id("a/b"));
    }
}
