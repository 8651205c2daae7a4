//! JSON, image layouts, kernels, disks and their file systems.

use std::collections::BTreeMap;

use super::super::parsed::parse;
use super::super::{Excerpt, explain_files};
use super::{Likely, elf, explain, gzip, said, tar};

/// Bytes with others put over them.
fn with(mut bytes: Vec<u8>, at: usize, over: &[u8]) -> Vec<u8> {
    bytes.resize(bytes.len().max(at + over.len()), 0);
    bytes[at..at + over.len()].copy_from_slice(over);
    bytes
}

#[test]
fn json_is_told_by_path() {
    let cases = [
        (r#"{"a":{"b c":[1,2]}}"#, r#"{"a":{"b c":[1,3]}}"#, r#"JSON $.a["b c"][1]: 2 is now 3"#),
        (
            r#"{"a":1,"b":2}"#,
            r#"{"b":2,"a":1}"#,
            "the same keys of `$` in another order: `b` stands where `a` was",
        ),
        (
            r#"[["x","y"]]"#,
            r#"[["y","x"]]"#,
            r#"the same items of `$[0]` in another order: `"y"` stands where `"x"` was"#,
        ),
        (r#"{"a":1}"#, r#"{"a":1,"b":{}}"#, "`JSON $.b` wasn't there"),
        ("[1,2,3]", "[1,2]", "`JSON $[2]` isn't there any more"),
        (r#"{"a":null}"#, r#"{"a":{"b":1}}"#, "JSON $.a: null is now {1 keys}"),
        ("[1,2]", "[1, 2]", "line 1: `[1,2]` is now `[1, 2]`"),
    ];
    for (before, after, expected) in cases {
        assert_eq!(said(before.as_bytes(), after.as_bytes()).0, [expected]);
    }
    let created = |time: &str| format!(r#"{{"created":"{time}"}}"#).into_bytes();
    let (_, likely) = said(&created("2026-01-01T00:00:00Z"), &created("2026-01-02T00:00:00Z"));
    assert_eq!(likely, Some(Likely::Time));
}

/// A layout of one image with one layer.
fn layout(created: &str, mtime: u64) -> BTreeMap<String, Vec<u8>> {
    let digest = |name: &str| format!("sha256:{name}{mtime}{}", created.len());
    let blob = |name: &str| format!("blobs/sha256/{name}{mtime}{}", created.len());
    let manifest =
        format!(r#"{{"config":{{"digest":"{}"}},"layers":[{{"digest":"{}"}}]}}"#, digest("c"), digest("l"));
    let index = format!(
        r#"{{"manifests":[{{"annotations":{{"org.opencontainers.image.ref.name":"demo"}},"digest":"{}"}}]}}"#,
        digest("m")
    );
    BTreeMap::from([
        ("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
        ("index.json".to_owned(), index.into_bytes()),
        (blob("m"), manifest.into_bytes()),
        (blob("c"), format!(r#"{{"created":"{created}"}}"#).into_bytes()),
        (blob("l"), gzip(&tar(&[("etc/f", mtime, 0, b"x")]), 0, 6)),
    ])
}

#[test]
fn images_in_layouts_are_told_by_layer_and_configuration() {
    let expected = [
        "demo layer 1: gzip content: etc/f: tar mtime: 8 is now 9",
        "demo config: JSON $.created: \"2026-01-01\" is now \"2026-01-02 \"",
        "demo manifest: JSON $.config.digest: \"sha256:c810\" is now \"sha256:c911\"",
        "demo manifest: JSON $.layers[0].digest: \"sha256:l810\" is now \"sha256:l911\"",
        "index.json: JSON $.manifests[0].digest: \"sha256:m810\" is now \"sha256:m911\"",
    ];
    let (before, after) = (layout("2026-01-01", 8), layout("2026-01-02 ", 9));
    let found = explain_files(&before, &after);
    let lines: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(lines, expected);
    let likely: Vec<_> = found.iter().filter_map(|one| one.likely).collect();
    assert_eq!(likely, [Likely::Time, Likely::Time, Likely::Content, Likely::Content, Likely::Content]);
    // What no image names is a difference, too.
    let mut more = before.clone();
    more.insert("blobs/sha256/more".to_owned(), Vec::new());
    let lines: Vec<_> = explain_files(&before, &more).iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["`blobs/sha256/more` wasn't there"]);
    // The same in an archive.
    let archive = |files: &BTreeMap<String, Vec<u8>>| {
        let members: Vec<_> =
            files.iter().map(|(path, data)| (path.as_str(), 0, 0, data.as_slice())).collect();
        tar(&members)
    };
    assert_eq!(said(&archive(&before), &archive(&after)).0, expected);
    // And in one for Docker, with what it alone is told.
    let named = |tag: &str| {
        let mut files = before.clone();
        files.insert("manifest.json".to_owned(), format!(r#"[{{"RepoTags":["{tag}"]}}]"#).into_bytes());
        archive(&files)
    };
    let lines = said(&named("demo:1"), &named("demo:2")).0;
    assert_eq!(lines, ["manifest.json: JSON $[0].RepoTags[0]: \"demo:1\" is now \"demo:2\""]);
}

#[test]
fn directories_are_told_by_file() {
    let files = |text: &str| BTreeMap::from([("a".to_owned(), text.as_bytes().to_vec())]);
    let said: Vec<_> = explain_files(&files("x"), &files("y")).iter().map(ToString::to_string).collect();
    assert_eq!(said, ["a: line 1: `x` is now `y`"]);
    let said: Vec<_> = explain_files(&files("x"), &BTreeMap::new()).iter().map(ToString::to_string).collect();
    assert_eq!(said, ["`a` isn't there any more"]);
}

/// A disk with one partition of one sector.
pub(super) fn disk(guid: u8, partition: u8, content: &[u8]) -> Vec<u8> {
    let disk = with(vec![0; 512 * 40], 510, &[0x55, 0xaa]);
    let disk = with(disk, 512, b"EFI PART");
    let disk = with(disk, 512 + 32, &39_u64.to_le_bytes());
    let disk = with(disk, 512 + 56, &[guid; 16]);
    let disk = with(disk, 512 + 72, &2_u64.to_le_bytes());
    let disk = with(disk, 512 + 80, &[4, 0, 0, 0, 128, 0, 0, 0]);
    let disk = with(disk, 1024, &[7; 16]);
    let disk = with(disk, 1024 + 16, &[partition; 16]);
    let disk = with(disk, 1024 + 32, &[34_u64.to_le_bytes(), 34_u64.to_le_bytes()].concat());
    let disk = with(disk, 1024 + 56, &[b'r', 0, b'o', 0]);
    with(disk, 512 * 34, content)
}

#[test]
fn disks_are_told_by_guid_and_partition() {
    let (lines, likely) = said(&disk(1, 1, b"a\0"), &disk(2, 3, b"b\0"));
    assert_eq!(
        lines,
        [
            "GPT disk GUID: 01010101-0101-0101-0101-010101010101 is now 02020202-0202-0202-0202-020202020202",
            "GPT partition 1 GUID: 01010101-0101-0101-0101-010101010101 is now 03030303-0303-0303-0303-030303030303",
            "partition 1: from byte 0 on: 61000000000000000000000000000000 is now 62000000000000000000000000000000",
        ]
    );
    assert_eq!(likely, Some(Likely::Chance));
    let mbr = |signature: u8| {
        let disk = with(vec![0; 1024], 510, &[0x55, 0xaa]);
        let disk = with(disk, 440, &[signature; 4]);
        with(disk, 446, &[0x80, 0, 0, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0])
    };
    assert_eq!(said(&mbr(1), &mbr(2)).0, ["MBR disk signature: 0x01010101 is now 0x02020202"]);
}

#[test]
fn file_systems_are_told_by_their_superblock() {
    let squashfs = |time: u32| with(with(vec![0; 200], 0, b"hsqs"), 8, &time.to_le_bytes());
    let (lines, likely) = said(&squashfs(5), &squashfs(6));
    assert_eq!((lines, likely), (vec!["squashfs mkfs time: 5 is now 6".to_owned()], Some(Likely::Time)));
    let iso = |date: &str| {
        let disc = with(vec![0; 40960], 32768, b"\x01CD001\x01");
        with(disc, 32768 + 813, date.as_bytes())
    };
    let (lines, likely) = said(&iso("2026010112000000"), &iso("2026010112000100"));
    let expected = "ISO 9660 volume creation date: `2026010112000000` is now `2026010112000100`";
    assert_eq!((lines, likely), (vec![expected.to_owned()], Some(Likely::Time)));
}

/// A kernel with a payload.
pub(super) fn kernel(version: &str, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap();
    let image = with(vec![0; 1024], 0, b"MZ");
    let image = with(image, 0x1f1, &[1]);
    let image = with(image, 0x1fe, b"\x55\xaaxxHdrS");
    let image = with(image, 0x20e, &0x100_u16.to_le_bytes());
    let image = with(image, 0x248, &[16_u32.to_le_bytes(), length.to_le_bytes()].concat());
    let image = with(image, 0x300, version.as_bytes());
    with(with(image, 1024 + 16, payload), 1024 + 16 + payload.len(), b"end")
}

#[test]
fn kernels_are_told_by_their_version_and_looked_into() {
    let program = |date: &str| {
        let text = format!("Linux version %s\nLinux version 6.1.0 (me@host) (gcc) #1 {date}\n\0");
        elf(&[(".rodata", text.as_bytes())])
    };
    let image = |date: &str| kernel(&format!("6.1.0 (me@host) #1 {date}"), &gzip(&program(date), 0, 6));
    let (before, after) = ("Thu Nov 26 02:00:00 UTC 2026", "Thu Nov 26 03:00:00 UTC 2026");
    let (lines, likely) = said(&image(before), &image(after));
    let version = format!("kernel version: 6.1.0 (me@host) #1 {before} is now 6.1.0 (me@host) #1 {after}");
    assert_eq!((lines.first(), likely), (Some(&version), Some(Likely::Time)));
    let banner = format!(
        "payload: gzip content: ELF linux banner: Linux version 6.1.0 (me@host) (gcc) #1 {before} is now \
         Linux version 6.1.0 (me@host) (gcc) #1 {after}"
    );
    assert!(lines.contains(&banner), "{lines:#?}");
    // What xz and zstd wrote ends before the length that the kernel's own build puts behind it.
    let zstd = |text: &[u8]| [zstd::encode_all(text, 3).unwrap(), vec![9, 0, 0, 0]].concat();
    let lines = said(&kernel("6.1.0", &zstd(b"line a")), &kernel("6.1.0", &zstd(b"line b"))).0;
    assert!(
        lines.contains(&"payload: zstd content: line 1: `line a` is now `line b`".to_owned()),
        "{lines:#?}"
    );
}

/// Sixty thousand sections that are the whole file each, with names that never end.
#[test]
fn parts_that_lie_over_each_other_are_looked_at_a_few_times() {
    let program = |last: u8| {
        let (count, headers) = (60_000_u16, 60_000 * 64);
        let mut bytes = with(vec![b'n'; 64 + headers], 0, b"\x7fELF\x02\x01\x01");
        bytes = with(bytes, 40, &64_u64.to_le_bytes());
        bytes = with(bytes, 58, &[64_u16.to_le_bytes(), count.to_le_bytes(), 0_u16.to_le_bytes()].concat());
        let whole = bytes.len() as u64;
        for number in 0..usize::from(count) {
            let header =
                [[0; 8], 1_u64.to_le_bytes(), [0; 8], 0_u64.to_le_bytes(), whole.to_le_bytes()].concat();
            bytes[64 + 64 * number..][..40].copy_from_slice(&header);
        }
        *bytes.last_mut().unwrap() = last;
        bytes
    };
    let (before, after) = (program(1), program(2));
    assert_eq!(parse(&before).unwrap().members.len(), 4);
    assert!(!explain(&before, &after).is_empty());
}

#[test]
fn the_bytes_around_a_difference_come_along() {
    let text = |middle: &str| format!("{}{middle}{}", "a".repeat(100), "z".repeat(300)).into_bytes();
    let found = explain(&text("1"), &text("2"));
    let excerpt = found[0].excerpt.as_ref().unwrap();
    assert_eq!((excerpt.before.offset, excerpt.before.bytes.len()), (64, 160));
    assert_eq!(excerpt.before.bytes[100 - 64], b'1');
    assert_eq!(excerpt.after.bytes[100 - 64], b'2');
    // Of a member's field, the header, where it stands in the archive.
    let archive = |mtime: u64| tar(&[("e", 0, 0, b"x"), ("f", mtime, 0, b"x")]);
    let found = explain(&archive(8), &archive(9));
    let Excerpt { before, after } = found[0].excerpt.clone().unwrap();
    assert_eq!((before.offset, after.offset), (1024 + 112, 1024 + 112));
    let at = 147 - 112;
    assert_eq!((before.bytes[at - 1], after.bytes[at - 1]), (b'0', b'1'));
}
