//! What came of a job that ran.

use std::time::Duration;

/// How a job ended, what it cost, and which of its limits this machine could not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// What it cost.
    pub usage: Usage,
    /// Number of CPUs that it could use.
    pub cpus: u32,
    /// Limits that were asked for and not held.
    pub unenforced: Vec<Unenforced>,
}

/// How a job ended. In every case none of its processes is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The command ended by itself with this exit code.
    Exited(i32),
    /// The command was ended by this signal.
    Signalled(i32),
    /// Killed at its time limit.
    TimedOut,
    /// Killed because it wrote more output than its limit.
    OutputLimit,
    /// Failed after the kernel had killed some of its processes at its memory limit.
    MemoryLimit,
    /// Killed because the caller asked for it.
    Killed,
}

/// What a job cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// From the start of the first process to the end of the last.
    pub wall: Duration,
    /// CPU time of all processes that ended before the job did, in user and kernel mode.
    pub cpu: Duration,
    /// Most memory of all processes together, in bytes, where a cgroup with the memory controller counted it; else the most that any one
    /// process had resident.
    pub peak_memory_bytes: u64,
}

/// A limit that was asked for and that this machine could not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unenforced {
    /// There is no cgroup v2 with a memory controller that we may divide.
    #[error("the memory limit is not enforced: no delegated cgroup v2 with the memory controller")]
    Memory,
    /// As root, on a kernel before 6.14, and without a cgroup v2 that we may divide.
    #[error("the process limit is not enforced: no delegated cgroup v2 with the pids controller")]
    Processes,
    /// The machine has fewer CPUs than asked for.
    #[error("{wanted} CPUs were asked for, {available} are there")]
    Cpus {
        /// As asked for.
        wanted: u32,
        /// As given.
        available: u32,
    },
}
