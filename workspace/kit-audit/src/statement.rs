//! A verification as evidence: an in-toto Statement v1 with a test-result predicate v0.1, in canonical JSON.
//!
//! ```text
//! _type           https://in-toto.io/Statement/v1
//! subject         every output that the lockfile pins: name, sha256; annotations.rebuilt where the rebuild came to another one
//! predicateType   https://in-toto.io/attestation/test-result/v0.1
//! predicate
//!   result          PASSED or FAILED
//!   configuration   [0] the lockfile: name, sha256; annotations: image, pin, epoch, architecture
//!                   [1] kit: uri; annotations: version, depth, rounds, varied, notVaried, and where they are given: only, verifier
//!   passedTests     steps that came out the same, by title, in plan order
//!   failedTests     steps that came out different
//!   warnedTests     steps that weren't done
//! ```
//! Nothing of it depends on when, where or by whom the rebuild was done, unless a verifier is named: the same verification gives the
//! same bytes. Where no output was compared (less depth, one package alone), the lockfile is the subject.

mod read;

use std::collections::{BTreeMap, BTreeSet};

use kit_format::json::{JsonError, canonical};
use kit_hash::{PinId, Sha256};
use serde_json::{Value, json};

pub use self::read::StatementError;

/// What in-toto calls a statement.
const TYPE: &str = "https://in-toto.io/Statement/v1";
/// What in-toto calls the result of tests.
const PREDICATE: &str = "https://in-toto.io/attestation/test-result/v0.1";
/// The name of the second configuration.
const KIT: &str = "kit";

/// What a verification came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The image.
    pub image: String,
    /// What was verified.
    pub lock: LockFile,
    /// What verified it, and how.
    pub method: Method,
    /// Who verified it, when they say.
    pub verifier: Option<String>,
    /// The outputs that were compared, by name.
    pub outputs: BTreeMap<String, Output>,
    /// The steps that were compared.
    pub steps: Steps,
}

/// The lockfile that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockFile {
    /// Its path below the project.
    pub path: String,
    /// The digest of its text.
    pub sha256: Sha256,
    /// The digest of what it pins.
    pub pin: PinId,
    /// Its format epoch.
    pub epoch: u64,
    /// The architecture that it is for.
    pub architecture: String,
}

/// What verified, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// The version of kit.
    pub version: String,
    /// How far it went: `sources`, `packages`, `outputs`.
    pub depth: String,
    /// The package that alone was rebuilt.
    pub only: Option<String>,
    /// How often it was rebuilt.
    pub rounds: u32,
    /// What was varied.
    pub varied: BTreeSet<String>,
    /// What couldn't be varied, and why.
    pub not_varied: BTreeMap<String, String>,
}

/// An output that was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// The digest that the lockfile pins.
    pub sha256: Sha256,
    /// The digest that the rebuild came to, where that is another one.
    pub rebuilt: Option<Sha256>,
}

impl Output {
    /// Returns the digest that the rebuild came to.
    pub fn found(&self) -> Sha256 {
        self.rebuilt.unwrap_or(self.sha256)
    }
}

/// Steps by what came of them: titles, in plan order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps {
    /// They came out the same.
    pub same: Vec<String>,
    /// They came out different.
    pub different: Vec<String>,
    /// They weren't done.
    pub not_done: Vec<String>,
}

/// Whether a verification found everything the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It did.
    Passed,
    /// It didn't.
    Failed,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Failed => "FAILED",
        }
    }
}

impl Statement {
    /// The most that the text of a statement may have, in bytes.
    pub const LIMIT: u64 = 16 << 20;

    /// Returns whether everything came out the same.
    pub fn verdict(&self) -> Verdict {
        let is_same = self.steps.different.is_empty()
            && self.steps.not_done.is_empty()
            && self.outputs.values().all(|output| output.rebuilt.is_none());
        if is_same { Verdict::Passed } else { Verdict::Failed }
    }

    /// Returns its text: canonical JSON and a line end.
    pub fn to_text(&self) -> Result<Vec<u8>, JsonError> {
        let statement = json!({
            "_type": TYPE,
            "subject": self.subjects(),
            "predicateType": PREDICATE,
            "predicate": {
                "result": self.verdict().word(),
                "configuration": [self.lock_descriptor(), self.kit_descriptor()],
                "passedTests": self.steps.same,
                "failedTests": self.steps.different,
                "warnedTests": self.steps.not_done,
            },
        });
        let mut text = canonical(&statement)?;
        text.push(b'\n');
        Ok(text)
    }

    fn subjects(&self) -> Vec<Value> {
        let subject = |(name, output): (&String, &Output)| {
            let mut subject = json!({ "name": name, "digest": { "sha256": output.sha256.to_string() } });
            if let Some(rebuilt) = output.rebuilt {
                subject["annotations"] = json!({ "rebuilt": rebuilt.to_string() });
            }
            subject
        };
        if self.outputs.is_empty() {
            return vec![
                json!({ "name": self.lock.path, "digest": { "sha256": self.lock.sha256.to_string() } }),
            ];
        }
        self.outputs.iter().map(subject).collect()
    }

    fn lock_descriptor(&self) -> Value {
        json!({
            "name": self.lock.path,
            "digest": { "sha256": self.lock.sha256.to_string() },
            "annotations": {
                "image": self.image,
                "pin": self.lock.pin.to_string(),
                "epoch": self.lock.epoch,
                "architecture": self.lock.architecture,
            },
        })
    }

    fn kit_descriptor(&self) -> Value {
        let method = &self.method;
        let mut annotations = json!({
            "version": method.version,
            "depth": method.depth,
            "rounds": method.rounds,
            "varied": method.varied,
            "notVaried": method.not_varied,
        });
        let optional = [("only", &method.only), ("verifier", &self.verifier)];
        for (key, value) in optional {
            if let Some(value) = value {
                annotations[key] = json!(value);
            }
        }
        json!({ "name": KIT, "uri": format!("pkg:generic/kit@{}", method.version), "annotations": annotations })
    }
}

#[cfg(test)]
pub(crate) mod tests;
