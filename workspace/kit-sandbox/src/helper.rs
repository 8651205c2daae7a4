//! The helper's side: the program re-executed with one thread, which may fork and change its namespaces.

use std::env;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::io::Errno;

use crate::error::Step;
use crate::syscalls;
use crate::wire::{Failure, Report};

mod devices;
mod first;
mod launch;
mod mounts;
mod proc;
mod supervisor;
mod tracer;

pub(crate) use proc::pid_limit_is_ours;

/// `argv[0]` of the helper.
pub(crate) const HELPER_NAME: &str = "kit-sandbox-helper";

/// Whether this program was started as the sandbox's helper, and so has to call [`helper_main`] before anything else.
pub fn is_helper() -> bool {
    env::args_os().next().is_some_and(|name| name == HELPER_NAME)
}

/// Does the helper's work; never returns. Must be called before any thread is started.
pub fn helper_main() -> ! {
    let number = env::args_os().nth(1).and_then(|number| number.into_string().ok()?.parse().ok());
    let Some(control) = number.and_then(|number| syscalls::adopt_descriptor(number).ok()) else {
        let message = b"kit-sandbox-helper: only the sandbox itself can start me\n";
        rustix::io::write(rustix::stdio::stderr(), message).ok();
        syscalls::exit_now(2)
    };
    let control = UnixStream::from(control);
    match supervisor::supervise(&control) {
        Ok(()) => syscalls::exit_now(0),
        Err(failure) => {
            report(&control, &Report::Failed(failure));
            syscalls::exit_now(1)
        }
    }
}

/// Tells the caller. One that has gone away has no use for it.
fn report(mut control: &UnixStream, report: &Report) {
    control.write_all(&report.frame()).ok();
}

/// Names the step that failed, and what it was about.
trait During<Value> {
    fn during(self, step: Step) -> Result<Value, Failure>;
    fn during_at(self, step: Step, path: &Path) -> Result<Value, Failure>;
}

impl<Value> During<Value> for rustix::io::Result<Value> {
    fn during(self, step: Step) -> Result<Value, Failure> {
        self.map_err(|errno| Failure { step, path: None, errno: errno.raw_os_error() })
    }

    fn during_at(self, step: Step, path: &Path) -> Result<Value, Failure> {
        self.map_err(|errno: Errno| Failure {
            step,
            path: Some(path.to_owned()),
            errno: errno.raw_os_error(),
        })
    }
}
