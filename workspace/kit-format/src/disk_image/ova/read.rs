//! Finds the disk in a package.

use super::BLOCK_BYTES;
use crate::disk_image::source::Source;
use crate::disk_image::{DiskFormat, DiskReadError, vmdk};
use crate::tar::BLOCK;
use crate::tar::header::{Header, SIZE};

/// Members that are looked at.
const MOST_MEMBERS: usize = 64;

/// Returns the one disk of a package; none when the file is no archive that begins with a description.
pub(in super::super) fn disk_of(source: Source<'_>) -> Result<Option<Source<'_>>, DiskReadError> {
    let damaged = |what| DiskReadError::Damaged { format: DiskFormat::Ova, what };
    let unsupported = |feature| DiskReadError::Unsupported { format: DiskFormat::Ova, feature };
    let mut at = 0;
    let mut disk = None;
    for number in 0..MOST_MEMBERS {
        if number > 0 && at >= source.length {
            return Err(DiskReadError::Truncated { what: "the archive", end: at, length: source.length });
        }
        if source.length < BLOCK_BYTES {
            return Ok(None);
        }
        let block: [u8; BLOCK] = source.bytes(at, "a member's header")?;
        if number > 0 && block == [0; BLOCK] {
            return disk.map(Some).ok_or(damaged("there is no disk in it"));
        }
        let header = match Header::new(&block) {
            Some(header) => header,
            None if number == 0 => return Ok(None),
            None => return Err(damaged("a member's header is wrong")),
        };
        if number == 0 && !header.name().ends_with(b".ovf") {
            return Ok(None);
        }
        let size = header.number(SIZE).ok_or(damaged("a member's size is no number"))?;
        at = at.saturating_add(BLOCK_BYTES);
        let content = source.part(at, size, "a member")?;
        let is_disk = size >= 4 && content.bytes::<4>(0, "a member")? == *vmdk::SIGNATURE;
        if is_disk && disk.replace(content).is_some() {
            return Err(unsupported("several disks"));
        }
        at = at.saturating_add(size).next_multiple_of(BLOCK_BYTES);
    }
    Err(unsupported("very many members"))
}
