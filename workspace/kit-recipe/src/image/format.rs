//! What `kit build` can write.

use std::fmt;

/// An output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// `NAME-kernel`, `NAME-initrd.img`, `NAME-cmdline`.
    KernelInitrd,
    /// `NAME.tar`: the root file system.
    Tar,
    /// `NAME.oci/`: the root file system as an OCI image layout, and one image for each container.
    Oci,
    /// `NAME.docker.tar`: the same images in one file, as `docker load` reads it.
    DockerArchive,
    /// `NAME.tar.gz` or `NAME.tar.zst`.
    CompressedTar(TarCompression),
    /// `NAME-boot.tar`: the files of `kernel+initrd` in an archive.
    TarKernelInitrd,
    /// `NAME-erofs-kernel`, `NAME-erofs-initrd.img`, `NAME-erofs-cmdline` and the root as a file system of its own, which the initrd mounts;
    /// so with the other file systems.
    KernelRoot(FileSystem),
    /// `NAME.efi`: kernel, initrd and command line as one program for UEFI.
    Uki,
    /// `NAME.iso`, `NAME-bios.iso`, `NAME-efi.iso` or `NAME-efi-initrd.iso`: a compact disc, or a stick.
    Iso {
        /// What starts it.
        firmware: Firmware,
        /// Where the root is.
        root: IsoRoot,
    },
    /// `NAME-ipxe/`: kernel and initrd with the script by which iPXE boots them.
    Ipxe,
    /// `NAME-lcow/`: kernel and initrd as Windows loads them for Linux containers.
    Lcow,
    /// `NAME-rpi.tar` or `NAME-rpi.img`: what a Raspberry Pi starts from.
    RaspberryPi(Packing),
    /// A disk; with `-bios` or `-efi` behind the name where it isn't for both.
    Disk {
        /// What its bytes are wrapped into.
        container: Container,
        /// What starts it.
        firmware: Firmware,
    },
    /// `NAME.sysext.raw` or `NAME.confext.raw`: files that systemd lays over those of a system that runs.
    Extension(ExtensionKind),
    /// `NAME-update/`: what replaces one of the two systems on a disk.
    Update,
}

/// What an extension extends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExtensionKind {
    /// `/usr` and `/opt`.
    System,
    /// `/etc`.
    Configuration,
}

impl ExtensionKind {
    /// Returns systemd's word for it, which is the format's, too.
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "sysext",
            Self::Configuration => "confext",
        }
    }

    /// Returns the directories at the root that it may have, without slashes.
    pub fn directories(self) -> &'static [&'static str] {
        match self {
            Self::System => &["usr", "opt"],
            Self::Configuration => &["etc"],
        }
    }

    /// Returns where systemd looks for the file that says what it is for.
    pub fn release_directory(self) -> &'static str {
        match self {
            Self::System => "/usr/lib/extension-release.d",
            Self::Configuration => "/etc/extension-release.d",
        }
    }
}

/// What the files are packed into that a board starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Packing {
    /// An archive, to be unpacked onto a card.
    Archive,
    /// The card.
    Disk,
}

/// How an archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TarCompression {
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
}

/// A file system that holds a root. All but ext4 are only read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileSystem {
    /// EROFS.
    Erofs,
    /// `SquashFS`.
    Squashfs,
    /// ISO 9660 with Rock Ridge.
    Iso,
    /// ext4, which can be written to.
    Ext4,
}

impl FileSystem {
    /// Returns Linux's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Erofs => "erofs",
            Self::Squashfs => "squashfs",
            Self::Iso => "iso9660",
            Self::Ext4 => "ext4",
        }
    }
}

/// What starts a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Firmware {
    /// The PC's BIOS.
    Bios,
    /// UEFI.
    Efi,
    /// Either.
    Hybrid,
}

impl Firmware {
    /// Whether a BIOS is to start it.
    pub fn has_bios(self) -> bool {
        matches!(self, Self::Bios | Self::Hybrid)
    }

    /// Returns what stands behind the image's name where it isn't for both.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Bios => "-bios",
            Self::Efi => "-efi",
            Self::Hybrid => "",
        }
    }

    /// Whether UEFI is to start it.
    pub fn has_efi(self) -> bool {
        matches!(self, Self::Efi | Self::Hybrid)
    }
}

/// Where a compact disc has the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IsoRoot {
    /// It is the disc's own file system.
    Disc,
    /// In the initrd: the disc is needed no more once it runs.
    Initrd,
}

/// What a disk's bytes are wrapped into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Container {
    /// Nothing: `NAME.img`.
    Raw,
    /// `NAME.img.gz`.
    RawGzip,
    /// `NAME.img.zst`.
    RawZstd,
    /// `NAME.qcow2`, for QEMU.
    Qcow2,
    /// `NAME-zlib.qcow2`: the same with compressed clusters.
    Qcow2Zlib,
    /// `NAME-zstd.qcow2`: the same with compressed clusters.
    Qcow2Zstd,
    /// `NAME.vhd`, as large as the disk.
    Vhd,
    /// `NAME-dynamic.vhd`, without what is empty.
    VhdDynamic,
    /// `NAME.vhdx`, for Hyper-V.
    Vhdx,
    /// `NAME.vmdk`, compressed, for VMware.
    Vmdk,
    /// `NAME.vdi`, for VirtualBox.
    Vdi,
    /// `NAME.ova`: a machine for VMware and VirtualBox.
    Ova,
    /// `NAME-gcp.tar.gz` with `disk.raw`, for Google's cloud.
    Gcp,
    /// `NAME-azure.vhd` in whole MiB, for Azure.
    Azure,
    /// `NAME-aws.raw` in whole GiB, for Amazon's cloud.
    Aws,
    /// `NAME-hyper-v.vhdx`, for Hyper-V's machines of generation 2, with the drivers of what these have.
    HyperV,
}

const fn disk(container: Container, firmware: Firmware) -> Format {
    Format::Disk { container, firmware }
}

const fn iso(firmware: Firmware, root: IsoRoot) -> Format {
    Format::Iso { firmware, root }
}

use Firmware::{Bios, Efi, Hybrid};

/// Each format and its word, in the order in which help lists them.
static WORDS: [(Format, &str); 69] = [
    (Format::KernelInitrd, "kernel+initrd"),
    (Format::Tar, "tar"),
    (Format::Oci, "oci"),
    (Format::DockerArchive, "docker-archive"),
    (Format::CompressedTar(TarCompression::Gzip), "tar+gzip"),
    (Format::CompressedTar(TarCompression::Zstd), "tar+zstd"),
    (Format::TarKernelInitrd, "tar-kernel-initrd"),
    (Format::KernelRoot(FileSystem::Erofs), "kernel+erofs"),
    (Format::KernelRoot(FileSystem::Squashfs), "kernel+squashfs"),
    (Format::KernelRoot(FileSystem::Iso), "kernel+iso"),
    (Format::KernelRoot(FileSystem::Ext4), "kernel+ext4"),
    (Format::Uki, "uki"),
    (Format::Ipxe, "ipxe"),
    (Format::Lcow, "lcow"),
    (iso(Bios, IsoRoot::Disc), "iso-bios"),
    (iso(Efi, IsoRoot::Disc), "iso-efi"),
    (iso(Hybrid, IsoRoot::Disc), "iso-hybrid"),
    (iso(Efi, IsoRoot::Initrd), "iso-efi-initrd"),
    (Format::RaspberryPi(Packing::Archive), "rpi"),
    (Format::RaspberryPi(Packing::Disk), "rpi-disk"),
    (disk(Container::Raw, Bios), "raw-bios"),
    (disk(Container::Raw, Efi), "raw-efi"),
    (disk(Container::Raw, Hybrid), "raw-hybrid"),
    (disk(Container::RawGzip, Bios), "raw.gz-bios"),
    (disk(Container::RawGzip, Efi), "raw.gz-efi"),
    (disk(Container::RawGzip, Hybrid), "raw.gz"),
    (disk(Container::RawZstd, Bios), "raw.zst-bios"),
    (disk(Container::RawZstd, Efi), "raw.zst-efi"),
    (disk(Container::RawZstd, Hybrid), "raw.zst"),
    (disk(Container::Qcow2, Bios), "qcow2-bios"),
    (disk(Container::Qcow2, Efi), "qcow2-efi"),
    (disk(Container::Qcow2, Hybrid), "qcow2"),
    (disk(Container::Qcow2Zlib, Bios), "qcow2+zlib-bios"),
    (disk(Container::Qcow2Zlib, Efi), "qcow2+zlib-efi"),
    (disk(Container::Qcow2Zlib, Hybrid), "qcow2+zlib"),
    (disk(Container::Qcow2Zstd, Bios), "qcow2+zstd-bios"),
    (disk(Container::Qcow2Zstd, Efi), "qcow2+zstd-efi"),
    (disk(Container::Qcow2Zstd, Hybrid), "qcow2+zstd"),
    (disk(Container::Vhd, Bios), "vhd-bios"),
    (disk(Container::Vhd, Efi), "vhd-efi"),
    (disk(Container::Vhd, Hybrid), "vhd"),
    (disk(Container::VhdDynamic, Bios), "dynamic-vhd-bios"),
    (disk(Container::VhdDynamic, Efi), "dynamic-vhd-efi"),
    (disk(Container::VhdDynamic, Hybrid), "dynamic-vhd"),
    (disk(Container::Vhdx, Bios), "vhdx-bios"),
    (disk(Container::Vhdx, Efi), "vhdx-efi"),
    (disk(Container::Vhdx, Hybrid), "vhdx"),
    (disk(Container::Vmdk, Bios), "vmdk-bios"),
    (disk(Container::Vmdk, Efi), "vmdk-efi"),
    (disk(Container::Vmdk, Hybrid), "vmdk"),
    (disk(Container::Vdi, Bios), "vdi-bios"),
    (disk(Container::Vdi, Efi), "vdi-efi"),
    (disk(Container::Vdi, Hybrid), "vdi"),
    (disk(Container::Ova, Bios), "ova-bios"),
    (disk(Container::Ova, Efi), "ova-efi"),
    (disk(Container::Ova, Hybrid), "ova"),
    (disk(Container::Gcp, Bios), "gcp-bios"),
    (disk(Container::Gcp, Efi), "gcp-efi"),
    (disk(Container::Gcp, Hybrid), "gcp"),
    (disk(Container::Azure, Bios), "azure-bios"),
    (disk(Container::Azure, Efi), "azure-efi"),
    (disk(Container::Azure, Hybrid), "azure"),
    (disk(Container::Aws, Bios), "aws-bios"),
    (disk(Container::Aws, Efi), "aws-efi"),
    (disk(Container::Aws, Hybrid), "aws"),
    (disk(Container::HyperV, Efi), "hyper-v"),
    (Format::Update, "update"),
    (Format::Extension(ExtensionKind::System), "sysext"),
    (Format::Extension(ExtensionKind::Configuration), "confext"),
];

impl Format {
    /// Returns all formats, in the order in which help lists them.
    pub fn all() -> impl Iterator<Item = Self> {
        WORDS.iter().map(|(format, _)| *format)
    }

    /// Returns the words that are worth a place in a list; with `-bios` and `-efi` behind those of disks there are more.
    pub fn listed() -> impl Iterator<Item = &'static str> {
        let is_listed = |format: &Self| match format {
            Self::Disk { container: Container::Raw | Container::HyperV, .. } => true,
            Self::Disk { firmware, .. } => *firmware == Hybrid,
            _ => true,
        };
        Self::all().filter(is_listed).map(Self::word)
    }

    /// Returns the word that recipes and `--format` use.
    pub fn word(self) -> &'static str {
        let found = WORDS.iter().find(|(format, _)| *format == self);
        found.map(|(_, word)| *word).expect("because each format has a word, which a test sees to")
    }

    /// Reads the word.
    pub fn from_word(word: &str) -> Option<Self> {
        WORDS.iter().find(|(_, known)| *known == word).map(|(format, _)| *format)
    }

    /// Returns the one whose word was probably meant.
    pub fn closest(written: &str) -> Option<Self> {
        let begun = || Self::listed().filter(|word| !written.is_empty() && word.starts_with(written));
        let shortest = begun().min_by_key(|word| word.len());
        match shortest.filter(|shortest| begun().all(|word| word.starts_with(shortest))) {
            Some(word) => Self::from_word(word),
            None => Self::from_word(&crate::parse::closest(written, Self::all().map(Self::word))?),
        }
    }

    /// Whether a kernel is in it.
    pub fn has_kernel(self) -> bool {
        !matches!(
            self,
            Self::Tar | Self::CompressedTar(_) | Self::Oci | Self::DockerArchive | Self::Extension(_)
        )
    }

    /// Returns what stands behind the image's name in the file that a machine is started with: its kernel, where it has one of its own.
    pub fn boot_suffix(self) -> Option<String> {
        match self {
            Self::KernelInitrd => Some("-kernel".to_owned()),
            Self::KernelRoot(kind) => Some(format!("-{}-kernel", kind.word())),
            Self::Uki => Some(".efi".to_owned()),
            Self::Iso { firmware, root } => {
                let initrd = if root == IsoRoot::Initrd { "-initrd" } else { "" };
                Some(format!("{}{initrd}.iso", firmware.suffix()))
            }
            Self::Disk { container, firmware } => Some(container.suffix_for(firmware)),
            Self::Ipxe | Self::Lcow => self.directory().map(|directory| format!("{directory}/kernel")),
            Self::Tar
            | Self::CompressedTar(_)
            | Self::TarKernelInitrd
            | Self::Oci
            | Self::DockerArchive
            | Self::Extension(_)
            | Self::Update
            // Its firmware runs on nothing but the board.
            | Self::RaspberryPi(_) => None,
        }
    }

    /// Returns what stands behind the image's name in its directory, where it is one with the files of a kernel.
    pub fn directory(self) -> Option<&'static str> {
        match self {
            Self::Ipxe => Some("-ipxe"),
            Self::Lcow => Some("-lcow"),
            _ => None,
        }
    }

    /// Whether the image has to have the drivers of Hyper-V's machines.
    pub fn is_for_hyper_v(self) -> bool {
        matches!(self, Self::Lcow | Self::Disk { container: Container::HyperV, .. })
    }

    /// Returns what starts it, where that is written on it.
    pub fn firmware(self) -> Option<Firmware> {
        match self {
            Self::Iso { firmware, .. } | Self::Disk { firmware, .. } => Some(firmware),
            Self::Uki => Some(Efi),
            _ => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Container {
    /// Returns what stands behind the image's name in the file of a disk for a firmware.
    pub fn suffix_for(self, firmware: Firmware) -> String {
        match self {
            // There is but one, whose machines have UEFI.
            Self::HyperV => self.suffix().to_owned(),
            _ => format!("{}{}", firmware.suffix(), self.suffix()),
        }
    }

    /// Returns what stands at the end of the name of its file.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Raw => ".img",
            Self::RawGzip => ".img.gz",
            Self::RawZstd => ".img.zst",
            Self::Qcow2 => ".qcow2",
            Self::Qcow2Zlib => "-zlib.qcow2",
            Self::Qcow2Zstd => "-zstd.qcow2",
            Self::Vhd => ".vhd",
            Self::VhdDynamic => "-dynamic.vhd",
            Self::Azure => "-azure.vhd",
            Self::Vhdx => ".vhdx",
            Self::Vmdk => ".vmdk",
            Self::Vdi => ".vdi",
            Self::Ova => ".ova",
            Self::Gcp => "-gcp.tar.gz",
            Self::Aws => "-aws.raw",
            Self::HyperV => "-hyper-v.vhdx",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_format_has_one_word() {
        let formats: BTreeSet<_> = Format::all().collect();
        assert_eq!(formats.len(), WORDS.len());
        let words: BTreeSet<_> = Format::all().map(Format::word).collect();
        assert_eq!(words.len(), WORDS.len());
        for format in formats {
            assert_eq!(Format::from_word(format.word()), Some(format));
        }
    }

    #[test]
    fn a_word_that_is_none_leads_to_the_one_that_was_meant() {
        for (written, meant) in [
            ("qcow", Some("qcow2")),
            ("uk", Some("uki")),
            ("iso-hybird", Some("iso-hybrid")),
            ("vmkd", Some("vmdk")),
            ("raw", None),
            ("", None),
        ] {
            assert_eq!(Format::closest(written).map(Format::word), meant, "{written}");
        }
    }
}
