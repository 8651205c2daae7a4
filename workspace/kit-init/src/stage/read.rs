//! Reading disks at a place.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;

use crate::sys::{self, Errno};

/// Something that is read at places.
pub(crate) trait ReadAt {
    /// Fills the buffer with what is there; the end before that is an error.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Errno>;
}

impl ReadAt for File {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Errno> {
        Ok(self.read_exact_at(buffer, offset)?)
    }
}

impl ReadAt for &[u8] {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Errno> {
        let start = usize::try_from(offset).map_err(|_| Errno(libc::EIO))?;
        let end = start.checked_add(buffer.len()).ok_or(Errno(libc::EIO))?;
        buffer.copy_from_slice(self.get(start..end).ok_or(Errno(libc::EIO))?);
        Ok(())
    }
}

/// Opens a device below `/dev` for reading.
pub(crate) fn open(device: &str) -> Result<File, Errno> {
    let fd: OwnedFd = sys::io::open(&sys::c_string(format!("/dev/{device}"))?, libc::O_RDONLY)?;
    Ok(fd.into())
}
