//! What is found out about contents in the store, once: evidence asks again and again about the same ones.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use kit_audit::sbom::FileDigests;
use kit_hash::{BlobId, Sha256};
use kit_store::{Facts, Store};
use kit_tree::Blobs;
use sha1::Digest as _;

use crate::BuildError;
use crate::parallel::each;

/// The kind of facts that these are.
const DIGESTS: &str = "digests";

fn to_bytes(digests: &FileDigests) -> Vec<u8> {
    [digests.sha1.as_slice(), digests.sha256.as_bytes()].concat()
}

fn from_bytes(bytes: &[u8]) -> Option<FileDigests> {
    let (sha1, sha256) = bytes.split_first_chunk()?;
    Some(FileDigests { sha1: *sha1, sha256: Sha256::from_bytes(sha256.try_into().ok()?) })
}

/// Returns the digests of blobs, `jobs` of them read at a time.
pub fn digests(
    store: &Store,
    blobs: &BTreeSet<BlobId>,
    jobs: usize,
) -> Result<BTreeMap<BlobId, FileDigests>, BuildError> {
    let facts = found_out(store, DIGESTS, blobs, jobs, &|blob| Ok(to_bytes(&digest(store, blob)?)))?;
    Ok(facts.iter().filter_map(|(blob, bytes)| Some((*blob, from_bytes(bytes)?))).collect())
}

/// Returns facts of a kind about blobs: those that are known, and those that `find` finds out, which are remembered.
pub fn found_out(
    store: &Store,
    kind: &str,
    blobs: &BTreeSet<BlobId>,
    jobs: usize,
    find: &(dyn Fn(&BlobId) -> Result<Vec<u8>, BuildError> + Sync),
) -> Result<Facts, BuildError> {
    let mut known = store.facts(kind, blobs);
    let missing: Vec<_> = blobs.iter().filter(|blob| !known.contains_key(*blob)).copied().collect();
    let found = each(&missing, jobs, find)?;
    let new: Facts = missing.into_iter().zip(found).collect();
    if !new.is_empty() {
        store.put_facts(kind, &new)?;
        known.extend(new);
    }
    Ok(known)
}

fn digest(store: &Store, blob: &BlobId) -> Result<FileDigests, BuildError> {
    let (mut sha1, mut sha256) = (sha1::Sha1::new(), sha2::Sha256::new());
    each_chunk(store, blob, &mut |chunk| {
        sha1.update(chunk);
        sha256.update(chunk);
    })?;
    Ok(FileDigests { sha1: sha1.finalize().into(), sha256: Sha256::from_bytes(sha256.finalize().into()) })
}

/// Returns SHA-384 and SHA-512 of a blob.
pub fn long_digests(store: &Store, blob: &BlobId) -> Result<([u8; 48], [u8; 64]), BuildError> {
    let (mut sha384, mut sha512) = (sha2::Sha384::new(), sha2::Sha512::new());
    each_chunk(store, blob, &mut |chunk| {
        sha384.update(chunk);
        sha512.update(chunk);
    })?;
    Ok((sha384.finalize().into(), sha512.finalize().into()))
}

fn each_chunk(store: &Store, blob: &BlobId, each: &mut dyn FnMut(&[u8])) -> Result<(), BuildError> {
    let mut read = || {
        let mut content = Blobs::open(store, blob)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let length = content.read(&mut buffer)?;
            if length == 0 {
                return Ok(());
            }
            each(&buffer[..length]);
        }
    };
    read().map_err(|source| BuildError::Io { what: format!("read {}", blob.short()), source })
}
