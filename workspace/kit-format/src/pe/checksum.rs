//! The checksum in the headers of a program.

/// Adds up the bytes of a program, of which the checksum itself counts as zeros: 16-bit numbers, each carry added again, and the length.
#[derive(Debug, Clone, Default)]
pub struct Checksum {
    sum: u32,
    length: u64,
}

impl Checksum {
    /// Starts with nothing added.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the bytes that follow.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        if self.length % 2 == 1
            && let Some((high, rest)) = bytes.split_first()
        {
            self.add(u32::from(*high) << 8);
            self.length += 1;
            bytes = rest;
        }
        let (pairs, last) = bytes.as_chunks::<2>();
        // 32768 numbers of 16 bits fit into 32 bits.
        for pairs in pairs.chunks(1 << 15) {
            let sum: u32 = pairs.iter().map(|pair| u32::from(u16::from_le_bytes(*pair))).sum();
            self.add((sum & 0xffff) + (sum >> 16));
        }
        if let [low] = last {
            self.add(u32::from(*low));
        }
        self.length += bytes.len() as u64;
    }

    /// Returns the checksum.
    pub fn finish(&self) -> u32 {
        let length = u32::try_from(self.length & u64::from(u32::MAX)).expect("because it is cut to 32 bits");
        self.sum.wrapping_add(length)
    }

    /// Adds a number below 2¹⁷.
    fn add(&mut self, number: u32) {
        let sum = self.sum + number;
        let sum = (sum & 0xffff) + (sum >> 16);
        self.sum = (sum & 0xffff) + (sum >> 16);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slow(bytes: &[u8]) -> u32 {
        let mut sum = 0u64;
        for pair in bytes.chunks(2) {
            sum += u64::from(pair[0]) + (u64::from(*pair.get(1).unwrap_or(&0)) << 8);
        }
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        u32::try_from(sum + bytes.len() as u64).unwrap()
    }

    proptest! {
        #[test]
        fn it_is_the_same_in_any_pieces(bytes in prop::collection::vec(any::<u8>(), 0..200), cuts in prop::collection::vec(0usize..200, 0..5)) {
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut checksum = Checksum::new();
            for pair in cuts.windows(2) {
                checksum.update(&bytes[pair[0]..pair[1]]);
            }
            prop_assert_eq!(checksum.finish(), slow(&bytes));
        }
    }

    #[test]
    fn many_large_numbers_carry() {
        let bytes = vec![0xff; (1 << 20) + 6];
        let mut checksum = Checksum::new();
        checksum.update(&bytes);
        assert_eq!(checksum.finish(), slow(&bytes));
    }
}
