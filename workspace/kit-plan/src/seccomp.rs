//! The default system-call filter: an allow list, everything else fails with `EPERM`.
//!
//! A capability that a container has allows the calls that need it. `clone` may make no namespaces without
//! `CAP_SYS_ADMIN`; `clone3`, whose flags a filter can't see, fails with `ENOSYS` so that libraries fall back to `clone`.

use kit_recipe::Architecture;
use kit_recipe::container::{SeccompBase, SeccompRules};
use serde_json::{Value, json};

/// Calls that any program may make (Linux 6.1; names unknown to an architecture are skipped by the loader).
const ALLOWED: &str = "\
accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown clock_adjtime clock_getres
clock_gettime clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1
epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit
exit_group faccessat faccessat2 fadvise64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl
fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstatfs fsync ftruncate futex futex_requeue
futex_wait futex_waitv futex_wake futimesat get_mempolicy get_robust_list get_thread_area getcpu getcwd getdents
getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom
getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getxattr
inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_setup
io_submit ioctl ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown
lgetxattr link linkat listen listxattr llistxattr lremovexattr lseek lsetxattr lstat madvise map_shadow_stack membarrier
memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap modify_ldt mprotect mq_getsetattr
mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap msgctl msgget msgrcv msgsnd msync munlock munlockall
munmap name_to_handle_at nanosleep newfstatat open openat openat2 pause pidfd_getfd pidfd_open pidfd_send_signal pipe
pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64 preadv preadv2 prlimit64 process_mrelease pselect6
pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recvfrom recvmmsg recvmsg remap_file_pages removexattr
rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min
sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr
sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop sendfile sendmmsg sendmsg
sendto set_mempolicy set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid setgroups setitimer setpgid
setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt setuid setxattr shmat shmctl shmdt shmget
shutdown sigaltstack signalfd signalfd4 socketpair splice stat statfs statx symlink symlinkat sync sync_file_range
syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create
timerfd_gettime timerfd_settime times tkill truncate umask uname unlink unlinkat utime utimensat utimes vfork vmsplice
wait4 waitid write writev arch_prctl";

/// Calls that a capability brings.
const BY_CAPABILITY: [(&str, &str); 11] = [
    (
        "CAP_SYS_ADMIN",
        "bpf clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount \
         open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount2 unshare",
    ),
    ("CAP_SYS_BOOT", "reboot"),
    ("CAP_SYS_CHROOT", "chroot"),
    ("CAP_SYS_MODULE", "delete_module finit_module init_module"),
    ("CAP_SYS_PACCT", "acct"),
    ("CAP_SYS_PTRACE", "kcmp process_madvise process_vm_readv process_vm_writev ptrace"),
    ("CAP_SYS_RAWIO", "iopl ioperm"),
    ("CAP_SYS_TIME", "clock_settime settimeofday"),
    ("CAP_SYS_TTY_CONFIG", "vhangup"),
    ("CAP_SYSLOG", "syslog"),
    ("CAP_DAC_READ_SEARCH", "open_by_handle_at"),
];

/// `CLONE_NEWNS|NEWCGROUP|NEWUTS|NEWIPC|NEWUSER|NEWPID|NEWNET`.
const CLONE_NAMESPACES: u64 = 0x7e02_0000;
const EPERM: u64 = 1;
const ENOSYS: u64 = 38;
/// `AF_VSOCK`: reaches the hypervisor past every network namespace.
const AF_VSOCK: u64 = 40;

/// Returns `linux.seccomp` for a container with these capabilities, and rules of its own, on these processors.
pub fn profile<'a>(
    capabilities: impl Iterator<Item = &'a str>,
    own: Option<&SeccompRules>,
    architecture: Architecture,
) -> Value {
    let capabilities: Vec<_> = capabilities.collect();
    let (mut names, mut rules) = match own.map_or(SeccompBase::Default, |own| own.base) {
        SeccompBase::Default => (usual_names(&capabilities), usual_rules(&capabilities)),
        SeccompBase::None => (Vec::new(), Vec::new()),
    };
    if let Some(SeccompRules { base: _, allow, deny }) = own {
        names.extend(allow.iter().map(String::as_str));
        names.retain(|name| !deny.iter().any(|denied| denied == name));
        let decided = |rule: &Value| {
            allow
                .iter()
                .chain(deny)
                .any(|call| rule["names"].as_array().is_some_and(|names| names.contains(&json!(call))))
        };
        rules.retain(|rule| !decided(rule));
    }
    names.sort_unstable();
    names.dedup();
    let mut syscalls = vec![json!({ "names": names, "action": "SCMP_ACT_ALLOW" })];
    syscalls.extend(rules);
    json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": EPERM,
        "architectures": [word(architecture)],
        "syscalls": syscalls,
    })
}

/// Returns the word of `libseccomp`, which OCI has taken over.
fn word(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Amd64 => "SCMP_ARCH_X86_64",
        Architecture::Arm64 => "SCMP_ARCH_AARCH64",
    }
}

fn usual_names(capabilities: &[&str]) -> Vec<&'static str> {
    let mut names: Vec<&str> = ALLOWED.split_whitespace().collect();
    for (capability, calls) in BY_CAPABILITY {
        if capabilities.contains(&capability) {
            names.extend(calls.split_whitespace());
        }
    }
    names
}

/// Rules that look at arguments.
fn usual_rules(capabilities: &[&str]) -> Vec<Value> {
    let mut rules = vec![json!({
        "names": ["socket"], "action": "SCMP_ACT_ALLOW",
        "args": [{ "index": 0, "value": AF_VSOCK, "op": "SCMP_CMP_NE" }],
    })];
    if capabilities.contains(&"CAP_SYS_ADMIN") {
        rules.push(json!({ "names": ["clone"], "action": "SCMP_ACT_ALLOW" }));
    } else {
        rules.push(json!({
            "names": ["clone"], "action": "SCMP_ACT_ALLOW",
            "args": [{ "index": 0, "value": CLONE_NAMESPACES, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ" }],
        }));
        rules.push(json!({ "names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": ENOSYS }));
    }
    rules
}
