//! The names in a directory.

use super::super::metadata::Position;
use super::super::{HEADER_NAMES, METADATA};

/// One name.
#[derive(Debug)]
pub(super) struct Listed<'a> {
    pub(super) name: &'a [u8],
    /// Kind of the inode in its basic form.
    pub(super) kind: u16,
    /// Number of the inode.
    pub(super) number: u32,
    /// Where the inode stands.
    pub(super) inode: Position,
}

/// A header in the listing that a lookup can start from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mark<'a> {
    /// Bytes of the listing before it.
    pub(super) at: usize,
    /// The first name behind it.
    pub(super) name: &'a [u8],
}

/// A directory's names as they stand in the directory table.
#[derive(Debug, Default)]
pub(super) struct Listing<'a> {
    pub(super) bytes: Vec<u8>,
    /// One for each 8 KiB but the first.
    pub(super) marks: Vec<Mark<'a>>,
}

/// Names that share a header.
struct Run {
    /// Where the header stands.
    header: usize,
    names: usize,
    block: u32,
    number: u32,
}

impl<'a> Listing<'a> {
    /// Lists sorted names.
    pub(super) fn of(names: &[Listed<'a>]) -> Self {
        let mut listing = Self::default();
        let mut run: Option<Run> = None;
        for name in names {
            let full = listing.bytes.len() + 8 + name.name.len() - listing.marked() > METADATA;
            let difference = run.as_ref().filter(|run| !full && run.takes(name));
            let difference = difference.and_then(|run| run.difference(name));
            let (current, difference) = match (run.take(), difference) {
                (Some(current), Some(difference)) => (run.insert(current), difference),
                (last, _) => {
                    if full && last.is_some() {
                        listing.marks.push(Mark { at: listing.bytes.len(), name: name.name });
                    }
                    (run.insert(listing.header(name)), 0)
                }
            };
            let count = u32::try_from(current.names).expect("because a header has at most 256 names");
            listing.bytes[current.header..][..4].copy_from_slice(&count.to_le_bytes());
            current.names += 1;
            listing.name(name, difference);
        }
        listing
    }

    /// Where the last mark is.
    fn marked(&self) -> usize {
        self.marks.last().map_or(0, |mark| mark.at)
    }

    fn header(&mut self, first: &Listed<'_>) -> Run {
        let run = Run { header: self.bytes.len(), names: 0, block: first.inode.block, number: first.number };
        for number in [0, run.block, run.number] {
            self.bytes.extend(number.to_le_bytes());
        }
        run
    }

    fn name(&mut self, name: &Listed<'_>, difference: i16) {
        let length = u16::try_from(name.name.len() - 1).expect("because a name has at most 255 bytes");
        self.bytes.extend(name.inode.offset.to_le_bytes());
        self.bytes.extend(difference.to_le_bytes());
        self.bytes.extend(name.kind.to_le_bytes());
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend_from_slice(name.name);
    }
}

impl Run {
    fn takes(&self, name: &Listed<'_>) -> bool {
        self.names < HEADER_NAMES && self.block == name.inode.block
    }

    /// The distance of inode numbers, if it can be written.
    fn difference(&self, name: &Listed<'_>) -> Option<i16> {
        i16::try_from(i64::from(name.number) - i64::from(self.number)).ok()
    }
}
