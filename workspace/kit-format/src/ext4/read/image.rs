//! Superblock, inodes, and where contents are.

use std::io::{self, Read, Seek, SeekFrom};

use kit_tree::TreePath;

use super::{Span, damaged};
use crate::ext4::checksum::Checksum;
use crate::ext4::error::Ext4ReadError;
use crate::ext4::extents::{DEPTH_MAX, Node};
use crate::ext4::inode::{self, Inode};
use crate::ext4::superblock::{self, Told};
use crate::ext4::{attribute_block, directory, hash_tree};
use crate::inodes::Inodes;

/// What no file has: lengths up to here can be added and shifted.
const SIZE_MAX: u64 = 1 << 60;

/// A file system that is read from anywhere.
#[derive(Debug)]
pub(super) struct Image<R> {
    pub(super) source: R,
    pub(super) told: Told,
}

/// An inode, and what checksums of what belongs to it begin with.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) inode: Inode,
    pub(super) seed: Option<Checksum>,
}

impl Found {
    /// Compares the checksum of a block of names.
    pub(super) fn check_names(&self, path: &TreePath, block: &[u8]) -> Result<(), Ext4ReadError> {
        let Some(seed) = self.seed else { return Ok(()) };
        match directory::sums(block, seed) {
            Some(sums) => compare("block of names", sums),
            None => match hash_tree::sums(block, seed).filter(|_| self.inode.flags & inode::INDEXED != 0) {
                Some(sums) => compare("hash tree", sums),
                None => damaged(path, "a block of names has no checksum"),
            },
        }
    }
}

/// The spans of a content, while its tree is walked.
struct Spans {
    list: Vec<Span>,
    /// Blocks of the content that they are.
    done: u64,
    blocks: u64,
    /// Blocks of the tree that were read, and may be.
    nodes: u64,
    limit: u64,
}

impl<R: Read + Seek> Image<R> {
    pub(super) fn open(mut source: R) -> Result<Self, Ext4ReadError> {
        let mut bytes = [0; superblock::LENGTH];
        source.seek(SeekFrom::Start(superblock::OFFSET))?;
        match source.read_exact(&mut bytes) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Err(Ext4ReadError::Superblock),
            other => other?,
        }
        let told = Told::decode(&bytes).ok_or(Ext4ReadError::Superblock)?;
        if told.seed.is_some() {
            compare("superblock", told.checksum)?;
        }
        if told.incompat & superblock::RECOVER != 0 {
            return Err(Self::unsupported("changes in its journal"));
        }
        if told.incompat & !superblock::KNOWN != 0 {
            return Err(Self::unsupported("features of other versions"));
        }
        Ok(Self { source, told })
    }

    /// Returns the bytes of a block.
    pub(super) fn block(&self) -> u64 {
        1 << self.told.block_bits
    }

    /// Returns where a block is that there may be.
    pub(super) fn place(&self, block: u64, path: &TreePath) -> Result<u64, Ext4ReadError> {
        if block >= self.told.blocks {
            return damaged(path, "it lies behind the end");
        }
        Ok(block << self.told.block_bits)
    }

    fn read_block(&mut self, block: u64, path: &TreePath) -> Result<Vec<u8>, Ext4ReadError> {
        let place = self.place(block, path)?;
        let mut bytes = vec![0; usize::try_from(self.block()).expect("because blocks are small")];
        self.read_at(place, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads a block of attributes.
    pub(super) fn attribute_block(&mut self, block: u64) -> Result<Vec<u8>, Ext4ReadError> {
        let bytes = self.read_block(block, &TreePath::root())?;
        if let Some(seed) = self.told.seed {
            compare("block of attributes", attribute_block::sums(&bytes, block, seed))?;
        }
        Ok(bytes)
    }

    /// Returns where a content is, and how many blocks of a tree say so: at most `limit`.
    pub(super) fn extents(
        &mut self,
        path: &TreePath,
        found: &Found,
        limit: u64,
    ) -> Result<(Vec<Span>, u64), Ext4ReadError> {
        let size = found.inode.size;
        if size > SIZE_MAX {
            return damaged(path, "it is longer than any file");
        }
        let blocks = size.div_ceil(self.block());
        let mut spans = Spans { list: Vec::new(), done: 0, blocks, nodes: 0, limit };
        if found.inode.flags & inode::EXTENTS != 0 {
            let Some(root) = Node::decode(&found.inode.inline) else {
                return damaged(path, "its list of extents is");
            };
            self.walk(path, found, root, DEPTH_MAX, &mut spans)?;
        } else if size > 0 {
            return Err(Self::unsupported("lists of blocks"));
        }
        spans.zeros_to(blocks, self.told.block_bits);
        // The last block is used in part.
        let whole = blocks << self.told.block_bits;
        if let Some(Span::Stored { length, .. } | Span::Zeros { length }) = spans.list.last_mut() {
            *length -= whole - size;
        }
        Ok((spans.list, spans.nodes))
    }

    fn walk(
        &mut self,
        path: &TreePath,
        found: &Found,
        node: Node,
        deepest: u16,
        spans: &mut Spans,
    ) -> Result<(), Ext4ReadError> {
        match node {
            Node::Leaf(extents) => {
                for (first, count, start, unwritten) in extents {
                    // What was reserved behind the end has no bytes.
                    if first >= spans.blocks {
                        break;
                    }
                    if first < spans.done {
                        return damaged(path, "its extents aren't sorted");
                    }
                    spans.zeros_to(first, self.told.block_bits);
                    let count = count.min(spans.blocks - first);
                    let length = count << self.told.block_bits;
                    let last = start.saturating_add(count.saturating_sub(1));
                    if unwritten {
                        spans.list.push(Span::Zeros { length });
                    } else {
                        self.place(last, path)?;
                        spans.list.push(Span::Stored { offset: self.place(start, path)?, length });
                    }
                    spans.done = first + count;
                }
                Ok(())
            }
            Node::Inner(below, depth) if depth < deepest => {
                for block in below {
                    if spans.nodes >= spans.limit {
                        return damaged(path, "its tree of extents is too large");
                    }
                    spans.nodes += 1;
                    let bytes = self.read_block(block, path)?;
                    let decoded = Node::decode(&bytes).filter(|node| match node {
                        Node::Leaf(_) => depth == 0,
                        Node::Inner(_, below) => depth.checked_sub(1) == Some(*below),
                    });
                    let Some(node) = decoded else { return damaged(path, "its tree of extents is") };
                    if let Some(seed) = found.seed {
                        compare("tree of extents", Node::sums(&bytes, seed))?;
                    }
                    self.walk(path, found, node, depth, spans)?;
                }
                Ok(())
            }
            Node::Inner(..) => damaged(path, "its tree of extents is too deep"),
        }
    }
}

impl Spans {
    /// Goes on with zeros up to a block.
    fn zeros_to(&mut self, block: u64, bits: u32) {
        if block > self.done {
            self.list.push(Span::Zeros { length: (block - self.done) << bits });
            self.done = block;
        }
    }
}

/// Refuses a part whose checksum isn't what it says.
pub(super) fn compare(what: &'static str, (expected, found): (u32, u32)) -> Result<(), Ext4ReadError> {
    if expected == found { Ok(()) } else { Err(Ext4ReadError::Checksum { what, expected, found }) }
}
