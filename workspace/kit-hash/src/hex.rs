//! Lower-case hexadecimal of 32-byte digests.

use std::fmt;

/// Why a text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HexError {
    /// The text has another length than 64 characters.
    #[error("a digest has 64 hexadecimal digits, this has {0} characters")]
    Length(usize),
    /// A character is not one of `0-9a-f`.
    #[error("`{character}` at position {position} is not a lower-case hexadecimal digit")]
    Digit {
        /// Zero-based character position.
        position: usize,
        /// The character that stands there.
        character: char,
    },
    /// The text lacks the `algorithm:` prefix that was expected.
    #[error("a digest starts with `{0}:`")]
    Prefix(&'static str),
}

/// Parses exactly 64 lower-case hexadecimal digits.
pub(crate) fn parse(text: &str) -> Result<[u8; 32], HexError> {
    if let Some((position, character)) =
        text.chars().enumerate().find(|(_, c)| !matches!(c, '0'..='9' | 'a'..='f'))
    {
        return Err(HexError::Digit { position, character });
    }
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return Err(HexError::Length(digits.len()));
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0]) << 4 | value(pair[1]);
    }
    Ok(bytes)
}

/// Writes 64 lower-case hexadecimal digits.
pub(crate) fn write(bytes: &[u8; 32], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
}

fn value(digit: u8) -> u8 {
    if digit.is_ascii_digit() { digit - b'0' } else { digit - b'a' + 10 }
}
