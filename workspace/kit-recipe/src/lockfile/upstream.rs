//! Pins of sources as their authors publish them: what was found, never where.

use std::fmt::{self, Write as _};

use kit_hash::{Encoder, Sha256, SourceId, TreeId};

use crate::git::CommitId;
use crate::written::Quoted;

/// A file from an address in a recipe, or the archive of a commit of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePin {
    /// What the recipe asked for.
    pub source: SourceId,
    /// The file's name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Digest of the file.
    pub sha256: Sha256,
    /// The commit whose files it has; none for a file that is published as it is.
    pub commit: Option<CommitId>,
    /// Its unpacked tree (a result): with it, an archive that was only compressed anew is told from one with other files.
    pub tree: Option<TreeId>,
}

impl FilePin {
    pub(super) fn encode(&self, to: &mut Encoder) {
        to.id(&self.source).str(&self.name).u64(self.size).sha256(&self.sha256);
        if let Some(commit) = &self.commit {
            to.str(commit.as_str());
        }
    }

    pub(super) fn write(&self, key: &str, to: &mut String) -> fmt::Result {
        let Self { source, name, size, sha256, commit, tree } = self;
        write!(to, "{} = {{ source = \"{source}\", name = {}, ", Quoted(key), Quoted(name))?;
        write!(to, "size = {size}, sha256 = \"{sha256}\"")?;
        if let Some(commit) = commit {
            write!(to, ", commit = \"{commit}\"")?;
        }
        write_tree(tree.as_ref(), to)
    }
}

fn write_tree(tree: Option<&TreeId>, to: &mut String) -> fmt::Result {
    if let Some(tree) = tree {
        write!(to, ", tree = \"{tree}\"")?;
    }
    writeln!(to, " }}")
}
