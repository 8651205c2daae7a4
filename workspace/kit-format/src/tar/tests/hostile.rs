//! Archives that nobody makes by accident.

use super::*;
use crate::input::InputError;
use crate::tar::header::{self, HeaderBlock};
use crate::tar::pax::push_record;

/// Builds archives block by block, right or wrong.
#[derive(Default)]
struct Forge(Vec<u8>);

impl Forge {
    fn member(mut self, kind: u8, name: &str, link: &str, content: &[u8]) -> Self {
        let mut header = HeaderBlock::new(kind);
        header.set_text(header::NAME, name.as_bytes());
        header.set_text(header::LINK, link.as_bytes());
        header.set_number(header::MODE, 0o644);
        header.set_number(header::SIZE, content.len() as u64);
        self.0.extend_from_slice(&header.finish());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(BLOCK), 0);
        self
    }

    fn file(self, name: &str) -> Self {
        self.member(b'0', name, "", b"x")
    }

    fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let mut bytes = Vec::new();
        for (key, value) in records {
            push_record(&mut bytes, key.as_bytes(), value);
        }
        self.member(b'x', "pax", "", &bytes)
    }

    /// A header whose size field says what no content follows.
    fn claims(mut self, kind: u8, size: u64) -> Self {
        let mut header = HeaderBlock::new(kind);
        header.set_text(header::NAME, b"large");
        header.set_number(header::SIZE, size);
        self.0.extend_from_slice(&header.finish());
        self
    }

    fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 2 * BLOCK, 0);
        self.0
    }

    fn error(self) -> String {
        chain(&read(&self.end()).unwrap_err())
    }

    fn tree(self) -> String {
        Dump(&read(&self.end()).unwrap()).to_string()
    }
}

/// An error with all that is behind it.
fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(Some(error), |error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn archive() -> Forge {
    Forge::default()
}

#[test]
fn names_that_leave_the_tree_are_refused() {
    for (name, why) in [
        ("../x", "a path inside a tree has no `.` or `..`"),
        ("a/../../x", "a path inside a tree has no `.` or `..`"),
        ("a/..", "a path inside a tree has no `.` or `..`"),
        ("/etc/passwd", "a path inside an image starts with `/`"),
        ("", "a name in the path is empty"),
        (".", "a path inside a tree has no `.` or `..`"),
    ] {
        assert!(
            archive().file(name).error().starts_with(&format!("the name `{name}` is refused: ")),
            "{name} {why}"
        );
    }
    let long = archive().pax(&[("path", "n".repeat(300).as_bytes())]).file("short");
    assert!(long.error().ends_with("a name has 300 bytes, more than 255"));
}

#[test]
fn nothing_goes_through_a_link_or_a_file() {
    let through_link = archive().member(b'2', "a", "/etc", b"").file("a/passwd");
    assert_eq!(through_link.error(), "`/a/passwd` lies below `/a`, which is not a directory");
    let the_other_way = archive().file("a/passwd").member(b'2', "a", "/etc", b"");
    assert_eq!(the_other_way.error(), "`/a/passwd` lies below `/a`, which is not a directory");
    let through_file = archive().file("a").file("a/b/c");
    assert_eq!(through_file.error(), "`/a/b` lies below `/a`, which is not a directory");
    let as_directory = archive().member(b'2', "a", "/etc", b"").member(b'5', "a", "", b"");
    assert_eq!(as_directory.error(), "`a` is there twice");
}

#[test]
fn hard_links_only_name_earlier_files() {
    for target in ["../../etc/shadow", "/etc/shadow", "missing", "directory", ""] {
        let link = archive().member(b'5', "directory", "", b"").member(b'1', "link", target, b"");
        let expected = format!("the hard link `link` names `{target}`, which is no file that came before it");
        assert_eq!(link.error(), expected);
    }
    let later = archive().member(b'1', "link", "later", b"").file("later");
    assert!(later.error().starts_with("the hard link `link` names `later`"));
    let with_content = archive().file("a").member(b'1', "b", "a", b"content");
    assert_eq!(with_content.error(), "`b` is no file, but has content");
    let symlink = archive().member(b'2', "a", "x", b"").member(b'1', "b", "a", b"");
    assert!(symlink.tree().contains("/b symlink 0777 0:0 -> x"));
}

#[test]
fn duplicates_are_refused_or_the_last_counts() {
    assert_eq!(archive().file("a").file("./a").error(), "`./a` is there twice");
    let equal = archive().member(b'5', "d/", "", b"").member(b'5', "./d", "", b"");
    assert!(equal.tree().contains("/d dir 0644"));
    let last = TarOptions { duplicates: Duplicates::LastWins, ..TarOptions::own() };
    let twice = archive().file("d/x").member(b'1', "e", "d/x", b"").file("d/x").member(b'2', "d", "y", b"");
    let tree = read_tar(twice.end().as_slice(), &MemoryBlobs::new(), &Limits::standard(), last).unwrap();
    let dump = Dump(&tree).to_string();
    assert!(dump.contains("/d symlink 0777 0:0 -> y\n/e file 0644"), "{dump}");
}

#[test]
fn what_is_not_understood_is_refused() {
    for (kind, expected) in [
        (b'S', "`m` is a sparse file, which is refused"),
        (b'V', "`m` has the type `V`, which is refused"),
        (b'M', "`m` has the type `M`, which is refused"),
        (b'D', "`m` has the type `D`, which is refused"),
        (b'Z', "`m` has the type `Z`, which is refused"),
    ] {
        assert_eq!(archive().member(kind, "m", "", b"").error(), expected);
    }
    assert_eq!(
        archive().pax(&[("GNU.sparse.major", b"1")]).file("m").error(),
        "`m` is a sparse file, which is refused"
    );
    for key in [
        "SCHILY.acl.access",
        "RHT.security.selinux",
        "unheard.of",
        "SCHILY.xattr.",
        "LIBARCHIVE.xattr.user.a",
    ] {
        let expected = format!("`m` has the attribute `{key}`, which can't be kept");
        assert_eq!(archive().pax(&[(key, b"x")]).file("m").error(), expected);
    }
    let both =
        archive().pax(&[("SCHILY.xattr.user.a", b"\0\n="), ("LIBARCHIVE.xattr.user.a", b"AAo9")]).file("m");
    assert!(both.tree().contains("xattr user.a=\\x00\\x0a="));
    let on_link = archive().pax(&[("SCHILY.xattr.user.a", b"x")]).member(b'2', "m", "t", b"");
    assert_eq!(on_link.error(), "`m` has the attribute `user.a`, which can't be kept");
    let options = TarOptions::package();
    let device = archive().member(b'3', "null", "", b"").end();
    let error = read_tar(device.as_slice(), &MemoryBlobs::new(), &Limits::standard(), options).unwrap_err();
    assert_eq!(error.to_string(), "`null` is a device node, which is refused here");
}

#[test]
fn extended_headers_cannot_confuse() {
    let damaged = "the extended header before `m` is damaged: ";
    for (bytes, problem) in [
        (&b"11 path=x\n"[..], "a record has a wrong length"),
        (b"8 path=x\n", "a record has a wrong length"),
        (b"path=x\n", "a record has a wrong length"),
        (b"99999999999999999999 path=x\n", "a record has a wrong length"),
        (b"0 path=x\n", "a record has a wrong length"),
        (b"10 path=\0\n", "a name is empty or has a NUL byte"),
        (b"10 size=-\n", "a number is none"),
        (b"10 uid=+1\n", "a number is none"),
        (b"10 path=a\n10 path=b\n", "a key is there twice"),
    ] {
        let error = archive().member(b'x', "pax", "", bytes).file("m").error();
        assert_eq!(error, format!("{damaged}{problem}"), "{}", String::from_utf8_lossy(bytes));
    }
    let twice = archive().pax(&[("path", b"a")]).pax(&[("path", b"b")]).file("m");
    assert!(twice.error().ends_with("there are two of them"));
    let both = archive().pax(&[("path", b"a")]).member(b'L', "long", "", b"b\0").file("m");
    assert!(both.error().ends_with("a long name is there in both forms"));
    let dangling = archive().pax(&[("path", b"a")]);
    assert!(dangling.error().ends_with("no member follows it"));
    // the size record belongs to the member, not to a header between
    let mut between = Vec::new();
    push_record(&mut between, b"comment", b"harmless");
    let global = archive().pax(&[("size", b"1")]).member(b'g', "g", "", &between).file("m");
    assert!(global.tree().contains("/m file 0644 0:0 1 "));
    let mut global = Vec::new();
    push_record(&mut global, b"path", b"elsewhere");
    assert!(
        archive()
            .member(b'g', "g", "", &global)
            .file("m")
            .error()
            .ends_with("a global header changes members")
    );
}

#[test]
fn numbers_and_checksums_are_checked() {
    let forged = |at: usize, bytes: &[u8]| {
        let mut block = archive().file("m").0;
        block[at..at + bytes.len()].copy_from_slice(bytes);
        let sum: u32 =
            (0..BLOCK).map(|i| if (148..156).contains(&i) { 32 } else { u32::from(block[i]) }).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        chain(&read(&Forge(block).end()).unwrap_err())
    };
    assert_eq!(
        forged(header::SIZE.start, b"00000000009\0"),
        "the size of `/` is no number that can be kept".replace('/', "m")
    );
    assert_eq!(forged(header::UID.start, b"x"), "the owner of `m` is no number that can be kept");
    assert_eq!(forged(header::UID.start, &[0xff; 8]), "the owner of `m` is no number that can be kept");
    assert_eq!(
        forged(header::MODE.start, &[0x80, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff]),
        "the mode of `m` is no number that can be kept"
    );
    assert!(forged(header::SIZE.start, &[0xff; 12]).starts_with("the size of `m`"));
    let mut block = archive().file("m").end();
    block[0] = b'n';
    assert_eq!(chain(&read(&block).unwrap_err()), "there is no tar header at byte 0");
}

#[test]
fn limits_hold() {
    let limits = Limits::standard();
    let error = |limits: &Limits, bytes: &[u8]| {
        read_tar(bytes, &MemoryBlobs::new(), limits, TarOptions::own()).unwrap_err()
    };
    // 10 GiB claimed: refused before a byte of it is read
    let large = archive().pax(&[("size", b"10737418240")]).claims(b'0', 0);
    assert!(matches!(
        error(&limits, &large.0),
        TarReadError::Limit { source: LimitError::FileBytes { size: 10_737_418_240, .. }, .. }
    ));
    let header = archive().claims(b'x', 1 << 32).0;
    assert!(matches!(
        error(&limits, &header),
        TarReadError::Limit { source: LimitError::HeaderBytes { .. }, .. }
    ));
    let header = archive().claims(b'L', 1 << 32).0;
    assert!(matches!(
        error(&limits, &header),
        TarReadError::Limit { source: LimitError::HeaderBytes { .. }, .. }
    ));
    let xattr = archive().pax(&[("SCHILY.xattr.user.a", &vec![0; 200_000])]).file("m").end();
    assert!(matches!(
        error(&limits, &xattr),
        TarReadError::Limit { source: LimitError::XattrBytes { .. }, .. }
    ));
    let three = archive().file("a").file("b").file("c").end();
    let two = Limits { entries: 2, ..limits.clone() };
    assert!(
        matches!(error(&two, &three), TarReadError::Limit { member, source: LimitError::Entries { limit: 2 } } if member == "b")
    );
    let short = Limits { total_bytes: 2000, ..limits };
    let source = error(&short, &three);
    assert!(matches!(
        source,
        TarReadError::Input { source: InputError::Limit(LimitError::TotalBytes { limit: 2000 }), .. }
    ));
}

#[test]
fn a_million_entries_are_refused_without_reading_them() {
    // an endless archive: the reader makes members for as long as it is asked
    struct Endless(u64, Vec<u8>);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.1.is_empty() {
                self.0 += 1;
                self.1 = archive().member(b'5', &format!("d{}", self.0), "", b"").0;
            }
            let count = self.1.as_slice().read(buffer)?;
            self.1.drain(..count);
            Ok(count)
        }
    }
    let limits = Limits { entries: 20_000, ..Limits::standard() };
    let error =
        read_tar(Endless(0, Vec::new()), &MemoryBlobs::new(), &limits, TarOptions::own()).unwrap_err();
    assert!(matches!(error, TarReadError::Limit { source: LimitError::Entries { limit: 20_000 }, .. }));
}

#[test]
fn the_end_is_two_blocks_and_then_nothing() {
    let bytes = archive().file("m").end();
    for end in 0..bytes.len() {
        let error = read(&bytes[..end]).unwrap_err();
        assert!(
            matches!(error, TarReadError::Input { source: InputError::Truncated { .. }, .. }),
            "{end}: {error}"
        );
    }
    let padded = [bytes.as_slice(), &[0; 9000]].concat();
    assert!(read(&padded).is_ok());
    let trailing = [bytes.as_slice(), &[0; 600], b"x"].concat();
    assert!(
        matches!(read(&trailing), Err(TarReadError::Trailing { offset }) if offset == bytes.len() as u64 + 600)
    );
    let mut second = bytes.clone();
    let at = second.len() - 1;
    second[at] = 1;
    assert!(matches!(read(&second), Err(TarReadError::Trailing { .. })));
}

#[test]
fn old_forms_are_read() {
    let mut v7 = archive().file("file").member(0, "old/", "", b"").0;
    for block in [0, 2] {
        v7[block * BLOCK + 257..block * BLOCK + 265].fill(0);
        v7[block * BLOCK + 148..block * BLOCK + 156].fill(b' ');
        let sum: u32 = v7[block * BLOCK..(block + 1) * BLOCK].iter().map(|b| u32::from(*b)).sum();
        v7[block * BLOCK + 148..block * BLOCK + 156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    let tree = Dump(&read(&Forge(v7).end()).unwrap()).to_string();
    assert!(tree.contains("/file file 0644") && tree.contains("/old dir 0644"), "{tree}");
}
