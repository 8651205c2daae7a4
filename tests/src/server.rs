//! An HTTP/1.1 server on the loopback interface that answers as it is told. The tests of `kit-source` use it too.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a path answers.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The bytes.
    Bytes(Vec<u8>),
    /// The bytes, after as many answers with an error status.
    After(usize, u16, Vec<u8>),
    /// The first answer breaks off in the middle; the next ones give what is asked for, by range when `true`.
    Breaks(Vec<u8>, bool),
    /// Every answer breaks off in the middle.
    AlwaysBreaks(Vec<u8>),
    /// The first answer breaks off, the range that is asked for then holds other bytes, everything after that is right.
    Patches(Vec<u8>),
    /// Another path.
    Redirect(String),
    /// The bytes, for who shows this; anybody else is told how to ask (`WWW-Authenticate`).
    Guarded {
        /// What must be shown (`Authorization`).
        shown: String,
        /// How to ask.
        challenge: String,
        /// What there is.
        bytes: Vec<u8>,
    },
    /// The bytes, for who sends exactly this.
    Sent {
        /// What must be sent.
        body: String,
        /// What there is.
        bytes: Vec<u8>,
    },
    /// Other bytes each time, the last ones from then on.
    Changes(Vec<Vec<u8>>),
    /// A body that never ends.
    Endless,
    /// No answer, until the client goes away.
    Silence,
}

/// The paths of a server.
pub type Site = BTreeMap<String, Answer>;

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// Its address, `http://127.0.0.1:port`.
    pub base: String,
    log: Mutex<Vec<String>>,
    site: Site,
    stops: AtomicBool,
}

impl Server {
    /// Returns what was asked, `path` or `path from offset`.
    pub fn asked(&self) -> Vec<String> {
        self.log.lock().expect("because no holder panics").clone()
    }

    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 || self.stops.load(Ordering::SeqCst) {
                return Ok(());
            }
            let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
            let (mut offset, mut shown, mut length) = (0, String::new(), 0);
            loop {
                let mut header = String::new();
                reader.read_line(&mut header)?;
                if header.trim().is_empty() {
                    break;
                }
                if let Some((name, value)) = header.split_once(':')
                    && name.eq_ignore_ascii_case("authorization")
                {
                    value.trim().clone_into(&mut shown);
                }
                if let Some(given) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = given.trim().parse().expect("a length");
                }
                if let Some(range) = header.to_ascii_lowercase().strip_prefix("range: bytes=") {
                    offset = range.trim().trim_end_matches('-').parse().expect("a range");
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            let earlier = self.note(&path, offset);
            let wanted = self.site.get(&path);
            if let Some(Answer::Sent { body: expected, bytes }) = wanted
                && expected.as_bytes() == body
            {
                whole(stream, bytes)?;
            } else if !self.answer(stream, &path, (offset, &shown), earlier)? {
                return Ok(());
            }
        }
    }

    /// Writes the request down; returns how often the path was asked for before.
    fn note(&self, path: &str, offset: usize) -> usize {
        let mut log = self.log.lock().expect("because no holder panics");
        let earlier = log.iter().filter(|line| line.split(' ').next() == Some(path)).count();
        log.push(if offset == 0 { path.to_owned() } else { format!("{path} from {offset}") });
        earlier
    }

    /// Answers; tells whether the connection stays open.
    fn answer(
        &self,
        stream: &TcpStream,
        path: &str,
        (offset, seen): (usize, &str),
        earlier: usize,
    ) -> std::io::Result<bool> {
        match self.site.get(path) {
            None => status(stream, 404, ""),
            Some(Answer::Sent { .. }) => status(stream, 400, ""),
            Some(Answer::Guarded { shown, bytes, .. }) if shown == seen => whole(stream, bytes),
            Some(Answer::Guarded { challenge, .. }) => status(
                stream,
                401,
                &format!("WWW-Authenticate: {}\r\n", challenge.replace("BASE", &self.base)),
            ),
            Some(Answer::Changes(all)) => whole(stream, &all[earlier.min(all.len() - 1)]),
            Some(Answer::After(times, code, bytes)) => {
                if earlier < *times {
                    status(stream, *code, "")
                } else {
                    whole(stream, bytes)
                }
            }
            Some(Answer::Breaks(bytes, _)) if earlier == 0 => half(stream, bytes),
            Some(Answer::Patches(bytes)) if earlier == 0 => half(stream, bytes),
            Some(Answer::AlwaysBreaks(bytes)) => half(stream, bytes),
            Some(Answer::Breaks(bytes, true)) if offset > 0 => part(stream, bytes, offset),
            Some(Answer::Patches(bytes)) if offset > 0 => part(stream, &vec![b'?'; bytes.len()], offset),
            Some(Answer::Bytes(bytes) | Answer::Breaks(bytes, _) | Answer::Patches(bytes)) => {
                whole(stream, bytes)
            }
            Some(Answer::Redirect(target)) => status(stream, 302, &format!("Location: {target}\r\n")),
            Some(Answer::Endless) => endless(stream),
            Some(Answer::Silence) => (&mut { stream }).read(&mut [0]).map(|_| false),
        }
    }
}

fn status(mut stream: &TcpStream, code: u16, headers: &str) -> std::io::Result<bool> {
    write!(stream, "HTTP/1.1 {code} X\r\n{headers}Content-Length: 0\r\n\r\n")?;
    Ok(true)
}

fn whole(mut stream: &TcpStream, bytes: &[u8]) -> std::io::Result<bool> {
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len())?;
    stream.write_all(bytes)?;
    Ok(true)
}

fn part(mut stream: &TcpStream, bytes: &[u8], offset: usize) -> std::io::Result<bool> {
    let (rest, last, size) = (&bytes[offset..], bytes.len() - 1, bytes.len());
    write!(stream, "HTTP/1.1 206 Part\r\nContent-Length: {}\r\n", rest.len())?;
    write!(stream, "Content-Range: bytes {offset}-{last}/{size}\r\n\r\n")?;
    stream.write_all(rest)?;
    Ok(true)
}

fn half(mut stream: &TcpStream, bytes: &[u8]) -> std::io::Result<bool> {
    write!(stream, "HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\nContent-Length: {}\r\n\r\n", bytes.len())?;
    stream.write_all(&bytes[..bytes.len() / 2])?;
    Ok(false)
}

/// Writes until the client has enough.
fn endless(mut stream: &TcpStream) -> std::io::Result<bool> {
    write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
    let block = vec![b'x'; 65536];
    loop {
        stream.write_all(&block)?;
    }
}

/// Runs `test` against a server of `site`.
pub fn with_server<T>(site: Site, test: impl FnOnce(&Server) -> T) -> T {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback is there");
    let address = listener.local_addr().expect("it has an address");
    let base = format!("http://{address}");
    let server = Server { base, log: Mutex::default(), site, stops: AtomicBool::new(false) };
    std::thread::scope(|scope| {
        let server = &server;
        scope.spawn(move || {
            for stream in listener.incoming().flatten() {
                if server.stops.load(Ordering::SeqCst) {
                    return;
                }
                // A client that goes away in the middle is part of the tests.
                scope.spawn(move || server.serve(&stream).ok());
            }
        });
        // Also on a panic: the scope waits for the server.
        let _stop = Stop { server, address };
        test(server)
    })
}

struct Stop<'s> {
    server: &'s Server,
    address: SocketAddr,
}

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.server.stops.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

/// Returns an address at which nobody listens.
pub fn nobody() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback is there");
    format!("http://{}", listener.local_addr().expect("it has an address"))
}
