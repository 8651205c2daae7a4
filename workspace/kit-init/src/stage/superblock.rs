//! Which file system something holds.

use super::read::ReadAt;
use super::words::Kind;
use crate::sys::Errno;

/// A file system that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileSystem {
    /// Which one.
    pub(crate) kind: Kind,
    /// Its label; empty if it has none.
    pub(crate) label: String,
}

/// Where the superblock of a file system is, what it begins with, where in it the label is.
struct Shape {
    kind: Kind,
    magic_at: u64,
    magic: &'static [u8],
    label_at: u64,
    label_size: usize,
}

const SHAPES: [Shape; 4] = [
    Shape {
        kind: Kind::Erofs,
        magic_at: 1024,
        magic: b"\xe2\xe1\xf5\xe0",
        label_at: 1024 + 64,
        label_size: 16,
    },
    Shape { kind: Kind::Squashfs, magic_at: 0, magic: b"hsqs", label_at: 0, label_size: 0 },
    Shape {
        kind: Kind::Iso9660,
        magic_at: 32768,
        magic: b"\x01CD001\x01",
        label_at: 32768 + 40,
        label_size: 32,
    },
    Shape { kind: Kind::Ext4, magic_at: 1024 + 56, magic: b"\x53\xef", label_at: 1024 + 120, label_size: 16 },
];

/// Looks for the superblocks of all known kinds in the `size` bytes from `start`. A hybrid has several.
pub(crate) fn find(source: &dyn ReadAt, start: u64, size: u64) -> Result<Vec<FileSystem>, Errno> {
    let mut found = Vec::new();
    for shape in &SHAPES {
        let end = shape.magic_at.max(shape.label_at) + 64;
        if end > size {
            continue;
        }
        let mut magic = [0; 8];
        let magic = &mut magic[..shape.magic.len()];
        source.read_at(start.saturating_add(shape.magic_at), magic)?;
        if magic != shape.magic {
            continue;
        }
        let mut label = [0; 32];
        let label = &mut label[..shape.label_size];
        source.read_at(start.saturating_add(shape.label_at), label)?;
        let label = label.split(|byte| *byte == 0).next().unwrap_or_default();
        let label = String::from_utf8_lossy(label).trim_end_matches(' ').to_owned();
        found.push(FileSystem { kind: shape.kind, label });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(parts: &[(usize, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0; 40_000];
        for (at, part) in parts {
            bytes[*at..*at + part.len()].copy_from_slice(part);
        }
        bytes
    }

    fn found(bytes: &[u8], start: u64) -> Vec<FileSystem> {
        find(&bytes, start, bytes.len() as u64 - start).unwrap()
    }

    #[test]
    fn each_kind_is_known_with_its_label() {
        let is = |kind, label: &str| vec![FileSystem { kind, label: label.to_owned() }];
        let erofs = with(&[(1024, b"\xe2\xe1\xf5\xe0"), (1088, b"root")]);
        assert_eq!(found(&erofs, 0), is(Kind::Erofs, "root"));
        let full = with(&[(1024, b"\xe2\xe1\xf5\xe0"), (1088, b"sixteen letters!x")]);
        assert_eq!(found(&full, 0), is(Kind::Erofs, "sixteen letters!"));
        assert_eq!(found(&with(&[(512, b"hsqs")]), 512), is(Kind::Squashfs, ""));
        let iso = with(&[(32768, b"\x01CD001\x01"), (32808, b"KIT                             ")]);
        assert_eq!(found(&iso, 0), is(Kind::Iso9660, "KIT"));
        assert_eq!(found(&with(&[(1080, b"\x53\xef"), (1144, b"data")]), 0), is(Kind::Ext4, "data"));
    }

    #[test]
    fn nothing_and_too_little_is_none() {
        assert!(found(&with(&[]), 0).is_empty());
        assert!(found(b"hsqs", 0).is_empty());
        assert!(found(&[], 0).is_empty());
    }
}
