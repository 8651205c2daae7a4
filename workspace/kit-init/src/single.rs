//! `kit-init run BUNDLE`: one container, started by anybody, with the code that PID 1 uses.

use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use crate::bundle::{Bundle, Class, is_name};
use crate::console::Console;
use crate::error::{During, Failure};
use crate::running::{Ended, Outcome};
use crate::supervisor::{Event, Supervisor};
use crate::sys::process::Exit;

/// The exit code when the container could not be started, as of other runtimes.
const NOT_STARTED: u8 = 125;

/// Runs the container whose bundle is at the absolute path `path`. Its lines go to standard output; the exit code is
/// the program's, 128 and the signal's number, or 125.
pub(crate) fn run(path: &str) -> u8 {
    match run_bundle(path) {
        Ok(code) => code,
        Err(failure) => {
            crate::console::shout(failure);
            NOT_STARTED
        }
    }
}

fn run_bundle(path: &str) -> Result<u8, Failure> {
    if !path.starts_with('/') {
        return Err(Failure::new("run", path, "the path of a bundle must be absolute"));
    }
    let folder = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let name = folder.split_once('-').map_or(folder, |(_, name)| name);
    let name = if is_name(name) { name } else { "container" };
    let bundle = Bundle { name: name.to_owned(), class: Class::Services, path: path.to_owned() };
    let stdout = std::io::stdout().as_fd().try_clone_to_owned().during("use", "standard output")?;
    let mut supervisor = Supervisor::new(Console::new(stdout), None)?;
    supervisor.start(&bundle, &Rc::new(bundle.config()?))?;
    let mut ended = None;
    while ended.is_none() && supervisor.request.is_none() {
        ended = supervisor.turn(None).into_iter().find_map(|event| match event {
            Event::Ended(ended) => Some(ended),
            Event::HelperEnded(..) | Event::Asked(_) => None,
        });
    }
    supervisor.stop_all();
    supervisor.console.drain(Duration::from_secs(2));
    Ok(match ended.map(|Ended { outcome, .. }| outcome) {
        Some(Outcome::NotSetUp(reason)) => {
            crate::console::shout(format_args!("{name}: {reason}"));
            NOT_STARTED
        }
        Some(Outcome::Exit(Exit::Code(code))) => u8::try_from(code).unwrap_or(1),
        Some(Outcome::Exit(Exit::Signal(signal))) => u8::try_from(128 + signal).unwrap_or(1),
        Some(Outcome::OutOfMemory) => 137,
        None => 143,
    })
}
