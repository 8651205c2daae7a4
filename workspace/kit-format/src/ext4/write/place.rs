//! Where everything is, and how large the file system is for it.

use std::ops::Range;

use crate::ext4::BLOCK;
use crate::ext4::LOST_AND_FOUND;
use crate::ext4::error::Ext4WriteError;
use crate::ext4::extents::Extents;
use crate::ext4::geometry::{GROUP, Geometry};
use crate::ext4::nodes::{Content, Node, Nodes};
use crate::ext4::space::Space;

/// Where everything is.
#[derive(Debug)]
pub(super) struct Placement {
    pub(super) geometry: Geometry,
    /// Of each group, where it is said which blocks are used, which inodes; and where its inodes begin.
    pub(super) block_maps: Vec<u64>,
    pub(super) inode_maps: Vec<u64>,
    pub(super) tables: Vec<u64>,
    /// The block that names those which are kept for more descriptors, where there are some.
    pub(super) growth: Option<u64>,
    pub(super) journal: Placed,
    /// Of each node.
    pub(super) nodes: Vec<Placed>,
    pub(super) attribute_blocks: Vec<u64>,
    /// The last inode; all before it are used as well.
    pub(super) last_inode: u64,
    /// What is used with the copies of the superblock, sorted.
    pub(super) used: Vec<Range<u64>>,
}

/// Where a content is.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) pieces: Vec<Range<u64>>,
    /// None where the content stands in the inode.
    pub(super) extents: Option<Extents>,
}

impl Placed {
    fn new(blocks: u64, space: &mut Space) -> Self {
        let pieces = space.take(blocks);
        let extents = Extents::new(&pieces, &mut || space.take_one());
        Self { pieces, extents: Some(extents) }
    }

    /// Returns how many blocks the content takes with its tree.
    pub(super) fn blocks(&self) -> u64 {
        let tree = self.extents.as_ref().map_or(0, |extents| extents.nodes.len());
        self.pieces.iter().map(|piece| piece.end - piece.start).sum::<u64>() + tree as u64
    }
}

impl Placement {
    /// Places all of it, and returns how many blocks that takes: more than there are, maybe.
    fn new(nodes: &Nodes<'_>, geometry: Geometry) -> (Self, u64) {
        let mut space = Space::new(geometry);
        let groups = geometry.groups();
        let block_maps = space.take(groups).into_iter().flatten().collect();
        let inode_maps = space.take(groups).into_iter().flatten().collect();
        let tables = (0..groups).map(|_| space.take_together(geometry.table())).collect();
        let growth = (geometry.reserved() > 0).then(|| space.take_one());
        let journal = Placed::new(geometry.journal(), &mut space);
        let mut placed = Vec::with_capacity(nodes.nodes.len());
        let mut attribute_blocks = Vec::with_capacity(nodes.attribute_blocks.len());
        for node in &nodes.nodes {
            placed.push(match node.content {
                Content::Inline(..) => Placed { pieces: Vec::new(), extents: None },
                _ => Placed::new(node.blocks(), &mut space),
            });
            if node.attributes.1 == Some(attribute_blocks.len()) {
                attribute_blocks.push(space.take_one());
            }
        }
        let placement = Self {
            geometry,
            block_maps,
            inode_maps,
            tables,
            growth,
            journal,
            nodes: placed,
            attribute_blocks,
            last_inode: last_inode(nodes),
            used: space.used(),
        };
        (placement, space.end())
    }

    /// Returns how many blocks are free.
    pub(super) fn free(&self) -> u64 {
        self.geometry.blocks - self.used.iter().map(|range| range.end - range.start).sum::<u64>()
    }
}

/// The tree's inodes have all numbers from that of `/lost+found` on, without the root's.
fn last_inode(nodes: &Nodes<'_>) -> u64 {
    u64::from(LOST_AND_FOUND) + nodes.nodes.len() as u64 - 2
}

/// Places all in so many blocks; none where they don't suffice.
pub(super) fn within(nodes: &Nodes<'_>, blocks: u64) -> Option<Placement> {
    let geometry = Geometry::new(blocks, last_inode(nodes))?;
    if wanted(nodes) > geometry.blocks {
        return None;
    }
    let (placement, end) = Placement::new(nodes, geometry);
    (end <= geometry.blocks).then_some(placement)
}

/// Places all in as many blocks as it takes, `spare` bytes free.
pub(super) fn fitting(nodes: &Nodes<'_>, spare: u64) -> Result<Placement, Ext4WriteError> {
    let spare = spare.div_ceil(BLOCK);
    let mut blocks = wanted(nodes).saturating_add(spare);
    loop {
        if blocks > u64::from(u32::MAX) {
            return Err(Ext4WriteError::Size { size: blocks.saturating_mul(BLOCK) });
        }
        blocks = Geometry::rounded(blocks.max(GROUP / 32));
        let Some(geometry) = Geometry::new(blocks, last_inode(nodes)) else {
            // too few groups for all inodes
            blocks = blocks.saturating_add(GROUP);
            continue;
        };
        let (placement, end) = Placement::new(nodes, geometry);
        if end > geometry.blocks {
            blocks = end.saturating_add(spare);
            continue;
        }
        match spare.checked_sub(placement.free()) {
            None | Some(0) => return Ok(placement),
            Some(missing) => blocks += missing,
        }
    }
}

/// Returns how many blocks contents take.
fn wanted(nodes: &Nodes<'_>) -> u64 {
    nodes.nodes.iter().map(Node::blocks).fold(0, u64::saturating_add)
}
