//! What a client asks for.

use std::io::{self, Read as _};
use std::net::TcpStream;
use std::time::Instant;

use super::left_until;

/// The longest request, in bytes.
const LONGEST: usize = 16 << 10;
/// The most fields of a request.
const FIELDS: usize = 64;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
}

/// A request, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: Method,
    /// As it was written.
    pub(super) target: String,
    range: Option<String>,
    if_range: Option<String>,
    if_none_match: Option<String>,
}

/// Why a request isn't answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bad {
    Malformed,
    Method,
    Body,
    TooLong,
}

impl Bad {
    pub(super) fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Method => 405,
            Self::Body => 413,
            Self::TooLong => 431,
        }
    }

    /// Returns fields of the answer.
    pub(super) fn extra(self) -> &'static str {
        if self == Self::Method { "Allow: GET, HEAD\r\n" } else { "" }
    }
}

/// What of a file is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Selected {
    Whole,
    /// Both bytes are part of it.
    Range {
        first: u64,
        last: u64,
    },
    /// The client has it.
    Unchanged,
    /// Nothing of it is in the range.
    Outside,
}

impl Request {
    /// Reads one; it has to be there in time.
    pub(super) fn read(mut stream: &TcpStream, end: Instant) -> io::Result<Result<Self, Bad>> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 4 << 10];
        loop {
            stream.set_read_timeout(Some(left_until(end)?))?;
            let count = match stream.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            bytes.extend_from_slice(&buffer[..count]);
            match Self::parse(&bytes) {
                Some(parsed) => return Ok(parsed),
                None if bytes.len() >= LONGEST => return Ok(Err(Bad::TooLong)),
                None => {}
            }
        }
    }

    /// Parses what has come so far; none is not enough.
    fn parse(bytes: &[u8]) -> Option<Result<Self, Bad>> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS];
        let mut parsed = httparse::Request::new(&mut fields);
        match parsed.parse(bytes) {
            Ok(httparse::Status::Complete(_)) => Some(Self::of(&parsed)),
            Ok(httparse::Status::Partial) => None,
            Err(httparse::Error::TooManyHeaders) => Some(Err(Bad::TooLong)),
            Err(_) => Some(Err(Bad::Malformed)),
        }
    }

    fn of(parsed: &httparse::Request<'_, '_>) -> Result<Self, Bad> {
        let field = |name: &str| {
            let mut found = parsed.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
            match (found.next(), found.next()) {
                (None, _) => Ok(None),
                (Some(field), None) => std::str::from_utf8(field.value)
                    .map(|value| Some(value.trim()))
                    .map_err(|_| Bad::Malformed),
                (Some(_), Some(_)) => Err(Bad::Malformed),
            }
        };
        let method = match parsed.method {
            Some("GET") => Method::Get,
            Some("HEAD") => Method::Head,
            _ => return Err(Bad::Method),
        };
        // One host is what HTTP/1.1 demands.
        if parsed.version == Some(1) && field("host")?.is_none() {
            return Err(Bad::Malformed);
        }
        let has_body = field("transfer-encoding")?.is_some()
            || field("content-length")?.is_some_and(|length| length != "0");
        if has_body {
            return Err(Bad::Body);
        }
        let owned = |name: &str| field(name).map(|value| value.map(str::to_owned));
        Ok(Self {
            method,
            target: parsed.path.unwrap_or_default().to_owned(),
            range: owned("range")?,
            if_range: owned("if-range")?,
            if_none_match: owned("if-none-match")?,
        })
    }

    /// Returns the path that it asks for, relative and with plain names only; none is nothing that there can be.
    pub(super) fn name(&self) -> Option<String> {
        let path = self.target.split(['?', '#']).next().unwrap_or_default();
        let name = decoded(path.strip_prefix('/')?)?;
        let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        let allowed = !name.contains(['\0', '\\']) && name.split('/').all(is_plain);
        allowed.then_some(name)
    }

    /// Returns what is given of a file of this size, with this tag.
    pub(super) fn select(&self, size: u64, tag: Option<&str>) -> Selected {
        let is_ours = |text: &str| tag.is_some_and(|tag| text.trim() == format!("\"{tag}\""));
        if let Some(list) = &self.if_none_match
            && list.split(',').any(|text| is_ours(text.trim().trim_start_matches("W/")))
        {
            return Selected::Unchanged;
        }
        // A range of another state of the file would be put together with this one's.
        let same = self.if_range.as_deref().is_none_or(is_ours);
        match &self.range {
            Some(range) if same && self.method == Method::Get => selected(range, size),
            _ => Selected::Whole,
        }
    }
}

/// Returns the range that is asked for. What isn't one, and several, are the whole, as the standard lets servers choose.
fn selected(range: &str, size: u64) -> Selected {
    let Some((unit, set)) = range.split_once('=') else { return Selected::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return Selected::Whole;
    }
    let Some((first, last)) = set.trim().split_once('-') else { return Selected::Whole };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // A number that is too large is larger than any file.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (first, last) {
        ("", count) => match number(count) {
            None => Selected::Whole,
            Some(0) => Selected::Outside,
            Some(_) if size == 0 => Selected::Outside,
            Some(count) => Selected::Range { first: size.saturating_sub(count), last: size - 1 },
        },
        (first, "") => match number(first) {
            None => Selected::Whole,
            Some(first) if first >= size => Selected::Outside,
            Some(first) => Selected::Range { first, last: size - 1 },
        },
        (first, last) => match number(first).zip(number(last)) {
            None => Selected::Whole,
            Some((first, last)) if last < first => Selected::Whole,
            Some((first, _)) if first >= size => Selected::Outside,
            Some((first, last)) => Selected::Range { first, last: last.min(size - 1) },
        },
    }
}

/// Takes `%NN` back.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return None;
            }
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(*byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Request, Bad> {
        Request::parse(text.as_bytes()).expect("it is whole")
    }

    fn name(target: &str) -> Option<String> {
        parse(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")).ok()?.name()
    }

    #[test]
    fn names_lead_nowhere_but_below() {
        assert_eq!(name("/a/b%20c?x=/../y").as_deref(), Some("a/b c"));
        for target in [
            "/",
            "/..",
            "/a/../b",
            "/%2e%2e/b",
            "/a//b",
            "//b",
            "/a%00",
            "/a%5c..",
            "/%zz",
            "/%f",
            "/%+1",
            "a",
        ] {
            assert_eq!(name(target), None, "{target}");
        }
    }

    #[test]
    fn ranges_are_one_part_of_the_file() {
        let range = |first, last| Selected::Range { first, last };
        for (text, expected) in [
            ("bytes=0-0", range(0, 0)),
            ("bytes=2-", range(2, 9)),
            ("bytes=5-99", range(5, 9)),
            ("bytes=-3", range(7, 9)),
            ("bytes=-99", range(0, 9)),
            ("Bytes = 1-2", range(1, 2)),
            ("bytes=10-", Selected::Outside),
            ("bytes=-0", Selected::Outside),
            ("bytes=99999999999999999999-", Selected::Outside),
            ("bytes=3-2", Selected::Whole),
            ("bytes=0-1,3-4", Selected::Whole),
            ("lines=0-1", Selected::Whole),
            ("bytes=+1-2", Selected::Whole),
            ("bytes=-", Selected::Whole),
            ("nonsense", Selected::Whole),
        ] {
            assert_eq!(selected(text, 10), expected, "{text}");
        }
        assert_eq!(selected("bytes=0-", 0), Selected::Outside);
        assert_eq!(selected("bytes=-1", 0), Selected::Outside);
    }

    #[test]
    fn tags_decide_what_is_sent_again() {
        let request = |field: &str| parse(&format!("GET /a HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n")).unwrap();
        assert_eq!(request("If-None-Match: \"x\", W/\"t\"").select(5, Some("t")), Selected::Unchanged);
        assert_eq!(request("If-None-Match: \"t\"").select(5, None), Selected::Whole);
        let part = "Range: bytes=1-1\r\nIf-Range: \"t\"";
        assert_eq!(request(part).select(5, Some("t")), Selected::Range { first: 1, last: 1 });
        assert_eq!(request(part).select(5, Some("u")), Selected::Whole);
        let head = parse("HEAD /a HTTP/1.0\r\nRange: bytes=1-1\r\n\r\n").unwrap();
        assert_eq!(head.select(5, None), Selected::Whole);
    }

    #[test]
    fn what_isn_t_plain_is_refused() {
        for (text, bad) in [
            ("POST / HTTP/1.1\r\nHost: a\r\n\r\n", Bad::Method),
            ("GET / HTTP/1.1\r\n\r\n", Bad::Malformed),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", Bad::Malformed),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", Bad::Body),
            ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", Bad::Body),
            ("\x16\x03\x01 TLS\r\n\r\n", Bad::Malformed),
        ] {
            assert_eq!(parse(text), Err(bad), "{text}");
        }
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(100));
        assert_eq!(parse(&many), Err(Bad::TooLong));
    }

    proptest! {
        #[test]
        fn anything_is_read_without_a_panic(bytes: Vec<u8>, range in "\\PC{0,20}", size: u64) {
            let _ = Request::parse(&bytes);
            let selected = selected(&format!("bytes={range}"), size);
            if let Selected::Range { first, last } = selected {
                prop_assert!(first <= last && last < size);
            }
        }
    }
}
