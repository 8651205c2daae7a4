//! The root that the layers of an image make: of a layout, wherever its files are, and of what an old `docker save` wrote.

use std::collections::BTreeSet;
use std::io::{self, Read};

use kit_format::Limits;
use kit_format::oci::choose::{Saved, check_layout, choose_saved};
use kit_format::oci::graph::{self, Link, for_platform, is_index, read_links, tops};
use kit_format::oci::layer::read_layer;
use kit_format::oci::pull::{DocumentError, LARGEST_DOCUMENT, read_config, read_manifest, read_platform};
use kit_format::tar::Devices;
use kit_hash::{BlobId, Sha256, Sha256Reader};
use kit_recipe::Reference;
use kit_store::Store;
use kit_tree::layers::stack;
use kit_tree::resolve::Resolved;
use kit_tree::{Blobs as _, Entry, Tree, TreePath};

use super::error::OpenError;
use super::{Choice, Configured};

/// Indexes may name indexes, this deep.
const DEPTH: usize = 4;

/// A layer where it is, and its digest; none where nothing says it.
struct Packed {
    path: String,
    blob: BlobId,
    sha256: Option<Sha256>,
}

/// Returns the root and the configuration of an image of a layout.
pub(super) fn of_layout(
    layout: &Tree,
    store: &Store,
    choice: Choice<'_>,
) -> Result<(Tree, Configured), OpenError> {
    check_layout(&read(store, &file(layout, "oci-layout")?)?)?;
    let mut link = meant(&tops(layout, store)?, choice)?;
    let name = link.ref_name.clone();
    let mut depth = 0;
    while is_index(&link.media_type) {
        depth += 1;
        if depth > DEPTH {
            return Err(DocumentError::Deep { depth: DEPTH }.into());
        }
        link = for_this(&read_links(&document(layout, store, &link.sha256)?)?, choice)?;
    }
    let parts = read_manifest(&document(layout, store, &link.sha256)?)?;
    let config = document(layout, store, &parts.config.sha256)?;
    let layers: Result<Vec<_>, OpenError> = parts
        .layers
        .iter()
        .map(|layer| {
            let path = graph::place(&layer.sha256).to_string();
            Ok(Packed { blob: file(layout, &path)?, path, sha256: Some(layer.sha256) })
        })
        .collect();
    root(store, &config, &layers?, (name, link.sha256), choice)
}

/// Returns the same of an archive that has no layout, but a list of its images.
pub(super) fn of_saved(
    tree: &Tree,
    all: &[Saved],
    store: &Store,
    choice: Choice<'_>,
) -> Result<(Tree, Configured), OpenError> {
    let wanted = choice
        .image
        .map(|name| name.parse::<Reference>().map_or_else(|_| name.to_owned(), |name| name.to_string()));
    let is_it = |tag: &str| {
        let whole = tag.parse::<Reference>().map(|tag| tag.to_string());
        wanted.as_deref().is_some_and(|wanted| tag == wanted || whole.is_ok_and(|whole| whole == wanted))
    };
    let saved = choose_saved(all, wanted.as_deref(), &is_it).map_err(|error| match error {
        DocumentError::Which { found } => OpenError::Which { found },
        error => error.into(),
    })?;
    let config = read(store, &file(tree, &saved.config)?)?;
    let layer = |path: &String| Ok(Packed { path: path.clone(), blob: file(tree, path)?, sha256: None });
    let layers: Result<Vec<_>, OpenError> = saved.layers.iter().map(layer).collect();
    let name = saved.repo_tags.first().cloned();
    root(store, &config, &layers?, (name, Sha256::of(&config)), choice)
}

/// Lays the layers of an image over each other.
fn root(
    store: &Store,
    config: &[u8],
    layers: &[Packed],
    (name, manifest): (Option<String>, Sha256),
    choice: Choice<'_>,
) -> Result<(Tree, Configured), OpenError> {
    let digest = Sha256::of(config);
    let platform = read_platform(config)?;
    let (os, architecture) = (&platform.0, &platform.1);
    let found = format!("{os}/{architecture}");
    if let Some(wanted) = choice.platform.filter(|wanted| !is_of(wanted, &found)) {
        return Err(DocumentError::OtherPlatform { wanted: wanted.to_owned(), found }.into());
    }
    let settings = read_config(config, architecture, layers.len())?;
    let trees = unpack(store, layers, &settings.diff_ids, &Limits::standard())?;
    let root = stack(&trees.iter().collect::<Vec<_>>())?;
    Ok((root, Configured { name, platform, manifest, config: digest, settings }))
}

/// Reads the layers, which may have as many files together as one archive: a small one can be named many times.
fn unpack(
    store: &Store,
    layers: &[Packed],
    diff_ids: &[Sha256],
    limits: &Limits,
) -> Result<Vec<Tree>, OpenError> {
    let (mut trees, mut entries) = (Vec::new(), 0);
    for (at, (layer, diff_id)) in layers.iter().zip(diff_ids).enumerate() {
        let mut reader = Sha256Reader::new(store.open(&layer.blob)?);
        let tree = read_layer(&mut reader, diff_id, store, limits, Devices::Keep);
        let tree = tree.map_err(|source| OpenError::Layer { number: at + 1, source })?;
        entries += tree.len() as u64;
        if entries > limits.entries {
            return Err(OpenError::Crowded { most: limits.entries });
        }
        trees.push(tree);
        // What stands behind the archive counts, too.
        io::copy(&mut reader, &mut io::sink())?;
        let found = reader.finish();
        if layer.sha256.is_some_and(|sha256| sha256 != found) {
            return Err(OpenError::Digest { path: layer.path.clone(), found });
        }
    }
    Ok(trees)
}

/// Whether a platform is one of those that are meant: `linux/arm` are all its variants.
fn is_of(wanted: &str, found: &str) -> bool {
    wanted == found || wanted.strip_prefix(found).is_some_and(|rest| rest.starts_with('/'))
}

/// Returns what is meant of all that a layout has.
fn meant(all: &[Link], choice: Choice<'_>) -> Result<Link, OpenError> {
    let names = |links: &[Link]| -> BTreeSet<String> {
        links.iter().filter_map(|link| link.ref_name.clone()).collect()
    };
    let is_it = |link: &&Link, name: &str| {
        [&link.ref_name, &link.image_name].into_iter().any(|known| known.as_deref() == Some(name))
    };
    let found = || names(all).into_iter().collect::<Vec<_>>();
    let links: Vec<Link> = match choice.image {
        Some(name) => all.iter().filter(|link| is_it(link, name)).cloned().collect(),
        None => all.to_vec(),
    };
    match (links.as_slice(), choice.image) {
        ([], name) => Err(OpenError::NoSuch { name: name.unwrap_or_default().to_owned(), found: found() }),
        ([only], _) => Ok(only.clone()),
        (links, _) => match whole(&names(links)) {
            // The same name for each platform.
            None if names(links).len() <= 1 && links.iter().all(|link| link.platform.is_some()) => {
                for_this(links, choice)
            }
            None => Err(OpenError::Which { found: found() }),
            Some(name) => meant(all, Choice { image: Some(&name), ..choice }),
        },
    }
}

/// Returns the name of the image that has all others as its containers: kit puts it before their names.
fn whole(names: &BTreeSet<String>) -> Option<String> {
    let first = names.first()?;
    let is_inside = |name: &String| name.strip_prefix(first).is_some_and(|rest| rest.starts_with('-'));
    (names.len() > 1 && names.iter().skip(1).all(is_inside)).then(|| first.clone())
}

/// Returns the one for the platform that is meant; the only one there is, where none is named.
fn for_this(links: &[Link], choice: Choice<'_>) -> Result<Link, OpenError> {
    let is_real = |link: &&Link| link.platform.as_deref() != Some("unknown/unknown");
    let real: Vec<_> = links.iter().filter(is_real).collect();
    match (real.as_slice(), choice.platform) {
        ([only], None) => Ok((*only).clone()),
        _ => Ok(for_platform(links, &choice.platform())?),
    }
}

/// Returns the blob of a file, through its links.
fn file(tree: &Tree, path: &str) -> Result<BlobId, OpenError> {
    let missing = || OpenError::Missing { path: path.trim_start_matches('/').to_owned() };
    let place = TreePath::new(path).map_err(|_| missing())?;
    let Resolved::There(place, _) = tree.resolve(&place) else { return Err(missing()) };
    match tree.inode(&place) {
        Some(Entry::File { blob, .. }) => Ok(*blob),
        _ => Err(missing()),
    }
}

fn read(store: &Store, blob: &BlobId) -> Result<Vec<u8>, OpenError> {
    let mut bytes = Vec::new();
    store.open(blob)?.take(LARGEST_DOCUMENT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_DOCUMENT {
        return Err(
            DocumentError::Kind { kind: format!("document of more than {LARGEST_DOCUMENT} bytes") }.into()
        );
    }
    Ok(bytes)
}

/// Returns a document, whose digest is checked.
fn document(layout: &Tree, store: &Store, sha256: &Sha256) -> Result<Vec<u8>, OpenError> {
    let path = graph::place(sha256).to_string();
    let bytes = read(store, &file(layout, &path)?)?;
    let found = Sha256::of(&bytes);
    if found == *sha256 { Ok(bytes) } else { Err(OpenError::Digest { path, found }) }
}

#[cfg(test)]
mod tests;
