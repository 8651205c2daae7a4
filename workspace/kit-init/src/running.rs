//! A container that runs, and what is known of it when it has ended.

use std::collections::VecDeque;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::bundle::Bundle;
use crate::cgroup::Group;
use crate::config::{Config, Probe, Ready};
use crate::console::Console;
use crate::container::Started;
use crate::logs::{Lines, escape};
use crate::ring::Stream;
use crate::sys::Errno;
use crate::sys::io::{self, Interest};
use crate::sys::process::Exit;

/// Lines that are kept to be shown with a failure.
const LAST_LINES: usize = 5;

/// A running container.
#[derive(Debug)]
pub(crate) struct Running {
    bundle: Bundle,
    config: Rc<Config>,
    pid: i32,
    /// Standard output and standard error.
    streams: [Source; 2],
    status: OwnedFd,
    group: Option<Group>,
    /// Reports that its group's memory was used up.
    memory: Option<OwnedFd>,
    /// How many of its processes have been killed for that.
    killed: u64,
    since: Instant,
    last_lines: VecDeque<String>,
    /// Whether the line that says that it is ready has come.
    saw_line: bool,
    /// When it is killed, once it was asked to stop.
    pub(crate) kill_at: Option<Instant>,
}

#[derive(Debug)]
struct Source {
    /// Nothing once the other end is closed.
    fd: Option<OwnedFd>,
    lines: Lines,
}

/// Whether more can be read from a stream at once.
#[derive(PartialEq, Eq)]
enum More {
    Perhaps,
    No,
}

/// How a container ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Which one.
    pub(crate) bundle: Bundle,
    /// Why it ended.
    pub(crate) outcome: Outcome,
    /// How long it ran.
    pub(crate) lived: Duration,
    /// The last lines that it printed.
    pub(crate) last_lines: Vec<String>,
}

/// Why a container ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Its program did.
    Exit(Exit),
    /// The kernel killed it because its memory was used up.
    OutOfMemory,
    /// It could not be set up, in these words.
    NotSetUp(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(exit) => exit.fmt(f),
            Self::OutOfMemory => f.write_str("was killed: it used more memory than its limit"),
            Self::NotSetUp(reason) => write!(f, "could not start: {reason}"),
        }
    }
}

impl Running {
    /// A container that has just been started.
    pub(crate) fn new(bundle: Bundle, config: Rc<Config>, started: Started) -> Self {
        let stream = |fd| Source { fd: Some(fd), lines: Lines::default() };
        Self {
            bundle,
            config,
            pid: started.pid,
            streams: [stream(started.stdout), stream(started.stderr)],
            status: started.status,
            memory: started.group.as_ref().and_then(Group::watch_memory),
            killed: 0,
            group: started.group,
            since: Instant::now(),
            last_lines: VecDeque::new(),
            saw_line: false,
            kill_at: None,
        }
    }

    /// Its first process.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Which one it is.
    pub(crate) fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// Its configuration.
    pub(crate) fn config(&self) -> &Rc<Config> {
        &self.config
    }

    /// Its control group.
    pub(crate) fn group(&self) -> Option<&Group> {
        self.group.as_ref()
    }

    /// How long it runs.
    pub(crate) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// Whether the line that says that it is ready has come.
    pub(crate) fn saw_line(&self) -> bool {
        self.saw_line
    }

    /// What to wait for.
    pub(crate) fn waits_for(&self) -> impl Iterator<Item = (BorrowedFd<'_>, Interest)> {
        let streams = self.streams.iter().filter_map(|stream| stream.fd.as_ref());
        streams.chain(&self.memory).map(|fd| (fd.as_fd(), Interest::Read))
    }

    /// Reads and shows some of what it prints; not all, so that no container keeps the others waiting.
    pub(crate) fn read_some(&mut self, console: &mut Console) {
        for index in 0..self.streams.len() {
            self.read_stream(index, console);
        }
        self.look_at_memory(console);
    }

    /// Tells of processes that were killed because the container's memory was used up.
    fn look_at_memory(&mut self, console: &mut Console) {
        let Some(memory) = &self.memory else { return };
        if !io::read(memory.as_fd(), &mut [0; 1024]).is_ok_and(|count| count > 0) {
            return;
        }
        let killed = self.group.as_ref().map_or(0, Group::killed_for_memory);
        if killed > self.killed {
            console.say(format_args!("{}: its memory is used up, a process was killed", self.bundle));
            self.killed = killed;
        }
    }

    fn read_stream(&mut self, index: usize, console: &mut Console) -> More {
        let stream = &mut self.streams[index];
        let Some(fd) = &stream.fd else { return More::No };
        let mut buffer = [0; 8192];
        let (lines, more) = match io::read(fd.as_fd(), &mut buffer) {
            Ok(count @ 1..) => (stream.lines.push(&buffer[..count]), More::Perhaps),
            Err(Errno(libc::EAGAIN)) => return More::No,
            Ok(0) | Err(_) => {
                stream.fd = None;
                (stream.lines.finish().into_iter().collect(), More::No)
            }
        };
        for line in lines {
            self.show(index, line, console);
        }
        more
    }

    fn show(&mut self, index: usize, line: String, console: &mut Console) {
        let stream = if index == 0 { Stream::Output } else { Stream::Error };
        console.show(&self.bundle.name, stream, &line);
        if let Some(Ready { probe: Probe::Line(wanted), .. }) = &self.config.service.ready {
            self.saw_line |= line.contains(wanted);
        }
        if self.last_lines.len() == LAST_LINES {
            self.last_lines.pop_front();
        }
        self.last_lines.push_back(line);
    }

    /// Takes note of its end: shows the rest of what it printed and lets go of what it held.
    pub(crate) fn end(mut self, exit: Exit, console: &mut Console) -> Ended {
        for index in 0..self.streams.len() {
            // A pipe holds 64 KiB, but a process outside the container may hold its end and go on writing.
            let mut reads = 0;
            while reads < 16 && self.read_stream(index, console) == More::Perhaps {
                reads += 1;
            }
            if let Some(line) = self.streams[index].lines.finish() {
                self.show(index, line, console);
            }
        }
        let killed = exit == Exit::Signal(libc::SIGKILL);
        let out_of_memory = killed && self.group.as_ref().is_some_and(|group| group.killed_for_memory() > 0);
        if let Some(group) = self.group.take() {
            group.remove();
        }
        let mut buffer = [0; 2048];
        let outcome = match io::read(self.status.as_fd(), &mut buffer) {
            Ok(count @ 1..) => Outcome::NotSetUp(escape(&buffer[..count])),
            _ if out_of_memory => Outcome::OutOfMemory,
            _ => Outcome::Exit(exit),
        };
        Ended {
            bundle: self.bundle,
            outcome,
            lived: self.since.elapsed(),
            last_lines: self.last_lines.into(),
        }
    }
}
