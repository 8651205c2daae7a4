//! Whom a container runs as, and the limits of its processes.

/// A user or a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Id {
    /// By its number.
    Number(u32),
    /// By the name of a container: each container of an image has a number of its own.
    Container(crate::Name),
}

/// A limit of setrlimit(2); `u64::MAX` is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rlimit {
    /// What holds.
    pub soft: u64,
    /// How far the process can raise it.
    pub hard: u64,
}

/// The resources that have a limit: `RLIMIT_…` of setrlimit(2), in lower case.
pub const RESOURCES: [&str; 16] = [
    "as",
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];
