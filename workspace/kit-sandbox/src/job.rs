//! What a caller asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::SandboxError;

/// One command and everything it gets to see.
///
/// The job's `/` is a read-only directory whose entries are those of `root`. `/proc` (read-only, with the machine's own secrets masked)
/// and `/dev` (`null`, `zero`, `full`, `random`, `urandom`, the links to the open descriptors, a small `/dev/shm`) are always there,
/// `/sys` never. What the job may write to are the writable `binds` and the `tmpfs`.
#[derive(Debug)]
pub struct Job {
    /// Directory of this machine whose entries make up `/`. It is never written to.
    pub root: PathBuf,
    /// Directories and files of this machine, shown at other places.
    pub binds: Vec<Bind>,
    /// Empty file systems in memory.
    pub tmpfs: Vec<Tmpfs>,
    /// Device nodes of this machine below `/dev`, such as `/dev/kvm`, shown at the same path besides the usual few.
    pub devices: BTreeSet<PathBuf>,
    /// The program and its arguments. A name without `/` is looked up in the `PATH` of `env`.
    pub command: Vec<OsString>,
    /// The whole environment; nothing is inherited.
    pub env: BTreeMap<OsString, OsString>,
    /// Working directory, absolute and inside.
    pub cwd: PathBuf,
    /// The user and group that the calling user appears as.
    pub identity: Identity,
    /// Host name, as `uname` gives it.
    pub host_name: String,
    /// NIS domain name, as `uname` gives it.
    pub domain_name: String,
    /// What else it can tell of the machine that it runs on.
    pub host: Host,
    /// The CPUs that the job is bound to; fewer if the machine has fewer, which the outcome tells.
    pub cpus: Option<Cpus>,
    /// Which network there is.
    pub network: Network,
    /// Which system calls there are.
    pub seccomp: Seccomp,
    /// What the job may use up.
    pub limits: Limits,
    /// Where its input comes from and its output goes to.
    pub stdio: Stdio,
}

/// CPUs of those that the caller may use, counted round and round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpus {
    /// How many.
    pub count: u32,
    /// The first of them, from 0.
    pub first: u32,
}

/// A directory or file of this machine, shown inside with everything mounted below it; never with set-uid bits or devices in force.
///
/// The target has to exist in the root, or to lie directly in `/` or in a [`Tmpfs`], where it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    /// Path on this machine; a symbolic link is followed.
    pub source: PathBuf,
    /// Absolute path inside.
    pub target: PathBuf,
    /// Whether the job may change it.
    pub access: Access,
}

/// Whether the job may change what a bind shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Every change fails with "read-only file system".
    ReadOnly,
    /// Changes go to this machine's file system, with the calling user's rights.
    Writable,
}

/// An empty file system in memory, gone with the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tmpfs {
    /// Absolute path inside; made like the target of a [`Bind`].
    pub target: PathBuf,
    /// Most bytes that it may hold.
    pub size_bytes: u64,
    /// Permission bits of its top directory, for example `0o1777`.
    pub mode: u32,
}

/// Who the calling user is inside. Files of that user appear as owned by this one, all others as owned by the overflow user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// What a process can tell of the machine that it runs on, and that doesn't change what it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// Permission bits that new files don't get, at most `0o777`.
    pub umask: u32,
    /// The kernel's release, as `uname` gives it.
    pub release: Release,
    /// Where a program lies in memory.
    pub addresses: Addresses,
    /// What time it is.
    pub clock: Clock,
}

impl Host {
    /// What nearly every process finds.
    pub const USUAL: Self =
        Self { umask: 0o022, release: Release::Own, addresses: Addresses::Random, clock: Clock::Own };
}

/// The kernel's release, as `uname` gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// This machine's.
    Own,
    /// One that begins with `2.6.`, by the kernel's personality `UNAME26`.
    Old,
}

/// Where a program, its stack and its libraries lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// Elsewhere each time.
    Random,
    /// Always at the same place, by the kernel's personality `ADDR_NO_RANDOMIZE`.
    Fixed,
}

/// The real-time clock, as a job's processes see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// This machine's.
    Own,
    /// This machine's and so many seconds.
    ///
    /// No kernel has a namespace for it, so the job is traced (`ptrace(2)`), which
    /// [not every machine](crate::Sandbox::probe_host) lets us: the calls that tell the real time are answered, those that wait for a
    /// moment or set a file's times are made with the machine's, and those that tell a file's times show what has happened since the job
    /// began in the job's. Each of these calls, each new process and each signal takes some microseconds longer; a program that traces
    /// others, such as a debugger, can't. The machine's own clock still shows in `/proc/stat`, in time stamps of sockets and of System V IPC.
    Ahead(u32),
}

impl Clock {
    /// Returns the same clock, so many seconds further on.
    #[must_use]
    pub fn later(self, seconds: u32) -> Self {
        match self {
            Self::Own => Self::Ahead(seconds),
            Self::Ahead(before) => Self::Ahead(before.saturating_add(seconds)),
        }
    }
}

/// Which network there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// A network of its own with nothing but `127.0.0.1` and `::1`.
    Loopback,
    /// This machine's network, its abstract unix sockets included.
    Host,
}

/// Which system calls there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seccomp {
    /// What a build needs. Mounts, new namespaces, tracing, keys, BPF, kernel modules, clock changes, set-uid and set-gid bits fail with
    /// `EPERM`, `io_uring` and `openat2` as if the kernel had none; calls of another architecture kill the caller.
    Build,
    /// All of them, but for typing into the terminal when [`Stdio::Inherited`]. The job can then leave set-uid files of the calling user in
    /// writable binds.
    Unfiltered,
}

/// What the job may use up. `None` is no limit other than the machine's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time from start to end.
    pub wall: Option<Duration>,
    /// Memory of all processes together.
    pub memory_bytes: Option<u64>,
    /// Processes and threads at the same time.
    pub processes: Option<u64>,
    /// Bytes of captured output; the job is killed when it writes more.
    pub output_bytes: u64,
    /// Size of any one file that the job writes.
    pub file_bytes: Option<u64>,
    /// Open descriptors of any one process.
    pub open_files: Option<u64>,
}

/// Where the job's input comes from and its output goes to.
#[derive(Debug)]
pub enum Stdio {
    /// Input is empty; output and errors arrive in one stream, in the order written.
    Captured,
    /// All three are the caller's. The job stays in the caller's session, so that a shell has job control.
    Inherited,
    /// Input is empty; output and errors go to this descriptor: what a job needs that is to outlive its caller.
    Descriptor(OwnedFd),
}

impl Job {
    /// Checks what can be told without a system call.
    pub(crate) fn check(&self) -> Result<(), SandboxError> {
        if self.command.is_empty() {
            return Err(SandboxError::EmptyCommand);
        }
        if self.cpus.is_some_and(|cpus| cpus.count == 0) {
            return Err(SandboxError::NoCpu);
        }
        let device_targets = self.devices.iter().map(PathBuf::as_path);
        let mut targets =
            BTreeSet::from([PathBuf::from("/proc"), PathBuf::from("/dev"), PathBuf::from("/dev/shm")]);
        let mounts = self.binds.iter().map(|bind| bind.target.as_path());
        for target in
            mounts.chain(self.tmpfs.iter().map(|tmpfs| tmpfs.target.as_path())).chain(device_targets)
        {
            if !is_plain(target) {
                return Err(SandboxError::InvalidTarget { target: target.to_owned() });
            }
            if !targets.insert(target.components().collect()) {
                return Err(SandboxError::DuplicateTarget { target: target.to_owned() });
            }
        }
        match self.devices.iter().find(|device| !device.starts_with("/dev")) {
            Some(device) => Err(SandboxError::InvalidTarget { target: device.clone() }),
            None => Ok(()),
        }
    }

    /// Whether the job keeps the caller's terminal.
    pub(crate) fn keeps_terminal(&self) -> bool {
        matches!(self.stdio, Stdio::Inherited)
    }
}

/// Whether the path is absolute, below `/`, and without `..`.
fn is_plain(target: &Path) -> bool {
    let mut components = target.components();
    components.next() == Some(Component::RootDir)
        && components.clone().next().is_some()
        && components.all(|component| matches!(component, Component::Normal(_)))
}
