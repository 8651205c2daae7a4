//! Compressed streams: bzip2, gzip (RFC 1952), xz, zstd (RFC 8878).

use std::borrow::Cow;
use std::io::Read;

use super::parsed::{Fields, Member, Parsed, little, named, text};
use crate::{Compression, Decoder, Limits};

/// The most that is unpacked of one stream, in bytes.
const UNPACKED: u64 = 256 << 20;

pub(super) fn gzip(bytes: &[u8]) -> Option<Parsed<'_>> {
    const HAS_NAME: u64 = 8;
    const HAS_EXTRA: u64 = 4;
    const HEADER: usize = 10;
    bytes.strip_prefix(&[0x1f, 0x8b, 8])?;
    let flags = little(bytes, 3, 1)?;
    let name = if flags & HAS_NAME != 0 && flags & HAS_EXTRA == 0 {
        text(bytes.get(HEADER..)?)
    } else {
        String::new()
    };
    let fields = named([
        ("MTIME", little(bytes, 4, 4)?.to_string()),
        ("XFL", little(bytes, 8, 1)?.to_string()),
        ("OS", little(bytes, 9, 1)?.to_string()),
        ("FNAME", format!("`{name}`")),
    ]);
    stream("gzip", Compression::Gzip, fields, bytes)
}

pub(super) fn bzip2(bytes: &[u8]) -> Option<Parsed<'_>> {
    bytes.strip_prefix(b"BZh")?;
    stream("bzip2", Compression::Bzip2, Vec::new(), bytes)
}

pub(super) fn xz(bytes: &[u8]) -> Option<Parsed<'_>> {
    bytes.strip_prefix(b"\xfd7zXZ\0")?;
    stream("xz", Compression::Xz, Vec::new(), bytes)
}

pub(super) fn zstd(bytes: &[u8]) -> Option<Parsed<'_>> {
    bytes.strip_prefix(&[0x28, 0xb5, 0x2f, 0xfd])?;
    stream("zstd", Compression::Zstd, Vec::new(), bytes)
}

fn stream<'a>(
    format: &'static str,
    compression: Compression,
    fields: Fields,
    bytes: &'a [u8],
) -> Option<Parsed<'a>> {
    let mut content = Vec::new();
    let decoder = Decoder::new(compression, bytes, &Limits::standard()).ok()?;
    decoder.take(UNPACKED).read_to_end(&mut content).ok()?;
    let name = format!("{format} content");
    let member = Member { name, fields: Vec::new(), header: (0, &[]), data: Cow::Owned(content) };
    Some(Parsed { format, fields, header: bytes, members: vec![member], is_compression: true })
}
