//! Under which licences the components of an image are, with the texts that go along.
//!
//! Nothing is guessed: what a package says of itself is translated by tables, and what the tables don't have becomes a `LicenseRef-…` with
//! its text taken over. What a text for people says in the usual words is concluded from it, and told from what is declared.
//!
//! | module | what |
//! |---|---|
//! | `debian` | the `copyright` file of a Debian package |
//! | `paragraphs` | the machine-readable form of such a file |
//! | `prose` | such a file that is for people |
//! | `names` | Debian's short names, as SPDX has them |
//! | `crates` | what the `Cargo.toml` of a crate says |
//! | `texts` | the files `LICENSE`, `COPYING` and their like |
//! | `findings` | what an audit finds about licences |
//! | `conflict` | licences that don't go together in one program |

mod conflict;
mod crates;
mod debian;
mod findings;
mod names;
mod paragraphs;
mod prose;
mod texts;

use std::collections::BTreeSet;

use kit_tree::{Blobs, Tree, TreePath};
use spdx::{Expression, LicenseItem, ParseMode};

pub use self::findings::{CONFLICT, INVALID, KINDS, TEXT_MISSING, UNKNOWN, findings};

/// What a component may be used under.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Licence {
    expression: Option<String>,
    concluded: Option<String>,
    texts: Vec<LicenceText>,
    problems: Vec<LicenceProblem>,
}

/// A text of a licence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenceText {
    /// The `LicenseRef-…` that it is the text of, or else the name of its file.
    pub name: String,
    /// Where it is in the tree of its component.
    pub path: TreePath,
    /// The text.
    pub text: String,
}

/// What is wrong with what a component says of its licence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum LicenceProblem {
    /// Nothing says what it is.
    #[error("nothing states its licence")]
    Unstated,
    /// The file that would say it isn't there.
    #[error("it has no `{0}`")]
    NoFile(TreePath),
    /// The file that would say it is a link to one that isn't in its tree: another package's.
    #[error("its licence is in `{0}`, which is another package's")]
    Elsewhere(TreePath),
    /// The file says it in prose, of which not all is understood.
    #[error("`{path}` states the licence for people only: line {line} isn't understood{}", also(said))]
    NotMachineReadable {
        /// The file.
        path: TreePath,
        /// The first line that isn't understood.
        line: usize,
        /// What is said besides, as an SPDX expression; empty where that is nothing.
        said: String,
    },
    /// The file can't be read.
    #[error("`{path}` can't be read: {reason}")]
    Unreadable {
        /// The file.
        path: TreePath,
        /// Why.
        reason: String,
    },
    /// The file isn't UTF-8; what isn't was replaced.
    #[error("`{0}` is not UTF-8")]
    NotUtf8(TreePath),
    /// What is stated is no SPDX expression.
    #[error("`{stated}` is no SPDX expression: {reason}")]
    Invalid {
        /// As it is written.
        stated: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A text that has to go along isn't there.
    #[error("the text of `{0}` is missing")]
    TextMissing(String),
}

fn also(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!("; it says `{said}` besides") }
}

impl Licence {
    /// Returns the licence as an SPDX expression, which is valid: what was concluded, else what is declared; none where nothing is known.
    pub fn expression(&self) -> Option<&str> {
        self.concluded().or(self.declared())
    }

    /// Returns what the component itself declares, as an SPDX expression.
    pub fn declared(&self) -> Option<&str> {
        self.expression.as_deref()
    }

    /// Returns what was concluded from a text that declares it for people, as an SPDX expression.
    pub fn concluded(&self) -> Option<&str> {
        self.concluded.as_deref()
    }

    /// Returns the texts: those of each `LicenseRef-…`, and the files that come along.
    pub fn texts(&self) -> &[LicenceText] {
        &self.texts
    }

    /// Returns what is wrong.
    pub fn problems(&self) -> &[LicenceProblem] {
        &self.problems
    }

    /// Returns the text of a `LicenseRef-…`.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|text| text.name == name).map(|text| text.text.as_str())
    }

    /// Takes what a recipe states.
    pub fn of_recipe(stated: Option<&str>) -> Self {
        let mut licence = Self::default();
        match stated.map(check) {
            None => licence.problems.push(LicenceProblem::Unstated),
            Some(Ok(expression)) => licence.expression = Some(expression),
            Some(Err(problem)) => licence.problems.push(problem),
        }
        licence
    }

    /// Takes what a recipe states of sources, with the texts that these have.
    pub fn of_sources(stated: Option<&str>, tree: &Tree, blobs: &dyn Blobs) -> Self {
        let mut licence = Self::of_recipe(stated);
        licence.add_texts(tree, blobs);
        licence
    }

    /// Adds the texts of a tree; where there is none, that is a problem of every licence that is known.
    fn add_texts(&mut self, tree: &Tree, blobs: &dyn Blobs) {
        let (texts, problems) = texts::of_tree(tree, blobs);
        self.problems.extend(problems);
        if texts.is_empty()
            && let Some(expression) = &self.expression
        {
            self.problems.push(LicenceProblem::TextMissing(expression.clone()));
        }
        self.texts.extend(texts);
    }
}

/// Checks an expression as the specification has it; what refers to another document has no meaning here.
fn check(stated: &str) -> Result<String, LicenceProblem> {
    let invalid = |reason: String| LicenceProblem::Invalid { stated: stated.to_owned(), reason };
    let parsed = Expression::parse_mode(stated, ParseMode::STRICT)
        .map_err(|error| invalid(error.reason.to_string()))?;
    for requirement in parsed.requirements() {
        let refers = match &requirement.req.license {
            LicenseItem::Other(other) => other.doc_ref.is_some(),
            LicenseItem::Spdx { .. } => false,
        };
        if refers || matches!(requirement.req.addition, Some(spdx::AdditionItem::Other(_))) {
            return Err(invalid("it refers to another document".to_owned()));
        }
    }
    // Operators may be in any case, but not every reader knows that.
    let operator =
        |word: &str| ["AND", "OR", "WITH"].into_iter().find(|operator| operator.eq_ignore_ascii_case(word));
    let written = |(word, rest): (&str, &str)| operator(word).unwrap_or(word).to_owned() + rest;
    Ok(words(stated.trim()).map(written).collect())
}

/// Returns each `LicenseRef-…` of an expression.
pub(crate) fn references(expression: &str) -> BTreeSet<&str> {
    words(expression).filter(|(word, _)| word.starts_with("LicenseRef-")).map(|(word, _)| word).collect()
}

/// Replaces each `LicenseRef-…` of an expression.
pub(crate) fn with_references(expression: &str, name: impl Fn(&str) -> String) -> String {
    let replaced = |(word, rest): (&str, &str)| {
        let word = if word.starts_with("LicenseRef-") { name(word) } else { word.to_owned() };
        word + rest
    };
    words(expression).map(replaced).collect()
}

/// Splits an expression into words of the characters that a `LicenseRef-…` may have, each with what follows it.
fn words(expression: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let mut left = expression;
    std::iter::from_fn(move || {
        if left.is_empty() {
            return None;
        }
        let end = left.find(|c| !is_part(c)).unwrap_or(left.len());
        let next = left[end..].find(is_part).map_or(left.len(), |at| end + at);
        let found = (&left[..end], &left[end..next]);
        left = &left[next..];
        Some(found)
    })
}

/// Makes the name of a reference of what people call a licence.
fn reference(kind: &str, name: &str) -> String {
    let mut part = String::new();
    for word in name.split_whitespace() {
        let (word, later) = word.strip_suffix('+').map_or((word, ""), |word| (word, "-or-later"));
        for c in word.chars().chain(later.chars()) {
            let is_plain = c.is_ascii_alphanumeric() || c == '.';
            if is_plain || !part.ends_with('-') {
                part.push(if is_plain { c } else { '-' });
            }
        }
        if !part.ends_with('-') {
            part.push('-');
        }
        if part.len() >= REFERENCE {
            break;
        }
    }
    part.truncate(REFERENCE);
    match part.trim_matches('-') {
        "" => format!("LicenseRef-{kind}-unnamed"),
        part => format!("LicenseRef-{kind}-{part}"),
    }
}

/// The most characters of a name in a reference.
const REFERENCE: usize = 64;

#[cfg(test)]
mod tests;
