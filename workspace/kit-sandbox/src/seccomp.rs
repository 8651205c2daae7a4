//! The system calls that a build may not make.
//!
//! A list of what is refused, not of what is allowed: builds run every kind of program, and what they could do harm with is what reaches out of
//! the namespaces or into rarely used parts of the kernel. Refused calls fail with `EPERM`; those for which programs carry an older way
//! fail with `ENOSYS`, so that they take it. No call of another architecture (32-bit, x32) gets through: it kills the process.
//!
//! To refuse one more call, add it to [`REFUSED`]; to filter by argument, add a rule in [`refusals`].

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use rustix::io::Errno;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, sock_filter,
};

use crate::clock;
use crate::job::{Clock, Seccomp};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Numbers that are the same on every architecture, and that not every C library has a name for.
const FCHMODAT2: i64 = 452;

/// Refused whatever the arguments.
const REFUSED: &[i64] = &[
    // mounts and namespaces
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    // other processes' memory and descriptors
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // keys, which namespaces don't separate
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // the kernel itself
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_syslog,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_lookup_dcookie,
    libc::SYS_vhangup,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    // names and clocks of the machine
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_kexec_file_load,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_uselib,
];

/// As if the kernel had none: their arguments lie in memory, where no filter sees them, and programs know how to do without.
const UNKNOWN: &[i64] = &[
    libc::SYS_clone3,
    libc::SYS_openat2,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];

/// Every flag of `clone` that makes a namespace.
const NEW_NAMESPACE: &[i32] = &[
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// The calls that set permission bits, each with the place of the mode among its arguments.
const MODES: &[(i64, u8)] = &[
    (libc::SYS_fchmod, 1),
    (libc::SYS_fchmodat, 2),
    (FCHMODAT2, 2),
    (libc::SYS_mknodat, 2),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_chmod, 1),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_creat, 1),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mknod, 1),
];

/// The calls that may create a file: places of the flags and of the mode, which counts only with one of [`CREATING`].
const OPENS: &[(i64, u8, u8)] = &[
    (libc::SYS_openat, 2, 3),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, 1, 2),
];

/// `O_CREAT`, and the one bit of `O_TMPFILE` that isn't `O_DIRECTORY` too.
const CREATING: [u64; 2] = [libc::O_CREAT as u64, (libc::O_TMPFILE & !libc::O_DIRECTORY) as u64];

const SET_ID: [u64; 2] = [libc::S_ISUID as u64, libc::S_ISGID as u64];

/// Kinds of sockets that network namespaces separate. `AF_VSOCK`, above all, reaches the machine's host.
const SOCKETS: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Compiles the filters for a job, to be installed in this order.
pub(crate) fn programs(
    seccomp: Seccomp,
    keeps_terminal: bool,
    clock: Clock,
) -> Result<Vec<BpfProgram>, BackendError> {
    let mut programs = Vec::new();
    if keeps_terminal || seccomp == Seccomp::Build {
        programs.push(compile(terminal_injection()?, libc::EPERM)?);
    }
    if seccomp == Seccomp::Build {
        programs.push(compile(refusals()?, libc::EPERM)?);
        programs.push(compile(UNKNOWN.iter().map(|call| (*call, Vec::new())).collect(), libc::ENOSYS)?);
    }
    if clock != Clock::Own {
        programs.push(clock::filter()?);
    }
    if clock != Clock::Own || seccomp == Seccomp::Build {
        programs.extend(no_x32());
    }
    Ok(programs)
}

/// Installs the filters on this thread; they stay for good.
pub(crate) fn install(programs: &[BpfProgram]) -> rustix::io::Result<()> {
    for program in programs {
        seccompiler::apply_filter(program).map_err(|error| match error {
            seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error) => {
                Errno::from_io_error(&error).unwrap_or(Errno::INVAL)
            }
            _ => Errno::INVAL,
        })?;
    }
    Ok(())
}

fn compile(rules: Rules, errno: i32) -> Result<BpfProgram, BackendError> {
    let refuse = SeccompAction::Errno(errno.cast_unsigned());
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, TargetArch::try_from(ARCH)?)?.try_into()
}

/// Refuses to type into the terminal on the user's behalf.
fn terminal_injection() -> Result<Rules, BackendError> {
    const TIOCSTI: u64 = 0x5412;
    const TIOCLINUX: u64 = 0x541c;
    let rules = [TIOCSTI, TIOCLINUX].map(|request| SeccompRule::new(vec![equal(1, request)?]));
    Ok(BTreeMap::from([(libc::SYS_ioctl, rules.into_iter().collect::<Result<_, _>>()?)]))
}

fn refusals() -> Result<Rules, BackendError> {
    let mut rules: Rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let namespaces =
        NEW_NAMESPACE.iter().map(|flag| SeccompRule::new(vec![has_bit(0, u64::from(flag.cast_unsigned()))?]));
    rules.insert(libc::SYS_clone, namespaces.collect::<Result<_, _>>()?);
    for (call, mode) in MODES {
        let set_id = SET_ID.map(|bit| SeccompRule::new(vec![has_bit(*mode, bit)?]));
        rules.insert(*call, set_id.into_iter().collect::<Result<_, _>>()?);
    }
    for (call, flags, mode) in OPENS {
        let pairs = CREATING.iter().flat_map(|creating| SET_ID.iter().map(move |bit| (*creating, *bit)));
        let set_id = pairs
            .map(|(creating, bit)| SeccompRule::new(vec![has_bit(*flags, creating)?, has_bit(*mode, bit)?]));
        rules.insert(*call, set_id.collect::<Result<_, _>>()?);
    }
    let other = SOCKETS.map(|family| {
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, u64::from(family.cast_unsigned()))
    });
    let other = SeccompRule::new(other.into_iter().collect::<Result<_, _>>()?)?;
    rules.insert(libc::SYS_socket, vec![other]);
    Ok(rules)
}

fn equal(argument: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

fn has_bit(argument: u8, bit: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(bit), bit)
}

/// Kills callers of x32 calls, which on `x86_64` come with the same architecture but bit 30 set in their number.
fn no_x32() -> Option<BpfProgram> {
    const LOAD_NUMBER: u16 = 0x20;
    const JUMP_IF_NOT_LESS: u16 = 0x35;
    const RETURN: u16 = 0x06;
    let program = vec![
        sock_filter { code: LOAD_NUMBER, jt: 0, jf: 0, k: 0 },
        sock_filter { code: JUMP_IF_NOT_LESS, jt: 0, jf: 1, k: 0x4000_0000 },
        sock_filter { code: RETURN, jt: 0, jf: 0, k: libc::SECCOMP_RET_KILL_PROCESS },
        sock_filter { code: RETURN, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW },
    ];
    cfg!(target_arch = "x86_64").then_some(program)
}
