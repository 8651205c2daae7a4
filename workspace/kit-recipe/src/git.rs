//! Sources from git repositories: the files of one commit.

use std::fmt;
use std::str::FromStr;

use kit_hash::Encoder;

use crate::Spanned;

/// `git = "https://…"` with `tag`, `branch` or `commit`: the files of a commit, as they are in the repository.
///
/// Where it can be had is no part of what a commit is: with `commit`, the addresses count for nothing. A tag or a branch is
/// whatever its address says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitSource {
    /// The address that is asked first.
    pub git: Spanned<String>,
    /// Addresses of the same repository, asked after it.
    pub mirrors: Vec<Spanned<String>>,
    /// Which commit.
    pub revision: Spanned<Revision>,
    /// What becomes of other repositories inside.
    pub submodules: Submodules,
}

/// What says which commit is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revision {
    /// `commit = "…"`: the recipe itself.
    Commit(CommitId),
    /// `tag = "v1.0"`: the repository, when it is locked.
    Tag(String),
    /// `branch = "main"`: the repository, when it is locked.
    Branch(String),
}

/// A commit: 40 hexadecimal digits, or 64 in a repository that uses SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommitId(String);

/// What becomes of other repositories that a commit refers to; kit never fetches them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submodules {
    /// A commit that has any is refused.
    Refused,
    /// `submodules = "empty"`: each is an empty directory.
    Empty,
}

/// Not the name of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a commit is named by 40 or 64 hexadecimal digits in lower case")]
pub struct CommitIdError;

impl FromStr for CommitId {
    type Err = CommitIdError;

    fn from_str(text: &str) -> Result<Self, CommitIdError> {
        let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if digits && matches!(text.len(), 40 | 64) { Ok(Self(text.to_owned())) } else { Err(CommitIdError) }
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl CommitId {
    /// Returns all of its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first digits, for people and file names.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl Revision {
    /// Returns the commit, where the recipe names it.
    pub fn commit(&self) -> Option<&CommitId> {
        match self {
            Self::Commit(commit) => Some(commit),
            Self::Tag(_) | Self::Branch(_) => None,
        }
    }

    /// Returns the reference of the repository that says which commit it is.
    pub fn reference(&self) -> Option<String> {
        match self {
            Self::Commit(_) => None,
            Self::Tag(name) => Some(format!("refs/tags/{name}")),
            Self::Branch(name) => Some(format!("refs/heads/{name}")),
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commit(commit) => write!(f, "commit {commit}"),
            Self::Tag(name) => write!(f, "tag {name}"),
            Self::Branch(name) => write!(f, "branch {name}"),
        }
    }
}

impl GitSource {
    /// Returns all addresses, in the order in which they are asked.
    pub fn addresses(&self) -> Vec<String> {
        std::iter::once(&self.git).chain(&self.mirrors).map(|address| address.value.clone()).collect()
    }

    pub(crate) fn encode(&self, to: &mut Encoder) {
        match &self.revision.value {
            Revision::Commit(commit) => to.variant(1).str(commit.as_str()),
            Revision::Tag(name) => to.variant(2).str(name).str(&self.git),
            Revision::Branch(name) => to.variant(3).str(name).str(&self.git),
        };
        to.variant(match self.submodules {
            Submodules::Refused => 1,
            Submodules::Empty => 2,
        });
    }
}
