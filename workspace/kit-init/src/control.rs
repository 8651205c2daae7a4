//! The local socket where `kit-ctl` and `kit-log` ask: who they are, what they want, what they are told.
//!
//! A request is one packet: words with a NUL between them, and for `exec` the three standard streams as descriptors. Answers
//! are packets too: JSON objects, and at the end `ok`, `exit CODE`, or `error TEXT`. Only root can connect.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::error::{During, Failure};
use crate::files;
use crate::json::quoted;
use crate::ring::{Line, Ring, Stream};
use crate::sys::io::Interest;
use crate::sys::{self, Errno, socket};

/// Where the socket is.
pub(crate) const PATH: &str = "/run/kit/control";

/// The most clients at a time; a further one waits.
const CLIENTS: usize = 32;

/// The largest request, in bytes.
pub(crate) const REQUEST: usize = 64 << 10;

/// Packets that wait for a slow client; no more lines are given to it until it has read some.
const WAITING: usize = 64;

/// All who ask.
#[derive(Debug, Default)]
pub(crate) struct Control {
    listener: Option<OwnedFd>,
    clients: Vec<Client>,
    next: u64,
}

#[derive(Debug)]
struct Client {
    number: u64,
    socket: OwnedFd,
    waiting: VecDeque<Vec<u8>>,
    follows: Option<Follows>,
    /// Closed when all is sent.
    done: bool,
}

/// The lines that a client reads.
#[derive(Debug)]
struct Follows {
    name: Option<String>,
    next: u64,
    /// Where it ends; nothing is never.
    end: Option<u64>,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Who asks.
    pub(crate) client: u64,
    /// What for; never empty.
    pub(crate) words: Vec<String>,
    /// The standard streams that came along.
    pub(crate) streams: Vec<OwnedFd>,
}

impl Control {
    /// Listens from now on.
    pub(crate) fn open(&mut self) -> Result<(), Failure> {
        let open = || {
            files::make_directory("/run/kit")?;
            socket::listen(&sys::c_string(PATH)?)
        };
        self.listener = Some(open().during("listen at", PATH)?);
        Ok(())
    }

    /// What to wait for.
    pub(crate) fn waits_for(&self) -> impl Iterator<Item = (BorrowedFd<'_>, Interest)> {
        let listener = self.listener.iter().filter(|_| self.clients.len() < CLIENTS);
        let clients = self.clients.iter().map(|client| {
            let interest = if client.waiting.is_empty() { Interest::Read } else { Interest::Write };
            (client.socket.as_fd(), interest)
        });
        listener.map(|listener| (listener.as_fd(), Interest::Read)).chain(clients)
    }

    /// Takes connections and requests.
    pub(crate) fn take(&mut self) -> Vec<Asked> {
        while self.clients.len() < CLIENTS {
            let Some(socket) = self.listener.as_ref().and_then(|listener| socket::accept(listener.as_fd()))
            else {
                break;
            };
            let (waiting, number) = (VecDeque::new(), self.next);
            self.clients.push(Client { number, socket, waiting, follows: None, done: false });
            self.next += 1;
        }
        let mut asked = Vec::new();
        self.clients.retain_mut(|client| match client.read() {
            Ok(request) => {
                asked.extend(request);
                true
            }
            Err(_) => false,
        });
        asked
    }

    /// Answers with a JSON object.
    pub(crate) fn answer(&mut self, client: u64, json: String) {
        self.with(client, |client| client.waiting.push_back(json.into_bytes()));
    }

    /// Answers for the last time: `ok`, `exit CODE`, or `error TEXT`.
    pub(crate) fn finish(&mut self, client: u64, text: impl Into<String>) {
        let text: String = text.into();
        self.with(client, |client| {
            client.waiting.push_back(text.into_bytes());
            client.done = true;
        });
    }

    /// Gives a client the lines of a container, or of all; then those that come, if it follows.
    pub(crate) fn give_lines(&mut self, client: u64, name: Option<String>, end: Option<u64>) {
        self.with(client, |client| client.follows = Some(Follows { name, next: 0, end }));
    }

    /// Whether a client is still there.
    pub(crate) fn is_there(&self, client: u64) -> bool {
        self.clients.iter().any(|known| known.number == client)
    }

    fn with(&mut self, number: u64, what: impl FnOnce(&mut Client)) {
        if let Some(client) = self.clients.iter_mut().find(|client| client.number == number) {
            what(client);
        }
    }

    /// Sends what waits, and new lines to those who read them.
    pub(crate) fn tell(&mut self, ring: &Ring) {
        self.clients.retain_mut(|client| client.tell(ring).is_ok());
    }
}

impl Client {
    /// Reads a request, if there is one. An error: it is gone, or asks what nobody could mean.
    fn read(&mut self) -> Result<Option<Asked>, Errno> {
        if !self.waiting.is_empty() {
            return Ok(None);
        }
        let mut buffer = vec![0; REQUEST];
        let (count, streams) = match socket::receive(self.socket.as_fd(), &mut buffer) {
            Err(Errno(libc::EAGAIN)) => return Ok(None),
            received => received?,
        };
        if count == 0 {
            return Err(Errno(libc::ENOTCONN));
        }
        let text = std::str::from_utf8(&buffer[..count]).map_err(|_| Errno(libc::EILSEQ))?;
        let words = text.split('\0').map(str::to_owned).collect();
        Ok(Some(Asked { client: self.number, words, streams }))
    }

    fn tell(&mut self, ring: &Ring) -> Result<(), Errno> {
        self.take_lines(ring);
        while let Some(packet) = self.waiting.front() {
            match socket::send(self.socket.as_fd(), packet, &[]) {
                Ok(()) => drop(self.waiting.pop_front()),
                Err(Errno(libc::EAGAIN)) => return Ok(()),
                failed => return failed,
            }
            self.take_lines(ring);
        }
        if self.done { Err(Errno(libc::ENOTCONN)) } else { Ok(()) }
    }

    fn take_lines(&mut self, ring: &Ring) {
        let Some(follows) = &mut self.follows else { return };
        if !self.waiting.is_empty() {
            return;
        }
        let end = follows.end.unwrap_or(u64::MAX);
        let lines = ring.from(follows.name.as_deref(), follows.next);
        for line in lines.into_iter().take_while(|line| line.number < end).take(WAITING) {
            follows.next = line.number + 1;
            self.waiting.push_back(json(line).into_bytes());
        }
        if self.waiting.is_empty() && follows.end.is_some() {
            self.follows = None;
            self.waiting.push_back(b"ok".to_vec());
            self.done = true;
        }
    }
}

/// A line as an object.
fn json(line: &Line) -> String {
    let stream = match line.stream {
        Stream::Output => "stdout",
        Stream::Error => "stderr",
    };
    format!(
        "{{\"number\":{},\"time\":{},\"name\":{},\"stream\":\"{stream}\",\"text\":{}}}",
        line.number,
        line.time.as_millis(),
        quoted(&line.name),
        quoted(&line.text)
    )
}
