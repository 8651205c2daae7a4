//! Starts a container from its bundle.
//!
//! The new process sets itself up step by step and then executes the program. If a step fails it writes the failure
//! into its status pipe and exits; on success the pipe closes with the execution. So the parent never waits: it
//! looks into the pipe when the process has ended.

mod birth;
mod credentials;
mod device_rules;
mod devices;
pub(crate) mod exec;
mod landlock;
mod mounts;
mod namespaces;
mod paths;
mod program;
mod root;
mod seccomp;
pub(crate) mod surroundings;
mod sysctl;

use std::convert::Infallible;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::bundle::Bundle;
use crate::cgroup::{Group, Hierarchy};
use crate::config::{Config, Privileges};
use crate::error::{During, Failure};
use crate::sys::{self, signal};
use birth::Birth;

/// A container's process that has been started, though perhaps not yet its program.
#[derive(Debug)]
pub(crate) struct Started {
    /// Its number, for the machine.
    pub(crate) pid: i32,
    /// What it prints on standard output; reads never wait.
    pub(crate) stdout: OwnedFd,
    /// What it prints on standard error; reads never wait.
    pub(crate) stderr: OwnedFd,
    /// Why it could not be set up, once it has ended; reads never wait.
    pub(crate) status: OwnedFd,
    /// Its control group, if the machine has the hierarchy.
    pub(crate) group: Option<Group>,
}

/// Whether this process is a container's that has not yet executed its program.
static SETTING_UP: AtomicBool = AtomicBool::new(false);

/// Whether this process is a container's that has not yet executed its program: it must not act as PID 1.
pub(crate) fn is_setting_up() -> bool {
    SETTING_UP.load(Ordering::Relaxed)
}

/// The ends of the pipes that the new process keeps.
struct Ends {
    null: OwnedFd,
    stdout: OwnedFd,
    stderr: OwnedFd,
    status: OwnedFd,
    /// Closed by the parent once the ids of a new user namespace are mapped.
    mapped: OwnedFd,
}

/// Whether a container's process can set its supplementary groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Groups {
    /// It can.
    Free,
    /// It is in a user namespace where nobody may: it keeps the groups that it was born with.
    Fixed,
}

/// Starts a container. An error means that nothing runs; errors of later steps come through [`Started::status`].
pub(crate) fn start(
    bundle: &Bundle,
    config: &Config,
    hierarchy: Option<&Hierarchy>,
) -> Result<Started, Failure> {
    let null = sys::io::open(c"/dev/null", libc::O_RDWR).during("open", "/dev/null")?;
    let pipe = || sys::io::pipe().during("make", "a pipe");
    let ((stdout, stdout_end), (stderr, stderr_end)) = (pipe()?, pipe()?);
    let ((status, status_end), (mapped, release)) = (pipe()?, pipe()?);
    for end in [&stdout, &stderr, &status] {
        sys::io::set_nonblocking(end.as_fd()).during("set up", "a pipe")?;
    }
    let group = make_group(bundle, config, hierarchy)?;
    let group_fd = group.as_ref().map(Group::open).transpose()?;
    let ends = Ends { null, stdout: stdout_end, stderr: stderr_end, status: status_end, mapped };
    let group_fd = group_fd.as_ref().map(AsFd::as_fd);
    let pid = match birth::give(&config.linux.namespaces, group_fd, ends.status.as_fd())? {
        Birth::Child => {
            SETTING_UP.store(true, Ordering::Relaxed);
            drop(release);
            run_child(bundle, config, &ends)
        }
        Birth::Failed(pid) => pid,
        Birth::Parent(pid) => {
            if let Err(failure) = settle(pid, config, [&stdout, &stderr]) {
                // The process waits for its ids: nothing of the container has run yet, and it ends as a killed child.
                let _ = signal::kill(pid, libc::SIGKILL);
                return Err(failure);
            }
            pid
        }
    };
    drop(release);
    Ok(Started { pid, stdout, stderr, status, group })
}

/// What is done from outside to the process, which waits.
fn settle(pid: i32, config: &Config, streams: [&OwnedFd; 2]) -> Result<(), Failure> {
    namespaces::map_ids(pid, &config.linux)?;
    // The program may open /dev/stdout anew, as its own user.
    let (user, group) = namespaces::owner_outside(pid, config);
    for stream in streams {
        let owned = std::os::unix::fs::fchown(stream, Some(user), Some(group));
        owned.during("give", "the standard streams to the user")?;
    }
    surroundings::settle(pid, config)
}

fn make_group(
    bundle: &Bundle,
    config: &Config,
    hierarchy: Option<&Hierarchy>,
) -> Result<Option<Group>, Failure> {
    let settings = &config.linux.cgroup_settings;
    match hierarchy {
        Some(hierarchy) => {
            let default = format!("{}/{}", bundle.class.folder(), bundle.name);
            let path = config.linux.cgroup_path.as_deref().unwrap_or(&default);
            let group = hierarchy.make(path, settings)?;
            device_rules::put_on(group.path(), &config.linux.device_rules)?;
            Ok(Some(group))
        }
        None if settings.is_empty() && config.linux.device_rules.is_empty() => Ok(None),
        None => Err(Failure::new("set", "linux.resources", "the machine has no control groups of version 2")),
    }
}

/// The new process: sets itself up and becomes the program, or reports why it cannot.
fn run_child(bundle: &Bundle, config: &Config, ends: &Ends) -> ! {
    let Err(failure) = set_up(bundle, config, ends);
    let _ = sys::io::write(ends.status.as_fd(), failure.to_string().as_bytes());
    sys::process::exit_now(127)
}

fn set_up(bundle: &Bundle, config: &Config, ends: &Ends) -> Result<Infallible, Failure> {
    signal::reset();
    sys::process::new_session().during("start", "a session")?;
    // The end of the pipe, and no byte, says that the ids are mapped.
    sys::io::read(ends.mapped.as_fd(), &mut [0]).during("wait for", "user ids")?;
    let groups = namespaces::groups("self");
    namespaces::enter(config)?;
    for (from, to) in [(&ends.null, 0), (&ends.stdout, 1), (&ends.stderr, 2)] {
        sys::io::duplicate_to(from.as_fd(), to).during("set up", "standard streams")?;
    }
    program::set_limits(&config.process)?;
    root::enter(&bundle.path, config)?;
    confine(config, groups)?;
    program::execute(&config.process)
}

/// Takes away what the container's program must not have; the root is the container's.
fn confine(config: &Config, groups: Groups) -> Result<(), Failure> {
    let directory = sys::c_string(&*config.process.cwd);
    directory
        .and_then(|directory| sys::mount::change_directory_to(&directory))
        .during("change to directory", &*config.process.cwd)?;
    let set_rules = || config.service.landlock.as_ref().map_or(Ok(()), landlock::restrict);
    let filter = config.linux.seccomp.as_ref().map(|profile| (seccomp::compile(profile), profile.flags));
    let set_filter = || match &filter {
        Some((program, flags)) => sys::cred::set_filter(program, *flags).during("set", "the seccomp filter"),
        None => Ok(()),
    };
    // Both need no_new_privs or CAP_SYS_ADMIN, which the process still has before it drops its capabilities.
    match config.process.privileges {
        Privileges::Fixed => {
            sys::cred::set_no_new_privileges().during("set", "no_new_privs")?;
            set_rules()?;
            credentials::drop_to(config, groups)?;
            sys::io::close_others_on_exec().during("close", "descriptors")?;
            set_filter()?;
        }
        Privileges::CanGrow => {
            set_rules()?;
            sys::io::close_others_on_exec().during("close", "descriptors")?;
            set_filter()?;
            credentials::drop_to(config, groups)?;
        }
    }
    Ok(())
}

/// Opens a path of the machine without reading it.
fn open_path(path: &str) -> Result<OwnedFd, sys::Errno> {
    sys::io::open(&sys::c_string(path)?, libc::O_PATH)
}

/// Opens a path of the container without reading it.
fn open_inside(root: BorrowedFd<'_>, path: &str) -> Result<OwnedFd, sys::Errno> {
    sys::mount::open_in_root(root, &sys::c_string(path)?, libc::O_PATH)
}
