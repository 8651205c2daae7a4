use std::fmt::Write as _;
use std::io::{Cursor, Read as _};

use kit_hash::Sha256;
use kit_tree::blobs::MemoryBlobs;
use kit_tree::dump::Dump;
use kit_tree::{Entry, Meta, Mode, Tree, TreePath};
use proptest::prelude::*;

use super::*;
use crate::layout::Layout;
use crate::limits::{LimitError, Limits};
use crate::samples::{self, MTIME, lines, path, plain_tree, put};

const MIB: u64 = 1 << 20;

fn options() -> Options {
    Options {
        label: String::from("KIT"),
        mtime: u64::from(MTIME),
        size: Size::Fitting { spare: 0 },
        hidden_sectors: 2048,
        kind: None,
        seed: [7; 32],
    }
}

fn sized(size: u64) -> Options {
    Options { size: Size::Exactly(size), ..options() }
}

fn bytes(layout: &Layout, blobs: &MemoryBlobs) -> Vec<u8> {
    let mut bytes = Vec::new();
    layout.stream(blobs).read_to_end(&mut bytes).unwrap();
    bytes
}

fn back(disk: &[u8]) -> Result<Tree, FatReadError> {
    read(&mut Cursor::new(disk), &Limits::standard(), &MemoryBlobs::new())
}

/// A system partition with everything that FAT has.
fn tree(blobs: &MemoryBlobs) -> Tree {
    let mut tree = Tree::new();
    put(&mut tree, blobs, "/EFI/BOOT/BOOTX64.EFI", &lines(3000));
    put(&mut tree, blobs, "/EFI/Linux/kit-1.0+3.efi", &lines(1000));
    put(&mut tree, blobs, "/loader/loader.conf", b"timeout 0\n");
    put(&mut tree, blobs, "/loader/empty", b"");
    put(&mut tree, blobs, "/Größe 🦀.txt", b"a cluster ".repeat(52).as_slice());
    for number in 0..40 {
        put(&mut tree, blobs, &format!("/overlays/a rather long name {number:02}.dtbo"), &lines(number));
    }
    tree
}

const DIGESTS: &str = "\
FAT12 135168 8f3e774ff3decf8b5074ea92b6e83a7b46a32f0228fa5bc84cc1455fb57cc055
FAT16 2134016 c327fccacf16c86601dfe6f7402a2dc374c53acb26038641f6c226508497567b
FAT32 34107392 e09a83a8bcedcef10d3b68cc5547a931642a0780864a397f53f466bed75a0546
";

const PIECES: &str = "\
0..512 boot sectors
512..521 table 1
521..1024 table 1, free
1024..1033 table 2
1033..1536 table 2, free
1536..1632 directory /
1632..17920 directory, free
17920..18432 content /B
18432..18560 directory /EFI
18560..18944 slack
18944..18945 content /EFI/a
18945..19456 slack
19456..20480 free
";

/// The digests change only with [`write::REVISION`].
#[test]
fn bytes_are_pinned() {
    assert_eq!(write::REVISION, 2);
    let blobs = MemoryBlobs::new();
    let tree = tree(&blobs);
    let mut digests = String::new();
    for kind in [Kind::Fat12, Kind::Fat16, Kind::Fat32] {
        let disk = bytes(&layout(&tree, &Options { kind: Some(kind), ..options() }).unwrap(), &blobs);
        writeln!(digests, "{kind} {} {}", disk.len(), Sha256::of(&disk)).unwrap();
    }
    assert_eq!(digests, DIGESTS);
}

#[test]
fn pieces_say_what_they_are() {
    let blobs = MemoryBlobs::new();
    let mut tree = Tree::new();
    put(&mut tree, &blobs, "/EFI/a", b"a");
    put(&mut tree, &blobs, "/B", &[1; 512]);
    let mut text = String::new();
    for piece in layout(&tree, &options()).unwrap().pieces() {
        let member = piece.member.as_ref().map_or(String::new(), |path| format!(" {path}"));
        writeln!(text, "{:?} {}{member}", piece.range, piece.what).unwrap();
    }
    assert_eq!(text, PIECES);
}

#[test]
fn a_directory_is_exactly_this() {
    let blobs = MemoryBlobs::new();
    let mut tree = Tree::new();
    put(&mut tree, &blobs, "/EFI/kernel", b"0123456789");
    let disk = bytes(&layout(&tree, &options()).unwrap(), &blobs);
    let entries = |at: usize| {
        let used = disk[at..at + 512].chunks(32).filter(|entry| entry[0] != 0);
        used.map(|entry| format!("{} {:02x?}", entry[..11].escape_ascii(), &entry[11..])).collect::<Vec<_>>()
    };
    assert_eq!(
        entries(1536),
        [
            "KIT         [08, 00, 00, aa, b1, 6e, 57, 6e, 57, 00, 00, aa, b1, 6e, 57, 00, 00, 00, 00, 00, 00]",
            "EFI         [10, 00, 00, aa, b1, 6e, 57, 6e, 57, 00, 00, aa, b1, 6e, 57, 02, 00, 00, 00, 00, 00]",
        ]
    );
    assert_eq!(
        entries(17_920),
        [
            ".           [10, 00, 00, aa, b1, 6e, 57, 6e, 57, 00, 00, aa, b1, 6e, 57, 02, 00, 00, 00, 00, 00]",
            "..          [10, 00, 00, aa, b1, 6e, 57, 6e, 57, 00, 00, aa, b1, 6e, 57, 00, 00, 00, 00, 00, 00]",
            "Ak\\x00e\\x00r\\x00n\\x00e\\x00 [0f, 00, 0f, 6c, 00, 00, 00, ff, ff, ff, ff, ff, ff, ff, ff, 00, 00, ff, ff, ff, ff]",
            "KERNEL      [20, 00, 00, aa, b1, 6e, 57, 6e, 57, 00, 00, aa, b1, 6e, 57, 03, 00, 0a, 00, 00, 00]",
        ]
    );
}

#[test]
fn what_was_written_is_read_back() {
    let blobs = MemoryBlobs::new();
    let plain = tree(&blobs);
    for kind in [Kind::Fat12, Kind::Fat16, Kind::Fat32] {
        for tree in [&Tree::new(), &plain] {
            for label in ["", "KIT DISK-1"] {
                let options = Options { kind: Some(kind), label: label.to_owned(), ..options() };
                let disk = bytes(&layout(tree, &options).unwrap(), &blobs);
                assert_eq!(Dump(&back(&disk).unwrap()).to_string(), Dump(tree).to_string());
            }
        }
    }
    for size in [MIB, 5 * MIB, 40 * MIB] {
        let disk = bytes(&layout(&plain, &sized(size)).unwrap(), &blobs);
        assert_eq!(disk.len() as u64, size);
        assert_eq!(back(&disk).unwrap(), plain);
    }
}

#[test]
fn a_large_root_directory_has_room() {
    let blobs = MemoryBlobs::new();
    let mut tree = Tree::new();
    for number in 0..900 {
        put(&mut tree, &blobs, &format!("/file {number}"), &[]);
    }
    for kind in [Kind::Fat12, Kind::Fat16, Kind::Fat32] {
        let disk = bytes(&layout(&tree, &Options { kind: Some(kind), ..options() }).unwrap(), &blobs);
        assert_eq!(back(&disk).unwrap(), tree, "{kind}");
    }
}

#[test]
fn ids_follow_content_label_and_seed() {
    let blobs = MemoryBlobs::new();
    let mut tree = tree(&blobs);
    let id = |tree: &Tree, options: &Options| bytes(&layout(tree, options).unwrap(), &blobs)[39..43].to_vec();
    let first = id(&tree, &options());
    assert_eq!(id(&tree, &Options { mtime: 1 << 30, ..options() }), first);
    assert_ne!(id(&tree, &Options { seed: [8; 32], ..options() }), first);
    assert_ne!(id(&tree, &Options { label: String::from("KAT"), ..options() }), first);
    put(&mut tree, &blobs, "/more", b"");
    assert_ne!(id(&tree, &options()), first);
}

#[test]
fn what_fat_cannot_hold_is_refused() {
    let blobs = MemoryBlobs::new();
    let refuse = |tree: &Tree, options: &Options| layout(tree, options).unwrap_err().to_string();
    let with = |name: &[u8], entry: Entry| {
        let mut tree = Tree::new();
        put(&mut tree, &blobs, "/a", b"a");
        tree.insert(TreePath::new(name).unwrap(), entry).unwrap();
        refuse(&tree, &options())
    };
    assert_eq!(
        refuse(&plain_tree(&blobs), &options()),
        "`/bin` is a symbolic link; FAT holds only files and directories"
    );
    assert_eq!(
        with(b"b", Entry::HardLink { target: path("/a") }),
        "`/b` is a hard link; FAT holds only files and directories"
    );
    assert_eq!(
        with(b"b", Entry::Fifo(Meta::root(Mode::FILE))),
        "`/b` is a named pipe; FAT holds only files and directories"
    );
    assert_eq!(
        with(b"a:b", Entry::directory()),
        "the name of `/a:b` can't stand in a FAT file system: it has the character ':'"
    );
    assert_eq!(
        with(b"A", Entry::directory()),
        "`/A` and `/a` are one name to FAT, which knows no upper and lower case"
    );
    let blob = blobs.insert(Vec::new());
    assert_eq!(
        with(b"b", Entry::File { meta: Meta::root(Mode::FILE), blob, size: 4 << 30 }),
        "`/b` has 4294967296 bytes; FAT holds less than 4 GiB"
    );
    let mut marked = Tree::new();
    put(&mut marked, &blobs, "/a", b"a");
    samples::change(&mut marked, "/a", |meta| _ = meta.xattrs.insert(b"user.x".to_vec(), Vec::new()));
    assert_eq!(refuse(&marked, &options()), "`/a` has the extended attribute `user.x`, which FAT can't hold");
    for label in ["esp", "ESP.1", "TWELVE CHARS", " A", "Ä"] {
        let error = refuse(&Tree::new(), &Options { label: label.to_owned(), ..options() });
        assert!(error.starts_with(&format!("the label `{label}` isn't up to 11 upper-case")), "{error}");
    }
    assert_eq!(
        refuse(&Tree::new(), &Options { mtime: 4_354_819_200, ..options() }),
        "the source date 4354819200 is after 2107, where FAT's dates end"
    );
}

#[test]
fn what_does_not_fit_is_said() {
    let blobs = MemoryBlobs::new();
    let mut tree = tree(&blobs);
    assert_eq!(
        layout(&tree, &sized(64 << 10)).unwrap_err().to_string(),
        "the files need 135168 bytes, 69632 more than the given 65536; largest: `/EFI/BOOT/BOOTX64.EFI` (42210), \
         `/EFI/Linux/kit-1.0+3.efi` (13342), `/Größe\\x20🦀.txt` (520)"
    );
    assert_eq!(
        layout(&tree, &sized(100_000)).unwrap_err().to_string(),
        "a file system of 100000 bytes doesn't end with a sector of 512"
    );
    assert_eq!(
        layout(&tree, &Options { kind: Some(Kind::Fat32), ..sized(8 * MIB) }).unwrap_err().to_string(),
        "a FAT32 file system has 34107392 to 2199023255040 bytes, not 8388608"
    );
    let blob = blobs.insert(Vec::new());
    tree.insert_file(path("/large"), Mode::FILE, blob, 1 << 30).unwrap();
    assert_eq!(
        layout(&tree, &Options { kind: Some(Kind::Fat12), ..options() }).unwrap_err().to_string(),
        "a FAT12 file system has 20480 to 15728640 bytes, not 1073844465"
    );
    let many = |count: u32| {
        let mut tree = Tree::new();
        for number in 0..count {
            put(&mut tree, &blobs, &format!("/d/{number:0200}"), &[]);
        }
        layout(&tree, &options()).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(many(3800), Ok(()));
    assert_eq!(many(3900), Err("the directory `/d` needs 66302 entries, more than 65520".to_owned()));
}

#[test]
fn spare_bytes_are_free() {
    let blobs = MemoryBlobs::new();
    let tree = tree(&blobs);
    let length =
        |spare| layout(&tree, &Options { size: Size::Fitting { spare }, ..options() }).unwrap().len();
    assert!(length(MIB) >= length(0) + MIB);
    assert!(length(MIB) < length(0) + MIB + (64 << 10));
    assert!(length(100 * MIB) > 100 * MIB);
}

/// Reads a file system after a change, and says why it is refused.
fn changed(kind: Kind, change: impl Fn(&mut [u8])) -> String {
    let blobs = MemoryBlobs::new();
    let mut disk = bytes(&layout(&tree(&blobs), &Options { kind: Some(kind), ..options() }).unwrap(), &blobs);
    change(&mut disk);
    back(&disk).map_or_else(|error| error.to_string(), |_| String::from("read"))
}

#[test]
fn file_systems_that_contradict_themselves_are_refused() {
    let boot = |at: usize, byte: u8| changed(Kind::Fat12, |disk| disk[at] = byte);
    let refused = |value: u64, what| {
        format!("this is no FAT file system that is read: the boot sector has {value} for {what}")
    };
    assert_eq!(boot(510, 0), refused(0xaa00, "signature"));
    assert_eq!(boot(12, 4), refused(1024, "bytes of a sector"));
    assert_eq!(boot(13, 3), refused(3, "sectors of a cluster"));
    assert_eq!(boot(14, 0), refused(0, "reserved sectors"));
    assert_eq!(boot(16, 0), refused(0, "tables"));
    assert_eq!(boot(23, 1), refused(264, "sectors"));
    assert_eq!(changed(Kind::Fat16, |disk| disk[22] = 15), refused(15, "sectors of a table"));
    assert!(boot(20, 0xff).contains("bytes, the file "), "{}", boot(20, 0xff));
    // The table of FAT32 begins in sector 32; the root directory is cluster 2, then comes a file.
    let table = |cluster: usize, next: u32| {
        changed(Kind::Fat32, |disk| {
            disk[32 * 512 + cluster * 4..][..4].copy_from_slice(&next.to_le_bytes());
        })
    };
    assert_eq!(table(2, 2), "cluster 2 of `/` is another's, or its own, already");
    assert_eq!(table(2, 0), "`/` goes on in cluster 0, which there isn't");
    assert_eq!(table(2, 0x0fff_fff7), "`/` goes on in cluster 268435447, which there isn't");
    assert!(table(5, 0x0fff_ffff).ends_with("clusters"), "{}", table(5, 0x0fff_ffff));
}

#[test]
fn limits_hold() {
    let blobs = MemoryBlobs::new();
    let disk = bytes(&layout(&tree(&blobs), &options()).unwrap(), &blobs);
    let refuse = |limits: Limits| match read(&mut Cursor::new(&disk), &limits, &MemoryBlobs::new()) {
        Err(FatReadError::Limit { source, .. }) => source,
        other => panic!("{other:?}"),
    };
    assert_eq!(refuse(Limits { entries: 5, ..Limits::standard() }), LimitError::Entries { limit: 5 });
    assert_eq!(
        refuse(Limits { file_bytes: 100, ..Limits::standard() }),
        LimitError::FileBytes { size: 520, limit: 100 }
    );
    assert_eq!(
        refuse(Limits { total_bytes: 600, ..Limits::standard() }),
        LimitError::TotalBytes { limit: 600 }
    );
}

/// Names that all differ, however they are written.
fn any_tree() -> impl Strategy<Value = (Tree, MemoryBlobs)> {
    let name =
        prop_oneof!["[A-Z]{1,9}", "[a-z]{1,5}\\.[a-z]{1,4}", "[a-zé 漢🦀+~.]{1,40}x", "[0-9]{120,180}"];
    let file = (proptest::collection::vec(name, 1..4), proptest::collection::vec(any::<u8>(), 0..1500));
    proptest::collection::vec(file, 0..24).prop_map(|files| {
        let (mut tree, blobs) = (Tree::new(), MemoryBlobs::new());
        for (number, (names, content)) in files.into_iter().enumerate() {
            let mut names = names;
            names[0] = format!("{number}{}", names[0]);
            put(&mut tree, &blobs, &format!("/{}", names.join("/")), &content);
        }
        (tree, blobs)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_tree_survives((tree, blobs) in any_tree(), spare in 0_u64..5 * MIB) {
        let options = Options { size: Size::Fitting { spare }, ..options() };
        let disk = bytes(&layout(&tree, &options).unwrap(), &blobs);
        prop_assert_eq!(Dump(&back(&disk).unwrap()).to_string(), Dump(&tree).to_string());
    }

    #[test]
    fn damaged_file_systems_never_panic(at in 0_usize..60_000, flips in proptest::collection::vec(any::<u8>(), 1..40), cut in 0_usize..300_000) {
        let blobs = MemoryBlobs::new();
        let mut disk = bytes(&layout(&tree(&blobs), &options()).unwrap(), &blobs);
        for (byte, flip) in disk[at..].iter_mut().zip(flips) {
            *byte ^= flip;
        }
        let _ = back(&disk);
        disk.truncate(cut);
        let _ = back(&disk);
    }

    #[test]
    fn any_boot_sector_is_read_or_refused(mut sector in proptest::collection::vec(any::<u8>(), 512), keep in 0_usize..64) {
        let blobs = MemoryBlobs::new();
        let mut disk = bytes(&layout(&tree(&blobs), &options()).unwrap(), &blobs);
        sector[..keep].copy_from_slice(&disk[..keep]);
        sector[510..].copy_from_slice(&[0x55, 0xaa]);
        disk[..512].copy_from_slice(&sector);
        let _ = back(&disk);
    }
}
