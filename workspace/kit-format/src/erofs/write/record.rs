//! An inode with all that stands behind it.

use kit_hash::BlobId;
use kit_tree::Entry;

use super::ErofsWriteError;
use super::contents::{Contents, Stored};
use crate::erofs::BLOCK;
use crate::erofs::chunks::Chunks;
use crate::erofs::compress::Extents;
use crate::erofs::directory::Directory;
use crate::erofs::inode::{Form, Inode};
use crate::erofs::inodes::Node;
use crate::erofs::xattr::Shared;
use crate::layout::Layout;

/// Tails of larger files aren't inlined: they would be read once more for it, and fill their last block well enough.
const INLINED_MAX: u64 = 256 << 10;

/// An inode, its attributes and what it has of its content.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) node: &'a Node<'a>,
    pub(super) body: Body<'a>,
    inode: Inode,
    attributes: Vec<u8>,
    /// What stands behind the attributes, once places are known; none of a file's tail.
    behind: Vec<u8>,
}

/// What an inode holds.
#[derive(Debug)]
pub(super) enum Body<'a> {
    Nothing,
    Directory(Directory<'a>),
    Target(&'a [u8]),
    Flat(BlobId),
    Chunked(BlobId, &'a Chunks),
    Compressed(&'a Extents),
}

impl<'a> Record<'a> {
    pub(super) fn new(
        rank: usize,
        node: &'a Node<'a>,
        contents: &'a Contents,
        shared: &Shared<'_>,
        time: u64,
    ) -> Result<Self, ErofsWriteError> {
        let (body, size) = match node.entry {
            Entry::Directory(_) => {
                let directory = node.directory(rank);
                let size = directory.size();
                (Body::Directory(directory), size)
            }
            Entry::Symlink { target, .. } => (Body::Target(target), target.len() as u64),
            Entry::File { blob, size, .. } => match contents.stored(blob) {
                Stored::Flat => (Body::Flat(*blob), *size),
                Stored::Chunked(chunks) => (Body::Chunked(*blob, chunks), *size),
                Stored::Compressed(extents) => (Body::Compressed(extents), *size),
            },
            Entry::HardLink { .. } | Entry::Device { .. } | Entry::Fifo(_) => (Body::Nothing, 0),
        };
        let (attributes, xattrs) = shared.of_node(node)?;
        let (uid, gid) = node.owner();
        let mut inode = Inode {
            form: Form::Plain,
            mode: node.mode(),
            links: node.links,
            uid,
            gid,
            size,
            xattrs,
            place: node.device(),
            number: u32::try_from(rank + 1).map_err(|_| super::size_error(u64::MAX))?,
            time,
        };
        inode.form = match body {
            Body::Chunked(..) => Form::Chunks,
            Body::Compressed(_) => Form::Compressed,
            _ => Form::Plain,
        };
        let mut record = Self { node, body, inode, attributes, behind: Vec::new() };
        if record.inlines() {
            record.inode.form = Form::Inline;
        }
        Ok(record)
    }

    /// Whether the tail stands behind the inode.
    fn inlines(&self) -> bool {
        let tail = self.inode.size % BLOCK;
        let may = match &self.body {
            Body::Directory(_) | Body::Target(_) => true,
            Body::Flat(_) => self.inode.size < INLINED_MAX,
            Body::Nothing | Body::Chunked(..) | Body::Compressed(_) => false,
        };
        may && tail > 0 && self.fixed() + tail <= BLOCK
    }

    /// Returns bytes of inode and attributes.
    fn fixed(&self) -> u64 {
        (self.inode.length() + self.attributes.len()) as u64
    }

    /// Returns how many bytes stand together.
    pub(super) fn length(&self) -> u64 {
        let behind = match &self.body {
            Body::Chunked(_, chunks) => chunks.list_length(),
            Body::Compressed(extents) => extents.index_length(self.fixed()),
            _ if self.inode.form == Form::Inline => self.inode.size % BLOCK,
            _ => 0,
        };
        self.fixed() + behind
    }

    /// Returns how many blocks of its own it needs elsewhere.
    pub(super) fn blocks(&self) -> u64 {
        match &self.body {
            Body::Chunked(_, chunks) => chunks.stored() / BLOCK,
            Body::Compressed(_) | Body::Nothing => 0,
            _ if self.inode.form == Form::Inline => self.inode.size / BLOCK,
            _ => self.inode.size.div_ceil(BLOCK),
        }
    }

    /// Returns how many bytes are in these blocks.
    pub(super) fn outside(&self) -> u64 {
        if self.inode.form == Form::Inline { self.inode.size / BLOCK * BLOCK } else { self.inode.size }
    }

    /// Takes the numbers of all inodes, where its blocks begin, and where compressed blocks begin.
    pub(super) fn finish(&mut self, numbers: &[u64], first: u32, compressed: u32) {
        match &self.body {
            Body::Nothing => return,
            Body::Chunked(_, chunks) => {
                self.inode.place = chunks.format();
                self.behind = chunks.list(first);
                return;
            }
            Body::Compressed(extents) => {
                self.inode.place = extents.blocks();
                self.behind = extents.index(self.fixed(), compressed);
                return;
            }
            Body::Directory(directory) => self.behind = directory.encode(numbers),
            Body::Target(target) => self.behind = target.to_vec(),
            Body::Flat(_) => {}
        }
        self.inode.place = first;
    }

    /// Returns the bytes of a directory or a link that stand elsewhere.
    pub(super) fn outside_bytes(&self) -> Option<Vec<u8>> {
        let length = usize::try_from(self.outside()).expect("because names are in memory");
        match &self.body {
            Body::Directory(_) | Body::Target(_) => self.behind.get(..length).map(<[u8]>::to_vec),
            _ => None,
        }
    }

    /// Returns what stands behind the attributes, without a file's tail.
    fn tail(&self) -> &[u8] {
        match &self.body {
            Body::Directory(_) | Body::Target(_) => {
                let length = usize::try_from(self.outside()).expect("because names are in memory");
                self.behind.get(length..).unwrap_or_default()
            }
            _ => &self.behind,
        }
    }

    /// Returns the bytes that stand together; they are all known of what isn't a file.
    pub(super) fn known(&self) -> Vec<u8> {
        [&self.inode.encode(), &self.attributes, self.tail()].concat()
    }

    /// Lays out what stands together.
    pub(super) fn emit(&self, layout: &mut Layout) {
        let path = || self.node.path.clone();
        layout.bytes_of("inode", self.inode.encode(), path());
        layout.bytes_of("attributes", self.attributes.clone(), path());
        match &self.body {
            Body::Flat(blob) if self.inode.form == Form::Inline => {
                layout.blob_part("tail", *blob, self.outside()..self.inode.size, Some(path()));
            }
            Body::Nothing | Body::Flat(_) => {}
            Body::Directory(_) => layout.bytes_of("names", self.tail().to_vec(), path()),
            Body::Target(_) => layout.bytes_of("target", self.tail().to_vec(), path()),
            Body::Chunked(..) => layout.bytes_of("chunks", self.tail().to_vec(), path()),
            Body::Compressed(_) => layout.bytes_of("index", self.tail().to_vec(), path()),
        }
    }
}
