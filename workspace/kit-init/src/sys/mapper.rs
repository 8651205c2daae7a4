//! Devices that the device mapper makes of others.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::{Errno, Result, done};

const DEV_CREATE: u32 = 3;
const DEV_SUSPEND: u32 = 6;
const TABLE_LOAD: u32 = 9;
const READ_ONLY: u32 = 1;

/// `struct dm_ioctl`, the beginning of each request.
#[repr(C)]
struct Head {
    version: [u32; 3],
    data_size: u32,
    data_start: u32,
    target_count: u32,
    open_count: i32,
    flags: u32,
    event: u32,
    padding: u32,
    device: u64,
    name: [u8; 128],
    uuid: [u8; 129],
    data: [u8; 7],
}

/// `struct dm_target_spec`, and the text that follows it.
#[repr(C)]
struct Target {
    start: u64,
    length: u64,
    status: i32,
    next: u32,
    kind: [u8; 16],
    parameters: [u8; 1024],
}

/// A request with a table of one line.
#[repr(C)]
struct Request {
    head: Head,
    target: Target,
}

impl Request {
    fn new(name: &CStr, flags: u32) -> Result<Self> {
        let head = Head {
            version: [4, 0, 0],
            data_size: u32::try_from(size_of::<Self>()).map_err(|_| Errno(libc::E2BIG))?,
            data_start: u32::try_from(size_of::<Head>()).map_err(|_| Errno(libc::E2BIG))?,
            target_count: 0,
            open_count: 0,
            flags,
            event: 0,
            padding: 0,
            device: 0,
            name: fixed(name.to_bytes())?,
            uuid: [0; 129],
            data: [0; 7],
        };
        let target = Target { start: 0, length: 0, status: 0, next: 0, kind: [0; 16], parameters: [0; 1024] };
        Ok(Self { head, target })
    }

    fn send(&mut self, control: BorrowedFd<'_>, number: u32) -> Result<()> {
        // _IOWR(0xfd, number, struct dm_ioctl), the same number on all architectures.
        let size = u32::try_from(size_of::<Head>()).map_err(|_| Errno(libc::E2BIG))?;
        let request = (3 << 30) | (size << 16) | (0xfd << 8) | number;
        let this = std::ptr::from_mut(self);
        // SAFETY: the request says its own size, which the kernel neither reads nor writes beyond.
        done(unsafe { libc::ioctl(control.as_raw_fd(), libc::Ioctl::from(request), this) })
    }
}

/// Puts bytes and at least one NUL into an array.
fn fixed<const SIZE: usize>(bytes: &[u8]) -> Result<[u8; SIZE]> {
    let mut array = [0; SIZE];
    if bytes.len() >= SIZE {
        return Err(Errno(libc::E2BIG));
    }
    array[..bytes.len()].copy_from_slice(bytes);
    Ok(array)
}

/// Makes a read-only device of `sectors` of 512 bytes by a table of one line, and returns its minor number.
///
/// `control` is `/dev/mapper/control`.
pub(crate) fn create(
    control: BorrowedFd<'_>,
    name: &CStr,
    sectors: u64,
    kind: &CStr,
    parameters: &CStr,
) -> Result<u64> {
    let mut create = Request::new(name, 0)?;
    create.send(control, DEV_CREATE)?;
    let mut load = Request::new(name, READ_ONLY)?;
    load.head.target_count = 1;
    load.target.length = sectors;
    load.target.kind = fixed(kind.to_bytes())?;
    load.target.parameters = fixed(parameters.to_bytes())?;
    load.send(control, TABLE_LOAD)?;
    // Without the flag that asks for suspending it resumes.
    Request::new(name, 0)?.send(control, DEV_SUSPEND)?;
    let device = create.head.device;
    Ok((device & 0xff) | ((device >> 12) & 0xf_ff00))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_the_kernels_sizes() {
        assert_eq!(size_of::<Head>(), 312);
        assert_eq!(std::mem::offset_of!(Target, parameters), 40);
        assert_eq!(std::mem::offset_of!(Request, target), 312);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(fixed::<4>(b"abc"), Ok(*b"abc\0"));
        assert_eq!(fixed::<4>(b"abcd"), Err(Errno(libc::E2BIG)));
    }
}
