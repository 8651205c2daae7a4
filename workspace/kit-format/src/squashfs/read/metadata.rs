//! Tables as they are read: block after block, each unpacked once.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use kit_tree::TreePath;

use super::super::{METADATA, SquashfsReadError};
use super::blocks::{Blocks, Failure};
use super::{limit, long};
use crate::limits::{LimitError, Limits};

/// A place in a table: a block of the file system, and a byte in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) block: u64,
    pub(super) offset: usize,
}

/// All blocks that were read.
#[derive(Debug)]
pub(super) struct Metadata {
    /// By where they stand, with where the next one does.
    blocks: BTreeMap<u64, (Vec<u8>, u64)>,
    held: u64,
    limit: u64,
}

impl Metadata {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { blocks: BTreeMap::new(), held: 0, limit: limits.header_bytes }
    }

    /// Takes the next bytes of a table.
    pub(super) fn read<R: Read + Seek>(
        &mut self,
        source: &mut Blocks<'_, R>,
        table: &'static str,
        place: &mut Place,
        length: usize,
    ) -> Result<Vec<u8>, SquashfsReadError> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let (block, next) = self.block(source, table, place.block)?;
            let rest = block.get(place.offset..).unwrap_or_default();
            if rest.is_empty() {
                if place.offset > block.len() {
                    return Err(damaged(table, place.block, "something points behind a block"));
                }
                *place = Place { block: *next, offset: 0 };
                continue;
            }
            let taken = rest.len().min(length - bytes.len());
            bytes.extend_from_slice(&rest[..taken]);
            place.offset += taken;
        }
        Ok(bytes)
    }

    /// Takes a whole table that is found by an index.
    pub(super) fn indexed<R: Read + Seek>(
        &mut self,
        source: &mut Blocks<'_, R>,
        table: &'static str,
        index: u64,
        count: u64,
        entry: usize,
    ) -> Result<Vec<u8>, SquashfsReadError> {
        let too_much = || limit(&TreePath::root(), LimitError::HeaderBytes { limit: self.limit });
        let length = count.checked_mul(entry as u64).filter(|length| *length <= self.limit);
        let length = usize::try_from(length.ok_or_else(too_much)?).map_err(|_| too_much())?;
        let mut entries = Vec::new();
        for number in 0..length.div_ceil(METADATA) {
            let mut place = indexed_block(source, table, index, number)?;
            let wanted = METADATA.min(length - entries.len());
            entries.extend(self.read(source, table, &mut place, wanted)?);
        }
        Ok(entries)
    }

    fn block<R: Read + Seek>(
        &mut self,
        source: &mut Blocks<'_, R>,
        table: &'static str,
        offset: u64,
    ) -> Result<&(Vec<u8>, u64), SquashfsReadError> {
        if !self.blocks.contains_key(&offset) {
            let (block, next) = source.metadata(offset).map_err(|failure| told(table, offset, failure))?;
            self.held += block.len() as u64;
            if self.held > self.limit {
                return Err(limit(&TreePath::root(), LimitError::HeaderBytes { limit: self.limit }));
            }
            self.blocks.insert(offset, (block, next));
        }
        Ok(&self.blocks[&offset])
    }
}

/// Returns where a block of a table with an index is.
pub(super) fn indexed_block<R: Read + Seek>(
    source: &mut Blocks<'_, R>,
    table: &'static str,
    index: u64,
    number: usize,
) -> Result<Place, SquashfsReadError> {
    let at = (number as u64).checked_mul(8).and_then(|at| at.checked_add(index));
    let at = at.ok_or_else(|| damaged(table, index, "its index is nowhere"))?;
    let bytes = source.bytes(at, 8).map_err(|failure| told(table, at, failure))?;
    Ok(Place { block: long(&bytes, 0), offset: 0 })
}

fn damaged(table: &'static str, offset: u64, problem: &'static str) -> SquashfsReadError {
    SquashfsReadError::Table { table, offset, problem }
}

/// Returns a failure as one of a table.
pub(super) fn told(table: &'static str, offset: u64, failure: Failure) -> SquashfsReadError {
    match failure {
        Failure::Damaged(problem) => damaged(table, offset, problem),
        Failure::Limit(source) => limit(&TreePath::root(), source),
        Failure::Io(error) => SquashfsReadError::Io(error),
    }
}
