//! Kernel, initrd and command line.

use std::io::{self, Cursor, Read};

use kit_format::compression::{GzipStream, XzStream, ZstdStream, zstd::ZstdOptions};
use kit_format::cpio::CpioStream;
use kit_format::dedupe::dedupe;
use kit_hash::BlobId;
use kit_recipe::image::InitrdCompression;
use kit_tree::{Blobs as _, Entry, Tree, TreePath};

use super::Writer;
use crate::BuildError;

/// The last level before size is dear. Of `minimal`'s initrd, 3.6 MB, level 3 leaves 1.74 MB in 30 ms, 9 leaves 1.38 MB in
/// 70 ms, 15 the same in 530 ms and 19 leaves 1.26 MB in 1400 ms. Of 165 MB of Debian packages, 15 leaves 1.2 % less
/// than 9 in 3.5 times the time, and needs 64 MiB of memory for each worker where 9 needs 12. The kernel unpacks all
/// of them in the same few milliseconds.
const LEVEL: i32 = 9;
/// An initrd from so many bytes on is compressed at [`LARGE_LEVEL`]: who has such a one waits for it.
const LARGE: u64 = 64 << 20;
/// Of 206 MB with Python and QEMU, level 3 leaves 68 MB in half a second, where 9 leaves 62 MB in 2.3 s, and gzip 73 MB.
const LARGE_LEVEL: i32 = 3;

/// The largest configuration of a kernel, in bytes: they have a quarter of a MiB.
const CONFIGURATION_LIMIT: u64 = 4 << 20;
/// The longest text of a root digest, in bytes.
const ROOT_HASH: u64 = 256;
/// How archives of microcode begin that aren't compressed: every form of cpio that is text.
const CPIO: &[u8] = b"07070";
/// In what steps the kernel takes what stands in an initrd, in bytes.
const STEP: u64 = 4;

impl Writer<'_> {
    pub(super) fn kernel_initrd(
        &self,
        kernel: &Tree,
        root: &Tree,
        cmdline: &str,
        microcode: Option<&TreePath>,
        compression: InitrdCompression,
    ) -> Result<Tree, BuildError> {
        self.unpacks(kernel, compression)?;
        let first = microcode.map(|path| self.microcode(kernel, path)).transpose()?;
        let first = first.unwrap_or_else(|| Box::new(io::empty()));
        let init = "/init".parse().expect("because it is a constant path");
        if root.get(&init).is_none() {
            return Err(BuildError::NoInit { title: self.title.to_owned() });
        }
        let root = dedupe(root, &[TreePath::root()]);
        let cpio = CpioStream::new(&root, self.store, self.mtime()?).map_err(|e| self.failed(e))?;
        let size = cpio.total_len();
        let initrd: Box<dyn Read + '_> = match compression {
            InitrdCompression::Zstd => {
                let level = if size < LARGE { LEVEL } else { LARGE_LEVEL };
                let options = ZstdOptions { level, workers: self.stream_threads() };
                Box::new(ZstdStream::new(cpio, size, options).map_err(|e| self.failed(e))?)
            }
            InitrdCompression::Gzip => Box::new(GzipStream::new(cpio)),
            InitrdCompression::Xz => Box::new(XzStream::new(cpio).map_err(|e| self.failed(e))?),
            InitrdCompression::None => Box::new(cpio),
        };
        let mut tree = Tree::new();
        self.put(&mut tree, "-kernel", self.find_kernel(kernel)?)?;
        self.put_stream(&mut tree, "-initrd.img", &mut first.chain(initrd))?;
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
        archive.by_ref().take(length).read_to_end(&mut begin).map_err(|e| self.failed(e))?;
        if begin != CPIO {
            return Err(unusable("is no cpio archive, or a compressed one"));
        }
        let zeros = io::repeat(0).take(size.next_multiple_of(STEP) - size);
        Ok(Box::new(Cursor::new(begin).chain(archive).chain(zeros)))
    }

    /// Makes sure that the kernel can unpack its initrd, as far as its package says what it can.
    fn unpacks(&self, kernel: &Tree, compression: InitrdCompression) -> Result<(), BuildError> {
        let Some(option) = compression.option() else { return Ok(()) };
        let is_configuration = |path: &TreePath| path.as_bytes().starts_with(b"boot/config");
        for (path, entry) in kernel.entries().filter(|(path, _)| is_configuration(path)) {
            let Entry::File { blob, .. } = entry else { continue };
            let text = self.store.read(blob, CONFIGURATION_LIMIT).map_err(|e| self.failed(e))?;
            let missing = format!("# CONFIG_{option} is not set");
            if String::from_utf8_lossy(&text).lines().any(|line| line == missing) {
                let (title, configuration) = (self.title.to_owned(), path.clone());
                let compression = compression.word();
                return Err(BuildError::InitrdCompression { title, compression, option, configuration });
            }
        }
        Ok(())
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

    /// Adds the digest that a root is checked by to a command line.
    pub(super) fn with_root_hash(&self, cmdline: &str, verity: &Tree) -> Result<String, BuildError> {
        let digest = self.content(verity, "-roothash")?;
        let digest = self.store.read(&digest.blob, ROOT_HASH).map_err(|e| self.failed(e))?;
        Ok(format!("{cmdline} kit.roothash={}", String::from_utf8_lossy(&digest).trim()))
    }
}
