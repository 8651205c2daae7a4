//! The event loop: containers' output and ends, signals, the power button, the console.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::bundle::Bundle;
use crate::cgroup::Hierarchy;
use crate::config::Config;
use crate::console::Console;
use crate::container::{self, surroundings};
use crate::control::{Asked, Control};
use crate::error::{During, Failure};
use crate::files;
use crate::input::PowerButton;
use crate::power::Ending;
use crate::running::{Ended, Running};
use crate::sys::io::Interest;
use crate::sys::process::Exit;
use crate::sys::{io, process, signal};

/// Signals that PID 1 listens to.
const SIGNALS: [i32; 5] = [libc::SIGCHLD, libc::SIGTERM, libc::SIGINT, libc::SIGUSR1, libc::SIGUSR2];

/// Everything that PID 1 looks after.
#[derive(Debug)]
pub(crate) struct Supervisor {
    /// Where everything is printed.
    pub(crate) console: Console,
    /// How the machine shall end, once somebody asked for it.
    pub(crate) request: Option<Ending>,
    /// Those who ask, and what they are told.
    pub(crate) control: Control,
    signals: OwnedFd,
    button: Option<PowerButton>,
    hierarchy: Option<Hierarchy>,
    running: Vec<Running>,
    /// Bundles whose surroundings are made.
    prepared: BTreeSet<String>,
}

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// A container ended.
    Ended(Ended),
    /// Another child ended: one that looked at a container, or ran a program in it.
    HelperEnded(i32, Exit),
    /// Somebody asks for something.
    Asked(Asked),
}

/// What a ready descriptor belongs to.
#[derive(Clone, Copy)]
enum Source {
    Signals,
    Button,
    Console,
    Control,
    /// Standard output or error of the container with this process.
    Output(i32),
}

impl Supervisor {
    /// Takes the signals of this process over.
    pub(crate) fn new(console: Console, hierarchy: Option<Hierarchy>) -> Result<Self, Failure> {
        let signals = signal::take(&SIGNALS).during("take", "signals")?;
        Ok(Self {
            console,
            request: None,
            control: Control::default(),
            signals,
            button: None,
            hierarchy,
            running: Vec::new(),
            prepared: BTreeSet::new(),
        })
    }

    /// Looks for power buttons and listens to them from now on.
    pub(crate) fn watch_power_button(&mut self) {
        self.button = PowerButton::find();
    }

    /// Starts a container.
    pub(crate) fn start(&mut self, bundle: &Bundle, config: &Rc<Config>) -> Result<(), Failure> {
        self.console.ring.limit(&bundle.name, config.service.log_limit);
        if !self.prepared.contains(&bundle.path) {
            surroundings::prepare(config, self.hierarchy.as_ref())?;
            self.prepared.insert(bundle.path.clone());
        }
        let started = container::start(bundle, config, self.hierarchy.as_ref())?;
        self.running.push(Running::new(bundle.clone(), Rc::clone(config), started));
        Ok(())
    }

    /// Asks a container to stop; it is killed if it takes too long. Its end comes with a later [`turn`](Self::turn).
    pub(crate) fn stop(&mut self, bundle: &Bundle) {
        for running in self.running.iter_mut().filter(|running| running.bundle() == bundle) {
            stop(running);
        }
    }

    /// Kills a container; its end comes with a later [`turn`](Self::turn).
    pub(crate) fn kill(&self, bundle: &Bundle) {
        for running in self.running.iter().filter(|running| running.bundle() == bundle) {
            let _ = signal::kill(running.pid(), libc::SIGKILL);
        }
    }

    /// A container that runs.
    pub(crate) fn find(&self, name: &str) -> Option<&Running> {
        self.running.iter().find(|running| running.bundle().name == name)
    }

    /// Whether a container runs.
    pub(crate) fn is_running(&self) -> bool {
        !self.running.is_empty()
    }

    /// Waits for something to happen, at most until `deadline`, and deals with it.
    pub(crate) fn turn(&mut self, deadline: Option<Instant>) -> Vec<Event> {
        let mut events = Vec::new();
        self.control.tell(&self.console.ring);
        let kill_at = self.running.iter().filter_map(|running| running.kill_at).min();
        for source in self.wait(deadline.into_iter().chain(kill_at).min()) {
            match source {
                Source::Signals => events.extend(self.take_signals()),
                Source::Console => self.console.write_some(),
                Source::Control => events.extend(self.control.take().into_iter().map(Event::Asked)),
                Source::Button => {
                    if self.button.as_mut().is_some_and(PowerButton::was_pressed) {
                        self.ask(Ending::PowerOff, "the power button was pressed");
                    }
                }
                Source::Output(pid) => {
                    if let Some(running) = self.running.iter_mut().find(|running| running.pid() == pid) {
                        running.read_some(&mut self.console);
                    }
                }
            }
        }
        self.kill_late();
        events
    }

    /// Kills those that were asked to stop and did not.
    fn kill_late(&mut self) {
        let now = Instant::now();
        for running in self.running.iter_mut().filter(|running| running.kill_at.is_some_and(|at| at <= now)) {
            let patience = running.config().service.stop_timeout;
            self.console.say(format_args!(
                "{} did not stop in {}, killing it",
                running.bundle(),
                seconds(patience)
            ));
            let _ = signal::kill(running.pid(), libc::SIGKILL);
            running.kill_at = None;
        }
    }

    fn wait(&self, deadline: Option<Instant>) -> Vec<Source> {
        let mut sources = vec![Source::Signals];
        let mut fds: Vec<(BorrowedFd<'_>, Interest)> = vec![(self.signals.as_fd(), Interest::Read)];
        let mut add = |source, fd| {
            sources.push(source);
            fds.push(fd);
        };
        self.console.waits_for().into_iter().for_each(|fd| add(Source::Console, fd));
        self.control.waits_for().for_each(|fd| add(Source::Control, fd));
        self.button.iter().flat_map(PowerButton::waits_for).for_each(|fd| add(Source::Button, fd));
        for running in &self.running {
            running.waits_for().for_each(|fd| add(Source::Output(running.pid()), fd));
        }
        let timeout = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        // That the kernel is out of memory passes; it is no reason for PID 1 to spin or to stop.
        let Ok(ready) = io::poll(&fds, timeout) else {
            let _ = io::poll(&[], Some(Duration::from_millis(100)));
            return Vec::new();
        };
        let mut ready: Vec<Source> =
            sources.into_iter().zip(ready).filter_map(|(source, ready)| ready.then_some(source)).collect();
        ready.dedup_by(|a, b| matches!((a, b), (Source::Control, Source::Control)));
        ready
    }

    fn take_signals(&mut self) -> Vec<Event> {
        while let Some(signal) = signal::next(self.signals.as_fd()) {
            if let Some(ending) = Ending::from_signal(signal) {
                self.ask(ending, &format!("signal {signal}"));
            }
        }
        // One SIGCHLD can stand for many children, and some are orphans of containers.
        let mut events = Vec::new();
        while let Some((pid, exit)) = process::reap() {
            events.push(match self.running.iter().position(|running| running.pid() == pid) {
                Some(index) => Event::Ended(self.running.swap_remove(index).end(exit, &mut self.console)),
                None => Event::HelperEnded(pid, exit),
            });
        }
        events
    }

    /// Asks for the end of the machine; the first who asks decides.
    pub(crate) fn ask(&mut self, ending: Ending, why: &str) {
        if self.request.is_none() {
            self.console.say(format_args!("stopping: {why}"));
            self.request = Some(ending);
        }
    }

    /// Stops all containers, those that others wait for after the others. Whoever takes too long is killed.
    pub(crate) fn stop_all(&mut self) {
        while self.is_running() {
            let needed: BTreeSet<String> = self.running.iter().flat_map(waits).collect();
            let is_free = |running: &&mut Running| !needed.contains(&running.bundle().name);
            self.running.iter_mut().filter(is_free).for_each(stop);
            // Names in a circle are refused before, but this must end.
            if self.running.iter().all(|running| running.kill_at.is_none()) {
                self.running.iter_mut().for_each(stop);
            }
            let count = self.running.len();
            let longest = self.running.iter().map(|running| running.config().service.stop_timeout).max();
            let deadline = Instant::now() + longest.unwrap_or_default() + Duration::from_secs(2);
            while self.running.len() == count && Instant::now() < deadline {
                self.turn(Some(deadline));
            }
            if self.running.len() == count {
                return; // killed, and not even that ended one
            }
        }
    }
}

/// The names of those that a container waited for.
fn waits(running: &Running) -> impl Iterator<Item = String> + use<> {
    let service = &running.config().service;
    service.after.iter().chain(&service.requires).cloned().collect::<Vec<_>>().into_iter()
}

/// Asks a container to stop, once.
fn stop(running: &mut Running) {
    if running.kill_at.is_some() {
        return;
    }
    let service = &running.config().service;
    let (pid, number, patience) = (running.pid(), service.stop_signal, service.stop_timeout);
    running.kill_at = Some(Instant::now() + patience);
    let read = |name: &str| files::read_text(&format!("/proc/{pid}/{name}")).unwrap_or_default();
    // In this order, and before the signal wakes it: one that begins to wait for signals meanwhile is seen by either.
    let (status, call) = (read("status"), read("syscall"));
    let _ = signal::kill(pid, number);
    // The first process of a pid namespace does not even die of a signal that it has no handler for.
    if !cares_for(&status, number) && !waits_for_signals(&call) {
        let _ = signal::kill(pid, libc::SIGKILL);
    }
}

/// A time as people say it.
pub(crate) fn seconds(time: Duration) -> String {
    match time.as_millis() {
        millis if millis < 1000 => format!("{millis} ms"),
        millis if millis % 1000 != 0 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        millis => format!("{} s", millis / 1000),
    }
}

/// Whether a process, by its `/proc/PID/status`, has a handler for a signal, or blocks or ignores it on purpose. If
/// in doubt it does.
fn cares_for(status: &str, signal: i32) -> bool {
    let mask = |name: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(name))?;
        u64::from_str_radix(value.trim(), 16).ok()
    };
    let masks = [mask("SigBlk:"), mask("SigIgn:"), mask("SigCgt:")];
    masks.iter().any(|mask| mask.is_none_or(|mask| mask & 1 << (signal - 1) != 0))
}

/// Whether a process, by its `/proc/PID/syscall`, waits in `rt_sigtimedwait`. What it blocks then is not shown as blocked: small
/// first processes of containers spend their lives like this.
fn waits_for_signals(call: &str) -> bool {
    let number = call.split_whitespace().next().and_then(|number| number.parse().ok());
    number == Some(libc::SYS_rt_sigtimedwait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_who_waits_for_signals() {
        let call = format!("{} 0x7ffd 0x7ffd 0x7ffd 0x8 0x0 0x0 0x7ffd 0x7f00\n", libc::SYS_rt_sigtimedwait);
        assert!(waits_for_signals(&call));
        assert!(!waits_for_signals("running\n"));
        assert!(!waits_for_signals("-1 0x7ffd 0x7f00\n"));
        assert!(!waits_for_signals(""));
    }

    #[test]
    fn knows_who_cares_for_a_request_to_stop() {
        let status = |block, ignore, catch| {
            format!("Name:\tx\nSigBlk:\t{block}\nSigIgn:\t{ignore}\nSigCgt:\t{catch}\n")
        };
        let (zero, term) = ("0000000000000000", "0000000000004000");
        assert!(!cares_for(&status(zero, zero, zero), libc::SIGTERM));
        assert!(!cares_for(&status(zero, zero, "0000000000010000"), libc::SIGTERM));
        assert!(cares_for(&status(term, zero, zero), libc::SIGTERM));
        assert!(cares_for(&status(zero, term, zero), libc::SIGTERM));
        assert!(cares_for(&status(zero, zero, term), libc::SIGTERM));
        assert!(cares_for("", libc::SIGTERM));
    }
}
