//! An inode's fields.

use kit_tree::{DeviceKind, Meta, Mode};

use super::super::{NONE, kind};
use super::metadata::Place;
use super::{long, short, word};

/// Bytes that every inode begins with.
pub(super) const HEAD: usize = 16;

/// An inode.
#[derive(Debug)]
pub(super) struct Inode {
    pub(super) meta: Meta,
    /// Number of its set of attributes.
    pub(super) xattrs: u32,
    pub(super) kind: Kind,
    /// Number of its kind, in the basic form.
    pub(super) number: u16,
    pub(super) extended: bool,
}

/// What an inode is of.
#[derive(Debug)]
pub(super) enum Kind {
    Directory(Listing),
    File(File),
    Symlink { target: Vec<u8> },
    Device { kind: DeviceKind, number: u32 },
    Fifo,
    Socket,
}

/// Where a directory's names are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listing {
    pub(super) block: u32,
    pub(super) offset: u16,
    /// With `.` and `..`.
    pub(super) size: u32,
}

/// Where a file's content is.
#[derive(Debug, Clone, Copy)]
pub(super) struct File {
    pub(super) start: u64,
    pub(super) size: u64,
    pub(super) fragment: u32,
    pub(super) offset: u32,
    /// Where the sizes of its blocks are.
    pub(super) sizes: Place,
}

/// Returns how many bytes of a kind of inode follow the head, without what has no fixed length; none when there is no such kind.
pub(super) fn rest_of(number: u16) -> Option<usize> {
    const EXTENDED: u16 = kind::EXTENDED;
    Some(match number {
        kind::DIRECTORY | kind::FILE => 16,
        kind::SYMLINK | kind::BLOCK | kind::CHAR => 8,
        kind::FIFO | kind::SOCKET => 4,
        n if n == EXTENDED + kind::DIRECTORY => 24,
        n if n == EXTENDED + kind::FILE => 40,
        n if n == EXTENDED + kind::SYMLINK => 8,
        n if n == EXTENDED + kind::BLOCK || n == EXTENDED + kind::CHAR => 12,
        n if n == EXTENDED + kind::FIFO || n == EXTENDED + kind::SOCKET => 8,
        _ => return None,
    })
}

impl Inode {
    /// Decodes head and rest, which have the lengths that they should; `after` is where they end. A symbolic link has no target yet.
    pub(super) fn decode(head: &[u8], rest: &[u8], after: Place, uid: u32, gid: u32) -> Option<Self> {
        let written = short(head, 0);
        let extended = written > kind::EXTENDED;
        let number = if extended { written - kind::EXTENDED } else { written };
        let mode = Mode::from_st_mode(short(head, 2).into());
        let meta = Meta { uid, gid, ..Meta::root(mode) };
        let mut xattrs = NONE;
        if extended && number != kind::SYMLINK {
            xattrs = word(rest, rest.len() - 4);
        }
        let kind = match (number, extended) {
            (kind::DIRECTORY, false) => Kind::Directory(Listing {
                block: word(rest, 0),
                size: short(rest, 8).into(),
                offset: short(rest, 10),
            }),
            (kind::DIRECTORY, true) => Kind::Directory(Listing {
                size: word(rest, 4),
                block: word(rest, 8),
                offset: short(rest, 18),
            }),
            (kind::FILE, false) => Kind::File(File {
                start: word(rest, 0).into(),
                fragment: word(rest, 4),
                offset: word(rest, 8),
                size: word(rest, 12).into(),
                sizes: after,
            }),
            (kind::FILE, true) => Kind::File(File {
                start: long(rest, 0),
                size: long(rest, 8),
                fragment: word(rest, 28),
                offset: word(rest, 32),
                sizes: after,
            }),
            (kind::SYMLINK, _) => Kind::Symlink { target: Vec::new() },
            (kind::BLOCK, _) => Kind::Device { kind: DeviceKind::Block, number: word(rest, 4) },
            (kind::CHAR, _) => Kind::Device { kind: DeviceKind::Char, number: word(rest, 4) },
            (kind::FIFO, _) => Kind::Fifo,
            (kind::SOCKET, _) => Kind::Socket,
            _ => return None,
        };
        Some(Self { meta, xattrs, kind, number, extended })
    }
}
