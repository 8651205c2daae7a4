//! Sockets: whether a port answers, and packets between PID 1 and those who ask it.

use std::ffi::CStr;
use std::mem::{MaybeUninit, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::{Errno, Result, check, done};

/// The most descriptors that come with a packet.
const MOST: usize = 3;

/// Whether something listens at a port of the loopback interface. It waits no longer than a connection on one machine takes.
pub(crate) fn answers(port: u16) -> bool {
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    std::net::TcpStream::connect(address).is_ok()
}

fn socket() -> Result<OwnedFd> {
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
    // SAFETY: socket takes numbers only.
    let fd = check(unsafe { libc::socket(libc::AF_UNIX, kind, 0) })?;
    // SAFETY: the kernel has just made the descriptor and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn address(path: &CStr) -> Result<(libc::sockaddr_un, libc::socklen_t)> {
    // SAFETY: sockaddr_un is plain data; all-zero is a value of it.
    let mut address: libc::sockaddr_un = unsafe { zeroed() };
    address.sun_family = u16::try_from(libc::AF_UNIX).unwrap_or(0);
    let bytes = path.to_bytes();
    if bytes.len() >= address.sun_path.len() {
        return Err(Errno(libc::ENAMETOOLONG));
    }
    for (to, from) in address.sun_path.iter_mut().zip(bytes) {
        *to = libc::c_char::from_ne_bytes([*from]);
    }
    Ok((address, libc::socklen_t::try_from(size_of::<libc::sockaddr_un>()).unwrap_or(0)))
}

/// Listens at a path, for packets; nobody but the owner may connect.
pub(crate) fn listen(path: &CStr) -> Result<OwnedFd> {
    let socket = socket()?;
    let (address, length) = address(path)?;
    // SAFETY: umask touches no memory.
    let mask = unsafe { libc::umask(0o177) };
    // SAFETY: the address has the length that is passed.
    let bound = done(unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) });
    // SAFETY: umask touches no memory.
    unsafe { libc::umask(mask) };
    bound?;
    // SAFETY: listen takes numbers only.
    done(unsafe { libc::listen(socket.as_raw_fd(), 16) })?;
    super::io::set_nonblocking(std::os::fd::AsFd::as_fd(&socket))?;
    Ok(socket)
}

/// Takes a connection whose other end is root's; nothing if there is none. Reads and writes on it never wait.
pub(crate) fn accept(socket: BorrowedFd<'_>) -> Option<OwnedFd> {
    let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    let null = std::ptr::null_mut();
    // SAFETY: no address is asked for.
    let fd = check(unsafe { libc::accept4(socket.as_raw_fd(), null, std::ptr::null_mut(), flags) }).ok()?;
    // SAFETY: the kernel has just made the descriptor and nobody else owns it.
    let client = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: ucred is plain data; all-zero is a value of it.
    let mut peer: libc::ucred = unsafe { zeroed() };
    let mut length = libc::socklen_t::try_from(size_of::<libc::ucred>()).unwrap_or(0);
    let (level, name) = (libc::SOL_SOCKET, libc::SO_PEERCRED);
    // SAFETY: `peer` is writable for `length`.
    let got = done(unsafe {
        libc::getsockopt(client.as_raw_fd(), level, name, (&raw mut peer).cast(), &raw mut length)
    });
    (got.is_ok() && peer.uid == 0).then_some(client)
}

/// Connects to a path.
pub(crate) fn connect(path: &CStr) -> Result<OwnedFd> {
    let socket = socket()?;
    let (address, length) = address(path)?;
    // SAFETY: the address has the length that is passed.
    done(unsafe { libc::connect(socket.as_raw_fd(), (&raw const address).cast(), length) })?;
    Ok(socket)
}

/// Memory for the descriptors of a packet, aligned as its header must be.
#[repr(C, align(8))]
struct Control([u8; 64]);

/// Sends a packet, with up to three descriptors.
pub(crate) fn send(socket: BorrowedFd<'_>, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<()> {
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut control = Control([0; 64]);
    // SAFETY: msghdr is plain data; all-zero is a value of it.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    if !descriptors.is_empty() {
        let numbers: Vec<RawFd> = descriptors.iter().take(MOST).map(AsRawFd::as_raw_fd).collect();
        let size = u32::try_from(size_of_val(&numbers[..])).unwrap_or(0);
        message.msg_control = (&raw mut control).cast();
        // SAFETY: CMSG_SPACE computes a number.
        message.msg_controllen = unsafe { libc::CMSG_SPACE(size) } as _;
        // SAFETY: the control memory is larger than a header and three descriptors.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(size) as _;
            std::ptr::copy_nonoverlapping(
                numbers.as_ptr().cast::<u8>(),
                libc::CMSG_DATA(header),
                size_of_val(&numbers[..]),
            );
        }
    }
    // SAFETY: all that the message points to lives through the call.
    done(unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) })
}

/// Receives a packet and the descriptors that come with it. No bytes: the other end is closed.
pub(crate) fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<(usize, Vec<OwnedFd>)> {
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let mut control = MaybeUninit::new(Control([0; 64]));
    // SAFETY: msghdr is plain data; all-zero is a value of it.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of::<Control>() as _;
    // SAFETY: all that the message points to is writable and lives through the call.
    let count =
        check(unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) })?;
    let mut descriptors = Vec::new();
    // SAFETY: the kernel has filled the control memory, and the macros stay inside of what it says.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&raw const message);
        while !header.is_null() {
            if (*header).cmsg_level == libc::SOL_SOCKET && (*header).cmsg_type == libc::SCM_RIGHTS {
                let data = libc::CMSG_DATA(header);
                let length = (*header).cmsg_len as usize - libc::CMSG_LEN(0) as usize;
                for index in 0..length / size_of::<RawFd>() {
                    let mut number = [0; size_of::<RawFd>()];
                    let from = data.add(index * size_of::<RawFd>());
                    std::ptr::copy_nonoverlapping(from, number.as_mut_ptr(), number.len());
                    descriptors.push(OwnedFd::from_raw_fd(RawFd::from_ne_bytes(number)));
                }
            }
            header = libc::CMSG_NXTHDR(&raw const message, header);
        }
    }
    Ok((usize::try_from(count).unwrap_or(0), descriptors))
}
