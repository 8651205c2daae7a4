//! Programs and probes in a container that runs.
//!
//! A first process joins the container's namespaces, all but the one of processes, which only a child can be in. Its child
//! confines itself as the container's program did and executes; the first one waits and ends with the same code. SIGTERM to
//! the first one kills what it waits for.

use std::convert::Infallible;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::{Groups, SETTING_UP, confine, namespaces, program};
use crate::cgroup::Group;
use crate::config::Config;
use crate::error::{During, Failure};
use crate::sys::process::{Exit, Side};
use crate::sys::{self, signal};

/// What is run in a container.
#[derive(Debug)]
pub(crate) enum Task<'a> {
    /// A program and its arguments, with these standard streams.
    Program(&'a [String], &'a [OwnedFd]),
    /// A connection to a port of its loopback interface.
    Port(u16),
}

/// Starts a task in the container whose first process is `target`; gives the process to wait for.
pub(crate) fn start(
    target: i32,
    config: &Config,
    group: Option<&Group>,
    task: &Task<'_>,
) -> Result<i32, Failure> {
    let group = group.map(Group::open).transpose()?;
    let side = sys::process::clone(0, group.as_ref().map(AsFd::as_fd)).during("start", "a process")?;
    if let Side::Parent(pid) = side {
        return Ok(pid);
    }
    SETTING_UP.store(true, std::sync::atomic::Ordering::Relaxed);
    signal::reset();
    let code = match run(target, config, task) {
        Ok(code) => code,
        Err(failure) => {
            if let Task::Program(_, streams) = task {
                let stderr = streams.get(2).map(AsFd::as_fd);
                let text = format!("kit-init: {failure}\n");
                stderr.map(|stderr| sys::io::write(stderr, text.as_bytes()));
            }
            126
        }
    };
    sys::process::exit_now(code)
}

/// The first process. Gives the exit code of the second.
fn run(target: i32, config: &Config, task: &Task<'_>) -> Result<i32, Failure> {
    // While the machine's /proc is there.
    let groups = namespaces::groups(&target.to_string());
    join(target, config)?;
    if let Task::Port(port) = task {
        return Ok(i32::from(!sys::socket::answers(*port)));
    }
    let signals = signal::take(&[libc::SIGCHLD, libc::SIGTERM]).during("take", "signals")?;
    match sys::process::clone(0, None).during("start", "a process")? {
        Side::Child => {
            signal::reset();
            let Err(failure) = become_program(config, task, groups);
            Err(failure)
        }
        Side::Parent(pid) => Ok(wait_for(pid, signals.as_fd())),
    }
}

/// Waits for the second process; a request to stop kills it and all of its session.
fn wait_for(pid: i32, signals: BorrowedFd<'_>) -> i32 {
    loop {
        let _ = sys::io::poll(&[(signals, sys::io::Interest::Read)], None);
        while let Some(number) = signal::next(signals) {
            if number == libc::SIGTERM {
                let _ = signal::kill(-pid, libc::SIGKILL);
                let _ = signal::kill(pid, libc::SIGKILL);
            }
        }
        match sys::process::reap() {
            Some((ended, Exit::Code(code))) if ended == pid => return code,
            Some((ended, Exit::Signal(number))) if ended == pid => return 128 + number,
            _ => {}
        }
    }
}

/// Joins the namespaces of the container that aren't the machine's.
fn join(target: i32, config: &Config) -> Result<(), Failure> {
    let namespaces = &config.linux.namespaces;
    let own = namespaces::KINDS.iter().filter(|(_, kind)| namespaces.has(*kind));
    let places: Vec<_> = own.map(|(name, kind)| (*kind, format!("/proc/{target}/ns/{name}"))).collect();
    namespaces::join(&places)?;
    if namespaces.has(libc::CLONE_NEWUSER) { namespaces::become_root() } else { Ok(()) }
}

/// The second process.
fn become_program(config: &Config, task: &Task<'_>, groups: Groups) -> Result<Infallible, Failure> {
    let Task::Program(args, streams) = task else {
        return Err(Failure::new("execute", "", "there is no program"));
    };
    sys::process::new_session().during("start", "a session")?;
    for (number, stream) in (0..).zip(streams.iter()) {
        sys::io::duplicate_to(stream.as_fd(), number).during("set up", "standard streams")?;
    }
    program::set_limits(&config.process)?;
    confine(config, groups)?;
    program::execute_with(&config.process, args)
}
