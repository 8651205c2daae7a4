//! The little of DER that certificates and signatures need.

/// Tag of a number.
pub(super) const INTEGER: u8 = 0x02;
/// Tag of a string of bits.
pub(super) const BIT_STRING: u8 = 0x03;
/// Tag of a string of bytes.
pub(super) const OCTET_STRING: u8 = 0x04;
/// Tag of nothing.
pub(super) const NULL: u8 = 0x05;
/// Tag of the number of something that is registered.
pub(super) const OBJECT: u8 = 0x06;
/// Tag of a sequence.
pub(super) const SEQUENCE: u8 = 0x30;
/// Tag of a set.
pub(super) const SET: u8 = 0x31;

/// Writes a value.
pub(super) fn value(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let length: usize = contents.iter().map(|part| part.len()).sum();
    let digits: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|digit| *digit == 0).collect();
    let mut bytes = vec![tag];
    if let Ok(short @ ..=0x7f) = u8::try_from(length) {
        bytes.push(short);
    } else {
        bytes.push(0x80 | u8::try_from(digits.len()).expect("because a length has at most eight digits"));
        bytes.extend(digits);
    }
    bytes.extend(contents.concat());
    bytes
}

/// A value that was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) tag: u8,
    /// What is in it.
    pub(super) content: &'a [u8],
    /// All of it.
    pub(super) whole: &'a [u8],
}

/// Reads a value, and returns what follows it.
pub(super) fn read(bytes: &[u8]) -> Option<(Value<'_>, &[u8])> {
    let [tag, first, rest @ ..] = bytes else { return None };
    let (length, rest) = match *first {
        short @ ..=0x7f => (usize::from(short), rest),
        long @ 0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(length)?;
    let whole = &bytes[..bytes.len() - after.len()];
    Some((Value { tag: *tag, content, whole }, after))
}

/// Reads a value with this tag, and returns what follows it.
pub(super) fn expect(bytes: &[u8], tag: u8) -> Option<(Value<'_>, &[u8])> {
    read(bytes).filter(|(value, _)| value.tag == tag)
}
