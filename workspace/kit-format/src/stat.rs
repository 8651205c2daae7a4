//! What `stat` tells of a file, as Linux packs it and formats store it: its type in `st_mode`, its device in `st_rdev`.

use kit_tree::{DeviceKind, Entry};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileType {
    File,
    Directory,
    Symlink,
    Device(DeviceKind),
    Fifo,
    /// No tree has one.
    Socket,
}

impl FileType {
    /// Returns what an entry is; a hard link is the file that it names.
    pub(crate) const fn of(entry: &Entry) -> Self {
        match entry {
            Entry::File { .. } | Entry::HardLink { .. } => Self::File,
            Entry::Directory(_) => Self::Directory,
            Entry::Symlink { .. } => Self::Symlink,
            Entry::Device { kind, .. } => Self::Device(*kind),
            Entry::Fifo(_) => Self::Fifo,
        }
    }

    /// Returns what a mode says; none when it says nothing that there is.
    pub(crate) const fn of_mode(mode: u32) -> Option<Self> {
        Some(match mode & 0o170_000 {
            0o010_000 => Self::Fifo,
            0o020_000 => Self::Device(DeviceKind::Char),
            0o040_000 => Self::Directory,
            0o060_000 => Self::Device(DeviceKind::Block),
            0o100_000 => Self::File,
            0o120_000 => Self::Symlink,
            0o140_000 => Self::Socket,
            _ => return None,
        })
    }

    /// Returns its bits of a mode.
    pub(crate) const fn bits(self) -> u16 {
        match self {
            Self::Fifo => 0o010_000,
            Self::Device(DeviceKind::Char) => 0o020_000,
            Self::Directory => 0o040_000,
            Self::Device(DeviceKind::Block) => 0o060_000,
            Self::File => 0o100_000,
            Self::Symlink => 0o120_000,
            Self::Socket => 0o140_000,
        }
    }

    /// Returns its number beside names in directories, as ext4 and EROFS have it.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::File => 1,
            Self::Directory => 2,
            Self::Device(DeviceKind::Char) => 3,
            Self::Device(DeviceKind::Block) => 4,
            Self::Fifo => 5,
            Self::Socket => 6,
            Self::Symlink => 7,
        }
    }
}

/// Whether Linux has such a device number: 12 bits for the driver and 20 for the device.
pub(crate) const fn is_device_number(major: u32, minor: u32) -> bool {
    major <= 0xfff && minor <= 0xf_ffff
}

/// Packs a device number that Linux has.
pub(crate) const fn pack_device(major: u32, minor: u32) -> u32 {
    minor & 0xff | major << 8 | (minor & !0xff) << 12
}

/// Returns the driver's number and the device's.
pub(crate) const fn unpack_device(packed: u32) -> (u32, u32) {
    (packed >> 8 & 0xfff, packed & 0xff | packed >> 12 & 0xf_ff00)
}
