//! The files of an output format, and of the parts that formats share.

mod archives;
mod boards;
mod boot;
mod boot_program;
mod directories;
mod discs;
mod disks;
mod extension;
mod file_systems;
mod layers;
mod slots;
mod update;

use std::io::Read;
use std::num::NonZeroU32;

use kit_format::extents::{Extents, Of};
use kit_format::layout::Layout;
use kit_format::workers::Workers as _;
use kit_hash::{BlobId, TreeId};
use kit_plan::derivation::{Image, ImageFormat, Input};
use kit_store::Store;
use kit_tree::{BlobSink as _, Mode, Tree, TreePath};

use super::Done;
use crate::workers::Threads;
use crate::{BuildError, extents};

/// How many threads compress one stream, at most: each of them takes memory.
const STREAM_THREADS: NonZeroU32 = NonZeroU32::new(2).expect("because it is not zero");

pub(super) fn write(
    store: &Store,
    threads: Threads,
    title: &str,
    image: &Image,
    tree_of: &dyn Fn(&Input) -> TreeId,
) -> Result<Done, BuildError> {
    let writer = Writer { store, threads, title, image };
    let read = |input: &Input| store.tree(&tree_of(input));
    let tree = match &image.format {
        ImageFormat::KernelInitrd { kernel, root, cmdline, microcode, verity, compression } => {
            let (kernel, root) = (read(kernel)?, read(root)?);
            let cmdline = match verity {
                Some(verity) => writer.with_root_hash(cmdline, &read(verity)?)?,
                None => cmdline.clone(),
            };
            writer.kernel_initrd(&kernel, &root, &cmdline, microcode.as_ref(), *compression)?
        }
        ImageFormat::Tar { root } => writer.tar(&read(root)?, ".tar")?,
        ImageFormat::CompressedTar { root, compression } => {
            writer.compressed_tar(&read(root)?, *compression)?
        }
        ImageFormat::TarKernelInitrd { boot } => writer.tar(&read(boot)?, "-boot.tar")?,
        ImageFormat::Oci { images } => writer.oci(&writer.layered(images, tree_of)?)?,
        ImageFormat::DockerArchive { images } => writer.docker_archive(&writer.layered(images, tree_of)?)?,
        ImageFormat::FileSystem { root, kind, compression, size } => {
            writer.file_system(&read(root)?, *kind, *compression, *size)?
        }
        ImageFormat::Verity { data } => writer.verity(&read(data)?)?,
        ImageFormat::Uki { stub, boot, kernel, root, architecture, device_tree } => {
            let (kernel, root) = (read(kernel)?, read(root)?);
            let device_tree =
                device_tree.as_ref().map(|path| writer.device_tree(&kernel, path)).transpose()?;
            let parts =
                boot_program::Parts { stub: &read(stub)?, boot: &read(boot)?, kernel: &kernel, root: &root };
            writer.uki(&parts, device_tree, architecture)?
        }
        ImageFormat::Directory { boot, loader } => writer.directory(&read(boot)?, *loader)?,
        ImageFormat::Disk(disk) => writer.disk(disk, tree_of)?,
        ImageFormat::RaspberryPi(board) => writer.raspberry_pi(board, tree_of)?,
        ImageFormat::Iso { suffix, loaders, label, root } => {
            let disc = discs::Disc { suffix, label, root: root.as_ref() };
            writer.disc(&disc, loaders, tree_of)?
        }
        ImageFormat::Extension(extension) => writer.extension(extension, tree_of)?,
        ImageFormat::Update(update) => writer.update(update, tree_of)?,
    };
    Ok(Done::of(store.put_tree(&tree)?))
}

struct Writer<'a> {
    store: &'a Store,
    /// What compresses; the bytes are the same for any number.
    threads: Threads,
    title: &'a str,
    image: &'a Image,
}

impl Writer<'_> {
    fn failed(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> BuildError {
        BuildError::Write { title: self.title.to_owned(), source: source.into() }
    }

    /// The number of threads that compress one stream.
    fn stream_threads(&self) -> NonZeroU32 {
        self.threads.count().min(STREAM_THREADS)
    }

    /// The source date as the formats hold it.
    fn mtime(&self) -> Result<u32, BuildError> {
        u32::try_from(self.image.source_date)
            .map_err(|_| self.failed("the source date lies beyond the year 2106"))
    }

    /// Puts a stream into the store and under its name into a tree.
    fn put_stream(&self, tree: &mut Tree, suffix: &str, stream: &mut dyn Read) -> Result<(), BuildError> {
        let content = self.store.put(stream).map_err(|e| self.failed(e))?;
        self.put(tree, suffix, content)
    }

    /// Puts what was laid out into the store and under its name into a tree, and takes down what its pieces are.
    fn put_layout(
        &self,
        tree: &mut Tree,
        suffix: &str,
        format: &str,
        layout: &Layout,
    ) -> Result<(), BuildError> {
        let content = self.store.put(&mut layout.stream(self.store)).map_err(|e| self.failed(e))?;
        self.record(content.0, Of::File, format, layout)?;
        self.put(tree, suffix, content)
    }

    /// Takes down what the pieces of a file are, or those of the disk in it.
    fn record(&self, blob: BlobId, of: Of, format: &str, layout: &Layout) -> Result<(), BuildError> {
        let recorded = extents::put(self.store, blob, &Extents::record(format, of, layout));
        recorded.map_err(|e| self.failed(e))
    }

    fn put(&self, tree: &mut Tree, suffix: &str, content: (BlobId, u64)) -> Result<(), BuildError> {
        let path = self.path(suffix)?;
        tree.insert_file(path, Mode::FILE, content.0, content.1).map_err(|e| self.failed(e))
    }

    /// Returns the path of a file of this image.
    fn path(&self, suffix: &str) -> Result<TreePath, BuildError> {
        TreePath::new(format!("{}{suffix}", self.image.name)).map_err(|e| self.failed(e))
    }
}
