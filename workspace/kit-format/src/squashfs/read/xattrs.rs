//! Sets of extended attributes.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use kit_tree::TreePath;

use super::super::{ELSEWHERE, METADATA, NAMESPACES, SquashfsReadError};
use super::blocks::Blocks;
use super::metadata::{Metadata, Place, indexed_block, told};
use super::{limit, long, short, word, wrong};
use crate::limits::LimitError;

/// Bytes of what leads to the tables; the index follows.
const HEAD: usize = 16;
/// Bytes of an entry of the table of sets.
const SET: usize = 16;

/// Where the attributes are.
#[derive(Debug)]
pub(super) struct Xattrs {
    /// Where names and values begin.
    start: u64,
    sets: u32,
    index: u64,
    limit: u64,
}

impl Xattrs {
    pub(super) fn open<R: Read + Seek>(
        blocks: &mut Blocks<'_, R>,
        at: u64,
    ) -> Result<Self, SquashfsReadError> {
        let head = blocks.bytes(at, HEAD).map_err(|failure| told("xattr", at, failure))?;
        let index = at.saturating_add(HEAD as u64);
        Ok(Self { start: long(&head, 0), sets: word(&head, 8), index, limit: blocks.limits().xattr_bytes })
    }

    /// Reads a set.
    pub(super) fn set<R: Read + Seek>(
        &self,
        metadata: &mut Metadata,
        blocks: &mut Blocks<'_, R>,
        path: &TreePath,
        number: u32,
    ) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, SquashfsReadError> {
        if number >= self.sets {
            return Err(wrong(path, "its extended attributes aren't in the table"));
        }
        let at = number as usize * SET;
        let mut place = indexed_block(blocks, "xattr", self.index, at / METADATA)?;
        place.offset = at % METADATA;
        let set = metadata.read(blocks, "xattr", &mut place, SET)?;
        let mut place = self.place(path, long(&set, 0))?;
        let mut take = |place: &mut Place, length: usize| metadata.read(blocks, "xattr", place, length);
        let mut attributes = BTreeMap::new();
        let mut size = 0;
        for _ in 0..word(&set, 8) {
            let key = take(&mut place, 4)?;
            let namespace = NAMESPACES.get(usize::from(short(&key, 0) & !ELSEWHERE));
            let namespace = namespace
                .ok_or_else(|| wrong(path, "it has an extended attribute of an unknown namespace"))?;
            let rest = take(&mut place, short(&key, 2).into())?;
            let mut length = word(&take(&mut place, 4)?, 0) as usize;
            let mut elsewhere = None;
            if short(&key, 0) & ELSEWHERE != 0 {
                if length != 8 {
                    return Err(wrong(path, "an extended attribute's value is nowhere"));
                }
                let mut value = self.place(path, long(&take(&mut place, 8)?, 0))?;
                length = word(&take(&mut value, 4)?, 0) as usize;
                elsewhere = Some(value);
            }
            size += (namespace.len() + rest.len() + 1) as u64 + length as u64;
            if size > self.limit {
                return Err(limit(path, LimitError::XattrBytes { size, limit: self.limit }));
            }
            let value = take(elsewhere.as_mut().unwrap_or(&mut place), length)?;
            if attributes.insert([namespace, rest.as_slice()].concat(), value).is_some() {
                return Err(wrong(path, "it has an extended attribute twice"));
            }
        }
        Ok(attributes)
    }

    fn place(&self, path: &TreePath, reference: u64) -> Result<Place, SquashfsReadError> {
        let block = self.start.checked_add(reference >> 16);
        let block = block.ok_or_else(|| wrong(path, "its extended attributes are nowhere"))?;
        Ok(Place { block, offset: usize::from((reference & 0xffff) as u16) })
    }
}
