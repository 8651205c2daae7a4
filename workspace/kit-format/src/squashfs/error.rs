//! Why a file system is refused, and why a tree can't be written as one.

use std::io;

use kit_tree::{PathError, TreePath};

use crate::limits::LimitError;

/// Why a tree can't be written as a squashfs that holds all of it.
#[derive(Debug, thiserror::Error)]
pub enum SquashfsWriteError {
    /// A block size that the format doesn't have.
    #[error("{block} bytes are no block size of squashfs: a power of two from 4096 to 1048576 is")]
    Block {
        /// What was asked for.
        block: u32,
    },
    /// A level that zstd doesn't have.
    #[error("zstd has no level {level}: its levels are 1 to 22")]
    Level {
        /// What was asked for.
        level: i32,
    },
    /// More than 65535 different owners and groups.
    #[error("the files have {count} different owners and groups; squashfs holds 65535")]
    Owners {
        /// How many there are.
        count: usize,
    },
    /// More inodes than numbers.
    #[error("there are {count} files; squashfs numbers less than 4294967295")]
    Entries {
        /// How many there are.
        count: usize,
    },
    /// A table of 4 GiB or more.
    #[error("the {table} table has 4 GiB or more, which squashfs can't point into")]
    Table {
        /// Which.
        table: &'static str,
    },
    /// A directory whose listing has too many bytes.
    #[error("the names in `{path}` take {size} bytes; squashfs lists 512 MiB")]
    Directory {
        /// The directory.
        path: TreePath,
        /// Bytes of its listing.
        size: usize,
    },
    /// An extended attribute outside of the namespaces, or whose name Linux doesn't take.
    #[error(
        "`{path}` has the extended attribute `{name}`; squashfs holds names in `user.`, `trusted.` and `security.` of at most 255 bytes"
    )]
    XattrName {
        /// The file.
        path: TreePath,
        /// Name of the attribute.
        name: String,
    },
    /// A value that Linux can't hand out.
    #[error("the extended attribute `{name}` of `{path}` has {size} bytes; Linux hands out 65536")]
    XattrValue {
        /// The file.
        path: TreePath,
        /// Name of the attribute.
        name: String,
        /// Bytes of its value.
        size: usize,
    },
    /// A symbolic link that Linux can't follow: empty, or longer than 4095 bytes.
    #[error("the symbolic link `{path}` points to {length} bytes, not to 1 to 4095")]
    SymlinkTarget {
        /// The link.
        path: TreePath,
        /// Bytes of its target.
        length: usize,
    },
    /// A device number that doesn't fit.
    #[error("the device number {major},{minor} of `{path}` is larger than Linux has them")]
    DeviceNumber {
        /// The device.
        path: TreePath,
        /// Its major number.
        major: u32,
        /// Its minor number.
        minor: u32,
    },
    /// A content has another length than the tree says.
    #[error("the content of `{path}` has not the {size} bytes that the tree says")]
    Length {
        /// The first file that has it.
        path: TreePath,
        /// What the tree says.
        size: u64,
    },
    /// Reading contents, compressing, or keeping the compressed blocks failed.
    #[error("can't write the file system")]
    Io(#[from] io::Error),
}

/// Why a file system is refused.
#[derive(Debug, thiserror::Error)]
pub enum SquashfsReadError {
    /// There is no superblock at the beginning.
    #[error("it doesn't begin with a squashfs")]
    Magic,
    /// Another version of the format.
    #[error("it is squashfs {major}.{minor}; version 4.0 is read")]
    Version {
        /// First number.
        major: u16,
        /// Second number.
        minor: u16,
    },
    /// A compressor that isn't read.
    #[error("it is compressed by {}; gzip, xz and zstd are read", compressor(*.id))]
    Compressor {
        /// The number of the format.
        id: u16,
    },
    /// A block size that the format doesn't have.
    #[error("it claims blocks of {size} bytes, by their logarithm 2 to the power of {log}")]
    Block {
        /// What it claims.
        size: u32,
        /// Its logarithm, as it claims.
        log: u16,
    },
    /// A table is damaged.
    #[error("the {table} table is damaged at byte {offset}: {problem}")]
    Table {
        /// Which.
        table: &'static str,
        /// Offset of the block in the file.
        offset: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// An inode says what can't be.
    #[error("the inode of `{path}` is damaged: {problem}")]
    Inode {
        /// The file.
        path: TreePath,
        /// What is wrong.
        problem: &'static str,
    },
    /// A block of a file's content is damaged.
    #[error("the content of `{path}` is damaged: {problem}")]
    Content {
        /// The file.
        path: TreePath,
        /// What is wrong.
        problem: &'static str,
    },
    /// The content can't be kept.
    #[error("can't keep the content of `{path}`")]
    Keep {
        /// The file.
        path: TreePath,
        /// What the store said.
        source: io::Error,
    },
    /// A name isn't one that may stand in a tree.
    #[error("a name in `{directory}` is refused")]
    Name {
        /// The directory.
        directory: TreePath,
        /// Why.
        source: PathError,
    },
    /// A name occurs twice.
    #[error("`{path}` is there twice")]
    Duplicate {
        /// The path.
        path: TreePath,
    },
    /// A directory is in two places, maybe in itself.
    #[error("the directory `{path}` is in another place too")]
    Loop {
        /// The second place.
        path: TreePath,
    },
    /// A socket, which a tree can't hold.
    #[error("`{path}` is a socket, which is refused")]
    Socket {
        /// The socket.
        path: TreePath,
    },
    /// A symbolic link has attributes, which a tree can't hold.
    #[error("the symbolic link `{path}` has extended attributes, which are refused")]
    SymlinkXattrs {
        /// The link.
        path: TreePath,
    },
    /// Something goes over a limit.
    #[error("`{path}` is too much")]
    Limit {
        /// Where.
        path: TreePath,
        /// Which limit.
        source: LimitError,
    },
    /// The bytes can't be had.
    #[error("can't read the file system")]
    Io(#[from] io::Error),
}

fn compressor(id: u16) -> String {
    match id {
        2 => "LZMA".to_owned(),
        3 => "LZO".to_owned(),
        5 => "LZ4".to_owned(),
        other => format!("the unknown compressor {other}"),
    }
}
