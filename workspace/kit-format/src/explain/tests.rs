use std::io::Write as _;

use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, GzBuilder};
use proptest::collection::vec;
use proptest::prelude::{any, proptest};

use super::{Explanation, Likely, explain};

mod formats;

/// What is said of two files, one line each, and what the first one probably comes from.
fn said(before: &[u8], after: &[u8]) -> (Vec<String>, Option<Likely>) {
    let found = explain(before, after);
    (found.iter().map(Explanation::to_string).collect(), found.first().and_then(|first| first.likely))
}

fn gzip(content: &[u8], mtime: u32, level: u32) -> Vec<u8> {
    let mut encoder: GzEncoder<_> = GzBuilder::new().mtime(mtime).write(Vec::new(), Compression::new(level));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn ar(members: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, mtime, data) in members {
        let header =
            format!("{:<16}{mtime:<12}{:<6}{:<6}{:<8}{:<10}`\n", format!("{name}/"), 0, 0, 644, data.len());
        bytes.extend(header.as_bytes());
        bytes.extend(*data);
        if data.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}

fn tar(members: &[(&str, u64, u64, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, mtime, uid, data) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(*mtime);
        header.set_uid(*uid);
        header.set_gid(0);
        builder.append_data(&mut header, name, *data).unwrap();
    }
    builder.into_inner().unwrap()
}

fn cpio(members: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, ino, data) in members.iter().chain(&[("TRAILER!!!", 0, b"".as_slice())]) {
        let numbers = [*ino, 0o100_644, 0, 0, 1, 0, u32::try_from(data.len()).unwrap(), 0, 0, 0, 0];
        let name_size = u32::try_from(name.len() + 1).unwrap();
        bytes.extend(b"070701");
        for number in numbers.into_iter().chain([name_size, 0]) {
            bytes.extend(format!("{number:08x}").as_bytes());
        }
        bytes.extend(name.as_bytes());
        bytes.push(0);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(*data);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

fn zip(name: &str, time: u16, data: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(data).unwrap();
    let packed = encoder.finish().unwrap();
    let little = |number: usize, length: usize| number.to_le_bytes()[..length].to_vec();
    let common = [
        little(20, 2),
        little(0, 2),
        little(8, 2),
        time.to_le_bytes().to_vec(),
        little(0x5b79, 2),
        little(0, 4),
        little(packed.len(), 4),
        little(data.len(), 4),
        little(name.len(), 2),
        little(0, 2),
    ]
    .concat();
    let local = [b"PK\x03\x04".to_vec(), common.clone(), name.as_bytes().to_vec(), packed].concat();
    let entry = [b"PK\x01\x02\x1e\x03".to_vec(), common, vec![0; 14], name.as_bytes().to_vec()].concat();
    let end = [
        b"PK\x05\x06".to_vec(),
        vec![0; 4],
        little(1, 2),
        little(1, 2),
        little(entry.len(), 4),
        little(local.len(), 4),
        vec![0; 2],
    ];
    [local, entry, end.concat()].concat()
}

/// A program with these sections.
fn elf(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(64, 0);
    let mut names = vec![0];
    let mut headers = vec![[0_u8; 64]];
    let mut add = |bytes: &mut Vec<u8>, names: &mut Vec<u8>, name: &str, data: Option<&[u8]>| {
        let mut header = [0; 64];
        header[..4].copy_from_slice(&u32::try_from(names.len()).unwrap().to_le_bytes());
        header[4] = 1;
        names.extend(name.as_bytes());
        names.push(0);
        let data = data.map_or_else(|| names.clone(), <[u8]>::to_vec);
        header[24..32].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
        header[32..40].copy_from_slice(&(data.len() as u64).to_le_bytes());
        bytes.extend(data);
        headers.push(header);
    };
    for (name, data) in sections {
        add(&mut bytes, &mut names, name, Some(data));
    }
    add(&mut bytes, &mut names, ".shstrtab", None);
    let table = bytes.len() as u64;
    bytes[40..48].copy_from_slice(&table.to_le_bytes());
    bytes[58..60].copy_from_slice(&64_u16.to_le_bytes());
    bytes[60..62].copy_from_slice(&u16::try_from(headers.len()).unwrap().to_le_bytes());
    bytes[62..64].copy_from_slice(&u16::try_from(headers.len() - 1).unwrap().to_le_bytes());
    bytes.extend(headers.concat());
    bytes
}

#[test]
fn the_same_is_nothing() {
    assert_eq!(said(b"a", b"a").0, Vec::<String>::new());
}

#[test]
fn fields_of_a_format_have_its_names() {
    let cases = [
        (gzip(b"a", 1, 6), gzip(b"a", 2, 6), "gzip MTIME: 1 is now 2", Likely::Time),
        (ar(&[("a.o", 1, b"x")]), ar(&[("a.o", 2, b"x")]), "a.o: ar mtime: 1 is now 2", Likely::Time),
        (tar(&[("f", 8, 0, b"x")]), tar(&[("f", 9, 0, b"x")]), "f: tar mtime: 8 is now 9", Likely::Time),
        (
            tar(&[("f", 8, 0, b"x")]),
            tar(&[("f", 8, 7, b"x")]),
            "f: tar uid: 0000000 is now 0000007",
            Likely::User,
        ),
        (cpio(&[("f", 1, b"x")]), cpio(&[("f", 2, b"x")]), "f: cpio c_ino: 1 is now 2", Likely::FileSystem),
        (
            zip("f", 0x6000, b"x"),
            zip("f", 0x6001, b"x"),
            "f: zip time: 2025-11-25 12:00:00 is now 2025-11-25 12:00:02",
            Likely::Time,
        ),
    ];
    for (before, after, expected, likely) in cases {
        assert_eq!(said(&before, &after), (vec![expected.to_owned()], Some(likely)));
    }
}

#[test]
fn files_in_files_are_looked_into() {
    let nested = |mtime: u32| gzip(&tar(&[("lib/a.a", 0, 0, &ar(&[("a.o", mtime, b"x")]))]), 0, 6);
    let expected = "gzip content: lib/a.a: a.o: ar mtime: 1 is now 2";
    assert_eq!(said(&nested(1), &nested(2)).0, [expected]);
}

#[test]
fn the_same_compressed_in_another_way_is_told() {
    let content: Vec<u8> = (0..20_000_u32).flat_map(|n| (n * n).to_string().into_bytes()).collect();
    let (said, _) = said(&gzip(&content, 0, 1), &gzip(&content, 0, 9));
    assert!(said.iter().all(|line| line.starts_with("gzip XFL") || line.contains("compression")), "{said:?}");
    assert!(!said.is_empty());
}

#[test]
fn order_is_told_apart_from_content() {
    let order = said(b"b\na\nc\n", b"a\nb\nc\n");
    assert_eq!(order.0, ["the same lines in another order: `a` stands where `b` was"]);
    assert_eq!(order.1, Some(Likely::Order));
    let (x, y) = (("x", 0, 0, b"1".as_slice()), ("y", 0, 0, b"2".as_slice()));
    let order = said(&tar(&[x, y]), &tar(&[y, x]));
    assert_eq!(order.0, ["the same members in another order: `y` stands where `x` was"]);
}

#[test]
fn members_of_one_alone_are_named() {
    let (x, y) = (("x", 0, 0, b"1".as_slice()), ("y", 0, 0, b"2".as_slice()));
    assert_eq!(said(&tar(&[x]), &tar(&[x, y])).0, ["`y` wasn't there"]);
    assert_eq!(said(&tar(&[x, y]), &tar(&[y])).0, ["`x` isn't there any more"]);
}

#[test]
fn lines_are_shown_and_times_and_paths_are_known() {
    let cases: [(&str, &str, Option<Likely>); 6] = [
        ("on 2026-11-25", "on 2026-11-26", Some(Likely::Time)),
        ("Nov 25 2026", "Dec  1 2026", Some(Likely::Time)),
        ("at 1764000000", "at 1764000001", Some(Likely::Time)),
        ("in /build/a.c", "in /elsewhere/a.c", Some(Likely::Path)),
        ("in /tmp/tmp.a", "in /tmp/tmp.b", Some(Likely::Chance)),
        ("seed 17", "seed 18", None),
    ];
    for (before, after, likely) in cases {
        let expected = format!("line 2: `{before}` is now `{after}`");
        let text = |line: &str| format!("first\n{line}\nlast\n").into_bytes();
        assert_eq!(said(&text(before), &text(after)), (vec![expected], likely));
    }
}

#[test]
fn sections_of_programs_are_named() {
    let program = |time: &str, id: u8| {
        elf(&[(".rodata", format!("\0built {time}\0").as_bytes()), (".note.gnu.build-id", &[id; 20])])
    };
    let found = explain(&program("12:00:01", 1), &program("12:00:02", 2));
    let said: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            ".rodata: from byte 14 on: `built 12:00:01` is now `built 12:00:02`",
            "ELF .note.gnu.build-id: 01010101 is now 02020202",
        ]
    );
    let likely: Vec<_> = found.iter().map(|explanation| explanation.likely).collect();
    assert_eq!(likely, [Some(Likely::Time), Some(Likely::Content)]);
}

proptest! {
    #[test]
    fn anything_can_be_compared(
        start in 0_usize..16,
        before in vec(any::<u8>(), 0..300),
        after in vec(any::<u8>(), 0..300),
    ) {
        let iso = [vec![0; 32768], b"\x01CD001".to_vec()].concat();
        let kernel = formats::kernel("", b"");
        let disk = formats::disk(1, 1, b"");
        let starts: [&[u8]; 16] = [
            b"", b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"!<arch>\n", b"070701", b"PK\x05\x06",
            b"\x7fELF\x02\x01", b"MZ", b"SQLite format 3\0", b"hsqs", &iso, &kernel, &disk, b"{\"a\":", b"[",
        ];
        let with = |bytes: &[u8]| [starts[start], bytes].concat();
        assert_eq!(explain(&with(&before), &with(&after)).is_empty(), before == after);
    }

    #[test]
    fn a_changed_byte_is_found(at in 0_usize..1000, value in any::<u8>()) {
        for sample in [
            gzip(b"content", 1, 6),
            ar(&[("a.o", 1, b"x"), ("b.o", 1, b"yz")]),
            tar(&[("f", 8, 0, b"x")]),
            cpio(&[("f", 1, b"x")]),
            zip("f", 0x6000, b"x"),
            elf(&[(".text", b"code"), (".data", b"data")]),
            formats::disk(1, 2, b"x"),
            formats::kernel("6.1", &gzip(b"content", 1, 6)),
            br#"{"a":[1,2],"b":"c"}"#.to_vec(),
        ] {
            let mut other = sample.clone();
            let at = at % sample.len();
            other[at] = value;
            assert_eq!(explain(&sample, &other).is_empty(), sample == other);
        }
    }
}
