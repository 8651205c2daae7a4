//! The fields of ext4: those that stand where they always do, and those that others lead to.

mod tables;

use self::tables::{
    ATTRIBUTE, ATTRIBUTES, ATTRIBUTES_IN_INODE, DESCRIPTOR, DEVICE, ENTRY, ENTRY_TAIL, EXTENT, EXTENT_HEADER,
    EXTENT_INDEX, EXTENT_TAIL, IN_INODE, INODE, JOURNAL, SUPERBLOCK,
};
use super::tables::Shape::{Bytes, Text};
use super::tables::Table;
use super::{Field, Placed, only, read, shown};
use crate::locate::extent::little;

/// Bytes of a block, of a descriptor, and of an extent.
const BLOCK: usize = 4096;
const GROUP: usize = 64;
const RECORD: usize = 12;
/// Where an inode has its extents, its target or its device, and where attributes behind it begin, before that what says how many bytes are between.
const INLINE: usize = 40;
const BEHIND: usize = 128;
/// The content is a list of extents; kinds of files.
const EXTENTS: u64 = 0x8_0000;
const KIND: u64 = 0o170_000;
const SYMLINK: u64 = 0o120_000;

/// Returns the fields of a piece. `name` is what the writer calls it.
pub(super) fn fields(name: &str, bytes: &[u8], start: u64) -> Vec<Field> {
    match name {
        "superblock" => read(&only(SUPERBLOCK), bytes, start),
        "descriptors" => {
            let groups = (0..bytes.len() / GROUP)
                .map(|group| placed(format!("group {group} "), group * GROUP, DESCRIPTOR));
            read(&groups.collect::<Vec<_>>(), bytes, start)
        }
        "used blocks" => bits(bytes, start, "blocks", 0),
        // The first inode has the number 1.
        "used inodes" => bits(bytes, start, "inodes", 1),
        "inode" | "inode of the journal" => inode(bytes, start),
        "extents" => {
            let mut tables = extents(bytes, 0);
            tables.push(placed(String::new(), BLOCK - 4, EXTENT_TAIL));
            read(&tables, bytes, start)
        }
        "journal" => read(&only(JOURNAL), bytes, start),
        "names" => names(bytes, start),
        "attributes" => {
            const HEADER: usize = 32;
            let mut all = read(&only(ATTRIBUTES), bytes, start);
            all.extend(attributes(bytes, HEADER, 0, start));
            all
        }
        _ => Vec::new(),
    }
}

fn placed(prefix: String, at: usize, table: Table) -> Placed {
    Placed { prefix, at, table }
}

fn number(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    usize::try_from(little(bytes.get(at..at + length)?)).ok()
}

/// One field for each byte of a map: a bit for each of eight.
fn bits(bytes: &[u8], start: u64, word: &str, first: usize) -> Vec<Field> {
    let bytes = (start..).zip(bytes.iter().enumerate());
    bytes
        .map(|(at, (index, byte))| {
            let from = 8 * index + first;
            Field {
                name: format!("{word} {from} to {} of the group", from + 7),
                range: at..at + 1,
                // The lowest bit is the first one.
                value: format!("{:08b}", byte.reverse_bits()),
            }
        })
        .collect()
}

fn inode(bytes: &[u8], start: u64) -> Vec<Field> {
    let mut tables = only(INODE);
    let has = |at: usize, bits: u64| bytes.get(at..at + 4).is_some_and(|word| little(word) & bits != 0);
    let kind = bytes.get(..2).map_or(0, |mode| little(mode) & KIND);
    tables.extend(if has(32, EXTENTS) {
        extents(bytes, INLINE)
    } else {
        only(if kind == SYMLINK { IN_INODE } else { DEVICE })
    });
    let behind = BEHIND + number(bytes, BEHIND, 2).unwrap_or(0);
    let has_attributes = number(bytes, behind, 4).is_some_and(|magic| magic != 0);
    if has_attributes {
        tables.push(placed(String::new(), behind, ATTRIBUTES_IN_INODE));
    }
    let mut all = read(&tables, bytes, start);
    if has_attributes {
        all.extend(attributes(bytes, behind + 4, behind + 4, start));
    }
    all
}

/// The header of a node of extents at a place, and what follows it.
fn extents(bytes: &[u8], at: usize) -> Vec<Placed> {
    let mut tables = vec![placed(String::new(), at, EXTENT_HEADER)];
    let (entries, depth) = (number(bytes, at + 2, 2).unwrap_or(0), number(bytes, at + 6, 2).unwrap_or(0));
    let table = if depth == 0 { EXTENT } else { EXTENT_INDEX };
    let most = bytes.len() / RECORD;
    tables.extend(
        (1..=entries.min(most))
            .map(|record| placed(format!("extent {record} "), at + record * RECORD, table)),
    );
    tables
}

/// Attributes from a place on, whose values are counted from another.
fn attributes(bytes: &[u8], from: usize, base: usize, start: u64) -> Vec<Field> {
    const HEADER: usize = 16;
    let (mut all, mut at) = (Vec::new(), from);
    for attribute in 1.. {
        let (Some(length), Some(kind)) = (number(bytes, at, 1), number(bytes, at + 1, 1)) else { break };
        if length == 0 && kind == 0 {
            break;
        }
        let prefix = format!("attribute {attribute} ");
        all.extend(read(&[placed(prefix.clone(), at, ATTRIBUTE)], bytes, start));
        all.extend(text(bytes, (at + HEADER, length), format!("{prefix}e_name"), start));
        if let (Some(place), Some(size)) = (number(bytes, at + 2, 2), number(bytes, at + 8, 4))
            && size > 0
        {
            all.extend(text(bytes, (base + place, size), format!("{prefix}value"), start));
        }
        at += (HEADER + length).next_multiple_of(4);
    }
    all
}

/// Entries of directories, up to the tail of each block.
fn names(bytes: &[u8], start: u64) -> Vec<Field> {
    const HEADER: usize = 8;
    const TAIL: usize = 12;
    let (mut all, mut entry) = (Vec::new(), 0_usize);
    for block in (0..bytes.len()).step_by(BLOCK) {
        let (mut at, end) = (block, bytes.len().min(block + BLOCK));
        while at + HEADER <= end {
            if at + TAIL == end {
                all.extend(read(&[placed(String::new(), at, ENTRY_TAIL)], bytes, start));
                break;
            }
            let (Some(length), Some(name)) = (number(bytes, at + 4, 2), number(bytes, at + 6, 1)) else {
                break;
            };
            if length < HEADER {
                break;
            }
            entry += 1;
            let prefix = format!("entry {entry} ");
            all.extend(read(&[placed(prefix.clone(), at, ENTRY)], bytes, start));
            all.extend(text(bytes, (at + HEADER, name), format!("{prefix}name"), start));
            at += length;
        }
    }
    all
}

/// A field of a length that another one says.
fn text(bytes: &[u8], (at, length): (usize, usize), name: String, start: u64) -> Option<Field> {
    let value = bytes.get(at..at.checked_add(length)?).filter(|value| !value.is_empty())?;
    let is_text = value.iter().all(|byte| (b' '..=b'~').contains(byte));
    let value = shown(value, if is_text { Text } else { Bytes });
    Some(Field { name, range: start + at as u64..start + (at + length) as u64, value })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use kit_tree::blobs::MemoryBlobs;
    use kit_tree::{BlobSink as _, Entry, Meta, Mode, Tree};
    use proptest::prelude::*;

    use super::*;
    use crate::ext4::{Options, Size, layout};
    use crate::extents::{Extents, From, Of};

    /// Returns all fields of a small file system.
    fn told() -> Vec<String> {
        let (mut tree, blobs) = (Tree::new(), MemoryBlobs::new());
        let (blob, size) = blobs.put(&mut b"Welcome.\n".as_slice()).unwrap();
        let mut meta = Meta::root(Mode::FILE);
        meta.xattrs.insert(b"user.origin".to_vec(), b"here".to_vec());
        tree.insert("/motd".parse().unwrap(), Entry::File { meta, blob, size }).unwrap();
        tree.insert("/link".parse().unwrap(), Entry::symlink("motd")).unwrap();
        let options = Options { mtime: 7, label: "ROOT".to_owned(), size: Size::Fitting { spare: 0 } };
        let layout = layout(&tree, &options).unwrap();
        let extents = Extents::record("ext4 file system", Of::File, &layout);
        let (mut bytes, mut all) = (Vec::new(), Vec::new());
        layout.stream(&blobs).read_to_end(&mut bytes).unwrap();
        let place = |at: u64| usize::try_from(at).unwrap();
        for piece in extents.pieces.iter().filter(|piece| piece.from == From::Format) {
            let of = piece.member.as_ref().map(|path| format!(" of {path}")).unwrap_or_default();
            let part = &bytes[place(piece.range.start)..place(piece.range.end)];
            for field in crate::locate::fields(&extents.format, &piece.what, part, piece.range.start) {
                assert!(piece.range.contains(&field.range.start) && field.range.end <= piece.range.end);
                all.push(format!("{}, field {}{of} = {}", piece.what, field.name, field.value));
            }
        }
        all
    }

    #[test]
    fn all_of_a_file_system_is_told_by_its_fields() {
        let told = told();
        for text in [
            "superblock, field s_magic = 0xef53",
            "superblock, field s_volume_name = ROOT",
            "descriptors, field group 0 bg_used_dirs_count_lo = 2",
            "used inodes, field inodes 9 to 16 of the group = 11111000",
            "inode of /motd, field i_size_lo = 9",
            "inode of /motd, field eh_magic = 0xf30a",
            "inode of /motd, field extent 1 ee_len = 1",
            "inode of /motd, field attribute 1 e_name = origin",
            "inode of /motd, field attribute 1 value = here",
            "inode of /link, field i_block = motd",
            "inode of the journal, field i_links_count = 1",
            "journal, field h_magic = c03b3998",
            "journal, field s_blocksize = 4096",
            "names of /, field entry 4 name = lost+found",
            "names of /, field entry 5 name = motd",
            "names of /, field det_reserved_ft = 0xde",
        ] {
            let (what, rest) = text.split_once(", field ").unwrap();
            // A member stands behind the field.
            let text = match what.split_once(" of /") {
                Some((what, path)) => {
                    let (field, value) = rest.split_once(" = ").unwrap();
                    format!("{what}, field {field} of /{path} = {value}")
                }
                None => text.to_owned(),
            };
            assert!(told.contains(&text), "no `{text}` in {told:#?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(
            name in prop_oneof![
                Just("superblock"), Just("descriptors"), Just("inode"), Just("extents"), Just("names"), Just("attributes"),
            ],
            bytes in proptest::collection::vec(any::<u8>(), 0..9000),
        ) {
            for field in fields(name, &bytes, 5) {
                prop_assert!(field.range.start >= 5 && field.range.end <= 5 + bytes.len() as u64, "{field:?}");
            }
        }
    }
}
