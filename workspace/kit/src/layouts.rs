//! OCI image layouts that the command line names.

use std::path::Path;

use kit_build::layouts::take_layout;
use kit_store::Store;
use kit_tree::Tree;

use crate::Failure;
use crate::project::{canonical, open_dir};

/// Takes the layout in a directory into the store.
pub(crate) fn take(store: &Store, path: &Path) -> Result<Tree, Failure> {
    let dir = open_dir(&canonical(path)?)?;
    take_layout(store, &dir)
        .map_err(|source| Failure::UnreadableArtifact { path: path.to_owned(), source: Box::new(source) })
}
