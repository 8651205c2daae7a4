//! What a file, a directory or a reference can be.

use kit_recipe::image::Format;

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
        }
    }

    /// Returns the format that it belongs to.
    pub(crate) fn format(self) -> Format {
        match self {
            Self::Initrd | Self::Cmdline => Format::KernelInitrd,
            Self::Tar => Format::Tar,
            Self::Oci | Self::Registry => Format::Oci,
            Self::DockerArchive => Format::DockerArchive,
            Self::Uki => Format::Uki,
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
        }
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
