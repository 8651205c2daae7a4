//! PID 1 of the job's namespaces: builds what the job sees, gives up every right, starts the job, and reaps until it ends.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    DumpableBehavior, Pid, Signal, WaitOptions, WaitStatus, set_dumpable_behavior,
    set_parent_process_death_signal, wait,
};
use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, CapabilitySets, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_capabilities_secure_bits, set_no_new_privs,
};

use super::tracer::Tracer;
use super::{During, launch, mounts, report};
use crate::error::Step;
use crate::job::{Clock, Host, Job, Network};
use crate::syscalls::{self, Fork, trace};
use crate::wire::{Errand, Failure, Report};
use crate::{clock, seccomp};

/// How the job's command ended; goes through the status pipe as one number.
pub(super) enum Status {
    Exited(i32),
    Signalled(i32),
}

impl Status {
    fn number(&self) -> i64 {
        match self {
            Self::Exited(code) => i64::from(*code),
            Self::Signalled(signal) => -i64::from(*signal),
        }
    }

    /// How a process ended that was waited for.
    pub(super) fn of(status: WaitStatus) -> Option<Self> {
        let signalled = status.terminating_signal().map(Self::Signalled);
        status.exit_status().map(Self::Exited).or(signalled)
    }

    pub(super) fn from_number(number: i64) -> Self {
        let value = i32::try_from(number.unsigned_abs()).unwrap_or(i32::MAX);
        if number < 0 { Self::Signalled(value) } else { Self::Exited(value) }
    }
}

/// Does the errand and ends; with it, the kernel ends every process in the PID namespace.
pub(super) fn first_process(errand: &Errand, control: &UnixStream, status: &OwnedFd) -> ! {
    let result = die_with_supervisor(status).and_then(|()| match errand {
        Errand::Run(job) => run(job, control),
        Errand::Probe => probe(),
        Errand::ProbeHost(host) => probe_host(*host, control),
    });
    match result {
        Ok(ended) => {
            rustix::io::write(status, &ended.number().to_le_bytes()).ok();
            syscalls::exit_now(0)
        }
        Err(failure) => {
            report(control, &Report::Failed(failure));
            syscalls::exit_now(1)
        }
    }
}

/// Has the kernel kill this process when the supervisor, the only reader of the status pipe, ends; it may have already.
fn die_with_supervisor(status: &OwnedFd) -> Result<(), Failure> {
    set_parent_process_death_signal(Some(Signal::KILL)).during(Step::Fork)?;
    let mut watched = [PollFd::new(status, PollFlags::empty())];
    poll(&mut watched, Some(&Timespec::default())).during(Step::Fork)?;
    if watched[0].revents().contains(PollFlags::ERR) {
        syscalls::exit_now(1);
    }
    Ok(())
}

/// Takes the steps that a machine may refuse.
fn probe() -> Result<Status, Failure> {
    syscalls::bring_up_loopback().during(Step::Loopback)?;
    mounts::probe()?;
    Ok(Status::Exited(0))
}

fn run(job: &Job, control: &UnixStream) -> Result<Status, Failure> {
    rustix::process::umask(Mode::from_raw_mode(job.host.umask));
    rustix::system::sethostname(job.host_name.as_bytes()).during(Step::Names)?;
    rustix::system::setdomainname(job.domain_name.as_bytes()).during(Step::Names)?;
    match job.network {
        Network::Loopback => syscalls::bring_up_loopback().during(Step::Loopback)?,
        Network::Host => {}
    }
    mounts::enter_root(job)?;
    // Its writing end goes away when the command is executed, or its process ends.
    let (executed_read, executed_write) = pipe_with(PipeFlags::CLOEXEC).during(Step::Fork)?;
    let become_command = || {
        let failure = match drop_capabilities().during(Step::Capabilities) {
            Ok(()) => launch::launch(job),
            Err(failure) => failure,
        };
        report(control, &Report::Failed(failure));
        127
    };
    let (command, tracer) = start(job.host.clock, become_command)?;
    drop(executed_write);
    wait_for_end(&executed_read).during(Step::Fork)?;
    report(control, &Report::Started);
    reap(command, tracer)
}

/// Has a process see this of the machine, and looks whether it does.
fn probe_host(host: Host, control: &UnixStream) -> Result<Status, Failure> {
    let look = || {
        drop_capabilities().during(Step::Capabilities)?;
        launch::take_personality(host)?;
        let Clock::Ahead(seconds) = host.clock else { return Ok(()) };
        let filter = clock::filter().map_err(|_| Errno::NOSYS).during(Step::Seccomp)?;
        seccomp::install(&[filter]).during(Step::Seccomp)?;
        let (job, _) = trace::clock_by_call(libc::CLOCK_REALTIME).during(Step::Trace)?;
        let (machine, _) = trace::clock(libc::CLOCK_REALTIME).during(Step::Trace)?;
        let is_ahead = (job - machine).abs_diff(seconds.into()) < 60;
        if is_ahead { Ok(()) } else { Err(Errno::NOSYS).during(Step::Trace) }
    };
    let look = || {
        if let Err(failure) = look() {
            report(control, &Report::Failed(failure));
        }
        0
    };
    let (process, tracer) = start(host.clock, look)?;
    reap(process, tracer)
}

/// Starts a process that has a clock; it ends with what `then` returns.
fn start(clock: Clock, then: impl FnOnce() -> i32) -> Result<(Pid, Option<Tracer>), Failure> {
    // What can't be looked into can't be traced either, by one with as few capabilities as this will have.
    set_dumpable_behavior(DumpableBehavior::Dumpable).during(Step::Fork)?;
    let (ready_read, ready_write) = pipe_with(PipeFlags::CLOEXEC).during(Step::Fork)?;
    match syscalls::fork().during(Step::Fork)? {
        Fork::Child => {
            drop(ready_write);
            // Without a word the other one has failed.
            syscalls::exit_now(if hears_word(&ready_read) { then() } else { 127 })
        }
        Fork::Parent(process) => {
            let tracer = match clock {
                Clock::Own => None,
                // While there are capabilities: the kernel keeps in mind that this one may look into every process of the namespace.
                Clock::Ahead(seconds) => Some(Tracer::seize(process, seconds).during(Step::Trace)?),
            };
            drop_capabilities().during(Step::Capabilities)?;
            // No process of the job may look into this one, which has seen this machine.
            set_dumpable_behavior(DumpableBehavior::NotDumpable).during(Step::Capabilities)?;
            rustix::io::write(&ready_write, &[0]).during(Step::Fork)?;
            Ok((process, tracer))
        }
    }
}

/// Waits until the command ends.
fn reap(command: Pid, tracer: Option<Tracer>) -> Result<Status, Failure> {
    match tracer {
        None => reap_until(command).during(Step::Fork),
        Some(tracer) => tracer.reap_until(command).during(Step::Trace),
    }
}

/// Waits until somebody writes to a pipe, or nobody can any more.
fn hears_word(pipe: &OwnedFd) -> bool {
    loop {
        match rustix::io::read(pipe, &mut [0]) {
            Err(Errno::INTR) => {}
            heard => return heard == Ok(1),
        }
    }
}

/// Waits until nobody can write to a pipe any more.
fn wait_for_end(pipe: &OwnedFd) -> rustix::io::Result<()> {
    loop {
        match rustix::io::read(pipe, &mut [0]) {
            Ok(0) => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Gives up every capability, and every way to gain one by executing a program.
fn drop_capabilities() -> rustix::io::Result<()> {
    for number in 0..64 {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number)) {
            Ok(()) => {}
            // Past the last one that this kernel knows.
            Err(Errno::INVAL) => break,
            Err(errno) => return Err(errno),
        }
    }
    set_capabilities_secure_bits(
        CapabilitiesSecureBits::NO_ROOT
            | CapabilitiesSecureBits::NO_ROOT_LOCKED
            | CapabilitiesSecureBits::NO_SETUID_FIXUP
            | CapabilitiesSecureBits::NO_SETUID_FIXUP_LOCKED
            | CapabilitiesSecureBits::KEEP_CAPS_LOCKED
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED,
    )?;
    clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    set_no_new_privs(true)
}

/// Waits for every process that ends, as PID 1 must, until the command itself does.
fn reap_until(command: Pid) -> rustix::io::Result<Status> {
    loop {
        let (ended, status) = match wait(WaitOptions::empty()) {
            Ok(Some(ended)) => ended,
            Ok(None) | Err(Errno::INTR) => continue,
            Err(errno) => return Err(errno),
        };
        if ended != command {
            continue;
        }
        if let Some(status) = Status::of(status) {
            return Ok(status);
        }
    }
}
