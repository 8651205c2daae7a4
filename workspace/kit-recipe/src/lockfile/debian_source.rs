//! A Debian source package, as a lockfile pins it.

use std::fmt;
use std::str::FromStr;

use kit_hash::{Encoder, Sha256, TreeId};

use crate::written::{Key, Quoted};

/// The files of a Debian source package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebianSource {
    /// Source package.
    pub name: String,
    /// Version as the archive writes it.
    pub version: String,
    /// Suite that proves it.
    pub suite: String,
    /// Directory of its files in the archive, relative to whichever mirror.
    pub directory: String,
    /// Its files, the description first, then in the order in which they are put together.
    pub files: Vec<SourceFile>,
}

/// One file of a Debian source package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// What it is.
    pub part: SourcePart,
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Digest.
    pub sha256: Sha256,
    /// Its unpacked tree, of an archive (a result).
    pub tree: Option<TreeId>,
}

/// What a file of a Debian source package is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourcePart {
    /// `dsc`: the description.
    Description,
    /// `orig`: the sources of upstream, or of a native package.
    Original,
    /// `orig-NAME`: sources of upstream for the directory of that name.
    Component(String),
    /// `debian`: what lies in the directory of that name.
    Debian,
    /// `diff`: what Debian changed, as one patch.
    Difference,
}

impl SourcePart {
    /// Whether it is an archive, which has a tree.
    pub fn is_archive(&self) -> bool {
        match self {
            Self::Description | Self::Difference => false,
            Self::Original | Self::Component(_) | Self::Debian => true,
        }
    }
}

impl fmt::Display for SourcePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Description => f.write_str("dsc"),
            Self::Original => f.write_str("orig"),
            Self::Component(name) => write!(f, "orig-{name}"),
            Self::Debian => f.write_str("debian"),
            Self::Difference => f.write_str("diff"),
        }
    }
}

impl FromStr for SourcePart {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let plain = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        Ok(match text {
            "dsc" => Self::Description,
            "orig" => Self::Original,
            "debian" => Self::Debian,
            "diff" => Self::Difference,
            other => match other.strip_prefix("orig-") {
                Some(name) if !name.is_empty() && plain(name) => Self::Component(name.to_owned()),
                _ => return Err(()),
            },
        })
    }
}

impl DebianSource {
    /// Writes what is pinned: name, version, suite, directory, files (part, name, size, SHA-256).
    pub(super) fn encode(&self, to: &mut Encoder) {
        let Self { name, version, suite, directory, files } = self;
        to.str(name).str(version).str(suite).str(directory);
        to.list(files, |to, file| {
            to.str(&file.part.to_string()).str(&file.name).u64(file.size).sha256(&file.sha256);
        });
    }

    /// Writes the section of a source, called `key`.
    pub(super) fn write(&self, key: &str, to: &mut dyn fmt::Write) -> fmt::Result {
        writeln!(to, "[debian-sources.{}]", Key(key))?;
        writeln!(to, "name = {}", Quoted(&self.name))?;
        writeln!(to, "version = {}", Quoted(&self.version))?;
        writeln!(to, "suite = {}", Quoted(&self.suite))?;
        writeln!(to, "path = {}", Quoted(&self.directory))?;
        writeln!(to, "files = [")?;
        for SourceFile { part, name, size, sha256, tree } in &self.files {
            write!(to, "  {{ part = {}, name = {}, ", Quoted(&part.to_string()), Quoted(name))?;
            write!(to, "size = {size}, sha256 = \"{sha256}\"")?;
            if let Some(tree) = tree {
                write!(to, ", tree = \"{tree}\"")?;
            }
            writeln!(to, " }},")?;
        }
        writeln!(to, "]")
    }
}
