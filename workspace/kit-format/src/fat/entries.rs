//! The entries of a directory, read.

use super::names::{self, LAST};
use super::read::FatReadError;
use super::{DIRECTORY, ENTRY, LABEL, LONG_NAME};

/// A file or directory in a directory.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) is_directory: bool,
    pub(super) cluster: u32,
    pub(super) size: u32,
    /// Where in the directory its entry begins.
    pub(super) at: usize,
}

/// A long name whose parts are read from its end on.
struct Long {
    checksum: u8,
    /// The number of the part that was read last.
    number: u8,
    units: Vec<u16>,
}

/// Reads the bytes of a directory.
pub(super) fn entries(bytes: &[u8], path: &str) -> Result<Vec<Found>, FatReadError> {
    let refuse = |name: String| FatReadError::Name { path: path.to_owned(), name };
    let (mut found, mut long) = (Vec::new(), None);
    for (number, entry) in bytes.chunks_exact(ENTRY).enumerate() {
        let attributes = entry[11];
        match entry[0] {
            0 => break,
            0xe5 => long = None,
            _ if attributes & 0x3f == LONG_NAME => {
                long = Some(part(long, entry).ok_or_else(|| refuse(lossy(&entry[1..11])))?);
            }
            b'.' if long.is_none() && matches!(&entry[..11], b".          " | b"..         ") => {}
            _ if attributes & LABEL != 0 => long = None,
            _ => {
                let short = entry[..11].try_into().expect("because an entry has 32 bytes");
                let name = match long.take() {
                    Some(Long { checksum, number: 1, units }) if checksum == names::checksum(&short) => {
                        String::from_utf16(&units).ok()
                    }
                    Some(_) => None,
                    None => short_name(&short, entry[12]),
                };
                let half = |at: usize| [entry[at], entry[at + 1]];
                let ([low, low2], [high, high2]) = (half(26), half(20));
                found.push(Found {
                    name: name.ok_or_else(|| refuse(lossy(&short)))?,
                    is_directory: attributes & DIRECTORY != 0,
                    cluster: u32::from_le_bytes([low, low2, high, high2]),
                    size: u32::from_le_bytes([entry[28], entry[29], entry[30], entry[31]]),
                    at: number * ENTRY,
                });
            }
        }
    }
    Ok(found)
}

/// Takes the next part of a long name; none where it doesn't follow the one before.
fn part(before: Option<Long>, entry: &[u8]) -> Option<Long> {
    let (number, checksum, mut units) = (entry[0] & !LAST, entry[13], names::units(entry));
    let is_last = entry[0] & LAST != 0;
    match before {
        _ if number == 0 || number > 20 => None,
        None if is_last => Some(Long { checksum, number, units }),
        Some(Long { checksum: same, number: last, units: behind })
            if !is_last && same == checksum && number + 1 == last =>
        {
            units.extend(behind);
            Some(Long { checksum, number, units })
        }
        _ => None,
    }
}

/// Returns a name of 8 and 3 characters, in lower case where the entry says so; none where it isn't ASCII.
fn short_name(short: &[u8; 11], case: u8) -> Option<String> {
    let part = |bytes: &[u8], lower: bool| {
        let text = String::from_utf8(bytes.to_vec()).ok().filter(|text| text.is_ascii())?;
        let text = text.trim_end_matches(' ');
        Some(if lower { text.to_ascii_lowercase() } else { text.to_owned() })
    };
    let (base, extension) = (part(&short[..8], case & 0x08 != 0)?, part(&short[8..], case & 0x10 != 0)?);
    Some(if extension.is_empty() { base } else { format!("{base}.{extension}") })
}

fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
