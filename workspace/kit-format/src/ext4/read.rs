//! A file system into a tree, strictly: for reading back what was written, by us or by others.
//!
//! Extents, directories with and without hash trees, attributes in inodes and blocks, and blocks of 1 to 64 KiB are read, checksums are compared.
//! Lists of blocks as ext2 has them, contents and attributes in unusual places, encryption, and journals that must be replayed aren't.

mod content;
mod image;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

use kit_tree::draft::{Draft, File, Node};
use kit_tree::{BlobSink, DeviceKind, Entry, FileName, Meta, Mode, Tree, TreePath};

use self::content::{ContentReader, Span};
use self::image::{Found, Image};
use super::error::Ext4ReadError;
use super::fields::get32;
use super::inode::{self, KIND};
use super::xattr::MAGIC;
use super::{BLOCK_BYTES, INLINE, ROOT, TARGET_MAX, attribute_block, directory, xattr};
use crate::limits::{Budget, LimitError, Limits};

/// Reads a file system; its contents go to `sink`.
pub fn read<R: Read + Seek>(source: R, limits: &Limits, sink: &dyn BlobSink) -> Result<Tree, Ext4ReadError> {
    let mut walk = Walk {
        image: Image::open(source)?,
        budget: Budget::new(limits),
        sink,
        files: BTreeMap::new(),
        directories: BTreeSet::new(),
        draft: Draft::default(),
    };
    walk.all()?;
    Ok(walk.draft.finish()?)
}

struct Walk<'a, R> {
    image: Image<R>,
    sink: &'a dyn BlobSink,
    budget: Budget<'a>,
    files: BTreeMap<u32, Node>,
    directories: BTreeSet<u32>,
    draft: Draft,
}

fn damaged<T>(path: &TreePath, what: &'static str) -> Result<T, Ext4ReadError> {
    Err(Ext4ReadError::Damaged { path: path.clone(), what })
}

/// Says which entry went over a limit.
fn over(path: &TreePath) -> impl FnOnce(LimitError) -> Ext4ReadError {
    |source| Ext4ReadError::Limit { path: path.clone(), source }
}

impl<R: Read + Seek> Walk<'_, R> {
    fn all(&mut self) -> Result<(), Ext4ReadError> {
        let mut waiting = vec![(TreePath::root(), ROOT)];
        while let Some((path, number)) = waiting.pop() {
            if let Some(known) = self.files.get(&number) {
                self.draft.insert(path, known.clone());
                continue;
            }
            let found = self.image.inode(number, &path)?;
            let kind = found.inode.mode & KIND;
            if path.is_root() && kind != inode::DIRECTORY.0 {
                return damaged(&path, "the root is no directory");
            }
            let meta = self.meta(&path, &found)?;
            let node = if kind == inode::FILE.0 {
                let file = self.file(&path, &found, meta)?;
                let node = self.draft.add_file(file);
                self.files.insert(number, node.clone());
                node
            } else if kind == inode::DIRECTORY.0 {
                if !self.directories.insert(number) {
                    return damaged(&path, "it is a directory that is there twice");
                }
                self.names(&path, &found, &mut waiting)?;
                Node::Other(Entry::Directory(meta))
            } else {
                Node::Other(self.other(&path, &found, meta)?)
            };
            self.draft.insert(path, node);
        }
        Ok(())
    }

    /// Adds what a directory names to what is still to be read.
    fn names(
        &mut self,
        path: &TreePath,
        found: &Found,
        waiting: &mut Vec<(TreePath, u32)>,
    ) -> Result<(), Ext4ReadError> {
        let size = found.inode.size;
        self.budget.memory(size).map_err(over(path))?;
        if !size.is_multiple_of(self.image.block()) {
            return damaged(path, "it has no whole blocks");
        }
        let mut bytes = Vec::new();
        let spans = self.spans(path, found)?;
        ContentReader::new(&mut self.image, spans).read_to_end_of(&mut bytes)?;
        let mut known = BTreeSet::new();
        let block = usize::try_from(self.image.block()).expect("because blocks are small");
        for block in bytes.chunks(block) {
            found.check_names(path, block)?;
            let Some(names) = directory::parse(block) else { return damaged(path, "its names are") };
            for (name, number) in names {
                if name == b"." || name == b".." {
                    continue;
                }
                let refuse = |source| Ext4ReadError::Name { path: path.clone(), source };
                let below = path.join(&FileName::new(name).map_err(refuse)?).map_err(refuse)?;
                self.budget.entry(below.as_bytes().len()).map_err(over(&below))?;
                if !known.insert(name) {
                    return damaged(&below, "it is there twice");
                }
                waiting.push((below, number));
            }
        }
        Ok(())
    }

    /// Returns where a content is.
    fn spans(&mut self, path: &TreePath, found: &Found) -> Result<Vec<Span>, Ext4ReadError> {
        let limit = self.budget.memory_left() / self.image.block();
        let (spans, nodes) = self.image.spans(path, found, limit)?;
        self.budget.memory(nodes.saturating_mul(self.image.block())).map_err(over(path))?;
        Ok(spans)
    }

    fn meta(&mut self, path: &TreePath, found: &Found) -> Result<Meta, Ext4ReadError> {
        let mut named = Vec::new();
        let behind = &found.inode.attributes;
        if behind.len() >= 4 && get32(behind, 0) == MAGIC {
            let Some(found) = xattr::parse(&behind[4..], 0) else {
                return damaged(path, "its attributes are");
            };
            named.extend(found);
        }
        if found.inode.attribute_block > 0 {
            let block = self.image.attribute_block(found.inode.attribute_block)?;
            let Some(found) = attribute_block::parse(&block) else {
                return damaged(path, "its attributes are");
            };
            named.extend(found);
        }
        let size = named.iter().map(|(name, value)| (name.len() + value.len()) as u64).sum();
        self.budget.attributes(size).map_err(over(path))?;
        let mut xattrs = BTreeMap::new();
        for (name, value) in named {
            if name.contains(&0) {
                return damaged(path, "the name of an attribute has a NUL byte");
            }
            if xattrs.insert(name, value).is_some() {
                return damaged(path, "an attribute is there twice");
            }
        }
        let mode = Mode::from_st_mode(u32::from(found.inode.mode));
        Ok(Meta { mode, uid: found.inode.uid, gid: found.inode.gid, xattrs })
    }

    fn file(&mut self, path: &TreePath, found: &Found, meta: Meta) -> Result<File, Ext4ReadError> {
        let size = found.inode.size;
        self.budget.content(size).map_err(over(path))?;
        let spans = self.spans(path, found)?;
        let mut reader = ContentReader::new(&mut self.image, spans);
        let put = self.sink.put(&mut reader);
        if let Some(failure) = reader.failure() {
            return Err(failure);
        }
        let keep = |source| Ext4ReadError::Keep { path: path.clone(), source };
        let (blob, kept) = put.map_err(keep)?;
        if kept != size {
            return Err(keep(std::io::Error::other("the store didn't take the whole content")));
        }
        Ok(File { meta, blob, size })
    }

    fn other(&mut self, path: &TreePath, found: &Found, meta: Meta) -> Result<Entry, Ext4ReadError> {
        let mode = found.inode.mode;
        let kind = match mode & KIND {
            kind if kind == inode::SYMLINK.0 => return self.symlink(path, found, &meta),
            kind if kind == inode::FIFO.0 => return Ok(Entry::Fifo(meta)),
            kind if kind == inode::CHAR.0 => DeviceKind::Char,
            kind if kind == inode::BLOCK_DEVICE.0 => DeviceKind::Block,
            _ => return Err(Ext4ReadError::Kind { path: path.clone(), mode }),
        };
        let (old, new) = (get32(&found.inode.inline, 0), get32(&found.inode.inline, 4));
        let (major, minor) = if old == 0 {
            (new >> 8 & 0xfff, new & 0xff | new >> 12 & 0xf_ff00)
        } else {
            (old >> 8 & 0xff, old & 0xff)
        };
        Ok(Entry::Device { meta, kind, major, minor })
    }

    fn symlink(&mut self, path: &TreePath, found: &Found, meta: &Meta) -> Result<Entry, Ext4ReadError> {
        let length =
            usize::try_from(found.inode.size).ok().filter(|length| (1..=TARGET_MAX).contains(length));
        let Some(length) = length else { return damaged(path, "its target is empty or too long") };
        if !meta.xattrs.is_empty() {
            return Err(Ext4ReadError::Unsupported { what: "attributes of symbolic links" });
        }
        let mut target = Vec::new();
        if found.inode.flags & inode::EXTENTS == 0 && length < INLINE {
            target.extend_from_slice(&found.inode.inline[..length]);
        } else {
            self.budget.memory(BLOCK_BYTES as u64).map_err(over(path))?;
            let spans = self.spans(path, found)?;
            ContentReader::new(&mut self.image, spans).read_to_end_of(&mut target)?;
        }
        if target.contains(&0) {
            return damaged(path, "its target has a NUL byte");
        }
        Ok(Entry::Symlink { uid: meta.uid, gid: meta.gid, target })
    }
}
