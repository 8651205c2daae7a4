//! The pieces of cpio archives in the "newc" form, one archive behind the other; what else stands behind them isn't theirs.

use std::collections::VecDeque;
use std::io::{self, Read};

use kit_tree::TreePath;

use super::extent::{Extent, Field};
use super::walk::Walk;
use crate::compression::Compression;
use crate::cpio::{ALIGNMENT, HEADER, TRAILER};

/// What every archive begins with.
pub(super) const BEGIN: &[u8] = b"07070";
/// The longest name that is read, in bytes.
const LONGEST: u64 = 64 << 10;
/// The numbers of a header, in order, each of eight digits.
const NUMBERS: [&str; 13] = [
    "inode",
    "mode",
    "uid",
    "gid",
    "links",
    "mtime",
    "file size",
    "device major",
    "device minor",
    "own device major",
    "own device minor",
    "name size",
    "check",
];
const SIZE: usize = 6;
const NAME_SIZE: usize = 11;

/// Reads archives piece by piece.
pub(super) struct Extents<'a> {
    walk: Walk<'a>,
    next: VecDeque<Extent>,
    is_done: bool,
    behind: Option<(u64, Compression)>,
}

impl<'a> Extents<'a> {
    pub(super) fn new(source: Box<dyn Read + 'a>) -> Self {
        Self { walk: Walk::new(source), next: VecDeque::new(), is_done: false, behind: None }
    }

    /// Returns where a compressed stream begins behind the archives; known once all pieces were taken.
    pub(super) fn behind(&self) -> Option<(u64, Compression)> {
        self.behind
    }

    /// Reads the next member, or what stands between archives.
    fn advance(&mut self) -> io::Result<()> {
        let begin = self.walk.at();
        let mut start = self.walk.read(ALIGNMENT)?;
        let is_zeros = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
        if start.is_empty() {
            self.is_done = true;
            return Ok(());
        }
        if is_zeros(&start) {
            while !start.is_empty() && is_zeros(&start) {
                start = self.walk.read(ALIGNMENT)?;
            }
            let end = self.walk.at() - start.len() as u64;
            self.next.push_back(Extent::new("zeros between archives", begin..end));
            if start.is_empty() {
                self.is_done = true;
                return Ok(());
            }
        }
        self.member(start)
    }

    /// Reads a member whose first bytes were read.
    fn member(&mut self, start: Vec<u8>) -> io::Result<()> {
        let begin = self.walk.at() - start.len() as u64;
        let mut header = start;
        header.extend(self.walk.read(HEADER as u64 - header.len() as u64)?);
        let Some(fields) = fields(&header, begin) else { return self.end(begin, &header) };
        let number = |place: usize| u64::from(digits(&header, place).unwrap_or_default());
        let (size, name_size) = (number(SIZE), number(NAME_SIZE));
        if name_size > LONGEST {
            return self.end(begin, &header);
        }
        let bytes = self.walk.read(name_size)?;
        let name = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
        let is_trailer = name == TRAILER;
        let member = if is_trailer { None } else { TreePath::from_archive(name).ok() };
        let what = |part: &str| {
            if is_trailer { format!("{part} of the end of the archive") } else { part.to_owned() }
        };
        let after_header = begin + HEADER as u64;
        self.push(Extent::new(what("header"), begin..after_header).of(member.clone()).with(fields));
        let mut named = Extent::new(what("name"), after_header..self.walk.at()).of(member.clone());
        named.value = Some(String::from_utf8_lossy(name).into_owned());
        self.push(named);
        self.pad("padding behind the name", member.as_ref())?;
        let at = self.walk.at();
        self.walk.skip(size)?;
        self.push(Extent::content(at..self.walk.at(), member.clone()));
        self.pad("padding behind the content", member.as_ref())
    }

    fn push(&mut self, extent: Extent) {
        if !extent.range.is_empty() {
            self.next.push_back(extent);
        }
    }

    fn pad(&mut self, what: &str, member: Option<&TreePath>) -> io::Result<()> {
        let at = self.walk.at();
        self.walk.skip(at.next_multiple_of(ALIGNMENT) - at)?;
        self.push(Extent::new(what, at..self.walk.at()).of(member.cloned()));
        Ok(())
    }

    /// Ends where something else stands: a compressed archive, or bytes that break the rules.
    fn end(&mut self, begin: u64, start: &[u8]) -> io::Result<()> {
        self.is_done = true;
        match Compression::sniff(start) {
            Compression::None => {
                self.walk.skip(u64::MAX)?;
                self.push(Extent::new("bytes that are no archive", begin..self.walk.at()));
            }
            compression => self.behind = Some((begin, compression)),
        }
        Ok(())
    }
}

impl Iterator for Extents<'_> {
    type Item = io::Result<Extent>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.next.is_empty() && !self.is_done {
            if let Err(error) = self.advance() {
                self.is_done = true;
                return Some(Err(error));
            }
        }
        self.next.pop_front().map(Ok)
    }
}

fn digits(header: &[u8], place: usize) -> Option<u32> {
    let digits = std::str::from_utf8(header.get(6 + 8 * place..14 + 8 * place)?).ok()?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}

/// Returns the fields of a header; none where it is no header.
fn fields(header: &[u8], begin: u64) -> Option<Vec<Field>> {
    if header.len() != HEADER || !header.starts_with(BEGIN) {
        return None;
    }
    let magic = Field {
        name: "magic".to_owned(),
        range: begin..begin + 6,
        value: String::from_utf8_lossy(&header[..6]).into_owned(),
    };
    let number = |(place, name): (usize, &&str)| {
        let number = digits(header, place)?;
        let start = begin + 6 + 8 * place as u64;
        let value = if *name == "mode" { format!("{number:06o}") } else { number.to_string() };
        Some(Field { name: (*name).to_owned(), range: start..start + 8, value })
    };
    std::iter::once(Some(magic)).chain(NUMBERS.iter().enumerate().map(number)).collect()
}
