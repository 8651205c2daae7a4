//! Verification of one tree, for whoever worked with it and failed.

use std::collections::BTreeSet;

use kit_hash::TreeId;

use super::{Finding, Verification};
use crate::blob::PROGRAM_SUFFIX;
use crate::error::At as _;
use crate::{Store, StoreError, disk, tree};

impl Store {
    /// Reads one tree with all its content, and its materialised directory when it has one; returns what isn't as it was
    /// put there. A sound directory vouches for the content that it shows.
    pub fn verify_tree(&self, id: &TreeId) -> Result<Vec<Finding>, StoreError> {
        let mut ignore = |_| ();
        let mut verification = Verification::new(self, &mut ignore);
        let name = id.to_string();
        verification.tree(&name)?;
        if !verification.findings.is_empty() || !self.has_tree(id)? {
            return Ok(verification.findings);
        }
        let path = self.path.join("materialised").join(&name);
        if disk::stat(&self.materialised, name.as_bytes()).at("read", &path)?.is_some() {
            verification.materialised(&name)?;
            if verification.findings.is_empty() {
                return Ok(Vec::new());
            }
        }
        let contents: BTreeSet<_> = tree::blobs(&self.tree(id)?).map(|(blob, _)| blob).collect();
        for blob in contents {
            verification.object(&blob.to_string())?;
            verification.object(&format!("{blob}{PROGRAM_SUFFIX}"))?;
        }
        Ok(verification.findings)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{TestStore, damage, sample};
    use crate::verify::Problem;
    use crate::{Damage, Item};

    #[test]
    fn finds_the_damage_of_one_tree() {
        let test = TestStore::new();
        let tree = sample(&test.store);
        let id = test.store.put_tree(&tree).unwrap();
        let other = test.store.put_bytes(b"of no tree").unwrap();
        damage(&test.object(&other, ""), b"of no treE");
        assert_eq!(test.store.verify_tree(&id).unwrap(), []);
        test.store.materialised(&id).unwrap();
        assert_eq!(test.store.verify_tree(&id).unwrap(), []);

        let blob = test.store.put_bytes(b"hello\n").unwrap();
        damage(&test.object(&blob, ""), b"hellO\n");
        let findings = test.store.verify_tree(&id).unwrap();
        let items: Vec<_> = findings.iter().map(|finding| finding.item.clone()).collect();
        assert_eq!(items, [Item::Materialised(id), Item::Blob(blob)]);
        assert!(matches!(findings[1].problem, Problem::Damaged(Damage::Digest { .. })));
        test.store.repair(&findings).unwrap();
        assert!(!test.store.has_tree_complete(&id).unwrap());

        test.store.put_bytes(b"hello\n").unwrap();
        test.store.materialised(&id).unwrap();
        damage(&test.object(&blob, ""), b"hellO\n");
        test.store.discard(&Item::Blob(blob)).unwrap();
        test.store.put_bytes(b"hello\n").unwrap();
        test.store.materialised(&id).unwrap();
        assert_eq!(test.store.verify_tree(&id).unwrap(), [], "no directory shows what was discarded");
    }
}
