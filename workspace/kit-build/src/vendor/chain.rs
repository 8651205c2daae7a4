//! The chain of trust in a bundle: from the key that signed a suite's state to the digest of each package that a lockfile pins.

use kit_hash::Sha256;
use kit_recipe::Lockfile;
use kit_recipe::lockfile::{Deb, DebKey, SourcePart};
use kit_source::debian::pin::SourcePackage;
use kit_source::debian::proof::Listed;
use kit_source::debian::{Archives, DebPin};

use super::Bundle;
use crate::BuildError;
use crate::network::proofs::{index, indexes, state};

/// The largest file of a proof, in bytes.
const LIMIT: u64 = 1 << 30;

/// How far the pins of a suite are proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chain {
    /// From the signature to each package.
    Whole {
        /// The fingerprints of the keys with a good signature.
        signed_by: Vec<String>,
        /// How many packages and files of source packages are listed as they are pinned.
        pins: usize,
    },
    /// A link isn't in the bundle.
    Missing {
        /// What.
        what: String,
    },
    /// A link doesn't hold.
    Broken {
        /// Why not.
        why: String,
    },
}

/// Follows the chain of each suite of a lockfile in a bundle.
pub fn chains(
    bundle: &Bundle,
    lock: &Lockfile,
    archives: &Archives,
) -> Result<Vec<(String, Chain)>, BuildError> {
    lock.suites.keys().map(|suite| Ok((suite.clone(), chain(bundle, lock, suite, archives)?))).collect()
}

fn chain(bundle: &Bundle, lock: &Lockfile, suite: &str, archives: &Archives) -> Result<Chain, BuildError> {
    let missing = |what: &str| Ok(Chain::Missing { what: what.to_owned() });
    let pin = &lock.suites[suite];
    let read = |sha256: &Sha256| match bundle.read(sha256, LIMIT) {
        Err(error @ BuildError::VendoredOther { .. }) => Ok(Err(error.to_string())),
        other => other.map(Ok),
    };
    let bytes = match read(&pin.in_release)? {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return missing("InRelease"),
        Err(why) => return Ok(Chain::Broken { why }),
    };
    let release = match state(suite, pin).verify(&bytes, archives) {
        Ok(release) => release,
        Err(error) => return Ok(Chain::Broken { why: error.to_string() }),
    };
    let mut pins = 0;
    for path in &indexes(lock, suite) {
        let index = match release.file(path) {
            Ok(index) => index,
            Err(error) => return Ok(Chain::Broken { why: error.to_string() }),
        };
        let text = match read(&index.sha256)? {
            Ok(Some(text)) => text,
            Ok(None) => return missing(path),
            Err(why) => return Ok(Chain::Broken { why }),
        };
        let listed = match Listed::parse(text) {
            Ok(listed) => listed,
            Err(error) => return Ok(Chain::Broken { why: error.to_string() }),
        };
        let (found, not_listed) = if path.ends_with("Sources") {
            sources(lock, suite, &listed)
        } else {
            packages(lock, (suite, path), &listed)
        };
        if let Some(what) = not_listed {
            return Ok(Chain::Broken { why: format!("{path} doesn't list {what} as it is pinned") });
        }
        pins += found;
    }
    Ok(Chain::Whole { signed_by: release.fingerprints(), pins })
}

/// Counts the packages that an index lists; returns the first that isn't.
fn packages(lock: &Lockfile, (suite, path): (&str, &str), listed: &Listed) -> (usize, Option<String>) {
    let mut found = 0;
    for (key, deb) in lock.debs.iter().filter(|(key, deb)| deb.suite == suite && index(key, deb) == path) {
        if !listed.has_package(&pin(key, deb)) {
            return (found, Some(format!("{} {}", key.name, key.version)));
        }
        found += 1;
    }
    (found, None)
}

fn pin(key: &DebKey, deb: &Deb) -> DebPin {
    DebPin {
        name: key.name.clone(),
        version: key.version.clone(),
        architecture: key.architecture.clone(),
        source: SourcePackage { name: deb.source.name.clone(), version: deb.source.version.clone() },
        filename: deb.filename.clone(),
        size: deb.size,
        sha256: deb.sha256,
    }
}

/// Counts the files of source packages that are listed; returns the first that isn't.
fn sources(lock: &Lockfile, suite: &str, listed: &Listed) -> (usize, Option<String>) {
    let mut found = 0;
    for source in lock.debian_sources.values().filter(|source| source.suite == suite) {
        // A description is listed under its own digest as all other files are.
        for file in source.files.iter().filter(|file| file.part != SourcePart::Description) {
            let sha256: &Sha256 = &file.sha256;
            if !listed.has_source((&source.name, &source.version), (&file.name, file.size, sha256)) {
                return (found, Some(file.name.clone()));
            }
            found += 1;
        }
    }
    (found, None)
}
