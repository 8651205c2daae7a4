//! Finds `.crate` files below cargo's home: `registry/cache/<registry>/<name>-<version>.crate`.

use std::fmt;
use std::io;

use cap_std::fs::Dir;
use kit_hash::{BlobDigests, BlobHasher};

use super::{CrateError, CratePin};

/// cargo's home folder (`CARGO_HOME`), of which only the cache of downloaded crates is read.
pub struct CrateHome {
    home: Dir,
}

impl fmt::Debug for CrateHome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrateHome").finish_non_exhaustive()
    }
}

/// A `.crate` file that has been found and hashed.
#[derive(Debug)]
pub struct CrateFile {
    /// Open for reading, at its start.
    pub file: std::fs::File,
    /// Its digests and size.
    pub digests: BlobDigests,
}

impl CrateHome {
    /// Takes cargo's home folder.
    pub fn new(home: Dir) -> Self {
        Self { home }
    }

    /// Returns the file of a crate, hashed; `None` when no registry's cache has it.
    ///
    /// Two registries can have a file of this name: the one with the pinned digest counts.
    pub fn find(&self, pin: &CratePin) -> Result<Option<CrateFile>, CrateError> {
        let mut other = None;
        for folder in self.folders()? {
            let path = format!("{folder}/{}", pin.file_name());
            let fail = |source| CrateError::File { path: path.clone(), source };
            let file = match self.home.open(&path) {
                Ok(file) => file.into_std(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(fail(error)),
            };
            let digests = hash(&file).map_err(fail)?;
            if digests.sha256 == pin.sha256 {
                return Ok(Some(CrateFile { file, digests }));
            }
            other = Some(CrateError::Digest {
                file: pin.file_name(),
                expected: pin.sha256,
                found: digests.sha256,
            });
        }
        other.map_or(Ok(None), Err)
    }

    /// Returns the folders of all registries' caches, sorted.
    fn folders(&self) -> Result<Vec<String>, CrateError> {
        let path = "registry/cache";
        let entries = match self.home.read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(CrateError::File { path: path.to_owned(), source }),
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut folders: Vec<String> = names.map(|name| format!("{path}/{name}")).collect();
        folders.sort();
        Ok(folders)
    }
}

fn hash(mut file: &std::fs::File) -> io::Result<BlobDigests> {
    let mut hasher = BlobHasher::new();
    io::copy(&mut file, &mut hasher)?;
    io::Seek::rewind(&mut file)?;
    Ok(hasher.finish())
}
