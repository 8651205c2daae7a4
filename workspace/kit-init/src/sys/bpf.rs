//! eBPF programs that decide about the devices of a control group.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::{Errno, Result, check, done};

/// One instruction, `struct bpf_insn`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    /// Operation.
    pub(crate) code: u8,
    /// Destination register in the low four bits, source register in the high ones.
    pub(crate) registers: u8,
    /// Offset of a load, or instructions to skip.
    pub(crate) offset: i16,
    /// Operand.
    pub(crate) operand: i32,
}

/// The beginning of `union bpf_attr` for `BPF_PROG_LOAD`.
#[repr(C)]
struct Load {
    kind: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
}

/// The beginning of `union bpf_attr` for `BPF_PROG_ATTACH`.
#[repr(C)]
struct Attach {
    target: u32,
    program: u32,
    kind: u32,
    flags: u32,
}

/// Loads a program that decides about devices.
pub(crate) fn load_device_program(instructions: &[Instruction]) -> Result<OwnedFd> {
    const PROG_LOAD: u32 = 5;
    const CGROUP_DEVICE: u32 = 15;
    let license = c"Apache-2.0";
    let attributes = Load {
        kind: CGROUP_DEVICE,
        count: u32::try_from(instructions.len()).map_err(|_| Errno(libc::E2BIG))?,
        instructions: instructions.as_ptr() as u64,
        license: license.as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel_version: 0,
        flags: 0,
    };
    let size = size_of::<Load>();
    // SAFETY: the structure has the size that is passed, and what it points to lives through the call.
    let fd = check(unsafe { libc::syscall(libc::SYS_bpf, PROG_LOAD, &raw const attributes, size) })?;
    let fd = RawFd::try_from(fd).map_err(|_| Errno(libc::EBADF))?;
    // SAFETY: the kernel has just made the descriptor and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Lets a program decide about the devices of a control group.
pub(crate) fn attach_device_program(group: BorrowedFd<'_>, program: BorrowedFd<'_>) -> Result<()> {
    const PROG_ATTACH: u32 = 8;
    const CGROUP_DEVICE: u32 = 6;
    let attributes = Attach {
        target: group.as_raw_fd().unsigned_abs(),
        program: program.as_raw_fd().unsigned_abs(),
        kind: CGROUP_DEVICE,
        flags: 0,
    };
    // SAFETY: the structure has the size that is passed.
    done(unsafe { libc::syscall(libc::SYS_bpf, PROG_ATTACH, &raw const attributes, size_of::<Attach>()) })
}
