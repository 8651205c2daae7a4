//! Trees that tests write and read.

use std::collections::BTreeMap;
use std::io::{self, Read};

use kit_tree::blobs::MemoryBlobs;
use kit_tree::{DeviceKind, Entry, FileName, Meta, Mode, Tree, TreePath};
use proptest::prelude::*;

use crate::layout::{Layout, Piece};
use crate::limits::{LimitError, Limits};

/// A source date.
pub(crate) const MTIME: u32 = 1_700_000_000;

pub(crate) fn path(text: &str) -> TreePath {
    text.parse().unwrap()
}

/// Puts a file of root.
pub(crate) fn put(tree: &mut Tree, blobs: &MemoryBlobs, name: &str, content: &[u8]) {
    let blob = blobs.insert(content.to_vec());
    tree.insert_file(path(name), Mode::FILE, blob, content.len() as u64).unwrap();
}

/// One of everything that both tar and cpio hold.
pub(crate) fn plain_tree(blobs: &MemoryBlobs) -> Tree {
    let mut tree = Tree::new();
    put(&mut tree, blobs, "/etc/motd", b"Welcome.\n");
    put(&mut tree, blobs, "/etc/empty", b"");
    put(&mut tree, blobs, "/usr/bin/tool", &lines(3000));
    tree.insert(path("/usr/bin/alias"), Entry::symlink("tool")).unwrap();
    tree.insert(path("/usr/bin/zool"), Entry::HardLink { target: path("/usr/bin/tool") }).unwrap();
    tree.insert(path("/bin"), Entry::Symlink { uid: 1, gid: 2, target: b"usr/bin".to_vec() }).unwrap();
    let sticky = Meta { uid: 7, gid: 1000, ..Meta::root(Mode::from_st_mode(0o1777)) };
    tree.insert(path("/tmp"), Entry::Directory(sticky)).unwrap();
    tree.insert(path("/dev"), Entry::directory()).unwrap();
    let device = |kind, major, minor| Entry::Device {
        meta: Meta { gid: 6, ..Meta::root(Mode::from_st_mode(0o660)) },
        kind,
        major,
        minor,
    };
    tree.insert(path("/dev/null"), device(DeviceKind::Char, 1, 3)).unwrap();
    tree.insert(path("/dev/sda1"), device(DeviceKind::Block, 8, 1)).unwrap();
    tree.insert(path("/dev/pipe"), Entry::Fifo(Meta::root(Mode::from_st_mode(0o600)))).unwrap();
    tree
}

/// Everything that only tar holds: attributes, long names and links, large ids.
pub(crate) fn rich_tree(blobs: &MemoryBlobs) -> Tree {
    let mut tree = plain_tree(blobs);
    let long = format!("/srv/{}/{}", "d".repeat(120), "f".repeat(90));
    put(&mut tree, blobs, &long, b"split in two");
    let longer = format!("/srv/{}", "n".repeat(101));
    put(&mut tree, blobs, &longer, b"not to be split");
    tree.insert(path("/srv/zlink"), Entry::HardLink { target: path(&longer) }).unwrap();
    tree.insert(path("/srv/far"), Entry::symlink("t".repeat(300))).unwrap();
    change(&mut tree, "/usr/bin/tool", |meta| {
        meta.xattrs.insert(b"security.capability".to_vec(), vec![1, 0, 0, 2, b'\n', 0, b'=', 255]);
        meta.xattrs.insert(b"user.note".to_vec(), b"two words".to_vec());
    });
    change(&mut tree, "/tmp", |meta| meta.uid = 3_000_000_000);
    put(&mut tree, blobs, "/srv/file", b"x");
    let odd = TreePath::new(b"srv/\xff\n\\").unwrap();
    tree.insert(odd, Entry::directory()).unwrap();
    tree
}

/// Changes an entry's metadata.
pub(crate) fn change(tree: &mut Tree, name: &str, change: impl FnOnce(&mut Meta)) {
    let mut entry = tree.get(&path(name)).unwrap().clone();
    change(entry.meta_mut().unwrap());
    tree.insert(path(name), entry).unwrap();
}

/// A tree for [`limits_hold_for`]: three bytes in each of two files, an attribute of ten bytes.
pub(crate) fn limited_tree(blobs: &MemoryBlobs) -> Tree {
    let mut tree = Tree::new();
    put(&mut tree, blobs, "/a", b"xyz");
    put(&mut tree, blobs, "/b", b"abc");
    change(&mut tree, "/a", |meta| drop(meta.xattrs.insert(b"user.a".to_vec(), vec![1; 10])));
    tree
}

/// Reads [`limited_tree`] by `refuse`, which returns what is said then; its attribute counts as `xattr_bytes`.
pub(crate) fn limits_hold_for(refuse: &dyn Fn(&Limits) -> LimitError, xattr_bytes: u64) {
    let standard = Limits::standard;
    assert_eq!(refuse(&Limits { entries: 1, ..standard() }), LimitError::Entries { limit: 1 });
    assert_eq!(refuse(&Limits { file_bytes: 2, ..standard() }), LimitError::FileBytes { size: 3, limit: 2 });
    assert_eq!(refuse(&Limits { total_bytes: 5, ..standard() }), LimitError::TotalBytes { limit: 5 });
    let xattrs = LimitError::XattrBytes { size: xattr_bytes, limit: 5 };
    assert_eq!(refuse(&Limits { xattr_bytes: 5, ..standard() }), xattrs);
    assert_eq!(refuse(&Limits { header_bytes: 9, ..standard() }), LimitError::HeaderBytes { limit: 9 });
}

/// Gives extended attributes names of the kinds that file systems know.
pub(crate) fn with_known_names(tree: &Tree) -> Tree {
    let mut known = tree.clone();
    for (place, entry) in tree.entries() {
        let mut entry = entry.clone();
        if let Some(meta) = entry.meta_mut() {
            let kinds = ["user.", "trusted.", "security."];
            let named = std::mem::take(&mut meta.xattrs)
                .into_iter()
                .map(|(name, value)| ([kinds[value.len() % 3].as_bytes(), &name].concat(), value));
            meta.xattrs = named.collect();
            known.insert(place.clone(), entry).unwrap();
        }
    }
    known
}

/// What is where, a line for each piece.
pub(crate) fn pieces(layout: &Layout) -> String {
    let line = |piece: &Piece| {
        let member = piece.member.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{:?} {} {member}", piece.range, piece.what).trim_end().to_owned()
    };
    layout.pieces().iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Text that compresses as texts do, always the same.
pub(crate) fn lines(count: u32) -> Vec<u8> {
    let mut state = 1_u32;
    let mut text = Vec::new();
    for line in 0..count {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.extend_from_slice(format!("{line} {} {}\n", state >> 20, state >> 8 & 0xfff).as_bytes());
    }
    text
}

/// Hands out a few bytes at a time.
pub(crate) struct Trickle<'a>(pub(crate) &'a [u8], pub(crate) usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.1);
        self.0.read(&mut buffer[..count])
    }
}

/// Any small tree: every kind of entry, odd names, hard links, attributes where asked for.
pub(crate) fn any_tree(with_xattrs: bool) -> impl Strategy<Value = (Tree, MemoryBlobs)> {
    let name = prop_oneof![
        4 => "[a-c]".prop_map(String::into_bytes),
        1 => proptest::collection::vec(prop_oneof![Just(b'.'), Just(b' '), Just(0xff), Just(b'\n')], 3..5),
        1 => "[x-z]{90,200}".prop_map(String::into_bytes),
    ];
    let names = proptest::collection::vec(name, 1..4);
    let id = prop_oneof![Just(0_u32), any::<u32>(), 2_097_150_u32..2_097_154];
    let attribute = ("[a-z]{1,6}\\.[a-z]{1,6}", proptest::collection::vec(any::<u8>(), 0..600));
    let xattrs = proptest::collection::btree_map(
        attribute.0.prop_map(String::into_bytes),
        attribute.1,
        0..if with_xattrs { 3 } else { 1 },
    );
    let meta = (0_u32..0o10000, id.clone(), id, xattrs).prop_map(|(mode, uid, gid, xattrs)| Meta {
        mode: Mode::new(mode).unwrap(),
        uid,
        gid,
        xattrs,
    });
    let content = proptest::collection::vec(any::<u8>(), 0..1200);
    let entry = (0_u8..8, meta, content, 0_u32..4096, 0_u32..1_048_576);
    proptest::collection::vec((names, entry), 0..12).prop_map(move |list| build(list, with_xattrs))
}

type Drawn = (Vec<Vec<u8>>, (u8, Meta, Vec<u8>, u32, u32));

fn build(list: Vec<Drawn>, with_xattrs: bool) -> (Tree, MemoryBlobs) {
    let blobs = MemoryBlobs::new();
    let mut tree = Tree::new();
    for (names, (kind, mut meta, content, major, minor)) in list {
        if !with_xattrs {
            meta.xattrs = BTreeMap::new();
        }
        let names: Option<Vec<_>> = names.into_iter().map(|n| FileName::new(n).ok()).collect();
        let Some(names) = names else { continue };
        let place = names.iter().fold(TreePath::root(), |path, name| path.join(name).unwrap());
        let first_file =
            tree.entries().find(|(_, e)| matches!(e, Entry::File { .. })).map(|(p, _)| p.clone());
        let entry = match (kind, first_file) {
            (0, _) => Entry::Directory(meta),
            (1, _) => {
                let target = if content.is_empty() { b"x".to_vec() } else { text(&content) };
                Entry::Symlink { uid: meta.uid, gid: meta.gid, target }
            }
            (2, Some(target)) if target < place => Entry::HardLink { target },
            (3, _) => Entry::Device { meta, kind: DeviceKind::Char, major, minor },
            (4, _) => Entry::Device { meta, kind: DeviceKind::Block, major, minor },
            (5, _) => Entry::Fifo(meta),
            _ => Entry::File { meta, size: content.len() as u64, blob: blobs.insert(content) },
        };
        // what doesn't fit where it was drawn is left out
        if tree.get(&place).is_none() && tree.make_parents(&place, &Meta::root(Mode::DIRECTORY)).is_ok() {
            let _ = tree.insert(place, entry);
        }
    }
    (tree, blobs)
}

/// A link's target can't hold NUL.
fn text(content: &[u8]) -> Vec<u8> {
    content.iter().map(|b| if *b == 0 { b'0' } else { *b }).collect()
}
