//! Header and entries, as bytes.

use flate2::Crc;

use super::{
    ENTRIES, ENTRIES_SECTORS, ENTRY, FIRST_USABLE, Guid, HEADER, LABEL, MAGIC, REVISION, SECTOR_BYTES,
};

/// Returns the CRC-32 of bytes that stand in parts.
pub(super) fn crc(parts: &[&[u8]]) -> u32 {
    let mut crc = Crc::new();
    for part in parts {
        crc.update(part);
    }
    crc.sum()
}

/// An entry to be written.
pub(super) struct Entry<'a> {
    pub(super) kind: Guid,
    pub(super) id: Guid,
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) attributes: u64,
    pub(super) label: &'a str,
}

/// Returns all entries, the unused ones zero.
pub(super) fn entries(used: &[Entry<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in used {
        let start = bytes.len();
        bytes.extend_from_slice(&entry.kind.to_table());
        bytes.extend_from_slice(&entry.id.to_table());
        for number in [entry.first, entry.last, entry.attributes] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        entry.label.encode_utf16().take(LABEL).for_each(|unit| bytes.extend_from_slice(&unit.to_le_bytes()));
        bytes.resize(start + ENTRY as usize, 0);
    }
    bytes.resize((ENTRIES * ENTRY) as usize, 0);
    bytes
}

/// One of the two headers.
pub(super) struct Header {
    /// The sector that it is in.
    pub(super) at: u64,
    /// The sector that the other one is in.
    pub(super) other: u64,
    /// The sector that its entries begin with.
    pub(super) entries: u64,
    /// Sectors of the disk.
    pub(super) sectors: u64,
    pub(super) disk: Guid,
    /// CRC-32 of the entries.
    pub(super) crc: u32,
}

impl Header {
    /// Returns its sector.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for number in [REVISION, HEADER, 0, 0] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let last_usable = self.sectors - ENTRIES_SECTORS - 2;
        for number in [self.at, self.other, FIRST_USABLE, last_usable] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.disk.to_table());
        bytes.extend_from_slice(&self.entries.to_le_bytes());
        for number in [ENTRIES, ENTRY, self.crc] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let crc = crc(&[&bytes]);
        bytes[16..20].copy_from_slice(&crc.to_le_bytes());
        bytes.resize(SECTOR_BYTES, 0);
        bytes
    }
}
