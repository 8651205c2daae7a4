//! Starts jobs.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio as Redirect};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rustix::thread::sched_getaffinity;

use crate::cgroup::Cgroup;
use crate::error::{SandboxError, Setting};
use crate::helper::{HELPER_NAME, pid_limit_is_ours};
use crate::job::{Host, Job, Stdio};
use crate::outcome::{Outcome, Status, Unenforced};
use crate::running::Running;
use crate::syscalls;
use crate::wire::Errand;

/// Runs jobs by starting a helper program for each.
#[derive(Clone, Debug)]
pub struct Sandbox {
    helper: PathBuf,
}

/// What the helper's standard streams are connected with.
struct Redirects {
    input: Redirect,
    output: Redirect,
    errors: Redirect,
}

impl Sandbox {
    /// A sandbox whose helper is the given program, usually `/proc/self/exe`. Its `main` has to call [`helper_main`](crate::helper_main)
    /// first thing whenever [`is_helper`](crate::is_helper).
    pub fn new(helper: impl Into<PathBuf>) -> Self {
        Self { helper: helper.into() }
    }

    /// Finds out whether this machine lets us make sandboxes at all.
    pub fn probe(&self) -> Result<(), SandboxError> {
        self.probe_by(&Errand::probe_frame())
    }

    /// Finds out whether this machine lets us have a job see this of it.
    pub fn probe_host(&self, host: Host) -> Result<(), SandboxError> {
        self.probe_by(&Errand::probe_host_frame(host))
    }

    fn probe_by(&self, frame: &[u8]) -> Result<(), SandboxError> {
        let redirects =
            Redirects { input: Redirect::null(), output: Redirect::null(), errors: Redirect::null() };
        let running = self.start(redirects)?;
        running.send(frame);
        running.wait().map(drop)
    }

    /// Runs a job to its end, and gives `output` what it writes as it comes, up to the limit. Only what is
    /// [captured](Stdio::Captured) comes by here.
    pub fn run(&self, job: &Job, output: &mut dyn FnMut(&[u8])) -> Result<Outcome, SandboxError> {
        let mut running = self.spawn(job)?;
        let mut within_limit = true;
        if let Some(mut source) = running.take_output() {
            let mut left = job.limits.output_bytes;
            let mut buffer = vec![0; 64 << 10];
            loop {
                let count = match source.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(source) => return Err(SandboxError::Talk { source }),
                };
                let kept = usize::try_from(left).unwrap_or(usize::MAX).min(count);
                left -= kept as u64;
                if kept > 0 {
                    output(&buffer[..kept]);
                }
                if kept < count && within_limit {
                    within_limit = false;
                    running.kill();
                }
            }
        }
        let mut outcome = running.wait()?;
        if !within_limit {
            outcome.status = Status::OutputLimit;
        }
        Ok(outcome)
    }

    /// Starts a job.
    pub fn spawn(&self, job: &Job) -> Result<Running, SandboxError> {
        job.check()?;
        let failed = |source| SandboxError::Start { helper: self.helper.clone(), source };
        let (redirects, output) = match &job.stdio {
            Stdio::Captured => {
                let (reader, writer) = io::pipe().map_err(failed)?;
                let errors = Redirect::from(writer.try_clone().map_err(failed)?);
                (Redirects { input: Redirect::null(), output: writer.into(), errors }, Some(reader))
            }
            Stdio::Inherited => (
                Redirects {
                    input: Redirect::inherit(),
                    output: Redirect::inherit(),
                    errors: Redirect::inherit(),
                },
                None,
            ),
            Stdio::Descriptor(descriptor) => {
                let output = Redirect::from(descriptor.try_clone().map_err(failed)?);
                let errors = Redirect::from(descriptor.try_clone().map_err(failed)?);
                (Redirects { input: Redirect::null(), output, errors }, None)
            }
        };
        let mut running = self.start(redirects)?;
        running.output = output;
        running.limit(job);
        // Whoever can't be talked to has died, which the caller learns when it waits.
        running.send(&Errand::run_frame(job));
        Ok(running)
    }

    /// Starts the helper, which waits for its errand.
    fn start(&self, redirects: Redirects) -> Result<Running, SandboxError> {
        let failed = |source| SandboxError::Start { helper: self.helper.clone(), source };
        let (control, theirs) = UnixStream::pair().map_err(failed)?;
        let theirs = OwnedFd::from(theirs);
        let child = self.start_helper(redirects, &theirs).map_err(failed)?;
        Ok(Running {
            child,
            control: Arc::new(control),
            output: None,
            cgroup: None,
            cpus: available_cpus(),
            unenforced: Vec::new(),
        })
    }

    #[expect(clippy::disallowed_methods, reason = "this is where processes are started")]
    fn start_helper(&self, redirects: Redirects, control: &OwnedFd) -> io::Result<Child> {
        use std::os::fd::AsRawFd;
        let mut command = Command::new(&self.helper);
        command.arg0(HELPER_NAME).arg(control.as_raw_fd().to_string()).env_clear();
        command.stdin(redirects.input).stdout(redirects.output).stderr(redirects.errors);
        syscalls::pass_descriptor(&mut command, control);
        command.spawn()
    }
}

impl Running {
    /// Puts the helper, which has not begun yet, under the limits that the helper can't set itself, and notes those that won't hold.
    fn limit(&mut self, job: &Job) {
        let limits = &job.limits;
        if let Some(wanted) = job.cpus.map(|cpus| cpus.count) {
            let available = self.cpus;
            self.cpus = available.min(wanted);
            if available < wanted {
                self.unenforced.push(Unenforced::Cpus { wanted, available });
            }
        }
        if limits.memory_bytes.is_none() && limits.processes.is_none() {
            return;
        }
        self.cgroup = Cgroup::create(limits, self.child.id());
        let held = |asked: Option<u64>, by: fn(&Cgroup) -> bool| {
            asked.is_none() || self.cgroup.as_ref().is_some_and(by)
        };
        if !held(limits.memory_bytes, Cgroup::limits_memory) {
            self.unenforced.push(Unenforced::Memory);
        }
        // The kernel doesn't count root's processes against RLIMIT_NPROC.
        let counted = !rustix::process::getuid().is_root() || pid_limit_is_ours();
        if !counted && !held(limits.processes, Cgroup::limits_processes) {
            self.unenforced.push(Unenforced::Processes);
        }
    }

    fn send(&self, frame: &[u8]) {
        (&*self.control).write_all(frame).ok();
    }
}

/// Returns how many CPUs this program, and so its jobs, may use.
pub fn available_cpus() -> u32 {
    sched_getaffinity(None).map_or(1, |allowed| allowed.count())
}

/// The kernel setting that forbids user namespaces, if one of those that we know does.
pub(crate) fn forbidding_setting() -> Option<Setting> {
    const SETTINGS: [(&str, &str, &str, &str); 3] = [
        ("kernel.unprivileged_userns_clone", "kernel/unprivileged_userns_clone", "0", "1"),
        ("user.max_user_namespaces", "user/max_user_namespaces", "0", "15000"),
        (
            "kernel.apparmor_restrict_unprivileged_userns",
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "0",
        ),
    ];
    #[expect(
        clippy::disallowed_methods,
        reason = "the kernel's settings are not in any directory that a caller could open for us"
    )]
    let settings = Dir::open_ambient_dir("/proc/sys", ambient_authority()).ok()?;
    SETTINGS.into_iter().find_map(|(name, path, forbidding, needed)| {
        let value = settings.read_to_string(path).ok()?.trim().to_owned();
        (value == forbidding).then_some(Setting { name, value, needed })
    })
}
