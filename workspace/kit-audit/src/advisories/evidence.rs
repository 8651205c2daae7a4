//! Proves from what an image has that it hasn't the vulnerable code, and proposes to say so: VEX from evidence.
//!
//! An advisory tells where its code is only in its text, so this is careful: only what a text starts with counts, only in the words of a
//! table ([`linux`], [`programs`]), and only what is known of the image proves anything. Where something isn't known, or could be
//! otherwise, nothing is proposed.
//!
//! | advisory | proof that the code isn't there |
//! |---|---|
//! | of `linux`, about a driver or a file system of the table | none of the options that build it is set; or they are set to `m`, and none of its modules is in the image |
//! | of `linux` | no kernel is in the image, and of that source only packages of headers |
//! | of another source, about a program of the table | no file of the image has the program's name |

pub mod linux;
pub mod programs;

use std::collections::{BTreeMap, BTreeSet};

use super::matching::{Match, Origin};
use super::purl::Purl;
use super::vex::{Justification, Product, Statement, Status};

/// What is known of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shipped {
    /// The paths of all its files, from `/`.
    pub files: BTreeSet<String>,
    /// Its kernel.
    pub kernel: Kernel,
}

/// What is known of the kernel of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Kernel {
    /// Nothing.
    #[default]
    Unknown,
    /// There is none.
    Missing,
    /// It is this one.
    Known {
        /// All options that are set, without `CONFIG_`.
        options: BTreeMap<String, Setting>,
        /// The names of all modules in the image, without `.ko` and what follows.
        modules: BTreeSet<String>,
    },
}

/// How an option of the kernel is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// `m`.
    Module,
    /// `y`, or a number or a text.
    BuiltIn,
}

impl Shipped {
    /// Returns a file whose path ends with this.
    pub fn file(&self, ending: &str) -> Option<&str> {
        self.files.iter().map(String::as_str).find(|path| path.ends_with(ending))
    }
}

/// A statement that can be made of a match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The vulnerability.
    pub id: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// The package URL of what has it.
    pub purl: String,
    /// Why it doesn't matter.
    pub justification: Justification,
    /// The proof, in words.
    pub proof: String,
}

impl Proposal {
    /// Returns it as a statement about the package in an image, or about the package alone.
    pub fn statement(&self, image: Option<&str>) -> Statement {
        let product = match image {
            None => Product::of(&self.purl),
            Some(image) => {
                Product { ids: vec![image.to_owned()], subcomponents: vec![vec![self.purl.clone()]] }
            }
        };
        Statement {
            vulnerability: self.id.clone(),
            aliases: self.aliases.clone(),
            products: vec![product],
            status: Status::NotAffected {
                justification: Some(self.justification),
                impact: Some(self.proof.clone()),
            },
            notes: None,
            timestamp: None,
        }
    }
}

/// Proposes to say that an image isn't affected, where what it has proves it.
pub fn propose(found: &Match, shipped: &Shipped) -> Option<Proposal> {
    let Origin::Debian(_) = found.installed.origin else { return None };
    let proof = match found.installed.known_as().0 {
        linux::SOURCE => linux::proof(found, &shipped.kernel),
        source => programs::proof(source, &found.summary, shipped),
    };
    Some(Proposal {
        id: found.id.clone(),
        aliases: found.aliases.iter().cloned().collect(),
        purl: Purl::of(&found.installed),
        justification: Justification::VulnerableCodeNotPresent,
        proof: proof?,
    })
}

#[cfg(test)]
mod tests;
