//! The files of an output format.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use kit_format::compression::{ZstdStream, zstd::ZstdOptions};
use kit_format::cpio::CpioStream;
use kit_format::dedupe::dedupe;
use kit_format::oci::{self, ImageConfig, LayerCompression, Platform};
use kit_format::tar::TarStream;
use kit_hash::{BlobId, TreeId};
use kit_plan::derivation::{Image, ImageFormat, Input, OciImage};
use kit_store::Store;
use kit_tree::{BlobSink as _, Entry, Mode, Tree, TreePath};

use super::Done;
use crate::BuildError;

/// The last level before size is dear. Of `minimal`'s initrd, 3.6 MB, level 3 leaves 1.74 MB in 30 ms, 9 leaves 1.38 MB in
/// 70 ms, 15 the same in 530 ms and 19 leaves 1.26 MB in 1400 ms. Of 165 MB of Debian packages, 15 leaves 1.2 % less
/// than 9 in 3.5 times the time, and needs 64 MiB of memory for each worker where 9 needs 12. The kernel unpacks all
/// of them in the same few milliseconds.
const INITRD_LEVEL: i32 = 9;
/// The bytes are the same for any number.
const WORKERS: NonZeroU32 = NonZeroU32::new(2).expect("because it is not zero");

type Failure = Box<dyn std::error::Error + Send + Sync>;

pub(super) fn write(
    store: &Store,
    title: &str,
    image: &Image,
    tree_of: &dyn Fn(&Input) -> TreeId,
) -> Result<Done, BuildError> {
    let writer = Writer { store, title, image };
    let tree = match &image.format {
        ImageFormat::KernelInitrd { kernel, root, cmdline } => {
            writer.kernel_initrd(&store.tree(&tree_of(kernel))?, &store.tree(&tree_of(root))?, cmdline)?
        }
        ImageFormat::Tar { root } => writer.tar(&store.tree(&tree_of(root))?)?,
        ImageFormat::Oci { images } => {
            let mut roots = Vec::new();
            for (name, image) in images {
                roots.push((name.as_str(), image, store.tree(&tree_of(&image.root))?));
            }
            writer.oci(&roots)?
        }
    };
    Ok(Done::of(store.put_tree(&tree)?))
}

struct Writer<'a> {
    store: &'a Store,
    title: &'a str,
    image: &'a Image,
}

impl Writer<'_> {
    fn failed(&self, source: Failure) -> BuildError {
        BuildError::Write { title: self.title.to_owned(), source }
    }

    /// The source date as the formats hold it.
    fn mtime(&self) -> Result<u32, BuildError> {
        u32::try_from(self.image.source_date)
            .map_err(|_| self.failed("the source date lies beyond the year 2106".into()))
    }

    fn put(&self, tree: &mut Tree, suffix: &str, content: (BlobId, u64)) -> Result<(), BuildError> {
        let path =
            TreePath::new(format!("{}{suffix}", self.image.name)).map_err(|e| self.failed(Box::new(e)))?;
        tree.insert_file(path, Mode::FILE, content.0, content.1).map_err(|e| self.failed(Box::new(e)))
    }

    fn kernel_initrd(&self, kernel: &Tree, root: &Tree, cmdline: &str) -> Result<Tree, BuildError> {
        let init = "/init".parse().expect("because it is a constant path");
        if root.get(&init).is_none() {
            return Err(BuildError::NoInit { title: self.title.to_owned() });
        }
        let root = dedupe(root, &[TreePath::root()]);
        let cpio = CpioStream::new(&root, self.store, self.mtime()?).map_err(|e| self.failed(Box::new(e)))?;
        let size = cpio.total_len();
        let options = ZstdOptions { level: INITRD_LEVEL, workers: WORKERS };
        let mut zstd = ZstdStream::new(cpio, size, options).map_err(|e| self.failed(Box::new(e)))?;
        let initrd = self.store.put(&mut zstd).map_err(|e| self.failed(Box::new(e)))?;
        let mut tree = Tree::new();
        self.put(&mut tree, "-kernel", self.find_kernel(kernel)?)?;
        self.put(&mut tree, "-initrd.img", initrd)?;
        let text = self.store.put_bytes(cmdline.as_bytes())?;
        self.put(&mut tree, "-cmdline", (text, cmdline.len() as u64))?;
        Ok(tree)
    }

    fn find_kernel(&self, kernel: &Tree) -> Result<(BlobId, u64), BuildError> {
        let found: Vec<_> = kernel
            .entries()
            .filter(|(path, _)| path.as_bytes().starts_with(b"boot/vmlinuz"))
            .filter_map(|(path, entry)| match entry {
                Entry::File { blob, size, .. } => Some((path, (*blob, *size))),
                _ => None,
            })
            .collect();
        match found.as_slice() {
            [(_, only)] => Ok(*only),
            _ => Err(BuildError::NoKernel {
                title: self.title.to_owned(),
                found: found.iter().map(|(path, _)| path.to_string()).collect(),
            }),
        }
    }

    fn tar(&self, root: &Tree) -> Result<Tree, BuildError> {
        let mut stream =
            TarStream::new(root, self.store, self.mtime()?).map_err(|e| self.failed(Box::new(e)))?;
        let content = self.store.put(&mut stream).map_err(|e| self.failed(Box::new(e)))?;
        let mut tree = Tree::new();
        self.put(&mut tree, ".tar", content)?;
        Ok(tree)
    }

    fn oci(&self, images: &[(&str, &OciImage, Tree)]) -> Result<Tree, BuildError> {
        let images: Vec<_> = images
            .iter()
            .map(|(name, image, root)| oci::OciImage {
                layers: vec![root],
                config: config(image),
                annotations: BTreeMap::new(),
                ref_name: Some((*name).to_owned()),
            })
            .collect();
        let layout =
            oci::write_layout(&images, LayerCompression::Gzip, self.mtime()?, self.store, self.store)
                .map_err(|e| self.failed(Box::new(e)))?;
        let directory =
            TreePath::new(format!("{}.oci", self.image.name)).map_err(|e| self.failed(Box::new(e)))?;
        layout.tree.moved_below(&directory).map_err(|e| self.failed(Box::new(e)))
    }
}

fn config(image: &OciImage) -> ImageConfig {
    let platform =
        Platform { os: "linux".to_owned(), architecture: image.architecture.clone(), variant: None };
    let env = image.env.iter().filter_map(|pair| pair.split_once('='));
    ImageConfig {
        entrypoint: image.command.clone(),
        env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        working_dir: Some(image.cwd.clone()),
        user: Some(image.user.clone()),
        ..ImageConfig::new(platform)
    }
}
