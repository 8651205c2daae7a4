//! Network interfaces, by rtnetlink(7).

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::{Errno, Result, check, done};

const IFLA_IFNAME: u16 = 3;
const IFLA_LINKINFO: u16 = 18;
const IFLA_NET_NS_PID: u16 = 19;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;
const NESTED: u16 = 0x8000;

/// Makes an interface of a kind, in the network namespace of a process if there is one, with the other end of a pair here.
pub(crate) fn add_link(name: &str, kind: &str, peer: Option<&str>, process: Option<i32>) -> Result<()> {
    let mut message = Message::new(libc::NLM_F_CREATE | libc::NLM_F_EXCL, 0);
    message.attribute(IFLA_IFNAME, &text(name));
    if let Some(process) = process {
        message.attribute(IFLA_NET_NS_PID, &process.to_ne_bytes());
    }
    let mut info = Message::empty();
    info.attribute(IFLA_INFO_KIND, kind.as_bytes());
    if let Some(peer) = peer {
        let mut end = Message::empty();
        end.bytes.extend([0; INTERFACE]);
        end.attribute(IFLA_IFNAME, &text(peer));
        // Both ends would be made where the first one is.
        end.attribute(IFLA_NET_NS_PID, &std::process::id().to_ne_bytes());
        let mut data = Message::empty();
        data.attribute(VETH_INFO_PEER | NESTED, &end.bytes);
        info.attribute(IFLA_INFO_DATA | NESTED, &data.bytes);
    }
    message.attribute(IFLA_LINKINFO | NESTED, &info.bytes);
    message.send()
}

/// Moves an interface of this network namespace into that of a process.
pub(crate) fn move_link(name: &str, process: i32) -> Result<()> {
    let c_name = super::c_string(name)?;
    // SAFETY: the name is NUL-terminated.
    let index = unsafe { libc::if_nametoindex(c_name.as_ptr()) };
    if index == 0 {
        return Err(Errno::last());
    }
    let mut message = Message::new(0, index);
    message.attribute(IFLA_NET_NS_PID, &process.to_ne_bytes());
    message.send()
}

fn text(name: &str) -> Vec<u8> {
    [name.as_bytes(), &[0]].concat()
}

/// The length of `struct nlmsghdr` and of `struct ifinfomsg`.
const HEADER: usize = 16;
const INTERFACE: usize = 16;

/// A message that is being written: fields in the machine's byte order, attributes at multiples of four bytes.
struct Message {
    bytes: Vec<u8>,
}

impl Message {
    fn empty() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Begins a message about a link.
    fn new(flags: i32, index: u32) -> Self {
        let flags = u16::try_from(flags | libc::NLM_F_REQUEST | libc::NLM_F_ACK).unwrap_or(0);
        let mut bytes = vec![0; 4]; // the length, set when it is sent
        bytes.extend(libc::RTM_NEWLINK.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.resize(HEADER, 0);
        bytes.resize(HEADER + INTERFACE, 0);
        bytes[HEADER + 4..HEADER + 8].copy_from_slice(&index.to_ne_bytes());
        Self { bytes }
    }

    fn attribute(&mut self, kind: u16, value: &[u8]) {
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.bytes.extend(length.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    /// Sends the message and reads whether it was done.
    fn send(mut self) -> Result<()> {
        let length = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.bytes[..4].copy_from_slice(&length.to_ne_bytes());
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        // SAFETY: socket takes numbers only.
        let fd = check(unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_ROUTE) })?;
        // SAFETY: the kernel has just made the descriptor and nobody else owns it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: the bytes are readable for their length.
        done(unsafe { libc::send(socket.as_raw_fd(), self.bytes.as_ptr().cast(), self.bytes.len(), 0) })?;
        let mut answer = [0_u8; 1024];
        // SAFETY: the answer is writable for its length.
        let count =
            check(unsafe { libc::recv(socket.as_raw_fd(), answer.as_mut_ptr().cast(), answer.len(), 0) })?;
        // The kernel answers at once, by an error message: its number follows the header and is 0 when all went well.
        if usize::try_from(count).unwrap_or(0) < HEADER + 4 {
            return Err(Errno(libc::EIO));
        }
        let number = i32::from_ne_bytes([answer[16], answer[17], answer[18], answer[19]]);
        if number == 0 { Ok(()) } else { Err(Errno(-number)) }
    }
}
