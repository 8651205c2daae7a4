//! Archives that were taken apart: `tar-split`, by which stores of containers keep a layer as a directory of files and give back the very
//! archive that it came in.
//!
//! It is text, an object of JSON on each line, in order: a segment has bytes of the archive (headers, padding), a file stands for the
//! content of a file of the directory.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::limits::{LimitError, Limits};

/// The longest line, in bytes.
const LONGEST_LINE: u64 = 16 << 20;
/// The number of a line that is a file.
const FILE: u64 = 1;
/// The number of a line that is a segment.
const SEGMENT: u64 = 2;

/// Why an archive can't be put together again.
#[derive(Debug, thiserror::Error)]
pub enum TarSplitError {
    /// A line isn't what it should be.
    #[error("line {line} is none of an archive that was taken apart")]
    Line {
        /// Which one, from 1.
        line: u64,
        /// Why, where JSON is at fault.
        #[source]
        source: Option<serde_json::Error>,
    },
    /// A file is shorter than it was.
    #[error("`{name}` is shorter than when the archive was taken apart")]
    Short {
        /// The file.
        name: String,
    },
    /// A file can't be read.
    #[error("`{name}` can't be read")]
    File {
        /// The file.
        name: String,
        /// Why.
        source: io::Error,
    },
}

impl From<TarSplitError> for io::Error {
    fn from(error: TarSplitError) -> Self {
        Self::other(error)
    }
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: u64,
    name: Option<String>,
    /// The name where it isn't UTF-8.
    name_raw: Option<String>,
    size: Option<u64>,
    payload: Option<String>,
    position: u64,
}

/// Opens a file of the directory by its name in the archive.
pub type OpenFile<'a> = Box<dyn FnMut(&[u8]) -> io::Result<Box<dyn Read + 'a>> + 'a>;

/// What is read next.
enum Part<'a> {
    Segment(Cursor<Vec<u8>>),
    File { name: String, left: u64, content: Box<dyn Read + 'a> },
}

/// The archive, put together again while it is read.
pub struct TarSplitReader<'a, R> {
    lines: BufReader<R>,
    line: u64,
    open: OpenFile<'a>,
    part: Part<'a>,
    left: u64,
    limit: u64,
}

impl<R> std::fmt::Debug for TarSplitReader<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TarSplitReader").field("line", &self.line).finish_non_exhaustive()
    }
}

impl<'a, R: Read> TarSplitReader<'a, R> {
    /// Starts at the first line; `open` gives the content of files.
    pub fn new(lines: R, open: OpenFile<'a>, limits: &Limits) -> Self {
        let part = Part::Segment(Cursor::default());
        let limit = limits.total_bytes;
        Self { lines: BufReader::new(lines), line: 0, open, part, left: limit, limit }
    }

    /// Goes on to the next line; false behind the last one.
    fn advance(&mut self) -> io::Result<bool> {
        let mut text = Vec::new();
        self.lines.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut text)?;
        if text.is_empty() {
            return Ok(false);
        }
        if text.len() as u64 > LONGEST_LINE {
            return Err(LimitError::HeaderBytes { limit: LONGEST_LINE }.into());
        }
        self.line += 1;
        let fault = |source| TarSplitError::Line { line: self.line, source };
        let line: Line = serde_json::from_slice(&text).map_err(|error| fault(Some(error)))?;
        if line.position + 1 != self.line {
            return Err(fault(None).into());
        }
        let decoded = |text: Option<&String>| {
            text.map_or(Ok(Vec::new()), |text| STANDARD.decode(text).map_err(|_| fault(None)))
        };
        self.part = match line.kind {
            SEGMENT => Part::Segment(Cursor::new(decoded(line.payload.as_ref())?)),
            FILE => {
                let name = match (&line.name_raw, line.name) {
                    (Some(_), _) => decoded(line.name_raw.as_ref())?,
                    (None, Some(name)) => name.into_bytes(),
                    (None, None) => return Err(fault(None).into()),
                };
                let left = line.size.unwrap_or(0);
                let shown = String::from_utf8_lossy(&name).into_owned();
                let file = |source| TarSplitError::File { name: shown.clone(), source };
                let content = match left {
                    0 => Box::new(io::empty()),
                    _ => (self.open)(&name).map_err(file)?,
                };
                Part::File { name: shown, left, content }
            }
            _ => return Err(fault(None).into()),
        };
        Ok(true)
    }
}

impl<R: Read> Read for TarSplitReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let count = match &mut self.part {
                Part::Segment(bytes) => bytes.read(buffer)?,
                Part::File { left: 0, .. } => 0,
                Part::File { name, left, content } => {
                    let most = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
                    let read = content.read(&mut buffer[..most]);
                    let count = read.map_err(|source| TarSplitError::File { name: name.clone(), source })?;
                    if count == 0 {
                        return Err(TarSplitError::Short { name: name.clone() }.into());
                    }
                    *left -= count as u64;
                    count
                }
            };
            if count > 0 {
                self.left = self
                    .left
                    .checked_sub(count as u64)
                    .ok_or(LimitError::TotalBytes { limit: self.limit })?;
                return Ok(count);
            }
            if !self.advance()? {
                return Ok(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn together(text: &str, limits: &Limits) -> Result<Vec<u8>, String> {
        let open: OpenFile<'_> = Box::new(|name| match name {
            b"a" => Ok(Box::new(&b"content"[..])),
            b"\xff" => Ok(Box::new(&b"raw"[..])),
            _ => Err(io::ErrorKind::NotFound.into()),
        });
        let mut bytes = Vec::new();
        let read = TarSplitReader::new(text.as_bytes(), open, limits).read_to_end(&mut bytes);
        read.map(|_| bytes).map_err(|error| error.to_string())
    }

    #[test]
    fn segments_and_files_make_an_archive() {
        let text = r#"{"type":2,"payload":"SGVhZA==","position":0}
{"type":1,"name":"a","size":7,"payload":"AAAA","position":1}
{"type":2,"payload":"UGFk","position":2}
{"type":1,"name":"none","payload":null,"position":3}
{"type":1,"name_raw":"/w==","size":3,"position":4}
"#;
        assert_eq!(together(text, &Limits::standard()), Ok(b"HeadcontentPadraw".to_vec()));
        assert_eq!(together("", &Limits::standard()), Ok(Vec::new()));
        let small = Limits { total_bytes: 10, ..Limits::standard() };
        assert!(together(text, &small).is_err_and(|told| told.contains("more than 10 bytes")));
    }

    #[test]
    fn what_doesnt_fit_is_told() {
        for (text, told) in [
            ("{}", "line 1 is none"),
            (r#"{"type":2,"payload":"?","position":0}"#, "line 1 is none"),
            (r#"{"type":3,"position":0}"#, "line 1 is none"),
            (r#"{"type":1,"position":0}"#, "line 1 is none"),
            (r#"{"type":2,"position":1}"#, "line 1 is none"),
            (r#"{"type":1,"name":"b","size":1,"position":0}"#, "`b` can't be read"),
            (r#"{"type":1,"name":"a","size":9,"position":0}"#, "`a` is shorter than"),
            ("{\"type\":2,\"payload\":\"AA==\",\"position\":0}\n\n", "line 2 is none"),
        ] {
            let error = together(text, &Limits::standard()).unwrap_err();
            assert!(error.starts_with(told), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(\\{\"type\":[12],\"name\":\"a\",\"size\":[0-9]{1,3},\"position\":[0-3]\\}\n){0,4}[{}:,\"a-z0-9]{0,9}") {
            _ = together(&text, &Limits::standard());
        }
    }
}
