//! What a document leads to: every manifest of an index, and all that they name, as it came. Nothing is said about whether it can be run.

use std::collections::{BTreeMap, BTreeSet};

use kit_hash::Sha256;
use kit_tree::{Blobs, Entry, Tree, TreePath};
use serde::Deserialize;

use super::beside::images_of_layout;
use super::document::{self, Descriptor, Index, LayoutFile};
use super::pull::{
    DOCKER_INDEX, DOCKER_MANIFEST, DocumentError, LARGEST_DOCUMENT, LARGEST_LAYER, MOST_LAYERS,
    MOST_MANIFESTS,
};
use super::write::blob_path;
use crate::json::canonical;

/// How deep indexes may name indexes.
const DEPTH: usize = 4;

/// Something that a document, or a layout, names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its media type.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// Digest.
    pub sha256: Sha256,
    /// `os/architecture[/variant]`, where it is said.
    pub platform: Option<String>,
    /// Its name in a layout.
    pub ref_name: Option<String>,
    /// What containerd calls it once it is loaded: a whole reference.
    pub image_name: Option<String>,
}

/// All that a document leads to, itself among it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Graph {
    /// Manifests and indexes, each behind what it names.
    pub documents: Vec<Link>,
    /// Configurations, layers and whatever else, by digest.
    pub blobs: BTreeMap<Sha256, Link>,
}

#[derive(Deserialize)]
struct Manifest {
    config: Descriptor,
    layers: Vec<Descriptor>,
}

/// Only what is needed to tell which document it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    schema_version: u64,
    media_type: Option<String>,
    manifests: Option<serde::de::IgnoredAny>,
}

/// Reads a document.
type Read<'r, E> = &'r mut dyn FnMut(&Link) -> Result<Vec<u8>, E>;

/// Follows all links from `top`; `read` returns the bytes of a document, whose digest it has checked.
pub fn follow<E: From<DocumentError>>(top: &Link, read: Read<'_, E>) -> Result<Graph, E> {
    let mut graph = Graph::default();
    add(&mut graph, &mut BTreeSet::new(), top, DEPTH, read)?;
    Ok(graph)
}

fn add<E: From<DocumentError>>(
    graph: &mut Graph,
    seen: &mut BTreeSet<Sha256>,
    link: &Link,
    depth: usize,
    read: Read<'_, E>,
) -> Result<(), E> {
    if !seen.insert(link.sha256) {
        return Ok(());
    }
    if seen.len() > MOST_MANIFESTS {
        return Err(DocumentError::Manifests { count: seen.len() }.into());
    }
    if link.size > LARGEST_DOCUMENT {
        let kind = format!("{} of {} bytes", link.media_type, link.size);
        return Err(DocumentError::Kind { kind }.into());
    }
    let bytes = read(link)?;
    if is_index(&link.media_type) {
        if depth == 0 {
            return Err(DocumentError::Kind { kind: "index in indexes in indexes".to_owned() }.into());
        }
        for entry in read_links(&bytes)? {
            check_kind(&entry.media_type)?;
            add(graph, seen, &entry, depth - 1, read)?;
        }
    } else {
        for entry in manifest(&bytes)? {
            graph.blobs.insert(entry.sha256, entry);
        }
    }
    graph.documents.push(link.clone());
    Ok(())
}

/// Reads what an index names, in its order.
pub fn read_links(index: &[u8]) -> Result<Vec<Link>, DocumentError> {
    read_index(index)?.manifests.iter().map(link).collect()
}

fn read_index(index: &[u8]) -> Result<Index, DocumentError> {
    let index: Index = serde_json::from_slice(index)?;
    if index.manifests.len() > MOST_MANIFESTS {
        return Err(DocumentError::Manifests { count: index.manifests.len() });
    }
    Ok(index)
}

fn manifest(bytes: &[u8]) -> Result<Vec<Link>, DocumentError> {
    let Manifest { config, layers } = serde_json::from_slice(bytes)?;
    if layers.len() > MOST_LAYERS {
        return Err(DocumentError::Layers { count: layers.len() });
    }
    let blob = |descriptor: &Descriptor| {
        if descriptor.size > LARGEST_LAYER {
            return Err(DocumentError::LargeLayer { size: descriptor.size });
        }
        link(descriptor)
    };
    [&config].into_iter().chain(&layers).map(blob).collect()
}

pub(super) fn link(descriptor: &Descriptor) -> Result<Link, DocumentError> {
    let fault = |_| DocumentError::Digest { digest: descriptor.digest.clone() };
    let note = |key: &str| descriptor.annotations.get(key).cloned();
    Ok(Link {
        media_type: descriptor.media_type.clone(),
        size: descriptor.size,
        sha256: Sha256::from_oci(&descriptor.digest).map_err(fault)?,
        platform: descriptor.platform.as_ref().map(ToString::to_string),
        ref_name: note(document::REF_NAME),
        image_name: note(document::IMAGE_NAME),
    })
}

/// Returns the media type of an index or a manifest.
pub(super) fn media_type(bytes: &[u8]) -> Result<String, DocumentError> {
    let Kind { schema_version, media_type, manifests } = serde_json::from_slice(bytes)?;
    if schema_version != 2 {
        return Err(DocumentError::Kind { kind: format!("schema version {schema_version}") });
    }
    // The image specification lets it be left out.
    let unsaid = if manifests.is_some() { document::INDEX } else { document::MANIFEST };
    let media_type = media_type.unwrap_or_else(|| unsaid.to_owned());
    check_kind(&media_type)?;
    Ok(media_type)
}

/// Returns the link to a document that a registry gave.
pub fn link_to(bytes: &[u8]) -> Result<Link, DocumentError> {
    let media_type = media_type(bytes)?;
    let (size, sha256) = (bytes.len() as u64, Sha256::of(bytes));
    Ok(Link { media_type, size, sha256, platform: None, ref_name: None, image_name: None })
}

/// Refuses what is neither an index nor a manifest.
pub(super) fn check_kind(media_type: &str) -> Result<(), DocumentError> {
    if is_index(media_type) || is_manifest(media_type) {
        return Ok(());
    }
    Err(DocumentError::Kind { kind: media_type.to_owned() })
}

/// Whether a media type is that of an index, by OCI or Docker.
pub fn is_index(media_type: &str) -> bool {
    matches!(media_type, document::INDEX | DOCKER_INDEX)
}

/// Whether a media type is that of an image's manifest, by OCI or Docker.
pub fn is_manifest(media_type: &str) -> bool {
    matches!(media_type, document::MANIFEST | DOCKER_MANIFEST)
}

/// Returns `index.json` and `oci-layout` of a layout with this one in it.
pub fn layout_files(top: &Link) -> Result<[(&'static str, Vec<u8>); 2], crate::json::JsonError> {
    let names = [(document::REF_NAME, &top.ref_name), (document::IMAGE_NAME, &top.image_name)];
    let note = |(key, name): (&str, &Option<String>)| Some((key.to_owned(), name.clone()?));
    let descriptor = Descriptor {
        media_type: top.media_type.clone(),
        digest: top.sha256.oci(),
        size: top.size,
        annotations: names.into_iter().filter_map(note).collect(),
        platform: None,
        artifact_type: None,
    };
    let media_type = Some(document::INDEX.to_owned());
    let index = Index { schema_version: 2, media_type, manifests: vec![descriptor] };
    let version = LayoutFile { image_layout_version: document::LAYOUT_VERSION.to_owned() };
    Ok([("index.json", canonical(&index)?), ("oci-layout", canonical(&version)?)])
}

/// Returns where a layout has a blob.
pub fn place(sha256: &Sha256) -> TreePath {
    TreePath::new(blob_path(sha256)).expect("because the layout's names are ours")
}

/// Returns what a layout has in its index, but for what is about another image there.
pub fn tops(layout: &Tree, blobs: &dyn Blobs) -> Result<Vec<Link>, DocumentError> {
    Ok(images_of_layout(layout, blobs)?.images)
}

/// Returns all that a layout has in its index.
pub fn entries(layout: &Tree, blobs: &dyn Blobs) -> Result<Vec<Link>, DocumentError> {
    index(layout, blobs)?.manifests.iter().map(link).collect()
}

fn index(layout: &Tree, blobs: &dyn Blobs) -> Result<Index, DocumentError> {
    let path = TreePath::new("index.json").expect("because it is a constant path");
    let none = || DocumentError::Kind { kind: "directory without `index.json`".to_owned() };
    let Some(Entry::File { blob, size, .. }) = layout.inode(&path) else { return Err(none()) };
    if *size > LARGEST_DOCUMENT {
        return Err(DocumentError::Kind { kind: format!("index of {size} bytes") });
    }
    let bytes = blobs
        .read(blob, LARGEST_DOCUMENT)
        .map_err(|error| DocumentError::Kind { kind: error.to_string() })?;
    read_index(&bytes)
}

/// Returns the manifest for a platform; one without a variant is for all of them.
pub fn for_platform(links: &[Link], wanted: &str) -> Result<Link, DocumentError> {
    let platform = |link: &Link| link.platform.clone().unwrap_or_default();
    let exact = links.iter().find(|link| platform(link) == wanted);
    let variant = links.iter().find(|link| platform(link).starts_with(&format!("{wanted}/")));
    if let Some(link) = exact.or(variant) {
        return Ok(link.clone());
    }
    let found = links.iter().map(platform);
    let found = found.filter(|platform| !platform.is_empty() && platform != "unknown/unknown").collect();
    Err(DocumentError::Platform { wanted: wanted.to_owned(), found })
}

#[cfg(test)]
mod tests;
