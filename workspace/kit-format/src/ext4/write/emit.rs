//! The bytes of a file system whose places are known.

mod growth;

use std::ops::Range;

use kit_hash::BlobId;
use kit_tree::TreePath;

use super::place::{Placed, Placement};
use crate::ext4::checksum::Checksum;
use crate::ext4::geometry::{GROUP, has_copies};
use crate::ext4::groups::{Group, Map};
use crate::ext4::inode::{self, Inode};
use crate::ext4::nodes::{Content, Node, Nodes};
use crate::ext4::superblock::{self, Superblock};
use crate::ext4::{BLOCK, BLOCK_BYTES, INLINE, INODE, JOURNAL, directory, journal};
use crate::layout::Layout;
use crate::stat::FileType;

/// A file system in the making.
pub(super) struct Image<'a> {
    pub(super) nodes: &'a Nodes<'a>,
    pub(super) placement: &'a Placement,
    /// What checksums begin with.
    pub(super) seed: Checksum,
    pub(super) time: u64,
    pub(super) label: [u8; 16],
    pub(super) uuid: [u8; 16],
    pub(super) hash_seed: [u8; 16],
}

/// What isn't zeros, and where.
#[derive(Default)]
struct Parts {
    parts: Vec<(u64, &'static str, Part, Option<TreePath>)>,
}

enum Part {
    Bytes(Vec<u8>),
    Blob(BlobId, Range<u64>),
}

impl Parts {
    fn bytes(&mut self, at: u64, what: &'static str, bytes: Vec<u8>, path: Option<&TreePath>) {
        self.parts.push((at, what, Part::Bytes(bytes), path.cloned()));
    }

    fn layout(mut self, end: u64) -> Layout {
        self.parts.sort_by_key(|(at, ..)| *at);
        let mut layout = Layout::new();
        for (at, what, part, path) in self.parts {
            layout.zeros_to("unused", at);
            match (part, path) {
                (Part::Blob(blob, part), path) => layout.blob_part(what, blob, part, path),
                (Part::Bytes(bytes), Some(path)) => layout.bytes_of(what, bytes, path),
                (Part::Bytes(bytes), None) => layout.bytes(what, bytes),
            }
        }
        layout.zeros_to("free", end);
        layout
    }
}

impl Image<'_> {
    pub(super) fn layout(&self) -> Layout {
        let mut parts = Parts::default();
        self.groups(&mut parts);
        self.growth(&mut parts);
        self.journal(&mut parts);
        for (node, placed) in self.nodes.nodes.iter().zip(&self.placement.nodes) {
            self.node(node, placed, &mut parts);
        }
        let mut sealed = vec![false; self.placement.attribute_blocks.len()];
        for node in &self.nodes.nodes {
            let Some(number) = node.attributes.1 else { continue };
            if std::mem::replace(&mut sealed[number], true) {
                continue;
            }
            let place = self.placement.attribute_blocks[number];
            let bytes = self.nodes.attribute_blocks.closed(number, place, self.seed);
            parts.bytes(place * BLOCK, "attributes", bytes, Some(node.path));
        }
        parts.layout(self.placement.geometry.blocks * BLOCK)
    }

    /// Adds superblocks, descriptors, and which blocks and inodes are used.
    fn groups(&self, parts: &mut Parts) {
        let geometry = &self.placement.geometry;
        let mut directories = vec![0_u64; self.placement.tables.len()];
        for node in self.nodes.nodes.iter().filter(|node| node.is_directory()) {
            let (group, _) = self.place_of(node.number);
            directories[group] += 1;
        }
        let (mut descriptors, mut number) = (Vec::new(), 0_u32);
        let mut used = self.placement.used.iter().cloned().peekable();
        for (index, group_directories) in directories.into_iter().enumerate() {
            let range = geometry.group(u64::from(number));
            let mut blocks = Map::new();
            while let Some(next) = used.peek_mut().filter(|next| next.start < range.end) {
                let end = next.end.min(range.end);
                blocks.set(next.start - range.start..end - range.start);
                next.start = end;
                if next.is_empty() {
                    used.next();
                }
            }
            let length = range.end - range.start;
            blocks.close(length);
            let used_inodes = self.placement.last_inode.saturating_sub(u64::from(number) * geometry.inodes);
            let used_inodes = used_inodes.min(geometry.inodes);
            let mut inodes = Map::new();
            inodes.set(0..used_inodes);
            inodes.close(geometry.inodes);
            let group = Group {
                block_map: self.placement.block_maps[index],
                inode_map: self.placement.inode_maps[index],
                table: self.placement.tables[index],
                free_blocks: length - blocks.used(),
                free_inodes: geometry.inodes - used_inodes,
                directories: group_directories,
                unused_inodes: geometry.inodes - used_inodes,
                block_sum: blocks.sum(GROUP, self.seed),
                inode_sum: inodes.sum(geometry.inodes, self.seed),
            };
            descriptors.extend_from_slice(&group.encode(number, self.seed));
            let maps = [(group.block_map, "used blocks", blocks), (group.inode_map, "used inodes", inodes)];
            for (place, what, map) in maps {
                if let Some(bytes) = map.bytes() {
                    parts.bytes(place * BLOCK, what, bytes, None);
                }
            }
            number += 1;
        }
        self.superblocks(&descriptors, parts);
    }

    fn superblocks(&self, descriptors: &[u8], parts: &mut Parts) {
        let geometry = &self.placement.geometry;
        let journal = self.placement.journal.extents.as_ref();
        let all = geometry.inodes * geometry.groups();
        let superblock = Superblock {
            inodes: all,
            blocks: geometry.blocks,
            free_blocks: self.placement.free(),
            free_inodes: all - self.placement.last_inode,
            inodes_of_group: geometry.inodes,
            reserved: geometry.reserved(),
            time: self.time,
            uuid: self.uuid,
            hash_seed: self.hash_seed,
            label: self.label,
            journal: journal.map_or([0; INLINE], |extents| extents.inline),
            journal_size: geometry.journal() * BLOCK,
        };
        for group in (0..geometry.groups()).filter(|group| has_copies(*group)) {
            let start = group * GROUP * BLOCK;
            let place = if group == 0 { superblock::OFFSET } else { start };
            parts.bytes(place, "superblock", superblock.encode(group), None);
            parts.bytes(start + BLOCK, "descriptors", descriptors.to_vec(), None);
        }
    }

    fn journal(&self, parts: &mut Parts) {
        let placed = &self.placement.journal;
        let blocks = self.placement.geometry.journal();
        let node = Inode {
            mode: FileType::File.bits() | 0o600,
            uid: 0,
            gid: 0,
            size: blocks * BLOCK,
            links: 1,
            blocks: placed.blocks(),
            flags: inode::EXTENTS,
            inline: placed.extents.as_ref().map_or([0; INLINE], |extents| extents.inline),
            attribute_block: 0,
            attributes: Vec::new(),
        };
        let bytes = node.encode(JOURNAL, self.time, self.seed);
        parts.bytes(self.inode_place(JOURNAL), "inode of the journal", bytes, None);
        if let Some(first) = placed.pieces.first() {
            parts.bytes(first.start * BLOCK, "journal", journal::superblock(blocks, &self.uuid), None);
        }
        self.extents(JOURNAL, placed, None, parts);
    }

    fn node(&self, node: &Node<'_>, placed: &Placed, parts: &mut Parts) {
        let block = node.attributes.1.map(|number| self.placement.attribute_blocks[number]);
        let inline = match &node.content {
            Content::Inline(inline, _) => Some(*inline),
            _ => placed.extents.as_ref().map(|extents| extents.inline),
        };
        let indexed = if let Content::Indexed(_) = node.content { inode::INDEXED } else { 0 };
        let inode = Inode {
            mode: node.mode,
            uid: node.uid,
            gid: node.gid,
            size: node.size(),
            links: node.links,
            blocks: placed.blocks() + u64::from(block.is_some()),
            flags: placed.extents.as_ref().map_or(0, |_| inode::EXTENTS) | indexed,
            inline: inline.unwrap_or([0; INLINE]),
            attribute_block: block.unwrap_or(0),
            attributes: node.attributes.0.clone(),
        };
        let bytes = inode.encode(node.number, self.time, self.seed);
        parts.bytes(self.inode_place(node.number), "inode", bytes, Some(node.path));
        self.extents(node.number, placed, Some(node.path), parts);
        let mut done = 0;
        for piece in &placed.pieces {
            let (at, length) = (piece.start * BLOCK, (piece.end - piece.start) * BLOCK);
            let part = done..node.size().min(done + length);
            done = part.end;
            match &node.content {
                Content::File(blob, _) => {
                    let path = Some(node.path.clone());
                    parts.parts.push((at, "content", Part::Blob(*blob, part), path));
                }
                Content::Names(names) | Content::Indexed(names) => {
                    let mut names = slice(names, part);
                    directory::seal(&mut names, self.seed.inode(node.number, 0));
                    parts.bytes(at, "names", names, Some(node.path));
                }
                Content::Target(target) => parts.bytes(at, "target", slice(target, part), Some(node.path)),
                Content::Inline(..) => {}
            }
        }
    }

    fn extents(&self, number: u32, placed: &Placed, path: Option<&TreePath>, parts: &mut Parts) {
        let seed = self.seed.inode(number, 0);
        for (block, bytes) in placed.extents.iter().flat_map(|extents| extents.closed(seed)) {
            parts.bytes(block * BLOCK, "extents", bytes, path);
        }
    }

    /// Returns an inode's group, and its rank there.
    fn place_of(&self, number: u32) -> (usize, u64) {
        let (rank, inodes) = (u64::from(number) - 1, self.placement.geometry.inodes);
        (usize::try_from(rank / inodes).expect("because groups are in memory"), rank % inodes)
    }

    /// Returns the byte where an inode stands.
    fn inode_place(&self, number: u32) -> u64 {
        let (group, rank) = self.place_of(number);
        self.placement.tables[group] * BLOCK + rank * INODE
    }
}

/// Returns bytes of what is in memory.
fn slice(bytes: &[u8], part: Range<u64>) -> Vec<u8> {
    let place = |at| usize::try_from(at).expect("because it is in memory");
    debug_assert!(bytes.len().is_multiple_of(BLOCK_BYTES) || part.end == bytes.len() as u64);
    bytes[place(part.start)..place(part.end)].to_vec()
}
