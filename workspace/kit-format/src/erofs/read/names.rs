//! What a directory names.

use crate::erofs::directory::RECORD;

/// Returns the names and the numbers of their inodes; none when the directory is damaged.
pub(super) fn parse(bytes: &[u8]) -> Option<Vec<(&[u8], u64)>> {
    let mut names = Vec::new();
    for block in bytes.chunks(4096) {
        let start = |at: usize| -> Option<usize> {
            Some(usize::from(u16::from_le_bytes([*block.get(at + 8)?, *block.get(at + 9)?])))
        };
        let first = start(0)?;
        if first == 0 || first % RECORD != 0 || first > block.len() {
            return None;
        }
        for at in (0..first).step_by(RECORD) {
            let number = u64::from_le_bytes(*block.get(at..)?.first_chunk::<8>()?);
            let is_last = at + RECORD == first;
            let end = if is_last { block.len() } else { start(at + RECORD)? };
            let mut name = block.get(start(at)?..end).filter(|_| end >= first)?;
            if is_last && let Some(zero) = memchr::memchr(0, name) {
                name = &name[..zero];
            }
            names.push((name, number));
        }
    }
    Some(names)
}
