//! The working directory of the step that failed last, for whoever wants to look into it.
//!
//! `failed/<derivation>` is the directory as the step left it. There is at most one; a collection takes it away.

use std::os::fd::AsFd as _;
use std::path::PathBuf;

use kit_hash::DerivationId;

use crate::error::At as _;
use crate::{Scratch, Store, StoreError, disk};

/// What a step left behind when it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The step.
    pub derivation: DerivationId,
    /// Its working directory.
    pub path: PathBuf,
}

impl Store {
    /// Keeps the working directory of a failed step, in place of the one that was kept before.
    pub fn keep_failed(&self, scratch: Scratch, derivation: &DerivationId) -> Result<(), StoreError> {
        self.forget_failed()?;
        let name = derivation.to_string();
        scratch.rename_to(self.failed.as_fd(), &name).at("keep", &self.path.join("failed").join(&name))
    }

    /// Returns what the step that failed last left behind, if it is still there.
    pub fn failed(&self) -> Result<Option<Failed>, StoreError> {
        let directory = self.path.join("failed");
        let names = disk::list(&self.failed).at("list", &directory)?;
        let ids = names.iter().filter_map(|name| std::str::from_utf8(name).ok()?.parse().ok());
        Ok(ids.map(|id: DerivationId| Failed { derivation: id, path: directory.join(id.to_string()) }).next())
    }

    /// Takes away what failed steps left behind.
    pub fn forget_failed(&self) -> Result<(), StoreError> {
        let directory = self.path.join("failed");
        for name in disk::list(&self.failed).at("list", &directory)? {
            disk::remove_all(self.failed.as_fd(), &name).at("remove", &directory)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{TestStore, read};

    #[test]
    fn one_failure_is_kept_until_the_next_or_a_collection() {
        let TestStore { store, root: _root } = TestStore::new();
        assert_eq!(store.failed().unwrap(), None);
        for text in ["first", "second"] {
            let scratch = store.scratch().unwrap();
            scratch.dir().write("left", text).unwrap();
            let derivation = kit_hash::Encoder::new(text, 1).id_of();
            store.keep_failed(scratch, &derivation).unwrap();
            let failed = store.failed().unwrap().unwrap();
            assert_eq!(failed.derivation, derivation);
            assert_eq!(read(&failed.path.join("left")), text.as_bytes());
        }
        assert_eq!(store.verify(&mut |_| ()).unwrap(), []);
        store.forget_failed().unwrap();
        assert_eq!(store.failed().unwrap(), None);
    }
}
