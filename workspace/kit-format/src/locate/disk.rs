//! Disks in containers: what of the disk a byte is, or of the container.

use super::extent::Extent;
use super::fields::in_container;
use crate::disk_image::read::Place;
use crate::disk_image::{DiskFormat, DiskLimits, DiskReadError, RandomAccess, read};

/// What a byte of a container is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contained {
    /// The container's name, such as `qcow2 container`.
    pub format: String,
    /// The piece of the file.
    pub extent: Extent,
    /// What of the disk it is; none where it belongs to the container itself.
    pub place: Option<Place>,
}

/// Returns what the byte at an offset of a container is; none where it isn't one, is one whole compressed stream, or is of an archive around it.
pub fn in_disk(file: &dyn RandomAccess, offset: u64) -> Result<Option<Contained>, DiskReadError> {
    let length = file.length();
    if offset >= length {
        return Ok(None);
    }
    let disk = match read(file, DiskLimits::standard()) {
        Ok(disk) => disk,
        Err(DiskReadError::Unknown) => return Ok(None),
        Err(error) => return Err(error),
    };
    if matches!(disk.format, DiskFormat::Raw | DiskFormat::RawGzip | DiskFormat::RawZstd | DiskFormat::Gcp) {
        return Ok(None);
    }
    let format = format!("{} container", disk.format);
    if let Some(place) = disk.place(offset)? {
        let extent = match &place {
            Place::Byte(_) => {
                Extent { is_content: true, ..Extent::new("the disk's content", offset..offset + 1) }
            }
            Place::Packed { cluster, .. } => Extent::new("a compressed cluster", cluster.clone()),
        };
        return Ok(Some(Contained { format, extent, place: Some(place) }));
    }
    // Headers of a tar archive are told as such.
    if disk.format == DiskFormat::Ova {
        return Ok(None);
    }
    let mut read_at = |at: u64, size: usize| {
        let mut bytes = vec![0; size];
        (at.checked_add(size as u64)? <= length).then_some(())?;
        file.read_at(at, &mut bytes).ok().map(|()| bytes)
    };
    let field = in_container(disk.format, length, offset, &mut read_at);
    let extent =
        field.unwrap_or_else(|| Extent::new("a table of the container, or free", offset..offset + 1));
    Ok(Some(Contained { format, extent, place: None }))
}
