//! Who agrees on what: the statements of several verifiers about one image.

use std::collections::{BTreeMap, BTreeSet};

use kit_hash::{PinId, Sha256};

use crate::statement::{Statement, Verdict};

/// What the verifiers of an image say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorum {
    /// The image.
    pub image: String,
    /// How many have to agree.
    pub needed: usize,
    /// All who said something.
    pub verifiers: BTreeSet<String>,
    /// Those who found something different, or not the same in two statements of theirs.
    pub doubtful: BTreeMap<String, Doubt>,
    /// The pins and every output: which value which verifiers came to.
    pub rows: Vec<Row>,
    /// The largest groups whose members found all the same, and the same as each other.
    pub agreeing: Vec<BTreeSet<String>>,
}

/// Why a verifier counts for nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// A rebuild of theirs came out different.
    Failed,
    /// Two statements of theirs contradict each other.
    Contradiction,
}

/// One thing that verifiers can agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The name of an output, or `pins`.
    pub what: String,
    /// Who came to which value.
    pub values: BTreeMap<String, BTreeSet<String>>,
    /// Who says nothing of it.
    pub missing: BTreeSet<String>,
}

impl Row {
    /// The name of the row of the lockfile's pins.
    pub const PINS: &str = "pins";
}

/// Why statements can't be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuorumError {
    /// A statement doesn't say whose it is.
    #[error("`{file}` names no verifier")]
    Nameless {
        /// Where it was read.
        file: String,
    },
    /// A statement covers no output.
    #[error("`{file}` is about no output")]
    NoOutputs {
        /// Where it was read.
        file: String,
    },
    /// Statements about two images.
    #[error("`{file}` is about image `{found}`, `{first}` about `{expected}`")]
    Images {
        /// Where it was read.
        file: String,
        /// Its image.
        found: String,
        /// The first statement.
        first: String,
        /// The first statement's image.
        expected: String,
    },
}

/// What a verifier says, as far as others have to agree with it.
type Claim = (PinId, BTreeMap<String, Sha256>);

/// Compares statements, each with the name of its file; there is at least one.
pub fn quorum(needed: usize, statements: &[(String, Statement)]) -> Result<Quorum, Vec<QuorumError>> {
    let problems = problems(statements);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut claims: BTreeMap<String, BTreeSet<Claim>> = BTreeMap::new();
    let mut doubtful = BTreeMap::new();
    let mut image = String::new();
    for (_, statement) in statements {
        let verifier = statement.verifier.clone().unwrap_or_default();
        let found = statement.outputs.iter().map(|(name, output)| (name.clone(), output.found()));
        claims.entry(verifier.clone()).or_default().insert((statement.lock.pin, found.collect()));
        if statement.verdict() == Verdict::Failed {
            doubtful.insert(verifier, Doubt::Failed);
        }
        image.clone_from(&statement.image);
    }
    for (verifier, _) in claims.iter().filter(|(_, claims)| claims.len() > 1) {
        doubtful.insert(verifier.clone(), Doubt::Contradiction);
    }
    let agreeing = agreeing(&claims, &doubtful);
    let verifiers = claims.keys().cloned().collect();
    let rows = rows(&claims);
    Ok(Quorum { image, needed, verifiers, doubtful, rows, agreeing })
}

fn problems(statements: &[(String, Statement)]) -> Vec<QuorumError> {
    let mut problems = Vec::new();
    for (file, statement) in statements {
        let file = || file.clone();
        if statement.verifier.as_ref().is_none_or(String::is_empty) {
            problems.push(QuorumError::Nameless { file: file() });
        }
        if statement.outputs.is_empty() {
            problems.push(QuorumError::NoOutputs { file: file() });
        }
        if let Some((first, other)) = statements.first().filter(|(_, first)| first.image != statement.image) {
            let (found, expected) = (statement.image.clone(), other.image.clone());
            problems.push(QuorumError::Images { file: file(), found, first: first.clone(), expected });
        }
    }
    problems
}

fn agreeing(
    claims: &BTreeMap<String, BTreeSet<Claim>>,
    doubtful: &BTreeMap<String, Doubt>,
) -> Vec<BTreeSet<String>> {
    let mut groups: BTreeMap<&Claim, BTreeSet<String>> = BTreeMap::new();
    for (verifier, claims) in claims.iter().filter(|(verifier, _)| !doubtful.contains_key(*verifier)) {
        for claim in claims {
            groups.entry(claim).or_default().insert(verifier.clone());
        }
    }
    let largest = groups.values().map(BTreeSet::len).max().unwrap_or(0);
    groups.into_values().filter(|group| group.len() == largest).collect()
}

fn rows(claims: &BTreeMap<String, BTreeSet<Claim>>) -> Vec<Row> {
    let all =
        || claims.iter().flat_map(|(verifier, claims)| claims.iter().map(move |claim| (verifier, claim)));
    let names: BTreeSet<&String> = all().flat_map(|(_, (_, outputs))| outputs.keys()).collect();
    let mut rows = vec![row(Row::PINS, claims, &|(pin, _)| Some(pin.to_string()))];
    rows.extend(
        names
            .into_iter()
            .map(|name| row(name, claims, &|(_, outputs)| outputs.get(name).map(Sha256::to_string))),
    );
    rows
}

fn row(
    what: &str,
    claims: &BTreeMap<String, BTreeSet<Claim>>,
    value: &dyn Fn(&Claim) -> Option<String>,
) -> Row {
    let mut row = Row { what: what.to_owned(), values: BTreeMap::new(), missing: BTreeSet::new() };
    for (verifier, claims) in claims {
        for claim in claims {
            match value(claim) {
                Some(value) => _ = row.values.entry(value).or_default().insert(verifier.clone()),
                None => _ = row.missing.insert(verifier.clone()),
            }
        }
    }
    row
}

impl Quorum {
    /// Whether enough verifiers agree, and no other group of as many on something else.
    pub fn is_reached(&self) -> bool {
        matches!(self.agreeing.as_slice(), [group] if group.len() >= self.needed)
    }

    /// Returns those who agree with most of the others; nobody when two groups are as large.
    pub fn majority(&self) -> BTreeSet<String> {
        match self.agreeing.as_slice() {
            [group] => group.clone(),
            _ => BTreeSet::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::statement::tests::statement;

    use super::*;

    /// What verifiers say who each came to a kernel and found their own rebuild the same, or not.
    fn said(of: &[(&str, &str, bool)]) -> Vec<(String, Statement)> {
        let one = |(number, (verifier, kernel, is_same)): (usize, &(&str, &str, bool))| {
            let mut statement = statement();
            statement.verifier = Some((*verifier).to_owned());
            let output = statement.outputs.get_mut("demo-kernel").unwrap();
            let sha256 = Sha256::of(kernel.as_bytes());
            if *is_same {
                output.sha256 = sha256;
            } else {
                output.rebuilt = Some(sha256);
            }
            (format!("{number}.json"), statement)
        };
        of.iter().enumerate().map(one).collect()
    }

    fn found(needed: usize, of: &[(&str, &str, bool)]) -> Quorum {
        quorum(needed, &said(of)).unwrap()
    }

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn those_who_agree_are_counted_once() {
        let two = found(2, &[("a", "x", true), ("b", "x", true)]);
        assert!(two.is_reached());
        assert_eq!(two.majority(), names(&["a", "b"]));
        assert!(two.rows.iter().all(|row| row.values.len() == 1 && row.missing.is_empty()));
        assert_eq!(
            two.rows.iter().map(|row| row.what.as_str()).collect::<Vec<_>>(),
            ["pins", "demo-initrd.img", "demo-kernel"]
        );
        assert!(!found(3, &[("a", "x", true), ("b", "x", true)]).is_reached());
        assert!(!found(2, &[("a", "x", true), ("a", "x", true)]).is_reached());
    }

    #[test]
    fn those_who_disagree_are_named_by_output() {
        let three = found(2, &[("a", "x", true), ("b", "x", true), ("c", "y", true)]);
        assert!(three.is_reached());
        let kernel = three.rows.last().unwrap();
        assert_eq!(kernel.values[&Sha256::of(b"y").to_string()], names(&["c"]));
        let split = found(2, &[("a", "x", true), ("b", "x", true), ("c", "y", true), ("d", "y", true)]);
        assert!(!split.is_reached(), "as many say something else");
        assert_eq!(split.majority(), names(&[]));
    }

    #[test]
    fn those_in_doubt_count_for_nobody() {
        let failed = found(2, &[("a", "x", true), ("b", "x", false)]);
        assert!(!failed.is_reached());
        assert_eq!(failed.doubtful, BTreeMap::from([("b".to_owned(), Doubt::Failed)]));
        let twice = found(1, &[("a", "x", true), ("a", "y", true)]);
        assert!(!twice.is_reached());
        assert_eq!(twice.doubtful, BTreeMap::from([("a".to_owned(), Doubt::Contradiction)]));
        // Another lock is another thing, though its outputs are the same.
        let mut statements = said(&[("a", "x", true), ("b", "x", true)]);
        statements[1].1.lock.pin = "2".repeat(64).parse().unwrap();
        assert!(!quorum(2, &statements).unwrap().is_reached());
    }

    #[test]
    fn what_cannot_be_compared_is_told_all_at_once() {
        let mut statements = said(&[("a", "x", true), ("", "x", true), ("c", "x", true)]);
        statements[1].1.outputs = BTreeMap::new();
        statements[2].1.image = "other".to_owned();
        let problems: Vec<_> = quorum(2, &statements).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "`1.json` names no verifier",
                "`1.json` is about no output",
                "`2.json` is about image `other`, `0.json` about `demo`"
            ]
        );
    }
}
