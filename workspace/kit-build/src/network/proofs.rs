//! What proves the pins of Debian's archive: signed states of suites, and the indexes that those list.

use std::collections::BTreeSet;

use kit_recipe::lockfile::{Deb, DebKey, Suite};
use kit_recipe::{Architecture, Lockfile};
use kit_source::debian::date::Timestamp;
use kit_source::debian::proof::State;
use kit_source::debian::release::Release;
use kit_tree::Blobs as _;

use super::{INDEX_LIMIT, Network, StoreCache};
use crate::BuildError;
use crate::vendor::{VendoredFile, VendoredFiles};

/// A proof that isn't to be had.
#[derive(Debug)]
pub struct Unproved {
    /// What it is: a suite, and a file of it.
    pub what: String,
    /// Why not, in a few words.
    pub why: String,
}

/// Returns what a lockfile pins as the state of a suite.
pub(crate) fn state<'a>(suite: &'a str, pin: &'a Suite) -> State<'a> {
    State { suite, date: Timestamp(pin.date), in_release: pin.in_release, signed_by: &pin.signed_by }
}

/// Returns the indexes of a suite that the pins of a lockfile are from.
pub(crate) fn indexes(lock: &Lockfile, suite: &str) -> BTreeSet<String> {
    let debs = lock.debs.iter().filter(|(_, deb)| deb.suite == suite);
    let mut indexes: BTreeSet<_> = debs.map(|(key, deb)| index(key, deb)).collect();
    if lock.debian_sources.values().any(|source| source.suite == suite) {
        indexes.insert("main/source/Sources".to_owned());
    }
    indexes
}

/// Returns the index that lists a package. Those for all architectures are in each.
pub(crate) fn index(key: &DebKey, deb: &Deb) -> String {
    let component = deb.filename.split('/').nth(1).filter(|_| deb.filename.starts_with("pool/"));
    let architecture = Some(key.architecture.as_str()).filter(|word| *word != "all");
    let usual = Architecture::USUAL.word();
    format!("{}/binary-{}/Packages", component.unwrap_or("main"), architecture.unwrap_or(usual))
}

impl Network<'_> {
    /// Gets the signed states of suites and the indexes that the pins of a lockfile are from into the store, as far as they are to be had.
    pub fn proofs(&self, lock: &Lockfile) -> Result<(VendoredFiles, Vec<Unproved>), BuildError> {
        let (mut files, mut unproved) = (VendoredFiles::new(), Vec::new());
        for (suite, pin) in &lock.suites {
            let state = state(suite, pin);
            let mut missed = |what: &str, why: String| {
                let why = why.lines().map(str::trim).collect::<Vec<_>>().join("; ");
                unproved.push(Unproved { what: format!("{what} of {suite}"), why });
            };
            let bytes = match self.in_release(&state)? {
                Ok(bytes) => bytes,
                Err(why) => {
                    missed("InRelease", why);
                    continue;
                }
            };
            let title = format!("{suite}_InRelease");
            files.insert(pin.in_release, VendoredFile { title, size: Some(bytes.len() as u64) });
            let release: Release = match state.verify(&bytes, self.archives()) {
                Ok(release) => release,
                Err(error) => {
                    missed("InRelease", error.to_string());
                    continue;
                }
            };
            for path in &indexes(lock, suite) {
                let connected = self.connected();
                let (client, archives) = (&connected.client, &connected.archives);
                match state.index(client, archives, &StoreCache(self.store), (&release, path)) {
                    Ok((_, index)) => {
                        let title = format!("{suite}_{}", path.replace('/', "_"));
                        files.insert(index.sha256, VendoredFile { title, size: Some(index.size) });
                    }
                    Err(error) => missed(path, error.to_string()),
                }
            }
        }
        Ok((files, unproved))
    }

    /// Returns the `InRelease` of a state, or why it isn't to be had.
    fn in_release(&self, state: &State<'_>) -> Result<Result<Vec<u8>, String>, BuildError> {
        let io = |source| BuildError::Io { what: "read a signed state".to_owned(), source };
        if let Some(blob) = self.store.blob_of_sha256(&state.in_release)? {
            return Ok(Ok(self.store.read(&blob, INDEX_LIMIT).map_err(io)?));
        }
        let connected = self.connected();
        if !connected.archives.keeps_old() {
            let why = "it isn't in the store, and `[debian] snapshot` names no archive that keeps old ones";
            return Ok(Err(why.to_owned()));
        }
        match state.fetch(&connected.client, &connected.archives) {
            Ok(bytes) => {
                self.keep(&bytes)?;
                Ok(Ok(bytes))
            }
            Err(error) => Ok(Err(error.to_string())),
        }
    }
}
