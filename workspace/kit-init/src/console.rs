//! The console: where kit-init and all containers print, and which never makes PID 1 wait.

use std::collections::VecDeque;
use std::fmt::Display;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use crate::logs;
use crate::ring::{Ring, Stream};
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
    /// What was printed lately.
    pub(crate) ring: Ring,
}

impl Console {
    /// Opens `/dev/console` and makes it the standard streams of this process too. A machine that has no console, and no
    /// standard output either, runs without a word.
    pub(crate) fn open() -> Result<Self, Errno> {
        let flags = libc::O_RDWR | libc::O_NOCTTY;
        let Ok(plain) = io::open(c"/dev/console", flags) else { return Self::without_console() };
        for stream in 0..3 {
            io::duplicate_to(plain.as_fd(), stream)?;
        }
        // A file description of its own, so that not waiting is no matter of the standard streams.
        Ok(Self::new(io::open(c"/dev/console", flags | libc::O_NONBLOCK)?))
    }

    /// As the first process of a container it prints where that prints; the standard streams stay as they are.
    fn without_console() -> Result<Self, Errno> {
        let own = io::open(c"/proc/self/fd/1", libc::O_WRONLY | libc::O_NONBLOCK);
        own.or_else(|_| io::open(c"/dev/null", libc::O_RDWR)).map(Self::new)
    }

    /// Prints to an open file.
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self { fd, waiting: VecDeque::new(), lost: 0, ring: Ring::default() }
    }

    /// Prints a line of kit-init's own. A slow console loses it later than it loses the lines of containers.
    pub(crate) fn say(&mut self, text: impl Display) {
        let text = logs::escape(text.to_string().as_bytes());
        self.ring.push("kit-init", Stream::Output, &text);
        if self.waiting.len() > 2 * WAITING_LIMIT {
            self.lost += 1;
            return;
        }
        let line = format!("kit-init: {text}\n");
        self.waiting.extend(line.bytes());
        self.write_some();
    }

    /// Prints a line of a container; the line is harmless already.
    pub(crate) fn show(&mut self, name: &str, stream: Stream, line: &str) {
        self.ring.push(name, stream, line);
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

/// A time in milliseconds since 1970, as RFC 3339 has it, in UTC.
pub(crate) fn time(millis: u64) -> String {
    let (days, rest) = (millis / 86_400_000, millis % 86_400_000);
    // Days since 0000-03-01, in eras of 400 years, whose days are always as many.
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + later;
    let (hours, minutes) = (rest / 3_600_000, rest / 60_000 % 60);
    let (seconds, millis) = (rest / 1000 % 60, rest % 1000);
    format!("{year:04}-{month:02}-{day_of_month:02}T{hours:02}:{minutes:02}:{seconds:02}.{millis:03}Z")
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
    fn times_are_those_of_the_calendar() {
        assert_eq!(time(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(time(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(time(1_709_251_199_999), "2024-02-29T23:59:59.999Z");
        assert_eq!(time(4_102_444_800_000), "2100-01-01T00:00:00.000Z");
    }

    #[test]
    fn lines_carry_their_names() {
        let (reader, writer) = io::pipe().unwrap();
        let mut console = Console::new(writer);
        console.say("hello\x1b");
        console.show("web", Stream::Output, "text");
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
            console.show("noisy", Stream::Output, &line);
        }
        console.say("important");
        let mut text = String::new();
        while console.waits_for().is_some() {
            text.push_str(&read_all(&reader));
            console.write_some();
        }
        console.show("noisy", Stream::Output, "after");
        text.push_str(&read_all(&reader));
        let lost: usize = 1000 - text.matches("noisy: x").count();
        assert!(lost > 500, "{lost}");
        let end = format!(
            "kit-init: important\nkit-init: {lost} lines are lost: the console is too slow\nnoisy: after\n"
        );
        assert!(text.ends_with(&end), "{}", &text[text.len() - 200..]);
    }
}
