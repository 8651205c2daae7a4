//! Kernel, initrd and command line as one program for UEFI, and the file system that firmware finds it in.

use std::io::Read as _;

use kit_format::fat;
use kit_format::grub;
use kit_format::layout::Layout;
use kit_format::pe::Program;
use kit_format::uki::{self, Content};
use kit_hash::{BlobId, TreeId};
use kit_plan::derivation::{Input, Loaders};
use kit_tree::{Blobs as _, Entry, Mode, Tree, TreePath};

use super::Writer;
use crate::BuildError;

/// Where the package with the stub has it.
pub(super) const STUBS: &str = "/usr/lib/systemd/boot/efi";
/// The largest stub, in bytes: they have a tenth of it.
pub(super) const STUB_LIMIT: u64 = 4 << 20;
/// The largest text of a part, in bytes.
const TEXT_LIMIT: u64 = 64 << 10;
/// How the kernels of packages are called.
const KERNEL: &[u8] = b"boot/vmlinuz-";
/// Where the modules of a kernel are.
const MODULES: &[u8] = b"usr/lib/modules/";
/// How device trees begin.
const DEVICE_TREE: &[u8] = &[0xd0, 0x0d, 0xfe, 0xed];
/// Free bytes of the file system that firmware reads.
pub(super) const SPARE: u64 = 1 << 20;

/// What firmware starts, as trees.
pub(super) struct Started {
    /// The program for UEFI.
    pub(super) uki: Option<Tree>,
    /// The images of the boot loader, and what it starts.
    pub(super) bios: Option<(Tree, Tree)>,
    pub(super) architecture: String,
}

/// What is asked of the file system that firmware reads.
#[derive(Default)]
pub(super) struct Wanted<'w> {
    /// Its bytes.
    pub(super) size: Option<u64>,
    /// What it is called.
    pub(super) label: Option<&'w str>,
}

/// What a program for UEFI is made of, as trees.
pub(super) struct Parts<'t> {
    /// Has the program in front.
    pub(super) stub: &'t Tree,
    /// Kernel, initrd and command line.
    pub(super) boot: &'t Tree,
    /// The kernel's package.
    pub(super) kernel: &'t Tree,
    /// The image's root.
    pub(super) root: &'t Tree,
}

impl Writer<'_> {
    pub(super) fn uki(
        &self,
        parts: &Parts<'_>,
        device_tree: Option<Content>,
        architecture: &str,
    ) -> Result<Tree, BuildError> {
        let Parts { stub, boot, kernel, root } = parts;
        let stub_path = format!("{STUBS}/linux{}.efi.stub", self.efi_word(architecture)?);
        let parts = uki::Parts {
            machine: self.efi_machine(architecture)?,
            stub: self.text(stub, &stub_path, STUB_LIMIT)?,
            os_release: self.text(root, "/etc/os-release", TEXT_LIMIT)?,
            cmdline: self.cmdline(boot)?,
            uname: self.release(kernel)?,
            initrd: self.content(boot, "-initrd.img")?,
            kernel: self.content(boot, "-kernel")?,
            device_tree,
            sbat: Vec::new(),
        };
        let layout = uki::layout(&parts, self.store).map_err(|e| self.failed(e))?;
        let mut tree = Tree::new();
        self.put_layout(&mut tree, ".efi", "unified kernel image", &layout)?;
        Ok(tree)
    }

    /// Finds a device tree in the kernel's package.
    pub(super) fn device_tree(&self, kernel: &Tree, path: &TreePath) -> Result<Content, BuildError> {
        let unusable = |why| BuildError::DeviceTree { title: self.title.to_owned(), path: path.clone(), why };
        let Some(Entry::File { blob, size, .. }) = kernel.inode(path) else {
            return Err(unusable("isn't a file of the kernel's package"));
        };
        let mut begin = Vec::new();
        let length = DEVICE_TREE.len() as u64;
        self.store.open_blob(blob)?.take(length).read_to_end(&mut begin).map_err(|e| self.failed(e))?;
        if begin != DEVICE_TREE {
            return Err(unusable("is no device tree"));
        }
        Ok(Content { blob: *blob, size: *size })
    }

    /// Reads what firmware starts.
    pub(super) fn started(
        &self,
        loaders: &Loaders,
        tree_of: &dyn Fn(&Input) -> TreeId,
    ) -> Result<Started, BuildError> {
        let read = |input: &Input| self.store.tree(&tree_of(input));
        let uki = loaders.uki.as_ref().map(read).transpose()?;
        let bios = match &loaders.bios {
            Some((loader, boot)) => Some((read(loader)?, read(boot)?)),
            None => None,
        };
        Ok(Started { uki, bios, architecture: loaders.architecture.clone() })
    }

    /// Lays out the file system that firmware reads, or, for a BIOS, its loader.
    pub(super) fn boot_partition(
        &self,
        started: &Started,
        begin: u64,
        wanted: &Wanted<'_>,
    ) -> Result<Layout, BuildError> {
        let mut tree = Tree::new();
        if let Some(uki) = &started.uki {
            let name = format!("/EFI/BOOT/BOOT{}.EFI", self.efi_word(&started.architecture)?.to_uppercase());
            self.add(&mut tree, &name, self.only_file(uki)?)?;
        }
        if let Some((_, boot)) = &started.bios {
            self.add_for_bios(&mut tree, boot)?;
        }
        self.firmware_file_system(&tree, SPARE, begin, wanted)
    }

    /// Lays out a file system for firmware, with so many free bytes, that begins there on its disk.
    pub(super) fn firmware_file_system(
        &self,
        tree: &Tree,
        spare: u64,
        begin: u64,
        wanted: &Wanted<'_>,
    ) -> Result<Layout, BuildError> {
        let options = fat::Options {
            label: wanted.label.unwrap_or("BOOT").to_owned(),
            mtime: self.image.source_date,
            size: wanted.size.map_or(fat::Size::Fitting { spare }, fat::Size::Exactly),
            hidden_sectors: u32::try_from(begin / 512).map_err(|e| self.failed(e))?,
            kind: None,
            seed: [0; 32],
        };
        fat::layout(tree, &options).map_err(|e| self.failed(e))
    }

    /// Adds what the loader for a BIOS reads: kernel, initrd, what to do with them.
    pub(super) fn add_for_bios(&self, tree: &mut Tree, boot: &Tree) -> Result<(), BuildError> {
        let cmdline = self.cmdline(boot)?;
        let configuration = grub::configuration(&String::from_utf8_lossy(&cmdline));
        let configuration = configuration.map_err(|e| self.failed(e))?;
        let blob = self.store.put_bytes(configuration.as_bytes())?;
        let of = |content: Content| (content.blob, content.size);
        self.add(tree, "/boot/kernel", of(self.content(boot, "-kernel")?))?;
        self.add(tree, "/boot/initrd", of(self.content(boot, "-initrd.img")?))?;
        self.add(tree, grub::CONFIGURATION, (blob, configuration.len() as u64))
    }

    /// Reads an image of the loader for a BIOS.
    pub(super) fn loader(&self, loader: &Tree, name: &str) -> Result<Vec<u8>, BuildError> {
        self.text(loader, &format!("{}/{name}", grub::PLACE), STUB_LIMIT)
    }

    /// Adds a file and the directories above it.
    pub(super) fn add(
        &self,
        tree: &mut Tree,
        path: &str,
        (blob, size): (BlobId, u64),
    ) -> Result<(), BuildError> {
        let path: TreePath = path.parse().map_err(|e: kit_tree::PathError| self.failed(e))?;
        tree.insert_file(path, Mode::FILE, blob, size).map_err(|e| self.failed(e))
    }

    /// Returns what UEFI calls an architecture in names of files.
    pub(super) fn efi_word(&self, architecture: &str) -> Result<&'static str, BuildError> {
        match architecture {
            "x86_64" => Ok("x64"),
            "aarch64" => Ok("aa64"),
            "riscv64" => Ok("riscv64"),
            other => Err(self.failed(format!("UEFI has no name for the architecture `{other}`"))),
        }
    }

    /// Returns the number of an architecture in headers of programs for UEFI.
    pub(super) fn efi_machine(&self, architecture: &str) -> Result<u16, BuildError> {
        match architecture {
            "x86_64" => Ok(Program::X86_64),
            "aarch64" => Ok(Program::AARCH64),
            "riscv64" => Ok(Program::RISCV64),
            other => Err(self.failed(format!("UEFI has no number for the architecture `{other}`"))),
        }
    }

    /// Returns the release of the kernel that a package has.
    fn release(&self, kernel: &Tree) -> Result<String, BuildError> {
        let rest = |start: &[u8]| {
            let found = kernel.entries().find_map(|(path, _)| path.as_bytes().strip_prefix(start))?;
            let name = found.split(|byte| *byte == b'/').next().unwrap_or_default();
            Some(String::from_utf8_lossy(name).into_owned())
        };
        rest(KERNEL)
            .or_else(|| rest(MODULES))
            .ok_or_else(|| self.failed("the program says which release its kernel is, and the kernel's package has neither `/boot/vmlinuz-RELEASE` nor `/usr/lib/modules/RELEASE`"))
    }

    /// Returns the file of a part whose name ends so.
    pub(super) fn content(&self, part: &Tree, suffix: &str) -> Result<Content, BuildError> {
        let mut found = part.entries().filter_map(|(path, entry)| match entry {
            Entry::File { blob, size, .. } if path.as_bytes().ends_with(suffix.as_bytes()) => {
                Some(Content { blob: *blob, size: *size })
            }
            _ => None,
        });
        found.next().ok_or_else(|| self.failed(format!("a part of it has no `…{suffix}`")))
    }

    /// Reads the command line of a part.
    pub(super) fn cmdline(&self, boot: &Tree) -> Result<Vec<u8>, BuildError> {
        let text = self.content(boot, "-cmdline")?;
        self.store.read(&text.blob, TEXT_LIMIT).map_err(|e| self.failed(e))
    }

    /// Reads a small file.
    pub(super) fn text(&self, tree: &Tree, path: &str, limit: u64) -> Result<Vec<u8>, BuildError> {
        let path: TreePath = path.parse().map_err(|e: kit_tree::PathError| self.failed(e))?;
        match tree.inode(&path) {
            Some(Entry::File { blob, .. }) => self.store.read(blob, limit).map_err(|e| self.failed(e)),
            _ => Err(self.failed(format!("a part of it has no file `{path}`"))),
        }
    }
}
