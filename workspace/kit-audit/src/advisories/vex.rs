//! `OpenVEX` 0.2.0: what somebody says about vulnerabilities in products.
//!
//! A statement is about a match when it names the vulnerability, or one of its other names, and the package: by a package URL among its
//! products, or as the subcomponent of the image. A statement about the image without subcomponents is about all of it. Of several
//! statements the latest counts; of those at one time the last.

mod judge;
mod read;
mod write;

use std::fmt;

pub use self::judge::{Judged, Verdict, judge};
pub use self::read::{LIMIT, VexError};
pub use self::write::VexWriteError;
use super::Moment;

/// What `OpenVEX` calls the form.
pub(super) const CONTEXT: &str = "https://openvex.dev/ns/v0.2.0";

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its identifier; what is written has one of its content.
    pub id: String,
    /// Who says it.
    pub author: String,
    /// When.
    pub timestamp: Moment,
    /// What.
    pub statements: Vec<Statement>,
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The vulnerability.
    pub vulnerability: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// What it is about; at least one.
    pub products: Vec<Product>,
    /// What is said.
    pub status: Status,
    /// How that was found out.
    pub notes: Option<String>,
    /// When it was said, where that isn't when the document was made.
    pub timestamp: Option<Moment>,
}

/// What a statement is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Product {
    /// Its identifiers: an IRI, package URLs; at least one.
    pub ids: Vec<String>,
    /// Its parts that it is about.
    pub subcomponents: Vec<Vec<String>>,
}

impl Product {
    /// Returns the product with one identifier.
    pub fn of(id: impl Into<String>) -> Self {
        Self { ids: vec![id.into()], subcomponents: Vec::new() }
    }
}

/// What a statement says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The product isn't affected.
    NotAffected {
        /// Why, as a label; what is written has one.
        justification: Option<Justification>,
        /// Why, in words.
        impact: Option<String>,
    },
    /// It is.
    Affected {
        /// What to do.
        action: String,
    },
    /// It isn't any more.
    Fixed,
    /// It isn't known yet.
    UnderInvestigation,
}

impl Status {
    /// Returns `OpenVEX`'s word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NotAffected { .. } => "not_affected",
            Self::Affected { .. } => "affected",
            Self::Fixed => "fixed",
            Self::UnderInvestigation => "under_investigation",
        }
    }
}

/// Why a product isn't affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Justification {
    /// It hasn't the component.
    ComponentNotPresent,
    /// It hasn't the code.
    VulnerableCodeNotPresent,
    /// It never runs the code.
    VulnerableCodeNotInExecutePath,
    /// Nobody can reach the code.
    VulnerableCodeCannotBeControlledByAdversary,
    /// Something else prevents it.
    InlineMitigationsAlreadyExist,
}

impl Justification {
    /// All of them, in `OpenVEX`'s order.
    pub const ALL: [Self; 5] = [
        Self::ComponentNotPresent,
        Self::VulnerableCodeNotPresent,
        Self::VulnerableCodeNotInExecutePath,
        Self::VulnerableCodeCannotBeControlledByAdversary,
        Self::InlineMitigationsAlreadyExist,
    ];

    /// Returns `OpenVEX`'s word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::ComponentNotPresent => "component_not_present",
            Self::VulnerableCodeNotPresent => "vulnerable_code_not_present",
            Self::VulnerableCodeNotInExecutePath => "vulnerable_code_not_in_execute_path",
            Self::VulnerableCodeCannotBeControlledByAdversary => {
                "vulnerable_code_cannot_be_controlled_by_adversary"
            }
            Self::InlineMitigationsAlreadyExist => "inline_mitigations_already_exist",
        }
    }

    /// Reads the word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|justification| justification.word() == word)
    }
}

impl fmt::Display for Justification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests;
