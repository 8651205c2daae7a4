//! A tree as the one file system that there is for it.

mod emit;
mod place;

use kit_hash::{BlobId, Encoder, Identity as _};
use kit_tree::Tree;

use self::emit::Image;
use self::place::Placement;
use super::checksum::Checksum;
use super::error::Ext4WriteError;
use super::nodes::{self, Nodes};
use super::{BLOCK, Options, Size, inode};
use crate::largest::Largest;
use crate::layout::Layout;

/// Names the exact bytes that this writer makes of a tree.
pub const REVISION: u32 = 2;

/// Lays a tree out as a file system.
pub fn layout(tree: &Tree, options: &Options) -> Result<Layout, Ext4WriteError> {
    let label = label(&options.label)?;
    if options.mtime > inode::TIME_MAX {
        return Err(Ext4WriteError::Date { seconds: options.mtime });
    }
    let whole = nodes::with_lost_and_found(tree)?;
    let (uuid, hash_seed) = identifiers(tree, options);
    let nodes = nodes::nodes(&whole, &hash_seed)?;
    let placement = match options.size {
        Size::Fitting { spare } => place::fitting(&nodes, spare)?,
        Size::Exactly(size) => exactly(&nodes, size, tree)?,
    };
    let image = Image {
        nodes: &nodes,
        placement: &placement,
        seed: Checksum::START.over(&uuid),
        time: options.mtime,
        label,
        uuid,
        hash_seed,
    };
    let mut layout = image.layout();
    if let Size::Exactly(size) = options.size {
        layout.zeros_to("left away", size);
    }
    Ok(layout)
}

/// Places all in a given size.
fn exactly(nodes: &Nodes<'_>, size: u64, tree: &Tree) -> Result<Placement, Ext4WriteError> {
    if !size.is_multiple_of(BLOCK) {
        return Err(Ext4WriteError::Blocks { size });
    }
    if let Some(placement) = place::within(nodes, size / BLOCK) {
        return Ok(placement);
    }
    let needed = place::fitting(nodes, 0)?.geometry.blocks * BLOCK;
    if size > needed && size / BLOCK > u64::from(u32::MAX) {
        return Err(Ext4WriteError::Size { size });
    }
    Err(Ext4WriteError::TooLarge { needed: needed.max(size + BLOCK), size, largest: Largest::of(tree) })
}

fn label(text: &str) -> Result<[u8; 16], Ext4WriteError> {
    let mut label = [0; 16];
    let place =
        label.get_mut(..text.len()).ok_or_else(|| Ext4WriteError::Label { label: text.to_owned() })?;
    place.copy_from_slice(text.as_bytes());
    Ok(label)
}

/// Returns the identifier, as UUID of version 8, and the seed of hashes: halves of a hash of all that the file system is made of.
fn identifiers(tree: &Tree, options: &Options) -> ([u8; 16], [u8; 16]) {
    let mut encoder = Encoder::new("ext4", u64::from(REVISION));
    encoder.id(&tree.id()).u64(options.mtime).str(&options.label);
    match options.size {
        Size::Exactly(size) => encoder.variant(0).u64(size),
        Size::Fitting { spare } => encoder.variant(1).u64(spare),
    };
    let digest: BlobId = encoder.id_of();
    let (mut uuid, mut hash_seed) = ([0; 16], [0; 16]);
    uuid.copy_from_slice(&digest.as_bytes()[..16]);
    hash_seed.copy_from_slice(&digest.as_bytes()[16..]);
    uuid[6] = uuid[6] & 0x0f | 0x80;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    (uuid, hash_seed)
}
