//! A tree as the one image that there is for it.

mod contents;
mod data;
mod record;

use std::io;

use kit_hash::{BlobId, Encoder, Identity as _};
use kit_tree::{BlobSink, Blobs, Tree, TreePath};

use self::contents::Contents;
use self::data::Data;
use self::record::Record;
use super::inodes;
use super::place::Places;
use super::superblock::{self, Superblock};
use super::xattr::Shared;
use super::{BLOCK, BLOCK_BITS, Compression, Options, SLOT};
use crate::layout::Layout;
use crate::workers::Workers;

/// Names the exact bytes that this writer makes of a tree.
pub const REVISION: u32 = 1;

/// Why a tree can't be written as an EROFS image.
#[derive(Debug, thiserror::Error)]
pub enum ErofsWriteError {
    /// The volume's name is too long.
    #[error("the label `{label}` has {} bytes; EROFS holds 16", label.len())]
    Label {
        /// The name.
        label: String,
    },
    /// A symbolic link that Linux can't follow: empty, or longer than 4095 bytes.
    #[error("the symbolic link `{path}` points to {length} bytes, not to 1 to 4095")]
    SymlinkTarget {
        /// The link.
        path: TreePath,
        /// Bytes of its target.
        length: usize,
    },
    /// A device number that Linux doesn't have.
    #[error("the device number {major},{minor} of `{path}` is larger than Linux has them")]
    DeviceNumber {
        /// The device.
        path: TreePath,
        /// Its major number.
        major: u32,
        /// Its minor number.
        minor: u32,
    },
    /// An extended attribute of none of the kinds that EROFS knows.
    #[error(
        "`{path}` has the extended attribute `{name}`; EROFS holds user, trusted, security, lustre and access control lists"
    )]
    XattrName {
        /// The entry.
        path: TreePath,
        /// Name of the attribute.
        name: String,
    },
    /// The value of an extended attribute is too long.
    #[error("the extended attribute `{name}` of `{path}` has {size} bytes; EROFS holds 65535")]
    XattrValue {
        /// The entry.
        path: TreePath,
        /// Name of the attribute.
        name: String,
        /// Bytes of the value.
        size: usize,
    },
    /// The extended attributes are too long together.
    #[error("the extended attributes of `{path}` are more than EROFS holds")]
    Xattrs {
        /// The entry.
        path: TreePath,
    },
    /// There are too many bytes.
    #[error("the image would have {size} bytes; EROFS holds less than 16 TiB")]
    Size {
        /// Bytes of the image up to where it didn't fit.
        size: u64,
    },
    /// Reading content, or keeping what was made of it, failed.
    #[error("can't write the image")]
    Io(#[from] io::Error),
}

/// Lays an image out. What is compressed goes to `sink`, and is read from where that keeps it.
pub fn layout(
    tree: &Tree,
    blobs: &dyn Blobs,
    sink: &dyn BlobSink,
    options: &Options,
    workers: &dyn Workers,
) -> Result<Layout, ErofsWriteError> {
    let label = label(&options.label)?;
    let nodes = inodes::nodes(tree)?;
    let shared = Shared::of(&nodes)?;
    let contents = Contents::of(&nodes, blobs, sink, options.compression, workers)?;
    let mut records = Vec::with_capacity(nodes.len());
    for (rank, node) in nodes.iter().enumerate() {
        records.push(Record::new(rank, node, &contents, &shared, options.mtime)?);
    }
    let settings = settings(options.compression);
    let head = superblock::OFFSET + (superblock::LENGTH + settings.len()) as u64;
    let places = place(&records, &shared, head);
    let data = Data::new(&records, &contents, places.blocks)?;
    let numbers: Vec<u64> = places.records.iter().map(|place| place / SLOT).collect();
    for (rank, record) in records.iter_mut().enumerate() {
        record.finish(&numbers, data.address(rank), data.compressed());
    }
    let mut superblock = Superblock {
        checksum: 0,
        compat: superblock::COMPAT_CHECKSUM | superblock::COMPAT_MTIME,
        block_bits: BLOCK_BITS,
        extra_slots: 0,
        root: u16::try_from(numbers[0]).expect("because the root comes first"),
        inodes: nodes.len() as u64,
        time: options.mtime,
        blocks: data.end(),
        inode_block: 0,
        xattr_block: u32::try_from(places.shared / BLOCK).map_err(|_| size_error(places.shared))?,
        uuid: identifier(tree, options),
        label,
        incompat: features(options.compression) | if contents.has_chunks() { superblock::CHUNKS } else { 0 },
        algorithms: algorithms(options.compression),
        directory_bits: 0,
    };
    superblock.checksum = checksum(&superblock, &settings, &records[0], places.records[0]);
    let mut layout = Layout::new();
    layout.zeros_to("boot area", superblock::OFFSET);
    layout.bytes("superblock", superblock.encode());
    layout.bytes("compression settings", settings);
    emit(&mut layout, &records, &places, &shared);
    data.emit(&mut layout, &records, &contents);
    Ok(layout)
}

fn label(text: &str) -> Result<[u8; 16], ErofsWriteError> {
    let mut label = [0; 16];
    let place =
        label.get_mut(..text.len()).ok_or_else(|| ErofsWriteError::Label { label: text.to_owned() })?;
    place.copy_from_slice(text.as_bytes());
    Ok(label)
}

/// Says that an image gets too large.
fn size_error(size: u64) -> ErofsWriteError {
    ErofsWriteError::Size { size }
}

/// Returns the identifier: a hash of all that the image is made of, as UUID of version 8.
fn identifier(tree: &Tree, options: &Options) -> [u8; 16] {
    let mut encoder = Encoder::new("erofs", u64::from(REVISION));
    encoder.id(&tree.id()).u64(options.mtime).str(&options.label);
    match options.compression {
        Compression::None => encoder.variant(0),
        Compression::Lz4 => encoder.variant(1),
        Compression::Zstd { level } => encoder.variant(2).str(&level.to_string()),
    };
    let digest: BlobId = encoder.id_of();
    let mut uuid = [0; 16];
    uuid.copy_from_slice(&digest.as_bytes()[..16]);
    uuid[6] = uuid[6] & 0x0f | 0x80;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    uuid
}

/// Returns the features that a reader must know.
fn features(compression: Compression) -> u32 {
    match compression {
        Compression::None => 0,
        Compression::Lz4 | Compression::Zstd { .. } => superblock::ZERO_PADDING | superblock::BIG_CLUSTERS,
    }
}

/// Returns the algorithms, a bit for each.
fn algorithms(compression: Compression) -> u16 {
    match compression {
        Compression::None => 0,
        Compression::Lz4 => 1,
        Compression::Zstd { .. } => 8,
    }
}

/// Returns what the algorithm is told: its length, then for LZ4 the distance (2) and blocks of a cluster (2), for zstd a zero and the window
/// (as a binary logarithm less 10); zeros.
fn settings(compression: Compression) -> Vec<u8> {
    let mut settings = match compression {
        Compression::None => return Vec::new(),
        Compression::Lz4 => vec![14, 0, 0xff, 0xff, 16, 0],
        Compression::Zstd { .. } => vec![6, 0, 0, 10],
    };
    settings.resize(16, 0);
    settings
}

/// Where everything stands that isn't blocks of contents.
struct Placed {
    /// Of each inode, by rank.
    records: Vec<u64>,
    shared: u64,
    blocks: u64,
}

fn place(records: &[Record<'_>], shared: &Shared<'_>, head: u64) -> Placed {
    let mut places = Places::default();
    places.place(head);
    let mut placed = vec![places.place(records[0].length())];
    // the checksum is over the first block: no content is in there
    places.close();
    let shared =
        if shared.bytes().is_empty() { 0 } else { places.place_at_block(shared.bytes().len() as u64) };
    placed.extend(records[1..].iter().map(|record| places.place(record.length())));
    Placed { records: placed, shared, blocks: places.blocks() }
}

/// Returns the checksum over superblock and root, all that is in the first block.
fn checksum(superblock: &Superblock, settings: &[u8], root: &Record<'_>, place: u64) -> u32 {
    let mut bytes = superblock.encode();
    bytes.extend_from_slice(settings);
    let length = usize::try_from(superblock::CHECKED).expect("because a block is small");
    bytes.resize(length, 0);
    if let Some(start) = usize::try_from(place - superblock::OFFSET).ok().filter(|start| *start < length) {
        let root = root.known();
        bytes[start..start + root.len()].copy_from_slice(&root);
    }
    superblock::checksum(&bytes)
}

/// Lays out the inodes and the shared attributes.
fn emit(layout: &mut Layout, records: &[Record<'_>], places: &Placed, shared: &Shared<'_>) {
    let mut order: Vec<(u64, Option<&Record<'_>>)> =
        places.records.iter().copied().zip(records.iter().map(Some)).collect();
    if !shared.bytes().is_empty() {
        order.push((places.shared, None));
    }
    order.sort_by_key(|(place, _)| *place);
    for (place, record) in order {
        layout.zeros_to("unused", place);
        match record {
            Some(record) => record.emit(layout),
            None => layout.bytes("shared attributes", shared.bytes().to_vec()),
        }
    }
    layout.zeros_to("unused", places.blocks * BLOCK);
}
