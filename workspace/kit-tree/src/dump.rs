//! The textual dump: one line per entry, sorted by path.
//!
//! `PATH KIND MODE UID:GID [SIZE BLAKE3 | -> TARGET | = TARGET | MAJOR,MINOR] [xattr NAME=VALUE …]`, where kind is `dir`,
//! `file`, `symlink`, `link`, `char`, `block` or `fifo`, and odd bytes are written `\xNN`.

use std::fmt;

use crate::path::Escaped;
use crate::{DeviceKind, Entry, Meta, Tree, TreePath};

/// Shows a tree as its dump.
#[derive(Debug, Clone, Copy)]
pub struct Dump<'a>(pub &'a Tree);

impl fmt::Display for Dump<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.entries().try_for_each(|(path, entry)| writeln!(f, "{}", Line(path, entry)))
    }
}

/// Shows one entry as a line of the dump, without its end.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a>(pub &'a TreePath, pub &'a Entry);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(path, entry) = self;
        write!(f, "{path} ")?;
        match entry {
            Entry::Directory(meta) => write!(f, "dir {}", Owner(meta))?,
            Entry::File { meta, blob, size } => write!(f, "file {} {size} {blob}", Owner(meta))?,
            Entry::Symlink { uid, gid, target } => {
                write!(f, "symlink 0777 {uid}:{gid} -> {}", Escaped(target))?;
            }
            Entry::HardLink { target } => write!(f, "link = {target}")?,
            Entry::Device { meta, kind, major, minor } => {
                let kind = if *kind == DeviceKind::Char { "char" } else { "block" };
                write!(f, "{kind} {} {major},{minor}", Owner(meta))?;
            }
            Entry::Fifo(meta) => write!(f, "fifo {}", Owner(meta))?,
        }
        let xattrs = entry.meta().into_iter().flat_map(|meta| &meta.xattrs);
        xattrs.into_iter().try_for_each(|(n, v)| write!(f, " xattr {}={}", Escaped(n), Escaped(v)))
    }
}

struct Owner<'a>(&'a Meta);

impl fmt::Display for Owner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}:{}", self.0.mode, self.0.uid, self.0.gid)
    }
}
