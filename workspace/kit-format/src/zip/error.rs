//! Why an archive is refused.

use std::io;

use kit_tree::{PathError, TreePath};

use crate::limits::LimitError;

/// Why a zip archive is refused. Members are named as the archive names them, odd bytes as `\xNN`.
#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    /// The bytes can't be had.
    #[error("the archive can't be read")]
    Read(#[from] io::Error),
    /// There is no central directory at the end.
    #[error("there is no zip directory at the end: the archive is cut off, or is none")]
    NoDirectory,
    /// The archive is part of a set.
    #[error("the archive is one of several parts, which is refused")]
    Parts,
    /// The directory contradicts itself or the archive.
    #[error("the zip directory is damaged: {problem}")]
    Directory {
        /// What is wrong.
        problem: &'static str,
    },
    /// A member's own header contradicts the directory.
    #[error("`{member}` is another one in its own header: {problem}")]
    Header {
        /// The member.
        member: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// A member lies over another one or the directory.
    #[error("`{member}` lies over what follows it in the archive")]
    Overlap {
        /// The member.
        member: String,
    },
    /// A member is encrypted.
    #[error("`{member}` is encrypted, which is refused")]
    Encrypted {
        /// The member.
        member: String,
    },
    /// A member is compressed in a way that isn't read.
    #[error("`{member}` is compressed by method {method}; only stored and deflated members are read")]
    Method {
        /// The member.
        member: String,
        /// The method's number.
        method: u16,
    },
    /// A name isn't one that may stand in a tree: absolute, `..`, too long.
    #[error("the name `{member}` is refused")]
    Path {
        /// The name.
        member: String,
        /// Why.
        source: PathError,
    },
    /// A name with backslashes from a system where they part names.
    #[error("the name `{member}` has backslashes, which can mean two things")]
    Backslash {
        /// The name.
        member: String,
    },
    /// A name occurs twice.
    #[error("`{member}` is there twice")]
    Duplicate {
        /// The name.
        member: String,
    },
    /// A member lies below something else than a directory, for example below a symbolic link.
    #[error("`{member}` lies below `{parent}`, which is not a directory")]
    BelowNonDirectory {
        /// The member.
        member: TreePath,
        /// What it lies below.
        parent: TreePath,
    },
    /// A device, pipe or socket.
    #[error("`{member}` is neither file, directory nor symbolic link, which is refused")]
    Kind {
        /// The member.
        member: String,
    },
    /// A symbolic link to nothing, or to what no path can be.
    #[error("the symbolic link `{member}` points to no path")]
    Target {
        /// The member.
        member: String,
    },
    /// A member's content isn't what the directory says.
    #[error("the content of `{member}` is damaged: {problem}")]
    Content {
        /// The member.
        member: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// A member goes over a limit.
    #[error("`{member}` is too much")]
    Limit {
        /// The member.
        member: String,
        /// Which limit.
        source: LimitError,
    },
    /// The content can't be kept.
    #[error("can't keep the content of `{member}`")]
    Keep {
        /// The member.
        member: String,
        /// What the store said.
        source: io::Error,
    },
}
