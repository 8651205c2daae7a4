//! Which byte of the disk a byte of its container is.

use std::ops::Range;

use super::{Extent, Extents, From, Inside, ReadDisk};
use crate::disk_image::DiskReadError;

/// What of the disk a byte of its container is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// This byte.
    Byte(u64),
    /// One of those that a cluster unpacks to.
    Packed {
        /// The cluster.
        cluster: Range<u64>,
        /// What it unpacks to.
        disk: Range<u64>,
    },
}

impl ReadDisk<'_> {
    /// Returns what of the disk the byte of the file at an offset is. None where it belongs to the container, and where the whole disk is one
    /// compressed stream.
    pub fn place(&self, offset: u64) -> Result<Option<Place>, DiskReadError> {
        let Some(at) = offset.checked_sub(self.source.begins()) else { return Ok(None) };
        if let Inside::Plain = self.inside {
            return Ok((at < self.size).then_some(Place::Byte(at)));
        }
        let mut found = None;
        // Lengths of compressed clusters are rounded up in some containers: the one that begins last has the byte.
        let mut last = 0;
        for run in self.runs() {
            let (disk, run) = run?;
            let (start, length) = match run.from {
                From::Zeros => (0, 0),
                From::File(start) => (start, run.length),
                From::Packed { at, length, .. } => (at, length),
            };
            if start <= at && at - start < length && (found.is_none() || start >= last) {
                last = start;
                found = Some(self.told(disk, at, run.from));
            }
        }
        Ok(found)
    }

    /// Whether some of it is compressed, cluster by cluster.
    pub fn has_packed(&self) -> Result<bool, DiskReadError> {
        for run in self.runs() {
            if matches!(run?.1.from, From::Packed { .. }) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the runs of the disk, each with the byte of the disk that it begins with. There are none where the file is the disk, or one
    /// compressed stream.
    pub(in super::super) fn runs(&self) -> impl Iterator<Item = Result<(u64, Extent), DiskReadError>> + '_ {
        let source = self.source;
        let mut extents: Option<Box<dyn Extents + '_>> = match &self.inside {
            Inside::Plain | Inside::Compressed(_) | Inside::Gcp(_) => None,
            Inside::Qcow2(qcow2) => Some(Box::new(qcow2.extents(source))),
            Inside::Vhd(vhd) => Some(Box::new(vhd.extents(source))),
            Inside::Vhdx(vhdx) => Some(Box::new(vhdx.extents(source))),
            Inside::Vmdk(vmdk) => Some(Box::new(vmdk.extents(source))),
            Inside::Vdi(vdi) => Some(Box::new(vdi.extents(source))),
        };
        let mut disk = 0;
        std::iter::from_fn(move || {
            let open = extents.as_mut().filter(|_| disk < self.size)?;
            let run = open.extent(disk);
            let start = disk;
            match &run {
                Ok(run) => disk = disk.saturating_add(run.length.max(1)),
                Err(_) => extents = None,
            }
            Some(run.map(|run| (start, run)))
        })
    }

    fn told(&self, disk: u64, at: u64, from: From) -> Place {
        match from {
            From::Packed { at: start, length, cluster, skip, .. } => {
                let begin = disk.saturating_sub(skip as u64);
                let shift = self.source.begins();
                Place::Packed {
                    cluster: start + shift..start.saturating_add(length).saturating_add(shift),
                    disk: begin..begin.saturating_add(cluster as u64).min(self.size),
                }
            }
            From::File(start) => Place::Byte(disk + (at - start)),
            From::Zeros => Place::Byte(disk),
        }
    }
}
