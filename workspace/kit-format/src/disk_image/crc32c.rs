//! The checksum of VHDX: CRC-32C (Castagnoli), for the little that is summed there.

/// The polynomial, its bits in the order in which they are used.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// Returns the checksum of bytes.
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            let carry = if sum & 1 == 0 { 0 } else { POLYNOMIAL };
            sum >> 1 ^ carry
        })
    };
    !bytes.iter().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::crc32c;

    #[test]
    fn the_sum_of_rfc_3720() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
