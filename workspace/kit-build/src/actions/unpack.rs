//! The tree of an archive.

use std::fmt::Write as _;

use kit_format::compression::Decoder;
use kit_format::deb::{Deb, EffectKind, maintainer_effects, read_deb};
use kit_format::limits::Limits;
use kit_format::oci::layer::read_layer;
use kit_format::sources::read_sources;
use kit_format::tar::{Devices, TarOptions, read_tar};
use kit_hash::{Sha256, TreeId};
use kit_plan::derivation::{Archive, Unpack};
use kit_store::Store;
use kit_tree::{Blobs as _, Mode, Tree, TreePath};

use super::{Done, only_file};
use crate::BuildError;

pub(super) fn unpack(store: &Store, title: &str, unpack: &Unpack, input: TreeId) -> Result<Done, BuildError> {
    let fetched = store.tree(&input)?;
    let (path, blob) = only_file(&fetched).expect("because a fetch leaves one file");
    let mut reader = store.open(&blob).map_err(|e| failed(title, Box::new(e)))?;
    let (tree, log) = match &unpack.archive {
        Archive::Deb => {
            let deb =
                read_deb(&mut reader, store, &Limits::standard()).map_err(|e| failed(title, Box::new(e)))?;
            let log = store.put_bytes(effects(&deb).as_bytes())?;
            (deb.tree, Some(log))
        }
        Archive::Crate { sha256, directory } => {
            (read_crate(store, title, &mut reader, sha256, directory)?, None)
        }
        Archive::Sources => {
            let name = path.clone();
            let file = store.open_blob_file(&blob)?;
            let tree = read_sources(file, &name, store, &Limits::standard());
            (tree.map_err(|e| failed(title, Box::new(e)))?, None)
        }
        Archive::Layer { diff_id } => {
            // A container's devices are made when it starts.
            let tree = read_layer(&mut reader, diff_id, store, &Limits::standard(), Devices::Refuse);
            (tree.map_err(|e| failed(title, Box::new(e)))?, None)
        }
    };
    // The content is vouched for at its end, which lies behind what the archive needs.
    std::io::copy(&mut reader, &mut std::io::sink()).map_err(|e| failed(title, Box::new(e)))?;
    Ok(Done { log, ..Done::of(store.put_tree(&tree)?) })
}

fn failed(title: &str, source: Box<dyn std::error::Error + Send + Sync>) -> BuildError {
    BuildError::Unpack { title: title.to_owned(), source }
}

/// Says what the maintainer scripts, which never run, would have changed, a line each. The cache of libraries is left
/// out: Debian's loader finds them without it.
fn effects(deb: &Deb) -> String {
    let mut text = String::new();
    for effect in maintainer_effects(&deb.control) {
        if effect.kind != EffectKind::LibraryCache {
            let kind = format!("{:?}", effect.kind).to_lowercase();
            writeln!(text, "{kind} ({}): {}", effect.script.name(), effect.command)
                .expect("because a string takes all");
        }
    }
    text
}

/// Reads a crate into the form of cargo's vendored sources.
fn read_crate(
    store: &Store,
    title: &str,
    reader: impl std::io::Read,
    sha256: &Sha256,
    directory: &str,
) -> Result<Tree, BuildError> {
    let limits = Limits::standard();
    let decoder = Decoder::sniff(reader, &limits).map_err(|e| failed(title, Box::new(e)))?;
    let mut tree =
        read_tar(decoder, store, &limits, TarOptions::package()).map_err(|e| failed(title, Box::new(e)))?;
    let top = TreePath::new(directory).map_err(|e| failed(title, Box::new(e)))?;
    let stranger = tree.entries().skip(1).find(|(path, _)| path.strip_prefix(&top).is_none());
    if let Some((path, _)) = stranger {
        return Err(failed(title, format!("`{path}` lies outside of `{directory}`").into()));
    }
    let checksum = format!("{{\"files\":{{}},\"package\":\"{sha256}\"}}");
    let blob = store.put_bytes(checksum.as_bytes())?;
    let path = top
        .append(&"/.cargo-checksum.json".parse().expect("because it is a constant path"))
        .map_err(|e| failed(title, Box::new(e)))?;
    tree.insert_file(path, Mode::FILE, blob, checksum.len() as u64)
        .map_err(|e| failed(title, Box::new(e)))?;
    Ok(tree)
}
