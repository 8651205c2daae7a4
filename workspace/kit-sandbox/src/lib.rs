//! Runs one job in Linux namespaces with the given directories and nothing else.
//!
//! A [`Job`] is plain data: a root directory, what is mounted over it, a command, limits. [`Sandbox::run`] runs it and returns an
//! [`Outcome`]; [`Sandbox::spawn`] returns a [`Running`] handle. No root, setuid helper or daemon is needed, and root gives nothing more.
//!
//! ```text
//! caller ─ Sandbox ─ control socket ─┐
//! └─ supervisor (helper)       same program, `argv[0]` = `kit-sandbox-helper`; own user namespace, keeps the time limit
//!    └─ first process (helper) PID 1 of the job's namespaces: builds the root, drops everything, reaps
//!       └─ the job's command
//! ```
//! Whoever of the upper three dies takes all below along: the supervisor watches the control socket, and the kernel kills a
//! PID namespace together with its first process.
//!
//! Needs Linux 5.12 or later. What can't be virtualised without privileges, and so is the host's: `uname`'s machine and, but for an
//! [old one](Release::Old), its kernel release, the clock but for [one that is ahead](Clock::Ahead), `/proc/cpuinfo`, `/proc/meminfo`
//! and the like, the sources of its mounts in `/proc/self/mountinfo`, and the calling user's supplementary groups (shown as the overflow
//! group).
//!
//! | module | holds |
//! |---|---|
//! | `job` | what a caller asks for |
//! | `sandbox`, `running` | the caller's side: starting, watching, waiting |
//! | `outcome`, `error` | what came of it |
//! | `cgroup` | limits by cgroup v2, where the machine lets us |
//! | `wire` | the messages between caller and helper |
//! | `helper` | the helper's side, in order: `supervisor`, `first`, `mounts`, `proc`, `devices`, `launch`, `tracer` |
//! | `seccomp` | the system calls that a build may not make |
//! | `clock` | the system calls that have to do with the real time |
//! | `syscalls` | every `unsafe` line |

mod cgroup;
mod clock;
mod error;
mod helper;
mod job;
mod outcome;
mod running;
mod sandbox;
mod seccomp;
#[allow(unsafe_code, reason = "system calls that have no safe wrapper, each with its reason")]
mod syscalls;
mod wire;

pub use error::{SandboxError, Setting, Step};
pub use helper::{helper_main, is_helper};
pub use job::{
    Access, Addresses, Bind, Clock, Cpus, Host, Identity, Job, Limits, Network, Release, Seccomp, Stdio,
    Tmpfs,
};
pub use outcome::{Outcome, Status, Unenforced, Usage};
pub use running::{Killer, Running};
pub use sandbox::{Sandbox, available_cpus};
