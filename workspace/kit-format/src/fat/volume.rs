//! The sizes that a boot sector says, held against the file.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use super::read::FatReadError;
use super::{ENTRY, Kind, SECTOR};

/// The bytes of the table that are kept.
const WINDOW: u64 = 64 << 10;

/// A file system that is read.
pub(super) struct Volume<'a, R> {
    disk: &'a mut R,
    pub(super) kind: Kind,
    pub(super) cluster_bytes: u64,
    pub(super) clusters: u64,
    pub(super) root: Root,
    /// The byte that the table begins with, and its length.
    pub(super) table: u64,
    pub(super) table_bytes: u64,
    /// How many tables there are.
    pub(super) tables: u64,
    /// The bytes that the sectors with free counts begin with.
    pub(super) free_counts: Vec<u64>,
    /// The byte that cluster 2 begins with.
    data: u64,
    window: Vec<u8>,
    window_at: u64,
}

/// Where the root directory is.
#[derive(Debug, Clone)]
pub(super) enum Root {
    /// These bytes.
    Place(Range<u64>),
    /// From this cluster on.
    Cluster(u32),
}

impl<'a, R: Read + Seek> Volume<'a, R> {
    pub(super) fn open(disk: &'a mut R) -> Result<Self, FatReadError> {
        let size = disk.seek(SeekFrom::End(0))?;
        let mut boot = [0; 512];
        disk.seek(SeekFrom::Start(0))?;
        disk.read_exact(&mut boot)?;
        let number = |at: usize, length: usize| {
            boot[at..at + length].iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
        };
        let refuse = |what, value| Err(FatReadError::Boot { what, value });
        let (sector, cluster_sectors, reserved, tables) =
            (number(11, 2), number(13, 1), number(14, 2), number(16, 1));
        if number(510, 2) != 0xaa55 {
            return refuse("signature", number(510, 2));
        }
        if sector != SECTOR {
            return refuse("bytes of a sector", sector);
        }
        if !cluster_sectors.is_power_of_two() {
            return refuse("sectors of a cluster", cluster_sectors);
        }
        if reserved == 0 {
            return refuse("reserved sectors", reserved);
        }
        if !(1..=2).contains(&tables) {
            return refuse("tables", tables);
        }
        let either = |short: u64, long: u64| if short == 0 { long } else { short };
        let (large, sectors) = (number(22, 2) == 0, either(number(19, 2), number(32, 4)));
        let table_sectors = either(number(22, 2), number(36, 4));
        let root_entries = number(17, 2);
        let root_at = (reserved + tables * table_sectors) * SECTOR;
        let data = root_at + (root_entries * ENTRY as u64).next_multiple_of(SECTOR);
        if sectors * SECTOR > size {
            return Err(FatReadError::Size { says: sectors * SECTOR, size });
        }
        let clusters = (sectors * SECTOR).checked_sub(data).map(|bytes| bytes / (cluster_sectors * SECTOR));
        let Some(clusters) = clusters.filter(|clusters| (1..=0x0fff_fff5).contains(clusters)) else {
            return refuse("sectors", sectors);
        };
        let kind = match clusters {
            _ if large => Kind::Fat32,
            ..=4084 => Kind::Fat12,
            4085..=65_524 => Kind::Fat16,
            _ => return refuse("sectors of a table", table_sectors),
        };
        if table_sectors * SECTOR * 8 < (clusters + 2) * kind.bits() {
            return refuse("sectors of a table", table_sectors);
        }
        let root = match (large, u32::try_from(number(44, 4))) {
            (true, Ok(cluster)) => Root::Cluster(cluster),
            _ => Root::Place(root_at..root_at + root_entries * ENTRY as u64),
        };
        let free_counts =
            if large { free_counts(number(48, 2), number(50, 2), reserved) } else { Vec::new() };
        Ok(Self {
            disk,
            kind,
            cluster_bytes: cluster_sectors * SECTOR,
            clusters,
            root,
            table: reserved * SECTOR,
            table_bytes: table_sectors * SECTOR,
            tables,
            free_counts,
            data,
            window: Vec::new(),
            window_at: 0,
        })
    }

    /// Whether a cluster is one that files can have.
    pub(super) fn has(&self, cluster: u32) -> bool {
        (2..self.clusters + 2).contains(&u64::from(cluster))
    }

    /// Returns the bytes of the file that some clusters are.
    pub(super) fn bytes_of(&self, clusters: &Range<u32>) -> Range<u64> {
        let byte = |cluster: u32| self.data + (u64::from(cluster) - 2) * self.cluster_bytes;
        byte(clusters.start)..byte(clusters.end)
    }

    /// Returns what the table has for a cluster.
    pub(super) fn entry(&mut self, cluster: u32) -> io::Result<u32> {
        let cluster = u64::from(cluster);
        match self.kind {
            Kind::Fat32 => Ok(self.number(cluster * 4, 4)? & 0x0fff_ffff),
            Kind::Fat16 => self.number(cluster * 2, 2),
            Kind::Fat12 => {
                let pair = self.number(cluster / 2 * 3, 3)?;
                Ok(if cluster.is_multiple_of(2) { pair & 0xfff } else { pair >> 12 })
            }
        }
    }

    /// Returns the entry from which on the table says that a file ends.
    pub(super) fn end(&self) -> u32 {
        match self.kind {
            Kind::Fat12 => 0xff8,
            Kind::Fat16 => 0xfff8,
            Kind::Fat32 => 0x0fff_fff8,
        }
    }

    fn number(&mut self, at: u64, length: u64) -> io::Result<u32> {
        (at..at + length).rev().try_fold(0, |number, at| Ok(number << 8 | u32::from(self.table_byte(at)?)))
    }

    /// Returns a byte of the table; what is behind its end is zero.
    fn table_byte(&mut self, at: u64) -> io::Result<u8> {
        if at >= self.table_bytes {
            return Ok(0);
        }
        let start = at / WINDOW * WINDOW;
        if self.window.is_empty() || start != self.window_at {
            let length = WINDOW.min(self.table_bytes - start);
            self.window = vec![0; usize::try_from(length).expect("because a window is small")];
            self.window_at = start;
            self.disk.seek(SeekFrom::Start(self.table + start))?;
            self.disk.read_exact(&mut self.window)?;
        }
        let inside = usize::try_from(at - start).expect("because a window is small");
        Ok(self.window[inside])
    }

    /// Reads from the file.
    pub(super) fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.disk.seek(SeekFrom::Start(at))?;
        self.disk.read(buffer)
    }
}

/// Returns where free counts are: in a sector of their own, and behind the second boot sector.
fn free_counts(sector: u64, second: u64, reserved: u64) -> Vec<u64> {
    let sectors = if second == 0 { vec![sector] } else { vec![sector, second + sector] };
    sectors
        .into_iter()
        .filter(|sector| (1..reserved).contains(sector))
        .map(|sector| sector * SECTOR)
        .collect()
}
