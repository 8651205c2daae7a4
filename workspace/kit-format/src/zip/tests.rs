//! Archives of other programs, and archives that lie.

use std::io::Cursor;

use kit_tree::blobs::MemoryBlobs;
use kit_tree::dump::Dump;
use kit_tree::{Blobs as _, Tree};
use proptest::prelude::*;

use super::{ZipError, is_zip, read_zip};
use crate::limits::{LimitError, Limits};

fn read(bytes: &[u8]) -> Result<Tree, ZipError> {
    read_zip(Cursor::new(bytes), &MemoryBlobs::new(), &Limits::standard())
}

/// A member as a hostile writer makes it.
#[derive(Clone)]
struct Member {
    name: Vec<u8>,
    content: Vec<u8>,
    host: u8,
    flags: u16,
    method: u16,
    mode: u32,
    crc: Option<u32>,
    size: Option<u32>,
    /// The name in its own header.
    own_name: Option<Vec<u8>>,
    offset: Option<u32>,
}

fn member(name: &str, content: &[u8]) -> Member {
    Member {
        name: name.as_bytes().to_vec(),
        content: content.to_vec(),
        host: 3,
        flags: 0,
        method: 0,
        mode: 0o100_644,
        crc: None,
        size: None,
        own_name: None,
        offset: None,
    }
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = flate2::bufread::DeflateEncoder::new(content, flate2::Compression::best());
    std::io::copy(&mut encoder, &mut bytes).unwrap();
    bytes
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn fields(member: &Member, stored: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(member.flags.to_le_bytes());
    bytes.extend(member.method.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(member.crc.unwrap_or_else(|| crc(&member.content)).to_le_bytes());
    bytes.extend(u32::try_from(stored.len()).unwrap().to_le_bytes());
    bytes.extend(member.size.unwrap_or_else(|| member.content.len().try_into().unwrap()).to_le_bytes());
    bytes
}

fn zip(members: &[Member]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let stored = if member.method == 8 { deflated(&member.content) } else { member.content.clone() };
        let offset = member.offset.unwrap_or_else(|| bytes.len().try_into().unwrap());
        let own_name = member.own_name.as_ref().unwrap_or(&member.name);
        bytes.extend(b"PK\x03\x04\x14\x00");
        bytes.extend(fields(member, &stored));
        bytes.extend(u16::try_from(own_name.len()).unwrap().to_le_bytes());
        bytes.extend([0; 2]);
        bytes.extend(own_name);
        bytes.extend(&stored);
        directory.extend(b"PK\x01\x02\x14");
        directory.push(member.host);
        directory.extend([20, 0]);
        directory.extend(fields(member, &stored));
        directory.extend(u16::try_from(member.name.len()).unwrap().to_le_bytes());
        directory.extend([0; 8]);
        directory.extend((member.mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(&member.name);
    }
    let start = u32::try_from(bytes.len()).unwrap();
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\x00\x00\x00\x00");
    let count = u16::try_from(members.len()).unwrap().to_le_bytes();
    bytes.extend(count.into_iter().chain(count));
    bytes.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Of Python's `zipfile`: a directory, a deflated program, a stored file, a symbolic link.
const PYTHON: &str = "\
    504b03041400000000000000215000000000000000000000000006000000612d312e302f504b030414000000080000002150\
    8f5d0e5e060000006400000009000000612d312e302f72756eaba8a03d0000504b030414000000000000002150146fc22805\
    000000050000000a000000612d312e302f6e6f74656e6f74650a504b03041400000000000000215014fabdcf040000000400\
    00000a000000612d312e302f6c696e6b6e6f7465504b01021403140000000000000021500000000000000000000000000600\
    00000000000000000000ed4100000000612d312e302f504b01021403140000000800000021508f5d0e5e0600000064000000\
    090000000000000000000000ed8124000000612d312e302f72756e504b0102140314000000000000002150146fc228050000\
    00050000000a0000000000000000000000a48151000000612d312e302f6e6f7465504b010214031400000000000000215014\
    fabdcf04000000040000000a0000000000000000000000ffa17e000000612d312e302f6c696e6b504b050600000000040004\
    00db000000aa0000000000";

/// Of Python's `zipfile`, into a pipe: sizes of 64 bits that follow the content.
const PYTHON_64: &str = "\
    504b03042d00080008000000215000000000ffffffffffffffff030014006269670100100000000000000000000000000000\
    0000004bca4ce70200504b07084504043d06000000000000000400000000000000504b01022d032d00080008000000215045\
    04043d0600000004000000030000000000000000000000800100000000626967504b05060000000001000100310000005300\
    00000000";

#[test]
fn reads_what_other_programs_write() {
    let blobs = MemoryBlobs::new();
    let bytes = hex(PYTHON);
    assert!(is_zip(&bytes));
    let tree = read_zip(Cursor::new(&bytes), &blobs, &Limits::standard()).unwrap();
    assert_eq!(
        Dump(&tree).to_string(),
        "/ dir 0755 0:0\n\
         /a-1.0 dir 0755 0:0\n\
         /a-1.0/link symlink 0777 0:0 -> note\n\
         /a-1.0/note file 0644 0:0 5 c854635302e91100999959d2e652f3952f6d8e8212a9f95ff5729e51f3d1094a\n\
         /a-1.0/run file 0755 0:0 100 2caf4e0114b6034350bf2947d79fca66685c2e1e7b9e057c9e171129c045a643\n"
    );
    let (_, kit_tree::Entry::File { blob, .. }) = tree.entries().nth(3).unwrap() else { panic!("a file") };
    let mut content = Vec::new();
    std::io::copy(&mut blobs.open(blob).unwrap(), &mut content).unwrap();
    assert_eq!(content, b"note\n");
    let big = read(&hex(PYTHON_64)).unwrap();
    let line = format!("/big file 0600 0:0 4 {}\n", kit_hash::BlobId::of(b"big\n"));
    assert_eq!(Dump(&big).to_string(), format!("/ dir 0755 0:0\n{line}"));
}

#[test]
fn reads_stored_deflated_and_nothing() {
    let tree = read(&zip(&[
        member("b/c", b"stored"),
        Member { method: 8, ..member("a", &b"deflated ".repeat(1000)) },
        Member { mode: 0o040_755, ..member("./", b"") },
        Member { host: 0, mode: 0, ..member("windows/", b"") },
    ]));
    let tree = tree.unwrap();
    let paths: Vec<_> = tree.entries().map(|(path, _)| path.to_string()).collect();
    assert_eq!(paths, ["/", "/a", "/b", "/b/c", "/windows"]);
    let empty = zip(&[]);
    assert!(is_zip(&empty));
    assert_eq!(read(&empty).unwrap(), Tree::new());
}

#[test]
fn refuses_what_lies() {
    let one = || member("a", b"content");
    let name = |name: &str| vec![member(name, b"x")];
    let table: Vec<(&str, Vec<Member>, &str)> = vec![
        ("up", name("../a"), "the name `../a` is refused"),
        ("absolute", name("/etc/passwd"), "the name `/etc/passwd` is refused"),
        ("inner up", name("a/../../b"), "the name `a/../../b` is refused"),
        ("no name", name(""), "the name `` is refused"),
        ("long", name(&"n".repeat(300)), "is refused"),
        ("backslash", vec![Member { host: 0, ..member("a\\b", b"x") }], "has backslashes"),
        ("twice", vec![one(), one()], "`a` is there twice"),
        ("below a file", vec![one(), member("a/b", b"x")], "lies below `/a`"),
        (
            "below a link",
            vec![Member { mode: 0o120_777, ..member("l", b"/etc") }, member("l/passwd", b"x")],
            "`/l/passwd` lies below `/l`",
        ),
        ("device", vec![Member { mode: 0o020_644, ..one() }], "`a` is neither file"),
        ("pipe", vec![Member { mode: 0o010_644, ..one() }], "`a` is neither file"),
        ("empty link", vec![Member { mode: 0o120_777, ..member("l", b"") }], "points to no path"),
        ("link with NUL", vec![Member { mode: 0o120_777, ..member("l", b"a\0b") }], "points to no path"),
        ("long link", vec![Member { mode: 0o120_777, ..member("l", &[b'x'; 5000]) }], "points to no path"),
        ("encrypted", vec![Member { flags: 1, ..one() }], "`a` is encrypted"),
        ("strongly encrypted", vec![Member { flags: 1 << 6 | 1, ..one() }], "`a` is encrypted"),
        ("method", vec![Member { method: 12, ..one() }], "by method 12"),
        ("checksum", vec![Member { crc: Some(1), ..one() }], "its checksum is another one"),
        ("longer", vec![Member { size: Some(3), ..one() }], "it is longer than it says"),
        ("shorter", vec![Member { size: Some(30), ..one() }], "it ends too early"),
        ("other name", vec![Member { own_name: Some(b"b".to_vec()), ..one() }], "it has another name"),
        ("no header", vec![Member { offset: Some(5), ..one() }], "there is none"),
        ("behind the end", vec![Member { offset: Some(1_000_000), ..one() }], "lies"),
        ("directory with content", vec![member("d/", b"x")], "is neither file"),
    ];
    for (what, members, expected) in table {
        let error = read(&zip(&members)).expect_err(what);
        assert!(error.to_string().contains(expected), "{what}: {error}");
    }
}

#[test]
fn refuses_members_that_share_bytes() {
    let big = vec![b'0'; 1000];
    // Both are the same bytes: a directory of thousands of such members is a bomb.
    let twin = |name: &str| Member { own_name: Some(b"a".to_vec()), offset: Some(0), ..member(name, &big) };
    let error = read(&zip(&[member("a", &big), Member { name: b"a".to_vec(), ..twin("b") }])).unwrap_err();
    assert!(matches!(error, ZipError::Overlap { .. }), "{error}");
    let mut bytes = zip(&[Member { method: 8, ..member("a", &big) }]);
    // A directory that says that the content goes on into it.
    let directory = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    bytes[directory + 20..directory + 24].copy_from_slice(&5000u32.to_le_bytes());
    assert!(matches!(read(&bytes).unwrap_err(), ZipError::Overlap { .. }));
}

#[test]
fn refuses_what_costs_too_much() {
    let limits =
        Limits { entries: 2, file_bytes: 1000, total_bytes: 1500, header_bytes: 200, ..Limits::standard() };
    let read = |members: &[Member]| match read_zip(Cursor::new(zip(members)), &MemoryBlobs::new(), &limits) {
        Err(ZipError::Limit { source, .. }) => source,
        other => panic!("{other:?}"),
    };
    let file = |name: &str, size: usize| member(name, &vec![0; size]);
    assert!(matches!(read(&[file("a", 1001)]), LimitError::FileBytes { .. }));
    assert!(matches!(read(&[file("a", 900), file("b", 900)]), LimitError::TotalBytes { .. }));
    assert!(matches!(read(&[file("a", 1), file("b", 1), file("c", 1)]), LimitError::Entries { .. }));
    assert!(matches!(read(&[file(&"n".repeat(200), 1)]), LimitError::HeaderBytes { .. }));
    // A directory that lies about sizes is caught while unpacking; one that tells the truth, before.
    let bomb = Member { method: 8, size: Some(1 << 30), ..member("a", &vec![0; 10_000]) };
    let error = read_zip(Cursor::new(zip(&[bomb])), &MemoryBlobs::new(), &Limits::standard()).unwrap_err();
    assert!(matches!(error, ZipError::Limit { source: LimitError::Ratio { limit: 250 }, .. }), "{error}");
}

#[test]
fn refuses_archives_that_are_cut_off_or_in_parts() {
    let bytes = zip(&[member("a", b"content")]);
    for length in 0..bytes.len() {
        assert!(read(&bytes[..length]).is_err(), "{length}");
    }
    let mut parts = bytes.clone();
    let end = parts.len() - 22;
    parts[end + 4] = 1;
    assert!(matches!(read(&parts).unwrap_err(), ZipError::Parts));
    let mut more = bytes.clone();
    (more[end + 8], more[end + 10]) = (2, 2);
    assert!(matches!(read(&more).unwrap_err(), ZipError::Directory { .. }));
    let commented = [&bytes[..bytes.len() - 2], &[3, 0], b"end"].concat();
    assert!(read(&commented).is_ok());
    assert!(matches!(read(b"PK\x03\x04 but no more").unwrap_err(), ZipError::NoDirectory));
}

proptest! {
    #[test]
    fn never_panics(noise in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&noise);
        let _ = read(&[b"PK\x05\x06".as_slice(), &noise].concat());
    }

    #[test]
    fn never_panics_on_damage(at in 0usize..10_000, byte: u8) {
        for sample in [hex(PYTHON), hex(PYTHON_64)] {
            let mut bytes = sample;
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = read(&bytes);
        }
    }
}
