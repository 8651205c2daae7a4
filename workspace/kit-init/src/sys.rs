//! The kernel's system calls, and the only `unsafe` code of the crate.
//!
//! Each function is one system call with Rust types around it: paths are [`CStr`]s, descriptors are owned or
//! borrowed, a failure is an [`Errno`]. Nothing here knows what a container is.

#![allow(unsafe_code, reason = "system calls that the standard library does not offer")]

pub(crate) mod bpf;
pub(crate) mod cred;
pub(crate) mod device;
pub(crate) mod io;
pub(crate) mod landlock;
pub(crate) mod mapper;
pub(crate) mod mount;
pub(crate) mod netlink;
pub(crate) mod process;
pub(crate) mod signal;
pub(crate) mod socket;
pub(crate) mod system;

use std::ffi::{CStr, CString};
use std::fmt;

/// The number of a failed system call's error; displayed as the C library's text for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Errno(pub(crate) i32);

impl Errno {
    /// The error of the system call that failed last.
    fn last() -> Self {
        Self(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }
}

impl From<std::io::Error> for Errno {
    /// Errors that have no number (an interrupted read that the standard library made up) become `EIO`.
    fn from(error: std::io::Error) -> Self {
        Self(error.raw_os_error().unwrap_or(libc::EIO))
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = std::io::Error::from_raw_os_error(self.0).to_string();
        f.write_str(text.split(" (os error").next().unwrap_or(&text))
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Errno({}: {self})", self.0)
    }
}

/// What a system call gives.
pub(crate) type Result<T> = std::result::Result<T, Errno>;

/// Makes a C string; a NUL inside is `EINVAL`, as the kernel could never be told such a name.
pub(crate) fn c_string(text: impl Into<Vec<u8>>) -> Result<CString> {
    CString::new(text).map_err(|_| Errno(libc::EINVAL))
}

/// The empty path, for calls that take a descriptor in its place.
const EMPTY: &CStr = c"";

/// Turns the C convention (-1 and `errno`) into a [`Result`].
fn check<T: From<i8> + PartialEq>(value: T) -> Result<T> {
    if value == T::from(-1) { Err(Errno::last()) } else { Ok(value) }
}

/// [`check`] for calls whose value says nothing.
fn done<T: From<i8> + PartialEq>(value: T) -> Result<()> {
    check(value).map(|_| ())
}
