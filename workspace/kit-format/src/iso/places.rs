//! Where everything lies, in blocks of 2048 bytes.

use std::collections::BTreeMap;

use kit_hash::BlobId;
use kit_tree::Entry;

use super::BLOCK;
use super::error::IsoWriteError;
use super::names::Names;
use super::nodes::{Node, SECTION};

/// Where something lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Extent {
    pub(super) block: u32,
    /// In bytes.
    pub(super) size: u32,
}

impl Extent {
    pub(super) fn blocks(self) -> u32 {
        self.size.div_ceil(2048)
    }
}

/// Hands out blocks, one after the other.
#[derive(Debug)]
pub(super) struct Blocks(u64);

impl Blocks {
    pub(super) fn from(block: u32) -> Self {
        Self(block.into())
    }

    /// Takes blocks for so many bytes.
    pub(super) fn take(&mut self, bytes: u64) -> Result<u32, IsoWriteError> {
        let start = self.0;
        self.0 += bytes.div_ceil(BLOCK as u64);
        let limit = u64::from(u32::MAX) * BLOCK as u64;
        if self.0 > u64::from(u32::MAX) {
            return Err(IsoWriteError::Size { size: self.0.saturating_mul(BLOCK as u64), limit });
        }
        u32::try_from(start)
            .map_err(|_| IsoWriteError::Size { size: start.saturating_mul(BLOCK as u64), limit })
    }
}

/// A file that the firmware starts: it is changed, so it shares its blocks with no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Started {
    /// Number of its inode.
    pub(super) number: u32,
    pub(super) block: u32,
}

/// Where directories and contents lie; at first nowhere.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// By node.
    pub(super) plain: Vec<Extent>,
    /// By node.
    pub(super) joliet: Vec<Extent>,
    pub(super) contents: BTreeMap<BlobId, u32>,
    pub(super) started: Option<Started>,
}

impl Places {
    pub(super) fn directory(&self, names: Names, node: usize) -> Extent {
        let extents = match names {
            Names::Plain => &self.plain,
            Names::Joliet => &self.joliet,
        };
        extents.get(node).copied().unwrap_or_default()
    }

    /// Returns where the file of a node lies: in several parts, when it is large.
    pub(super) fn sections(&self, node: &Node<'_>) -> Vec<Extent> {
        let Entry::File { blob, size, .. } = node.inode else { return vec![Extent::default()] };
        let started = self.started.filter(|started| started.number == node.number).map(|s| s.block);
        let mut block = started.or_else(|| self.contents.get(blob).copied()).unwrap_or_default();
        let mut sections = Vec::new();
        let mut left = *size;
        loop {
            let part = left.min(SECTION);
            let size = u32::try_from(part).expect("because parts have less than 4 GiB");
            let section = Extent { block, size };
            sections.push(section);
            left -= part;
            if left == 0 {
                return sections;
            }
            block = block.saturating_add(section.blocks());
        }
    }
}
