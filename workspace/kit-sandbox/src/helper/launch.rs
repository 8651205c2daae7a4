//! Becomes the job's command.

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, chdir, getrlimit, setrlimit, setsid};

use super::During;
use crate::error::Step;
use crate::job::{Addresses, Host, Job, Limits, Release};
use crate::wire::Failure;
use crate::{seccomp, syscalls};

/// The same on every machine, as far as that allows it: the usual size of a stack, in bytes.
const STACK_BYTES: u64 = 8 << 20;

/// Processes besides the job's that count against its user: supervisor and first process.
const OWN_PROCESSES: u64 = 2;

/// Becomes the job's command; returns only if that fails.
pub(super) fn launch(job: &Job) -> Failure {
    match prepare(job) {
        Ok((arguments, environment)) => execute(job, &arguments, &environment),
        Err(failure) => failure,
    }
}

fn prepare(job: &Job) -> Result<(Vec<CString>, Vec<CString>), Failure> {
    if !job.keeps_terminal() {
        setsid().during(Step::Session)?;
    }
    set_limits(&job.limits).during(Step::Limits)?;
    take_personality(job.host)?;
    chdir(&job.cwd).during_at(Step::WorkingDirectory, &job.cwd)?;
    syscalls::reset_signals();
    syscalls::close_on_execute().during(Step::Session)?;
    let arguments =
        job.command.iter().map(|word| c_string(word.as_bytes().to_vec())).collect::<Result<_, _>>()?;
    let variable =
        |(name, value): (&OsString, &OsString)| c_string([name.as_bytes(), b"=", value.as_bytes()].concat());
    let environment = job.env.iter().map(variable).collect::<Result<_, _>>()?;
    let programs = seccomp::programs(job.seccomp, job.keeps_terminal(), job.host.clock)
        .map_err(|_| Errno::NOSYS)
        .during(Step::Seccomp)?;
    seccomp::install(&programs).during(Step::Seccomp)?;
    Ok((arguments, environment))
}

/// Makes the machine look so to the programs that this process becomes.
pub(super) fn take_personality(host: Host) -> Result<(), Failure> {
    let release = match host.release {
        Release::Own => 0,
        Release::Old => libc::UNAME26,
    };
    let addresses = match host.addresses {
        Addresses::Random => 0,
        Addresses::Fixed => libc::ADDR_NO_RANDOMIZE,
    };
    syscalls::set_personality(release | addresses).during(Step::Personality)
}

fn c_string(bytes: Vec<u8>) -> Result<CString, Failure> {
    CString::new(bytes).map_err(|error| {
        let path = PathBuf::from(OsString::from_vec(error.into_vec()));
        Failure { step: Step::Execute, path: Some(path), errno: libc::EINVAL }
    })
}

fn set_limits(limits: &Limits) -> rustix::io::Result<()> {
    let chosen = [
        (Resource::Core, Some(0)),
        (Resource::Stack, Some(STACK_BYTES)),
        (Resource::Fsize, limits.file_bytes),
        (Resource::Nofile, limits.open_files),
        (Resource::Nproc, limits.processes.map(|processes| processes.saturating_add(OWN_PROCESSES))),
    ];
    for (resource, limit) in chosen {
        let Some(limit) = limit else { continue };
        // What the machine allows us is less or more than what was asked for: the smaller of both holds.
        let limit = getrlimit(resource).maximum.map_or(limit, |maximum| limit.min(maximum));
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    Ok(())
}

/// Tries the command's name in each directory of `PATH`, or as it is if it has a slash.
fn execute(job: &Job, arguments: &[CString], environment: &[CString]) -> Failure {
    let name = job.command.first().map_or(OsStr::new(""), OsString::as_os_str);
    let failed =
        |errno: Errno| Failure { step: Step::Execute, path: Some(name.into()), errno: errno.raw_os_error() };
    let path = job.env.get(OsStr::new("PATH")).map_or(OsStr::new(""), OsString::as_os_str);
    let candidates: Vec<PathBuf> = if name.as_bytes().contains(&b'/') {
        vec![PathBuf::from(name)]
    } else {
        path.as_bytes()
            .split(|byte| *byte == b':')
            .filter(|directory| !directory.is_empty())
            .map(|directory| Path::new(OsStr::from_bytes(directory)).join(name))
            .collect()
    };
    let mut refused = Errno::NOENT;
    for candidate in candidates {
        let Ok(program) = c_string(candidate.into_os_string().into_vec()) else {
            return failed(Errno::INVAL);
        };
        match syscalls::execute(&program, arguments, environment) {
            Errno::NOENT | Errno::NOTDIR => {}
            errno @ Errno::ACCESS => refused = errno,
            errno => return failed(errno),
        }
    }
    failed(refused)
}
