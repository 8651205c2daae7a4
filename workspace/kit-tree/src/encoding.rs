//! The canonical encoding `kit:tree:v1`, both ways.
//!
//! A list of all entries in path order, the root (empty path) first; of each: path bytes, variant number, fields.
//!
//! | number | variant | fields |
//! |---|---|---|
//! | 0 | directory | meta |
//! | 1 | file | meta, blob digest, size |
//! | 2 | symlink | uid, gid, target bytes |
//! | 3 | hard link | target path bytes |
//! | 4 | character device | meta, major, minor |
//! | 5 | block device | meta, major, minor |
//! | 6 | fifo | meta |
//!
//! meta is mode, uid, gid, and the list of attributes as name bytes and value bytes, sorted by name.

use std::collections::BTreeMap;

use kit_hash::{DecodeError, Decoder, Encoder};

use crate::{DeviceKind, Entry, Meta, Mode, Tree, TreePath};

impl Tree {
    /// Returns the canonical encoding.
    pub fn encode(&self) -> Encoder {
        let mut encoder = Encoder::new("tree", 1);
        encoder.list(self.entries(), |e, (path, entry)| {
            e.bytes(path.as_bytes());
            encode_entry(e, entry);
        });
        encoder
    }

    /// Reads a canonical encoding back; anything that [`Tree::encode`] doesn't write is an error.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut d = Decoder::new(bytes, "tree", 1)?;
        let mut entries: Vec<(TreePath, Entry)> = Vec::new();
        // Neighbours are mostly in the same directory.
        let mut directory = 0;
        for _ in 0..d.list_len()? {
            let path = decode_path(&mut d)?;
            if entries.last().map_or(!path.is_root(), |(last, _)| path <= *last) {
                return Err(d.invalid("order of paths"));
            }
            let entry = decode_entry(&mut d)?;
            directory =
                place(&entries, directory, &path, &entry).ok_or_else(|| d.invalid("place of an entry"))?;
            entries.push((path, entry));
        }
        if entries.is_empty() {
            return Err(d.invalid("tree without a root"));
        }
        d.finish()?;
        Ok(Self::of_sorted(entries))
    }
}

/// Returns which of the entries before it is the directory that an entry is in, starting with a guess; none where it can't stand there.
fn place(before: &[(TreePath, Entry)], guess: usize, path: &TreePath, entry: &Entry) -> Option<usize> {
    let find = |path: &[u8]| before.binary_search_by(|(other, _)| other.as_bytes().cmp(path)).ok();
    if let Entry::HardLink { target } = entry
        && (target >= path || !matches!(before[find(target.as_bytes())?].1, Entry::File { .. }))
    {
        return None;
    }
    if path.is_root() {
        return entry.is_directory().then_some(guess);
    }
    let bytes = path.as_bytes();
    let parent = &bytes[..bytes.iter().rposition(|byte| *byte == b'/').unwrap_or(0)];
    let known =
        before.get(guess).is_some_and(|(path, entry)| path.as_bytes() == parent && entry.is_directory());
    let at = if known { guess } else { find(parent)? };
    before[at].1.is_directory().then_some(at)
}

/// Appends an entry; also used where an entry stands in a derivation.
pub fn encode_entry(e: &mut Encoder, entry: &Entry) {
    match entry {
        Entry::Directory(meta) => encode_meta(e.variant(0), meta),
        Entry::File { meta, blob, size } => {
            encode_meta(e.variant(1), meta);
            e.id(blob).u64(*size);
        }
        Entry::Symlink { uid, gid, target } => {
            e.variant(2).u64(u64::from(*uid)).u64(u64::from(*gid)).bytes(target);
        }
        Entry::HardLink { target } => _ = e.variant(3).bytes(target.as_bytes()),
        Entry::Device { meta, kind, major, minor } => {
            encode_meta(e.variant(if *kind == DeviceKind::Char { 4 } else { 5 }), meta);
            e.u64(u64::from(*major)).u64(u64::from(*minor));
        }
        Entry::Fifo(meta) => encode_meta(e.variant(6), meta),
    }
}

fn encode_meta(e: &mut Encoder, meta: &Meta) {
    e.u64(u64::from(meta.mode.bits())).u64(u64::from(meta.uid)).u64(u64::from(meta.gid));
    e.list(&meta.xattrs, |e, (name, value)| _ = e.bytes(name).bytes(value));
}

fn decode_path(d: &mut Decoder<'_>) -> Result<TreePath, DecodeError> {
    let bytes = d.bytes()?;
    if bytes.first() == Some(&b'/') {
        return Err(d.invalid("path"));
    }
    TreePath::new(bytes).map_err(|_| d.invalid("path"))
}

fn decode_entry(d: &mut Decoder<'_>) -> Result<Entry, DecodeError> {
    Ok(match d.u64()? {
        0 => Entry::Directory(decode_meta(d)?),
        1 => Entry::File { meta: decode_meta(d)?, blob: d.id()?, size: d.u64()? },
        2 => Entry::Symlink { uid: decode_u32(d)?, gid: decode_u32(d)?, target: d.bytes()?.to_vec() },
        3 => Entry::HardLink { target: decode_path(d)? },
        number @ (4 | 5) => {
            let kind = if number == 4 { DeviceKind::Char } else { DeviceKind::Block };
            Entry::Device { meta: decode_meta(d)?, kind, major: decode_u32(d)?, minor: decode_u32(d)? }
        }
        6 => Entry::Fifo(decode_meta(d)?),
        _ => return Err(d.invalid("kind of an entry")),
    })
}

fn decode_u32(d: &mut Decoder<'_>) -> Result<u32, DecodeError> {
    u32::try_from(d.u64()?).map_err(|_| d.invalid("number"))
}

fn decode_meta(d: &mut Decoder<'_>) -> Result<Meta, DecodeError> {
    let mode = Mode::new(decode_u32(d)?).ok_or_else(|| d.invalid("mode"))?;
    let (uid, gid) = (decode_u32(d)?, decode_u32(d)?);
    let mut xattrs = BTreeMap::new();
    for _ in 0..d.list_len()? {
        let (name, value) = (d.bytes()?.to_vec(), d.bytes()?.to_vec());
        if xattrs.last_key_value().is_some_and(|(last, _)| *last >= name) {
            return Err(d.invalid("order of attributes"));
        }
        xattrs.insert(name, value);
    }
    Ok(Meta { mode, uid, gid, xattrs })
}
