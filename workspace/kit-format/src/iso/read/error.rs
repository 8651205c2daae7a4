//! Why an ISO is refused.

use std::io;

use kit_tree::{PathError, TreePath};

use crate::limits::LimitError;

/// Why an ISO is refused.
#[derive(Debug, thiserror::Error)]
pub enum IsoReadError {
    /// The bytes can't be had.
    #[error("can't read block {block}")]
    Read {
        /// Number of the block, of 2048 bytes.
        block: u32,
        /// Why.
        source: io::Error,
    },
    /// The file ends too early.
    #[error("the file ends in block {block} or before it")]
    Truncated {
        /// Where the directory or the part of a file begins.
        block: u32,
    },
    /// No volume descriptor is where one is.
    #[error("there is no ISO 9660 volume of blocks of 2048 bytes")]
    NoVolume,
    /// A record, or what Rock Ridge says in it, is damaged.
    #[error("`{path}` is damaged: {problem}")]
    Record {
        /// The file, or the directory that the record is in.
        path: TreePath,
        /// What is wrong.
        problem: &'static str,
    },
    /// A directory lies in itself, or in two.
    #[error("the directory `{path}` is there twice, maybe in itself")]
    Loop {
        /// The second path.
        path: TreePath,
    },
    /// Names of a file differ in mode, owner or content.
    #[error("`{path}` contradicts an earlier name of the same file")]
    HardLink {
        /// The later name.
        path: TreePath,
    },
    /// A name occurs twice.
    #[error("`{path}` is there twice")]
    Duplicate {
        /// The path.
        path: TreePath,
    },
    /// A name isn't one that may stand in a tree.
    #[error("the name `{path}` is refused")]
    Path {
        /// The path, odd bytes as `\xNN`.
        path: String,
        /// Why.
        source: PathError,
    },
    /// Something is too much.
    #[error("`{path}` is too much")]
    Limit {
        /// Where.
        path: String,
        /// Which limit.
        source: LimitError,
    },
    /// Content can't be kept.
    #[error("can't keep the content of `{path}`")]
    Keep {
        /// The file.
        path: TreePath,
        /// What the store said.
        source: io::Error,
    },
}
