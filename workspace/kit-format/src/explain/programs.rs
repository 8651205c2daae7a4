//! Programs, ELF (64 bits, little-endian) and PE, and databases of `SQLite`.

use std::fmt::Write as _;

use super::parsed::{Parsed, big, index, little, named, parts, slice, text};

/// The section that names a program by a digest of what is in it.
const BUILD_ID: &str = ".note.gnu.build-id";

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
    let mut sections: Vec<(String, &[u8])> = sections?;
    let mut fields = named([
        ("e_type", little(bytes, 16, 2)?.to_string()),
        ("e_machine", little(bytes, 18, 2)?.to_string()),
        ("e_entry", format!("{:#x}", little(bytes, 24, 8)?)),
    ]);
    if let Some(at) = sections.iter().position(|(name, _)| name == BUILD_ID) {
        fields.push((BUILD_ID.to_owned(), build_id(sections.remove(at).1)));
    }
    fields.extend(super::kernel::banner(bytes));
    Some(parts("ELF", bytes, fields, sections))
}

/// Shows the digest of a note: name size, size, type, `GNU`, digest.
fn build_id(note: &[u8]) -> String {
    const HEADER: usize = 16;
    note.get(HEADER..).unwrap_or(note).iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("because a string takes all");
        digits
    })
}

pub(super) fn pe(bytes: &[u8]) -> Option<Parsed<'_>> {
    const SECTION: usize = 40;
    bytes.strip_prefix(b"MZ")?;
    let header = index(little(bytes, 0x3c, 4)?)?;
    slice(bytes, header, 4)?.strip_prefix(b"PE\0\0")?;
    let count = index(little(bytes, header + 6, 2)?)?;
    let optional = index(little(bytes, header + 20, 2)?)?;
    let fields = named([
        ("TimeDateStamp", little(bytes, header + 8, 4)?.to_string()),
        ("CheckSum", format!("{:#x}", little(bytes, header + 88, 4)?)),
        ("AddressOfEntryPoint", format!("{:#x}", little(bytes, header + 40, 4)?)),
    ]);
    let sections: Option<Vec<_>> = (0..count)
        .map(|number| {
            let at = header + 24 + optional + number * SECTION;
            let (length, start) = (index(little(bytes, at + 16, 4)?)?, index(little(bytes, at + 20, 4)?)?);
            Some((text(slice(bytes, at, 8)?), slice(bytes, start, length)?))
        })
        .collect();
    Some(parts("PE", bytes, fields, sections?))
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
    let fields = named([
        ("file-change-counter", big(bytes, 24, 4)?.to_string()),
        ("schema-cookie", big(bytes, 40, 4)?.to_string()),
        ("version-valid-for", big(bytes, 92, 4)?.to_string()),
        ("library-version", big(bytes, 96, 4)?.to_string()),
    ]);
    let pages = bytes.chunks(page).enumerate().map(|(number, content)| {
        let content = if number == 0 { content.get(HEADER..).unwrap_or_default() } else { content };
        (format!("page {}", number + 1), content)
    });
    Some(parts("SQLite", bytes, fields, pages))
}
