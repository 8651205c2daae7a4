//! Whether services are ready and well.

use std::time::{Duration, Instant};

use super::{Services, State};
use crate::config::{Health, Probe, Ready};
use crate::probes::{self, Finding};
use crate::supervisor::{Supervisor, seconds};
use crate::sys::process::Exit;
use crate::sys::signal;

/// How long a look at whether a service is ready may take.
const LOOK: Duration = Duration::from_secs(10);

impl Services {
    /// Looks at those whose time has come, and stops looks that take too long.
    pub(super) fn look_at_all(&mut self, supervisor: &mut Supervisor) {
        let now = Instant::now();
        for index in 0..self.units.len() {
            let watch = &mut self.units[index].watch;
            if let Some((pid, _)) = watch.looking.filter(|(_, deadline)| *deadline <= now) {
                // Its end comes as one that found something bad.
                let _ = signal::kill(pid, libc::SIGTERM);
                watch.looking = Some((pid, now + LOOK));
            }
            if watch.next.is_some_and(|next| next <= now) {
                watch.next = None;
                self.look_at(supervisor, index);
            }
        }
        // Nobody waits for the end of a program whose client is gone.
        for (pid, client) in &self.programs {
            if !supervisor.control.is_there(*client) {
                let _ = signal::kill(*pid, libc::SIGTERM);
            }
        }
    }

    fn look_at(&mut self, supervisor: &mut Supervisor, index: usize) {
        let unit = &self.units[index];
        let service = &unit.config.service;
        let Some(running) = supervisor.find(&unit.bundle.name) else { return };
        let (probe, timeout) = match (&unit.state, &service.ready, &service.health) {
            (State::Starting, Some(ready), _) => (&ready.probe, LOOK.min(ready.timeout)),
            (State::Ready, _, Some(health)) => (&health.probe, health.timeout),
            _ => return,
        };
        match probes::look(running, probe) {
            Ok(Finding::Later(pid)) => {
                self.units[index].watch.looking = Some((pid, Instant::now() + timeout));
            }
            Ok(finding) => self.found(supervisor, index, finding),
            Err(failure) => {
                supervisor.console.say(format_args!("{}: {failure}", unit.bundle.name));
                self.found(supervisor, index, Finding::Bad);
            }
        }
    }

    /// Takes note of the end of a process that looked, or of a program that somebody asked for.
    pub(super) fn helper_ended(&mut self, supervisor: &mut Supervisor, pid: i32, exit: Exit) {
        if let Some(at) = self.programs.iter().position(|(program, _)| *program == pid) {
            let (_, client) = self.programs.swap_remove(at);
            let code = match exit {
                Exit::Code(code) => code,
                Exit::Signal(number) => 128 + number,
            };
            return supervisor.control.finish(client, format!("exit {code}"));
        }
        let looked = |unit: &super::Unit| unit.watch.looking.is_some_and(|(looking, _)| looking == pid);
        if let Some(index) = self.units.iter().position(looked) {
            self.units[index].watch.looking = None;
            self.found(supervisor, index, probes::finding(exit));
        }
    }

    fn found(&mut self, supervisor: &mut Supervisor, index: usize, finding: Finding) {
        let service = &self.units[index].config.service;
        match (&self.units[index].state, service.ready.clone(), service.health.clone()) {
            (State::Starting, Some(ready), _) => self.found_starting(supervisor, index, finding, &ready),
            (State::Ready, _, Some(health)) => self.found_ready(supervisor, index, finding, &health),
            _ => {}
        }
    }

    fn found_starting(&mut self, supervisor: &mut Supervisor, index: usize, finding: Finding, ready: &Ready) {
        let unit = &mut self.units[index];
        let age = supervisor.find(&unit.bundle.name).map_or(Duration::ZERO, crate::running::Running::age);
        if finding == Finding::Good {
            supervisor.console.say(format_args!("{} is ready", unit.bundle));
            unit.ready();
        } else if age >= ready.timeout {
            let what = if ready.probe == Probe::Exit { "did not end" } else { "was not ready" };
            supervisor.console.say(format_args!("{} {what} in {}", unit.bundle, seconds(ready.timeout)));
            unit.unwell = true;
            supervisor.stop(&unit.bundle);
        } else {
            unit.watch.next = Some(Instant::now() + ready.interval.min(ready.timeout.saturating_sub(age)));
        }
    }

    fn found_ready(&mut self, supervisor: &mut Supervisor, index: usize, finding: Finding, health: &Health) {
        let unit = &mut self.units[index];
        let age = supervisor.find(&unit.bundle.name).map_or(Duration::ZERO, crate::running::Running::age);
        let counts = age >= health.start_period;
        unit.watch.failures = match finding {
            Finding::Good => 0,
            _ => unit.watch.failures + u64::from(counts),
        };
        if unit.watch.failures >= health.retries {
            supervisor.console.say(format_args!(
                "{} is not well: {} looks in a row have failed",
                unit.bundle, unit.watch.failures
            ));
            unit.unwell = true;
            supervisor.stop(&unit.bundle);
        } else {
            unit.watch.next = Some(Instant::now() + health.interval);
        }
    }
}
