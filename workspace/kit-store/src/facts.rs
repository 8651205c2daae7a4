//! What was found out about blobs: other digests, what a program is built with. A cache, of which nothing depends.
//!
//! A kind of facts is in 256 files, each with the facts of the blobs whose digests begin alike: `facts/aa/<name>`, named by the BLAKE3 of
//! `kind/aa`. `kit:facts:v1`, sealed: the kind, the two digits, and a list of (blob, bytes) by blob.

use std::collections::{BTreeMap, BTreeSet};

use kit_hash::{BlobId, Encoder, Identity as _};

use crate::sealed::unseal;
use crate::{Damage, Store, StoreError};

/// Facts by blob: whatever whoever found them wrote down.
pub type Facts = BTreeMap<BlobId, Vec<u8>>;

/// The files of a kind.
const SHARDS: usize = 256;

impl Store {
    /// Returns the facts of a kind that are known of blobs. What can't be read was never found out.
    pub fn facts(&self, kind: &str, blobs: &BTreeSet<BlobId>) -> Facts {
        let mut found = Facts::new();
        for (shard, wanted) in
            sharded(blobs.iter().copied()).iter().enumerate().filter(|(_, w)| !w.is_empty())
        {
            let known = self.shard(kind, shard);
            found.extend(known.into_iter().filter(|(blob, _)| wanted.contains(blob)));
        }
        found
    }

    /// Remembers facts beside those that are known. What another process remembers at the same time may be lost.
    pub fn put_facts(&self, kind: &str, facts: &Facts) -> Result<(), StoreError> {
        for (shard, blobs) in sharded(facts.keys().copied()).iter().enumerate().filter(|(_, b)| !b.is_empty())
        {
            let mut all = self.shard(kind, shard);
            all.extend(blobs.iter().map(|blob| (*blob, facts[blob].clone())));
            let mut e = Encoder::new("facts", 1);
            e.str(kind).u64(shard as u64);
            e.list(&all, |e, (blob, bytes)| _ = e.id(blob).bytes(bytes));
            self.publish_sealed(&self.facts, &name(kind, shard), &e)?;
        }
        Ok(())
    }

    fn shard(&self, kind: &str, shard: usize) -> Facts {
        let bytes = self.facts.read(&name(kind, shard)).ok().flatten();
        bytes.and_then(|bytes| decode(&bytes, kind, shard).ok()).unwrap_or_default()
    }
}

fn sharded(blobs: impl Iterator<Item = BlobId>) -> Vec<BTreeSet<BlobId>> {
    let mut shards = vec![BTreeSet::new(); SHARDS];
    for blob in blobs {
        shards[usize::from(blob.as_bytes()[0])].insert(blob);
    }
    shards
}

fn name(kind: &str, shard: usize) -> String {
    BlobId::of(format!("{kind}/{shard:02x}").as_bytes()).to_string()
}

fn decode(bytes: &[u8], kind: &str, shard: usize) -> Result<Facts, Damage> {
    let mut d = unseal(bytes, "facts")?;
    if d.str()? != kind || d.u64()? != shard as u64 {
        return Err(Damage::Seal);
    }
    let mut facts = Facts::new();
    for _ in 0..d.list_len()? {
        facts.insert(d.id()?, d.bytes()?.to_vec());
    }
    d.finish()?;
    Ok(facts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestStore;

    #[test]
    fn what_was_found_out_is_known_beside_what_was_known() {
        let TestStore { store, root: _root } = TestStore::new();
        let blobs: Vec<_> = (0..600).map(|n: u32| BlobId::of(&n.to_le_bytes())).collect();
        let facts = |range: std::ops::Range<usize>| -> Facts {
            range.map(|n| (blobs[n], vec![u8::try_from(n % 256).unwrap(); n % 7])).collect()
        };
        let all: BTreeSet<_> = blobs.iter().copied().collect();
        assert_eq!(store.facts("sums", &all), Facts::new());
        store.put_facts("sums", &facts(0..400)).unwrap();
        store.put_facts("sums", &facts(300..600)).unwrap();
        assert_eq!(store.facts("sums", &all), facts(0..600));
        assert_eq!(store.facts("sums", &blobs[3..5].iter().copied().collect()), facts(3..5));
        assert_eq!(store.facts("programs", &all), Facts::new());
    }

    #[test]
    fn what_is_torn_was_never_found_out() {
        let TestStore { store, root: _root } = TestStore::new();
        let blob = BlobId::of(b"a");
        let facts = Facts::from([(blob, vec![1])]);
        store.put_facts("sums", &facts).unwrap();
        let file = name("sums", usize::from(blob.as_bytes()[0]));
        let path = store.path().join(format!("facts/{}/{file}", &file[..2]));
        crate::testing::remove(&path);
        crate::testing::write(&path, b"torn");
        assert_eq!(store.facts("sums", &BTreeSet::from([blob])), Facts::new());
        store.put_facts("sums", &facts).unwrap();
        assert_eq!(store.facts("sums", &BTreeSet::from([blob])), facts);
    }
}
