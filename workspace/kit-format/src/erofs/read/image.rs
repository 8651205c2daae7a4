//! Superblock, inodes, and where contents are.

use std::io::{self, Read, Seek, SeekFrom};

use kit_tree::TreePath;

use super::ErofsReadError;
use super::content::Span;
use super::extents;
use crate::erofs::chunks::chunk_length;
use crate::erofs::inode::{COMPACT, Form, Inode};
use crate::erofs::superblock::{self, Superblock};
use crate::erofs::xattr::HEADER;
use crate::erofs::{BLOCK, BLOCK_BITS, NOWHERE, SLOT};

/// An image that is read from anywhere.
#[derive(Debug)]
pub(super) struct Image<R> {
    source: R,
    superblock: Superblock,
}

/// An inode and where it was.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) inode: Inode,
    /// Where its attributes begin.
    pub(super) attributes: u64,
    /// Bytes from a multiple of 32 to behind the attributes.
    pub(super) fixed: u64,
}

impl Found {
    /// Returns bytes of the attributes behind the inode.
    pub(super) fn attributes_length(&self) -> u64 {
        match u64::from(self.inode.xattrs) {
            0 => 0,
            units => HEADER as u64 + (units - 1) * 4,
        }
    }

    /// Returns where that begins which stands behind the attributes.
    pub(super) fn behind(&self) -> u64 {
        self.attributes + self.attributes_length()
    }
}

impl<R: Read + Seek> Image<R> {
    pub(super) fn open(mut source: R) -> Result<Self, ErofsReadError> {
        let mut rest = [0; 4096 - 1024];
        source.seek(SeekFrom::Start(superblock::OFFSET))?;
        match source.read_exact(&mut rest) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Err(ErofsReadError::Superblock),
            other => other?,
        }
        let first = rest.first_chunk::<{ superblock::LENGTH }>().expect("because more was read");
        let superblock = Superblock::decode(first).ok_or(ErofsReadError::Superblock)?;
        let unsupported = |what| Err(ErofsReadError::Unsupported { what });
        if superblock.block_bits != BLOCK_BITS || superblock.directory_bits != 0 {
            return unsupported("blocks of another size than 4096 bytes");
        }
        if superblock.compat & superblock::COMPAT_CHECKSUM != 0 {
            let found = superblock::checksum(&rest);
            if found != superblock.checksum {
                return Err(ErofsReadError::Checksum { expected: superblock.checksum, found });
            }
        }
        // inlined last clusters are told by each inode
        let known = superblock::ZERO_PADDING
            | superblock::BIG_CLUSTERS
            | superblock::CHUNKS
            | superblock::INLINE_CLUSTERS;
        if superblock.incompat & !known != 0 {
            return unsupported("features of later versions, fragments or devices");
        }
        Ok(Self { source, superblock })
    }

    pub(super) fn root(&self) -> u64 {
        u64::from(self.superblock.root)
    }

    /// Whether compressed bytes stand at the end of their blocks.
    pub(super) fn pads_before(&self) -> bool {
        self.superblock.incompat & superblock::ZERO_PADDING != 0
    }

    /// Returns where shared attributes begin.
    pub(super) fn shared_attributes(&self) -> u64 {
        u64::from(self.superblock.xattr_block) * BLOCK
    }

    /// Fills `buffer` from a place.
    pub(super) fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), ErofsReadError> {
        self.source.seek(SeekFrom::Start(offset))?;
        self.source.read_exact(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                ErofsReadError::Truncated { offset: offset.saturating_add(buffer.len() as u64) }
            }
            _ => ErofsReadError::Read(error),
        })
    }

    /// Reads `length` bytes that are there: no more memory is taken than that.
    pub(super) fn read_vec(&mut self, offset: u64, length: u64) -> Result<Vec<u8>, ErofsReadError> {
        self.source.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        self.source.by_ref().take(length).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < length {
            return Err(ErofsReadError::Truncated { offset: offset.saturating_add(length) });
        }
        Ok(bytes)
    }

    /// Reads an inode.
    pub(super) fn inode(&mut self, number: u64, path: &TreePath) -> Result<Found, ErofsReadError> {
        let damaged = |what| ErofsReadError::Damaged { path: path.clone(), what };
        let start = u64::from(self.superblock.inode_block) * BLOCK;
        // more than any image has, and far from where sums overflow
        let offset = number
            .checked_mul(SLOT)
            .and_then(|offset| offset.checked_add(start))
            .filter(|offset| *offset < 1 << 48)
            .ok_or_else(|| damaged("its inode is nowhere"))?;
        let (mut bytes, mut more) = ([0; COMPACT], [0; COMPACT]);
        self.read_at(offset, &mut bytes)?;
        let mut length = COMPACT as u64;
        if Inode::begins_extended(&bytes) {
            self.read_at(offset + length, &mut more)?;
            length *= 2;
        }
        let inode = Inode::decode(&bytes, &more, self.superblock.time)
            .ok_or_else(|| damaged("its inode has an unknown form"))?;
        let mut found = Found { inode, attributes: offset + length, fixed: length };
        found.fixed += found.attributes_length();
        Ok(found)
    }

    /// Returns where the content of an inode is.
    pub(super) fn spans(&mut self, found: &Found, path: &TreePath) -> Result<Vec<Span>, ErofsReadError> {
        let size = found.inode.size;
        let first = u64::from(found.inode.place) * BLOCK;
        match found.inode.form {
            Form::Plain => Ok(vec![Span::Stored { offset: first, length: size }]),
            Form::Inline => {
                let tail = size % BLOCK;
                if found.behind() % BLOCK + tail > BLOCK {
                    let what = "its tail goes over the end of a block";
                    return Err(ErofsReadError::Damaged { path: path.clone(), what });
                }
                let whole = Span::Stored { offset: first, length: size - tail };
                Ok(vec![whole, Span::Stored { offset: found.behind(), length: tail }])
            }
            Form::Chunks => self.chunks(found, path),
            Form::Compressed | Form::CompressedFull => extents::read(self, found, path),
        }
    }

    fn chunks(&mut self, found: &Found, path: &TreePath) -> Result<Vec<Span>, ErofsReadError> {
        let size = found.inode.size;
        let damaged = |what| ErofsReadError::Damaged { path: path.clone(), what };
        let (format, entry) = (found.inode.place & 0xffff, 0x20);
        let has_entries = format & entry != 0;
        let chunk =
            chunk_length(format & !entry).ok_or_else(|| damaged("its chunks have an unknown form"))?;
        let width = if has_entries { 8 } else { 4 };
        let list = self.read_vec(found.behind().next_multiple_of(width), size.div_ceil(chunk) * width)?;
        let width = if has_entries { 8 } else { 4 };
        let mut left = size;
        let mut spans = Vec::new();
        for entry in list.chunks_exact(width) {
            let (device, address) = entry.split_at(width - 4);
            if device.get(2..4).is_some_and(|device| device != [0, 0]) {
                return Err(ErofsReadError::Unsupported { what: "chunks on other devices" });
            }
            let block = address.first_chunk::<4>().map_or(NOWHERE, |address| u32::from_le_bytes(*address));
            let length = left.min(chunk);
            left -= length;
            spans.push(match block {
                NOWHERE => Span::Zeros { length },
                block => Span::Stored { offset: u64::from(block) * BLOCK, length },
            });
        }
        Ok(spans)
    }
}
