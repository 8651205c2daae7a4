//! Services: started together, started again as their restart policy says.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::bundle::Bundle;
use crate::cmdline::WhenDone;
use crate::config::Restart;
use crate::power::Ending;
use crate::running::{Ended, Outcome};
use crate::supervisor::Supervisor;
use crate::sys::process::Exit;

/// The first wait before a restart, and the longest; each failure in a row doubles it.
const WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// A service that ran this long is healthy: its next restart waits the shortest time again.
const HEALTHY: Duration = Duration::from_secs(60);

/// Starts all services and looks after them until the machine is to end.
pub(crate) fn serve(supervisor: &mut Supervisor, bundles: &[Bundle], when_done: WhenDone) -> Ending {
    let mut restarts = Restarts::default();
    for bundle in bundles {
        start(supervisor, bundle, &mut restarts);
    }
    supervisor.console.say("up");
    loop {
        if let Some(ending) = supervisor.request {
            return ending;
        }
        if when_done == WhenDone::PowerOff && !supervisor.is_running() && restarts.due.is_empty() {
            supervisor.console.say("stopping: all services have ended");
            return Ending::PowerOff;
        }
        for ended in supervisor.turn(restarts.due.iter().map(|(time, _)| *time).min()) {
            let Ended { bundle, outcome, restart, lived, .. } = ended;
            let wait = restarts.after(&bundle, restart, &outcome, lived);
            let again =
                wait.map_or(String::new(), |wait| format!("; it starts again in {} s", wait.as_secs()));
            supervisor.console.say(format_args!("{bundle} {outcome}{again}"));
        }
        if supervisor.request.is_none() {
            for bundle in restarts.take_due(Instant::now()) {
                start(supervisor, &bundle, &mut restarts);
            }
        }
    }
}

/// Starts a service. One that cannot be started is told, and the others go on; it is tried again if it can become
/// possible, which a wrong configuration cannot.
fn start(supervisor: &mut Supervisor, bundle: &Bundle, restarts: &mut Restarts) {
    let config = match bundle.config() {
        Ok(config) => config,
        Err(failure) => return supervisor.console.say(format_args!("{}: {failure}", bundle.name)),
    };
    if let Err(failure) = supervisor.start(bundle, &config) {
        supervisor.console.say(format_args!("{}: {failure}", bundle.name));
        let outcome = Outcome::NotSetUp(String::new());
        let _ = restarts.after(bundle, config.restart, &outcome, Duration::ZERO);
    }
}

/// The services that wait to be started again.
#[derive(Debug, Default)]
struct Restarts {
    due: Vec<(Instant, Bundle)>,
    /// The last wait of each service.
    waits: BTreeMap<String, Duration>,
}

impl Restarts {
    /// Plans the restart of a service that ended, if there is one, and gives the time until then.
    fn after(
        &mut self,
        bundle: &Bundle,
        restart: Restart,
        outcome: &Outcome,
        lived: Duration,
    ) -> Option<Duration> {
        match restart {
            Restart::Never => return None,
            Restart::OnFailure if *outcome == Outcome::Exit(Exit::Code(0)) => return None,
            Restart::OnFailure | Restart::Always => {}
        }
        let last = self.waits.get(&bundle.name).filter(|_| lived < HEALTHY);
        let wait = last.map_or(WAIT.0, |last| (*last * 2).min(WAIT.1));
        self.waits.insert(bundle.name.clone(), wait);
        self.due.push((Instant::now() + wait, bundle.clone()));
        Some(wait)
    }

    fn take_due(&mut self, now: Instant) -> Vec<Bundle> {
        let (due, later) = std::mem::take(&mut self.due).into_iter().partition(|(time, _)| *time <= now);
        self.due = later;
        let due: Vec<(Instant, Bundle)> = due;
        due.into_iter().map(|(_, bundle)| bundle).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::Class;

    const DONE: Outcome = Outcome::Exit(Exit::Code(0));
    const FAILED: Outcome = Outcome::Exit(Exit::Code(1));

    fn waits(restart: Restart, ends: &[(Outcome, u64)]) -> Vec<Option<u64>> {
        let bundle = Bundle { name: "web".into(), class: Class::Services, path: "/x".into() };
        let mut restarts = Restarts::default();
        let mut after = |(outcome, lived): &(Outcome, u64)| {
            restarts.after(&bundle, restart, outcome, Duration::from_secs(*lived)).map(|wait| wait.as_secs())
        };
        ends.iter().map(&mut after).collect()
    }

    #[test]
    fn the_policy_decides() {
        let ends = [(DONE, 5), (FAILED, 5)];
        assert_eq!(waits(Restart::Never, &ends), [None, None]);
        assert_eq!(waits(Restart::OnFailure, &ends), [None, Some(1)]);
        assert_eq!(waits(Restart::Always, &ends), [Some(1), Some(2)]);
        assert_eq!(waits(Restart::OnFailure, &[(Outcome::OutOfMemory, 5)]), [Some(1)]);
    }

    #[test]
    fn the_wait_grows_and_is_forgotten() {
        let mut ends = vec![(FAILED, 0); 7];
        ends.push((FAILED, 60));
        let expected = [1, 2, 4, 8, 16, 30, 30, 1].map(Some);
        assert_eq!(waits(Restart::Always, &ends), expected);
    }

    #[test]
    fn services_come_back_when_their_time_has_come() {
        let bundle = Bundle { name: "web".into(), class: Class::Services, path: "/x".into() };
        let mut restarts = Restarts::default();
        let _ = restarts.after(&bundle, Restart::Always, &FAILED, Duration::ZERO);
        assert!(restarts.take_due(Instant::now()).is_empty());
        assert_eq!(restarts.take_due(Instant::now() + WAIT.1), [bundle]);
        assert!(restarts.due.is_empty());
    }
}
