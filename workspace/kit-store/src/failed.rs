//! The working directories of the steps that failed last, for whoever wants to look into them.
//!
//! `failed/<derivation>` is the directory as the step left it. The last few are kept; a collection takes them away.

use std::io::ErrorKind;
use std::os::fd::AsFd as _;
use std::path::PathBuf;

use kit_hash::DerivationId;

use crate::error::At as _;
use crate::{Scratch, Store, StoreError, disk};

/// How many are kept.
const KEPT: usize = 4;

/// What a step left behind when it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The step.
    pub derivation: DerivationId,
    /// Its working directory.
    pub path: PathBuf,
}

impl Store {
    /// Keeps the working directory of a failed step, in place of the one that it left before, or of the oldest one.
    pub fn keep_failed(&self, scratch: Scratch, derivation: &DerivationId) -> Result<(), StoreError> {
        let name = derivation.to_string();
        self.forget(&name)?;
        let place = self.path.join("failed").join(&name);
        // Another process may have kept the same step meanwhile: then that one stays.
        match scratch.rename_to(self.failed.as_fd(), &name) {
            Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::DirectoryNotEmpty) => {
            }
            renamed => renamed.at("keep", &place)?,
        }
        self.failures()?.iter().skip(KEPT).try_for_each(|old| self.forget(&old.derivation.to_string()))
    }

    /// Returns what the steps that failed last left behind, the last one first.
    pub fn failures(&self) -> Result<Vec<Failed>, StoreError> {
        let directory = self.path.join("failed");
        let mut found = Vec::new();
        for name in disk::list(&self.failed).at("list", &directory)? {
            let id = std::str::from_utf8(&name).ok().and_then(|name| name.parse::<DerivationId>().ok());
            // One that is gone meanwhile was taken away by another process.
            let stat = disk::stat(&self.failed, &name).at("read", &directory)?;
            if let (Some(derivation), Some(stat)) = (id, stat) {
                let path = directory.join(derivation.to_string());
                found.push(((stat.st_ctime, stat.st_ctime_nsec), Failed { derivation, path }));
            }
        }
        found.sort_by_key(|(since, _)| std::cmp::Reverse(*since));
        Ok(found.into_iter().map(|(_, failed)| failed).collect())
    }

    /// Takes away what failed steps left behind.
    pub fn forget_failed(&self) -> Result<(), StoreError> {
        let directory = self.path.join("failed");
        let names = disk::list(&self.failed).at("list", &directory)?;
        names.iter().try_for_each(|name| self.forget(&String::from_utf8_lossy(name)))
    }

    /// Takes a directory out of sight at once, so that nobody else takes it away too, then away.
    fn forget(&self, name: &str) -> Result<(), StoreError> {
        let directory = self.path.join("failed");
        let session = self.session()?;
        let hidden = session.fresh_name();
        let hide = disk::absent(
            rustix::fs::renameat(&self.failed, name, session.dir(), hidden.as_str()).map_err(Into::into),
        );
        if hide.at("remove", &directory)?.is_some() {
            disk::remove_all(session.dir().as_fd(), hidden.as_bytes()).at("remove", &directory)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::KEPT;
    use crate::testing::{TestStore, read};

    #[test]
    fn the_last_failures_are_kept_until_a_collection() {
        let TestStore { store, root: _root } = TestStore::new();
        assert_eq!(store.failures().unwrap(), []);
        let keep = |step: &str, text: &str| {
            let scratch = store.scratch().unwrap();
            scratch.dir().write("left", text).unwrap();
            let derivation = kit_hash::Encoder::new(step, 1).id_of();
            store.keep_failed(scratch, &derivation).unwrap();
            let failed = store.failures().unwrap();
            assert_eq!(failed[0].derivation, derivation);
            assert_eq!(read(&failed[0].path.join("left")), text.as_bytes());
            // Their times tell them apart.
            std::thread::sleep(std::time::Duration::from_millis(20));
            failed.len()
        };
        assert_eq!((keep("a", "first"), keep("a", "second"), keep("b", "third")), (1, 1, 2));
        let counts: Vec<_> = (0..KEPT).map(|number| keep(&format!("more {number}"), "more")).collect();
        assert_eq!(counts, [3, KEPT, KEPT, KEPT]);
        assert_eq!(store.verify(&mut |_| ()).unwrap(), []);
        store.forget_failed().unwrap();
        assert_eq!(store.failures().unwrap(), []);
    }

    #[test]
    fn steps_that_fail_at_the_same_time_disturb_nobody() {
        let TestStore { store, root: _root } = TestStore::new();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let store = &store;
                scope.spawn(move || {
                    for round in 0..50 {
                        let scratch = store.scratch().unwrap();
                        scratch.dir().create_dir("build").unwrap();
                        let step = kit_hash::Encoder::new(&format!("step {}", (thread + round) % 6), 1);
                        store.keep_failed(scratch, &step.id_of()).unwrap();
                    }
                });
            }
        });
        assert!(store.failures().unwrap().len() <= KEPT + 4);
        assert_eq!(store.verify(&mut |_| ()).unwrap(), []);
    }
}
