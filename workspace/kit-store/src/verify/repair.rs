//! Repair: what is damaged goes, so that it is fetched or built again.

use kit_hash::{BlobId, TreeId};

use super::{Finding, Problem};
use crate::blob::{FILE_MODE, PROGRAM_MODE, PROGRAM_SUFFIX};
use crate::error::At as _;
use crate::fan_out::FanOut;
use crate::{Damage, Item, Store, StoreError, disk, session, tree};

impl Store {
    /// Repairs what was found, as far as that loses nothing that isn't lost already; returns what is left for the user to
    /// decide: damaged roots, and what doesn't belong to the store.
    pub fn repair(&self, findings: &[Finding]) -> Result<Vec<Finding>, StoreError> {
        let mut left = Vec::new();
        for finding in findings {
            match (&finding.item, &finding.problem) {
                (Item::Root(_) | Item::Stranger(_), _) => left.push(finding.clone()),
                (_, Problem::Damaged(Damage::Mode { .. })) => self.reset_mode(&finding.item)?,
                (Item::Temporary(_), _) => {
                    session::sweep(&self.tmp).at("empty", &self.path.join("tmp"))?;
                }
                (item, _) => _ = self.discard(item)?,
            }
        }
        Ok(left)
    }

    /// Takes away something damaged, so that it is fetched or built again; tells whether it was there.
    ///
    /// A blob goes with its executable double and with the materialised directories that show it, since those share the
    /// file. A process that runs something in one of them, on damaged bytes, loses it.
    pub fn discard(&self, item: &Item) -> Result<bool, StoreError> {
        match item {
            Item::Blob(id) => {
                self.discard_shown(id)?;
                let program = self.objects.remove(&format!("{id}{PROGRAM_SUFFIX}"))?;
                Ok(self.objects.remove(&id.to_string())? | program)
            }
            Item::Program(id) => {
                self.discard_shown(id)?;
                self.objects.remove(&format!("{id}{PROGRAM_SUFFIX}"))
            }
            Item::Tree(id) => self.trees.remove(&id.to_string()),
            Item::Record(id) => self.records.remove(&id.to_string()),
            Item::Memo(id) => self.memos.remove(&id.to_string()),
            Item::Sha256(id) => self.sha256.remove(&id.to_string()),
            Item::Materialised(id) => self.remove_materialised(&id.to_string()),
            Item::Root(_) | Item::Temporary(_) | Item::Stranger(_) => Ok(false),
        }
    }

    /// Takes away the materialised directories whose trees have a blob, and those whose trees can't be told.
    fn discard_shown(&self, blob: &BlobId) -> Result<(), StoreError> {
        let path = self.path.join("materialised");
        for name in disk::list(&self.materialised).at("list", &path)? {
            let name = String::from_utf8_lossy(&name).into_owned();
            let Ok(id) = name.parse::<TreeId>() else { continue };
            let shows = match self.tree(&id) {
                Ok(tree) => tree::blobs(&tree).any(|(shown, _)| shown == *blob),
                Err(StoreError::Missing { .. } | StoreError::Corrupt { .. }) => true,
                Err(e) => return Err(e),
            };
            if shows {
                self.remove_materialised(&name)?;
            }
        }
        Ok(())
    }

    /// Gives a file the mode it was put with. Whether somebody wrote to it is another finding.
    fn reset_mode(&self, item: &Item) -> Result<(), StoreError> {
        let (category, name, mode): (&FanOut, String, u32) = match item {
            Item::Blob(id) => (&self.objects, id.to_string(), FILE_MODE),
            Item::Program(id) => (&self.objects, format!("{id}{PROGRAM_SUFFIX}"), PROGRAM_MODE),
            Item::Tree(id) => (&self.trees, id.to_string(), FILE_MODE),
            Item::Record(id) => (&self.records, id.to_string(), FILE_MODE),
            Item::Memo(id) => (&self.memos, id.to_string(), FILE_MODE),
            Item::Sha256(id) => (&self.sha256, id.to_string(), FILE_MODE),
            Item::Materialised(_) | Item::Root(_) | Item::Temporary(_) | Item::Stranger(_) => return Ok(()),
        };
        let path = category.path_of(&name);
        match category.open_file(&name).at("open", &path)? {
            Some(file) => disk::set_mode(file, mode).at("write", &path),
            None => Ok(()),
        }
    }
}
