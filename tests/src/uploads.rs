//! A registry on the loopback interface that takes what is put there, badly: uploads break off, are forgotten, or are not where it says.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use kit_hash::Sha256;

/// How it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Each first body of a blob breaks off in the middle; what came is kept.
    Breaks,
    /// The same, and nothing is known of the upload afterwards.
    Forgets,
    /// The same, and it says that more has come than did.
    Lies,
    /// The answer to each first body is lost, the body isn't.
    Swallows,
    /// Each first request of a kind is too much for it.
    Busy,
    /// Every body breaks off, and nothing is kept.
    Never,
}

#[derive(Debug, Default)]
struct State {
    log: Vec<String>,
    started: usize,
    uploads: BTreeMap<String, Vec<u8>>,
    broken: Vec<String>,
    blobs: BTreeMap<String, Vec<u8>>,
    manifests: BTreeMap<String, Vec<u8>>,
}

impl State {
    /// Starts an upload, and returns its name: two that start at once have two names.
    fn start(&mut self) -> String {
        self.started += 1;
        let name = format!("u{}", self.started);
        self.uploads.insert(name.clone(), Vec::new());
        name
    }
}

/// A running registry.
#[derive(Debug)]
pub struct Uploads {
    /// Host and port.
    pub host: String,
    fault: Fault,
    state: Mutex<State>,
    stops: AtomicBool,
}

/// A request, without its body.
struct Head {
    method: String,
    path: String,
    query: String,
    length: usize,
    range: Option<String>,
}

impl Uploads {
    /// Returns what was asked: method, path and length of the body.
    pub fn asked(&self) -> Vec<String> {
        self.state().log.clone()
    }

    /// Returns the blobs that it has, by digest.
    pub fn blobs(&self) -> BTreeMap<String, Vec<u8>> {
        self.state().blobs.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("because no holder panics")
    }

    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        while !self.stops.load(Ordering::SeqCst) {
            let Some(head) = read_head(&mut reader)? else { return Ok(()) };
            let line = format!("{} {} {}", head.method, head.path, head.length);
            let first = !self.state().log.contains(&line);
            self.state().log.push(line);
            if self.fault == Fault::Busy && first && head.length == 0 {
                answer(stream, 429, "Retry-After: 0\r\n")?;
                continue;
            }
            if !self.answer(stream, &mut reader, &head)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Answers; tells whether the connection stays open.
    fn answer(
        &self,
        stream: &TcpStream,
        reader: &mut BufReader<TcpStream>,
        head: &Head,
    ) -> std::io::Result<bool> {
        let name = head.path.rsplit('/').next().unwrap_or_default().to_owned();
        if head.path.contains("/manifests/") {
            let mut body = vec![0; head.length];
            reader.read_exact(&mut body)?;
            if head.method == "PUT" {
                self.state().manifests.insert(name, body);
                return answer(stream, 201, "");
            }
            return answer(stream, 404, "");
        }
        if !head.path.contains("/uploads/") {
            let known = self.state().blobs.contains_key(&name);
            return answer(stream, if known { 200 } else { 404 }, "");
        }
        match head.method.as_str() {
            "POST" => {
                let name = self.state().start();
                answer(stream, 202, &format!("Location: {}{name}?state=x\r\n", head.path))
            }
            "GET" => match self.state().uploads.get(&name) {
                Some(bytes) => {
                    let lie = usize::from(self.fault == Fault::Lies);
                    let last = (bytes.len() + lie).saturating_sub(1);
                    answer(stream, 204, &format!("Location: {}?state=y\r\nRange: 0-{last}\r\n", head.path))
                }
                None => answer(stream, 404, ""),
            },
            "PATCH" | "PUT" => self.body(stream, reader, head, &name),
            _ => answer(stream, 405, ""),
        }
    }

    fn body(
        &self,
        stream: &TcpStream,
        reader: &mut BufReader<TcpStream>,
        head: &Head,
        name: &str,
    ) -> std::io::Result<bool> {
        let digest = head.query.split('&').find_map(|pair| pair.strip_prefix("digest=")).unwrap_or_default();
        let breaks = matches!(self.fault, Fault::Breaks | Fault::Forgets | Fault::Lies | Fault::Never);
        let is_new = !self.state().broken.iter().any(|other| other == digest);
        let half = breaks && head.method == "PUT" && (is_new || self.fault == Fault::Never);
        let mut body = vec![0; if half { head.length / 2 } else { head.length }];
        reader.read_exact(&mut body)?;
        let mut state = self.state();
        let Some(upload) = state.uploads.get_mut(name) else { return answer(stream, 404, "") };
        if head.range.as_ref().is_some_and(|range| !range.starts_with(&format!("{}-", upload.len())))
            && self.fault != Fault::Lies
        {
            return answer(stream, 416, "");
        }
        upload.extend_from_slice(&body);
        if half && head.length > 1 {
            state.broken.push(digest.to_owned());
            if matches!(self.fault, Fault::Forgets | Fault::Never) {
                state.uploads.remove(name);
            }
            return Ok(false);
        }
        if head.method == "PATCH" {
            return answer(stream, 202, &format!("Location: {}?state=z\r\n", head.path));
        }
        let bytes = state.uploads.remove(name).unwrap_or_default();
        if Sha256::of(&bytes).oci() != digest {
            return answer(stream, 400, "");
        }
        state.blobs.insert(digest.to_owned(), bytes);
        if self.fault == Fault::Swallows && is_new {
            state.broken.push(digest.to_owned());
            return Ok(false);
        }
        answer(stream, 201, "")
    }
}

fn read_head(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Head>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (mut length, mut range) = (0, None);
    let (path, query) = (path.to_owned(), query.to_owned());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "content-range" => range = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    Ok(Some(Head { method, path, query, length, range }))
}

fn answer(mut stream: &TcpStream, code: u16, headers: &str) -> std::io::Result<bool> {
    // An answer of 204 has no body, and says nothing about one.
    let length = if code == 204 { "" } else { "Content-Length: 0\r\n" };
    write!(stream, "HTTP/1.1 {code} X\r\n{headers}{length}\r\n")?;
    Ok(true)
}

/// Runs `test` against a registry that fails so.
pub fn with_uploads<T>(fault: Fault, test: impl FnOnce(&Uploads) -> T) -> T {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback is there");
    let address = listener.local_addr().expect("it has an address");
    let state = Mutex::default();
    let uploads = Uploads { host: address.to_string(), fault, state, stops: AtomicBool::new(false) };
    std::thread::scope(|scope| {
        let uploads = &uploads;
        scope.spawn(move || {
            for stream in listener.incoming().flatten() {
                if uploads.stops.load(Ordering::SeqCst) {
                    return;
                }
                // A client that goes away in the middle is part of the tests.
                scope.spawn(move || uploads.serve(&stream).ok());
            }
        });
        // Also on a panic: the scope waits for the registry.
        let _stop = Stop { uploads, address };
        test(uploads)
    })
}

struct Stop<'s> {
    uploads: &'s Uploads,
    address: SocketAddr,
}

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.uploads.stops.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}
