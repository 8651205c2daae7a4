//! The pieces of tar archives: ustar, with PAX and GNU's headers.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Range;

use kit_tree::TreePath;

use super::extent::{Extent, Field, text};
use super::walk::Walk;
use crate::tar::{BLOCK, header};

/// The most that headers before a member may have, in bytes.
const LONGEST: u64 = 1 << 20;
/// The fields of a header, as `kit_format::tar::header` has them.
const FIELDS: [(&str, Range<usize>); 15] = [
    ("name", header::NAME),
    ("mode", header::MODE),
    ("uid", header::UID),
    ("gid", header::GID),
    ("size", header::SIZE),
    ("mtime", header::MTIME),
    ("checksum", header::CHECKSUM),
    ("type", header::KIND..header::KIND + 1),
    ("link name", header::LINK),
    ("magic and version", header::MAGIC),
    ("user name", header::MAGIC.end..297),
    ("group name", 297..header::MAJOR.start),
    ("device major", header::MAJOR),
    ("device minor", header::MINOR),
    ("prefix", header::PREFIX),
];

/// Reads an archive piece by piece.
pub(super) struct Extents<'a> {
    walk: Walk<'a>,
    next: VecDeque<Extent>,
    is_done: bool,
}

impl<'a> Extents<'a> {
    pub(super) fn new(source: Box<dyn Read + 'a>) -> Self {
        Self { walk: Walk::new(source), next: VecDeque::new(), is_done: false }
    }

    /// Reads the next member with the headers that stand before it, or the end.
    fn advance(&mut self) -> io::Result<()> {
        let (mut before, mut path) = (Vec::new(), None);
        loop {
            let begin = self.walk.at();
            let block = self.walk.read(BLOCK as u64)?;
            if block.is_empty() || block.iter().all(|byte| *byte == 0) {
                self.next.extend(before);
                return self.end("end of the archive", begin);
            }
            let size = number(&block, &header::SIZE);
            let Some(size) = size.filter(|_| block.len() == BLOCK) else {
                self.next.extend(before);
                return self.end("bytes that are no member of an archive", begin);
            };
            let kind = char::from(block[header::KIND]);
            let header = Extent::new("header", begin..self.walk.at()).with(fields(&block, begin));
            let start = self.walk.at();
            let what = match kind {
                'x' | 'g' => "PAX",
                'L' | 'K' => "GNU",
                _ => {
                    let member = path.or_else(|| TreePath::from_archive(&name(&block)).ok());
                    let has_content = !matches!(kind, '1'..='6');
                    let size = if has_content { size } else { 0 };
                    self.walk.skip(size)?;
                    let mut extents = before;
                    extents.extend([header, Extent::content(start..self.walk.at(), None)]);
                    extents.push(self.pad("padding behind the content")?);
                    let owned = extents.into_iter().map(|extent| extent.of(member.clone()));
                    self.next.extend(owned.filter(|extent| !extent.range.is_empty()));
                    return Ok(());
                }
            };
            if size > LONGEST {
                self.next.extend(before);
                return self.end("bytes that are no member of an archive", begin);
            }
            let records = self.walk.read(size)?;
            let own = match kind {
                'x' => named(&records, start, &mut path),
                'g' => named(&records, start, &mut None),
                'L' => {
                    let end = records.iter().position(|byte| *byte == 0).unwrap_or(records.len());
                    path = TreePath::from_archive(&records[..end]).ok();
                    Vec::new()
                }
                _ => Vec::new(),
            };
            before.push(Extent { what: format!("{what} header before the header"), ..header });
            let end = start + records.len() as u64;
            before.push(Extent::new(format!("{what} records before the header"), start..end).with(own));
            before.push(self.pad("padding behind the records")?);
        }
    }

    fn pad(&mut self, what: &str) -> io::Result<Extent> {
        let (at, block) = (self.walk.at(), BLOCK as u64);
        self.walk.skip(at.next_multiple_of(block) - at)?;
        Ok(Extent::new(what, at..self.walk.at()))
    }

    fn end(&mut self, what: &str, begin: u64) -> io::Result<()> {
        self.is_done = true;
        self.walk.skip(u64::MAX)?;
        if self.walk.at() > begin {
            self.next.push_back(Extent::new(what, begin..self.walk.at()));
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

fn number(block: &[u8], range: &Range<usize>) -> Option<u64> {
    let digits = text(block.get(range.clone())?);
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(&digits, 8).ok() }
}

fn name(block: &[u8]) -> Vec<u8> {
    let field = |range: Range<usize>| {
        let bytes = &block[range];
        &bytes[..bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len())]
    };
    let (prefix, own) = (field(header::PREFIX), field(header::NAME));
    let is_posix = block[header::MAGIC].starts_with(b"ustar\0");
    if prefix.is_empty() || !is_posix { own.to_vec() } else { [prefix, b"/", own].concat() }
}

fn fields(block: &[u8], begin: u64) -> Vec<Field> {
    let field = |(name, range): (&str, Range<usize>)| {
        let octal = matches!(name, "uid" | "gid" | "size" | "mtime" | "device major" | "device minor");
        let value = match number(block, &range) {
            Some(number) if octal => number.to_string(),
            _ => text(&block[range.clone()]),
        };
        let range = begin + range.start as u64..begin + range.end as u64;
        Field { name: name.to_owned(), range, value }
    };
    FIELDS.into_iter().map(field).collect()
}

/// Returns the records of a PAX header, and takes the path that one names.
fn named(mut bytes: &[u8], start: u64, path: &mut Option<TreePath>) -> Vec<Field> {
    let (mut fields, mut at) = (Vec::new(), start);
    while let Some((key, value, rest)) = crate::tar::pax::record(bytes) {
        let length = (bytes.len() - rest.len()) as u64;
        if key == b"path" {
            *path = TreePath::from_archive(value).ok();
        }
        fields.push(Field {
            name: format!("`{}`", String::from_utf8_lossy(key)),
            range: at..at + length,
            value: String::from_utf8_lossy(value).into_owned(),
        });
        (bytes, at) = (rest, at + length);
    }
    fields
}
