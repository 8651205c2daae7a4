//! Services: started when what they wait for is there, watched, and started again as they say.

mod asked;
mod watching;

use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::assessment;
use crate::bundle::Bundle;
use crate::cmdline::{Options, WhenDone};
use crate::config::{Config, OnFailure, Probe, Restart};
use crate::power::Ending;
use crate::probes::Watch;
use crate::running::{Ended, Outcome};
use crate::supervisor::{Event, Supervisor, seconds};
use crate::sys::process::Exit;

/// The longest wait before a restart, unless the first one is longer; each failure in a row doubles it.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A service that ran this long is healthy: its next restart waits the shortest time again.
const HEALTHY: Duration = Duration::from_secs(60);

/// All services.
#[derive(Debug)]
pub(crate) struct Services {
    units: Vec<Unit>,
    /// Programs that run in containers for somebody who asked: process and client.
    programs: Vec<(i32, u64)>,
    on_failure: Ending,
    is_up: bool,
    assessment: Assessment,
}

/// Whether this boot was a good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Assessment {
    /// That depends on what becomes of the services.
    Open,
    /// It was, and is marked so.
    Good,
    /// It is not: a service can't even be read.
    Bad,
}

/// One service.
#[derive(Debug)]
struct Unit {
    bundle: Bundle,
    config: Rc<Config>,
    state: State,
    watch: Watch,
    /// How often in a row it ended soon.
    failures: u64,
    /// The last wait before a restart.
    waited: Duration,
    /// Whether it is being stopped because it is not well.
    unwell: bool,
    /// What was asked for, while it is being stopped.
    wanted: Option<Wanted>,
    /// How often it was started.
    starts: u64,
}

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// It starts as soon as what it waits for is there.
    Waiting,
    /// It runs and is not ready.
    Starting,
    /// It runs and is ready.
    Ready,
    /// It starts then, after an end that was good or bad.
    Delayed(Instant, Good),
    /// It ended well, and does not start again.
    Done,
    /// Somebody stopped it.
    Stopped,
    /// It has failed for good.
    Failed,
}

/// Whether something went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Good {
    Yes,
    No,
}

/// What becomes of a service that is being stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Stopped,
    Restarted,
}

/// What another service is to one that waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum There {
    /// It is ready, or has ended well.
    Ready,
    /// It has ended, and may start again.
    Ended,
    /// It will never be ready.
    Never,
    /// That is not known yet.
    NotYet,
}

/// Starts all services and looks after them until the machine is to end.
pub(crate) fn serve(supervisor: &mut Supervisor, bundles: &[Bundle], options: &Options) -> Ending {
    let mut services = Services::new(supervisor, bundles, options.on_failure);
    loop {
        // In this order: one that is found ready may be what another waits for.
        services.look_at_all(supervisor);
        services.start_all(supervisor);
        if !services.is_up && services.units.iter().all(|unit| !unit.is_on_its_way()) {
            services.is_up = true;
            supervisor.console.say("up");
        }
        services.assess(supervisor);
        if let Some(ending) = supervisor.request {
            return ending;
        }
        if options.when_done == WhenDone::PowerOff && services.are_done() {
            supervisor.console.say("stopping: all services have ended");
            return Ending::PowerOff;
        }
        for event in supervisor.turn(services.due()) {
            match event {
                Event::Ended(ended) => services.ended(supervisor, ended),
                Event::HelperEnded(pid, exit) => services.helper_ended(supervisor, pid, exit),
                Event::Asked(asked) => services.answer(supervisor, asked),
            }
        }
    }
}

impl Services {
    fn new(supervisor: &mut Supervisor, bundles: &[Bundle], on_failure: Ending) -> Self {
        let mut services = Self {
            units: Vec::new(),
            programs: Vec::new(),
            on_failure,
            is_up: false,
            assessment: Assessment::Open,
        };
        for bundle in bundles {
            match bundle.config() {
                Ok(config) => services.units.push(Unit::new(bundle.clone(), Rc::new(config))),
                Err(failure) => {
                    services.assessment = Assessment::Bad;
                    supervisor.console.say(format_args!("{}: {failure}", bundle.name));
                }
            }
        }
        services
    }

    /// Marks the boot as good, once, when the machine is up and no service has failed, or is about to be tried again because it did.
    fn assess(&mut self, supervisor: &mut Supervisor) {
        if self.is_up && self.assessment == Assessment::Open && self.units.iter().all(Unit::is_well) {
            self.assessment = Assessment::Good;
            assessment::mark_good(&mut supervisor.console);
        }
    }

    fn find(&mut self, name: &str) -> Option<&mut Unit> {
        self.units.iter_mut().find(|unit| unit.bundle.name == name)
    }

    /// When something is to be done without anything happening.
    fn due(&self) -> Option<Instant> {
        let of = |unit: &Unit| match unit.state {
            State::Delayed(at, _) => Some(at),
            _ => unit.watch.due(),
        };
        self.units.iter().filter_map(of).min()
    }

    fn are_done(&self) -> bool {
        let ended = |unit: &Unit| matches!(unit.state, State::Done | State::Failed | State::Stopped);
        self.units.iter().all(ended)
    }

    /// Starts those whose time has come and for whom all is there.
    fn start_all(&mut self, supervisor: &mut Supervisor) {
        let now = Instant::now();
        for unit in &mut self.units {
            if matches!(unit.state, State::Delayed(at, _) if at <= now) {
                unit.state = State::Waiting;
            }
        }
        // One that starts, or can't, may be what another one waits for.
        let mut changed = true;
        while changed && supervisor.request.is_none() {
            changed = false;
            for index in 0..self.units.len() {
                if self.units[index].state != State::Waiting {
                    continue;
                }
                match self.is_free(index) {
                    Ok(true) => self.start(supervisor, index),
                    Ok(false) => continue,
                    Err(name) => {
                        let bundle = &self.units[index].bundle;
                        supervisor.console.say(format_args!("{bundle} cannot start without {name}"));
                        self.fail(supervisor, index);
                    }
                }
                changed = true;
            }
        }
    }

    /// Whether all that a service waits for is there; an error is the name of what will never be.
    fn is_free(&self, index: usize) -> Result<bool, String> {
        let service = &self.units[index].config.service;
        let mut free = true;
        for name in &service.requires {
            match self.is_there(name) {
                There::Ready => {}
                There::Never => return Err(name.clone()),
                There::Ended | There::NotYet => free = false,
            }
        }
        let after = service.after.iter().all(|name| self.is_there(name) != There::NotYet);
        Ok(free && after)
    }

    /// What is known of another service. One that there isn't ran at boot.
    fn is_there(&self, name: &str) -> There {
        let Some(unit) = self.units.iter().find(|unit| unit.bundle.name == name) else { return There::Ready };
        match unit.state {
            State::Ready | State::Done | State::Delayed(_, Good::Yes) => There::Ready,
            State::Failed | State::Stopped => There::Never,
            State::Delayed(_, Good::No) => There::Ended,
            State::Waiting | State::Starting => There::NotYet,
        }
    }

    /// Starts a service. One that cannot be started is told, and the others go on.
    fn start(&mut self, supervisor: &mut Supervisor, index: usize) {
        let unit = &mut self.units[index];
        unit.unwell = false;
        unit.starts += 1;
        if let Err(failure) = supervisor.start(&unit.bundle, &unit.config) {
            supervisor.console.say(format_args!("{}: {failure}", unit.bundle.name));
            self.after_end(supervisor, index, Good::No, Duration::ZERO);
            return;
        }
        unit.started();
    }

    /// Takes note of the end of a container.
    fn ended(&mut self, supervisor: &mut Supervisor, ended: Ended) {
        let Ended { bundle, outcome, lived, .. } = ended;
        let Some(index) = self.units.iter().position(|unit| unit.bundle == bundle) else { return };
        let unit = &mut self.units[index];
        unit.watch = Watch::default();
        if let Some(wanted) = unit.wanted.take() {
            unit.failures = 0;
            unit.state = match wanted {
                Wanted::Stopped => State::Stopped,
                Wanted::Restarted => State::Waiting,
            };
            return supervisor.console.say(format_args!("{bundle} {outcome}"));
        }
        let good = outcome == Outcome::Exit(Exit::Code(0)) && !unit.unwell;
        let good = if good { Good::Yes } else { Good::No };
        let again = self.after_end(supervisor, index, good, lived);
        let again = again.map_or(String::new(), |wait| format!("; it starts again in {}", seconds(wait)));
        supervisor.console.say(format_args!("{bundle} {outcome}{again}"));
        self.give_up(supervisor, index);
    }

    /// Decides what comes after an end, and gives the time until it starts again.
    fn after_end(
        &mut self,
        supervisor: &mut Supervisor,
        index: usize,
        good: Good,
        lived: Duration,
    ) -> Option<Duration> {
        let unit = &mut self.units[index];
        let wait = unit.wait_after(good, lived);
        unit.state = match (wait, good) {
            (Some(wait), _) => State::Delayed(Instant::now() + wait, good),
            (None, Good::Yes) => State::Done,
            (None, Good::No) => State::Failed,
        };
        if unit.state == State::Failed && unit.failures > 1 {
            let times = unit.failures;
            supervisor.console.say(format_args!("{} has failed {times} times, and stays ended", unit.bundle));
        }
        if lived == Duration::ZERO {
            self.give_up(supervisor, index);
        }
        wait
    }

    fn fail(&mut self, supervisor: &mut Supervisor, index: usize) {
        self.units[index].state = State::Failed;
        self.give_up(supervisor, index);
    }

    /// Ends the machine if a service has failed without which it must not go on.
    fn give_up(&mut self, supervisor: &mut Supervisor, index: usize) {
        let unit = &self.units[index];
        if unit.state == State::Failed && unit.config.service.on_failure == Some(OnFailure::Stop) {
            supervisor.ask(self.on_failure, &format!("{} has failed", unit.bundle));
        }
    }
}

impl Unit {
    fn new(bundle: Bundle, config: Rc<Config>) -> Self {
        Self {
            bundle,
            config,
            state: State::Waiting,
            watch: Watch::default(),
            failures: 0,
            waited: Duration::ZERO,
            unwell: false,
            wanted: None,
            starts: 0,
        }
    }

    /// Whether it has yet to become what it shall be.
    fn is_on_its_way(&self) -> bool {
        matches!(self.state, State::Waiting | State::Starting)
    }

    /// Whether it is what it shall be, or what somebody wanted.
    fn is_well(&self) -> bool {
        matches!(self.state, State::Ready | State::Done | State::Stopped | State::Delayed(_, Good::Yes))
    }

    /// Takes note that its container runs.
    fn started(&mut self) {
        match &self.config.service.ready {
            Some(ready) => {
                self.state = State::Starting;
                let at_once = if ready.probe == Probe::Exit { ready.timeout } else { Duration::ZERO };
                self.watch = Watch::after(at_once);
            }
            None => self.ready(),
        }
    }

    /// Takes note that it is ready.
    fn ready(&mut self) {
        self.state = State::Ready;
        self.watch = match &self.config.service.health {
            Some(health) => Watch::after(health.interval),
            None => Watch::default(),
        };
    }

    /// The time until it starts again after an end, if it does.
    fn wait_after(&mut self, good: Good, lived: Duration) -> Option<Duration> {
        let service = &self.config.service;
        if lived >= HEALTHY {
            self.failures = 0;
        }
        let again = match service.restart {
            Restart::Always => true,
            Restart::OnFailure => good == Good::No,
            Restart::Never => false,
        };
        if !again {
            self.failures = if good == Good::Yes { 0 } else { self.failures + 1 };
            return service.every;
        }
        self.failures += 1;
        if service.restart_limit.is_some_and(|limit| self.failures > limit) {
            return None;
        }
        let first = service.restart_wait;
        self.waited = if self.failures == 1 { first } else { (self.waited * 2).min(LONGEST_WAIT.max(first)) };
        Some(self.waited)
    }
}

#[cfg(test)]
mod tests;
