//! A file as fields and members.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{archives, disks, kernel, layouts, programs, streams};

/// The longest text of a field or name, in bytes.
const LONGEST: usize = 4096;
/// How often the bytes of a file may be in its parts.
const OVERLAP: usize = 4;

/// A file of a format.
#[derive(Debug)]
pub(super) struct Parsed<'a> {
    /// Name of the format.
    pub(super) format: &'static str,
    /// Fields in an order of the format.
    pub(super) fields: Fields,
    /// Where the fields are.
    pub(super) header: &'a [u8],
    /// What is in it.
    pub(super) members: Vec<Member<'a>>,
    /// Whether its one member is all that it means.
    pub(super) is_compression: bool,
}

/// Names and values.
pub(super) type Fields = Vec<(String, String)>;

/// A part of a file that has a name.
#[derive(Debug)]
pub(super) struct Member<'a> {
    pub(super) name: String,
    /// What the file says about it.
    pub(super) fields: Fields,
    /// Where it says that, and the bytes that stand there.
    pub(super) header: (usize, &'a [u8]),
    pub(super) data: Cow<'a, [u8]>,
}

/// Reads a file of one format; none when it isn't one.
type Parser = for<'a> fn(&'a [u8]) -> Option<Parsed<'a>>;

/// Reads a file of any format that is known.
pub(super) fn parse(bytes: &[u8]) -> Option<Parsed<'_>> {
    const FORMATS: [Parser; 16] = [
        streams::bzip2,
        streams::gzip,
        streams::xz,
        streams::zstd,
        archives::ar,
        archives::cpio,
        archives::zip,
        archives::tar,
        // Kernels are programs of PE, too, and begin with a boot sector, as discs may.
        kernel::bzimage,
        programs::elf,
        programs::pe,
        programs::sqlite,
        disks::squashfs,
        disks::iso,
        disks::gpt,
        disks::mbr,
    ];
    let parsed = FORMATS.into_iter().find_map(|format| format(bytes))?;
    Some(if parsed.format == "tar" { layouts::in_archive(parsed) } else { parsed })
}

/// Makes a file whose members say nothing but their content; its fields are somewhere in `header`.
pub(super) fn parts<'a>(
    format: &'static str,
    header: &'a [u8],
    fields: Fields,
    sections: impl IntoIterator<Item = (String, &'a [u8])>,
) -> Parsed<'a> {
    let member =
        |(name, data)| Member { name, fields: Vec::new(), header: (0, &[][..]), data: Cow::Borrowed(data) };
    // Parts that lie over each other, as none do that a tool wrote, would have the same bytes compared again and again.
    let mut room = header.len().saturating_mul(OVERLAP);
    let fits = |(_, data): &(String, &[u8])| {
        let rest = room.checked_sub(data.len());
        room = rest.unwrap_or(0);
        rest.is_some()
    };
    let members = sections.into_iter().take_while(fits).map(member).collect();
    Parsed { format, fields, header, members, is_compression: false }
}

/// Gives fields their names.
pub(super) fn named<const N: usize>(fields: [(&str, String); N]) -> Fields {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
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
    let bytes = &bytes[..bytes.len().min(LONGEST)];
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).trim().to_owned()
}
