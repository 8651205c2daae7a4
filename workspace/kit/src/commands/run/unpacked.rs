//! Disks that are compressed, or in an archive.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use kit_format::disk_image::{self, DiskLimits};
use kit_store::sparse::SparseFile;

use crate::commands::convert::DiskFile;
use crate::project::open_dir;
use crate::qemu::boot::Extent;

/// The largest disk that is unpacked, in bytes.
const LARGEST: u64 = 1 << 40;
/// Bytes of a record of a tar archive.
const RECORD: u64 = 512;
const RECORD_BYTES: usize = 512;
/// The most members of an archive that are looked at.
const MEMBERS: usize = 64;

/// A disk in an archive, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    /// `NAME.vmdk`, of an OVA.
    Vmdk,
    /// `disk.raw`, as Google's cloud takes it.
    Raw,
}

/// Unpacks a file; what is zero takes no room.
pub(super) fn unpack(file: &DiskFile, scratch: &Path) -> io::Result<PathBuf> {
    let limits = DiskLimits { bytes: LARGEST };
    let disk = disk_image::read(file, limits).map_err(io::Error::other)?;
    let mut reader = disk.open()?;
    let dir = open_dir(scratch).map_err(io::Error::other)?;
    let to = dir.create("unpacked")?.into_std();
    SparseFile::new(&to).fill(&mut reader)?;
    Ok(scratch.join("unpacked"))
}

/// Finds the disk among the first members of a tar archive.
pub(super) fn disk(file: &mut File) -> io::Result<Option<(Member, Extent)>> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut offset = 0;
    for _ in 0..MEMBERS {
        let mut record = [0; RECORD_BYTES];
        file.seek(SeekFrom::Start(offset))?;
        match file.read_exact(&mut record) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let Some(size) = size(&record[124..136]).filter(|_| record[0] != 0) else { return Ok(None) };
        let name = record[..100].split(|byte| *byte == 0).next().unwrap_or_default();
        offset += RECORD;
        let member = if name.ends_with(b".vmdk") {
            Some(Member::Vmdk)
        } else {
            (name == b"disk.raw").then_some(Member::Raw)
        };
        let Some(next) = size.checked_next_multiple_of(RECORD).and_then(|size| offset.checked_add(size))
        else {
            return Ok(None);
        };
        if let Some(member) = member {
            return Ok((offset + size <= end).then_some((member, Extent { offset, size })));
        }
        offset = next;
    }
    Ok(None)
}

/// Reads a size: octal digits, or, of what is larger, a number of 8 bytes at the end.
fn size(field: &[u8]) -> Option<u64> {
    if field[0] == 0x80 {
        return field.last_chunk().map(|bytes| u64::from_be_bytes(*bytes));
    }
    let text = std::str::from_utf8(field).ok()?;
    u64::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More than is read at once.
    const STEP: usize = 256 << 10;

    #[test]
    fn what_is_unpacked_is_the_same_with_holes() {
        let mut disk = vec![0; 3 * STEP + 512];
        disk[STEP + 3] = 1;
        disk[510..512].copy_from_slice(&[0x55, 0xaa]);
        let directory = tempfile::tempdir().unwrap();
        let packed = kit_format::compression::GzipStream::new(io::Cursor::new(disk.clone()));
        let mut file = tempfile::tempfile().unwrap();
        io::copy(&mut { packed }, &mut file).unwrap();
        let file = DiskFile::new(file, directory.path()).unwrap();
        let unpacked = unpack(&file, directory.path()).unwrap();
        let mut content = Vec::new();
        crate::project::open_file(&unpacked).unwrap().read_to_end(&mut content).unwrap();
        assert!(content == disk);
    }

    #[test]
    fn sizes_of_members_are_octal_or_binary() {
        assert_eq!(size(b"00000001750\0"), Some(1000));
        assert_eq!(size(b"\x80\0\0\0\0\0\0\x04\0\0\0\0"), Some(4 << 32));
        assert_eq!(size(b"9\0\0\0\0\0\0\0\0\0\0\0"), None);
    }
}
