//! The central directory: `APPNOTE.TXT` 4.3.6 to 4.3.16, with the fields of 64 bits.

use std::io::{Read, Seek, SeekFrom};

use kit_tree::path::Escaped;

use super::ZipError;
use crate::limits::{EntryCount, LimitError, Limits};

/// The end record without its comment.
const END: usize = 22;
/// What leads to the end record of 64 bits.
const LOCATOR: usize = 20;
/// The end record of 64 bits, as far as it is read.
const END_64: usize = 56;
/// An entry without its name, extra field and comment.
const ENTRY: usize = 46;
/// A comment is at most this long.
const COMMENT: u64 = u16::MAX as u64;

/// One member, as the directory has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: Vec<u8>,
    /// The system whose rules names and attributes follow.
    pub(super) host: u8,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) compressed: u64,
    pub(super) size: u64,
    pub(super) attributes: u32,
    /// Where its own header is.
    pub(super) offset: u64,
}

impl Member {
    /// Returns the name, for errors.
    pub(super) fn shown(&self) -> String {
        Escaped(&self.name).to_string()
    }
}

/// The members in the directory's order, and where the directory begins.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) members: Vec<Member>,
    pub(super) start: u64,
}

fn damaged(problem: &'static str) -> ZipError {
    ZipError::Directory { problem }
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().expect("because it has two bytes"))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("because it has four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("because it has eight bytes"))
}

/// Where the directory is.
struct Extent {
    entries: u64,
    size: u64,
    start: u64,
    /// What comes after it begins here.
    end: u64,
}

/// Reads the directory.
pub(super) fn read(reader: &mut (impl Read + Seek), limits: &Limits) -> Result<Directory, ZipError> {
    let extent = find(reader)?;
    if extent.start.checked_add(extent.size).is_none_or(|end| end > extent.end) {
        return Err(damaged("it doesn't lie before its end"));
    }
    let too_much = |source| ZipError::Limit { member: "/".to_owned(), source };
    if extent.size > limits.header_bytes {
        return Err(too_much(LimitError::HeaderBytes { limit: limits.header_bytes }));
    }
    reader.seek(SeekFrom::Start(extent.start))?;
    let mut bytes = Vec::new();
    reader.by_ref().take(extent.size).read_to_end(&mut bytes)?;
    let (mut members, mut rest) = (Vec::new(), bytes.as_slice());
    let mut count = EntryCount::new(limits);
    while !rest.is_empty() {
        count.add().map_err(too_much)?;
        let (member, behind) = member(rest)?;
        members.push(member);
        rest = behind;
    }
    if members.len() as u64 != extent.entries {
        return Err(damaged("it has another number of members than it says"));
    }
    Ok(Directory { members, start: extent.start })
}

/// Finds the end record: the one whose comment ends where the archive does.
fn find(reader: &mut (impl Read + Seek)) -> Result<Extent, ZipError> {
    let length = reader.seek(SeekFrom::End(0))?;
    let tail_start = length.saturating_sub(END as u64 + COMMENT);
    reader.seek(SeekFrom::Start(tail_start))?;
    let mut tail = Vec::new();
    reader.by_ref().take(END as u64 + COMMENT).read_to_end(&mut tail)?;
    let at = (0..=tail.len().checked_sub(END).ok_or(ZipError::NoDirectory)?).rev().find(|at| {
        tail[*at..].starts_with(b"PK\x05\x06") && usize::from(u16_at(&tail, at + 20)) == tail.len() - at - END
    });
    let at = at.ok_or(ZipError::NoDirectory)?;
    let end = &tail[at..];
    let end_offset = tail_start + at as u64;
    let before = at.checked_sub(LOCATOR).map(|start| &tail[start..at]);
    if let Some(locator) = before.filter(|locator| locator.starts_with(b"PK\x06\x07")) {
        return find_64(reader, locator, end_offset - LOCATOR as u64);
    }
    if u16_at(end, 4) != 0 || u16_at(end, 6) != 0 || u16_at(end, 8) != u16_at(end, 10) {
        return Err(ZipError::Parts);
    }
    Ok(Extent {
        entries: u16_at(end, 10).into(),
        size: u32_at(end, 12).into(),
        start: u32_at(end, 16).into(),
        end: end_offset,
    })
}

/// Reads the end record of 64 bits, to which `locator` leads.
fn find_64(reader: &mut (impl Read + Seek), locator: &[u8], locator_offset: u64) -> Result<Extent, ZipError> {
    let offset = u64_at(locator, 8);
    if u32_at(locator, 4) != 0 || u32_at(locator, 16) > 1 {
        return Err(ZipError::Parts);
    }
    if offset.checked_add(END_64 as u64).is_none_or(|end| end > locator_offset) {
        return Err(damaged("its end record of 64 bits isn't where it should be"));
    }
    reader.seek(SeekFrom::Start(offset))?;
    let mut end = [0; END_64];
    reader.read_exact(&mut end)?;
    if !end.starts_with(b"PK\x06\x06") {
        return Err(damaged("its end record of 64 bits isn't where it should be"));
    }
    if u32_at(&end, 16) != 0 || u32_at(&end, 20) != 0 || u64_at(&end, 24) != u64_at(&end, 32) {
        return Err(ZipError::Parts);
    }
    Ok(Extent { entries: u64_at(&end, 32), size: u64_at(&end, 40), start: u64_at(&end, 48), end: offset })
}

/// Reads one entry; returns what follows it.
fn member(bytes: &[u8]) -> Result<(Member, &[u8]), ZipError> {
    let cut_off = || damaged("an entry is cut off");
    let fixed = bytes.get(..ENTRY).ok_or_else(cut_off)?;
    if !fixed.starts_with(b"PK\x01\x02") {
        return Err(damaged("an entry doesn't begin where it should"));
    }
    let lengths = [28, 30, 32].map(|at| usize::from(u16_at(fixed, at)));
    let [name, extra, comment] = lengths;
    let rest = &bytes[ENTRY..];
    let name_bytes = rest.get(..name).ok_or_else(cut_off)?;
    let extra_bytes = rest.get(name..name + extra).ok_or_else(cut_off)?;
    let behind = rest.get(name + extra + comment..).ok_or_else(cut_off)?;
    if u16_at(fixed, 34) != 0 {
        return Err(ZipError::Parts);
    }
    let mut member = Member {
        name: name_bytes.to_vec(),
        host: fixed[5],
        flags: u16_at(fixed, 8),
        method: u16_at(fixed, 10),
        crc: u32_at(fixed, 16),
        compressed: u32_at(fixed, 20).into(),
        size: u32_at(fixed, 24).into(),
        attributes: u32_at(fixed, 38),
        offset: u32_at(fixed, 42).into(),
    };
    widen(&mut member, extra_bytes)?;
    Ok((member, behind))
}

/// Takes over the numbers that don't fit into 32 bits, in their fixed order.
fn widen(member: &mut Member, mut extra: &[u8]) -> Result<(), ZipError> {
    let full = u64::from(u32::MAX);
    let fields = [&mut member.size, &mut member.compressed, &mut member.offset];
    let mut wide: Vec<_> = fields.into_iter().filter(|field| **field == full).collect();
    while let Some((header, rest)) = extra.split_at_checked(4) {
        let length = usize::from(u16_at(header, 2));
        let (mut data, behind) = rest.split_at_checked(length).ok_or(damaged("an extra field is cut off"))?;
        if u16_at(header, 0) == 1 {
            for field in wide.drain(..) {
                let (number, more) =
                    data.split_at_checked(8).ok_or(damaged("a number of 64 bits is missing"))?;
                *field = u64_at(number, 0);
                data = more;
            }
        }
        extra = behind;
    }
    if wide.is_empty() { Ok(()) } else { Err(damaged("a number of 64 bits is missing")) }
}
