//! Roots as file systems of their own, and the trees of digests that check them.

use kit_format::erofs;
use kit_format::gpt::Guid;
use kit_format::iso;
use kit_format::squashfs;
use kit_format::verity;
use kit_hash::{BlobId, Encoder, Identity as _};
use kit_recipe::image::FileSystem;
use kit_tree::{Blobs as _, Entry, Tree};

use super::Writer;
use crate::BuildError;
use crate::workers::Threads;

/// How hard a squashfs is compressed: what `mksquashfs` takes.
const SQUASHFS_LEVEL: i32 = 15;
/// Bytes of a block of a squashfs.
const SQUASHFS_BLOCK: u32 = 128 << 10;

/// What the file of a file system has behind the image's name.
pub(super) fn suffix(kind: FileSystem) -> &'static str {
    match kind {
        FileSystem::Erofs => "-erofs.img",
        FileSystem::Squashfs => "-squashfs.img",
        FileSystem::Iso => "-root.iso",
    }
}

impl Writer<'_> {
    pub(super) fn file_system(&self, root: &Tree, kind: FileSystem) -> Result<Tree, BuildError> {
        let workers = Threads::of_machine();
        let mtime = self.image.source_date;
        let layout = match kind {
            FileSystem::Erofs => {
                let label = self.image.name.chars().take(16).collect();
                let options = erofs::Options { mtime, label, compression: erofs::Compression::Lz4 };
                erofs::layout(root, self.store, self.store, &options, &workers).map_err(|e| self.failed(e))?
            }
            FileSystem::Squashfs => {
                let options = squashfs::Options {
                    mtime: self.mtime()?,
                    compression: squashfs::Compression::Zstd { level: SQUASHFS_LEVEL },
                    block: SQUASHFS_BLOCK,
                };
                squashfs::layout(root, self.store, self.store, &options, &workers)
                    .map_err(|e| self.failed(e))?
            }
            FileSystem::Iso => {
                let label = "ROOT".to_owned();
                let options = iso::Options { label, mtime, bios: None, efi: None, hybrid: false };
                iso::layout(root, self.store, &options).map_err(|e| self.failed(e))?
            }
        };
        let mut tree = Tree::new();
        self.put_stream(&mut tree, suffix(kind), &mut layout.stream(self.store))?;
        Ok(tree)
    }

    /// Makes the tree of digests of a file system.
    pub(super) fn verity(&self, data: &Tree) -> Result<Tree, BuildError> {
        let (blob, size) = self.only_file(data)?;
        let open = || self.store.open(&blob);
        let salt: BlobId = Encoder::new("verity-salt", 1).bytes(blob.as_bytes()).id_of();
        let id = Guid::derived(blob.as_bytes(), "verity", 0);
        let made = verity::tree_into(&open, size, salt.as_bytes(), id, self.store);
        let made = made.map_err(|e| self.failed(e))?;
        let mut tree = Tree::new();
        self.put_stream(&mut tree, "-verity.img", &mut made.tree.stream(self.store))?;
        let text = BlobId::from_bytes(made.root_hash).to_string();
        let length = text.len() as u64;
        self.put(&mut tree, "-roothash", (self.store.put_bytes(text.as_bytes())?, length))?;
        Ok(tree)
    }

    /// Returns the file of a tree that has one, and its length.
    pub(super) fn only_file(&self, tree: &Tree) -> Result<(BlobId, u64), BuildError> {
        let mut files = tree.entries().filter_map(|(_, entry)| match entry {
            Entry::File { blob, size, .. } => Some((*blob, *size)),
            _ => None,
        });
        match (files.next(), files.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(self.failed("a part of it is not one file")),
        }
    }
}
