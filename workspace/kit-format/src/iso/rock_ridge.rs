//! What Rock Ridge adds to a directory record: the fields of its system use area, and the areas where they continue.

use kit_tree::Entry;

use super::nodes::Node;
use super::numbers::{both32, short_date};
use crate::stat::FileType;

/// Bytes of a `CE` field.
const CE_LENGTH: usize = 28;
/// Bytes of a directory record, at most and even.
const RECORD_MAX: usize = 254;
/// Bytes that a field has after its head, at most: its length is one byte.
const FIELD_MAX: usize = 250;
/// Bytes of a block; no continuation area goes over its end.
const BLOCK: usize = 2048;

/// The flags of `TF`: times of modification, access and change of attributes.
const TIMES: u8 = 0x0e;
/// The flag of `NM`, `SL` and components of links: the next one goes on.
const CONTINUES: u8 = 1;
const CURRENT: u8 = 2;
const PARENT: u8 = 4;
const ROOT: u8 = 8;

/// The identifier of version 1.12, with what it is and who knows.
const EXTENSION: [&str; 3] = [
    "IEEE_P1282",
    "THE IEEE P1282 PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS",
    "PLEASE CONTACT THE IEEE STANDARDS DEPARTMENT, PISCATAWAY, NJ, USA FOR THE P1282 SPECIFICATION",
];

/// Which record of a node it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The first record of the root directory, which says that there is Rock Ridge.
    Root,
    /// `.` or `..`.
    Dots,
    /// The one with a name.
    Named,
}

/// Returns the fields of a record, in order; each is at most 255 bytes.
pub(super) fn fields(node: &Node<'_>, role: Role, mtime: u32) -> Vec<Vec<u8>> {
    let mut fields = Vec::new();
    if role == Role::Root {
        fields.push(field(*b"SP", &[0xbe, 0xef, 0]));
    }
    fields.push(attributes(node));
    fields.push(field(*b"TF", &[&[TIMES][..], &short_date(mtime).repeat(3)].concat()));
    if role == Role::Root {
        let lengths = EXTENSION.map(|text| u8::try_from(text.len()).expect("because the texts are short"));
        let text = EXTENSION.concat();
        fields.push(field(*b"ER", &[&lengths[..], &[1], text.as_bytes()].concat()));
    }
    if role != Role::Named {
        return fields;
    }
    let mut parts = node.name.chunks(FIELD_MAX - 1).peekable();
    while let Some(part) = parts.next() {
        let flags = if parts.peek().is_some() { CONTINUES } else { 0 };
        fields.push(field(*b"NM", &[&[flags][..], part].concat()));
    }
    match node.inode {
        Entry::Device { major, minor, .. } => {
            fields.push(field(*b"PN", &[both32(*major), both32(*minor)].concat()));
        }
        Entry::Symlink { target, .. } => fields.extend(link(target)),
        Entry::Directory(_) | Entry::File { .. } | Entry::HardLink { .. } | Entry::Fifo(_) => {}
    }
    fields
}

fn field(signature: [u8; 2], content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len() + 4).expect("because fields are cut to their length");
    [&signature[..], &[length, 1], content].concat()
}

/// Mode, links, owner, group and inode number.
fn attributes(node: &Node<'_>) -> Vec<u8> {
    let (permissions, uid, gid) = match node.inode {
        Entry::Directory(meta)
        | Entry::File { meta, .. }
        | Entry::Fifo(meta)
        | Entry::Device { meta, .. } => (meta.mode.bits(), meta.uid, meta.gid),
        Entry::Symlink { uid, gid, .. } => (0o777, *uid, *gid),
        Entry::HardLink { .. } => unreachable!("because nodes have the file that a hard link names"),
    };
    let mode = u32::from(FileType::of(node.inode).bits()) | permissions;
    field(*b"PX", &[mode, node.links, uid, gid, node.number].map(both32).concat())
}

/// The target of a symbolic link: components as between slashes, so that none of them is lost.
fn link(target: &[u8]) -> Vec<Vec<u8>> {
    let (root, rest) = match target.strip_prefix(b"/") {
        Some(rest) => (Some((ROOT, &rest[..0])), rest),
        None => (None, target),
    };
    let components = rest.split(|b| *b == b'/').map(|name| match name {
        b"." => (CURRENT, &name[..0]),
        b".." => (PARENT, &name[..0]),
        name => (0, name),
    });
    let below = components.filter(|_| root.is_none() || !rest.is_empty());
    let mut fields = vec![Vec::new()];
    for (flags, mut text) in root.into_iter().chain(below) {
        loop {
            let used = fields.last().map_or(0, Vec::len);
            // a component of no text needs its head, any other one byte more
            if used + 2 + usize::from(!text.is_empty()) > FIELD_MAX - 1 {
                fields.push(Vec::new());
                continue;
            }
            let (part, rest) = text.split_at(text.len().min(FIELD_MAX - 1 - used - 2));
            let continues = if rest.is_empty() { 0 } else { CONTINUES };
            let length = u8::try_from(part.len()).expect("because it fits into a field");
            let last = fields.last_mut().expect("because there is always one");
            last.extend([flags | continues, length]);
            last.extend_from_slice(part);
            text = rest;
            if text.is_empty() {
                break;
            }
        }
    }
    let count = fields.len();
    let flags = |at| if at + 1 < count { CONTINUES } else { 0 };
    fields
        .iter()
        .enumerate()
        .map(|(at, content)| field(*b"SL", &[&[flags(at)][..], content].concat()))
        .collect()
}

/// Where the fields of a directory's records continue: behind its records.
#[derive(Debug, Default)]
pub(super) struct Areas {
    /// The bytes of all areas.
    pub(super) bytes: Vec<u8>,
    /// The block that they begin at.
    block: u32,
}

impl Areas {
    pub(super) fn at(block: u32) -> Self {
        Self { bytes: Vec::new(), block }
    }

    /// Returns the part of `fields` that goes into a record with `used` bytes; the rest goes here.
    pub(super) fn place(&mut self, fields: Vec<Vec<u8>>, used: usize) -> Vec<u8> {
        let all: usize = fields.iter().map(Vec::len).sum();
        if used + all <= RECORD_MAX {
            return fields.concat();
        }
        let (mut here, rest) = cut(fields, RECORD_MAX - used - CE_LENGTH);
        here.extend(self.continued(rest));
        here
    }

    /// Places fields in areas, and returns the `CE` that leads there.
    fn continued(&mut self, fields: Vec<Vec<u8>>) -> Vec<u8> {
        let all: usize = fields.iter().map(Vec::len).sum();
        let (mut area, rest) =
            if all <= BLOCK { (fields.concat(), Vec::new()) } else { cut(fields, BLOCK - CE_LENGTH) };
        let length = area.len() + if rest.is_empty() { 0 } else { CE_LENGTH };
        if self.bytes.len() % BLOCK + length > BLOCK {
            self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK), 0);
        }
        let at = self.bytes.len();
        self.bytes.resize(at + length, 0);
        if !rest.is_empty() {
            area.extend(self.continued(rest));
        }
        self.bytes[at..at + length].copy_from_slice(&area);
        let number = |number: usize| u32::try_from(number).expect("because a directory has less than 4 GiB");
        let place = [self.block + number(at / BLOCK), number(at % BLOCK), number(length)];
        field(*b"CE", &place.map(both32).concat())
    }
}

/// Returns what fits into `room` bytes, and the rest.
fn cut(fields: Vec<Vec<u8>>, room: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut here = Vec::new();
    let mut fields = fields.into_iter().peekable();
    while let Some(field) = fields.next_if(|field| here.len() + field.len() <= room) {
        here.extend(field);
    }
    (here, fields.collect())
}
