//! Superblock, inodes, and where contents are.

use std::io::{self, Read, Seek, SeekFrom};

use kit_tree::TreePath;

use super::{ErofsReadError, Span};
use crate::erofs::chunks::chunk_length;
use crate::erofs::inode::Inode;
use crate::erofs::superblock::{self, Superblock};
use crate::erofs::xattr::HEADER;
use crate::erofs::{BLOCK, BLOCK_BITS, NOWHERE};
use crate::inodes::{EntryError, Inodes};

/// An image that is read from anywhere.
#[derive(Debug)]
pub(super) struct Image<R> {
    pub(super) source: R,
    pub(super) superblock: Superblock,
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
        if superblock.block_bits != BLOCK_BITS || superblock.directory_bits != 0 {
            return Err(Self::unsupported("blocks of another size than 4096 bytes"));
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
            return Err(Self::unsupported("features of later versions, fragments or devices"));
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

    /// Returns where a content is that has a list of chunks.
    pub(super) fn chunks(&mut self, found: &Found, path: &TreePath) -> Result<Vec<Span>, ErofsReadError> {
        let size = found.inode.size;
        let (format, entry) = (found.inode.place & 0xffff, 0x20);
        let has_entries = format & entry != 0;
        let chunk = chunk_length(format & !entry)
            .ok_or_else(|| EntryError::damaged(path, "its chunks have an unknown form"))?;
        let width = if has_entries { 8 } else { 4 };
        let start = found.behind().next_multiple_of(width as u64);
        let list = self.read_vec(start, size.div_ceil(chunk) * width as u64)?;
        let mut left = size;
        let mut spans = Vec::new();
        for entry in list.chunks_exact(width) {
            let (device, address) = entry.split_at(width - 4);
            if device.get(2..4).is_some_and(|device| device != [0, 0]) {
                return Err(Self::unsupported("chunks on other devices"));
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
