use std::io::Read as _;

use kit_hash::Sha256;
use kit_tree::blobs::MemoryBlobs;
use kit_tree::dump::Dump;
use kit_tree::{DeviceKind, Entry, Meta, Mode, Tree};
use proptest::prelude::*;

use super::*;
use crate::input::InputError;
use crate::limits::{LimitError, Limits};
use crate::samples::{self, MTIME, any_tree, path, plain_tree, put, rich_tree};

fn write(tree: &Tree, blobs: &MemoryBlobs) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut stream = CpioStream::new(tree, blobs, MTIME).unwrap();
    stream.read_to_end(&mut bytes).unwrap();
    assert_eq!(stream.total_len(), bytes.len() as u64);
    bytes
}

fn read(bytes: &[u8]) -> Result<Tree, CpioReadError> {
    read_cpio(bytes, &MemoryBlobs::new(), &Limits::standard(), Segments::One)
}

/// A member as other programs write it.
fn member(name: &str, ino: u32, mode: u32, nlink: u32, content: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
    let numbers = [ino, mode, 0, 0, nlink, 1, length(content), 8, 1, 0, 0, length(name.as_bytes()) + 1, 0];
    let digits = numbers.map(|number| format!("{number:08X}")).concat();
    let mut bytes = format!("070701{digits}{name}\0").into_bytes();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn archive(members: &[Vec<u8>]) -> Vec<u8> {
    [members.concat(), member("TRAILER!!!", 0, 0, 1, b"")].concat()
}

fn error(members: &[Vec<u8>]) -> String {
    read(&archive(members)).unwrap_err().to_string()
}

const PINNED: &str = "\
660a3730aa04fa9c9949d023d02cd1374d33c6070373daca700520da1ad5e9d1
adfbf70b31381e49652d76c16d2f2023d22e6ac72e6a8adf07b2a9383db96545";

/// The digests change only with [`write::REVISION`].
#[test]
fn bytes_are_pinned() {
    let blobs = MemoryBlobs::new();
    let digest = |tree: &Tree| Sha256::of(&write(tree, &blobs)).to_string();
    let found = [digest(&Tree::new()), digest(&plain_tree(&blobs))];
    assert_eq!(write::REVISION, 1);
    assert_eq!(found.join("\n"), PINNED);
}

#[test]
fn a_small_archive_is_exactly_this() {
    let blobs = MemoryBlobs::new();
    let mut tree = Tree::new();
    put(&mut tree, &blobs, "/a", b"hello");
    tree.insert(path("/b"), Entry::HardLink { target: path("/a") }).unwrap();
    let header = |ino, mode, nlink, size, name: &str| {
        let time = MTIME;
        let zero = 0;
        let length = name.len() + 1;
        format!(
            "070701{ino:08x}{mode:08x}{zero:08x}{zero:08x}{nlink:08x}{time:08x}{size:08x}{zero:08x}{zero:08x}{zero:08x}{zero:08x}{length:08x}{zero:08x}{name}\0"
        )
    };
    let expected = [
        header(1, 0o040_755, 2, 0, "."),
        header(2, 0o100_644, 2, 5, "a"),
        String::from("hello\0\0\0"),
        header(2, 0o100_644, 2, 0, "b"),
        header(0, 0, 1, 0, "TRAILER!!!").replace(&format!("{MTIME:08x}"), "00000000"),
        String::from("\0\0\0"),
    ];
    assert_eq!(String::from_utf8(write(&tree, &blobs)).unwrap(), expected.concat());
}

#[test]
fn what_was_written_is_read_back() {
    let blobs = MemoryBlobs::new();
    for tree in [Tree::new(), plain_tree(&blobs)] {
        let bytes = write(&tree, &blobs);
        assert_eq!(Dump(&read(&bytes).unwrap()).to_string(), Dump(&tree).to_string());
        let padded = [bytes.as_slice(), &[0; 300]].concat();
        assert_eq!(read(&padded).unwrap(), tree);
        for end in 0..bytes.len() {
            let error = read(&bytes[..end]).unwrap_err();
            let truncated =
                matches!(error, CpioReadError::Input { source: InputError::Truncated { .. }, .. });
            assert!(truncated, "{end}: {error}");
        }
    }
}

#[test]
fn content_of_links_is_found_wherever_it_stands() {
    let file = 0o100_644;
    let last =
        [member("a", 5, file, 2, b""), member("d", 9, 0o040_755, 2, b""), member("b", 5, file, 2, b"x")];
    let first =
        [member("a", 5, file, 2, b"x"), member("d", 9, 0o040_755, 2, b""), member("b", 5, file, 2, b"")];
    let tree = read(&archive(&last)).unwrap();
    assert_eq!(tree, read(&archive(&first)).unwrap());
    assert_eq!(tree.get(&path("/b")), Some(&Entry::HardLink { target: path("/a") }));
    let empty = [member("a", 5, file, 2, b""), member("b", 5, file, 2, b"")];
    assert!(matches!(read(&archive(&empty)).unwrap().get(&path("/a")), Some(Entry::File { size: 0, .. })));
}

#[test]
fn what_cpio_cannot_hold_is_refused() {
    let blobs = MemoryBlobs::new();
    let refuse = |tree: &Tree| CpioStream::new(tree, &blobs, MTIME).unwrap_err().to_string();
    assert_eq!(
        refuse(&rich_tree(&blobs)),
        "`/usr/bin/tool` has the extended attribute `security.capability`, which cpio can't hold"
    );
    let with = |place: &str, entry| {
        let mut tree = Tree::new();
        tree.insert(path(place), entry).unwrap();
        refuse(&tree)
    };
    let large = |size| Entry::File { meta: Meta::root(Mode::FILE), blob: blobs.insert(vec![]), size };
    assert_eq!(with("/big", large(1 << 32)), "`/big` has 4294967296 bytes; cpio holds less than 4 GiB");
    assert_eq!(with("/TRAILER!!!", large(0)), "a file named `/TRAILER!!!` would end the archive");
    assert_eq!(with("/l", Entry::symlink("")), "the symbolic link `/l` points to 0 bytes, not to 1 to 4095");
    let device =
        |major, minor| Entry::Device { meta: Meta::root(Mode::FILE), kind: DeviceKind::Char, major, minor };
    assert_eq!(with("/d", device(4096, 0)), "the device number 4096,0 of `/d` is larger than Linux has them");
    assert_eq!(
        with("/d", device(0, 1 << 20)),
        "the device number 0,1048576 of `/d` is larger than Linux has them"
    );
    let mut below = Tree::new();
    put(&mut below, &blobs, "/x/TRAILER!!!", b"");
    assert!(CpioStream::new(&below, &blobs, MTIME).is_ok());
}

#[test]
fn hostile_archives_are_refused() {
    let (file, link, directory) = (0o100_644, 0o120_777, 0o040_755);
    let plain = |name| member(name, 1, file, 1, b"x");
    for name in ["../x", "a/../../x", "/etc/passwd"] {
        assert_eq!(error(&[plain(name)]), format!("the name `{name}` is refused"));
    }
    assert_eq!(error(&[plain("a"), plain("./a")]), "`a` is there twice");
    assert_eq!(
        error(&[member("a", 1, link, 1, b"/etc"), plain("a/passwd")]),
        "`/a/passwd` lies below `/a`, which is not a directory"
    );
    let contradiction = [member("a", 1, file, 2, b"x"), member("b", 1, file, 2, b"y")];
    assert_eq!(error(&contradiction), "`b` contradicts an earlier name of the same file");
    let contradiction = [member("a", 1, file, 2, b"x"), member("b", 1, file | 0o4000, 2, b"")];
    assert_eq!(error(&contradiction), "`b` contradicts an earlier name of the same file");
    assert_eq!(error(&[member("s", 1, 0o140_777, 1, b"")]), "`s` has the mode 140777, which is refused");
    assert_eq!(error(&[member("d", 1, directory, 2, b"x")]), "`d` can't have 1 bytes of content");
    assert_eq!(error(&[member("l", 1, link, 1, b"")]), "`l` can't have 0 bytes of content");
    let crc = archive(&[plain("a")]);
    assert_eq!(
        read(&[b"070702", &crc[6..]].concat()).unwrap_err().to_string(),
        "there is no newc header at byte 0"
    );
    let mut signs = crc.clone();
    signs[6] = b'+';
    assert_eq!(read(&signs).unwrap_err().to_string(), "there is no newc header at byte 0");
    let mut padding = archive(&[plain("abcd")]);
    padding[115] = 1;
    assert!(matches!(read(&padding), Err(CpioReadError::Trailing { .. })));
    let more = [archive(&[]), archive(&[])].concat();
    assert!(matches!(read(&more), Err(CpioReadError::Trailing { offset: 124 })));
}

#[test]
fn what_stands_behind_plain_archives_is_found() {
    let length = |bytes: &[u8]| plain_length(&mut &bytes[..]).unwrap();
    let first = archive(&[member(
        "kernel/x86/microcode/A.bin",
        1,
        u32::from(crate::stat::FileType::File.bits()) | 0o644,
        1,
        b"abc",
    )]);
    assert_eq!(first.len() % 4, 0);
    let with = |rest: &[u8]| [&first[..], rest].concat();
    assert_eq!(length(&with(b"\x28\xb5\x2f\xfd")), Some(first.len() as u64));
    assert_eq!(length(&with(b"\0\0\0\0\x28\xb5\x2f\xfd")), Some(first.len() as u64 + 4));
    assert_eq!(length(&with(&with(b"\x1f\x8b\x08\0"))), Some(2 * first.len() as u64));
    for nothing in
        [&first[..], &with(b"\0\0\0\0"), b"\0\0\0\0abcd", b"abcd", b"", b"0707", &first[..60], b"070701zzzz"]
    {
        assert_eq!(length(nothing), None, "{nothing:?}");
    }
}

#[test]
fn limits_hold() {
    let two = archive(&[member("a", 1, 0o100_644, 1, b"xyz"), member("b", 2, 0o100_644, 1, b"")]);
    let refuse = |limits| read_cpio(two.as_slice(), &MemoryBlobs::new(), &limits, Segments::One).unwrap_err();
    let entries = refuse(Limits { entries: 1, ..Limits::standard() });
    assert!(matches!(entries, CpioReadError::Limit { source: LimitError::Entries { limit: 1 }, .. }));
    let file = refuse(Limits { file_bytes: 2, ..Limits::standard() });
    assert!(matches!(file, CpioReadError::Limit { source: LimitError::FileBytes { size: 3, limit: 2 }, .. }));
    let total = refuse(Limits { total_bytes: 200, ..Limits::standard() });
    assert!(matches!(
        total,
        CpioReadError::Input { source: InputError::Limit(LimitError::TotalBytes { .. }), .. }
    ));
}

#[test]
fn segments_are_one_tree() {
    let blobs = MemoryBlobs::new();
    let (mut a, mut b) = (Tree::new(), Tree::new());
    put(&mut a, &blobs, "/usr/a", b"a");
    a.insert(path("/usr/b"), Entry::HardLink { target: path("/usr/a") }).unwrap();
    put(&mut b, &blobs, "/usr/c", b"c");
    for tree in [&mut a, &mut b] {
        tree.insert(path("/lib"), Entry::symlink("usr/lib")).unwrap();
    }
    b.insert(path("/usr/d"), Entry::HardLink { target: path("/usr/c") }).unwrap();
    let (first, second) = (write(&a, &blobs), write(&b, &blobs));
    let many = |parts: &[&[u8]]| {
        read_cpio(parts.concat().as_slice(), &blobs, &Limits::standard(), Segments::Many)
            .map_err(|e| e.to_string())
    };
    let tree = many(&[&first, &[0; 8], &second, &[0; 100]]).unwrap();
    assert_eq!(tree.get(&path("/usr/b")), Some(&Entry::HardLink { target: path("/usr/a") }));
    assert_eq!(tree.get(&path("/usr/d")), Some(&Entry::HardLink { target: path("/usr/c") }));
    assert_eq!(many(&[&first, &first]).unwrap_err(), "`usr/a` is there twice");
    assert_eq!(many(&[&first, &second, b"x"]).unwrap_err(), "can't read `TRAILER!!!`");
}

proptest! {
    #[test]
    fn any_tree_survives((mut tree, blobs) in any_tree(false)) {
        samples::change(&mut tree, "/", |meta| meta.uid = 5);
        let bytes = write(&tree, &blobs);
        prop_assert_eq!(Dump(&read(&bytes).unwrap()).to_string(), Dump(&tree).to_string());
    }

    #[test]
    fn damaged_archives_never_panic((tree, blobs) in any_tree(false), at in any::<usize>(), flip in 1_u8..) {
        let mut bytes = write(&tree, &blobs);
        let at = at % bytes.len();
        bytes[at] ^= flip;
        let _ = read(&bytes);
    }
}
