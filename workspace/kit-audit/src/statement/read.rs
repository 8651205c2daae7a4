//! Reads statements back, strictly: those of others are refused, not guessed at.

use std::collections::{BTreeMap, BTreeSet};

use kit_hash::{PinId, Sha256};
use serde::Deserialize;
use serde_json::Value;

use super::{KIT, LockFile, Method, Output, PREDICATE, Statement, Steps, TYPE, Verdict};

/// Why a text is no statement of kit.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// It isn't JSON.
    #[error("it is no JSON")]
    Json(#[source] serde_json::Error),
    /// It isn't a statement, or one of another kind.
    #[error("its {field} is {found}, not `{expected}`")]
    Foreign {
        /// The field that says what it is.
        field: &'static str,
        /// What it says.
        found: String,
        /// What it has to say.
        expected: &'static str,
    },
    /// Another program's, or damaged.
    #[error("it is no statement that kit wrote")]
    NotKit(#[source] serde_json::Error),
    /// Its parts contradict each other.
    #[error("it contradicts itself: {reason}")]
    Contradiction {
        /// In what.
        reason: String,
    },
}

#[derive(Deserialize)]
struct Whole {
    subject: Vec<Descriptor<SubjectNotes>>,
    predicate: Predicate,
}

#[derive(Deserialize)]
struct Descriptor<Notes> {
    name: String,
    digest: BTreeMap<String, String>,
    annotations: Option<Notes>,
}

#[derive(Deserialize)]
struct SubjectNotes {
    rebuilt: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    result: String,
    configuration: (Descriptor<LockNotes>, Kit),
    passed_tests: Vec<String>,
    failed_tests: Vec<String>,
    warned_tests: Vec<String>,
}

#[derive(Deserialize)]
struct LockNotes {
    image: String,
    pin: String,
    epoch: u64,
    architecture: String,
}

#[derive(Deserialize)]
struct Kit {
    name: String,
    annotations: KitNotes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KitNotes {
    version: String,
    depth: String,
    rounds: u32,
    varied: BTreeSet<String>,
    not_varied: BTreeMap<String, String>,
    only: Option<String>,
    verifier: Option<String>,
}

impl Statement {
    /// Reads a statement that kit wrote.
    pub fn parse(text: &[u8]) -> Result<Self, StatementError> {
        let value: Value = serde_json::from_slice(text).map_err(StatementError::Json)?;
        for (field, expected) in [("_type", TYPE), ("predicateType", PREDICATE)] {
            if value[field] != expected {
                let found =
                    value[field].as_str().map_or_else(|| "missing".to_owned(), |found| format!("`{found}`"));
                return Err(StatementError::Foreign { field, found, expected });
            }
        }
        let whole: Whole = serde_json::from_value(value).map_err(StatementError::NotKit)?;
        statement(whole)
    }
}

fn statement(whole: Whole) -> Result<Statement, StatementError> {
    let (lock, kit) = whole.predicate.configuration;
    if kit.name != KIT {
        let found = format!("`{}`", kit.name);
        return Err(StatementError::Foreign { field: "second configuration", found, expected: KIT });
    }
    let lock_sha256 = digest(&lock.name, &lock.digest)?;
    let notes = lock.annotations.ok_or_else(|| contradiction("its lockfile has no annotations"))?;
    let pin: PinId = notes.pin.parse().map_err(|_| contradiction(format!("`{}` is no pin", notes.pin)))?;
    let mut outputs = BTreeMap::new();
    for subject in whole.subject {
        let sha256 = digest(&subject.name, &subject.digest)?;
        if subject.name == lock.name && sha256 == lock_sha256 {
            continue;
        }
        let rebuilt = subject.annotations.and_then(|notes| notes.rebuilt);
        let rebuilt = rebuilt.map(|text| parse_sha256(&subject.name, &text)).transpose()?;
        if outputs.insert(subject.name.clone(), Output { sha256, rebuilt }).is_some() {
            return Err(contradiction(format!("`{}` is there twice", subject.name)));
        }
    }
    let statement = Statement {
        image: notes.image,
        lock: LockFile {
            path: lock.name,
            sha256: lock_sha256,
            pin,
            epoch: notes.epoch,
            architecture: notes.architecture,
        },
        method: Method {
            version: kit.annotations.version,
            depth: kit.annotations.depth,
            only: kit.annotations.only,
            rounds: kit.annotations.rounds,
            varied: kit.annotations.varied,
            not_varied: kit.annotations.not_varied,
        },
        verifier: kit.annotations.verifier,
        outputs,
        steps: Steps {
            same: whole.predicate.passed_tests,
            different: whole.predicate.failed_tests,
            not_done: whole.predicate.warned_tests,
        },
    };
    let verdict: Verdict = statement.verdict();
    if whole.predicate.result != verdict.word() {
        let reason =
            format!("the result is `{}`, what it lists says {}", whole.predicate.result, verdict.word());
        return Err(contradiction(reason));
    }
    Ok(statement)
}

fn digest(name: &str, digests: &BTreeMap<String, String>) -> Result<Sha256, StatementError> {
    let text = digests.get("sha256").ok_or_else(|| contradiction(format!("`{name}` has no sha256")))?;
    parse_sha256(name, text)
}

fn parse_sha256(name: &str, text: &str) -> Result<Sha256, StatementError> {
    text.parse().map_err(|_| contradiction(format!("the sha256 of `{name}` is no digest")))
}

fn contradiction(reason: impl Into<String>) -> StatementError {
    StatementError::Contradiction { reason: reason.into() }
}
