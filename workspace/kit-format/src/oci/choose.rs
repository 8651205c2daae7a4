//! Which of several images is meant: in the index of a layout, and in an archive that `docker save` writes.

use std::collections::BTreeMap;

use kit_hash::Sha256;
use serde::Deserialize;

use super::document::{self, Descriptor, Index, LayoutFile, Manifest};
use super::graph::check_kind;
use super::pull::{DocumentError, Referred, fitting, referred};
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
/// platform. `architecture` is OCI's word; the operating system is Linux.
pub fn choose(bytes: &[u8], name: Option<&str>, architecture: &str) -> Result<Referred, DocumentError> {
    let index: Index = serde_json::from_slice(bytes)?;
    if index.schema_version != 2 {
        return Err(DocumentError::Kind { kind: format!("schema version {}", index.schema_version) });
    }
    let called = |key: &'static str| {
        let is_it = move |entry: &&Descriptor| {
            let called = |name| entry.annotations.get(key).is_some_and(|is| is == name);
            name.map_or_else(|| !entry.is_about_another(), called)
        };
        index.manifests.iter().filter(is_it).collect::<Vec<_>>()
    };
    let mut meant = called(document::REF_NAME);
    if meant.is_empty() {
        meant = called(document::IMAGE_NAME);
    }
    let entry = match meant.as_slice() {
        [] => {
            return Err(DocumentError::Name {
                name: name.unwrap_or_default().to_owned(),
                found: names(&index),
            });
        }
        [entry] => *entry,
        several if several.iter().all(|entry| entry.platform.is_none()) => {
            return Err(DocumentError::Which { found: names(&index) });
        }
        several => match fitting(several, architecture)?.as_slice() {
            [entry] => *entry,
            _ => return Err(DocumentError::Which { found: names(&index) }),
        },
    };
    check_kind(&entry.media_type)?;
    referred(entry)
}

/// Returns the names that an index has.
fn names(index: &Index) -> Vec<String> {
    let name = |entry: &Descriptor| entry.annotations.get(document::REF_NAME).cloned();
    let images = index.manifests.iter().filter(|entry| !entry.is_about_another());
    let mut names: Vec<_> = images.filter_map(name).collect();
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
    match (name, all) {
        (None, [only]) => Ok(only),
        (None, []) => Err(DocumentError::Name { name: String::new(), found: Vec::new() }),
        (None, _) => Err(DocumentError::Which { found: found() }),
        (Some(name), all) => all
            .iter()
            .find(|saved| saved.repo_tags.iter().any(|tag| is_it(tag)))
            .ok_or_else(|| DocumentError::Name { name: name.to_owned(), found: found() }),
    }
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
