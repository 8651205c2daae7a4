//! A file system into a tree, strictly: for reading back what was written, by us or by others.
//!
//! Extents, directories with and without hash trees, attributes in inodes and blocks, and blocks of 1 to 64 KiB are read, checksums are compared.
//! Lists of blocks as ext2 has them, contents and attributes in unusual places, encryption, and journals that must be replayed aren't.

mod image;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{self, Read, Seek, SeekFrom};

use kit_tree::{BlobSink, Tree, TreePath};

use self::image::{Found, Image, compare};
use super::error::Ext4ReadError;
use super::fields::get32;
use super::inode::{self, Inode};
use super::xattr::MAGIC;
use super::{INLINE, ROOT, attribute_block, directory, groups, xattr};
use crate::inodes::{self, EntryError, Inodes, Stat};
use crate::limits::{Budget, Limits};
use crate::stat::unpack_device;

type Span = inodes::Span<Infallible>;

/// Reads a file system; its contents go to `sink`.
pub fn read<R: Read + Seek>(source: R, limits: &Limits, sink: &dyn BlobSink) -> Result<Tree, Ext4ReadError> {
    inodes::read(Image::open(source)?, ROOT.into(), limits, sink)
}

fn damaged<T>(path: &TreePath, what: &'static str) -> Result<T, Ext4ReadError> {
    Err(EntryError::damaged(path, what).into())
}

impl<R: Read + Seek> Inodes for Image<R> {
    type Error = Ext4ReadError;
    type Inode = Found;
    type Packed = Infallible;

    fn inode(&mut self, path: &TreePath, number: u64) -> Result<Found, Ext4ReadError> {
        let number = u32::try_from(number).ok().filter(|number| (1..=self.told.inodes).contains(number));
        let Some(number) = number else { return damaged(path, "there is no such inode") };
        let (group, rank) =
            ((number - 1) / self.told.inodes_of_group, (number - 1) % self.told.inodes_of_group);
        let mut descriptor = vec![0; usize::from(self.told.descriptor)];
        let first = (u64::from(self.told.first_block) + 1) << self.told.block_bits;
        self.read_at(first + u64::from(group) * u64::from(self.told.descriptor), &mut descriptor)?;
        if let Some(seed) = self.told.seed {
            let (expected, found) = groups::sums(&descriptor, group, seed);
            compare("descriptor of a group", (u32::from(expected), u32::from(found)))?;
        }
        let table = self.place(groups::table(&descriptor), path)?;
        let mut bytes = vec![0; usize::from(self.told.inode)];
        self.read_at(table + u64::from(rank) * u64::from(self.told.inode), &mut bytes)?;
        if let Some(seed) = self.told.seed {
            compare("inode", inode::sums(&bytes, number, seed))?;
        }
        let seed = self.told.seed.map(|seed| seed.inode(number, inode::generation(&bytes)));
        let inode = Inode::decode(&bytes);
        if inode.flags & inode::IN_INODE != 0 {
            return Err(Self::unsupported("contents in inodes"));
        }
        if inode.flags & inode::ENCRYPTED != 0 {
            return Err(Self::unsupported("encrypted files"));
        }
        Ok(Found { inode, seed })
    }

    fn stat(found: &Found) -> Stat {
        let Inode { mode, uid, gid, size, .. } = found.inode;
        Stat { mode, uid, gid, size }
    }

    fn device(found: &Found) -> (u32, u32) {
        let (old, new) = (get32(&found.inode.inline, 0), get32(&found.inode.inline, 4));
        if old == 0 { unpack_device(new) } else { (old >> 8 & 0xff, old & 0xff) }
    }

    fn inline_target(found: &Found) -> Option<&[u8]> {
        let length = usize::try_from(found.inode.size).ok().filter(|length| *length < INLINE)?;
        (found.inode.flags & inode::EXTENTS == 0).then(|| &found.inode.inline[..length])
    }

    fn xattrs(
        &mut self,
        path: &TreePath,
        found: &Found,
        budget: &mut Budget<'_>,
    ) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Ext4ReadError> {
        let mut named = Vec::new();
        let behind = &found.inode.attributes;
        if behind.len() >= 4 && get32(behind, 0) == MAGIC {
            let Some(found) = xattr::parse(&behind[4..], 0) else {
                return damaged(path, "its attributes are");
            };
            named.extend(found);
        }
        if found.inode.attribute_block > 0 {
            let block = self.attribute_block(found.inode.attribute_block)?;
            let Some(found) = attribute_block::parse(&block) else {
                return damaged(path, "its attributes are");
            };
            named.extend(found);
        }
        let size = named.iter().map(|(name, value)| (name.len() + value.len()) as u64).sum();
        budget.attributes(size).map_err(EntryError::limit(path))?;
        let mut xattrs = BTreeMap::new();
        for (name, value) in named {
            if name.contains(&0) {
                return damaged(path, "the name of an attribute has a NUL byte");
            }
            if xattrs.insert(name, value).is_some() {
                return damaged(path, "an attribute is there twice");
            }
        }
        Ok(xattrs)
    }

    fn spans(
        &mut self,
        path: &TreePath,
        found: &Found,
        budget: &mut Budget<'_>,
    ) -> Result<Vec<Span>, Ext4ReadError> {
        let (spans, nodes) = self.extents(path, found, budget.memory_left() / self.block())?;
        budget.memory(nodes.saturating_mul(self.block())).map_err(EntryError::limit(path))?;
        Ok(spans)
    }

    fn names<'a>(
        &self,
        path: &TreePath,
        found: &Found,
        content: &'a [u8],
    ) -> Result<Vec<(&'a [u8], u64)>, Ext4ReadError> {
        let block = usize::try_from(self.block()).expect("because blocks are small");
        if !content.len().is_multiple_of(block) {
            return damaged(path, "it has no whole blocks");
        }
        let mut all = Vec::new();
        for block in content.chunks(block) {
            found.check_names(path, block)?;
            let Some(names) = directory::parse(block) else { return damaged(path, "its names are") };
            all.extend(names.into_iter().map(|(name, number)| (name, u64::from(number))));
        }
        Ok(all)
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), Ext4ReadError> {
        self.source.seek(SeekFrom::Start(offset))?;
        self.source.read_exact(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                Ext4ReadError::Truncated { offset: offset.saturating_add(buffer.len() as u64) }
            }
            _ => Ext4ReadError::Read(error),
        })
    }

    fn unpack(&mut self, _: &TreePath, packed: Infallible) -> Result<Vec<u8>, Ext4ReadError> {
        match packed {}
    }

    fn unsupported(what: &'static str) -> Ext4ReadError {
        Ext4ReadError::Unsupported { what }
    }
}
