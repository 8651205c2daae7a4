//! The event loop: containers' output and ends, signals, the power button, the console.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use crate::bundle::Bundle;
use crate::cgroup::Hierarchy;
use crate::config::Config;
use crate::console::Console;
use crate::container;
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
    signals: OwnedFd,
    button: Option<PowerButton>,
    hierarchy: Option<Hierarchy>,
    running: Vec<Running>,
}

/// What a ready descriptor belongs to.
#[derive(Clone, Copy)]
enum Source {
    Signals,
    Button,
    Console,
    /// Standard output or error of the container with this process.
    Output(i32),
}

impl Supervisor {
    /// Takes the signals of this process over.
    pub(crate) fn new(console: Console, hierarchy: Option<Hierarchy>) -> Result<Self, Failure> {
        let signals = signal::take(&SIGNALS).during("take", "signals")?;
        Ok(Self { console, request: None, signals, button: None, hierarchy, running: Vec::new() })
    }

    /// Looks for power buttons and listens to them from now on.
    pub(crate) fn watch_power_button(&mut self) {
        self.button = PowerButton::find();
    }

    /// Starts a container.
    pub(crate) fn start(&mut self, bundle: &Bundle, config: &Config) -> Result<(), Failure> {
        let started = container::start(bundle, config, self.hierarchy.as_ref())?;
        self.running.push(Running::new(bundle.clone(), config, started));
        Ok(())
    }

    /// Kills a container; its end comes with a later [`turn`](Self::turn).
    pub(crate) fn kill(&self, bundle: &Bundle) {
        for running in self.running.iter().filter(|running| running.bundle() == bundle) {
            let _ = signal::kill(running.pid(), libc::SIGKILL);
        }
    }

    /// Whether a container runs.
    pub(crate) fn is_running(&self) -> bool {
        !self.running.is_empty()
    }

    /// Waits for something to happen, at most until `deadline`, and deals with it. Gives the containers that ended.
    pub(crate) fn turn(&mut self, deadline: Option<Instant>) -> Vec<Ended> {
        let mut ended = Vec::new();
        for source in self.wait(deadline) {
            match source {
                Source::Signals => ended.extend(self.take_signals()),
                Source::Console => self.console.write_some(),
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
        ended
    }

    fn wait(&self, deadline: Option<Instant>) -> Vec<Source> {
        let mut sources = vec![Source::Signals];
        let mut fds: Vec<(BorrowedFd<'_>, Interest)> = vec![(self.signals.as_fd(), Interest::Read)];
        let mut add = |source, fd| {
            sources.push(source);
            fds.push(fd);
        };
        self.console.waits_for().into_iter().for_each(|fd| add(Source::Console, fd));
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
        sources.into_iter().zip(ready).filter_map(|(source, ready)| ready.then_some(source)).collect()
    }

    fn take_signals(&mut self) -> Vec<Ended> {
        while let Some(signal) = signal::next(self.signals.as_fd()) {
            if let Some(ending) = Ending::from_signal(signal) {
                self.ask(ending, &format!("signal {signal}"));
            }
        }
        // One SIGCHLD can stand for many children, and some are orphans of containers.
        let mut ended = Vec::new();
        while let Some((pid, exit)) = process::reap() {
            ended.extend(self.end(pid, exit));
        }
        ended
    }

    fn ask(&mut self, ending: Ending, why: &str) {
        if self.request.is_none() {
            self.console.say(format_args!("stopping: {why}"));
            self.request = Some(ending);
        }
    }

    fn end(&mut self, pid: i32, exit: Exit) -> Option<Ended> {
        let index = self.running.iter().position(|running| running.pid() == pid)?;
        Some(self.running.swap_remove(index).end(exit, &mut self.console))
    }

    /// Asks all containers to stop, waits for them up to `patience`, and then kills them.
    pub(crate) fn stop_all(&mut self, patience: Duration) {
        for running in &self.running {
            let pid = running.pid();
            let _ = signal::kill(pid, libc::SIGTERM);
            // The first process of a pid namespace does not even die of a signal that it has no handler for.
            let status = files::read_text(&format!("/proc/{pid}/status")).unwrap_or_default();
            if !cares_for_term(&status) {
                let _ = signal::kill(pid, libc::SIGKILL);
            }
        }
        self.turn_until_all_ended(patience);
        for running in &self.running {
            let message =
                format!("{} did not stop in {} s, killing it", running.bundle(), patience.as_secs());
            self.console.say(message);
            let _ = signal::kill(running.pid(), libc::SIGKILL);
        }
        self.turn_until_all_ended(Duration::from_secs(2));
    }

    fn turn_until_all_ended(&mut self, patience: Duration) {
        let deadline = Instant::now() + patience;
        while self.is_running() && Instant::now() < deadline {
            self.turn(Some(deadline));
        }
    }
}

/// Whether a process, by its `/proc/PID/status`, has a handler for SIGTERM, or blocks or ignores it on purpose. If
/// in doubt it does.
fn cares_for_term(status: &str) -> bool {
    let mask = |name: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(name))?;
        u64::from_str_radix(value.trim(), 16).ok()
    };
    let masks = [mask("SigBlk:"), mask("SigIgn:"), mask("SigCgt:")];
    masks.iter().any(|mask| mask.is_none_or(|mask| mask & 1 << (libc::SIGTERM - 1) != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_who_cares_for_a_request_to_stop() {
        let status = |block, ignore, catch| {
            format!("Name:\tx\nSigBlk:\t{block}\nSigIgn:\t{ignore}\nSigCgt:\t{catch}\n")
        };
        let (zero, term) = ("0000000000000000", "0000000000004000");
        assert!(!cares_for_term(&status(zero, zero, zero)));
        assert!(!cares_for_term(&status(zero, zero, "0000000000010000")));
        assert!(cares_for_term(&status(term, zero, zero)));
        assert!(cares_for_term(&status(zero, term, zero)));
        assert!(cares_for_term(&status(zero, zero, term)));
        assert!(cares_for_term(""));
    }
}
