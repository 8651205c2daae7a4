//! `ptrace(2)`, and what it tells of a stopped process. One architecture's registers are known; on others, nothing can be traced.

use std::ptr;

use rustix::io::Errno;
use rustix::process::Pid;

use super::checked;

/// How a stopped process goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// Running, with this signal; with none if it is 0.
    Running(i32),
    /// Running to the end of the system call that it is stopped at.
    ToEndOfCall,
    /// Not before it gets SIGCONT.
    Stopped,
}

/// Traces a process that runs, and all that it will start; they are killed when this process ends.
pub(crate) fn seize(process: Pid) -> rustix::io::Result<()> {
    if cfg!(not(target_arch = "x86_64")) {
        return Err(Errno::NOSYS);
    }
    let options = libc::PTRACE_O_EXITKILL
        | libc::PTRACE_O_TRACESYSGOOD
        | libc::PTRACE_O_TRACESECCOMP
        | libc::PTRACE_O_TRACEEXEC
        | libc::PTRACE_O_TRACEFORK
        | libc::PTRACE_O_TRACEVFORK
        | libc::PTRACE_O_TRACECLONE;
    request(libc::PTRACE_SEIZE, process, 0, options.cast_unsigned().into())
}

/// Has a stopped process go on.
pub(crate) fn resume(process: Pid, how: Resume) -> rustix::io::Result<()> {
    match how {
        Resume::Running(signal) => request(libc::PTRACE_CONT, process, 0, signal.cast_unsigned().into()),
        Resume::ToEndOfCall => request(libc::PTRACE_SYSCALL, process, 0, 0),
        Resume::Stopped => request(libc::PTRACE_LISTEN, process, 0, 0),
    }
}

/// Reads a word of a stopped process's memory.
pub(crate) fn peek(process: Pid, address: u64) -> rustix::io::Result<u64> {
    let mut word = 0_u64;
    // SAFETY: the kernel itself, other than the C library, writes the word to the address given last, which is that of one.
    let result = unsafe {
        libc::syscall(
            libc::SYS_ptrace,
            libc::c_long::from(libc::PTRACE_PEEKDATA.cast_signed()),
            libc::c_long::from(process.as_raw_pid()),
            address,
            &raw mut word,
        )
    };
    checked(result).map(|_| word)
}

/// Writes a word of a stopped process's memory.
pub(crate) fn poke(process: Pid, address: u64, word: u64) -> rustix::io::Result<()> {
    request(libc::PTRACE_POKEDATA, process, address, word)
}

/// Makes a request that touches no memory of this process.
fn request(request: libc::c_uint, process: Pid, address: u64, data: u64) -> rustix::io::Result<()> {
    // SAFETY: address and data are numbers to this process in each request that is made above.
    let result = unsafe {
        libc::syscall(
            libc::SYS_ptrace,
            libc::c_long::from(request.cast_signed()),
            libc::c_long::from(process.as_raw_pid()),
            address,
            data,
        )
    };
    checked(result).map(drop)
}

/// Reads the time of a clock by its number, in seconds and nanoseconds.
pub(crate) fn clock(number: i32) -> rustix::io::Result<(i64, i64)> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the C library writes one `timespec` to where one lives.
    checked(unsafe { libc::clock_gettime(number, &raw mut time) }.into())?;
    Ok((time.tv_sec, time.tv_nsec))
}

/// Reads the time as [`clock`] does, but always by a system call.
pub(crate) fn clock_by_call(number: i32) -> rustix::io::Result<(i64, i64)> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one `timespec` to where one lives.
    checked(unsafe { libc::syscall(libc::SYS_clock_gettime, number, &raw mut time) })?;
    Ok((time.tv_sec, time.tv_nsec))
}

/// The registers of a process that is stopped at a system call.
#[cfg(target_arch = "x86_64")]
pub(crate) struct Registers(libc::user_regs_struct);

#[cfg(target_arch = "x86_64")]
impl Registers {
    /// Reads those of a stopped process.
    pub(crate) fn of(process: Pid) -> rustix::io::Result<Self> {
        // SAFETY: `user_regs_struct` is plain data, for which all zeros is a valid value.
        let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
        let nowhere = ptr::null_mut::<libc::c_void>();
        // SAFETY: the kernel writes one `user_regs_struct` to where one lives.
        let result =
            unsafe { libc::ptrace(libc::PTRACE_GETREGS, process.as_raw_pid(), nowhere, &raw mut registers) };
        checked(result).map(|_| Self(registers))
    }

    /// Gives them to the process.
    pub(crate) fn give(&self, process: Pid) -> rustix::io::Result<()> {
        let nowhere = ptr::null_mut::<libc::c_void>();
        // SAFETY: the kernel reads one `user_regs_struct` from where one lives.
        let result =
            unsafe { libc::ptrace(libc::PTRACE_SETREGS, process.as_raw_pid(), nowhere, &raw const self.0) };
        checked(result).map(drop)
    }

    /// Number of the system call.
    pub(crate) fn number(&self) -> i64 {
        self.0.orig_rax.cast_signed()
    }

    /// One of its six arguments.
    pub(crate) fn argument(&self, number: u8) -> u64 {
        let registers = &self.0;
        match number {
            0 => registers.rdi,
            1 => registers.rsi,
            2 => registers.rdx,
            3 => registers.r10,
            4 => registers.r8,
            _ => registers.r9,
        }
    }

    /// Changes an argument.
    pub(crate) fn set_argument(&mut self, number: u8, value: u64) {
        let registers = &mut self.0;
        *match number {
            0 => &mut registers.rdi,
            1 => &mut registers.rsi,
            2 => &mut registers.rdx,
            3 => &mut registers.r10,
            4 => &mut registers.r8,
            _ => &mut registers.r9,
        } = value;
    }

    /// Puts a result in place of the call, which is not made.
    pub(crate) fn answer(&mut self, result: i64) {
        self.0.orig_rax = u64::MAX;
        self.0.rax = result.cast_unsigned();
    }

    /// The result, at the end of a call.
    pub(crate) fn result(&self) -> i64 {
        self.0.rax.cast_signed()
    }

    /// The stack pointer.
    pub(crate) fn stack(&self) -> u64 {
        self.0.rsp
    }

    /// An address below what a compiled program may keep under its stack pointer.
    pub(crate) fn free_stack(&self) -> u64 {
        const RED_ZONE: u64 = 128;
        const ROOM: u64 = 64;
        self.0.rsp.wrapping_sub(RED_ZONE + ROOM) & !15
    }
}

/// No process can be traced.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) enum Registers {}

#[cfg(not(target_arch = "x86_64"))]
impl Registers {
    pub(crate) fn of(_: Pid) -> rustix::io::Result<Self> {
        Err(Errno::NOSYS)
    }

    pub(crate) fn give(&self, _: Pid) -> rustix::io::Result<()> {
        match *self {}
    }

    pub(crate) fn number(&self) -> i64 {
        match *self {}
    }

    pub(crate) fn argument(&self, _: u8) -> u64 {
        match *self {}
    }

    pub(crate) fn set_argument(&mut self, _: u8, _: u64) {
        match *self {}
    }

    pub(crate) fn answer(&mut self, _: i64) {
        match *self {}
    }

    pub(crate) fn result(&self) -> i64 {
        match *self {}
    }

    pub(crate) fn stack(&self) -> u64 {
        match *self {}
    }

    pub(crate) fn free_stack(&self) -> u64 {
        match *self {}
    }
}
