//! What to do about an output that can't be written.

use std::error::Error;

use kit_format::cpio::CpioWriteError;
use kit_format::erofs::ErofsWriteError;
use kit_format::fat::FatWriteError;
use kit_format::gpt::GptError;
use kit_format::iso::IsoWriteError;
use kit_format::largest::Largest;
use kit_format::mbr::MbrError;
use kit_format::squashfs::SquashfsWriteError;
use kit_format::uki::UkiError;

/// The card is too small for the file system on it.
#[derive(Debug, thiserror::Error)]
#[error("{disk}; {largest}")]
pub(crate) struct CardSize {
    /// Why.
    pub(crate) disk: MbrError,
    /// What on it is largest.
    pub(crate) largest: Largest,
}

/// An update is larger than the slots that it is for.
#[derive(Debug, thiserror::Error)]
#[error("the root has {root} bytes, {} more than `slot-size`: a slot has {slot}", root.saturating_sub(*slot))]
pub(crate) struct SlotSize {
    /// Bytes of the root.
    pub(crate) root: u64,
    /// Bytes of a slot.
    pub(crate) slot: u64,
}

/// The ways out of what one file system can't hold.
const FILE_SYSTEM: &str = "change the file, leave it out by `exclude`, or take a format whose root is EROFS, such as `kernel+erofs`";

/// Returns the next thing to do, where the format says enough.
pub(super) fn help(source: &(dyn Error + Send + Sync + 'static)) -> Option<&'static str> {
    of_iso(source)
        .or_else(|| of_squashfs(source))
        .or_else(|| of_initrd(source))
        .or_else(|| of_fat(source))
        .or_else(|| of_program(source))
        .or_else(|| of_disk(source))
        .or_else(|| match source.downcast_ref()? {
            ErofsWriteError::XattrName { .. }
            | ErofsWriteError::XattrValue { .. }
            | ErofsWriteError::Xattrs { .. } => {
                Some("take attributes away from the file: Linux holds no more")
            }
            _ => None,
        })
}

fn of_iso(source: &(dyn Error + Send + Sync + 'static)) -> Option<&'static str> {
    match source.downcast_ref()? {
        IsoWriteError::Name { .. }
        | IsoWriteError::Xattr { .. }
        | IsoWriteError::FileSize { .. }
        | IsoWriteError::SymlinkTarget { .. }
        | IsoWriteError::DeviceNumber { .. } => Some(FILE_SYSTEM),
        IsoWriteError::Directories { .. } | IsoWriteError::Size { .. } => {
            Some("leave something out by `exclude`, or take a disk, such as `raw-hybrid`")
        }
        _ => None,
    }
}

fn of_squashfs(source: &(dyn Error + Send + Sync + 'static)) -> Option<&'static str> {
    match source.downcast_ref()? {
        SquashfsWriteError::Owners { .. }
        | SquashfsWriteError::Entries { .. }
        | SquashfsWriteError::Table { .. }
        | SquashfsWriteError::Directory { .. } => {
            Some("take EROFS, which has no such limit: `kernel+erofs`, or `root = \"erofs\"` in `[disk]`")
        }
        SquashfsWriteError::XattrName { .. } | SquashfsWriteError::XattrValue { .. } => Some(FILE_SYSTEM),
        _ => None,
    }
}

fn of_initrd(source: &(dyn Error + Send + Sync + 'static)) -> Option<&'static str> {
    match source.downcast_ref()? {
        CpioWriteError::FileSize { .. } | CpioWriteError::Xattr { .. } => Some(
            "take a root that is no initrd: `kernel+erofs`, `kernel+squashfs`, or a disk with `root = \"erofs\"` in `[disk]`",
        ),
        CpioWriteError::Trailer { .. } => Some("give the file another name, or take `kernel+erofs`"),
        _ => None,
    }
}

fn of_fat(source: &(dyn Error + Send + Sync + 'static)) -> Option<&'static str> {
    match source.downcast_ref()? {
        FatWriteError::Name { .. } => Some("give it a name that FAT takes, or leave it out by `exclude`"),
        FatWriteError::Case { .. } => Some("rename one of the two, or leave it out by `exclude`"),
        FatWriteError::Entry { .. } | FatWriteError::Xattr { .. } => {
            Some("put a plain file in its place, or leave it out by `exclude`")
        }
        FatWriteError::TooLarge { .. } => Some(
            "raise `esp` in `[disk]`, or leave it out: then the file system is as large as its files need",
        ),
        FatWriteError::FileSize { .. } => Some(
            "what firmware reads lies on FAT: let the root be a partition, by `root = \"erofs\"` in `[disk]`",
        ),
        _ => None,
    }
}

fn of_program(source: &(dyn Error + Send + Sync + 'static)) -> Option<&'static str> {
    match source.downcast_ref()? {
        UkiError::Kernel(_) => Some(
            "take a kernel with `CONFIG_EFI_STUB=y`, or a format that UEFI doesn't start, such as `raw-bios`",
        ),
        UkiError::Compressed => Some("take a kernel that isn't compressed, or one with `CONFIG_EFI_ZBOOT=y`"),
        UkiError::Machine { .. } => Some("take a kernel for the architecture of the image"),
        UkiError::Stranger { .. } => Some("take a stub for the architecture of the image"),
        UkiError::TooLarge { .. } => Some(
            "let the root be no initrd, by `root = \"erofs\"` in `[disk]` and a format such as `raw-efi`",
        ),
        _ => None,
    }
}

fn of_disk(source: &(dyn Error + Send + Sync + 'static)) -> Option<&'static str> {
    const SIZE: &str =
        "raise `size` in `[disk]`, or leave it out: then the disk is as large as what is on it needs";
    if matches!(source.downcast_ref(), Some(GptError::DiskSize { .. }))
        || matches!(source.downcast_ref(), Some(MbrError::DiskSize { .. }))
        || source.is::<CardSize>()
    {
        return Some(SIZE);
    }
    if matches!(source.downcast_ref(), Some(GptError::Content { .. })) {
        // No other partition with content has a size of its own.
        return Some("raise `slot-size` in `[disk]`, or leave something out by `exclude`");
    }
    if source.is::<SlotSize>() {
        return Some(
            "leave something out by `exclude`: machines that are there keep the slots that they have",
        );
    }
    None
}
