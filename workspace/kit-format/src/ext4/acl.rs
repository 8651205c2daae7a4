//! Access control lists: programs see another form than ext4 stores.
//!
//! Both begin with a version of 32 bits, 2 for programs and 1 on the disk. Of each entry there are a tag (2), permissions (2) and an
//! identifier (4), which ext4 leaves out where the tag names neither a user nor a group.

use super::fields::{get16, get32};

const SHOWN: u32 = 2;
const STORED: u32 = 1;
/// What stands for no identifier.
const NOBODY: u32 = u32::MAX;

/// Whether an entry is about a named user or group.
fn is_named(tag: u16) -> bool {
    tag == 0x02 || tag == 0x08
}

/// Returns the form that ext4 stores; none when it is no list.
pub(super) fn store(shown: &[u8]) -> Option<Vec<u8>> {
    let (version, entries) = shown.split_at_checked(4)?;
    if get32(version, 0) != SHOWN || entries.len() % 8 != 0 {
        return None;
    }
    let mut stored = STORED.to_le_bytes().to_vec();
    for entry in entries.chunks_exact(8) {
        let length = if is_named(get16(entry, 0)) { 8 } else { 4 };
        stored.extend_from_slice(&entry[..length]);
    }
    Some(stored)
}

/// Returns the form that programs see; none when it is no list.
pub(super) fn show(stored: &[u8]) -> Option<Vec<u8>> {
    let (version, mut rest) = stored.split_at_checked(4)?;
    if get32(version, 0) != STORED {
        return None;
    }
    let mut shown = SHOWN.to_le_bytes().to_vec();
    while !rest.is_empty() {
        let (entry, behind) = rest.split_at_checked(4)?;
        shown.extend_from_slice(entry);
        rest = behind;
        if is_named(get16(entry, 0)) {
            let (id, behind) = rest.split_at_checked(4)?;
            shown.extend_from_slice(id);
            rest = behind;
        } else {
            shown.extend_from_slice(&NOBODY.to_le_bytes());
        }
    }
    Some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_back() {
        let mut shown = vec![2, 0, 0, 0];
        for (tag, permissions, id) in
            [(1_u16, 7_u16, NOBODY), (2, 5, 1000), (4, 5, NOBODY), (8, 1, 7), (0x20, 0, NOBODY)]
        {
            shown.extend_from_slice(&tag.to_le_bytes());
            shown.extend_from_slice(&permissions.to_le_bytes());
            shown.extend_from_slice(&id.to_le_bytes());
        }
        let stored = store(&shown).unwrap();
        assert_eq!(stored.len(), 4 + 3 * 4 + 2 * 8);
        assert_eq!(show(&stored), Some(shown));
        assert_eq!((store(b"\x01\0\0\0"), store(b"\x02\0\0\0a"), show(b"\x02\0\0\0")), (None, None, None));
        assert_eq!((show(b"\x01\0\0\0\x02\0\0\0"), show(b"")), (None, None));
    }
}
