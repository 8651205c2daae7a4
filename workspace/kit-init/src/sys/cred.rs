//! Credentials: users, groups, capabilities, seccomp, `no_new_privs`.

use super::{Result, done};

/// The user that this process acts as.
pub(crate) fn effective_user() -> u32 {
    // SAFETY: geteuid touches no memory and cannot fail.
    unsafe { libc::geteuid() }
}

/// Sets the supplementary groups.
pub(crate) fn set_groups(groups: &[u32]) -> Result<()> {
    // SAFETY: `groups` is an array of the given length.
    done(unsafe { libc::setgroups(groups.len(), groups.as_ptr()) })
}

/// Sets real, effective and saved group.
pub(crate) fn set_group(group: u32) -> Result<()> {
    // SAFETY: setresgid touches no memory.
    done(unsafe { libc::setresgid(group, group, group) })
}

/// Sets real, effective and saved user.
pub(crate) fn set_user(user: u32) -> Result<()> {
    // SAFETY: setresuid touches no memory.
    done(unsafe { libc::setresuid(user, user, user) })
}

fn prctl(operation: i32, first: u64, second: u64) -> Result<()> {
    // SAFETY: the operations used here take numbers only; the rest must be zero.
    done(unsafe { libc::prctl(operation, first, second, 0_u64, 0_u64) })
}

/// No program that this process executes can gain privileges any more.
pub(crate) fn set_no_new_privileges() -> Result<()> {
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0)
}

/// Keeps the permitted capabilities when the user changes.
pub(crate) fn keep_capabilities() -> Result<()> {
    prctl(libc::PR_SET_KEEPCAPS, 1, 0)
}

/// Takes a capability out of the bounding set. `EINVAL`: the kernel has no capability of that number.
pub(crate) fn drop_from_bounding(capability: u32) -> Result<()> {
    prctl(libc::PR_CAPBSET_DROP, u64::from(capability), 0)
}

/// Empties the ambient set.
pub(crate) fn clear_ambient() -> Result<()> {
    prctl(libc::PR_CAP_AMBIENT, u64::from(libc::PR_CAP_AMBIENT_CLEAR_ALL.unsigned_abs()), 0)
}

/// Adds a capability to the ambient set; it must be permitted and inheritable.
pub(crate) fn raise_ambient(capability: u32) -> Result<()> {
    let raise = u64::from(libc::PR_CAP_AMBIENT_RAISE.unsigned_abs());
    prctl(libc::PR_CAP_AMBIENT, raise, u64::from(capability))
}

#[repr(C)]
struct CapabilityHeader {
    version: u32,
    pid: i32,
}

#[repr(C)]
struct CapabilityData {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Sets the three capability sets of this process; bit n is capability n.
pub(crate) fn set_capabilities(effective: u64, permitted: u64, inheritable: u64) -> Result<()> {
    const VERSION_3: u32 = 0x2008_0522;
    let header = CapabilityHeader { version: VERSION_3, pid: 0 };
    let half = |shift: u32| {
        let part = |set: u64| u32::try_from((set >> shift) & 0xffff_ffff).unwrap_or(0);
        CapabilityData {
            effective: part(effective),
            permitted: part(permitted),
            inheritable: part(inheritable),
        }
    };
    let data = [half(0), half(32)];
    // SAFETY: version 3 takes a header and two data structures.
    done(unsafe { libc::syscall(libc::SYS_capset, &raw const header, data.as_ptr()) })
}

/// One instruction of classic BPF, `struct sock_filter`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    /// Operation.
    pub(crate) code: u16,
    /// Instructions to skip when the comparison holds.
    pub(crate) jump_true: u8,
    /// Instructions to skip when it does not.
    pub(crate) jump_false: u8,
    /// Operand.
    pub(crate) operand: u32,
}

#[repr(C)]
struct Program {
    length: u16,
    instructions: *const Instruction,
}

/// Applies a seccomp filter to this process and all that it will start.
pub(crate) fn set_filter(instructions: &[Instruction], flags: u32) -> Result<()> {
    let length = u16::try_from(instructions.len()).map_err(|_| super::Errno(libc::E2BIG))?;
    let program = Program { length, instructions: instructions.as_ptr() };
    // SAFETY: `program` describes an array of `length` instructions that lives through the call.
    done(unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
    })
}
