//! The blocks behind the inodes.

use std::collections::BTreeMap;

use kit_hash::BlobId;

use super::contents::Contents;
use super::record::{Body, Record};
use super::{ErofsWriteError, size_error};
use crate::erofs::BLOCK;
use crate::layout::Layout;

/// Where the blocks of each inode are.
#[derive(Debug)]
pub(super) struct Data {
    /// The first block of each inode, by rank; zero for none.
    addresses: Vec<u32>,
    /// Inodes whose blocks are laid out, in order.
    order: Vec<usize>,
    compressed: u32,
    end: u32,
}

impl Data {
    /// Gives blocks from `first` on: to directories and links, to files, to what is compressed.
    pub(super) fn new(
        records: &[Record<'_>],
        contents: &Contents,
        first: u64,
    ) -> Result<Self, ErofsWriteError> {
        let mut data = Self { addresses: vec![0; records.len()], order: Vec::new(), compressed: 0, end: 0 };
        let mut next = first;
        let mut known: BTreeMap<(BlobId, u64), u32> = BTreeMap::new();
        let is_file = |record: &Record<'_>| matches!(record.body, Body::Flat(_) | Body::Chunked(..));
        for files in [false, true] {
            for (rank, record) in records.iter().enumerate().filter(|(_, record)| is_file(record) == files) {
                let blocks = record.blocks();
                if blocks == 0 {
                    continue;
                }
                let address = block_number(next)?;
                let content = match record.body {
                    Body::Flat(blob) | Body::Chunked(blob, _) => Some((blob, blocks)),
                    _ => None,
                };
                if let Some(earlier) = content.and_then(|content| known.get(&content)) {
                    data.addresses[rank] = *earlier;
                    continue;
                }
                known.extend(content.map(|content| (content, address)));
                data.addresses[rank] = address;
                data.order.push(rank);
                next += blocks;
            }
        }
        data.compressed = block_number(next)?;
        data.end = block_number(next + contents.compressed_length() / BLOCK)?;
        Ok(data)
    }

    /// Returns the first block of an inode.
    pub(super) fn address(&self, rank: usize) -> u32 {
        self.addresses[rank]
    }

    /// Returns the first block of what is compressed.
    pub(super) fn compressed(&self) -> u32 {
        self.compressed
    }

    /// Returns how many blocks the image has.
    pub(super) fn end(&self) -> u32 {
        self.end
    }

    /// Lays out all blocks behind those of the inodes.
    pub(super) fn emit(&self, layout: &mut Layout, records: &[Record<'_>], contents: &Contents) {
        for record in self.order.iter().map(|rank| &records[*rank]) {
            let path = record.node.path;
            match &record.body {
                Body::Flat(blob) => {
                    layout.blob_part("content", *blob, 0..record.outside(), Some(path.clone()));
                }
                Body::Chunked(blob, chunks) => {
                    for run in &chunks.runs {
                        layout.blob_part("content", *blob, run.clone(), Some(path.clone()));
                        layout.align(BLOCK);
                    }
                }
                Body::Directory(_) => {
                    layout.bytes_of("names", record.outside_bytes().unwrap_or_default(), path.clone());
                }
                Body::Target(_) => {
                    layout.bytes_of("target", record.outside_bytes().unwrap_or_default(), path.clone());
                }
                Body::Nothing | Body::Compressed(_) => {}
            }
            layout.align(BLOCK);
        }
        contents.emit(layout, records);
    }
}

/// Returns the number of a block as inodes have it; the last but one is the largest.
fn block_number(block: u64) -> Result<u32, ErofsWriteError> {
    u32::try_from(block).ok().filter(|block| *block < u32::MAX).ok_or_else(|| size_error(block * BLOCK))
}
