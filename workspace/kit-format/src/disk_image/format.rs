//! The formats by their words.

use std::fmt;

use super::{ova, vdi, vhd, vhdx, vmdk};

/// A container of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiskFormat {
    /// The disk itself.
    Raw,
    /// The disk, compressed by gzip.
    RawGzip,
    /// The disk, compressed by zstd.
    RawZstd,
    /// QEMU's.
    Qcow2,
    /// QEMU's with clusters that are deflated.
    Qcow2Zlib,
    /// QEMU's with clusters that are compressed by zstd.
    Qcow2Zstd,
    /// Virtual PC's, all of the disk in it.
    Vhd,
    /// Virtual PC's, without what is zero.
    VhdDynamic,
    /// Hyper-V's.
    Vhdx,
    /// VMware's streamOptimized one.
    Vmdk,
    /// VirtualBox's.
    Vdi,
    /// A package of a machine with one disk.
    Ova,
    /// What Google's cloud takes.
    Gcp,
    /// What Azure takes.
    Azure,
}

/// What formats without a limit of their own hold: more than anybody has, and little enough for every number here.
const ENOUGH: u64 = 64 << 40;

impl DiskFormat {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Raw,
        Self::RawGzip,
        Self::RawZstd,
        Self::Qcow2,
        Self::Qcow2Zlib,
        Self::Qcow2Zstd,
        Self::Vhd,
        Self::VhdDynamic,
        Self::Vhdx,
        Self::Vmdk,
        Self::Vdi,
        Self::Ova,
        Self::Gcp,
        Self::Azure,
    ];

    /// Returns the word that people write.
    pub fn word(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::RawGzip => "raw.gz",
            Self::RawZstd => "raw.zst",
            Self::Qcow2 => "qcow2",
            Self::Qcow2Zlib => "qcow2+zlib",
            Self::Qcow2Zstd => "qcow2+zstd",
            Self::Vhd => "vhd",
            Self::VhdDynamic => "dynamic-vhd",
            Self::Vhdx => "vhdx",
            Self::Vmdk => "vmdk",
            Self::Vdi => "vdi",
            Self::Ova => "ova",
            Self::Gcp => "gcp",
            Self::Azure => "azure",
        }
    }

    /// Returns the format that a word means.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.word() == word)
    }

    /// Returns the end of a file's name; no two have the same.
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
            Self::Vhdx => ".vhdx",
            Self::Vmdk => ".vmdk",
            Self::Vdi => ".vdi",
            Self::Ova => ".ova",
            Self::Gcp => "-gcp.tar.gz",
            Self::Azure => "-azure.vhd",
        }
    }

    /// Returns the name of a disk's file without its end.
    pub fn stem(file: &str) -> &str {
        let stripped = |format: Self| file.strip_suffix(format.suffix());
        let by_others = [".raw", ".raw.gz", ".raw.zst"].into_iter().filter_map(|end| file.strip_suffix(end));
        let stems = Self::ALL.into_iter().filter_map(stripped).chain(by_others);
        stems.filter(|stem| !stem.is_empty()).min_by_key(|stem| stem.len()).unwrap_or(file)
    }

    /// Whether it holds any number of bytes.
    pub(super) fn is_raw(self) -> bool {
        matches!(self, Self::Raw | Self::RawGzip | Self::RawZstd | Self::Gcp | Self::Azure)
    }

    /// Returns the bytes of the largest disk that it holds.
    pub fn largest(self) -> u64 {
        match self {
            Self::Raw | Self::RawGzip | Self::RawZstd | Self::Qcow2 | Self::Qcow2Zlib | Self::Qcow2Zstd => {
                ENOUGH
            }
            Self::Gcp => ENOUGH,
            Self::Vhd | Self::VhdDynamic | Self::Azure => vhd::LARGEST,
            Self::Vhdx => vhdx::LARGEST,
            Self::Vmdk => vmdk::LARGEST,
            Self::Ova => ova::LARGEST,
            Self::Vdi => vdi::LARGEST,
        }
    }
}

impl fmt::Display for DiskFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
