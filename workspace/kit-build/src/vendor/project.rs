//! The project's own files in a bundle: recipes, local files, lockfiles and settings, as one archive. With the rest of the bundle they are all
//! that a build needs.

use std::collections::BTreeMap;
use std::io;

use kit_format::Limits;
use kit_format::oci::graph::{follow, read_links};
use kit_format::oci::pull::DocumentError;
use kit_format::tar::{TarOptions, read_tar, write_tar};
use kit_hash::Sha256;
use kit_plan::requirements::Purpose;
use kit_recipe::Lockfile;
use kit_store::Store;
use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Entry, Meta, Mode, Tree, TreePath};

use super::{Bundle, VendoredFile};
use crate::BuildError;
use crate::load::{Loaded, lock_path};

/// The name of the archive, for people.
pub const TITLE: &str = "project.tar";
/// The media type that it is found by.
pub const MEDIA_TYPE: &str = "application/vnd.kit.project.v1.tar";
/// The largest document of a bundle's layout, in bytes.
const DOCUMENT: u64 = 16 << 20;
/// The largest archive, in bytes.
const ARCHIVE: u64 = 1 << 30;

/// Returns the files that subjects are made of, and those of the project itself: their paths below it, and contents. The local files are
/// in the store.
pub fn files(
    store: &Store,
    pieces: &[(&Loaded, &Lockfile)],
    others: &BTreeMap<String, Vec<u8>>,
) -> Result<Tree, BuildError> {
    let mut tree = Tree::new();
    for (path, bytes) in others {
        add_text(&mut tree, store, path, bytes)?;
    }
    for (loaded, lock) in pieces {
        add_text(&mut tree, store, &lock_path(&lock.subject), lock.to_text().as_bytes())?;
        for (name, recipe) in loaded.recipes.iter() {
            add_text(&mut tree, store, &name.path(), recipe.text.as_bytes())?;
        }
        for local in &loaded.requirements.locals {
            let place = path_of(&local.path)?;
            for (path, entry) in loaded.locals[&(local.recipe.clone(), local.label.clone())].entries() {
                let path = match local.purpose {
                    Purpose::Tree => place.append(path).map_err(odd)?,
                    Purpose::File | Purpose::CargoLock if entry.is_directory() => continue,
                    Purpose::File | Purpose::CargoLock => place.clone(),
                };
                add(&mut tree, path, entry.clone())?;
            }
        }
    }
    Ok(tree)
}

fn add_text(tree: &mut Tree, store: &Store, path: &str, bytes: &[u8]) -> Result<(), BuildError> {
    let (blob, size) = (store.put_bytes(bytes)?, bytes.len() as u64);
    add(tree, path_of(path)?, Entry::File { meta: Meta::root(Mode::FILE), blob, size })
}

fn add(tree: &mut Tree, path: TreePath, entry: Entry) -> Result<(), BuildError> {
    if path.is_root() || entry.is_directory() && tree.get(&path).is_some() {
        return Ok(());
    }
    tree.make_parents(&path, &Meta::root(Mode::DIRECTORY)).map_err(odd)?;
    tree.insert(path, entry).map(drop).map_err(odd)
}

fn path_of(path: &str) -> Result<TreePath, BuildError> {
    let path = path.trim_end_matches('/');
    let path = path.strip_prefix("./").unwrap_or(path);
    if path == "." { Ok(TreePath::root()) } else { TreePath::from_archive(path.as_bytes()).map_err(odd) }
}

fn odd(error: impl std::error::Error + Send + Sync + 'static) -> BuildError {
    BuildError::Io { what: "put the project's files together".to_owned(), source: io::Error::other(error) }
}

/// Writes them as an archive into the store.
pub fn pack(store: &Store, files: &Tree) -> Result<(Sha256, VendoredFile), BuildError> {
    let mut bytes = Vec::new();
    write_tar(files, store, 0, &mut bytes).map_err(odd)?;
    super::text_file(store, TITLE, &bytes)
}

/// Reads them out of a bundle; none where it has none.
pub fn unpack(bundle: &Bundle) -> Result<Option<(Tree, MemoryBlobs)>, BuildError> {
    let io = |source| BuildError::Io { what: format!("read `{}`", bundle.path.display()), source };
    let index = bundle.dir.read("index.json").map_err(io)?;
    let links = read_links(&index).map_err(|error| io(io::Error::other(error)))?;
    for link in &links {
        let read = |link: &kit_format::oci::graph::Link| match bundle.read(&link.sha256, DOCUMENT)? {
            Some(bytes) => Ok(bytes),
            None => Err(Unread(io(io::ErrorKind::NotFound.into()))),
        };
        let graph = follow(link, &mut { read }).map_err(|Unread(error)| error)?;
        let Some(archive) = graph.blobs.values().find(|blob| blob.media_type == MEDIA_TYPE) else { continue };
        let Some(bytes) = bundle.read(&archive.sha256, ARCHIVE)? else {
            let (title, sha256) = (TITLE.to_owned(), archive.sha256);
            return Err(BuildError::NotVendored { title, sha256 });
        };
        let blobs = MemoryBlobs::new();
        let limits = Limits { total_bytes: ARCHIVE, file_bytes: ARCHIVE, ..Limits::standard() };
        let tree = read_tar(bytes.as_slice(), &blobs, &limits, TarOptions::package());
        let tree = tree.map_err(|error| io(io::Error::other(error)))?;
        return Ok(Some((tree, blobs)));
    }
    Ok(None)
}

/// Why a document of a layout can't be followed.
struct Unread(BuildError);

impl From<DocumentError> for Unread {
    fn from(error: DocumentError) -> Self {
        Self(BuildError::Io {
            what: "read the bundle's manifest".to_owned(),
            source: io::Error::other(error),
        })
    }
}

impl From<BuildError> for Unread {
    fn from(error: BuildError) -> Self {
        Self(error)
    }
}
