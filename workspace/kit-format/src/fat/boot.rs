//! The sectors before the tables.

use super::geometry::Geometry;
use super::{Kind, SECTOR, SECTOR_BYTES};

/// The sector of the free counts, and that of the second boot sector.
const FREE_COUNTS: u16 = 1;
const SECOND: u16 = 6;
/// Asks the BIOS for the next disk, and waits where there is none: `int 0x18; hlt; jmp` back.
const PROGRAM: [u8; 5] = [0xcd, 0x18, 0xf4, 0xeb, 0xfd];
const MEDIA: u8 = 0xf8;

/// What a boot sector has beside the sizes.
pub(super) struct Boot<'a> {
    pub(super) geometry: &'a Geometry,
    pub(super) hidden_sectors: u32,
    pub(super) volume_id: u32,
    /// Eleven characters.
    pub(super) label: [u8; 11],
}

impl Boot<'_> {
    /// Returns the boot sector.
    pub(super) fn sector(&self) -> Vec<u8> {
        let Geometry { kind, sectors, cluster_sectors, table_sectors, root_sectors, .. } = *self.geometry;
        let large = kind == Kind::Fat32;
        let small_sectors = u16::try_from(sectors).ok().filter(|_| !large).unwrap_or(0);
        let mut bytes = vec![0xeb, if large { 0x58 } else { 0x3c }, 0x90];
        bytes.extend_from_slice(b"MSWIN4.1");
        bytes.extend_from_slice(&short(SECTOR));
        bytes.push(u8::try_from(cluster_sectors).expect("because a cluster has at most 64 sectors"));
        bytes.extend_from_slice(&short(kind.reserved()));
        bytes.push(2);
        bytes.extend_from_slice(&short(root_sectors * SECTOR / super::ENTRY as u64));
        bytes.extend_from_slice(&small_sectors.to_le_bytes());
        bytes.push(MEDIA);
        bytes.extend_from_slice(&short(if large { 0 } else { table_sectors }));
        bytes.extend_from_slice(&63_u16.to_le_bytes());
        bytes.extend_from_slice(&255_u16.to_le_bytes());
        bytes.extend_from_slice(&self.hidden_sectors.to_le_bytes());
        bytes.extend_from_slice(&long(if small_sectors == 0 { sectors } else { 0 }));
        if large {
            bytes.extend_from_slice(&long(table_sectors));
            // Both tables are equal, version 0.0, the root directory begins in cluster 2.
            bytes.extend_from_slice(&[0, 0, 0, 0, 2, 0, 0, 0]);
            bytes.extend_from_slice(&FREE_COUNTS.to_le_bytes());
            bytes.extend_from_slice(&SECOND.to_le_bytes());
            bytes.extend_from_slice(&[0; 12]);
        }
        bytes.extend_from_slice(&[0x80, 0, 0x29]);
        bytes.extend_from_slice(&self.volume_id.to_le_bytes());
        bytes.extend_from_slice(&self.label);
        bytes.extend_from_slice(format!("{kind:<8}").as_bytes());
        bytes.extend_from_slice(&PROGRAM);
        sign(bytes)
    }

    /// Returns all reserved sectors, in which `used` clusters are counted, of which none is behind `last`.
    pub(super) fn reserved(&self, used: u64, last: u32) -> Vec<u8> {
        let mut bytes = self.sector();
        if self.geometry.kind == Kind::Fat32 {
            let counts = free_counts(self.geometry, used, last);
            let pair = [bytes.as_slice(), &counts].concat();
            bytes.clone_from(&pair);
            bytes.resize(usize::from(SECOND) * SECTOR_BYTES, 0);
            bytes.extend_from_slice(&pair);
            bytes.resize(32 * SECTOR_BYTES, 0);
        }
        bytes
    }
}

/// Returns the sector that tells how many clusters are free, and which was the last to be taken.
fn free_counts(geometry: &Geometry, used: u64, last: u32) -> Vec<u8> {
    let mut bytes = b"RRaA".to_vec();
    bytes.resize(484, 0);
    bytes.extend_from_slice(b"rrAa");
    bytes.extend_from_slice(&long(geometry.clusters - used));
    bytes.extend_from_slice(&last.to_le_bytes());
    sign(bytes)
}

fn sign(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(SECTOR_BYTES - 2, 0);
    bytes.extend_from_slice(&[0x55, 0xaa]);
    bytes
}

fn short(number: u64) -> [u8; 2] {
    u16::try_from(number).expect("because the geometry keeps to what the format has").to_le_bytes()
}

fn long(number: u64) -> [u8; 4] {
    u32::try_from(number).expect("because the geometry keeps to what the format has").to_le_bytes()
}

/// Returns what the first entry of the table is: the media with all bits above set.
pub(super) fn first_entries(kind: Kind) -> [u32; 2] {
    match kind {
        Kind::Fat12 => [0xff8, 0xfff],
        Kind::Fat16 => [0xfff8, 0xffff],
        Kind::Fat32 => [0x0fff_fff8, 0x0fff_ffff],
    }
}
