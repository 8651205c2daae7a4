//! When containers start, how they are watched, and what happens when they end.

/// What happens when a service ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// It stays ended.
    Never,
    /// It starts again unless it ended with 0.
    OnFailure,
    /// It starts again.
    Always,
}

/// What the machine does when a container has failed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It goes on without it.
    Continue,
    /// It ends as after a failed boot.
    Stop,
}

/// When a service counts as ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// What is looked at.
    pub probe: Probe,
    /// Between two looks, in milliseconds; default half a second.
    pub interval: Option<u64>,
    /// How long it may take, in milliseconds; default 60 seconds. After that it has failed.
    pub timeout: Option<u64>,
}

/// How a service is seen to be well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// What is looked at.
    pub probe: Probe,
    /// Between two looks, in milliseconds; default 30 seconds.
    pub interval: Option<u64>,
    /// How long a look may take, in milliseconds; default 30 seconds.
    pub timeout: Option<u64>,
    /// How many looks in a row must fail; default 3.
    pub retries: Option<u64>,
    /// How long after its start failures don't count, in milliseconds; default 0.
    pub start_period: Option<u64>,
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// It has ended with code 0.
    Exit,
    /// A program, run in the container, ends with code 0.
    Command(Vec<String>),
    /// A path of the container exists.
    Path(String),
    /// A port of its loopback interface answers.
    Port(u16),
    /// It has printed a line with this text in it.
    Line(String),
}

/// Signals by name; those that processes usually stop by.
pub const SIGNALS: [&str; 12] = [
    "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGTERM", "SIGCONT", "SIGKILL",
    "SIGWINCH", "SIGPWR", "SIGABRT",
];
