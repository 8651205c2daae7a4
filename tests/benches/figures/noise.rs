//! Content that shrinks to about a half, and nowhere repeats.

/// Marsaglia's xorshift64: sixteen digits of four bits each, as letters.
#[derive(Debug)]
pub(crate) struct Noise(u64);

impl Noise {
    /// Starts; each other `seed` has other content.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed + 1)
    }

    /// Returns what comes next, a bit more than `length` bytes where that is no multiple of sixteen.
    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 16);
        while bytes.len() < length {
            let letters = self.next();
            bytes.extend(
                (0..16).map(|digit| b'a' + u8::try_from(letters >> (4 * digit) & 15).expect("four bits")),
            );
        }
        bytes
    }

    /// Returns the next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
