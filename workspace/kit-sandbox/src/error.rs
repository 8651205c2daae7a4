//! Why a job could not be run.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::wire::Failure;

/// A job that could not be started, or whose end could not be learnt. A job that ran and failed is an [`Outcome`](crate::Outcome).
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The job has no command.
    #[error("the job has no command")]
    EmptyCommand,
    /// The job asks for zero CPUs.
    #[error("the job asks for zero CPUs")]
    NoCpu,
    /// A place inside must be absolute, below `/`, without `..`; devices must be below `/dev`.
    #[error("`{}` is not a place where something can be mounted", target.display())]
    InvalidTarget {
        /// As given.
        target: PathBuf,
    },
    /// Two mounts have the same place, or one has that of `/proc`, `/dev` or `/dev/shm`.
    #[error("two things are to be mounted at `{}`", target.display())]
    DuplicateTarget {
        /// As given.
        target: PathBuf,
    },
    /// The helper program could not be started.
    #[error("cannot start `{}` as the sandbox's helper", helper.display())]
    Start {
        /// The helper program.
        helper: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The kernel refuses user namespaces, which everything else is built on.
    #[error("this machine does not let programs make user namespaces{}", because(setting.as_ref()))]
    NamespacesForbidden {
        /// The setting that forbids it, when we found one.
        setting: Option<Setting>,
        /// What the kernel answered.
        source: io::Error,
    },
    /// A file, directory or device of this machine that the job needs is not to be had.
    #[error("cannot show `{}` to the job", path.display())]
    Source {
        /// Path on this machine.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The place to mount something at is neither in the root nor can it be made there.
    #[error("there is no `{}` to mount on, and it can only be made in `/` or in a tmpfs", target.display())]
    MissingTarget {
        /// Path inside.
        target: PathBuf,
    },
    /// The kernel refuses a fresh `/proc`, as it does when this machine's own one is partly hidden, in most containers for example.
    #[error("cannot mount a `/proc` of the job's own, since parts of this machine's `/proc` are hidden")]
    ProcHidden {
        /// What the kernel answered.
        source: io::Error,
    },
    /// There is no such program in the job's root.
    #[error("there is no program `{}` inside", command.display())]
    MissingCommand {
        /// As given, or the interpreter's script.
        command: PathBuf,
    },
    /// Any other step of the preparation failed.
    #[error("cannot {step}{}", of(path.as_ref()))]
    Setup {
        /// Which step.
        step: Step,
        /// What it was about.
        path: Option<PathBuf>,
        /// Why.
        source: io::Error,
    },
    /// The helper and its job could not be talked to.
    #[error("cannot talk to the sandbox's helper")]
    Talk {
        /// Why.
        source: io::Error,
    },
    /// The helper went away without a word: it was killed, or the program is not one that calls `helper_main`.
    #[error("the sandbox's helper ended without a report ({ended})")]
    HelperLost {
        /// How it ended.
        ended: String,
    },
}

/// A kernel setting that forbids user namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Name for `sysctl`.
    pub name: &'static str,
    /// Its value now.
    pub value: String,
    /// A value that allows them.
    pub needed: &'static str,
}

impl fmt::Display for Setting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} is {}", self.name, self.value)
    }
}

impl SandboxError {
    /// What somebody can do about it, where the machine's administrator can do anything.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NamespacesForbidden { setting: Some(Setting { name, needed, .. }), .. } => {
                Some(format!("run `sysctl -w {name}={needed}` as root, and put it into /etc/sysctl.d to keep it"))
            }
            Self::NamespacesForbidden { setting: None, .. } => Some(
                "in a container, allow `unshare` and `mount` in its seccomp and AppArmor profiles; in a chroot, leave it".to_owned(),
            ),
            Self::ProcHidden { .. } => {
                Some("in a container, have its /proc unmasked (for example `--security-opt systempaths=unconfined`)".to_owned())
            }
            Self::HelperLost { .. } => Some(
                "was it killed? the kernel does that when memory runs out, and `dmesg` says so; else do it again".to_owned(),
            ),
            _ => None,
        }
    }
}

fn because(setting: Option<&Setting>) -> String {
    setting.map_or_else(String::new, |setting| format!(": {setting}"))
}

fn of(path: Option<&PathBuf>) -> String {
    path.map_or_else(String::new, |path| format!(" `{}`", path.display()))
}

/// A step of the preparation, in the order in which they are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read the job.
    Order,
    /// Bind to CPUs.
    Cpus,
    /// Make the namespaces.
    Namespaces,
    /// Map the user and group into the user namespace.
    MapUser,
    /// Make a process.
    Fork,
    /// Set host and domain name.
    Names,
    /// Make the machine look as the job asks for.
    Personality,
    /// Bring up the loopback interface.
    Loopback,
    /// Cut the mounts off this machine's.
    Private,
    /// Open a file or directory of this machine.
    Source,
    /// Mount `/proc`.
    Proc,
    /// Limit the number of processes.
    Processes,
    /// Mount a file system in memory.
    Tmpfs,
    /// Find or make the place to mount on.
    Target,
    /// Mount.
    Mount,
    /// Hide a part of `/proc`.
    Mask,
    /// Make read-only.
    ReadOnly,
    /// Change the root.
    Pivot,
    /// Drop capabilities.
    Capabilities,
    /// Start a session of its own.
    Session,
    /// Set resource limits.
    Limits,
    /// Change into the working directory.
    WorkingDirectory,
    /// Install the system call filter.
    Seccomp,
    /// Trace the job, to give it another clock.
    Trace,
    /// Execute the command.
    Execute,
}

impl Step {
    /// Every step; its place here is its number on the wire.
    pub(crate) const ALL: [Self; 25] = [
        Self::Order,
        Self::Cpus,
        Self::Namespaces,
        Self::MapUser,
        Self::Fork,
        Self::Names,
        Self::Personality,
        Self::Loopback,
        Self::Private,
        Self::Source,
        Self::Proc,
        Self::Processes,
        Self::Tmpfs,
        Self::Target,
        Self::Mount,
        Self::Mask,
        Self::ReadOnly,
        Self::Pivot,
        Self::Capabilities,
        Self::Session,
        Self::Limits,
        Self::WorkingDirectory,
        Self::Seccomp,
        Self::Trace,
        Self::Execute,
    ];
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Order => "read the job",
            Self::Cpus => "bind the job to its CPUs",
            Self::Namespaces => "make the job's namespaces",
            Self::MapUser => "map the user into the job's namespace",
            Self::Fork => "make a process",
            Self::Names => "set the job's host and domain name",
            Self::Personality => "set the job's personality",
            Self::Loopback => "bring up the job's loopback interface",
            Self::Private => "separate the job's mounts from this machine's",
            Self::Source => "open",
            Self::Proc => "mount",
            Self::Processes => "limit the job's number of processes",
            Self::Tmpfs => "make a file system in memory for",
            Self::Target => "make the mount point",
            Self::Mount => "mount at",
            Self::Mask => "hide",
            Self::ReadOnly => "make read-only",
            Self::Pivot => "change into the job's root",
            Self::Capabilities => "drop capabilities",
            Self::Session => "start the job's session",
            Self::Limits => "set the job's resource limits",
            Self::WorkingDirectory => "change into the working directory",
            Self::Seccomp => "install the system call filter",
            Self::Trace => "trace the job's processes",
            Self::Execute => "execute",
        })
    }
}

impl SandboxError {
    /// Gives a helper's report the name it has for callers; `setting` finds what forbids user namespaces.
    pub(crate) fn from_failure(failure: Failure, setting: impl FnOnce() -> Option<Setting>) -> Self {
        let Failure { step, path, errno } = failure;
        let source = io::Error::from_raw_os_error(errno);
        match (step, path) {
            (Step::Namespaces | Step::MapUser, _) => Self::NamespacesForbidden { setting: setting(), source },
            // Some machines let everybody make a user namespace, and then allow nothing in it.
            (Step::Names | Step::Loopback | Step::Private, _)
                if [libc::EPERM, libc::EACCES].contains(&errno) =>
            {
                Self::NamespacesForbidden { setting: setting(), source }
            }
            (Step::Source, Some(path)) => Self::Source { path, source },
            (Step::Target, Some(target)) if errno == libc::ENOENT => Self::MissingTarget { target },
            (Step::Proc, _) if errno == libc::EPERM => Self::ProcHidden { source },
            (Step::Execute, Some(command)) if errno == libc::ENOENT => Self::MissingCommand { command },
            (step, path) => Self::Setup { step, path, source },
        }
    }
}
