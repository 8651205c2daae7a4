//! Programs, ELF (64 bits, little-endian) and PE, and databases of `SQLite`.

use std::borrow::Cow;

use super::parsed::{Member, Parsed, big, index, little, slice, text};

/// A file whose members say nothing but their content.
fn parts<'a>(
    format: &'static str,
    fields: Vec<(&'static str, String)>,
    sections: impl IntoIterator<Item = (String, &'a [u8])>,
) -> Parsed<'a> {
    let member = |(name, data)| Member { name, fields: Vec::new(), data: Cow::Borrowed(data) };
    let members = sections.into_iter().map(member).collect();
    Parsed { format, fields, members, is_compression: false }
}

pub(super) fn elf(bytes: &[u8]) -> Option<Parsed<'_>> {
    const HEADER: usize = 64;
    const NO_BITS: u64 = 8;
    bytes.strip_prefix(b"\x7fELF\x02\x01")?;
    let table = index(little(bytes, 40, 8)?)?;
    let (size, count) = (index(little(bytes, 58, 2)?)?, index(little(bytes, 60, 2)?)?);
    if size != HEADER || count == 0 {
        return None;
    }
    let names_at = index(little(bytes, 62, 2)?)?;
    let section = |number: usize| {
        let header = table.checked_add(number * HEADER)?;
        let (start, length) =
            (index(little(bytes, header + 24, 8)?)?, index(little(bytes, header + 32, 8)?)?);
        let has_content = little(bytes, header + 4, 4)? != NO_BITS;
        Some((index(little(bytes, header, 4)?)?, slice(bytes, start, if has_content { length } else { 0 })?))
    };
    let (_, names) = section(names_at)?;
    let sections: Option<Vec<_>> = (1..count)
        .map(|number| {
            let (name, data) = section(number)?;
            Some((text(names.get(name..)?), data))
        })
        .collect();
    let fields = vec![
        ("e_type", little(bytes, 16, 2)?.to_string()),
        ("e_machine", little(bytes, 18, 2)?.to_string()),
        ("e_entry", format!("{:#x}", little(bytes, 24, 8)?)),
    ];
    Some(parts("ELF", fields, sections?))
}

pub(super) fn pe(bytes: &[u8]) -> Option<Parsed<'_>> {
    const SECTION: usize = 40;
    bytes.strip_prefix(b"MZ")?;
    let header = index(little(bytes, 0x3c, 4)?)?;
    slice(bytes, header, 4)?.strip_prefix(b"PE\0\0")?;
    let count = index(little(bytes, header + 6, 2)?)?;
    let optional = index(little(bytes, header + 20, 2)?)?;
    let fields = vec![
        ("TimeDateStamp", little(bytes, header + 8, 4)?.to_string()),
        ("CheckSum", format!("{:#x}", little(bytes, header + 88, 4)?)),
        ("AddressOfEntryPoint", format!("{:#x}", little(bytes, header + 40, 4)?)),
    ];
    let sections: Option<Vec<_>> = (0..count)
        .map(|number| {
            let at = header + 24 + optional + number * SECTION;
            let (length, start) = (index(little(bytes, at + 16, 4)?)?, index(little(bytes, at + 20, 4)?)?);
            Some((text(slice(bytes, at, 8)?), slice(bytes, start, length)?))
        })
        .collect();
    Some(parts("PE", fields, sections?))
}

/// The header of a database, <https://www.sqlite.org/fileformat2.html#the_database_header>, and its pages.
pub(super) fn sqlite(bytes: &[u8]) -> Option<Parsed<'_>> {
    const HEADER: usize = 100;
    bytes.strip_prefix(b"SQLite format 3\0")?;
    let page = match index(big(bytes, 16, 2)?)? {
        1 => 65536,
        size if size >= 512 => size,
        _ => return None,
    };
    let fields = vec![
        ("file-change-counter", big(bytes, 24, 4)?.to_string()),
        ("schema-cookie", big(bytes, 40, 4)?.to_string()),
        ("version-valid-for", big(bytes, 92, 4)?.to_string()),
        ("library-version", big(bytes, 96, 4)?.to_string()),
    ];
    let pages = bytes.chunks(page).enumerate().map(|(number, content)| {
        let content = if number == 0 { content.get(HEADER..).unwrap_or_default() } else { content };
        (format!("page {}", number + 1), content)
    });
    Some(parts("SQLite", fields, pages))
}
