//! The bytes around a difference, for those who want to see them.

/// How many bytes before the first difference are shown, at least where there are as many.
const BEFORE: usize = 32;
/// How many bytes are shown.
const SHOWN: usize = 160;
/// Excerpts start at a multiple of this.
const ROW: usize = 16;

/// The bytes of both files around the first difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// Of the first file.
    pub before: Side,
    /// Of the second file.
    pub after: Side,
}

/// A few bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// Where they begin.
    pub offset: u64,
    /// What they are.
    pub bytes: Vec<u8>,
}

impl Excerpt {
    /// Shows what is around the first byte in which two files differ.
    pub(super) fn of(before: &[u8], after: &[u8]) -> Self {
        Self::from(before, after, 0, 0)
    }

    /// Shows what is around the first byte in which two files differ, from these places in them on.
    pub(super) fn from(before: &[u8], after: &[u8], first: usize, second: usize) -> Self {
        let rest = |bytes: &'_ [u8], at: usize| bytes.len().min(at);
        let (first, second) = (rest(before, first), rest(after, second));
        let common = before[first..].iter().zip(&after[second..]).take_while(|(a, b)| a == b).count();
        Self { before: Side::around(before, first + common), after: Side::around(after, second + common) }
    }

    /// Says that the bytes are of headers that stand at these places.
    pub(super) fn moved(mut self, first: usize, second: usize) -> Self {
        self.before.offset += first as u64;
        self.after.offset += second as u64;
        self
    }
}

impl Side {
    fn around(bytes: &[u8], at: usize) -> Self {
        let start = at.min(bytes.len()).saturating_sub(BEFORE) / ROW * ROW;
        let end = bytes.len().min(start + SHOWN);
        Self { offset: start as u64, bytes: bytes[start..end].to_vec() }
    }
}
