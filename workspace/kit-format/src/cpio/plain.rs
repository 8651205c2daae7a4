//! Where the archives end that aren't compressed, in an initrd that begins with microcode.

use std::io::{self, Read};

use super::{ALIGNMENT, HEADER};

/// How an archive's members begin, in all forms that are text: as long as the alignment.
const BEGIN: [u8; 4] = *b"0707";

/// Returns the bytes of the uncompressed archives, and of the zeros behind them, that come before something else; none where nothing
/// else comes, or where the bytes are no archive.
pub fn plain_length(reader: &mut dyn Read) -> io::Result<Option<u64>> {
    let (mut at, mut has_archive) = (0, false);
    loop {
        let mut start = [0; BEGIN.len()];
        if !read_all(reader, &mut start)? {
            return Ok(None);
        }
        if start == [0; 4] {
            at += ALIGNMENT;
            continue;
        }
        if start != BEGIN {
            return Ok(has_archive.then_some(at));
        }
        match member(reader)? {
            Some(length) => (at, has_archive) = (at + length, true),
            None => return Ok(None),
        }
    }
}

/// Reads what is left of an archive's member, behind its first four bytes, and returns the length of all of it.
fn member(reader: &mut dyn Read) -> io::Result<Option<u64>> {
    let mut header = [0; HEADER - BEGIN.len()];
    if !read_all(reader, &mut header)? || !header.starts_with(b"0") {
        return Ok(None);
    }
    let number = |place: usize| {
        let start = 6 + 8 * place - BEGIN.len();
        u64::from_str_radix(std::str::from_utf8(&header[start..start + 8]).ok()?, 16).ok()
    };
    let (Some(size), Some(name)) = (number(6), number(11)) else { return Ok(None) };
    let header = HEADER as u64;
    let length = (header + name).next_multiple_of(ALIGNMENT) + size.next_multiple_of(ALIGNMENT);
    let rest = length - header;
    let skipped = io::copy(&mut reader.take(rest), &mut io::sink())?;
    Ok((skipped == rest).then_some(length))
}

/// Fills a buffer; false where the end comes before.
fn read_all(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
