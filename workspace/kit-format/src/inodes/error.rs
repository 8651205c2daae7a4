//! Why what an inode says is refused.

use std::io;

use kit_tree::{PathError, TreePath};

use crate::limits::LimitError;

/// Why an entry of a file system is refused.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// It contradicts itself.
    #[error("`{path}` is damaged: {what}")]
    Damaged {
        /// The entry.
        path: TreePath,
        /// What is wrong.
        what: &'static str,
    },
    /// It goes over a limit.
    #[error("`{path}` is too much")]
    Limit {
        /// The entry.
        path: TreePath,
        /// Which limit.
        source: LimitError,
    },
    /// A name isn't one that may stand in a tree.
    #[error("a name in `{path}` is refused")]
    Name {
        /// The directory.
        path: TreePath,
        /// Why.
        source: PathError,
    },
    /// A socket, or no type at all.
    #[error("`{path}` has the mode {mode:o}, which is refused")]
    Kind {
        /// The entry.
        path: TreePath,
        /// Its mode with the type bits.
        mode: u16,
    },
    /// The content can't be kept.
    #[error("can't keep the content of `{path}`")]
    Keep {
        /// The file.
        path: TreePath,
        /// What the store said.
        source: io::Error,
    },
}

impl EntryError {
    pub(crate) fn damaged(path: &TreePath, what: &'static str) -> Self {
        Self::Damaged { path: path.clone(), what }
    }

    /// Says which entry went over a limit.
    pub(crate) fn limit(path: &TreePath) -> impl FnOnce(LimitError) -> Self {
        |source| Self::Limit { path: path.clone(), source }
    }
}
