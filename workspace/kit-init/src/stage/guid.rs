//! The ids of partitions.

use std::fmt::{self, Write as _};

/// An id in the order of its text form, in which its first three numbers are big-endian.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Guid(pub(crate) [u8; 16]);

impl Guid {
    /// Takes it as partition tables have it: the first three numbers are little-endian.
    pub(crate) fn from_table(bytes: [u8; 16]) -> Self {
        const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
        Self(ORDER.map(|at| bytes[at]))
    }

    /// Reads the usual form: 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let hyphens = [8, 13, 18, 23];
        let right =
            text.len() == 36 && text.bytes().enumerate().all(|(at, b)| (b == b'-') == hyphens.contains(&at));
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        if right { bytes_of(&digits).map(Self) } else { None }
    }
}

/// Reads exactly as many bytes as `SIZE` from hexadecimal digits.
pub(crate) fn bytes_of<const SIZE: usize>(digits: &str) -> Option<[u8; SIZE]> {
    if digits.len() != 2 * SIZE || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; SIZE];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

/// Writes bytes as hexadecimal digits.
pub(crate) fn digits_of(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}"); // a string takes it
        digits
    })
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = digits_of(&self.0);
        write!(f, "{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guid({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_text_and_its_place_in_a_table_agree() {
        let text = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
        let table =
            [0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b];
        assert_eq!(Guid::parse(text), Some(Guid::from_table(table)));
        assert_eq!(Guid::parse(&text.to_uppercase()).unwrap().to_string(), text);
    }

    #[test]
    fn anything_else_is_none() {
        for text in
            ["", "c12a7328", "c12a7328f81f-11d2-ba4b-00a0c93ec93b0", "c12a7328-f81f-11d2-ba4b-00a0c93ec9+b"]
        {
            assert_eq!(Guid::parse(text), None, "{text}");
        }
        assert_eq!(bytes_of::<2>("0aF"), None);
        assert_eq!(bytes_of::<2>("0aFf"), Some([10, 255]));
        assert_eq!(bytes_of::<2>("äfx"), None);
    }
}
