//! What firmware starts: the boot catalogue of El Torito, the boot image's table, the first sector.

use kit_hash::{Encoder, TreeId};
use kit_tree::{Blobs, Entry, Tree, TreePath};

use super::error::IsoWriteError;
use super::{BLOCK, BiosBoot};
use crate::grub;
use crate::mbr::CODE;

/// Bytes of a sector of a disk.
const SECTOR: u64 = 512;
/// Sectors of a disk in a block.
const SECTORS: u64 = 4;
/// Larger boot images aren't taken.
const IMAGE_MAX: u64 = 4 << 20;
/// Where the boot image is told where it lies.
const TABLE: std::ops::Range<usize> = 8..64;
/// The block of the first volume descriptor.
const DESCRIPTOR: u32 = 16;

const BIOS: u8 = 0;
const EFI: u8 = 0xef;
const BOOTABLE: u8 = 0x88;
const LAST_HEADER: u8 = 0x91;

const ACTIVE: u8 = 0x80;
const TYPE_ISO: u8 = 0xcd;
const TYPE_ESP: u8 = 0xef;

/// The file that a BIOS starts.
#[derive(Debug)]
pub(super) struct Image {
    /// Its place in the tree, of its first name.
    pub(super) path: TreePath,
    pub(super) bytes: Vec<u8>,
}

impl Image {
    pub(super) fn read(tree: &Tree, blobs: &dyn Blobs, boot: &BiosBoot) -> Result<Self, IsoWriteError> {
        let path = match tree.get(&boot.image) {
            Some(Entry::HardLink { target }) => target.clone(),
            _ => boot.image.clone(),
        };
        let Some(Entry::File { blob, size, .. }) = tree.get(&path) else {
            return Err(IsoWriteError::NoBootImage { path });
        };
        let least = BLOCK as u64;
        if !(least..=IMAGE_MAX).contains(size) {
            return Err(IsoWriteError::BootImageSize { path, size: *size, least, limit: IMAGE_MAX });
        }
        match blobs.read(blob, IMAGE_MAX) {
            Ok(bytes) if bytes.len() as u64 == *size => Ok(Self { path, bytes }),
            Ok(bytes) => {
                let (least, size) = (*size, bytes.len() as u64);
                Err(IsoWriteError::BootImageSize { path, size, least, limit: IMAGE_MAX })
            }
            Err(source) => Err(IsoWriteError::Content { path, source }),
        }
    }

    /// Fills in its table: where the first descriptor and it lie, its length, and the sum of its words behind the table.
    pub(super) fn place(&mut self, block: u32, hybrid: bool) -> Result<(), IsoWriteError> {
        if hybrid {
            grub::patch_eltorito(&mut self.bytes, u64::from(block) * SECTORS)?;
        }
        let sum = self.bytes[TABLE.end..].chunks(4).fold(0_u32, |sum, chunk| {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            sum.wrapping_add(u32::from_le_bytes(word))
        });
        let length = u32::try_from(self.bytes.len()).expect("because boot images are small");
        let table = [DESCRIPTOR, block, length, sum].map(u32::to_le_bytes).concat();
        self.bytes[TABLE].fill(0);
        self.bytes[TABLE.start..][..table.len()].copy_from_slice(&table);
        Ok(())
    }
}

/// Returns the boot catalogue: what a BIOS starts, and what UEFI starts.
pub(super) fn catalogue(bios: Option<u32>, efi: Option<Efi>) -> Vec<u8> {
    // a BIOS loads one block; UEFI takes all to the volume's end when the number is 0
    let bios = bios.map(|block| entry(block, SECTORS));
    let efi = efi.map(|efi| entry(efi.block, efi.size / SECTOR));
    let mut bytes = Vec::new();
    match (bios, efi) {
        (Some(bios), efi) => {
            bytes.extend(validation(BIOS));
            bytes.extend(bios);
            if let Some(efi) = efi {
                let mut header = vec![LAST_HEADER, EFI, 1, 0];
                header.resize(32, 0);
                bytes.extend(header);
                bytes.extend(efi);
            }
        }
        (None, Some(efi)) => {
            bytes.extend(validation(EFI));
            bytes.extend(efi);
        }
        (None, None) => {}
    }
    bytes.resize(BLOCK, 0);
    bytes
}

/// The file system that UEFI starts from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Efi {
    pub(super) block: u32,
    pub(super) size: u64,
}

fn validation(platform: u8) -> Vec<u8> {
    let mut bytes = vec![1, platform];
    bytes.resize(32, 0);
    bytes[30..].copy_from_slice(&[0x55, 0xaa]);
    let sum =
        bytes.chunks(2).fold(0_u16, |sum, pair| sum.wrapping_add(u16::from_le_bytes([pair[0], pair[1]])));
    bytes[28..30].copy_from_slice(&sum.wrapping_neg().to_le_bytes());
    bytes
}

fn entry(block: u32, sectors: u64) -> Vec<u8> {
    let mut bytes = vec![BOOTABLE, 0, 0, 0, 0, 0];
    bytes.extend(u16::try_from(sectors).unwrap_or(0).to_le_bytes());
    bytes.extend(block.to_le_bytes());
    bytes.resize(32, 0);
    bytes
}

/// The first sector of an ISO that is a disk, too.
#[derive(Debug)]
pub(super) struct Mbr<'a> {
    /// GRUB's code, and the block of the boot image.
    pub(super) code: Option<(&'a [u8], u32)>,
    pub(super) efi: Option<Efi>,
    /// Blocks of the whole.
    pub(super) blocks: u32,
    pub(super) tree: TreeId,
    pub(super) label: &'a str,
}

impl Mbr<'_> {
    /// Returns the sector. Its first partition is the volume up to what UEFI starts from, its second that.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, IsoWriteError> {
        let mut bytes = match self.code {
            Some((code, block)) => grub::hybrid_code(code, u64::from(block) * SECTORS)?.to_vec(),
            None => vec![0; CODE],
        };
        let mut id = Encoder::new("iso-disk-signature", 1);
        id.id(&self.tree).str(self.label);
        let digest = kit_hash::Sha256::of(id.finish());
        bytes.extend_from_slice(&digest.as_bytes()[..4]);
        bytes.extend([0; 2]);
        let end = u64::from(self.blocks) * SECTORS;
        let volume_end = self.efi.map_or(end, |efi| u64::from(efi.block) * SECTORS);
        bytes.extend(partition(ACTIVE, TYPE_ISO, 0, volume_end)?);
        if let Some(efi) = self.efi {
            let start = u64::from(efi.block) * SECTORS;
            bytes.extend(partition(0, TYPE_ESP, start, efi.size.div_ceil(SECTOR))?);
        }
        bytes.resize(510, 0);
        bytes.extend([0x55, 0xaa]);
        Ok(bytes)
    }
}

fn partition(status: u8, kind: u8, start: u64, length: u64) -> Result<Vec<u8>, IsoWriteError> {
    let limit = u64::from(u32::MAX) * SECTOR;
    let number = |sectors: u64| {
        let size = (start + length) * SECTOR;
        u32::try_from(sectors).map_err(|_| IsoWriteError::Size { size, limit })
    };
    number(start + length)?;
    let mut bytes = vec![status];
    bytes.extend(cylinder_head_sector(start));
    bytes.push(kind);
    bytes.extend(cylinder_head_sector((start + length).saturating_sub(1)));
    bytes.extend(number(start)?.to_le_bytes());
    bytes.extend(number(length)?.to_le_bytes());
    Ok(bytes)
}

/// A sector's number by 255 heads of 63 sectors; the last that there is where it has none.
fn cylinder_head_sector(sector: u64) -> [u8; 3] {
    let (cylinder, head, sector) = (sector / (255 * 63), sector / 63 % 255, sector % 63 + 1);
    match (u8::try_from(cylinder >> 8), u8::try_from(cylinder & 0xff)) {
        (Ok(high), Ok(low)) if cylinder < 1024 => {
            let byte = |number: u64| u8::try_from(number).unwrap_or(u8::MAX);
            [byte(head), byte(sector) | high << 6, low]
        }
        _ => [0xfe, 0xff, 0xff],
    }
}
