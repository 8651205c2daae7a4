//! The journal: of JBD2, empty.
//!
//! Its first block is the magic (4), the kind of block 4 (4), no number (4), then bytes of a block (4), blocks (4), the first of its log (4), the
//! first number of a transaction (4), zeros; the identifier of the file system at byte 48, and at byte 64 that one uses it (4). Numbers are big-endian.

/// Returns the bytes of the first block that aren't zero.
pub(super) fn superblock(blocks: u64, uuid: &[u8; 16]) -> Vec<u8> {
    let blocks = u32::try_from(blocks).expect("because a journal is small");
    let mut bytes = Vec::new();
    for number in [0xc03b_3998, 4, 0, 4096, blocks, 1, 1] {
        bytes.extend_from_slice(&u32::to_be_bytes(number));
    }
    bytes.resize(48, 0);
    bytes.extend_from_slice(uuid);
    bytes.extend_from_slice(&1_u32.to_be_bytes());
    bytes
}
