//! The process between caller and job: makes the namespaces, keeps the time limit, ends the job when the caller goes away.

use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getegid, geteuid, getpgrp, kill_process, pidfd_open,
    test_kill_process_group, waitpid,
};
use rustix::termios::{tcgetpgrp, tcsetpgrp};
use rustix::thread::{CpuSet, UnshareFlags, sched_getaffinity, sched_setaffinity, set_thread_groups};

use super::{During, first, report};
use crate::error::Step;
use crate::job::{Cpus, Identity, Job, Network};
use crate::outcome::Usage;
use crate::running::{DETACH, KILL};
use crate::syscalls::{self, Fork};
use crate::wire::{End, Errand, Failure, Report, read_frame};

/// Longest time for a probe.
const PROBE_WALL: Duration = Duration::from_secs(10);

/// Why the supervisor ended the job, or that it ended by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    Itself,
    TimeLimit,
    Caller,
}

/// Runs the errand that arrives on `control`, and reports its end there.
pub(super) fn supervise(control: &UnixStream) -> Result<(), Failure> {
    shed_inheritance(control);
    let errand = read_errand(control).map_err(|error| {
        let errno = Errno::from_io_error(&error).unwrap_or(Errno::PROTO).raw_os_error();
        Failure { step: Step::Order, path: None, errno }
    })?;
    let job = match &errand {
        Errand::Run(job) => Some(&**job),
        Errand::Probe | Errand::ProbeHost(_) => None,
    };
    isolate(job)?;
    let started = Instant::now();
    let (status_read, status_write) = pipe_with(PipeFlags::CLOEXEC).during(Step::Fork)?;
    let first = match syscalls::fork().during(Step::Fork)? {
        Fork::Parent(first) => first,
        Fork::Child => {
            drop(status_read);
            first::first_process(&errand, control, &status_write)
        }
    };
    drop(status_write);
    let wall = job.map_or(Some(PROBE_WALL), |job| job.limits.wall);
    let cause = watch(control, first, wall.and_then(|wall| started.checked_add(wall))).during(Step::Fork)?;
    let end = finish(first, status_read, cause);
    if job.is_some_and(Job::keeps_terminal) {
        take_terminal_back();
    }
    if let Some(end) = end {
        let (cpu, peak_memory_bytes) = syscalls::usage_of_children();
        let usage = Usage { wall: started.elapsed(), cpu, peak_memory_bytes };
        report(control, &Report::Finished { end, usage });
    }
    Ok(())
}

/// Closes what the caller had open, and outlives the signals that a terminal sends to all of its group.
fn shed_inheritance(control: &UnixStream) {
    let number = control.as_raw_fd().cast_unsigned();
    syscalls::close_inherited(libc::STDERR_FILENO.cast_unsigned() + 1, number.saturating_sub(1));
    syscalls::close_inherited(number + 1, u32::MAX);
    for signal in [libc::SIGINT, libc::SIGQUIT, libc::SIGHUP, libc::SIGPIPE, libc::SIGTTOU] {
        syscalls::ignore_signal(signal);
    }
}

/// Makes the caller's process group the terminal's again, if the one that is was the job's: a shell with job control makes its own.
fn take_terminal_back() {
    let terminal = rustix::stdio::stdin();
    if let Ok(group) = tcgetpgrp(terminal)
        && test_kill_process_group(group) == Err(Errno::SRCH)
    {
        tcsetpgrp(terminal, getpgrp()).ok();
    }
}

fn read_errand(control: &UnixStream) -> io::Result<Errand> {
    let frame = read_frame(control)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    Errand::decode(&frame).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Moves this process into namespaces of its own, in which it is the job's user with every capability.
fn isolate(job: Option<&Job>) -> Result<(), Failure> {
    if let Some(cpus) = job.and_then(|job| job.cpus) {
        pin(cpus).during(Step::Cpus)?;
    }
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    // Only root can leave groups; an ordinary user's stay, and are shown as the overflow group.
    set_thread_groups(&[]).ok();
    syscalls::leave_session_keyring();
    let mut namespaces = UnshareFlags::NEWUSER
        | UnshareFlags::NEWNS
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWCGROUP;
    if job.is_none_or(|job| job.network == Network::Loopback) {
        namespaces |= UnshareFlags::NEWNET;
    }
    syscalls::unshare(namespaces).during(Step::Namespaces)?;
    let identity = job.map_or(Identity { uid: 0, gid: 0 }, |job| job.identity);
    write_to("/proc/self/setgroups", "deny")?;
    write_to("/proc/self/uid_map", &format!("{} {uid} 1", identity.uid))?;
    write_to("/proc/self/gid_map", &format!("{} {gid} 1", identity.gid))
}

/// Binds this process to some of the CPUs that it may use.
fn pin(wanted: Cpus) -> rustix::io::Result<()> {
    let allowed = sched_getaffinity(None)?;
    let allowed: Vec<_> = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).collect();
    let first = wanted.first as usize % allowed.len().max(1);
    let mut chosen = CpuSet::new();
    for cpu in allowed.iter().cycle().skip(first).take(allowed.len().min(wanted.count as usize)) {
        chosen.set(*cpu);
    }
    sched_setaffinity(None, &chosen)
}

fn write_to(path: &str, text: &str) -> Result<(), Failure> {
    let write = || {
        let file = rustix::fs::open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
        rustix::io::write(file, text.as_bytes())
    };
    write().during_at(Step::MapUser, Path::new(path)).map(drop)
}

/// Waits for the first process to end, the time to run out, or the caller to end it.
fn watch(control: &UnixStream, first: Pid, deadline: Option<Instant>) -> rustix::io::Result<Cause> {
    let first = pidfd_open(first, PidfdFlags::empty())?;
    let mut attached = true;
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Ok(Cause::TimeLimit);
        }
        let timeout = left.map(|left| Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        });
        let mut watched = vec![PollFd::new(&first, PollFlags::IN)];
        if attached {
            watched.push(PollFd::new(control, PollFlags::IN));
        }
        match poll(&mut watched, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
        if !watched[0].revents().is_empty() {
            return Ok(Cause::Itself);
        }
        if watched.get(1).is_some_and(|control| !control.revents().is_empty()) {
            attached = match read_request(control.as_fd())? {
                Some(DETACH) => false,
                Some(KILL) | None => return Ok(Cause::Caller),
                Some(_) => true,
            };
        }
    }
}

/// The caller's next request; `None` when it is gone.
fn read_request(control: BorrowedFd<'_>) -> rustix::io::Result<Option<u8>> {
    let mut request = [0];
    match rustix::io::read(control, &mut request) {
        Ok(0) | Err(Errno::CONNRESET) => Ok(None),
        Ok(_) => Ok(Some(request[0])),
        Err(Errno::INTR) => Ok(Some(0)),
        Err(errno) => Err(errno),
    }
}

/// Makes sure that no process of the job is left, and says how it ended; `None` when a failure was reported instead.
fn finish(first: Pid, status: OwnedFd, cause: Cause) -> Option<End> {
    if cause != Cause::Itself {
        kill_process(first, Signal::KILL).ok();
    }
    // Can be waited for only once the kernel has killed everything in its PID namespace.
    let ended = loop {
        match waitpid(Some(first), WaitOptions::empty()) {
            Err(Errno::INTR) => {}
            Err(_) => break None,
            Ok(ended) => break ended,
        }
    };
    let mut bytes = Vec::new();
    std::fs::File::from(status).read_to_end(&mut bytes).ok();
    let status = <[u8; 8]>::try_from(bytes).ok().map(i64::from_le_bytes).map(first::Status::from_number);
    match (status, cause) {
        (Some(first::Status::Exited(code)), _) => Some(End::Exited(code)),
        (Some(first::Status::Signalled(signal)), _) => Some(End::Signalled(signal)),
        (None, Cause::TimeLimit) => Some(End::TimedOut),
        (None, Cause::Caller) => Some(End::Stopped),
        (None, Cause::Itself) => {
            ended.and_then(|(_, status)| status.terminating_signal()).map(End::Signalled)
        }
    }
}
