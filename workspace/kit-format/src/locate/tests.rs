use std::num::NonZeroU32;

use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Entry, Tree};
use proptest::prelude::*;

use super::*;
use crate::compression::zstd::ZstdOptions;
use crate::compression::{GzipStream, ZstdStream};
use crate::cpio::CpioStream;
use crate::samples::{MTIME, any_tree, lines, path, plain_tree, put, rich_tree};
use crate::tar::TarStream;

fn all(mut source: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    source.read_to_end(&mut bytes).unwrap();
    bytes
}

fn cpio(tree: &Tree, blobs: &MemoryBlobs) -> Vec<u8> {
    all(CpioStream::new(tree, blobs, MTIME).unwrap())
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let options = ZstdOptions { level: 3, workers: NonZeroU32::new(1).unwrap() };
    all(ZstdStream::new(bytes, bytes.len() as u64, options).unwrap())
}

fn at(bytes: &[u8], offset: usize) -> Option<Located> {
    locate(&|| Ok(Box::new(bytes)), offset as u64).unwrap()
}

/// Shows a place in a line.
fn line(bytes: &[u8], offset: usize) -> String {
    let found = at(bytes, offset).unwrap();
    let Extent { what, range, member, value, .. } = found.extent;
    let member = member.map(|member| format!(" of {member}")).unwrap_or_default();
    let value = value.map(|value| format!(" = {value}")).unwrap_or_default();
    format!("{}: {what}{member}{value} [{}]", found.format, range.end - range.start)
}

/// Where bytes begin in others.
fn find(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes.windows(wanted.len()).position(|window| window == wanted).unwrap()
}

/// Every byte is in exactly one piece, which says so for all of its bytes.
fn covered(bytes: &[u8]) {
    let mut offset = 0;
    while offset < bytes.len() {
        let found = at(bytes, offset).unwrap();
        let range = found.extent.range.clone();
        assert_eq!(range.start, offset as u64, "{found:?}");
        let last = usize::try_from(range.end).unwrap() - 1;
        assert_eq!(at(bytes, last).unwrap().extent, found.extent);
        offset = last + 1;
    }
    assert_eq!(at(bytes, bytes.len()), None);
    assert_eq!(at(bytes, usize::MAX), None);
}

#[test]
fn pieces_of_cpio_are_told() {
    let blobs = MemoryBlobs::new();
    let bytes = cpio(&plain_tree(&blobs), &blobs);
    covered(&bytes);
    let content = find(&bytes, b"Welcome.\n");
    let name = find(&bytes, b"etc/motd\0");
    assert_eq!(line(&bytes, content + 8), "cpio archive: content of /etc/motd [9]");
    assert_eq!(line(&bytes, content + 9), "cpio archive: padding behind the content of /etc/motd [3]");
    assert_eq!(line(&bytes, name), "cpio archive: name of /etc/motd = etc/motd [9]");
    assert_eq!(line(&bytes, name + 9), "cpio archive: padding behind the name of /etc/motd [1]");
    let header = name - 110;
    assert_eq!(line(&bytes, header), "cpio archive: header, field magic of /etc/motd = 070701 [6]");
    assert_eq!(line(&bytes, header + 14), "cpio archive: header, field mode of /etc/motd = 100644 [8]");
    assert_eq!(line(&bytes, header + 53), "cpio archive: header, field mtime of /etc/motd = 1700000000 [8]");
    let trailer = find(&bytes, b"TRAILER!!!");
    assert_eq!(line(&bytes, trailer), "cpio archive: name of the end of the archive = TRAILER!!! [11]");
}

#[test]
fn pieces_of_tar_are_told() {
    let blobs = MemoryBlobs::new();
    let bytes = all(TarStream::new(&rich_tree(&blobs), &blobs, MTIME).unwrap());
    covered(&bytes);
    let name = find(&bytes, b"etc/motd\0");
    assert_eq!(line(&bytes, name), "tar archive: header, field name of /etc/motd = etc/motd [100]");
    assert_eq!(line(&bytes, name + 136), "tar archive: header, field mtime of /etc/motd = 1700000000 [12]");
    assert_eq!(line(&bytes, name + 505), "tar archive: header of /etc/motd [12]");
    assert_eq!(line(&bytes, name + 512), "tar archive: content of /etc/motd [9]");
    assert_eq!(line(&bytes, name + 521), "tar archive: padding behind the content of /etc/motd [503]");
    let record = find(&bytes, b" SCHILY.xattr.user.note=");
    assert_eq!(
        line(&bytes, record),
        "tar archive: PAX records before the header, field `SCHILY.xattr.user.note` of /usr/bin/tool = two words [36]"
    );
    // The name that a record gives is that of all of the member.
    let long = find(&bytes, b"not to be split");
    assert_eq!(line(&bytes, long), format!("tar archive: content of /srv/{} [15]", "n".repeat(101)));
    assert_eq!(line(&bytes, bytes.len() - 1), "tar archive: end of the archive [1024]");
}

/// An initrd behind microcode: the first is told as it is, the second by its blocks.
#[test]
fn pieces_of_compressed_archives_are_told() {
    let blobs = MemoryBlobs::new();
    let mut first = Tree::new();
    put(&mut first, &blobs, "/kernel/x86/microcode/GenuineIntel.bin", b"new code");
    let mut tree = plain_tree(&blobs);
    put(&mut tree, &blobs, "/large", &lines(60_000));
    let plain = cpio(&tree, &blobs);
    let microcode = [cpio(&first, &blobs), vec![0; 8]].concat();
    let whole = [microcode.clone(), zstd(&plain)].concat();
    covered(&whole);
    assert_eq!(
        line(&whole, find(&whole, b"new code")),
        "cpio archive: content of /kernel/x86/microcode/GenuineIntel.bin [8]"
    );
    assert_eq!(line(&whole, microcode.len() - 1), "cpio archive: zeros between archives [8]");
    let size = format!("zstd stream: header of zstd frame 1, field Frame_Content_Size = {} [4]", plain.len());
    assert_eq!(line(&whole, microcode.len() + 5), size);
    assert!(line(&whole, whole.len() - 1).starts_with("zstd stream: checksum of zstd frame 1 = "));
    // The blocks stand for all unpacked bytes, one after the other.
    let (mut next, mut members) = (0, Vec::new());
    let mut offset = microcode.len();
    while offset < whole.len() {
        let found = at(&whole, offset).unwrap();
        if let Some(unpacked) = &found.unpacked
            && unpacked.range.end > next
        {
            assert_eq!(unpacked.range.start, next);
            assert_eq!(unpacked.format, "cpio archive");
            next = unpacked.range.end;
            members.push((unpacked.members.clone(), unpacked.more));
        }
        offset = usize::try_from(found.extent.range.end).unwrap();
    }
    assert_eq!(next, plain.len() as u64);
    assert!(members.len() > 3, "{members:?}");
    let has = |name: &str| members.iter().any(|(members, _)| members.contains(&path(name)));
    assert!(has("/bin") && has("/large"), "{members:?}");
    assert!(members[0].1 > 0, "{members:?}");
    // Counted in what it unpacks to, microcode counts as it is.
    let content = microcode.len() + find(&plain, b"Welcome.\n");
    let found = locate_unpacked(&|| Ok(Box::new(whole.as_slice())), content as u64).unwrap().unwrap();
    assert_eq!((found.extent.member, found.extent.is_content), (Some(path("/etc/motd")), true));
}

#[test]
fn pieces_of_gzip_are_told() {
    let blobs = MemoryBlobs::new();
    let plain = all(TarStream::new(&plain_tree(&blobs), &blobs, MTIME).unwrap());
    let one = all(GzipStream::new(plain.as_slice()));
    let bytes = [one.clone(), one.clone()].concat();
    assert_eq!(line(&bytes, 4), "gzip stream: header, field MTIME = 0 [4]");
    assert_eq!(line(&bytes, 9), "gzip stream: header, field OS = 255 [1]");
    let size = format!("gzip stream: trailer, field ISIZE = {} [4]", plain.len());
    assert_eq!(line(&bytes, one.len() - 1), size);
    assert_eq!(line(&bytes, bytes.len() - 1), size);
    assert_eq!(line(&bytes, one.len() + 3), "gzip stream: header, field FLG = 0 [1]");
    assert_eq!(at(&bytes, bytes.len()), None);
    let mut last = 0..0;
    for offset in 10..one.len() - 8 {
        let range = at(&bytes, offset).unwrap().unpacked.unwrap().range;
        assert_eq!(range.start, last.end, "{offset}");
        last = range;
    }
    assert_eq!(last.end, plain.len() as u64);
    let second = at(&bytes, one.len() + 10).unwrap().unpacked.unwrap();
    assert_eq!(second.range.start, plain.len() as u64);
    let first = at(&bytes, 100).unwrap().unpacked.unwrap();
    assert_eq!(first.format, "tar archive");
    assert!(!first.members.is_empty(), "{first:?}");
}

#[test]
fn files_of_layouts_in_archives_are_looked_into() {
    let blobs = MemoryBlobs::new();
    let mut inner = Tree::new();
    put(&mut inner, &blobs, "/etc/motd", b"Welcome.\n");
    let layer = all(TarStream::new(&inner, &blobs, MTIME).unwrap());
    let mut outer = Tree::new();
    outer.insert(path("/blobs"), Entry::directory()).unwrap();
    outer.insert(path("/blobs/sha256"), Entry::directory()).unwrap();
    put(&mut outer, &blobs, "/blobs/sha256/abc", &layer);
    put(&mut outer, &blobs, "/other", &layer);
    let bytes = all(TarStream::new(&outer, &blobs, MTIME).unwrap());
    let content = find(&bytes, b"Welcome.\n");
    let found = at(&bytes, content).unwrap();
    assert_eq!(found.extent.member, Some(path("/blobs/sha256/abc")));
    let inner = found.inner.unwrap();
    assert_eq!(inner.located.extent.member, Some(path("/etc/motd")));
    let second = content + 1 + find(&bytes[content + 1..], b"Welcome.\n");
    assert_eq!(at(&bytes, second).unwrap().inner, None);
}

#[test]
fn texts_and_other_files_are_told() {
    let cmdline = b"console=ttyS0 kit.pin=abc\n";
    covered(cmdline);
    assert_eq!(line(cmdline, 0), "text: word 1 = console=ttyS0 [13]");
    assert_eq!(line(cmdline, 13), "text: space between words [1]");
    assert_eq!(line(cmdline, 20), "text: word 2 = kit.pin=abc [11]");
    let text = b"one\ntwo\n";
    covered(text);
    assert_eq!(line(text, 4), "text: line 2 = two [4]");
    assert_eq!(line(b"\0\x01\x02", 1), "file: bytes of a format that isn't known here [3]");
    assert_eq!(at(b"", 0), None);
    let mut kernel = vec![0; 4096];
    kernel[0x1f1] = 1;
    kernel[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    kernel[0x202..0x206].copy_from_slice(b"HdrS");
    kernel[0x248] = 16;
    kernel[0x24c..0x24e].copy_from_slice(&512_u16.to_le_bytes());
    covered(&kernel[..0x1f1]);
    assert_eq!(line(&kernel, 0x1f1), "kernel: setup header, field setup_sects = 0x1 [1]");
    let mut other = vec![0; 4096];
    other[56..60].copy_from_slice(b"ARM\x64");
    other[16..18].copy_from_slice(&4096_u16.to_le_bytes());
    covered(&other);
    assert_eq!(line(&other, 20), "kernel: header, field image_size = 0x1000 [8]");
    assert_eq!(line(&other, 64), "kernel: the kernel [4032]");
    assert_eq!(line(&kernel, 0x24d), "kernel: setup header, field payload_length = 0x200 [4]");
    assert_eq!(line(&kernel, 1024 + 16), "kernel: payload: the compressed kernel [512]");
    assert_eq!(line(&kernel, 4095), "kernel: code and data behind the payload [2544]");
    assert_eq!(at(&kernel, 4096), None);
}

#[test]
fn damaged_files_are_told_as_such() {
    let blobs = MemoryBlobs::new();
    let plain = cpio(&plain_tree(&blobs), &blobs);
    let broken = [&plain[..], b"0707something else"].concat();
    assert_eq!(line(&broken, broken.len() - 1), "cpio archive: bytes that are no archive [18]");
    let mut packed = zstd(&plain);
    let length = packed.len();
    packed.truncate(length - 100);
    assert!(line(&packed, packed.len() - 1).contains("zstd frame 1, which is damaged"));
    let mut gzip = all(GzipStream::new(plain.as_slice()));
    gzip.truncate(gzip.len() - 100);
    let last = gzip.len() - 1;
    assert!(line(&gzip, last).contains("deflated data that is damaged"), "{}", line(&gzip, last));
}

/// However many streams a file has, reading them takes no more memory, and no more stack.
#[test]
fn many_streams_of_gzip_are_walked() {
    const STREAMS: usize = 20_000;
    let one = all(GzipStream::new(&b""[..]));
    let bytes = one.repeat(STREAMS);
    assert_eq!(line(&bytes, bytes.len() - 1), "gzip stream: trailer, field ISIZE = 0 [4]");
    let two = [one, all(GzipStream::new(&b"Welcome.\n"[..]))].concat();
    covered(&two);
}

#[test]
fn a_line_is_told_from_its_start_however_long_it_is() {
    let long = "word ".repeat(600_000).into_bytes();
    let last = long.len() - 1;
    for text in [&long[..], &[b"{", &long[1..]].concat()] {
        let found = at(text, last).unwrap().extent;
        assert_eq!((found.what.as_str(), found.range.clone()), ("line 1", 0..long.len() as u64));
        assert_eq!(at(text, 7).unwrap().extent, found);
        assert_eq!(at(text, last + 1), None);
    }
    let two = [&long[..], b"\nend\n"].concat();
    assert_eq!(line(&two, last + 1), line(&two, 0));
    assert_eq!(line(&two, last + 2), "text: line 2 = end [4]");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_byte_of_an_archive_is_somewhere((tree, blobs) in any_tree(true)) {
        covered(&all(TarStream::new(&tree, &blobs, MTIME).unwrap()));
    }

    #[test]
    fn no_bytes_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..2000),
        start in prop_oneof![
            Just(&b"070701"[..]), Just(&b"\x28\xb5\x2f\xfd"[..]), Just(&b"\x1f\x8b\x08"[..]), Just(&b""[..]),
        ],
        offset in 0_usize..2200,
    ) {
        let bytes = [start, &bytes].concat();
        let found = at(&bytes, offset);
        prop_assert_eq!(found.is_some(), offset < bytes.len(), "{:?}", found);
    }
}
