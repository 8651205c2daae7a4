//! Layouts in directories, from kit or anybody else.

use std::io;

use cap_std::fs::Dir;
use kit_hash::{BlobHasher, Sha256};
use kit_store::import::{ImportLimits, import};
use kit_store::{ImportError, Store};
use kit_tree::{Blobs as _, Entry, Tree};

/// What a layout may have: entries, and bytes.
const LIMITS: ImportLimits = ImportLimits { entries: 100_000, bytes: 1 << 40 };

/// Why a directory isn't a layout that can be used.
#[derive(Debug, thiserror::Error)]
pub enum LayoutDirError {
    /// It has no `oci-layout`.
    #[error("it has no `oci-layout`, so it is no OCI image layout")]
    NoLayout,
    /// It has something else than files and directories, or it can't be read.
    #[error("it can't be read")]
    Import(#[from] ImportError),
    /// A blob can't be read.
    #[error("`{path}` can't be read")]
    Read {
        /// Which one.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A blob isn't the one that its name says.
    #[error("`{path}` has another content: its digest is sha256:{found}")]
    Content {
        /// Which one.
        path: String,
        /// Its digest.
        found: Sha256,
    },
}

/// Takes a layout into the store, each blob of which is checked against its name.
pub fn take_layout(store: &Store, dir: &Dir) -> Result<Tree, LayoutDirError> {
    if !dir.is_file("oci-layout") {
        return Err(LayoutDirError::NoLayout);
    }
    let tree = import(dir, &LIMITS, store)?;
    for (path, entry) in tree.entries() {
        let (text, Entry::File { blob, .. }) = (path.to_string(), entry) else { continue };
        let Some(name) = text.strip_prefix("/blobs/sha256/") else { continue };
        let read = |source| LayoutDirError::Read { path: text.clone(), source };
        let mut hasher = BlobHasher::new();
        io::copy(&mut store.open(blob).map_err(read)?, &mut hasher).map_err(read)?;
        let found = hasher.finish().sha256;
        if found.to_string() != name {
            return Err(LayoutDirError::Content { path: text, found });
        }
        store.put_sha256(&found, blob).map_err(|error| read(io::Error::other(error)))?;
    }
    Ok(tree)
}
