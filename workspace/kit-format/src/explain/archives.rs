//! Archives: ar, cpio (newc), tar (ustar, PAX, GNU), zip.

use std::borrow::Cow;
use std::io::Read;

use super::parsed::{Member, Parsed, index, little, named, slice, text};

/// The most that is unpacked of one archive, in bytes.
const UNPACKED: u64 = 256 << 20;

fn archive<'a>(format: &'static str, members: Vec<Member<'a>>) -> Parsed<'a> {
    Parsed { format, fields: Vec::new(), header: &[], members, is_compression: false }
}

pub(super) fn ar(bytes: &[u8]) -> Option<Parsed<'_>> {
    const HEADER: usize = 60;
    const LONG_NAME: usize = 4096;
    bytes.strip_prefix(b"!<arch>\n")?;
    let mut members = Vec::new();
    let mut long_names: &[u8] = b"";
    let mut at = 8;
    while at < bytes.len() {
        let header = slice(bytes, at, HEADER)?;
        let field = |start: usize, length: usize| text(&header[start..start + length]);
        let size: usize = field(48, 10).parse().ok()?;
        let data = slice(bytes, at + HEADER, size)?;
        let name = field(0, 16);
        if name == "//" {
            long_names = data;
        }
        let long = name.strip_prefix('/').and_then(|offset| offset.parse().ok());
        let name = match long.and_then(|offset: usize| long_names.get(offset..)) {
            Some(rest) => text(rest[..rest.len().min(LONG_NAME)].split(|byte| *byte == b'\n').next()?),
            None => name,
        };
        let name = if name.len() > 1 {
            name.trim_end_matches('/').to_owned()
        } else {
            "the symbol table".to_owned()
        };
        let fields = named([
            ("mtime", field(16, 12)),
            ("uid", field(28, 6)),
            ("gid", field(34, 6)),
            ("mode", field(40, 8)),
        ]);
        members.push(Member { name, fields, header: (at, header), data: Cow::Borrowed(data) });
        at += HEADER + size + size % 2;
    }
    Some(archive("ar", members))
}

/// Behind an archive of microcode stands the initrd itself.
fn behind(bytes: &[u8], end: usize) -> Option<Member<'_>> {
    let rest = bytes.get(end..)?;
    let start = end + rest.iter().position(|byte| *byte != 0)?;
    let name = "what stands behind the archive".to_owned();
    Some(Member { name, fields: Vec::new(), header: (start, &[]), data: Cow::Borrowed(&bytes[start..]) })
}

pub(super) fn cpio(bytes: &[u8]) -> Option<Parsed<'_>> {
    const HEADER: usize = 110;
    const FIELDS: [(&str, usize); 9] = [
        ("c_ino", 0),
        ("c_mode", 1),
        ("c_uid", 2),
        ("c_gid", 3),
        ("c_nlink", 4),
        ("c_mtime", 5),
        ("c_devmajor", 7),
        ("c_devminor", 8),
        ("c_rdevminor", 10),
    ];
    bytes.strip_prefix(b"07070")?;
    let mut members = Vec::new();
    let mut at = 0;
    loop {
        let header = std::str::from_utf8(slice(bytes, at, HEADER)?).ok()?;
        header.strip_prefix("07070")?;
        let number = |place: usize| u32::from_str_radix(header.get(6 + 8 * place..14 + 8 * place)?, 16).ok();
        let (size, name_size) = (usize::try_from(number(6)?).ok()?, usize::try_from(number(11)?).ok()?);
        let name = text(slice(bytes, at + HEADER, name_size)?);
        let start = (at + HEADER + name_size).next_multiple_of(4);
        let data = slice(bytes, start, size)?;
        if name == "TRAILER!!!" {
            members.extend(behind(bytes, start));
            return Some(archive("cpio", members));
        }
        let show = |(field, place): (&'static str, usize)| {
            let number = number(place)?;
            let value = if field == "c_mode" { format!("{number:06o}") } else { number.to_string() };
            Some((field.to_owned(), value))
        };
        let fields = FIELDS.into_iter().map(show).collect::<Option<_>>()?;
        members.push(Member { name, fields, header: (at, header.as_bytes()), data: Cow::Borrowed(data) });
        at = (start + size).next_multiple_of(4);
    }
}

pub(super) fn tar(bytes: &[u8]) -> Option<Parsed<'_>> {
    const BLOCK: usize = 512;
    if slice(bytes, 257, 5)? != b"ustar" {
        return None;
    }
    let mut members = Vec::new();
    let mut at = 0;
    let mut long_name = None;
    while let Some(header) = slice(bytes, at, BLOCK) {
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        let field = |start: usize, length: usize| text(&header[start..start + length]);
        let size = usize::from_str_radix(&field(124, 12), 8).ok()?;
        let (place, data) = (at, slice(bytes, at + BLOCK, size)?);
        at += BLOCK + size.next_multiple_of(BLOCK);
        let kind = char::from(header[156]);
        if kind == 'L' {
            long_name = Some(text(data));
            continue;
        }
        let prefix = field(345, 155);
        let own = if prefix.is_empty() { field(0, 100) } else { format!("{prefix}/{}", field(0, 100)) };
        let name = match kind {
            'x' | 'g' => format!("{own} (PAX records)"),
            _ => long_name.take().unwrap_or(own),
        };
        let fields = named([
            ("mode", field(100, 8)),
            ("uid", field(108, 8)),
            ("gid", field(116, 8)),
            ("mtime", octal(&field(136, 12))),
            ("type", kind.to_string()),
            ("linkname", field(157, 100)),
            ("uname", field(265, 32)),
            ("gname", field(297, 32)),
        ]);
        members.push(Member { name, fields, header: (place, header), data: Cow::Borrowed(data) });
    }
    Some(archive("tar", members))
}

/// Shows an octal number as a decimal one; what is none as it is.
fn octal(digits: &str) -> String {
    u64::from_str_radix(digits, 8).map_or_else(|_| digits.to_owned(), |number| number.to_string())
}

/// By the central directory, APPNOTE.TXT 4.3.12.
pub(super) fn zip(bytes: &[u8]) -> Option<Parsed<'_>> {
    const END: &[u8] = b"PK\x05\x06";
    const ENTRY: usize = 46;
    const LOCAL: usize = 30;
    bytes.strip_prefix(b"PK")?;
    let end = bytes.windows(4).rposition(|window| window == END)?;
    let count = little(bytes, end + 10, 2)?;
    let mut at = index(little(bytes, end + 16, 4)?)?;
    let mut members = Vec::new();
    // Members may lie over each other: all of them together have what one may have.
    let mut room = UNPACKED;
    for _ in 0..count {
        let entry = slice(bytes, at, ENTRY)?;
        entry.strip_prefix(b"PK\x01\x02")?;
        let number = |offset: usize, length: usize| little(bytes, at + offset, length);
        let name_size = index(number(28, 2)?)?;
        let (extra, comment) = (index(number(30, 2)?)?, index(number(32, 2)?)?);
        let local = index(number(42, 4)?)?;
        let skipped = index(little(bytes, local + 26, 2)?)? + index(little(bytes, local + 28, 2)?)?;
        let packed = slice(bytes, local + LOCAL + skipped, index(number(20, 4)?)?)?;
        let fields = named([
            ("time", dos_time(number(12, 2)?, number(14, 2)?)),
            ("method", number(10, 2)?.to_string()),
            ("attributes", format!("{:#o}", number(38, 4)? >> 16)),
            ("made-by", number(4, 2)?.to_string()),
        ]);
        let name = text(slice(bytes, at + ENTRY, name_size)?);
        let data = unpacked(number(10, 2)?, packed, &mut room);
        members.push(Member { name, fields, header: (at, entry), data });
        at += ENTRY + name_size + extra + comment;
    }
    Some(archive("zip", members))
}

fn unpacked<'a>(method: u64, packed: &'a [u8], room: &mut u64) -> Cow<'a, [u8]> {
    const DEFLATED: u64 = 8;
    let mut content = Vec::new();
    if method == DEFLATED
        && flate2::read::DeflateDecoder::new(packed).take(*room).read_to_end(&mut content).is_ok()
    {
        *room = room.saturating_sub(content.len() as u64);
        Cow::Owned(content)
    } else {
        Cow::Borrowed(packed)
    }
}

/// Shows a time of MS-DOS, which has two seconds in a step.
fn dos_time(time: u64, date: u64) -> String {
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        1980 + (date >> 9),
        date >> 5 & 15,
        date & 31,
        time >> 11,
        time >> 5 & 63,
        (time & 31) * 2
    )
}
