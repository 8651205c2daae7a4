//! What an image is made of, as others read it: SPDX 2.3, SPDX 3.0.1 and `CycloneDX` 1.6, all in JSON.
//!
//! There are two documents in each format: [`Scope::Shipped`] has what is in the image (the components with files in it, every file under
//! the one component that it belongs to, and what those components were made of), [`Scope::Build`] what took part in making it and left
//! nothing there. Both are canonical JSON: the same inventory gives the same bytes, in any place and at any time. Their names are UUIDs of
//! version 5 of the document itself, and every time is the source date.
//!
//! A file is a regular file, once, at its first name; its other names (hard links) are told beside it. Directories, symbolic links,
//! devices and pipes have owners too, but no format has a place for them, so they aren't listed. Paths are UTF-8 as they are; one that isn't
//! has `\xNN` for each byte that is none, and for spaces and backslashes.
//!
//! | module | what |
//! |---|---|
//! | [`spdx2`] | SPDX 2.3 |
//! | [`spdx3`] | SPDX 3.0.1, JSON-LD |
//! | [`cyclonedx`] | `CycloneDX` 1.6 |
//! | `outline` | what all of them say: the components, relations and files of a document |
//! | `references` | the licences that SPDX doesn't list, each with one text |
//! | `write` | canonical JSON without a tree of values in between |

pub mod cyclonedx;
mod outline;
mod references;
pub mod spdx2;
pub mod spdx3;
pub(crate) mod write;

use std::collections::BTreeMap;
use std::fmt;

use kit_hash::{BlobId, Sha256};

use crate::inventory::{ComponentId, Inventory};
use crate::licence::Licence;

/// Which of the two documents about an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// What is in the image, and what that was made of.
    Shipped,
    /// What it was made with.
    Build,
}

impl Scope {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Shipped, Self::Build];

    /// Returns the word for it, also in file names.
    pub fn word(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::Build => "build",
        }
    }
}

/// The digests of a file that documents name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileDigests {
    /// SHA-1: SPDX 2.3 doesn't do without.
    pub sha1: [u8; 20],
    /// SHA-256.
    pub sha256: Sha256,
}

/// What is known of the kernel of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelFacts {
    /// Its release, such as `6.1.0-28-amd64`.
    pub release: String,
    /// The digest of the configuration that it was built with.
    pub config_sha256: Sha256,
}

/// Gives the digests of a file's content; none where they aren't known.
pub type DigestsOf<'a> = &'a dyn Fn(&BlobId) -> Option<FileDigests>;

/// What documents are made from.
#[derive(Clone, Copy)]
pub struct SbomInputs<'a> {
    /// What the image is made of.
    pub inventory: &'a Inventory,
    /// The licences of its components; of one that isn't there, nothing is claimed.
    pub licences: &'a BTreeMap<ComponentId, Licence>,
    /// The digests of its files.
    pub digests: DigestsOf<'a>,
    /// The kernel, where it has one.
    pub kernel: Option<&'a KernelFacts>,
    /// The version of kit.
    pub version: &'a str,
}

impl fmt::Debug for SbomInputs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SbomInputs").field("image", &self.inventory.image).finish_non_exhaustive()
    }
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum SbomError {
    /// A file is of a component that isn't in the image.
    #[error("`{path}` belongs to `{owner}`, which isn't in the image")]
    Owner {
        /// The file.
        path: String,
        /// What it is said to belong to.
        owner: String,
    },
    /// The digests of a file aren't known.
    #[error("the digests of `{path}` aren't known")]
    Digests {
        /// The file.
        path: String,
    },
    /// The inventory has no component for the image itself.
    #[error("the inventory has no image `{image}`")]
    NoImage {
        /// The image.
        image: String,
    },
    /// The document doesn't serialise.
    #[error("the document can't be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// A format of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SbomFormat {
    /// SPDX 2.3.
    Spdx2,
    /// SPDX 3.0.1.
    Spdx3,
    /// `CycloneDX` 1.6.
    CycloneDx,
}

impl SbomFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Spdx2, Self::Spdx3, Self::CycloneDx];

    /// Returns the word that names it on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Spdx2 => "spdx-2.3",
            Self::Spdx3 => "spdx-3.0",
            Self::CycloneDx => "cyclonedx-1.6",
        }
    }

    /// Reads the word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.word() == word)
    }

    /// Returns how the names of such files end, as their readers expect it.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Spdx2 => "spdx.json",
            Self::Spdx3 => "spdx3.json",
            Self::CycloneDx => "cdx.json",
        }
    }

    /// Writes a document.
    pub fn write(self, inputs: SbomInputs<'_>, scope: Scope) -> Result<Vec<u8>, SbomError> {
        match self {
            Self::Spdx2 => spdx2::write(inputs, scope),
            Self::Spdx3 => spdx3::write(inputs, scope),
            Self::CycloneDx => cyclonedx::write(inputs, scope),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
