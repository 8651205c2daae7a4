//! One 512-byte header block.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 100 | name |
//! | 100 | 8 | mode, octal |
//! | 108, 116 | 8, 8 | uid, gid, octal |
//! | 124 | 12 | size, octal |
//! | 136 | 12 | mtime, octal |
//! | 148 | 8 | checksum: sum of all bytes with this field as spaces; six octal digits, NUL, space |
//! | 156 | 1 | type |
//! | 157 | 100 | link name |
//! | 257 | 8 | magic `ustar\0` and version `00` (GNU: `ustar  \0`) |
//! | 265, 297 | 32, 32 | user and group name |
//! | 329, 337 | 8, 8 | device major and minor, octal |
//! | 345 | 155 | prefix of the name, before a slash (not in GNU's form) |

use std::ops::Range;

use super::BLOCK;

pub(crate) const NAME: Range<usize> = 0..100;
pub(crate) const MODE: Range<usize> = 100..108;
pub(crate) const UID: Range<usize> = 108..116;
pub(crate) const GID: Range<usize> = 116..124;
pub(crate) const SIZE: Range<usize> = 124..136;
pub(crate) const MTIME: Range<usize> = 136..148;
pub(crate) const CHECKSUM: Range<usize> = 148..156;
pub(crate) const KIND: usize = 156;
pub(crate) const LINK: Range<usize> = 157..257;
pub(crate) const MAGIC: Range<usize> = 257..265;
pub(crate) const MAJOR: Range<usize> = 329..337;
pub(crate) const MINOR: Range<usize> = 337..345;
pub(crate) const PREFIX: Range<usize> = 345..500;

/// A block that was read, with a right checksum.
pub(crate) struct Header<'a>(&'a [u8; BLOCK]);

impl<'a> Header<'a> {
    /// Checks the checksum.
    pub(crate) fn new(block: &'a [u8; BLOCK]) -> Option<Self> {
        let stated = number(&block[CHECKSUM])?;
        (u64::from(checksum(block)) == stated).then_some(Self(block))
    }

    pub(crate) fn kind(&self) -> u8 {
        self.0[KIND]
    }

    /// Returns the name, with its prefix.
    pub(crate) fn name(&self) -> Vec<u8> {
        let (prefix, name) = (text(&self.0[PREFIX]), text(&self.0[NAME]));
        if self.0[MAGIC] != *b"ustar\x0000" || prefix.is_empty() {
            return name.to_vec();
        }
        [prefix, b"/", name].concat()
    }

    pub(crate) fn link(&self) -> &'a [u8] {
        text(&self.0[LINK])
    }

    /// Returns a numeric field; none when it is no number from 0 to 2^64-1.
    pub(crate) fn number(&self, field: Range<usize>) -> Option<u64> {
        number(&self.0[field])
    }
}

/// A field's bytes before the first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|b| *b == 0).next().unwrap_or_default()
}

/// Reads octal digits between spaces and NULs, or GNU's big-endian form; an empty field is 0.
pub(crate) fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let (first, rest) = field.split_first()?;
        let start = u64::from(first & 0x7f);
        return rest.iter().try_fold(start, |n, b| n.checked_mul(256).map(|n| n | u64::from(*b)));
    }
    let start = field.iter().position(|b| *b != b' ').unwrap_or(field.len());
    let field = &field[start..];
    let digits = field.iter().position(|b| !b.is_ascii_digit()).unwrap_or(field.len());
    let (digits, rest) = field.split_at(digits);
    if !matches!(rest.first(), None | Some(0 | b' ')) {
        return None;
    }
    digits.iter().try_fold(0u64, |n, d| match d {
        b'0'..=b'7' => n.checked_mul(8)?.checked_add(u64::from(d - b'0')),
        _ => None,
    })
}

/// Sums all bytes, those of the checksum field as spaces.
fn checksum(block: &[u8; BLOCK]) -> u32 {
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
    let own: u32 = block[CHECKSUM].iter().map(|b| u32::from(*b)).sum();
    sum - own + 8 * u32::from(b' ')
}

/// A block being written.
pub(crate) struct HeaderBlock([u8; BLOCK]);

impl HeaderBlock {
    /// Starts a ustar header of `kind`.
    pub(crate) fn new(kind: u8) -> Self {
        let mut block = [0; BLOCK];
        block[KIND] = kind;
        block[MAGIC].copy_from_slice(b"ustar\x0000");
        let mut header = Self(block);
        for field in [MODE, UID, GID, SIZE, MTIME, MAJOR, MINOR] {
            header.set_number(field, 0);
        }
        header
    }

    /// Writes as many bytes as the field takes.
    pub(crate) fn set_text(&mut self, field: Range<usize>, text: &[u8]) {
        let field = &mut self.0[field];
        let count = text.len().min(field.len());
        field[..count].copy_from_slice(&text[..count]);
    }

    /// Writes zero-padded octal digits and a NUL; false, and zero written, when the number has too many.
    pub(crate) fn set_number(&mut self, field: Range<usize>, value: u64) -> bool {
        let width = field.len() - 1;
        let digits = format!("{value:0width$o}");
        let fits = digits.len() == width;
        let digits = if fits { digits } else { "0".repeat(width) };
        self.0[field][..width].copy_from_slice(digits.as_bytes());
        fits
    }

    /// Fills in the checksum and returns the block.
    pub(crate) fn finish(mut self) -> [u8; BLOCK] {
        let digits = format!("{:06o}\0 ", checksum(&self.0));
        self.0[CHECKSUM].copy_from_slice(digits.as_bytes());
        self.0
    }
}
