//! Runs a machine, shows its console, and ends it when enough was seen.

use std::fmt;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use kit_sandbox::{Job, Killer, Sandbox, Status};

use super::serial::{Sign, Watcher};
use super::{MachineError, monitor};

/// How long a machine may take to power off once it is asked to.
const POWER_OFF: Duration = Duration::from_secs(30);
/// How long the console is shown further after a panic: what follows it says why.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How a machine ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// It printed the awaited text; then it powered off or was ended.
    Reached {
        /// From power-on to the text.
        after: Duration,
        /// Whether it powered off in order.
        power_off: PowerOff,
    },
    /// Nothing was awaited, and it ended.
    Ended {
        /// From power-on to the end.
        after: Duration,
    },
    /// It isn't what was asked for.
    Failed(MachineError),
}

/// What a machine did when it was asked to power off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PowerOff {
    /// It did, in order.
    Orderly,
    /// It didn't in time, and was ended.
    Forced,
}

impl Ending {
    /// Returns one word for programs.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Reached { power_off: PowerOff::Orderly, .. } => "powered-off",
            Self::Reached { power_off: PowerOff::Forced, .. } => "forced",
            Self::Ended { .. } => "ended",
            Self::Failed(_) => "failed",
        }
    }

    /// Returns the milliseconds from power-on to what was awaited, or to the end.
    pub(crate) fn millis(&self) -> Option<u64> {
        match self {
            Self::Reached { after, .. } | Self::Ended { after } => u64::try_from(after.as_millis()).ok(),
            Self::Failed(_) => None,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reached { after, power_off } => {
                write!(f, "up after {:.1} s", after.as_secs_f64())?;
                match power_off {
                    PowerOff::Orderly => f.write_str(", powered off in order"),
                    PowerOff::Forced => f.write_str("; did not power off when asked, so it was ended"),
                }
            }
            Self::Ended { after } => write!(f, "ended after {:.1} s", after.as_secs_f64()),
            Self::Failed(error) => write!(f, "{error}"),
        }
    }
}

/// Runs a machine to its end. Once `until` appears, it is asked to power off; after a failure it is ended.
pub(crate) fn watch(
    sandbox: &Sandbox,
    job: &Job,
    scratch: &Path,
    until: Option<&str>,
    show: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<Ending, MachineError> {
    let started = Instant::now();
    let mut running = sandbox.spawn(job).map_err(MachineError::Sandbox)?;
    let mut console = running.take_output().expect("because the output is captured");
    let (killer, watchdog) = (running.killer(), running.killer());
    let (deadline, deadlines) = mpsc::channel();
    let seen = std::thread::scope(|scope| {
        scope.spawn(move || end_in_time(&deadlines, &watchdog));
        let seen = read(&mut console, scratch, until, show, &deadline, started);
        // Whoever can't show the console any more has no use for the machine.
        if seen.is_err() {
            killer.kill();
        }
        drop(deadline);
        seen
    })
    .map_err(MachineError::Console)?;
    let status = running.wait().map_err(MachineError::Sandbox)?.status;
    Ok(ending(seen, status, until, job, started))
}

/// Ends the machine when the last deadline that was set has passed.
fn end_in_time(deadlines: &Receiver<Instant>, killer: &Killer) {
    let Ok(mut deadline) = deadlines.recv() else { return };
    loop {
        match deadlines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(next) => deadline = next,
            Err(RecvTimeoutError::Timeout) => return killer.kill(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// The first sign and when it came.
type Seen = Option<(Sign, Duration)>;

fn read(
    console: &mut io::PipeReader,
    scratch: &Path,
    until: Option<&str>,
    show: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    deadline: &Sender<Instant>,
    started: Instant,
) -> io::Result<Seen> {
    let mut watcher = Watcher::new(until.map(str::to_owned));
    let mut seen = None;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = match console.read(&mut buffer) {
            Ok(0) => return Ok(seen),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        show(&buffer[..count])?;
        let sign = if seen.is_none() { watcher.see(&buffer[..count]) } else { None };
        if let Some(sign) = sign {
            seen = Some((sign, started.elapsed()));
            let asked = sign == Sign::Reached && monitor::power_down(scratch).is_ok();
            let patience = if asked || sign == Sign::BootFailed { POWER_OFF } else { LAST_WORDS };
            // Nobody listens only when the machine is gone.
            _ = deadline.send(Instant::now() + patience);
        }
    }
}

fn ending(seen: Seen, status: Status, until: Option<&str>, job: &Job, started: Instant) -> Ending {
    match (seen, until) {
        (Some((Sign::Reached, after)), _) => {
            let orderly = status == Status::Exited(0);
            let power_off = if orderly { PowerOff::Orderly } else { PowerOff::Forced };
            Ending::Reached { after, power_off }
        }
        (Some((Sign::Panic, _)), _) => Ending::Failed(MachineError::Panic),
        (Some((Sign::Refused, _)), _) => Ending::Failed(MachineError::Refused),
        (Some((Sign::BootFailed, _)), _) => Ending::Failed(MachineError::BootFailed),
        (None, Some(until)) if status == Status::TimedOut => {
            let seconds = job.limits.wall.map_or(0, |wall| wall.as_secs());
            Ending::Failed(MachineError::Timeout { until: until.to_owned(), seconds })
        }
        (None, until) => match (MachineError::of_emulator(status), until) {
            (Some(error), _) => Ending::Failed(error),
            (None, Some(until)) => Ending::Failed(MachineError::EndedEarly { until: until.to_owned() }),
            (None, None) => Ending::Ended { after: started.elapsed() },
        },
    }
}
