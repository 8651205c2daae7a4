//! Numbers in records, little-endian.

/// Puts the lowest `width` bytes of a number.
fn put(bytes: &mut [u8], at: usize, width: usize, value: u64) {
    bytes[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
}

/// Puts the lowest byte of a number.
pub(super) fn put8(bytes: &mut [u8], at: usize, value: impl Into<u64>) {
    put(bytes, at, 1, value.into());
}

/// Puts the lowest 16 bits of a number.
pub(super) fn put16(bytes: &mut [u8], at: usize, value: impl Into<u64>) {
    put(bytes, at, 2, value.into());
}

/// Puts the lowest 32 bits of a number.
pub(super) fn put32(bytes: &mut [u8], at: usize, value: impl Into<u64>) {
    put(bytes, at, 4, value.into());
}

/// Takes 16 bits that are there.
pub(super) fn get16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// Takes 32 bits that are there.
pub(super) fn get32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Takes a number whose halves stand in two places.
pub(super) fn join(high: impl Into<u64>, low: u32) -> u64 {
    high.into() << 32 | u64::from(low)
}
