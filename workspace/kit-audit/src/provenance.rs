//! How the outputs of an image came to be: an in-toto Statement v1 with SLSA provenance v1, in canonical JSON.
//!
//! ```text
//! _type           https://in-toto.io/Statement/v1
//! subject         every output: name, sha256
//! predicateType   https://slsa.dev/provenance/v1
//! predicate
//!   buildDefinition
//!     buildType             tag:kit,2026:build/v1
//!     externalParameters    image, formats, lockfile (path, digest)
//!     internalParameters    pin, epoch, architecture, sourceDate
//!     resolvedDependencies  all that the lockfile pins: name, uri, digest
//!   runDetails
//!     builder     id, version
//!     metadata    invocationId, startedOn, finishedOn, where they are given
//! ```
//! # Build type `tag:kit,2026:build/v1`
//! An image of kit, built from a lockfile: `kit build IMAGE --locked` with the formats. The external parameters are what a caller chose; the
//! internal ones follow from the lockfile and are there to be compared with. All that is specific to one run is below `runDetails`: whoever
//! builds the same lockfile again has the same `buildDefinition`, byte for byte. A build on one's own machine is of SLSA Build L1: the
//! provenance exists, and nothing keeps who can build from writing another one.
//!
//! | material | `name` | `uri` | `digest` |
//! |---|---|---|---|
//! | signed state of a Debian suite | `suite NAME` | – | `sha256` of its `InRelease` |
//! | Debian package | `deb NAME VERSION ARCHITECTURE` | package URL | `sha256` |
//! | file of a Debian source package | its name | package URL | `sha256` |
//! | crate | `crate NAME VERSION` | package URL | `sha256` |
//! | file or commit at an address | `file PACKAGE/SOURCE` | package URL | `sha256`; of a commit also `gitCommit` |
//! | image of others | `image REFERENCE` | package URL | `sha256` of its manifest |
//! | tree of the project | `local RECIPE/SOURCE` | – | `kitTree`: the identity of the tree |
//! | recipe | `recipe NAME` | – | `kitRecipe`: the identity of what it means |
//!
//! `kitTree` and `kitRecipe` are BLAKE3 digests of kit's own encodings, so they have names of their own.

use std::collections::{BTreeMap, BTreeSet};

use kit_format::json::{JsonError, canonical};
use kit_hash::Sha256;
use kit_recipe::Lockfile;
use kit_recipe::lockfile::{DebSource, Output};
use serde_json::{Value, json};

use crate::inventory::{ComponentId, Inventory};

/// What in-toto calls a statement.
const TYPE: &str = "https://in-toto.io/Statement/v1";
/// What SLSA calls the predicate.
const PREDICATE: &str = "https://slsa.dev/provenance/v1";
/// What this way of building is called.
pub const BUILD_TYPE: &str = "tag:kit,2026:build/v1";

/// How outputs came to be.
#[derive(Debug, Clone, Copy)]
pub struct Provenance<'a> {
    /// What was built.
    pub lock: &'a Lockfile,
    /// Where that lockfile is, below the project.
    pub lock_path: &'a str,
    /// The digest of its text.
    pub lock_sha256: Sha256,
    /// What the image is made of: package URLs come from there.
    pub inventory: &'a Inventory,
    /// What came out, by name.
    pub outputs: &'a BTreeMap<String, Output>,
    /// The one run.
    pub run: &'a Run,
}

/// One run of a build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// Who is trusted to have built: a URI.
    pub builder: String,
    /// The versions of what built.
    pub versions: BTreeMap<String, String>,
    /// What tells this run from others of the builder.
    pub invocation: Option<String>,
    /// When it started, in seconds since 1970.
    pub started: Option<u32>,
    /// When it ended, in seconds since 1970.
    pub finished: Option<u32>,
}

impl Provenance<'_> {
    /// Returns its text: canonical JSON and a line end.
    pub fn to_text(&self) -> Result<Vec<u8>, JsonError> {
        let subject =
            |(name, output): (&String, &Output)| json!({ "name": name, "digest": sha256(&output.sha256) });
        let statement = json!({
            "_type": TYPE,
            "subject": self.outputs.iter().map(subject).collect::<Vec<_>>(),
            "predicateType": PREDICATE,
            "predicate": { "buildDefinition": self.definition(), "runDetails": self.run.details() },
        });
        let mut text = canonical(&statement)?;
        text.push(b'\n');
        Ok(text)
    }

    fn definition(&self) -> Value {
        let lock = self.lock;
        let formats: BTreeSet<&str> = self.outputs.values().map(|output| output.format.word()).collect();
        let seconds = u32::try_from(lock.source_date).unwrap_or(u32::MAX);
        json!({
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "image": self.inventory.image,
                "formats": formats,
                "lockfile": { "path": self.lock_path, "digest": sha256(&self.lock_sha256) },
            },
            "internalParameters": {
                "pin": lock.pin_id().to_string(),
                "epoch": lock.epoch,
                "architecture": lock.architecture,
                "sourceDate": kit_format::date::rfc3339(seconds),
            },
            "resolvedDependencies": self.materials(),
        })
    }

    /// Lists all that the lockfile pins.
    fn materials(&self) -> Vec<Value> {
        let mut all = self.debian();
        all.extend(self.upstream());
        let lock = self.lock;
        all.extend(lock.locals.iter().map(|((recipe, source), tree)| {
            material(&format!("local {recipe}/{source}"), None, &json!({ "kitTree": tree.to_string() }))
        }));
        all.extend(lock.recipes.iter().map(|(name, id)| {
            material(&format!("recipe {name}"), None, &json!({ "kitRecipe": id.to_string() }))
        }));
        all
    }

    fn debian(&self) -> Vec<Value> {
        let lock = self.lock;
        let mut all: Vec<_> = lock
            .suites
            .iter()
            .map(|(name, suite)| material(&format!("suite {name}"), None, &sha256(&suite.in_release)))
            .collect();
        for (key, deb) in &lock.debs {
            let name = format!("deb {} {} {}", key.name, key.version, key.architecture);
            all.push(material(&name, self.purl(&ComponentId::Debian(key.clone())), &sha256(&deb.sha256)));
        }
        // Two recipes may have the same source package; it is one material.
        let mut seen = BTreeSet::new();
        for source in lock.debian_sources.values() {
            let id = DebSource { name: source.name.clone(), version: source.version.clone() };
            let purl = self.purl(&ComponentId::DebianSource(id));
            let files = source.files.iter().filter(|file| seen.insert((&file.name, file.sha256)));
            all.extend(files.map(|file| material(&file.name, purl, &sha256(&file.sha256))));
        }
        all
    }

    fn upstream(&self) -> Vec<Value> {
        let lock = self.lock;
        let mut all = Vec::new();
        for ((name, version), pin) in &lock.crates {
            let id = ComponentId::Crate { name: name.clone(), version: version.clone() };
            all.push(material(&format!("crate {name} {version}"), self.purl(&id), &sha256(&pin.sha256)));
        }
        for ((package, source), pin) in &lock.files {
            let id = ComponentId::File { package: package.clone(), source: source.clone() };
            let mut digest = sha256(&pin.sha256);
            if let Some(commit) = &pin.commit {
                digest["gitCommit"] = json!(commit.as_str());
            }
            all.push(material(&format!("file {package}/{source}"), self.purl(&id), &digest));
        }
        for (reference, pin) in &lock.images {
            let purl = self.purl(&ComponentId::Image(reference.clone()));
            all.push(material(&format!("image {reference}"), purl, &sha256(&pin.manifest.sha256)));
        }
        all
    }

    fn purl(&self, id: &ComponentId) -> Option<&str> {
        self.inventory.components.get(id)?.purl.as_deref()
    }
}

impl Run {
    fn details(&self) -> Value {
        let mut details = json!({ "builder": { "id": self.builder } });
        if !self.versions.is_empty() {
            details["builder"]["version"] = json!(self.versions);
        }
        let time = |seconds: Option<u32>| seconds.map(kit_format::date::rfc3339);
        let metadata = [
            ("invocationId", self.invocation.clone()),
            ("startedOn", time(self.started)),
            ("finishedOn", time(self.finished)),
        ];
        for (key, value) in metadata {
            if let Some(value) = value {
                details["metadata"][key] = json!(value);
            }
        }
        details
    }
}

fn material(name: &str, uri: Option<&str>, digest: &Value) -> Value {
    let mut material = json!({ "name": name, "digest": digest });
    if let Some(uri) = uri {
        material["uri"] = json!(uri);
    }
    material
}

fn sha256(digest: &Sha256) -> Value {
    json!({ "sha256": digest.to_string() })
}

#[cfg(test)]
mod tests;
