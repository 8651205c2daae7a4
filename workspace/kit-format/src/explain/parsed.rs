//! A file as fields and members.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{archives, programs, streams};

/// A file of a format.
#[derive(Debug)]
pub(super) struct Parsed<'a> {
    /// Name of the format.
    pub(super) format: &'static str,
    /// Fields, always the same ones in the same order.
    pub(super) fields: Vec<(&'static str, String)>,
    /// What is in it.
    pub(super) members: Vec<Member<'a>>,
    /// Whether its one member is all that it means.
    pub(super) is_compression: bool,
}

/// A part of a file that has a name.
#[derive(Debug)]
pub(super) struct Member<'a> {
    pub(super) name: String,
    /// What the file says about it.
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) data: Cow<'a, [u8]>,
}

/// Reads a file of one format; none when it isn't one.
type Parser = for<'a> fn(&'a [u8]) -> Option<Parsed<'a>>;

/// Reads a file of any format that is known.
pub(super) fn parse(bytes: &[u8]) -> Option<Parsed<'_>> {
    const FORMATS: [Parser; 11] = [
        streams::bzip2,
        streams::gzip,
        streams::xz,
        streams::zstd,
        archives::ar,
        archives::cpio,
        archives::zip,
        archives::tar,
        programs::elf,
        programs::pe,
        programs::sqlite,
    ];
    FORMATS.into_iter().find_map(|format| format(bytes))
}

/// Sorts members by their names.
pub(super) fn by_name<'m, 'a>(members: &'m [Member<'a>]) -> BTreeMap<&'m str, Vec<&'m Member<'a>>> {
    let mut sorted: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for member in members {
        sorted.entry(member.name.as_str()).or_default().push(member);
    }
    sorted
}

/// Returns the bytes of a range; none when the file is shorter.
pub(super) fn slice(bytes: &[u8], start: usize, length: usize) -> Option<&[u8]> {
    bytes.get(start..start.checked_add(length)?)
}

/// Reads a little-endian number of up to eight bytes.
pub(super) fn little(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = slice(bytes, at, length)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// Reads a big-endian number of up to eight bytes.
pub(super) fn big(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    Some(slice(bytes, at, length)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// Reads a number as an index.
pub(super) fn index(number: u64) -> Option<usize> {
    usize::try_from(number).ok()
}

/// Reads bytes up to the first NUL as text.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).trim().to_owned()
}
