//! What a file, a directory or a reference can be.

use kit_recipe::image::{DiskContainer, ExtensionKind, FileSystem, Format, Packing, TarCompression};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Initrd,
    Cmdline,
    Tar,
    Oci,
    DockerArchive,
    Uki,
    Registry,
    /// Another output, by its format.
    Other(Format),
}

impl Kind {
    /// Returns what people call it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Initrd => "an initrd",
            Self::Cmdline => "a boot command line",
            Self::Tar => "a tar archive",
            Self::Oci => "an OCI image layout",
            Self::DockerArchive => "an archive for `docker load`",
            Self::Uki => "a unified kernel image",
            Self::Registry => "an image of a registry",
            Self::Other(format) => match format {
                Format::Disk { container: DiskContainer::Raw, .. } => "a disk",
                Format::Disk { .. } => "a disk in a container",
                Format::Iso { .. } => "a compact disc",
                Format::KernelRoot(_) => "a root file system",
                Format::TarKernelInitrd => "an archive of a kernel and an initrd",
                Format::Ipxe => "a directory that iPXE starts from",
                Format::Lcow => "a directory that Windows starts containers from",
                Format::RaspberryPi(Packing::Archive) => "an archive for the card of a Raspberry Pi",
                Format::RaspberryPi(Packing::Disk) => "a card for a Raspberry Pi",
                Format::Extension(ExtensionKind::System) => "an extension of `/usr` and `/opt`",
                Format::Extension(ExtensionKind::Configuration) => "an extension of `/etc`",
                Format::CompressedTar(_) => "a compressed tar archive",
                _ => "an output",
            },
        }
    }

    /// Whether it has to be the very file: machines start more of it than the files of a root.
    pub(crate) fn is_whole(self) -> bool {
        match self {
            Self::Initrd | Self::Uki => true,
            Self::Other(format) => !matches!(format, Format::CompressedTar(_)),
            Self::Cmdline | Self::Tar | Self::Oci | Self::DockerArchive | Self::Registry => false,
        }
    }

    /// Whether it has a root whose extended attributes are those of the image.
    pub(crate) fn keeps_attributes(self) -> bool {
        let in_partition = |format| {
            matches!(
                format,
                Format::KernelRoot(FileSystem::Erofs | FileSystem::Squashfs | FileSystem::Ext4)
                    | Format::Extension(_)
            )
        };
        match self {
            Self::Initrd | Self::Uki | Self::Cmdline => false,
            Self::Other(Format::CompressedTar(_))
            | Self::Tar
            | Self::Oci
            | Self::DockerArchive
            | Self::Registry => true,
            // A disk has its root in a partition, or in an initrd: what isn't there can't be told from what was taken away.
            Self::Other(format) => in_partition(format),
        }
    }

    /// Returns what it can be besides, for all that its content tells: a disk can be that of a cloud.
    pub(crate) fn alike(self) -> Option<Self> {
        let Self::Other(Format::Disk { container, firmware }) = self else { return None };
        let container = match container {
            DiskContainer::Raw => DiskContainer::Aws,
            DiskContainer::Vhd => DiskContainer::Azure,
            DiskContainer::Vhdx => DiskContainer::HyperV,
            _ => return None,
        };
        Some(Self::Other(Format::Disk { container, firmware }))
    }

    /// Returns the format that it belongs to.
    pub(crate) fn format(self) -> Format {
        match self {
            Self::Initrd | Self::Cmdline => Format::KernelInitrd,
            Self::Tar => Format::Tar,
            Self::Oci | Self::Registry => Format::Oci,
            Self::DockerArchive => Format::DockerArchive,
            Self::Uki => Format::Uki,
            Self::Other(format) => format,
        }
    }

    /// Returns the name of the output of an image that it should be.
    pub(crate) fn output(self, image: &str) -> String {
        match self {
            Self::Initrd => format!("{image}-initrd.img"),
            Self::Cmdline => format!("{image}-cmdline"),
            Self::Tar => format!("{image}.tar"),
            Self::Oci | Self::Registry => format!("{image}.oci"),
            Self::DockerArchive => format!("{image}.docker.tar"),
            Self::Uki => format!("{image}.efi"),
            Self::Other(format) => match format {
                Format::CompressedTar(TarCompression::Gzip) => format!("{image}.tar.gz"),
                Format::CompressedTar(TarCompression::Zstd) => format!("{image}.tar.zst"),
                Format::TarKernelInitrd => format!("{image}-boot.tar"),
                Format::KernelRoot(FileSystem::Erofs) => format!("{image}-erofs.img"),
                Format::KernelRoot(FileSystem::Squashfs) => format!("{image}-squashfs.img"),
                Format::KernelRoot(FileSystem::Iso) => format!("{image}-root.iso"),
                Format::KernelRoot(FileSystem::Ext4) => format!("{image}-ext4.img"),
                Format::Ipxe | Format::Lcow => {
                    format!("{image}{}/initrd.img", format.directory().unwrap_or_default())
                }
                Format::RaspberryPi(Packing::Archive) => format!("{image}-rpi.tar"),
                Format::RaspberryPi(Packing::Disk) => format!("{image}-rpi.img"),
                Format::Extension(kind) => format!("{image}.{}.raw", kind.word()),
                format => format!("{image}{}", format.boot_suffix().unwrap_or_default()),
            },
        }
    }
}

/// Returns what people call an output, by its name and its format.
pub(crate) fn words_of(output: &str, format: Format) -> &'static str {
    let ends = |end: &str| output.ends_with(end);
    match format {
        _ if ends("-kernel") || ends("/kernel") => "a kernel",
        _ if ends("-initrd.img") || ends("/initrd.img") => "an initrd",
        _ if ends("-cmdline") || ends("/cmdline") => "a boot command line",
        _ if ends("roothash") => "the root of a tree of digests",
        _ if ends(".ipxe") => "a script for iPXE",
        _ if ends("/index.json") || ends("/oci-layout") => "a file of an OCI image layout",
        format => Kind::Other(format).words(),
    }
}

/// Returns what something is called that is often meant for an image and isn't opened, by how it begins.
pub(crate) fn stranger(start: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, magic: &[u8]| start.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    let known: [(usize, &[u8], &'static str); 11] = [
        (0, b"hsqs", "a SquashFS file system"),
        (0, b"QFI\xfb", "a disk image for QEMU"),
        (0, b"\x7fELF", "a program"),
        (0x202, b"HdrS", "a kernel"),
        (0, b"MZ", "a program for EFI, or a kernel"),
        (0x438, b"\x53\xef", "an ext4 file system"),
        (0x400, b"\xe2\xe1\xf5\xe0", "an EROFS file system"),
        (0x1fe, b"\x55\xaa", "a disk image"),
        (0, b"PK\x03\x04", "a zip archive"),
        (0, b"!<arch>\n", "a Debian package, or an archive of object files"),
        (0, b"BZh", "compressed with bzip2"),
    ];
    known.into_iter().find(|(offset, magic, _)| at(*offset, magic)).map(|(_, _, words)| words)
}
