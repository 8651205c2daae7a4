//! Why an archive is refused, and why a tree can't be written as one.

use std::io;

use kit_tree::{PathError, TreePath};

use crate::input::InputError;
use crate::limits::LimitError;

/// Why an archive is refused. Members are named as the archive names them, odd bytes as `\xNN`.
#[derive(Debug, thiserror::Error)]
pub enum TarReadError {
    /// The bytes can't be had.
    #[error("can't read {}", place(member))]
    Input {
        /// The member, or the one before; `/` before the first one.
        member: String,
        /// Truncated, damaged, or over a limit.
        source: InputError,
    },
    /// The content can't be kept.
    #[error("can't keep the content of `{member}`")]
    Keep {
        /// The member.
        member: String,
        /// What the store said.
        source: io::Error,
    },
    /// A member goes over a limit.
    #[error("`{member}` is too much")]
    Limit {
        /// The member.
        member: String,
        /// Which limit.
        source: LimitError,
    },
    /// A header's checksum is wrong, or there is no header.
    #[error("there is no tar header at byte {offset}")]
    Header {
        /// Uncompressed offset of the block.
        offset: u64,
    },
    /// A number in a header is none, negative, or too large.
    #[error("the {field} of `{member}` is no number that can be kept")]
    Number {
        /// The member.
        member: String,
        /// Which field.
        field: &'static str,
    },
    /// A name isn't one that may stand in a tree: absolute, `..`, too long.
    #[error("the name `{member}` is refused")]
    Path {
        /// The name.
        member: String,
        /// Why.
        source: PathError,
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
    /// A hard link names no file that came before it.
    #[error("the hard link `{member}` names `{target}`, which is no file that came before it")]
    HardLink {
        /// The link.
        member: String,
        /// What it names.
        target: String,
    },
    /// A member has a type that means nothing to us.
    #[error("`{member}` has the type `{kind}`, which is refused")]
    Kind {
        /// The member.
        member: String,
        /// The type flag as a character.
        kind: char,
    },
    /// A sparse file.
    #[error("`{member}` is a sparse file, which is refused")]
    Sparse {
        /// The member.
        member: String,
    },
    /// A device node, where none is allowed.
    #[error("`{member}` is a device node, which is refused here")]
    Device {
        /// The member.
        member: String,
    },
    /// A member that has no content claims some.
    #[error("`{member}` is no file, but has content")]
    Content {
        /// The member.
        member: String,
    },
    /// An extended header can't be understood.
    #[error("the extended header before `{member}` is damaged: {problem}")]
    Pax {
        /// The member.
        member: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// An extended header holds something that a tree can't, or that nobody knows.
    #[error("`{member}` has the attribute `{key}`, which can't be kept")]
    Attribute {
        /// The member.
        member: String,
        /// The record's key.
        key: String,
    },
    /// Something follows the end of the archive.
    #[error("there are other bytes than zeros at byte {offset}, after the archive's end")]
    Trailing {
        /// Uncompressed offset of the first.
        offset: u64,
    },
}

fn place(member: &str) -> String {
    if member == "/" { "its first header".to_owned() } else { format!("`{member}`") }
}

/// Why a tree can't be written as an archive.
#[derive(Debug, thiserror::Error)]
pub enum TarWriteError {
    /// A device number has more than 21 bits.
    #[error("the device number of `{path}` doesn't fit into a tar header")]
    DeviceNumber {
        /// The device.
        path: TreePath,
    },
    /// An attribute's name has an equals sign, which ends the name in a PAX record.
    #[error("an extended attribute of `{path}` has `=` in its name")]
    AttributeName {
        /// The member.
        path: TreePath,
    },
    /// Reading content or writing the archive failed.
    #[error("can't write the archive")]
    Io(#[from] io::Error),
}
