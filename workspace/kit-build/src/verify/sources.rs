//! What the first build fetched is fetched from there; the digest decides.

use std::fs::File;
use std::io::{Seek as _, SeekFrom};

use kit_hash::{BlobHasher, Sha256};
use kit_plan::derivation;
use kit_store::Store;

use crate::{BuildError, Fetch, actions};

/// Files of a store, and from elsewhere what it hasn't got.
pub(super) struct Sources<'a> {
    pub(super) first: &'a Store,
    pub(super) then: &'a dyn Fetch,
}

impl Sources<'_> {
    /// Copies a file; false when the store hasn't got it, or has it damaged.
    fn copy(&self, sha256: &Sha256, file: &mut File) -> Result<bool, BuildError> {
        let Some(blob) = self.first.blob_of_sha256(sha256)? else { return Ok(false) };
        let io = |source| BuildError::Io { what: format!("copy {sha256}"), source };
        let mut content = self.first.open_blob(&blob)?;
        std::io::copy(&mut content, file).map_err(io)?;
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        let mut hasher = BlobHasher::new();
        std::io::copy(file, &mut hasher).map_err(io)?;
        if hasher.finish().sha256 == *sha256 {
            return Ok(true);
        }
        file.set_len(0).map_err(io)?;
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        Ok(false)
    }
}

impl Fetch for Sources<'_> {
    fn fetch(
        &self,
        fetch: &derivation::Fetch,
        file: &mut File,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), BuildError> {
        if self.copy(&fetch.sha256, file)? { Ok(()) } else { self.then.fetch(fetch, file, progress) }
    }

    fn announce(&self, fetches: &[&derivation::Fetch]) -> Result<(), BuildError> {
        let missing: Vec<_> = fetches
            .iter()
            .copied()
            .filter(|fetch| !actions::is_downloaded(self.first, &fetch.sha256))
            .collect();
        if missing.is_empty() { Ok(()) } else { self.then.announce(&missing) }
    }
}
