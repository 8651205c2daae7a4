//! Which of several images is meant: in the index of a layout, and in an archive that `docker save` writes.

use std::collections::BTreeMap;

use kit_hash::Sha256;
use serde::Deserialize;

use super::beside::{LayoutImages, ReadDocument, sort};
use super::document::{self, Descriptor, Index, LayoutFile, Manifest};
use super::graph::{Link, check_kind, link};
use super::pull::{DocumentError, MOST_LAYERS, MOST_MANIFESTS, Referred, fitting, referred};
use crate::compression::Compression;
use crate::json::canonical;

/// The most names of an archive or a layout that an error lists.
const NAMED: usize = 20;

/// An image of an archive that `docker save` wrote.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Saved {
    /// The path of its configuration.
    pub config: String,
    /// Its references, as whoever saved it had them.
    #[serde(default, deserialize_with = "or_default")]
    pub repo_tags: Vec<String>,
    /// The paths of its layers, the lowest first.
    #[serde(default, deserialize_with = "or_default")]
    pub layers: Vec<String>,
}

/// Reads a list that may be `null`.
fn or_default<'d, D: serde::Deserializer<'d>>(from: D) -> Result<Vec<String>, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// Checks `oci-layout`.
pub fn check_layout(bytes: &[u8]) -> Result<(), DocumentError> {
    let LayoutFile { image_layout_version: version } = serde_json::from_slice(bytes)?;
    if version == document::LAYOUT_VERSION {
        return Ok(());
    }
    Err(DocumentError::Kind { kind: format!("layout of version {version}") })
}

/// Returns the index or manifest that a name means in `index.json`; without a name there must be only one, or only one for the
/// platform. `architecture` is OCI's word; the operating system is Linux. Documents are read to tell images from what is about them.
pub fn choose(
    bytes: &[u8],
    name: Option<&str>,
    architecture: &str,
    read: ReadDocument<'_>,
) -> Result<Referred, DocumentError> {
    let index: Index = serde_json::from_slice(bytes)?;
    if index.schema_version != 2 {
        return Err(DocumentError::Kind { kind: format!("schema version {}", index.schema_version) });
    }
    let called = |name: &str, key: &str| -> Vec<_> {
        let is_it = |entry: &&Descriptor| entry.annotations.get(key).is_some_and(|is| is == name);
        index.manifests.iter().filter(is_it).collect()
    };
    let meant = match name {
        None => images(&index, read)?,
        Some(name) => {
            let by_name = called(name, document::REF_NAME);
            if by_name.is_empty() { called(name, document::IMAGE_NAME) } else { by_name }
        }
    };
    let entry = match meant.as_slice() {
        [] => {
            let found = names(&images(&index, read)?);
            return Err(DocumentError::Name { name: name.unwrap_or_default().to_owned(), found });
        }
        [entry] => *entry,
        several if several.iter().all(|entry| entry.platform.is_none()) => {
            return Err(DocumentError::Which { found: names(&images(&index, read)?) });
        }
        several => match fitting(several, architecture)?.as_slice() {
            [entry] => *entry,
            _ => return Err(DocumentError::Which { found: names(&images(&index, read)?) }),
        },
    };
    check_kind(&entry.media_type)?;
    referred(entry)
}

/// Returns what an index has but for what is about another image there.
fn images<'i>(index: &'i Index, read: ReadDocument<'_>) -> Result<Vec<&'i Descriptor>, DocumentError> {
    if let [only] = index.manifests.as_slice() {
        return Ok(vec![only]);
    }
    if index.manifests.len() > MOST_MANIFESTS {
        return Err(DocumentError::Manifests { count: index.manifests.len() });
    }
    let links = index.manifests.iter().map(link).collect::<Result<Vec<_>, _>>()?;
    let LayoutImages { about, .. } = sort(links.clone(), read);
    let is_about = |link: &Link| about.iter().any(|about| about.document == *link);
    let all = index.manifests.iter().zip(&links);
    Ok(all.filter(|(_, link)| !is_about(link)).map(|(entry, _)| entry).collect())
}

/// Returns the names of images.
fn names(images: &[&Descriptor]) -> Vec<String> {
    let name = |entry: &&Descriptor| entry.annotations.get(document::REF_NAME).cloned();
    let mut names: Vec<_> = images.iter().filter_map(name).collect();
    names.sort();
    names.dedup();
    names.truncate(NAMED);
    names
}

/// Reads the `manifest.json` of an archive that `docker save` wrote.
pub fn read_saved(bytes: &[u8]) -> Result<Vec<Saved>, DocumentError> {
    Ok(serde_json::from_slice(bytes)?)
}

/// Returns the image that a reference means, or the only one. `is_it` tells whether a text is another way to write it.
pub fn choose_saved<'s>(
    all: &'s [Saved],
    name: Option<&str>,
    is_it: &dyn Fn(&str) -> bool,
) -> Result<&'s Saved, DocumentError> {
    let found = || {
        let mut tags: Vec<_> = all.iter().flat_map(|saved| saved.repo_tags.iter().cloned()).collect();
        tags.truncate(NAMED);
        tags
    };
    let saved = match (name, all) {
        (None, [only]) => only,
        (None, []) => return Err(DocumentError::Name { name: String::new(), found: Vec::new() }),
        (None, _) => return Err(DocumentError::Which { found: found() }),
        (Some(name), all) => all
            .iter()
            .find(|saved| saved.repo_tags.iter().any(|tag| is_it(tag)))
            .ok_or_else(|| DocumentError::Name { name: name.to_owned(), found: found() })?,
    };
    let count = saved.layers.len();
    if count > MOST_LAYERS { Err(DocumentError::Layers { count }) } else { Ok(saved) }
}

/// Returns the manifest of an image that has none where it is: the same for the same configuration and layers.
pub fn manifest_of(config: &Referred, layers: &[(Referred, Compression)]) -> Result<Vec<u8>, DocumentError> {
    let descriptor = |media_type: String, Referred { size, sha256 }: &Referred| Descriptor {
        media_type,
        digest: Sha256::oci(sha256),
        size: *size,
        annotations: BTreeMap::new(),
        platform: None,
        artifact_type: None,
    };
    let layer = |(layer, compression): &(Referred, Compression)| {
        let suffix = match compression {
            Compression::None => "",
            Compression::Gzip => "+gzip",
            Compression::Zstd => "+zstd",
            other => {
                return Err(DocumentError::Kind { kind: format!("layer with `{}`", other.suffix()) });
            }
        };
        Ok(descriptor(format!("{}{suffix}", document::LAYER), layer))
    };
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(document::MANIFEST.to_owned()),
        config: descriptor(document::CONFIG.to_owned(), config),
        layers: layers.iter().map(layer).collect::<Result<_, _>>()?,
        annotations: BTreeMap::new(),
    };
    canonical(&manifest).map_err(serde::ser::Error::custom).map_err(DocumentError::Json)
}

#[cfg(test)]
mod tests;
