//! Looks at services: whether they are ready, and whether they are well.

use std::time::{Duration, Instant};

use crate::config::Probe;
use crate::container::exec::{self, Task};
use crate::error::Failure;
use crate::files;
use crate::running::Running;
use crate::sys;
use crate::sys::process::Exit;

/// What a look has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// It is as it should be.
    Good,
    /// It is not.
    Bad,
    /// A process looks; its end tells.
    Later(i32),
}

/// Looks at a container once. That a process can't be started to look is bad too.
pub(crate) fn look(running: &Running, probe: &Probe) -> Result<Finding, Failure> {
    let good = |good| if good { Finding::Good } else { Finding::Bad };
    let start = |task: &Task<'_>| {
        exec::start(running.pid(), running.config(), running.group(), task).map(Finding::Later)
    };
    match probe {
        // Its end tells.
        Probe::Exit => Ok(Finding::Bad),
        Probe::Line(_) => Ok(good(running.saw_line())),
        Probe::Path(path) => Ok(good(exists(running.pid(), path))),
        Probe::Port(port) => start(&Task::Port(*port)),
        Probe::Command(command) => {
            let streams = files::null_streams()?;
            start(&Task::Program(command, &streams))
        }
    }
}

/// Whether a path of a container exists; its links can't lead out of its root.
fn exists(pid: i32, path: &str) -> bool {
    let open = || {
        let root = sys::io::open(&sys::c_string(format!("/proc/{pid}/root"))?, libc::O_PATH)?;
        sys::mount::open_in_root(std::os::fd::AsFd::as_fd(&root), &sys::c_string(path)?, libc::O_PATH)
    };
    open().is_ok()
}

/// Whether a process that looked has found all as it should be.
pub(crate) fn finding(exit: Exit) -> Finding {
    if exit == Exit::Code(0) { Finding::Good } else { Finding::Bad }
}

/// When to look, and what was found so far.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// When to look next; nothing while a process looks, or nobody needs to.
    pub(crate) next: Option<Instant>,
    /// The process that looks, and when it is stopped.
    pub(crate) looking: Option<(i32, Instant)>,
    /// How many looks in a row were bad.
    pub(crate) failures: u64,
}

impl Watch {
    /// Looks for the first time after `wait`.
    pub(crate) fn after(wait: Duration) -> Self {
        Self { next: Some(Instant::now() + wait), looking: None, failures: 0 }
    }

    /// When something is to be done.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.next.into_iter().chain(self.looking.map(|(_, deadline)| deadline)).min()
    }
}
