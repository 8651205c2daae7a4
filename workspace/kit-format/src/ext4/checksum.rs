//! CRC-32C as ext4 has it: begun from a seed, not inverted at the end.

/// A checksum that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Checksum(u32);

/// What each byte does to a sum.
const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    let mut start = 0_u32;
    while byte < 256 {
        let mut sum = start;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 0 { sum >> 1 } else { sum >> 1 ^ 0x82F6_3B78 };
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
        start += 1;
    }
    table
}

impl Checksum {
    /// What sums of superblocks begin with.
    pub(super) const START: Self = Self(u32::MAX);

    /// Begins with a stored seed.
    pub(super) fn seed(seed: u32) -> Self {
        Self(seed)
    }

    /// Goes on over bytes.
    pub(super) fn over(self, bytes: &[u8]) -> Self {
        let step = |sum: u32, byte: &u8| {
            let [low, ..] = sum.to_le_bytes();
            sum >> 8 ^ TABLE[usize::from(low ^ byte)]
        };
        Self(bytes.iter().fold(self.0, step))
    }

    /// Goes on over a number of 32 bits.
    pub(super) fn over_number(self, number: u32) -> Self {
        self.over(&number.to_le_bytes())
    }

    /// Begins what belongs to an inode.
    pub(super) fn inode(self, number: u32, generation: u32) -> Self {
        self.over_number(number).over_number(generation)
    }

    /// Returns the sum.
    pub(super) fn sum(self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Checksum;

    #[test]
    fn the_sum_of_rfc_3720() {
        assert_eq!(!Checksum::START.over(&[0; 32]).sum(), 0x8a91_36aa);
        assert_eq!(!Checksum::START.over(b"1234").over(b"56789").sum(), 0xe306_9283);
    }
}
