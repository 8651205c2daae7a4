//! The console: where kit-init and all containers print, and which never makes PID 1 wait.

use std::collections::VecDeque;
use std::fmt::Display;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use crate::logs;
use crate::sys::io::{self, Interest};
use crate::sys::{self, Errno};

/// Bytes that wait for a slow console. More than that of containers' lines is lost, and counted.
const WAITING_LIMIT: usize = 256 << 10;

/// The console, with what it has not taken yet.
#[derive(Debug)]
pub(crate) struct Console {
    fd: OwnedFd,
    waiting: VecDeque<u8>,
    /// Lines lost since the console last kept up.
    lost: u64,
}

impl Console {
    /// Opens `/dev/console` and makes it the standard streams of this process too. A machine that has no console runs
    /// without a word.
    pub(crate) fn open() -> Result<Self, Errno> {
        let flags = libc::O_RDWR | libc::O_NOCTTY;
        let (plain, path) = match io::open(c"/dev/console", flags) {
            Ok(plain) => (plain, c"/dev/console"),
            Err(_) => (io::open(c"/dev/null", flags)?, c"/dev/null"),
        };
        for stream in 0..3 {
            io::duplicate_to(plain.as_fd(), stream)?;
        }
        // A file description of its own, so that not waiting is no matter of the standard streams.
        Ok(Self::new(io::open(path, flags | libc::O_NONBLOCK)?))
    }

    /// Prints to an open file.
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self { fd, waiting: VecDeque::new(), lost: 0 }
    }

    /// Prints a line of kit-init's own. A slow console loses it later than it loses the lines of containers.
    pub(crate) fn say(&mut self, text: impl Display) {
        if self.waiting.len() > 2 * WAITING_LIMIT {
            self.lost += 1;
            return;
        }
        let line = format!("kit-init: {}\n", logs::escape(text.to_string().as_bytes()));
        self.waiting.extend(line.bytes());
        self.write_some();
    }

    /// Prints a line of a container; the line is harmless already.
    pub(crate) fn show(&mut self, name: &str, line: &str) {
        if self.waiting.len() > WAITING_LIMIT {
            self.lost += 1;
            return;
        }
        if self.lost > 0 {
            let lost = std::mem::take(&mut self.lost);
            self.say(format_args!("{lost} lines are lost: the console is too slow"));
        }
        self.waiting.extend(name.bytes().chain(*b": ").chain(line.bytes()).chain(*b"\n"));
        self.write_some();
    }

    /// What to wait for, if something could not be printed yet.
    pub(crate) fn waits_for(&self) -> Option<(BorrowedFd<'_>, Interest)> {
        (!self.waiting.is_empty()).then(|| (self.fd.as_fd(), Interest::Write))
    }

    /// Prints as much as the console takes now.
    pub(crate) fn write_some(&mut self) {
        while !self.waiting.is_empty() {
            match io::write(self.fd.as_fd(), self.waiting.as_slices().0) {
                Ok(count) => drop(self.waiting.drain(..count)),
                Err(Errno(libc::EAGAIN)) => return,
                // Nobody listens any more, which must not stop the machine.
                Err(_) => self.waiting.clear(),
            }
        }
    }

    /// Waits until everything is printed and sent, but no longer than `limit`.
    pub(crate) fn drain(&mut self, limit: Duration) {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            if let Some(waits) = self.waits_for() {
                let _ = io::poll(&[waits], Some(left));
                self.write_some();
            } else if io::unsent(self.fd.as_fd()).is_ok_and(|count| count > 0) {
                let _ = io::poll(&[], Some(left.min(Duration::from_millis(2))));
            } else {
                return;
            }
        }
    }
}

/// Prints on standard error at once, for the moments when there is no [`Console`].
pub(crate) fn shout(text: impl Display) {
    if let Ok(fd) = std::io::stderr().as_fd().try_clone_to_owned() {
        let mut console = Console::new(fd);
        console.say(text);
        console.drain(Duration::from_secs(1));
    }
    sys::system::sync();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(fd: &OwnedFd) -> String {
        let mut text = String::new();
        let mut buffer = vec![0; 65536];
        while let Ok(count @ 1..) = io::read(fd.as_fd(), &mut buffer) {
            text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
        text
    }

    #[test]
    fn lines_carry_their_names() {
        let (reader, writer) = io::pipe().unwrap();
        let mut console = Console::new(writer);
        console.say("hello\x1b");
        console.show("web", "text");
        drop(console);
        assert_eq!(read_all(&reader), "kit-init: hello\\u{1b}\nweb: text\n");
    }

    /// A console that nobody reads loses lines of containers, tells how many, and never blocks.
    #[test]
    fn a_stuck_console_does_not_stop_us() {
        let (reader, writer) = io::pipe().unwrap();
        io::set_nonblocking(reader.as_fd()).unwrap();
        io::set_nonblocking(writer.as_fd()).unwrap();
        let mut console = Console::new(writer);
        let line = "x".repeat(1000);
        for _ in 0..1000 {
            console.show("noisy", &line);
        }
        console.say("important");
        let mut text = String::new();
        while console.waits_for().is_some() {
            text.push_str(&read_all(&reader));
            console.write_some();
        }
        console.show("noisy", "after");
        text.push_str(&read_all(&reader));
        let lost: usize = 1000 - text.matches("noisy: x").count();
        assert!(lost > 500, "{lost}");
        let end = format!(
            "kit-init: important\nkit-init: {lost} lines are lost: the console is too slow\nnoisy: after\n"
        );
        assert!(text.ends_with(&end), "{}", &text[text.len() - 200..]);
    }
}
