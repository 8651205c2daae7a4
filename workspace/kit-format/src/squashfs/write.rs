//! A tree as the one file system that there is for it.

mod contents;
mod inodes;
mod jobs;
mod listing;
mod pieces;
mod xattrs;

use std::collections::{BTreeMap, BTreeSet};

use kit_tree::{BlobSink, Blobs, Entry, Tree};

use self::contents::Contents;
use self::inodes::Tables;
use self::xattrs::Xattrs;
use super::codec::Codec;
use super::metadata;
use super::superblock::{COMPRESSOR_OPTIONS, DUPLICATES, EXPORTABLE, NO_XATTRS, SUPERBLOCK, Superblock};
use super::{BLOCKS, Compression, METADATA_STORED, NO_TABLE, SquashfsWriteError};
use crate::layout::Layout;
use crate::workers::Workers;

/// Names the exact bytes that this writer makes of a tree: with libzstd 1.5.7, zlib-rs 0.6 and liblzma 5.8.
pub const REVISION: u32 = 1;

/// Padded to this, so that a loop device takes all of it.
const PADDING: u64 = 4 << 10;
/// The level that needs no options.
const ZSTD_LEVEL: i32 = 15;
/// zstd's levels.
const ZSTD_LEVELS: std::ops::RangeInclusive<i32> = 1..=22;

/// What decides the bytes besides the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The source date, in seconds since 1970: of the file system and of all files.
    pub mtime: u32,
    /// How blocks are compressed.
    pub compression: Compression,
    /// Bytes of a block, a power of two from 4 KiB to 1 MiB; [`super::BLOCK`] is usual.
    pub block: u32,
}

/// Lays the file system out. Contents are compressed by `workers` on the way into `sink`, where they are one content of the layout.
pub fn layout(
    tree: &Tree,
    blobs: &dyn Blobs,
    sink: &dyn BlobSink,
    options: &Options,
    workers: &dyn Workers,
) -> Result<Layout, SquashfsWriteError> {
    check(options)?;
    let codec = Codec::new(options.compression, options.block);
    // What can't be held is told before the work is done.
    let owners = Owners::of(tree)?;
    let xattrs = Xattrs::of(tree, &codec)?;
    inodes::check(tree)?;
    let compressor_options = compressor_options(options.compression);
    let data_start = (SUPERBLOCK + compressor_options.len()) as u64;
    let contents = Contents::write(tree, blobs, sink, &codec, options.block, data_start, workers)?;
    let tables = Tables::of(tree, options.mtime, &owners, &xattrs, &contents, &codec)?;

    let mut parts = Parts { codec: &codec, at: data_start + contents.len, tables: Vec::new() };
    let inode_table = parts.add("inode table", tables.inodes);
    let directory_table = parts.add("directory table", tables.directories);
    let fragment_table = parts.indexed("fragment", &contents.fragment_entries())?;
    let export_table = parts.indexed("export", &tables.export)?;
    let id_table = parts.indexed("id", &owners.entries())?;
    let xattr_table = parts.xattrs(&xattrs)?;
    let mut flags = DUPLICATES | EXPORTABLE;
    flags |= if xattr_table == NO_TABLE { NO_XATTRS } else { 0 };
    flags |= if compressor_options.is_empty() { 0 } else { COMPRESSOR_OPTIONS };
    let superblock = Superblock {
        inodes: tables.count,
        mtime: options.mtime,
        block: options.block,
        fragments: contents.fragment_count(),
        method: options.compression.method(),
        flags,
        ids: owners.count(),
        root: tables.root.reference(),
        used: parts.at,
        id_table,
        xattr_table,
        inode_table,
        directory_table,
        fragment_table,
        export_table,
    };

    let mut layout = Layout::new();
    layout.bytes("superblock", superblock.encode());
    layout.bytes("compressor options", compressor_options);
    contents.lay_out(tree, &mut layout);
    for (what, bytes) in parts.tables {
        layout.bytes(what, bytes);
    }
    layout.align(PADDING);
    Ok(layout)
}

fn check(options: &Options) -> Result<(), SquashfsWriteError> {
    let Options { compression, block, .. } = *options;
    if !BLOCKS.contains(&block) || !block.is_power_of_two() {
        return Err(SquashfsWriteError::Block { block });
    }
    match compression {
        Compression::Zstd { level } if !ZSTD_LEVELS.contains(&level) => {
            Err(SquashfsWriteError::Level { level })
        }
        Compression::Zstd { .. } | Compression::Gzip | Compression::Xz => Ok(()),
    }
}

/// Returns what follows the superblock: nothing, or a metadata block that is not compressed.
fn compressor_options(compression: Compression) -> Vec<u8> {
    match compression {
        Compression::Zstd { level } if level != ZSTD_LEVEL => {
            let mut bytes = (METADATA_STORED | 4).to_le_bytes().to_vec();
            bytes.extend(level.to_le_bytes());
            bytes
        }
        Compression::Zstd { .. } | Compression::Gzip | Compression::Xz => Vec::new(),
    }
}

/// Tables, one behind the other.
struct Parts<'a> {
    codec: &'a Codec,
    at: u64,
    tables: Vec<(&'static str, Vec<u8>)>,
}

impl Parts<'_> {
    /// Adds a table; returns where it stands.
    fn add(&mut self, what: &'static str, bytes: Vec<u8>) -> u64 {
        let start = self.at;
        self.at += bytes.len() as u64;
        self.tables.push((what, bytes));
        start
    }

    /// Adds a table with its index, unless it is empty; returns where the index stands.
    fn indexed(&mut self, table: &'static str, entries: &[u8]) -> Result<u64, SquashfsWriteError> {
        if entries.is_empty() {
            return Ok(NO_TABLE);
        }
        let (bytes, index) = metadata::indexed(table, self.codec, entries, self.at, &[])?;
        let what = match table {
            "fragment" => "fragment table",
            "export" => "export table",
            _ => "id table",
        };
        self.add(what, bytes);
        Ok(index)
    }

    /// Adds both tables of the attributes, if there are any; returns where what leads to them stands.
    fn xattrs(&mut self, xattrs: &Xattrs<'_>) -> Result<u64, SquashfsWriteError> {
        if xattrs.count() == 0 {
            return Ok(NO_TABLE);
        }
        let start = self.add("extended attributes", xattrs.table().to_vec());
        let mut head = start.to_le_bytes().to_vec();
        head.extend(xattrs.count().to_le_bytes());
        head.extend(0_u32.to_le_bytes());
        let (bytes, at) = metadata::indexed("xattr", self.codec, xattrs.sets(), self.at, &head)?;
        self.add("xattr table", bytes);
        Ok(at)
    }
}

/// The numbers of owners and groups, sorted.
#[derive(Debug)]
struct Owners {
    indexes: BTreeMap<u32, u16>,
}

impl Owners {
    fn of(tree: &Tree) -> Result<Self, SquashfsWriteError> {
        let mut all = BTreeSet::new();
        for (_, entry) in tree.entries() {
            match entry {
                Entry::Symlink { uid, gid, .. } => all.extend([*uid, *gid]),
                entry => all.extend(entry.meta().iter().flat_map(|meta| [meta.uid, meta.gid])),
            }
        }
        if u16::try_from(all.len()).is_err() {
            return Err(SquashfsWriteError::Owners { count: all.len() });
        }
        Ok(Self { indexes: all.into_iter().zip(0..).collect() })
    }

    fn count(&self) -> u16 {
        u16::try_from(self.indexes.len()).expect("because that was checked")
    }

    fn entries(&self) -> Vec<u8> {
        self.indexes.keys().flat_map(|id| id.to_le_bytes()).collect()
    }

    /// Returns the index of an owner or group of the tree.
    fn index(&self, id: u32) -> u16 {
        self.indexes[&id]
    }
}
