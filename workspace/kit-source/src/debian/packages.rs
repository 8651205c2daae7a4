//! The `Packages` index: one stanza for each package version, indexed in one pass and read in place.

use std::ops::Range;

use super::relation;
use super::stanza;
use kit_format::deb::version::Version;

/// The longest stanza that is read, in bytes.
const STANZA_LIMIT: usize = 1 << 20;

/// An index over the text of one or more `Packages` files.
///
/// Building it touches each line once; fields are parsed when a stanza is asked for them.
#[derive(Debug)]
pub struct Packages {
    text: String,
    stanzas: Vec<Span>,
    /// `(name, stanza)`, sorted by name, then by place in the file.
    by_name: Vec<(Span, EntryId)>,
    /// `(provided name, stanza)`, sorted in the same way.
    provides: Vec<(Span, EntryId)>,
}

/// The place of a stanza in its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryId(pub(crate) u32);

/// One stanza.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    stanza: &'a str,
}

/// Why a text is no `Packages` index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackagesError {
    /// The text isn't UTF-8.
    #[error("the package index is not UTF-8 text")]
    Text,
    /// The text is larger than an index can be.
    #[error("the package index has {size} bytes, more than the {limit} that are read")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// One stanza is larger than a stanza can be.
    #[error("the stanza at byte {at} of the package index is longer than {limit} bytes")]
    Stanza {
        /// Where it starts.
        at: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A stanza has no `Package` field, or an impossible one.
    #[error("the stanza at byte {at} of the package index names no package")]
    Name {
        /// Where it starts.
        at: usize,
    },
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    length: u32,
}

impl Span {
    fn new(range: &Range<usize>) -> Self {
        let narrow = |n: usize| u32::try_from(n).expect("because the text is shorter than 4 GiB");
        Self { start: narrow(range.start), length: narrow(range.len()) }
    }

    fn of(self, text: &str) -> &str {
        let start = self.start as usize;
        &text[start..start + self.length as usize]
    }
}

impl Packages {
    /// Indexes the text of one `Packages` file, or of several with an empty line between them.
    pub fn parse(text: Vec<u8>) -> Result<Self, PackagesError> {
        let limit = u32::MAX as usize;
        if text.len() > limit {
            return Err(PackagesError::TooLarge { size: text.len(), limit });
        }
        let text = String::from_utf8(text).map_err(|_| PackagesError::Text)?;
        let mut index =
            Self { text: String::new(), stanzas: Vec::new(), by_name: Vec::new(), provides: Vec::new() };
        let mut scan = Scan { text: &text, at: 0 };
        while let Some(stanza) = scan.next_stanza()? {
            index.add(&text, &stanza);
        }
        index.by_name.sort_unstable_by_key(|(name, entry)| (name.of(&text), *entry));
        index.provides.sort_unstable_by_key(|(name, entry)| (name.of(&text), *entry));
        index.text = text;
        Ok(index)
    }

    fn add(&mut self, text: &str, stanza: &Scanned) {
        let entry =
            EntryId(u32::try_from(self.stanzas.len()).expect("because the text is shorter than 4 GiB"));
        self.stanzas.push(Span::new(&stanza.range));
        self.by_name.push((Span::new(&stanza.name), entry));
        if let Some(provides) = &stanza.provides {
            let mut start = provides.start;
            for item in text[provides.clone()].split(',') {
                let name = item.trim_start();
                let name_start = start + item.len() - name.len();
                let length = name.find(|c: char| c.is_whitespace() || c == '(').unwrap_or(name.len());
                if length > 0 {
                    self.provides.push((Span::new(&(name_start..name_start + length)), entry));
                }
                start += item.len() + 1;
            }
        }
    }

    /// Returns the number of package versions.
    pub fn len(&self) -> usize {
        self.stanzas.len()
    }

    /// Tells whether the index has no package.
    pub fn is_empty(&self) -> bool {
        self.stanzas.is_empty()
    }

    /// Returns a stanza.
    pub fn entry(&self, id: EntryId) -> Entry<'_> {
        Entry { stanza: self.stanzas[id.0 as usize].of(&self.text) }
    }

    /// Returns all versions of the package `name`, in the order of the file.
    pub fn named(&self, name: &str) -> impl ExactSizeIterator<Item = EntryId> + use<'_> {
        equal_range(&self.text, &self.by_name, name).iter().map(|(_, entry)| *entry)
    }

    /// Returns all package versions with `name` in their `Provides`, in the order of the file.
    pub fn providers(&self, name: &str) -> impl ExactSizeIterator<Item = EntryId> + use<'_> {
        equal_range(&self.text, &self.provides, name).iter().map(|(_, entry)| *entry)
    }

    /// Iterates over the names of all packages in order; a package with several versions comes more than once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.iter().map(|(name, _)| name.of(&self.text))
    }

    /// Iterates over all stanzas in the order of the file.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.stanzas.iter().map(|span| Entry { stanza: span.of(&self.text) })
    }
}

impl Packages {
    /// Returns where the index first mentions `name`, as a package or in a relation; its length if it never does.
    pub(crate) fn first_mention(&self, name: &str) -> usize {
        let bytes = self.text.as_bytes();
        let is_mention = |at: &usize| {
            let end = at + name.len();
            let before = at.checked_sub(1).map(|before| bytes[before]);
            matches!(before, Some(b' ' | b',' | b'|'))
                && matches!(bytes.get(end), None | Some(b' ' | b',' | b'|' | b'(' | b'\n' | b'['))
                && is_relation_line(&bytes[..*at])
        };
        memchr::memmem::find_iter(bytes, name).find(is_mention).unwrap_or(bytes.len())
    }
}

/// Tells whether the line that `before` ends in is a field that names packages.
fn is_relation_line(before: &[u8]) -> bool {
    const FIELDS: [&[u8]; 10] = [
        b"Package:",
        b"Depends:",
        b"Pre-Depends:",
        b"Recommends:",
        b"Suggests:",
        b"Conflicts:",
        b"Breaks:",
        b"Replaces:",
        b"Enhances:",
        b"Provides:",
    ];
    let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    FIELDS.iter().any(|field| before[start..].starts_with(field))
}

/// Returns the part of a sorted list whose names are `name`.
fn equal_range<'a>(text: &str, list: &'a [(Span, EntryId)], name: &str) -> &'a [(Span, EntryId)] {
    let start = list.partition_point(|(span, _)| span.of(text) < name);
    let length = list[start..].partition_point(|(span, _)| span.of(text) == name);
    &list[start..start + length]
}

impl<'a> Entry<'a> {
    /// Returns the stanza's text, with its final line break.
    pub fn stanza(&self) -> &'a str {
        self.stanza
    }

    /// Returns the value of a field.
    pub fn field(&self, name: &str) -> Option<&'a str> {
        stanza::field(self.stanza, name)
    }

    /// Returns the package's name; the index has checked that there is one.
    pub fn name(&self) -> &'a str {
        let value = self.field("Package").unwrap_or_default();
        value.lines().next().unwrap_or_default().trim_end()
    }

    /// Returns the version, empty when the field is missing.
    pub fn version(&self) -> Version<'a> {
        Version::new(self.field("Version").unwrap_or_default())
    }
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

struct Scanned {
    range: Range<usize>,
    name: Range<usize>,
    provides: Option<Range<usize>>,
}

impl Scan<'_> {
    /// Passes over one stanza and notes where its name and its `Provides` stand.
    fn next_stanza(&mut self) -> Result<Option<Scanned>, PackagesError> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at) == Some(&b'\n') {
            self.at += 1;
        }
        let start = self.at;
        let (mut name, mut provides) = (None, None);
        let mut in_provides = false;
        while self.at < bytes.len() && bytes[self.at] != b'\n' {
            let line = self.at;
            let end = memchr::memchr(b'\n', &bytes[line..]).map_or(bytes.len(), |length| line + length);
            // The first field of a name counts, as in `stanza::field`.
            if name.is_none() && has_name(&bytes[line..end], b"Package:") {
                name = Some(line + b"Package:".len()..end);
                in_provides = false;
            } else if provides.is_none() && has_name(&bytes[line..end], b"Provides:") {
                provides = Some(line + b"Provides:".len()..end);
                in_provides = true;
            } else if in_provides && matches!(bytes[line], b' ' | b'\t') {
                provides = provides.map(|range: Range<usize>| range.start..end);
            } else {
                in_provides = false;
            }
            self.at = (end + 1).min(bytes.len());
        }
        if self.at == start {
            return Ok(None);
        }
        if self.at - start > STANZA_LIMIT {
            return Err(PackagesError::Stanza { at: start, limit: STANZA_LIMIT });
        }
        let name = name
            .map(|range| trimmed(self.text, range))
            .filter(|range| relation::is_name(&self.text[range.clone()]));
        let name = name.ok_or(PackagesError::Name { at: start })?;
        Ok(Some(Scanned { range: start..self.at, name, provides }))
    }
}

fn has_name(line: &[u8], name: &[u8]) -> bool {
    line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let value = &text[range.clone()];
    let start = range.start + value.len() - value.trim_start().len();
    start..start + value.trim().len()
}

#[cfg(test)]
mod tests;
