//! A program inside the sandbox that makes one system call, and prints what comes of it.

#![allow(unsafe_code, reason = "most of these calls are only there to be refused, and have no safe wrapper")]

use std::io;

use libc::{
    SYS_bpf, SYS_clone, SYS_clone3, SYS_io_uring_setup, SYS_keyctl, SYS_mount, SYS_openat, SYS_openat2,
    SYS_ptrace,
};
use libc::{SYS_socket, SYS_unshare, c_long};

/// Makes the named call and prints its error's number, or 0.
pub(crate) fn make(name: &str) {
    let file = c"/work/file".as_ptr().expose_provenance().cast_signed() as c_long;
    let create = c_long::from(libc::O_CREAT | libc::O_WRONLY);
    let temporary = c_long::from(libc::O_TMPFILE | libc::O_WRONLY);
    let work = c"/work".as_ptr().expose_provenance().cast_signed() as c_long;
    let here = c_long::from(libc::AT_FDCWD);
    let result = match name {
        "open" => call(SYS_openat, [here, file, create, 0o755]),
        "open-set-uid" => call(SYS_openat, [here, file, create, 0o4755]),
        "open-set-gid" => call(SYS_openat, [here, file, create, 0o2755]),
        "open-temporary-set-uid" => call(SYS_openat, [here, work, temporary, 0o4755]),
        "open-existing" => call(SYS_openat, [here, work, 0, 0o7777]),
        "openat2" => call(SYS_openat2, [here, file, 0, 0]),
        "fchmodat2-set-uid" => call(452, [here, work, 0o4755, 0]),
        "mknod-set-uid" => call(libc::SYS_mknodat, [here, file, 0o104_755, 0]),
        "socket-inet" => call(SYS_socket, [libc::AF_INET.into(), libc::SOCK_DGRAM.into(), 0, 0]),
        "socket-unix" => call(SYS_socket, [libc::AF_UNIX.into(), libc::SOCK_STREAM.into(), 0, 0]),
        "socket-vsock" => call(SYS_socket, [libc::AF_VSOCK.into(), libc::SOCK_STREAM.into(), 0, 0]),
        "socket-alg" => call(SYS_socket, [libc::AF_ALG.into(), libc::SOCK_SEQPACKET.into(), 0, 0]),
        "unshare-user" => call(SYS_unshare, [libc::CLONE_NEWUSER.into(), 0, 0, 0]),
        "clone-user" => call(SYS_clone, [c_long::from(libc::CLONE_NEWUSER | libc::SIGCHLD), 0, 0, 0]),
        "clone3" => call(SYS_clone3, [0, 0, 0, 0]),
        "mount" => call(SYS_mount, [0, work, 0, 0]),
        "keyctl" => call(SYS_keyctl, [0, -3, 0, 0]),
        "bpf" => call(SYS_bpf, [0, 0, 0, 0]),
        "ptrace" => call(SYS_ptrace, [0, 0, 0, 0]),
        "io_uring" => call(SYS_io_uring_setup, [1, 0, 0, 0]),
        "type-into-terminal" => call(libc::SYS_ioctl, [0, 0x5412, work, 0]),
        "x32" => call(0x4000_0000 | libc::SYS_getpid, [0, 0, 0, 0]),
        other => panic!("no call is named {other}"),
    };
    println!("{result}");
}

fn call(number: c_long, arguments: [c_long; 4]) -> i32 {
    let [first, second, third, fourth] = arguments;
    // SAFETY: the arguments are numbers, null, or C strings that live as long as the program; nothing else is written to.
    match unsafe { libc::syscall(number, first, second, third, fourth, 0, 0) } {
        -1 => io::Error::last_os_error().raw_os_error().unwrap(),
        _ => 0,
    }
}
