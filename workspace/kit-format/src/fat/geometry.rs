//! How large the parts of a file system are.

use super::{ENTRY, FatWriteError, Kind, SECTOR};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Kinds, sectors of a cluster, and how large a file system with them is at most, in the order in which they are tried.
const FORMS: [(Kind, u64, u64); 16] = [
    (Kind::Fat12, 1, 2 * MIB),
    (Kind::Fat12, 2, 4 * MIB),
    (Kind::Fat12, 4, 8 * MIB),
    (Kind::Fat12, 8, 15 * MIB),
    (Kind::Fat16, 1, 8 * MIB),
    (Kind::Fat16, 2, 16 * MIB),
    (Kind::Fat16, 4, 127 * MIB),
    (Kind::Fat16, 8, 255 * MIB),
    (Kind::Fat16, 16, 511 * MIB),
    (Kind::Fat16, 32, 1023 * MIB),
    (Kind::Fat16, 64, 2047 * MIB),
    (Kind::Fat32, 1, 260 * MIB),
    (Kind::Fat32, 8, 8 * GIB),
    (Kind::Fat32, 16, 16 * GIB),
    (Kind::Fat32, 32, 32 * GIB),
    (Kind::Fat32, 64, 2048 * GIB - SECTOR),
];

/// Clusters that a number of entries in the table can have beside the two that stand for none.
const RESERVED_CLUSTERS: u64 = 2;
/// The least entries of a root directory that has a place of its own.
const ROOT_ENTRIES: usize = 512;

impl Kind {
    /// Returns the largest file system of this kind where none is given.
    fn automatic(self) -> u64 {
        match self {
            Self::Fat12 => 4 * MIB,
            Self::Fat16 => 36 * MIB,
            Self::Fat32 => u64::MAX,
        }
    }

    /// Returns the least and the most clusters, 16 away from what would be another kind.
    pub(super) fn clusters(self) -> (u64, u64) {
        match self {
            Self::Fat12 => (1, 4084 - 16),
            Self::Fat16 => (4085 + 16, 65_524 - 16),
            Self::Fat32 => (65_525 + 16, 0x0fff_fff5 - 16),
        }
    }

    pub(super) fn bits(self) -> u64 {
        match self {
            Self::Fat12 => 12,
            Self::Fat16 => 16,
            Self::Fat32 => 32,
        }
    }

    pub(super) fn reserved(self) -> u64 {
        if self == Self::Fat32 { 32 } else { 1 }
    }

    /// Returns the sectors of one table for so many clusters.
    fn table_sectors(self, clusters: u64) -> u64 {
        let sectors = ((clusters + RESERVED_CLUSTERS) * self.bits()).div_ceil(8 * SECTOR);
        if self == Self::Fat32 { sectors.next_multiple_of(4) } else { sectors }
    }
}

/// The parts of a file system, in sectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) kind: Kind,
    pub(super) sectors: u64,
    pub(super) cluster_sectors: u64,
    pub(super) table_sectors: u64,
    /// Of the root directory where it has a place of its own.
    pub(super) root_sectors: u64,
    pub(super) clusters: u64,
}

impl Geometry {
    /// Divides so many sectors up; none where that is no file system of the kind.
    fn divide(kind: Kind, cluster_sectors: u64, sectors: u64, root_sectors: u64) -> Option<Self> {
        let rest = sectors.checked_sub(kind.reserved() + root_sectors)?;
        let clusters = |table: u64| Some(rest.checked_sub(2 * table)? / cluster_sectors);
        // A table for all sectors is long enough; one for what is then left is, mostly, too.
        let mut table_sectors = kind.table_sectors(rest / cluster_sectors);
        let shorter = kind.table_sectors(clusters(table_sectors)?);
        if kind.table_sectors(clusters(shorter)?) <= shorter {
            table_sectors = shorter;
        }
        let clusters = clusters(table_sectors)?;
        let (least, most) = kind.clusters();
        (least..=most).contains(&clusters).then_some(Self {
            kind,
            sectors,
            cluster_sectors,
            table_sectors,
            root_sectors,
            clusters,
        })
    }

    pub(super) fn size(&self) -> u64 {
        self.sectors * SECTOR
    }

    pub(super) fn cluster_bytes(&self) -> u64 {
        self.cluster_sectors * SECTOR
    }

    /// Returns the byte that the root directory begins with where it has a place of its own.
    pub(super) fn root(&self) -> u64 {
        (self.kind.reserved() + 2 * self.table_sectors) * SECTOR
    }

    /// Returns the byte that cluster 2 begins with.
    pub(super) fn data(&self) -> u64 {
        self.root() + self.root_sectors * SECTOR
    }
}

/// What is to be in a file system.
pub(super) struct Demand {
    /// Bytes of directories but the root, and of files.
    pub(super) bytes: Vec<u64>,
    /// Entries of the root directory.
    pub(super) root_entries: usize,
}

impl Demand {
    fn root_sectors(&self, kind: Kind) -> u64 {
        if kind == Kind::Fat32 {
            return 0;
        }
        let entries = self.root_entries.max(ROOT_ENTRIES);
        (entries as u64 * ENTRY as u64).div_ceil(SECTOR)
    }

    /// Returns the clusters of all that is in clusters.
    pub(super) fn clusters(&self, kind: Kind, cluster_bytes: u64) -> u64 {
        let root = (self.root_entries as u64 * ENTRY as u64).div_ceil(cluster_bytes).max(1);
        let root = if kind == Kind::Fat32 { root } else { 0 };
        root + self.bytes.iter().map(|bytes| bytes.div_ceil(cluster_bytes)).sum::<u64>()
    }
}

/// Returns the forms that are tried, with the largest size of each.
fn forms(kind: Option<Kind>) -> impl Iterator<Item = (Kind, u64, u64)> {
    FORMS.into_iter().filter_map(move |(form, cluster_sectors, most)| match kind {
        None => Some((form, cluster_sectors, most.min(form.automatic()))),
        Some(kind) => (kind == form).then_some((form, cluster_sectors, most)),
    })
}

/// Returns the file system of exactly `size` bytes, whatever is to be in it.
pub(super) fn exactly(size: u64, kind: Option<Kind>, demand: &Demand) -> Result<Geometry, FatWriteError> {
    if !size.is_multiple_of(SECTOR) {
        return Err(FatWriteError::Sectors { size });
    }
    let found = forms(kind).filter(|(.., most)| size <= *most).find_map(|(form, cluster_sectors, _)| {
        Geometry::divide(form, cluster_sectors, size / SECTOR, demand.root_sectors(form))
    });
    found.ok_or_else(|| kind_size(size, kind, demand))
}

/// Returns the smallest file system that `demand` fits into and so many bytes more.
pub(super) fn fitting(spare: u64, kind: Option<Kind>, demand: &Demand) -> Result<Geometry, FatWriteError> {
    let found = forms(kind).find_map(|(form, cluster_sectors, most)| {
        fit(form, cluster_sectors, spare, demand).filter(|geometry| geometry.size() <= most)
    });
    found.ok_or_else(|| {
        let size = demand.bytes.iter().fold(spare, |sum, bytes| sum.saturating_add(*bytes));
        kind_size(size, kind, demand)
    })
}

fn fit(kind: Kind, cluster_sectors: u64, spare: u64, demand: &Demand) -> Option<Geometry> {
    let cluster_bytes = cluster_sectors * SECTOR;
    let needed = demand.clusters(kind, cluster_bytes) + spare.div_ceil(cluster_bytes);
    let (least, most) = kind.clusters();
    let clusters = needed.max(least);
    if clusters > most {
        return None;
    }
    let root_sectors = demand.root_sectors(kind);
    let tables = 2 * kind.table_sectors(clusters);
    let mut sectors = kind.reserved() + tables + root_sectors + clusters * cluster_sectors;
    loop {
        // Whole blocks of 4 KiB, as disks have them.
        sectors = sectors.next_multiple_of(8);
        match Geometry::divide(kind, cluster_sectors, sectors, root_sectors) {
            Some(geometry) if geometry.clusters >= clusters => return Some(geometry),
            // The tables are as long as this needs, or longer by a few sectors: some more clusters are enough.
            Some(geometry) if geometry.clusters < clusters => sectors += 1,
            _ if sectors < kind.reserved() + tables + root_sectors + (clusters + 64) * cluster_sectors => {
                sectors += 1;
            }
            _ => return None,
        }
    }
}

fn kind_size(size: u64, kind: Option<Kind>, demand: &Demand) -> FatWriteError {
    let kind = kind.unwrap_or(if size < GIB { Kind::Fat12 } else { Kind::Fat32 });
    let none = Demand { bytes: Vec::new(), root_entries: demand.root_entries };
    let least = forms(Some(kind)).find_map(|(form, cluster_sectors, _)| fit(form, cluster_sectors, 0, &none));
    let most = forms(Some(kind)).map(|(.., most)| most).max().unwrap_or_default();
    FatWriteError::KindSize { kind, size, least: least.map_or(SECTOR, |geometry| geometry.size()), most }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> Demand {
        Demand { bytes: Vec::new(), root_entries: 0 }
    }

    #[test]
    fn every_size_has_a_kind() {
        let found: Vec<_> =
            [64 << 10, 2 * MIB, 4 * MIB, 5 * MIB, 36 * MIB, 37 * MIB, 512 * MIB, 9 * GIB, 100 * GIB]
                .into_iter()
                .map(|size| {
                    let geometry = exactly(size, None, &none()).unwrap();
                    assert_eq!(geometry.size(), size);
                    format!(
                        "{} {} {} {}",
                        geometry.kind, geometry.cluster_sectors, geometry.clusters, geometry.table_sectors
                    )
                })
                .collect();
        assert_eq!(
            found,
            [
                "FAT12 1 93 1",
                "FAT12 1 4039 12",
                "FAT12 2 4067 12",
                "FAT16 1 10127 40",
                "FAT16 4 18387 72",
                "FAT32 1 74576 584",
                "FAT32 8 130812 1024",
                "FAT32 16 1178495 9208",
                "FAT32 64 3275999 25596",
            ]
        );
    }

    #[test]
    fn tables_are_long_enough_at_all_sizes() {
        for kind in [Kind::Fat12, Kind::Fat16, Kind::Fat32] {
            for (_, cluster_sectors, most) in forms(Some(kind)) {
                for step in 0..400 {
                    let sectors = most / SECTOR / 400 * step + step;
                    let Some(geometry) = Geometry::divide(kind, cluster_sectors, sectors, 32) else {
                        continue;
                    };
                    assert!(kind.table_sectors(geometry.clusters) <= geometry.table_sectors, "{geometry:?}");
                    assert!(
                        geometry.data() + geometry.clusters * geometry.cluster_bytes() <= geometry.size()
                    );
                }
            }
        }
    }

    #[test]
    fn the_smallest_of_a_kind_is_told() {
        let small = |kind| exactly(SECTOR, Some(kind), &none()).unwrap_err().to_string();
        assert_eq!(small(Kind::Fat12), "a FAT12 file system has 20480 to 15728640 bytes, not 512");
        assert_eq!(small(Kind::Fat16), "a FAT16 file system has 2134016 to 2146435072 bytes, not 512");
        assert_eq!(small(Kind::Fat32), "a FAT32 file system has 34107392 to 2199023255040 bytes, not 512");
        for kind in [Kind::Fat12, Kind::Fat16, Kind::Fat32] {
            let geometry = fitting(0, Some(kind), &none()).unwrap();
            assert_eq!(exactly(geometry.size(), Some(kind), &none()), Ok(geometry));
        }
    }

    #[test]
    fn what_fits_fits() {
        for size in [0, 1, 100_000, 3 * MIB, 30 * MIB, 35 * MIB, 100 * MIB, 259 * MIB, 300 * MIB, 3 * GIB] {
            let demand = Demand { bytes: vec![size, 1, 600], root_entries: 700 };
            let geometry = fitting(1000, None, &demand).unwrap();
            let clusters = demand.clusters(geometry.kind, geometry.cluster_bytes());
            assert!(
                clusters * geometry.cluster_bytes() + 1000 <= geometry.clusters * geometry.cluster_bytes(),
                "{size}"
            );
            assert_eq!(geometry.sectors % 8, 0);
        }
    }
}
