//! A body into a file or into memory: size, digest, retries, resumption.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::time::Duration;

use kit_hash::{BlobDigests, BlobHasher, Sha256};
use ureq::Body;
use ureq::http::{Response, header};

use super::client::{Client, Request, classify_io};
use super::credentials::without_userinfo;
use super::error::HttpError;

/// The longest pause that a server can ask for.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What a body must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Its size in bytes, when it is pinned.
    pub size: Option<u64>,
    /// Its digest, when it is pinned.
    pub sha256: Option<Sha256>,
    /// The most that is read, in bytes.
    pub limit: u64,
    /// Whether a plain connection will do, also where an answer redirects to one.
    pub encryption: Encryption,
}

/// Whether a connection must be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// Not so: something else says that what comes is right.
    Optional,
    /// It must, all the way: nothing else says so.
    Required,
}

impl Expected {
    /// Expects any body of at most `limit` bytes.
    pub fn at_most(limit: u64) -> Self {
        Self { size: None, sha256: None, limit, encryption: Encryption::Optional }
    }

    /// Expects exactly these bytes.
    pub fn exactly(size: u64, sha256: Sha256) -> Self {
        Self { size: Some(size), sha256: Some(sha256), limit: size, encryption: Encryption::Optional }
    }
}

/// Told how many bytes of the body there are now; the number falls when a transfer starts again.
pub type Progress<'a> = dyn FnMut(u64) + 'a;

impl Client {
    /// Downloads what is asked for into `file`, from its start; on success the file has the body and nothing else.
    pub fn download<'a>(
        &self,
        asked: impl Into<Request<'a>>,
        expected: &Expected,
        file: &mut File,
        progress: &mut Progress<'_>,
    ) -> Result<BlobDigests, HttpError> {
        Transfer::new(self, asked.into(), expected, file, progress).run()
    }

    /// Downloads what is asked for into memory.
    pub fn get<'a>(&self, asked: impl Into<Request<'a>>, expected: &Expected) -> Result<Vec<u8>, HttpError> {
        let mut bytes = Vec::new();
        Transfer::new(self, asked.into(), expected, &mut bytes, &mut |_| {}).run()?;
        Ok(bytes)
    }
}

/// Where a body goes.
trait Sink {
    /// Forgets everything that was written.
    fn restart(&mut self) -> io::Result<()>;
    /// Appends bytes.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
}

impl Sink for File {
    fn restart(&mut self) -> io::Result<()> {
        self.rewind()?;
        self.set_len(0)
    }
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }
}

impl Sink for Vec<u8> {
    fn restart(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// Whether the next attempt can go on where the last one broke off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Resumption {
    /// The server has not offered it.
    Unknown,
    /// The server takes ranges.
    Offered,
    /// Parts of the body come from different answers.
    Used,
}

struct Transfer<'t> {
    client: &'t Client,
    asked: Request<'t>,
    expected: &'t Expected,
    sink: &'t mut dyn Sink,
    progress: &'t mut Progress<'t>,
    hasher: BlobHasher,
    received: u64,
    resumption: Resumption,
    /// What the server asked for with its last error.
    retry_after: Option<Duration>,
}

impl<'t> Transfer<'t> {
    fn new(
        client: &'t Client,
        asked: Request<'t>,
        expected: &'t Expected,
        sink: &'t mut dyn Sink,
        progress: &'t mut Progress<'t>,
    ) -> Self {
        let (hasher, resumption) = (BlobHasher::new(), Resumption::Unknown);
        Self { client, asked, expected, sink, progress, hasher, received: 0, resumption, retry_after: None }
    }

    fn run(mut self) -> Result<BlobDigests, HttpError> {
        let patience = self.client.settings.patience;
        let mut pause = patience.pause;
        for attempt in 1.. {
            match self.attempt() {
                Err(error) if attempt < patience.attempts && self.is_worth_a_retry(&error) => {
                    let wait =
                        self.retry_after.take().map_or(pause, |asked| asked.max(pause).min(LONGEST_PAUSE));
                    std::thread::sleep(wait);
                    pause *= 2;
                }
                result => return result,
            }
        }
        unreachable!("because the loop ends by returning")
    }

    /// A digest that doesn't fit is final, unless the body was put together from several answers.
    fn is_worth_a_retry(&mut self, error: &HttpError) -> bool {
        let patched = matches!(error, HttpError::Digest { .. }) && self.resumption == Resumption::Used;
        if patched {
            self.received = 0;
            self.resumption = Resumption::Unknown;
        }
        patched || error.is_transient()
    }

    fn attempt(&mut self) -> Result<BlobDigests, HttpError> {
        let offset = if self.resumption == Resumption::Unknown { 0 } else { self.received };
        let response = self.client.request(&self.asked, offset, self.expected.encryption)?;
        self.begin(&response, offset)?;
        self.read(response.into_body())?;
        self.finish()
    }

    fn shown(&self) -> String {
        without_userinfo(self.asked.url)
    }

    fn interrupted(&self) -> HttpError {
        HttpError::Interrupted { url: self.shown(), received: self.received }
    }

    /// Looks at the status and the headers, and gets the sink ready.
    fn begin(&mut self, response: &Response<Body>, offset: u64) -> Result<(), HttpError> {
        let text =
            |name| response.headers().get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
        match response.status().as_u16() {
            206 if offset > 0
                && text(header::CONTENT_RANGE).is_some_and(|range| starts_at(range, offset)) =>
            {
                self.resumption = Resumption::Used;
            }
            // An answer to another question: ask for everything.
            206 | 416 => {
                self.resumption = Resumption::Unknown;
                return Err(self.interrupted());
            }
            200 => {
                let source = self.sink.restart();
                source.map_err(|source| HttpError::Write { url: self.shown(), source })?;
                self.hasher = BlobHasher::new();
                self.received = 0;
                let offered = text(header::ACCEPT_RANGES) == Some("bytes");
                self.resumption = if offered { Resumption::Offered } else { Resumption::Unknown };
            }
            status => {
                let retry_after =
                    text(header::RETRY_AFTER).and_then(|value| value.parse().ok()).map(Duration::from_secs);
                self.retry_after = retry_after;
                let challenge = text(header::WWW_AUTHENTICATE).map(ToOwned::to_owned);
                return Err(HttpError::Status { url: self.shown(), status, challenge, retry_after });
            }
        }
        self.check_length(response.body().content_length())
    }

    /// Refuses a body before its first byte when the server states another size.
    fn check_length(&self, length: Option<u64>) -> Result<(), HttpError> {
        let Some(found) = length.map(|length| self.received.saturating_add(length)) else { return Ok(()) };
        if let Some(expected) = self.expected.size.filter(|size| *size != found) {
            return Err(HttpError::Size { url: self.shown(), expected, found });
        }
        self.check_limit(found)
    }

    fn check_limit(&self, size: u64) -> Result<(), HttpError> {
        let limit = self.expected.limit;
        if size > limit { Err(HttpError::TooLarge { url: self.shown(), limit }) } else { Ok(()) }
    }

    fn read(&mut self, body: Body) -> Result<(), HttpError> {
        let mut reader = body.into_reader();
        let mut buffer = vec![0; 128 * 1024];
        loop {
            let count = match reader.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(match classify_io(error, self.shown()) {
                        HttpError::Connection { .. } => self.interrupted(),
                        other => other,
                    });
                }
            };
            self.check_limit(self.received + count as u64)?;
            let bytes = &buffer[..count];
            self.sink.append(bytes).map_err(|source| HttpError::Write { url: self.shown(), source })?;
            self.hasher.update(bytes);
            self.received += count as u64;
            (self.progress)(self.received);
        }
    }

    fn finish(&mut self) -> Result<BlobDigests, HttpError> {
        if self.expected.size.is_some_and(|size| self.received < size) {
            return Err(self.interrupted());
        }
        let digests = std::mem::take(&mut self.hasher).finish();
        match self.expected.sha256 {
            Some(expected) if expected != digests.sha256 => {
                Err(HttpError::Digest { url: self.shown(), expected, found: digests.sha256 })
            }
            _ => Ok(digests),
        }
    }
}

/// Tells whether a `Content-Range` (`bytes 5-9/10`) starts at `offset`.
fn starts_at(range: &str, offset: u64) -> bool {
    range
        .strip_prefix("bytes ")
        .and_then(|range| range.split('-').next())
        .is_some_and(|start| start == offset.to_string())
}
