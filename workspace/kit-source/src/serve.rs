//! A server that gives files away over HTTP/1.1 (RFC 9110, 9112): what machines that boot over the network ask for.
//!
//! It answers GET and HEAD, by single ranges too, one request for each connection, and nothing else: no body of a request is ever read, no
//! directory is listed, and a name leads nowhere but below the directory, whatever links lie in it. Strangers may be at the other end, so
//! a request has a size, a connection has a time, and there are only so many connections at once; who comes later waits.
//!
//! | module | what |
//! |---|---|
//! | [`request`] | what is asked for |
//! | [`site`] | what there is |

mod request;
pub mod site;

use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use self::request::{Method, Request, Selected};
pub use self::site::{Directory, Found, Site};

/// Connections that are answered at the same time.
const CONNECTIONS: usize = 16;
/// How long a request may take to be there.
const PATIENCE: Duration = Duration::from_secs(10);
/// The fewest bytes in a second at which an answer is given further.
const SLOWEST: u64 = 16 << 10;
/// Bytes that are read and sent at once.
const CHUNK: usize = 64 << 10;

/// A server that has its port.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    stops: AtomicBool,
}

/// An answer that was given, for a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Who asked.
    pub client: SocketAddr,
    /// What for, as it was written; foreign text.
    pub target: String,
    /// The status.
    pub status: u16,
    /// How many bytes of content were sent.
    pub bytes: u64,
}

impl Server {
    /// Takes a port; 0 is any.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, stops: AtomicBool::new(false) })
    }

    /// Returns where it is reached.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until it is [stopped](Self::stop).
    pub fn serve(&self, site: &dyn Site, log: &(dyn Fn(&Answered) + Sync)) {
        std::thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| {
                    while !self.stops.load(Ordering::Acquire) {
                        // Who went away before they were let in, or a machine without descriptors: the next one may do.
                        let Ok((stream, client)) = self.listener.accept() else {
                            std::thread::sleep(Duration::from_millis(20));
                            continue;
                        };
                        if self.stops.load(Ordering::Acquire) {
                            return;
                        }
                        // A client that breaks off is no failure of ours.
                        if let Ok(answered) = answer(&stream, client, site) {
                            log(&answered);
                        }
                    }
                });
            }
        });
    }

    /// Ends [`serve`](Self::serve) once the answers that are being given are.
    pub fn stop(&self) {
        self.stops.store(true, Ordering::Release);
        for _ in 0..CONNECTIONS {
            _ = TcpStream::connect_timeout(&self.address, PATIENCE);
        }
    }
}

/// Answers one request.
fn answer(stream: &TcpStream, client: SocketAddr, site: &dyn Site) -> io::Result<Answered> {
    let answered = |target: String, status, bytes| Answered { client, target, status, bytes };
    let request = match Request::read(stream, Instant::now() + PATIENCE)? {
        Ok(request) => request,
        Err(bad) => {
            refuse(stream, bad.status(), bad.extra())?;
            return Ok(answered(String::new(), bad.status(), 0));
        }
    };
    let target = request.target.clone();
    let found = match request.name() {
        Some(name) => site.find(&name),
        None => Ok(None),
    };
    let mut found = match found {
        Ok(Some(found)) => found,
        Ok(None) => {
            refuse(stream, 404, "")?;
            return Ok(answered(target, 404, 0));
        }
        Err(_) => {
            refuse(stream, 500, "")?;
            return Ok(answered(target, 500, 0));
        }
    };
    let (status, first, length, extra) = match request.select(found.size, found.tag.as_deref()) {
        Selected::Whole => (200, 0, found.size, String::new()),
        Selected::Range { first, last } => {
            let range = format!("Content-Range: bytes {first}-{last}/{}\r\n", found.size);
            (206, first, last - first + 1, range)
        }
        Selected::Unchanged => (304, 0, 0, String::new()),
        Selected::Outside => {
            refuse(stream, 416, &format!("Content-Range: bytes */{}\r\n", found.size))?;
            return Ok(answered(target, 416, 0));
        }
    };
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    if status != 304 {
        for part in ["Content-Length: ", &length.to_string(), "\r\nContent-Type: ", found.kind, "\r\n"] {
            head += part;
        }
    }
    if let Some(tag) = &found.tag {
        for part in ["ETag: \"", tag, "\"\r\n"] {
            head += part;
        }
    }
    head += &extra;
    head += "Accept-Ranges: bytes\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n";
    let end = Instant::now() + PATIENCE + Duration::from_secs(length / SLOWEST);
    send(stream, head.as_bytes(), end)?;
    if request.method == Method::Head || status == 304 {
        close(stream)?;
        return Ok(answered(target, status, 0));
    }
    found.content.seek(SeekFrom::Start(first))?;
    copy(&mut found.content.take(length), stream, length, end)?;
    close(stream)?;
    Ok(answered(target, status, length))
}

/// Sends so many bytes; a file that has become shorter meanwhile breaks the answer off, which the client sees.
fn copy(from: &mut dyn Read, stream: &TcpStream, length: u64, end: Instant) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut left = length;
    while left > 0 {
        let count = match from.read(&mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        send(stream, &buffer[..count], end)?;
        left = left.saturating_sub(count as u64);
    }
    Ok(())
}

/// Sends bytes before a moment.
fn send(mut stream: &TcpStream, mut bytes: &[u8], end: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.set_write_timeout(Some(left_until(end)?))?;
        match stream.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Returns the time until a moment, or that there is none left.
fn left_until(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn refuse(stream: &TcpStream, status: u16, extra: &str) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} {}\r\nContent-Length: 0\r\n{extra}Connection: close\r\n\r\n",
        reason(status)
    );
    send(stream, head.as_bytes(), Instant::now() + PATIENCE)?;
    close(stream)
}

/// Says that nothing follows, and takes a little of what the client still has to say: an answer that it hasn't read yet
/// is lost when it is sent to after the connection is gone.
fn close(mut stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(std::net::Shutdown::Write)?;
    stream.set_read_timeout(Some(Duration::from_millis(500)))?;
    let mut rest = [0; 4 << 10];
    for _ in 0..16 {
        if matches!(stream.read(&mut rest), Ok(0) | Err(_)) {
            break;
        }
    }
    Ok(())
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        304 => "Not Modified",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        416 => "Range Not Satisfiable",
        431 => "Request Header Fields Too Large",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests;
