//! Roots as file systems of their own, and the trees of digests that check them.

use kit_format::erofs;
use kit_format::ext4;
use kit_format::gpt::Guid;
use kit_format::iso;
use kit_format::squashfs;
use kit_format::verity;
use kit_hash::{BlobId, Encoder, Identity as _};
use kit_recipe::image::{FileSystem, RootCompression};
use kit_tree::{Blobs as _, Entry, Tree};

use super::Writer;
use crate::BuildError;

/// How hard a squashfs is compressed: what `mksquashfs` takes.
const SQUASHFS_LEVEL: i32 = 15;
/// How hard an EROFS is compressed with zstd.
const EROFS_ZSTD_LEVEL: i32 = 9;
/// Bytes of a block of a squashfs.
const SQUASHFS_BLOCK: u32 = 128 << 10;

/// What is free in a root that can be written to, at least; a quarter of what its files have where that is more.
const EXT4_SPARE: u64 = 64 << 20;

/// What the file of a file system has behind the image's name.
pub(super) fn suffix(kind: FileSystem) -> &'static str {
    match kind {
        FileSystem::Erofs => "-erofs.img",
        FileSystem::Squashfs => "-squashfs.img",
        FileSystem::Iso => "-root.iso",
        FileSystem::Ext4 => "-ext4.img",
    }
}

impl Writer<'_> {
    pub(super) fn file_system(
        &self,
        root: &Tree,
        kind: FileSystem,
        compression: Option<RootCompression>,
        size: Option<u64>,
    ) -> Result<Tree, BuildError> {
        let workers = self.threads;
        let mtime = self.image.source_date;
        let layout = match kind {
            FileSystem::Erofs => {
                let label = self.image.name.chars().take(16).collect();
                let compression = match compression {
                    Some(RootCompression::None) => erofs::Compression::None,
                    Some(RootCompression::Zstd) => erofs::Compression::Zstd { level: EROFS_ZSTD_LEVEL },
                    _ => erofs::Compression::Lz4,
                };
                let options = erofs::Options { mtime, label, compression };
                erofs::layout(root, self.store, self.store, &options, &workers).map_err(|e| self.failed(e))?
            }
            FileSystem::Squashfs => {
                let options = squashfs::Options {
                    mtime: self.mtime()?,
                    compression: match compression {
                        Some(RootCompression::Gzip) => squashfs::Compression::Gzip,
                        Some(RootCompression::Xz) => squashfs::Compression::Xz,
                        _ => squashfs::Compression::Zstd { level: SQUASHFS_LEVEL },
                    },
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
            FileSystem::Ext4 => {
                let label = self.image.name.chars().take(16).collect();
                let spare = EXT4_SPARE.max(root.content_size() / 4);
                let size = size.map_or(ext4::Size::Fitting { spare }, ext4::Size::Exactly);
                let options = ext4::Options { mtime, label, size };
                ext4::layout(root, &options).map_err(|e| self.failed(e))?
            }
        };
        let mut tree = Tree::new();
        let format = match kind {
            FileSystem::Erofs => "EROFS file system",
            FileSystem::Squashfs => "SquashFS file system",
            FileSystem::Iso => "ISO 9660 file system",
            FileSystem::Ext4 => "ext4 file system",
        };
        self.put_layout(&mut tree, suffix(kind), format, &layout)?;
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
        self.put_layout(&mut tree, "-verity.img", "tree of digests (dm-verity)", &made.tree)?;
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
