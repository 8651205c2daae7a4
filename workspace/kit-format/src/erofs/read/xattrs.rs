//! Extended attributes of an inode.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use kit_tree::TreePath;

use super::ErofsReadError;
use super::image::{Found, Image};
use crate::erofs::xattr::{HEADER, PREFIXES};
use crate::inodes::EntryError;
use crate::limits::LimitError;

type Xattrs = BTreeMap<Vec<u8>, Vec<u8>>;

/// Reads the attributes, and returns how many bytes those have that are shared.
pub(super) fn read<R: Read + Seek>(
    image: &mut Image<R>,
    found: &Found,
    path: &TreePath,
    limit: u64,
) -> Result<(Xattrs, u64), ErofsReadError> {
    let damaged = || EntryError::damaged(path, "its attributes are");
    let mut xattrs = BTreeMap::new();
    let mut shared_bytes = 0;
    let bytes = image.read_vec(found.attributes, found.attributes_length())?;
    let Some(count) = bytes.get(4) else { return Ok((xattrs, 0)) };
    let (ids, mut inline) = bytes[HEADER..].split_at_checked(usize::from(*count) * 4).ok_or_else(damaged)?;
    for id in ids.chunks_exact(4).filter_map(|id| id.first_chunk::<4>()) {
        let offset = image.shared_attributes() + u64::from(u32::from_le_bytes(*id)) * 4;
        let head = image.read_vec(offset, 4)?;
        let length = u64::from(head[0]) + u64::from(u16::from_le_bytes([head[2], head[3]]));
        shared_bytes += length;
        if shared_bytes > limit {
            let source = LimitError::XattrBytes { size: shared_bytes, limit };
            return Err(EntryError::limit(path)(source).into());
        }
        let entry = image.read_vec(offset, 4 + length)?;
        let (name, value, _) = parse(&entry)?.ok_or_else(damaged)?;
        if xattrs.insert(name, value).is_some() {
            return Err(damaged().into());
        }
    }
    while !inline.is_empty() {
        let (name, value, rest) = parse(inline)?.ok_or_else(damaged)?;
        if xattrs.insert(name, value).is_some() {
            return Err(damaged().into());
        }
        inline = rest;
    }
    Ok((xattrs, shared_bytes))
}

type Parsed<'a> = Option<(Vec<u8>, Vec<u8>, &'a [u8])>;

/// Returns the first attribute and what follows it; none when it is damaged.
fn parse(bytes: &[u8]) -> Result<Parsed<'_>, ErofsReadError> {
    let [name_length, prefix, low, high, rest @ ..] = bytes else { return Ok(None) };
    if prefix & 0x80 != 0 {
        return Err(ErofsReadError::Unsupported { what: "names of attributes in several parts" });
    }
    let (name_length, length) = (usize::from(*name_length), usize::from(u16::from_le_bytes([*low, *high])));
    let Some((before, _)) = PREFIXES.iter().find(|(_, number)| number == prefix) else { return Ok(None) };
    let Some((name, rest)) = rest.split_at_checked(name_length) else { return Ok(None) };
    let Some((value, _)) = rest.split_at_checked(length) else { return Ok(None) };
    let whole = (4 + name_length + length).next_multiple_of(4).min(bytes.len());
    Ok(Some(([before, name].concat(), value.to_vec(), &bytes[whole..])))
}
