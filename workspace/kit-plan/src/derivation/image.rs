//! The action that writes an output format, or a part of one that several formats share.

use std::collections::BTreeMap;

use kit_format::compression::{gzip, xz, zstd};
use kit_format::{disk_image, erofs, ext4, fat, gpt, ipxe, iso, mbr, squashfs, tar, uki, verity};
use kit_hash::Encoder;
use kit_recipe::image::{
    DiskContainer, ExtensionKind, FileSystem, Firmware, InitrdCompression, Labels, RootCompression,
    TarCompression,
};
use kit_tree::TreePath;

use super::{EncodeInput, Input, OciImage, RaspberryPi, Update};

/// Writes the files of an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// What the names of the files start with.
    pub name: String,
    /// Seconds since 1970 that every time is set to.
    pub source_date: u64,
    /// The format.
    pub format: ImageFormat,
}

/// Output formats with what they need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageFormat {
    /// 0: `NAME-kernel`, `NAME-initrd.img`, `NAME-cmdline`.
    KernelInitrd {
        /// Tree with one `/boot/vmlinuz*`.
        kernel: Input,
        /// Root file system.
        root: Input,
        /// Boot command line.
        cmdline: String,
        /// Where the kernel's tree has what stands before the initrd.
        microcode: Option<TreePath>,
        /// The result of [`Self::Verity`], whose root digest goes to the command line.
        verity: Option<Input>,
        /// How the initrd is compressed.
        compression: InitrdCompression,
    },
    /// 1: `NAME.tar`.
    Tar {
        /// Root file system.
        root: Input,
    },
    /// 2: `NAME.oci/`.
    Oci {
        /// The images in the layout, by reference name.
        images: BTreeMap<String, OciImage>,
    },
    /// 3: `NAME.docker.tar`.
    DockerArchive {
        /// The images in the archive, by reference name.
        images: BTreeMap<String, OciImage>,
    },
    /// 4: `NAME.tar.gz` or `NAME.tar.zst`.
    CompressedTar {
        /// Root file system.
        root: Input,
        /// How it is compressed.
        compression: TarCompression,
    },
    /// 5: `NAME-boot.tar`.
    TarKernelInitrd {
        /// The result of [`Self::KernelInitrd`].
        boot: Input,
    },
    /// 6: `NAME-erofs.img`, `NAME-squashfs.img`, `NAME-root.iso` or `NAME-ext4.img`: the root alone.
    FileSystem {
        /// Root file system.
        root: Input,
        /// Which file system.
        kind: FileSystem,
        /// How it is compressed; none is the way that the file system is compressed in when nobody says anything.
        compression: Option<RootCompression>,
        /// Bytes that it has; none is as many as it takes.
        size: Option<u64>,
    },
    /// 7: `NAME-verity.img`, `NAME-roothash`: the tree of digests of a file system.
    Verity {
        /// The result of [`Self::FileSystem`].
        data: Input,
    },
    /// 8: `NAME.efi`.
    Uki {
        /// Package with the program in front.
        stub: Input,
        /// The result of [`Self::KernelInitrd`].
        boot: Input,
        /// The kernel's package, which has its release.
        kernel: Input,
        /// The image's root, which has `/etc/os-release`.
        root: Input,
        /// `x86_64`, in Linux's words.
        architecture: String,
        /// Where the kernel's package has a device tree.
        device_tree: Option<TreePath>,
    },
    /// 9: a disk.
    Disk(Box<Disk>),
    /// 10: a disc.
    Iso {
        /// What stands behind the image's name.
        suffix: String,
        /// What is started.
        loaders: Loaders,
        /// What the disc is called.
        label: String,
        /// The root, where the disc is its file system.
        root: Option<Input>,
    },
    /// 11: an extension.
    Extension(Extension),
    /// 21: what a Raspberry Pi starts from.
    RaspberryPi(RaspberryPi),
    /// 20: `NAME-ipxe/` or `NAME-lcow/`.
    Directory {
        /// The result of [`Self::KernelInitrd`].
        boot: Input,
        /// What is in it.
        loader: DirectoryLoader,
    },
    /// 22: `NAME-update/`.
    Update(Update),
}

/// What loads the files of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryLoader {
    /// iPXE, by a script.
    Ipxe,
    /// Windows, by their names.
    Lcow,
}

impl DirectoryLoader {
    /// Returns what stands behind the image's name in that of the directory.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Ipxe => "-ipxe",
            Self::Lcow => "-lcow",
        }
    }
}

/// `NAME.sysext.raw` or `NAME.confext.raw`, and beside it `NAME.sysext.roothash` or `NAME.confext.roothash` where it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// What it extends.
    pub kind: ExtensionKind,
    /// What it is made of, without the files that say what it is for: nothing in it may be elsewhere than extensions of the kind have things.
    pub files: Input,
    /// The result of [`ImageFormat::FileSystem`].
    pub data: Input,
    /// The result of [`ImageFormat::Verity`], where it is checked.
    pub verity: Option<Input>,
    /// `x86_64`, in Linux's words.
    pub architecture: String,
}

/// What firmware starts, by which firmware it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaders {
    /// For UEFI: the result of [`ImageFormat::Uki`].
    pub uki: Option<Input>,
    /// For a BIOS: package with the boot loader, and the result of [`ImageFormat::KernelInitrd`].
    pub bios: Option<(Input, Input)>,
    /// `x86_64`, in Linux's words.
    pub architecture: String,
}

/// A disk with what is on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// What its bytes are wrapped into.
    pub container: DiskContainer,
    /// What starts it.
    pub firmware: Firmware,
    /// What is started.
    pub loaders: Loaders,
    /// The result of [`ImageFormat::FileSystem`], where it has a partition.
    pub root: Option<Input>,
    /// The result of [`ImageFormat::Verity`], where it is checked.
    pub verity: Option<Input>,
    /// Bytes of the disk; none is as many as it takes.
    pub size: Option<u64>,
    /// Bytes of an empty partition for data.
    pub data: Option<u64>,
    /// Bytes of the file system that firmware reads; none is as many as it takes.
    pub esp: Option<u64>,
    /// What partitions are called.
    pub labels: Labels,
    /// Places for two systems, where it has them.
    pub slots: Option<Slots>,
}

/// Places for two systems on a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots {
    /// Package with the program that chooses one.
    pub manager: Input,
    /// Bytes of the partition of each root; none is as many as the first one takes.
    pub size: Option<u64>,
    /// What the names of the system in the first one end with.
    pub version: String,
}

impl Image {
    pub(super) fn encode(&self, e: &mut Encoder, input: EncodeInput<'_>) {
        e.str(&self.name).u64(self.source_date);
        match &self.format {
            ImageFormat::KernelInitrd { kernel, root, cmdline, microcode, verity, compression } => {
                e.variant(0);
                input(e, kernel);
                input(e, root);
                e.str(cmdline);
                // They are the last fields, so that nothing can stand for none.
                if let Some(path) = microcode {
                    e.variant(1).bytes(path.as_bytes());
                }
                if let Some(verity) = verity {
                    input(e.variant(2), verity);
                }
                initrd_compression(e, *compression);
            }
            ImageFormat::Tar { root } => input(e.variant(1), root),
            ImageFormat::Oci { images } => encode_images(e.variant(2), images, input),
            ImageFormat::DockerArchive { images } => encode_images(e.variant(3), images, input),
            ImageFormat::CompressedTar { root, compression } => {
                let (number, revision) = match compression {
                    TarCompression::Gzip => (0, gzip::REVISION),
                    TarCompression::Zstd => (1, zstd::REVISION),
                };
                written_by(e.variant(4).variant(number), &[tar::write::REVISION, revision]);
                input(e, root);
            }
            ImageFormat::TarKernelInitrd { boot } => {
                input(written_by(e.variant(5), &[tar::write::REVISION]), boot);
            }
            ImageFormat::FileSystem { root, kind, compression, size } => {
                let (number, revision) = match kind {
                    FileSystem::Erofs => (0, erofs::REVISION),
                    FileSystem::Squashfs => (1, squashfs::write::REVISION),
                    FileSystem::Iso => (2, iso::REVISION),
                    FileSystem::Ext4 => (3, ext4::REVISION),
                };
                input(written_by(e.variant(6).variant(number), &[revision]), root);
                // Here and below, what came later is written only where there is something, as the last field.
                if let Some(compression) = compression {
                    e.variant(1).str(compression.word());
                }
                if let Some(size) = size {
                    e.variant(2).u64(*size);
                }
            }
            ImageFormat::Verity { data } => {
                input(written_by(e.variant(7), &[verity::write::REVISION]), data);
            }
            ImageFormat::Uki { stub, boot, kernel, root, architecture, device_tree } => {
                written_by(e.variant(8), &[uki::REVISION]).str(architecture);
                for part in [stub, boot, kernel, root] {
                    input(e, part);
                }
                if let Some(path) = device_tree {
                    e.variant(1).bytes(path.as_bytes());
                }
            }
            ImageFormat::Disk(disk) => disk.encode(e.variant(9), input),
            ImageFormat::RaspberryPi(board) => board.encode(e.variant(21), input),
            ImageFormat::Iso { suffix, loaders, label, root } => {
                written_by(e.variant(10), &[iso::REVISION, fat::write::REVISION]).str(label).str(suffix);
                loaders.encode(e, input);
                optional(e, root.as_ref(), input);
            }
            ImageFormat::Directory { boot, loader } => {
                let (number, revisions) = match loader {
                    DirectoryLoader::Ipxe => (0, &[ipxe::REVISION][..]),
                    DirectoryLoader::Lcow => (1, &[][..]),
                };
                input(written_by(e.variant(20).variant(number), revisions), boot);
            }
            ImageFormat::Extension(extension) => extension.encode(e.variant(11), input),
            ImageFormat::Update(update) => update.encode(e.variant(22), input),
        }
    }
}

impl Extension {
    fn encode(&self, e: &mut Encoder, input: EncodeInput<'_>) {
        let number = match self.kind {
            ExtensionKind::System => 0,
            ExtensionKind::Configuration => 1,
        };
        written_by(e.variant(number), &[gpt::write::REVISION]).str(&self.architecture);
        input(e, &self.files);
        input(e, &self.data);
        optional(e, self.verity.as_ref(), input);
    }
}

impl Disk {
    fn encode(&self, e: &mut Encoder, input: EncodeInput<'_>) {
        let (number, revision) = match self.container {
            DiskContainer::Raw => (0, disk_image::raw::REVISION),
            DiskContainer::RawGzip => (1, disk_image::raw::REVISION),
            DiskContainer::RawZstd => (2, disk_image::raw::REVISION),
            DiskContainer::Qcow2 => (3, disk_image::qcow2::REVISION),
            DiskContainer::Qcow2Zlib => (4, disk_image::qcow2::REVISION),
            DiskContainer::Qcow2Zstd => (5, disk_image::qcow2::REVISION),
            DiskContainer::Vhd => (6, disk_image::vhd::REVISION),
            DiskContainer::VhdDynamic => (7, disk_image::vhd::REVISION),
            DiskContainer::Vhdx => (8, disk_image::vhdx::REVISION),
            DiskContainer::Vmdk => (9, disk_image::vmdk::REVISION),
            DiskContainer::Vdi => (10, disk_image::vdi::REVISION),
            DiskContainer::Ova => (11, disk_image::ova::REVISION),
            DiskContainer::Gcp => (12, disk_image::gcp::REVISION),
            DiskContainer::Azure => (13, disk_image::vhd::REVISION),
            DiskContainer::Aws => (14, disk_image::raw::REVISION),
            DiskContainer::HyperV => (15, disk_image::vhdx::REVISION),
        };
        let table = [gpt::write::REVISION, mbr::write::REVISION, fat::write::REVISION];
        written_by(written_by(e.variant(number), &[revision]), &table);
        firmware_number(e, self.firmware);
        self.loaders.encode(e, input);
        optional(e, self.root.as_ref(), input);
        optional(e, self.verity.as_ref(), input);
        e.option(self.size, |e, size| _ = e.u64(size));
        e.option(self.data, |e, size| _ = e.u64(size));
        if let Some(size) = self.esp {
            e.variant(1).u64(size);
        }
        if self.labels != Labels::default() {
            let labels = self.labels.each();
            e.variant(2).list(labels, |e, (key, label)| {
                e.str(key).option(label, |e, label| _ = e.str(label));
            });
        }
        // The number is that of what is made of it.
        if let Some(Slots { manager, size, version }) = &self.slots {
            input(e.variant(3).variant(2), manager);
            e.option(*size, |e, size| _ = e.u64(size)).str(version);
        }
    }
}

impl Loaders {
    fn encode(&self, e: &mut Encoder, input: EncodeInput<'_>) {
        e.str(&self.architecture);
        optional(e, self.uki.as_ref(), input);
        let (loader, boot) = self.bios.unzip();
        optional(e, loader.as_ref(), input);
        optional(e, boot.as_ref(), input);
    }
}

/// Notes which writers make the bytes: another revision gives others, and no store takes old ones for them.
pub(super) fn written_by<'e>(e: &'e mut Encoder, revisions: &[u32]) -> &'e mut Encoder {
    e.list(revisions, |e, revision| _ = e.u64((*revision).into()))
}

fn initrd_compression(e: &mut Encoder, compression: InitrdCompression) {
    match compression {
        InitrdCompression::Zstd => _ = written_by(e.variant(6), &[zstd::REVISION]),
        InitrdCompression::Gzip => _ = written_by(e.variant(3), &[gzip::REVISION]),
        InitrdCompression::Xz => _ = written_by(e.variant(4), &[xz::REVISION]),
        InitrdCompression::None => _ = e.variant(5),
    }
}

fn optional(e: &mut Encoder, part: Option<&Input>, input: EncodeInput<'_>) {
    e.option(part, |e, part| input(e, part));
}

fn firmware_number(e: &mut Encoder, firmware: Firmware) {
    e.variant(match firmware {
        Firmware::Bios => 0,
        Firmware::Efi => 1,
        Firmware::Hybrid => 2,
    });
}

fn encode_images(e: &mut Encoder, images: &BTreeMap<String, OciImage>, input: EncodeInput<'_>) {
    e.list(images, |e, (name, image)| {
        e.str(name);
        input(e, &image.root);
        for texts in [&image.command, &image.env] {
            e.list(texts, |e, text| _ = e.str(text));
        }
        e.str(&image.cwd).str(&image.user).str(&image.architecture);
    });
    // Left out where each has one layer, as before there were more.
    if images.values().any(|image| !image.shares.is_empty()) {
        e.variant(1);
        for image in images.values() {
            e.list(&image.shares, |e, share| {
                input(e, &share.input);
                e.bytes(share.at.as_bytes());
            });
        }
    }
}
