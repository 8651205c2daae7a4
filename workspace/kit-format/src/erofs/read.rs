//! An image into a tree, strictly: for reading back what was written, by us or by others.
//!
//! Plain files, inlined tails, chunks on the same device, both kinds of index, inlined last clusters, LZ4 and zstd are read; other codecs,
//! fragments, several devices and blocks of another size than 4096 bytes aren't.

mod error;
mod extents;
mod image;
mod names;
mod xattrs;

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

use kit_tree::{BlobSink, Tree, TreePath};

pub use self::error::ErofsReadError;
use self::extents::{LZ4, Packed, ZSTD};
use self::image::{Found, Image};
use super::inode::{COMPACT, Form, Inode};
use super::{BLOCK, SLOT, compress};
use crate::inodes::{self, EntryError, Inodes, Stat};
use crate::limits::{Budget, Limits};
use crate::stat::unpack_device;

type Span = inodes::Span<Packed>;

/// Reads an image; its contents go to `sink`.
pub fn read<R: Read + Seek>(source: R, limits: &Limits, sink: &dyn BlobSink) -> Result<Tree, ErofsReadError> {
    let image = Image::open(source)?;
    let root = image.root();
    inodes::read(image, root, limits, sink)
}

impl<R: Read + Seek> Inodes for Image<R> {
    type Error = ErofsReadError;
    type Inode = Found;
    type Packed = Packed;

    fn inode(&mut self, path: &TreePath, number: u64) -> Result<Found, ErofsReadError> {
        let start = u64::from(self.superblock.inode_block) * BLOCK;
        // more than any image has, and far from where sums overflow
        let offset = number
            .checked_mul(SLOT)
            .and_then(|offset| offset.checked_add(start))
            .filter(|offset| *offset < 1 << 48)
            .ok_or_else(|| EntryError::damaged(path, "its inode is nowhere"))?;
        let (mut bytes, mut more) = ([0; COMPACT], [0; COMPACT]);
        self.read_at(offset, &mut bytes)?;
        let mut length = COMPACT as u64;
        if Inode::begins_extended(&bytes) {
            self.read_at(offset + length, &mut more)?;
            length *= 2;
        }
        let inode = Inode::decode(&bytes, &more, self.superblock.time)
            .ok_or_else(|| EntryError::damaged(path, "its inode has an unknown form"))?;
        let mut found = Found { inode, attributes: offset + length, fixed: length };
        found.fixed += found.attributes_length();
        Ok(found)
    }

    fn stat(found: &Found) -> Stat {
        let Inode { mode, uid, gid, size, .. } = found.inode;
        Stat { mode, uid, gid, size }
    }

    fn device(found: &Found) -> (u32, u32) {
        unpack_device(found.inode.place)
    }

    fn xattrs(
        &mut self,
        path: &TreePath,
        found: &Found,
        budget: &mut Budget<'_>,
    ) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, ErofsReadError> {
        budget.attributes(found.attributes_length()).map_err(EntryError::limit(path))?;
        let (xattrs, shared) = xattrs::read(self, found, path, budget.limits().xattr_bytes)?;
        budget.memory(shared).map_err(EntryError::limit(path))?;
        Ok(xattrs)
    }

    fn spans(
        &mut self,
        path: &TreePath,
        found: &Found,
        _: &mut Budget<'_>,
    ) -> Result<Vec<Span>, ErofsReadError> {
        let size = found.inode.size;
        let first = u64::from(found.inode.place) * BLOCK;
        match found.inode.form {
            Form::Plain => Ok(vec![Span::Stored { offset: first, length: size }]),
            Form::Inline => {
                let tail = size % BLOCK;
                if found.behind() % BLOCK + tail > BLOCK {
                    return Err(EntryError::damaged(path, "its tail goes over the end of a block").into());
                }
                let whole = Span::Stored { offset: first, length: size - tail };
                Ok(vec![whole, Span::Stored { offset: found.behind(), length: tail }])
            }
            Form::Chunks => self.chunks(found, path),
            Form::Compressed | Form::CompressedFull => extents::read(self, found, path),
        }
    }

    fn names<'a>(
        &self,
        path: &TreePath,
        _: &Found,
        content: &'a [u8],
    ) -> Result<Vec<(&'a [u8], u64)>, ErofsReadError> {
        let names = names::parse(content).ok_or_else(|| EntryError::damaged(path, "its names are"))?;
        if !names.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Err(EntryError::damaged(path, "its names aren't sorted").into());
        }
        Ok(names)
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), ErofsReadError> {
        self.source.seek(SeekFrom::Start(offset))?;
        self.source.read_exact(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                ErofsReadError::Truncated { offset: offset.saturating_add(buffer.len() as u64) }
            }
            _ => ErofsReadError::Read(error),
        })
    }

    fn unpack(&mut self, path: &TreePath, packed: Packed) -> Result<Vec<u8>, ErofsReadError> {
        let Packed { offset, stored, length, codec } = packed;
        let block = self.read_vec(offset, stored)?;
        let length = usize::try_from(length).expect("because no extent becomes more than 12 MiB");
        let unpacked = block.iter().position(|byte| *byte != 0).and_then(|zeros| {
            let packed = if self.pads_before() { &block[zeros..] } else { &block[..] };
            match codec {
                LZ4 => compress::lz4_decompress(packed, length),
                ZSTD => zstd::bulk::decompress(packed, length).ok().filter(|bytes| bytes.len() == length),
                _ => None,
            }
        });
        Ok(unpacked.ok_or_else(|| EntryError::damaged(path, "its content can't be decompressed"))?)
    }

    fn unsupported(what: &'static str) -> ErofsReadError {
        ErofsReadError::Unsupported { what }
    }
}
