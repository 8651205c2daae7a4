//! The files of an output format.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::num::NonZeroU32;

use kit_format::compression::{ZstdStream, zstd::ZstdOptions};
use kit_format::cpio::CpioStream;
use kit_format::dedupe::dedupe;
use kit_format::oci::{
    self, DockerImage, ImageConfig, LayerCompression, OciLayout, Platform, docker_tag, with_docker_manifest,
};
use kit_format::tar::TarStream;
use kit_hash::{BlobId, TreeId};
use kit_plan::derivation::{Image, ImageFormat, Input, OciImage};
use kit_store::Store;
use kit_tree::split::{Share, split};
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

/// The most layers of an image: old runtimes take no more than 127, and people put some on top. Another number gives other images: with it
/// goes the revision of the derivation.
const MOST_LAYERS: usize = 64;

/// How archives of microcode begin that aren't compressed: every form of cpio that is text.
const CPIO: &[u8] = b"07070";
/// In what steps the kernel takes what stands in an initrd, in bytes.
const STEP: u64 = 4;

type Failure = Box<dyn std::error::Error + Send + Sync>;

pub(super) fn write(
    store: &Store,
    title: &str,
    image: &Image,
    tree_of: &dyn Fn(&Input) -> TreeId,
) -> Result<Done, BuildError> {
    let writer = Writer { store, title, image };
    let tree = match &image.format {
        ImageFormat::KernelInitrd { kernel, root, cmdline, microcode } => {
            let (kernel, root) = (store.tree(&tree_of(kernel))?, store.tree(&tree_of(root))?);
            let first = microcode.as_ref().map(|path| writer.microcode(&kernel, path)).transpose()?;
            writer.kernel_initrd(&kernel, &root, cmdline, first.unwrap_or_else(|| Box::new(io::empty())))?
        }
        ImageFormat::Tar { root } => writer.tar(&store.tree(&tree_of(root))?)?,
        ImageFormat::Oci { images } => {
            let layout = writer.layout(&writer.layered(images, tree_of)?, Loadable::No)?;
            let directory = format!("{}.oci", image.name);
            let directory = TreePath::new(directory).map_err(|e| writer.failed(Box::new(e)))?;
            layout.tree.moved_below(&directory).map_err(|e| writer.failed(Box::new(e)))?
        }
        ImageFormat::DockerArchive { images } => writer.docker_archive(&writer.layered(images, tree_of)?)?,
    };
    Ok(Done::of(store.put_tree(&tree)?))
}

/// An image in its layers.
struct Layered<'i> {
    name: &'i str,
    image: &'i OciImage,
    layers: Vec<Tree>,
}

/// Whether images of a layout have the names under which they are loaded.
#[derive(Clone, Copy)]
enum Loadable {
    Yes,
    No,
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

    fn kernel_initrd(
        &self,
        kernel: &Tree,
        root: &Tree,
        cmdline: &str,
        first: Box<dyn Read + '_>,
    ) -> Result<Tree, BuildError> {
        let init = "/init".parse().expect("because it is a constant path");
        if root.get(&init).is_none() {
            return Err(BuildError::NoInit { title: self.title.to_owned() });
        }
        let root = dedupe(root, &[TreePath::root()]);
        let cpio = CpioStream::new(&root, self.store, self.mtime()?).map_err(|e| self.failed(Box::new(e)))?;
        let size = cpio.total_len();
        let options = ZstdOptions { level: INITRD_LEVEL, workers: WORKERS };
        let zstd = ZstdStream::new(cpio, size, options).map_err(|e| self.failed(Box::new(e)))?;
        let mut whole = first.chain(zstd);
        let initrd = self.store.put(&mut whole).map_err(|e| self.failed(Box::new(e)))?;
        let mut tree = Tree::new();
        self.put(&mut tree, "-kernel", self.find_kernel(kernel)?)?;
        self.put(&mut tree, "-initrd.img", initrd)?;
        let text = self.store.put_bytes(cmdline.as_bytes())?;
        self.put(&mut tree, "-cmdline", (text, cmdline.len() as u64))?;
        Ok(tree)
    }

    /// Opens what stands before the initrd: the kernel looks for microcode in an archive that isn't compressed, at the very
    /// beginning.
    fn microcode(&self, kernel: &Tree, path: &TreePath) -> Result<Box<dyn Read + '_>, BuildError> {
        let unusable = |why| BuildError::Microcode { title: self.title.to_owned(), path: path.clone(), why };
        let Some(Entry::File { blob, size, .. }) = kernel.get(path) else {
            return Err(unusable("isn't a file of the kernel's package"));
        };
        let mut archive = self.store.open_blob(blob)?;
        let mut begin = Vec::new();
        let length = CPIO.len() as u64;
        archive.by_ref().take(length).read_to_end(&mut begin).map_err(|e| self.failed(Box::new(e)))?;
        if begin != CPIO {
            return Err(unusable("is no cpio archive, or a compressed one"));
        }
        let zeros = io::repeat(0).take(size.next_multiple_of(STEP) - size);
        Ok(Box::new(Cursor::new(begin).chain(archive).chain(zeros)))
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

    /// Splits the root of each image into its layers.
    fn layered<'i>(
        &self,
        images: &'i BTreeMap<String, OciImage>,
        tree_of: &dyn Fn(&Input) -> TreeId,
    ) -> Result<Vec<Layered<'i>>, BuildError> {
        let mut layered = Vec::new();
        for (name, image) in images {
            let root = self.store.tree(&tree_of(&image.root))?;
            let trees: Result<Vec<_>, _> =
                image.shares.iter().map(|share| self.store.tree(&tree_of(&share.input))).collect();
            let trees = trees?;
            let shares = image.shares.iter().zip(&trees).map(|(share, tree)| Share { tree, at: &share.at });
            let shares: Vec<_> = shares.collect();
            let layers = if shares.is_empty() { vec![root] } else { split(&root, &shares, MOST_LAYERS) };
            layered.push(Layered { name, image, layers });
        }
        Ok(layered)
    }

    fn layout(&self, images: &[Layered<'_>], loadable: Loadable) -> Result<OciLayout, BuildError> {
        let image_name = |name: &str| match loadable {
            Loadable::Yes => docker_tag(name).map(|tag| format!("docker.io/library/{tag}")),
            Loadable::No => None,
        };
        let images: Vec<_> = images
            .iter()
            .map(|Layered { name, image, layers }| oci::OciImage {
                layers: layers.iter().collect(),
                config: config(image),
                annotations: BTreeMap::new(),
                ref_name: Some((*name).to_owned()),
                image_name: image_name(name),
            })
            .collect();
        oci::write_layout(&images, LayerCompression::Gzip, self.mtime()?, self.store, self.store)
            .map_err(|e| self.failed(Box::new(e)))
    }

    fn docker_archive(&self, images: &[Layered<'_>]) -> Result<Tree, BuildError> {
        let layout = self.layout(images, Loadable::Yes)?;
        let named = images.iter().zip(&layout.images).map(|(image, digests)| DockerImage {
            tag: docker_tag(image.name),
            config: digests.config,
            layers: digests.layers.iter().map(|layer| layer.digest).collect(),
        });
        let images: Vec<_> = named.collect();
        let whole = with_docker_manifest(layout.tree, &images, self.store);
        let whole = whole.map_err(|e| self.failed(Box::new(e)))?;
        let mut stream =
            TarStream::new(&whole, self.store, self.mtime()?).map_err(|e| self.failed(Box::new(e)))?;
        let content = self.store.put(&mut stream).map_err(|e| self.failed(Box::new(e)))?;
        let mut tree = Tree::new();
        self.put(&mut tree, ".docker.tar", content)?;
        Ok(tree)
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
