//! Extended attributes: entries from the front, values from the back.
//!
//! An entry is the length of the name (1), the number of its kind (1), where the value is (2), zeros (4), its length (4), a hash (4),
//! the rest of the name, zeros up to a multiple of four. Behind the last entry are four zeros.

use kit_tree::path::Escaped;
use kit_tree::{Meta, TreePath};

use super::acl;
use super::error::Ext4WriteError;
use super::fields::{get16, get32, put8, put16, put32};
use super::inode::ROOM;

/// What stands before attributes, in an inode and in a block.
pub(super) const MAGIC: u32 = 0xea02_0000;
/// Bytes of an entry before the name, and of the end of entries.
const ENTRY: usize = 16;
const END: usize = 4;

/// What names begin with, and the number that stands for it. Two names are no more than that.
const PREFIXES: [(&[u8], u8); 5] = [
    (b"user.", 1),
    (b"system.posix_acl_access", 2),
    (b"system.posix_acl_default", 3),
    (b"trusted.", 4),
    (b"security.", 6),
];

/// An attribute as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Attribute {
    kind: u8,
    length: usize,
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Attribute {
    /// Returns how much room it takes.
    pub(super) fn room(&self) -> usize {
        (ENTRY + self.name.len()).next_multiple_of(4) + self.value.len().next_multiple_of(4)
    }
}

/// Returns an entry's attributes, sorted.
pub(super) fn of(path: &TreePath, meta: Option<&Meta>) -> Result<Vec<Attribute>, Ext4WriteError> {
    let mut attributes = Vec::new();
    for (name, value) in meta.into_iter().flat_map(|meta| &meta.xattrs) {
        let shown = || Escaped(name).to_string();
        let split = PREFIXES.iter().find_map(|(prefix, number)| {
            let rest = name.strip_prefix(*prefix)?;
            (rest.is_empty() != prefix.ends_with(b".")).then_some((rest, *number))
        });
        let (rest, kind) = split
            .filter(|(rest, _)| u8::try_from(rest.len()).is_ok())
            .ok_or_else(|| Ext4WriteError::XattrName { path: path.clone(), name: shown() })?;
        let value = if is_list(kind) {
            let refuse = || Ext4WriteError::AccessControlList { path: path.clone(), name: shown() };
            acl::store(value).ok_or_else(refuse)?
        } else {
            value.clone()
        };
        attributes.push(Attribute { kind, length: rest.len(), name: rest.to_vec(), value });
    }
    attributes.sort();
    Ok(attributes)
}

fn is_list(kind: u8) -> bool {
    kind == 2 || kind == 3
}

/// Splits off those that stand behind the inode, and returns their bytes.
pub(super) fn inline(attributes: &mut Vec<Attribute>) -> Vec<u8> {
    let mut room = ROOM - 4 - END;
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    for attribute in std::mem::take(attributes) {
        if let Some(rest) = room.checked_sub(attribute.room()) {
            room = rest;
            taken.push(attribute);
        } else {
            left.push(attribute);
        }
    }
    *attributes = left;
    if taken.is_empty() {
        return Vec::new();
    }
    let mut bytes = vec![0; ROOM];
    put32(&mut bytes, 0, MAGIC);
    fill(&mut bytes[4..], 0, &taken, |_| 0);
    bytes
}

/// Fills an area with attributes, the entries from `start` on; `hash` is put into each entry.
pub(super) fn fill(
    area: &mut [u8],
    start: usize,
    attributes: &[Attribute],
    mut hash: impl FnMut(&Attribute) -> u32,
) {
    let (mut at, mut end) = (start, area.len());
    for attribute in attributes {
        let (name, value) = (&attribute.name, &attribute.value);
        put8(area, at, name.len() as u64);
        put8(area, at + 1, attribute.kind);
        if !value.is_empty() {
            end -= value.len().next_multiple_of(4);
            put16(area, at + 2, end as u64);
            area[end..end + value.len()].copy_from_slice(value);
        }
        put32(area, at + 8, value.len() as u64);
        put32(area, at + 12, hash(attribute));
        area[at + ENTRY..at + ENTRY + name.len()].copy_from_slice(name);
        at += (ENTRY + name.len()).next_multiple_of(4);
    }
}

/// Returns the hash of an attribute in a block: of its name, then of its value as words.
pub(super) fn hash(attribute: &Attribute) -> u32 {
    let name = attribute.name.iter().fold(0_u32, |hash, byte| hash.rotate_left(5) ^ u32::from(*byte));
    attribute.value.chunks(4).fold(name, |hash, chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        hash.rotate_left(16) ^ u32::from_le_bytes(word)
    })
}

/// A whole name and a value.
type Named = (Vec<u8>, Vec<u8>);

/// Reads the attributes of an area whose entries begin at `start`; none when they are damaged.
pub(super) fn parse(area: &[u8], start: usize) -> Option<Vec<Named>> {
    let (mut found, mut at) = (Vec::new(), start);
    loop {
        let rest = area.get(at..)?;
        if rest.get(..END).is_none_or(|word| get32(word, 0) == 0) {
            return Some(found);
        }
        let entry = rest.get(..ENTRY)?;
        let (length, kind, place) = (usize::from(entry[0]), entry[1], usize::from(get16(entry, 2)));
        if get32(entry, 4) != 0 {
            return None;
        }
        let size = usize::try_from(get32(entry, 8)).ok()?;
        let name = rest.get(ENTRY..ENTRY + length)?;
        let value = if size == 0 { &[] } else { area.get(place..place.checked_add(size)?)? };
        let (prefix, _) = PREFIXES.iter().find(|(_, number)| *number == kind)?;
        let value = if is_list(kind) { acl::show(value)? } else { value.to_vec() };
        found.push(([prefix, name].concat(), value));
        at += (ENTRY + length).next_multiple_of(4);
    }
}
