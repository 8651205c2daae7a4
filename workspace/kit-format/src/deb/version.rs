//! Version comparison by dpkg's rules (deb-version(7)).

use std::cmp::Ordering;
use std::fmt;

/// A Debian version, `[epoch:]upstream[-revision]`, ordered by dpkg's rules.
///
/// Two texts can be equal versions: `1.0` and `0:1.00-0` are.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    text: &'a str,
}

impl<'a> Version<'a> {
    /// Wraps a version; any text compares, as in dpkg.
    pub fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// Returns the text as it was written.
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    fn parts(&self) -> (&'a str, &'a str, &'a str) {
        let (epoch, rest) = self.text.split_once(':').unwrap_or(("", self.text));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        (epoch, upstream, revision)
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let (epoch, upstream, revision) = self.parts();
        let (other_epoch, other_upstream, other_revision) = other.parts();
        compare_part(epoch, other_epoch)
            .then_with(|| compare_part(upstream, other_upstream))
            .then_with(|| compare_part(revision, other_revision))
    }
}

impl PartialOrd for Version<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version<'_> {}

impl fmt::Display for Version<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// Compares one part: alternating runs of non-digits (by [`weight`]) and of digits (by value).
fn compare_part(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while !a.is_empty() || !b.is_empty() {
        while starts_with_other(a) || starts_with_other(b) {
            match weight(a.first()).cmp(&weight(b.first())) {
                Ordering::Equal => (a, b) = (&a[1..], &b[1..]),
                unequal => return unequal,
            }
        }
        let (a_digits, a_rest) = split_digits(a);
        let (b_digits, b_rest) = split_digits(b);
        match a_digits.len().cmp(&b_digits.len()).then_with(|| a_digits.cmp(b_digits)) {
            Ordering::Equal => (a, b) = (a_rest, b_rest),
            unequal => return unequal,
        }
    }
    Ordering::Equal
}

fn starts_with_other(text: &[u8]) -> bool {
    text.first().is_some_and(|byte| !byte.is_ascii_digit())
}

/// `~` sorts before the end, the end before letters, letters before everything else.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        None => 0,
        Some(b'~') => -1,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    }
}

/// Splits the leading digits, without their zeros, from the rest.
fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let zeros = digits.iter().position(|byte| *byte != b'0').unwrap_or(digits.len());
    (&digits[zeros..], rest)
}

#[cfg(test)]
mod tests;
