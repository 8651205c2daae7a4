//! Statements that name a licence of GNU with its version: with what follows them, and whether later versions are meant.

use super::super::names;
use super::pattern::Pattern;
use super::words::Word;

/// The families, by the words that name them.
const FAMILIES: [(&str, &str); 5] = [
    ("gnu general public license|licence ?gpl", "gpl"),
    ("gnu lesser|library general public license|licence ?lgpl", "lgpl"),
    ("gnu library or lesser general public license|licence ?lgpl", "lgpl"),
    ("gnu affero general public license|licence ?agpl", "agpl"),
    ("gnu free documentation license|licence ?gfdl|fdl", "gfdl"),
];
/// What makes a document one without parts that can't be changed.
const NO_INVARIANTS: &str = "?published ?by ?the ?free ?software ?foundation with no invariant sections";
/// What may stand between the name and the version.
const BETWEEN: &str = "?as ?published ?by ?the ?free ?software ?foundation ?inc ?either ?in ?its";
/// What says that later versions are meant.
const LATER: [&str; 5] = [
    "?of ?the ?license|licence or at your option any later version",
    "?of ?the ?license|licence or any later version",
    "?of ?the ?license|licence or at your choice any later version",
    "?of ?the ?license|licence or newer|later",
    "and any later version",
];
/// What ends a statement without later versions.
const ONLY: &str =
    "?only ?of ?the ?license|licence ?only ?as ?published ?by ?the ?free ?software ?foundation";

/// A licence with its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    /// As an SPDX expression.
    pub(super) licence: String,
    /// How many words it takes.
    pub(super) length: usize,
    /// Whether it is a name and a number alone, such as a heading has them.
    pub(super) is_mention: bool,
}

/// Whether a statement can begin with a word.
pub(super) fn begins(word: &str) -> bool {
    ["gnu", "gpl", "lgpl", "agpl", "apache-2.0"].iter().any(|start| word.starts_with(start))
}

/// Returns the licence that a text states at its start; none where no version is named.
pub(super) fn statement(words: &[Word]) -> Option<Statement> {
    short(words).or_else(|| long(words))
}

/// Reads a short name with a version: `LGPLv2.1+`, and the one that isn't of GNU and that no text uses otherwise.
fn short(words: &[Word]) -> Option<Statement> {
    let word = words.first()?.text.as_str();
    let is_gnu = ["gpl", "lgpl", "agpl"].iter().any(|family| word.starts_with(family));
    if word != "apache-2.0" && !is_gnu || !word.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let licence = names::licence(word)?;
    Some(Statement { licence, length: 1, is_mention: false })
}

fn long(words: &[Word]) -> Option<Statement> {
    if words.first()?.text != "gnu" {
        return None;
    }
    let (family, mut at) =
        FAMILIES.iter().find_map(|(name, family)| Some((*family, Pattern::new(name).end(words)?)))?;
    at += Pattern::new(BETWEEN).end(words.get(at..)?)?;
    let word = |at: usize| words.get(at).map_or("", |word| word.text.as_str());
    let is_named = matches!(word(at), "version" | "v" | "v.");
    let version = match word(at) {
        "version" | "v" | "v." => {
            at += 2;
            word(at - 1)
        }
        other => {
            at += 1;
            other.strip_prefix("v.").or_else(|| other.strip_prefix('v')).unwrap_or(other)
        }
    };
    let (version, plus) = version.strip_suffix('+').map_or((version, ""), |version| (version, "+"));
    if !version.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let rest = words.get(at..)?;
    let later = LATER.iter().find_map(|pattern| Pattern::new(pattern).end(rest));
    let length = later.or_else(|| Pattern::new(ONLY).end(rest)).unwrap_or_default();
    at += length;
    let is_mention = !is_named && later.is_none() && plus.is_empty();
    let plus = if later.is_some() { "+" } else { plus };
    let invariants = words.get(at..).and_then(|rest| Pattern::new(NO_INVARIANTS).end(rest));
    let family = match invariants.filter(|_| family == "gfdl") {
        Some(length) => {
            at += length;
            "gfdl-niv"
        }
        None => family,
    };
    let licence = names::licence(&format!("{family}-{version}{plus}"))?;
    Some(Statement { licence, length: at, is_mention })
}
