//! A job that runs.

use std::io::PipeReader;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::process::{Child, ExitStatus};
use std::sync::Arc;

use crate::SandboxError;
use crate::cgroup::Cgroup;
use crate::outcome::{Outcome, Status, Unenforced};
use crate::sandbox::forbidding_setting;
use crate::wire::{End, Report, read_frame};

/// Request to the supervisor: end the job.
pub(crate) const KILL: u8 = b'k';

/// Request to the supervisor: go on without the caller.
pub(crate) const DETACH: u8 = b'd';

/// A job that was started. Dropping it kills the job and waits until no process of it is left.
#[derive(Debug)]
pub struct Running {
    pub(crate) child: Child,
    pub(crate) control: Arc<UnixStream>,
    pub(crate) output: Option<PipeReader>,
    pub(crate) cgroup: Option<Cgroup>,
    pub(crate) cpus: u32,
    pub(crate) unenforced: Vec<Unenforced>,
}

/// Ends a job from another thread.
#[derive(Clone, Debug)]
pub struct Killer {
    control: Arc<UnixStream>,
}

impl Killer {
    /// Has the job killed with all its processes; does nothing if it has ended. Does not wait.
    pub fn kill(&self) {
        // The supervisor can be gone already, and the job with it.
        (&*self.control).write_all(&[KILL]).ok();
    }
}

impl Running {
    /// Process id of the job's supervisor. Killing it kills the job, whoever does it.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the job writes, if its output is [captured](crate::Stdio::Captured); only once. Whoever takes it must read on to its end,
    /// or the job waits for them.
    pub fn take_output(&mut self) -> Option<PipeReader> {
        self.output.take()
    }

    /// A handle that ends the job while somebody waits for it.
    pub fn killer(&self) -> Killer {
        Killer { control: Arc::clone(&self.control) }
    }

    /// Has the job killed with all its processes; [`wait`](Self::wait) then tells how it ended. Does not wait.
    pub fn kill(&self) {
        self.killer().kill();
    }

    /// Waits until no process of the job is left, and tells how it ended. Output that nobody took is thrown away.
    pub fn wait(mut self) -> Result<Outcome, SandboxError> {
        if let Some(mut output) = self.output.take() {
            io::copy(&mut output, &mut io::sink()).map_err(|source| SandboxError::Talk { source })?;
        }
        let reports = read_reports(&self.control);
        let ended = self.child.wait().map_err(|source| SandboxError::Talk { source })?;
        let counted = self.cgroup.take().map(Cgroup::remove);
        let mut outcome = self.outcome(reports?, ended)?;
        let peak = counted.as_ref().and_then(|counted| counted.peak_bytes).unwrap_or(0);
        outcome.usage.peak_memory_bytes = outcome.usage.peak_memory_bytes.max(peak);
        if counted.is_some_and(|counted| counted.out_of_memory)
            && !matches!(outcome.status, Status::Exited(0))
        {
            outcome.status = Status::MemoryLimit;
        }
        Ok(outcome)
    }

    /// Lets the job go on by itself, even when this program ends, and returns the [pid](Self::pid) with which it can be killed. Waits
    /// until its command runs, so that what it needs to start can go away. Its time limit still holds; how it ends nobody will know.
    pub fn detach(mut self) -> Result<u32, SandboxError> {
        self.wait_for_start()?;
        (&*self.control).write_all(&[DETACH]).map_err(|source| SandboxError::Talk { source })?;
        self.cgroup.take();
        let pid = self.child.id();
        std::mem::forget(self);
        Ok(pid)
    }

    /// Waits until the job's command runs, or can't.
    fn wait_for_start(&mut self) -> Result<(), SandboxError> {
        match read_report(&mut &*self.control)? {
            Some(Report::Failed(failure)) => Err(SandboxError::from_failure(failure, forbidding_setting)),
            Some(Report::Started | Report::Finished { .. }) => Ok(()),
            None => {
                let ended = self.child.wait().map_err(|source| SandboxError::Talk { source })?;
                Err(SandboxError::HelperLost { ended: ended.to_string() })
            }
        }
    }

    fn outcome(&self, reports: Vec<Report>, ended: ExitStatus) -> Result<Outcome, SandboxError> {
        let mut outcome = Err(SandboxError::HelperLost { ended: ended.to_string() });
        for report in reports {
            match report {
                Report::Failed(failure) => {
                    return Err(SandboxError::from_failure(failure, forbidding_setting));
                }
                Report::Started => {}
                Report::Finished { end, usage } => {
                    let status = match end {
                        End::Exited(code) => Status::Exited(code),
                        End::Signalled(signal) => Status::Signalled(signal),
                        End::TimedOut => Status::TimedOut,
                        End::Stopped => Status::Killed,
                    };
                    outcome =
                        Ok(Outcome { status, usage, cpus: self.cpus, unenforced: self.unenforced.clone() });
                }
            }
        }
        outcome
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing to do about an error here; after `wait` there is nothing to do at all.
        self.output.take();
        self.control.shutdown(Shutdown::Both).ok();
        self.child.wait().ok();
    }
}

/// Everything that the helper has to say.
fn read_reports(control: &UnixStream) -> Result<Vec<Report>, SandboxError> {
    let mut bytes = Vec::new();
    match (&*control).read_to_end(&mut bytes) {
        // The supervisor was killed before it had read all that we wrote.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
        read => drop(read.map_err(|source| SandboxError::Talk { source })?),
    }
    let mut reports = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some(report) = read_report(&mut rest)? {
        reports.push(report);
    }
    Ok(reports)
}

/// The next thing that the helper has to say; `None` when it says no more.
fn read_report(source: &mut impl Read) -> Result<Option<Report>, SandboxError> {
    let talk = |source| SandboxError::Talk { source };
    let Some(frame) = read_frame(source).map_err(talk)? else { return Ok(None) };
    let report = Report::decode(&frame);
    report.map(Some).map_err(|error| talk(io::Error::new(io::ErrorKind::InvalidData, error)))
}
