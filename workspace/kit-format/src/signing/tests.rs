use std::fmt::Write as _;

use kit_tree::Tree;
use kit_tree::blobs::MemoryBlobs;
use proptest::prelude::*;

use super::*;
use crate::fat::{self, Kind, SIGNATURE_ROOM, Size};
use crate::gpt::{self, Guid};
use crate::layout::Layout;
use crate::pe::{Program as Headers, tests::program as pe};
use crate::samples::{MTIME, put};
use crate::{iso, mbr};

const PROGRAM: &str = "/EFI/BOOT/BOOTX64.EFI";
const OTHER: &str = "/EFI/Linux/kit_A+3.efi";

/// Returns a program whose checksum is right.
fn program(length: usize) -> Vec<u8> {
    let plain = pe(Headers::X86_64, &[(".text", &vec![7; length]), (".data", b"data")], b"");
    let unsigned = authenticode::unsigned(&|| Ok(Box::new(plain.as_slice())), plain.len() as u64).unwrap();
    all(unsigned.stream(plain.as_slice()))
}

fn all(mut reader: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    bytes
}

/// A file system with two programs, between other files.
fn files(blobs: &MemoryBlobs, length: usize) -> Tree {
    let mut tree = Tree::new();
    put(&mut tree, blobs, PROGRAM, &program(length));
    put(&mut tree, blobs, OTHER, &program(3 * length));
    put(&mut tree, blobs, "/EFI/empty.efi", b"");
    put(&mut tree, blobs, "/loader/loader.conf", b"timeout 0\n");
    tree
}

fn file_system(tree: &Tree, kind: Kind) -> Layout {
    let options = fat::Options {
        label: String::from("BOOT"),
        mtime: u64::from(MTIME),
        size: Size::Fitting { spare: 4096 },
        hidden_sectors: 2048,
        kind: Some(kind),
        seed: [0; 32],
    };
    fat::layout(tree, &options).unwrap()
}

fn disk_of(content: Layout) -> Layout {
    let partition = |id: u128, kind: Guid, content: Layout| gpt::Partition {
        kind,
        id: Guid::of(id),
        label: "a partition".to_owned(),
        attributes: 0,
        size: content.len(),
        content,
        mbr: None,
    };
    let mut root = Layout::new();
    root.bytes("root", vec![9; 5000]);
    let partitions = vec![partition(1, Guid::ESP, content), partition(3, Guid::LINUX_ROOT_X86_64, root)];
    let options = gpt::Options { id: Guid::of(2), size: None, boot_code: None, hybrid: false };
    gpt::layout(partitions, &options).unwrap()
}

fn disk(kind: Kind, length: usize) -> Vec<u8> {
    let blobs = MemoryBlobs::new();
    all(disk_of(file_system(&files(&blobs, length), kind)).stream(&blobs))
}

fn sign(disk: &[u8], with: &[u8]) -> Vec<u8> {
    let changes = signed(&disk, &mut |_| Some(with.to_vec())).unwrap().unwrap();
    all(changes.stream(disk))
}

fn strip(disk: &[u8]) -> Vec<u8> {
    all(unsigned(&disk).unwrap().stream(disk))
}

/// Returns which bytes differ, in pieces.
fn differences(one: &[u8], other: &[u8]) -> Vec<(usize, usize)> {
    let mut pieces: Vec<(usize, usize)> = Vec::new();
    for at in (0..one.len()).filter(|at| one[*at] != other[*at]) {
        match pieces.last_mut() {
            Some((_, end)) if at - *end < 16 => *end = at + 1,
            _ => pieces.push((at, at + 1)),
        }
    }
    pieces
}

#[test]
fn signatures_come_and_go_and_the_disk_stays() {
    for kind in [Kind::Fat12, Kind::Fat16, Kind::Fat32] {
        let disk = disk(kind, 5000);
        let changes = unsigned(&disk.as_slice()).unwrap();
        assert_eq!((changes.programs(), changes.patches.len()), (&[][..], 0), "{kind}");
        let once = sign(&disk, &[1; 2500]);
        assert_ne!(once, disk);
        assert_eq!(strip(&once), disk, "{kind}");
        assert_eq!(sign(&once, &[1; 2500]), once, "the same isn't added again");
        let twice = sign(&once, &[2; 901]);
        let changes = unsigned(&twice.as_slice()).unwrap();
        assert_eq!(changes.programs().iter().map(ToString::to_string).collect::<Vec<_>>(), [PROGRAM, OTHER]);
        assert_eq!(strip(&twice), disk, "{kind}");
    }
}

/// Of the first of both programs, which begins at byte 1067520.
const DIFFERENCES: &str = "\
1049112..1049121 table 1
1049211..1049220 table 1
1049624..1049633 table 2
1049723..1049732 table 2
1067100..1067102 length in the directory
1067736..1067738 checksum
1067817..1067822 place of the table of signatures
";

#[test]
fn nothing_moves_but_ends() {
    let before = disk(Kind::Fat12, 5000);
    let after = sign(&before, &[1; 2500]);
    let mut text = String::new();
    for (start, end) in differences(&before, &after).iter().filter(|(start, _)| *start < 1_068_800) {
        let what = match start {
            ..1_049_600 => "table 1",
            ..1_050_112 => "table 2",
            ..1_067_520 => "length in the directory",
            ..1_067_800 => "checksum",
            _ => "place of the table of signatures",
        };
        writeln!(text, "{start}..{end} {what}").unwrap();
    }
    assert_eq!(text, DIFFERENCES);
}

/// The file system is read back as others read it: each program is what signing it alone makes.
#[test]
fn programs_on_it_are_signed_as_alone() {
    let blobs = MemoryBlobs::new();
    for kind in [Kind::Fat12, Kind::Fat16, Kind::Fat32] {
        let before = files(&blobs, 5000);
        let after = sign(&all(disk_of(file_system(&before, kind)).stream(&blobs)), &[1; 2500]);
        let range = gpt::read(&mut io::Cursor::new(&after)).unwrap().partitions[0].bytes.clone();
        let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        let found = fat::read(&mut io::Cursor::new(&after[range]), &Limits::standard(), &blobs).unwrap();
        let mut expected = before.clone();
        for (path, length) in [(PROGRAM, 5000), (OTHER, 15_000)] {
            let plain = program(length);
            let open: crate::locate::Open<'_> = &|| Ok(Box::new(plain.as_slice()));
            let sign = &mut |_: &Sha256| Some(vec![1; 2500]);
            let alone = authenticode::with_another(open, plain.len() as u64, sign).unwrap().unwrap();
            put(&mut expected, &blobs, path, &all(alone.stream(plain.as_slice())));
        }
        assert_eq!(found, expected, "{kind}");
    }
}

#[test]
fn disks_with_the_old_table_and_discs_are_signed_too() {
    let blobs = MemoryBlobs::new();
    let content = file_system(&files(&blobs, 800), Kind::Fat12);
    let partition =
        mbr::Partition { kind: 0x0c, active: true, size: content.len(), content: content.clone() };
    let options = mbr::Options { signature: 1, size: None, boot_code: None, loader: Layout::new() };
    let with_mbr = all(mbr::layout(vec![partition], &options).unwrap().stream(&blobs));
    let options = iso::Options {
        label: "DISC".to_owned(),
        mtime: u64::from(MTIME),
        bios: None,
        efi: Some(content),
        hybrid: true,
    };
    let mut tree = Tree::new();
    put(&mut tree, &blobs, "/file", b"content");
    let disc = all(iso::layout(&tree, &blobs, &options).unwrap().stream(&blobs));
    for disk in [with_mbr, disc] {
        let signed = sign(&disk, &[1; 100]);
        assert_ne!(signed, disk);
        assert_eq!(strip(&signed), disk);
    }
}

#[test]
fn a_checksum_that_is_not_right_stays() {
    let blobs = MemoryBlobs::new();
    let mut tree = Tree::new();
    put(&mut tree, &blobs, PROGRAM, &pe(Headers::X86_64, &[(".text", b"code")], b""));
    let disk = all(disk_of(file_system(&tree, Kind::Fat12)).stream(&blobs));
    assert_eq!(strip(&sign(&disk, &[1; 100])), disk);
}

#[test]
fn what_has_no_room_is_told() {
    let blobs = MemoryBlobs::new();
    let refused = |disk: &[u8], length: usize| {
        let error = signed(&disk, &mut |_| Some(vec![1; length])).unwrap_err();
        let source = std::error::Error::source(&error).map_or(String::new(), |source| format!(": {source}"));
        format!("{error}{source}")
    };
    let plain = disk(Kind::Fat12, 5000);
    assert_eq!(
        refused(&plain, 17_000),
        "there is no room for a signature behind `/EFI/BOOT/BOOTX64.EFI` on it: it would have 23664 bytes, and behind it is room up to 23040"
    );
    let mut tree = Tree::new();
    put(&mut tree, &blobs, PROGRAM, b"nothing to start");
    let no_program = all(disk_of(file_system(&tree, Kind::Fat12)).stream(&blobs));
    assert!(refused(&no_program, 1).starts_with("`/EFI/BOOT/BOOTX64.EFI` on it can't be signed: it is no"));
    tree = Tree::new();
    put(&mut tree, &blobs, PROGRAM, &[program(100), b"odd".to_vec()].concat());
    let odd = all(disk_of(file_system(&tree, Kind::Fat12)).stream(&blobs));
    assert!(refused(&odd, 1).contains("has 2051 bytes, which is no multiple of 8"), "{}", refused(&odd, 1));
    let none = all(disk_of(file_system(&Tree::new(), Kind::Fat12)).stream(&blobs));
    assert_eq!(refused(&none, 1), "nothing on it is a program for UEFI");
    assert!(
        refused(&[0; 4096], 1).starts_with("it is neither a program for UEFI nor a disk with partitions")
    );
    // The cluster behind it was given to somebody.
    let mut taken = plain;
    let at = (1 << 20) + 512 + 17 * 3 / 2;
    taken[at + 1] |= 0xf0;
    taken[at] |= 0xff;
    assert!(refused(&taken, 2000).contains("behind it is another file's"), "{}", refused(&taken, 2000));
    assert!(signed(&disk(Kind::Fat12, 100).as_slice(), &mut |_| None).unwrap().is_none());
}

#[test]
fn every_program_has_room() {
    let blobs = MemoryBlobs::new();
    for kind in [Kind::Fat12, Kind::Fat16, Kind::Fat32] {
        let layout = file_system(&files(&blobs, 5000), kind);
        let room = |path: &str| {
            let pieces = layout.pieces().iter();
            let mut found = pieces.filter(|piece| {
                piece.what == "room for signatures"
                    && piece.member.as_ref().is_some_and(|member| member.to_string() == path)
            });
            found.next().map_or(0, |piece| piece.range.end - piece.range.start)
        };
        assert_eq!([room(PROGRAM), room(OTHER)], [SIGNATURE_ROOM; 2]);
        assert_eq!(room("/EFI/empty.efi") + room("/loader/loader.conf"), 0);
    }
}

/// As `a_changed_byte_is_never_a_signature`, for the largest kind, which has free counts.
#[test]
fn a_changed_count_is_no_signature() {
    let plain = disk(Kind::Fat32, 3000);
    let mut signed = sign(&plain, &[0x5a; 1200]);
    let changed = differences(&plain, &signed);
    assert_eq!(changed[..2], [(1_049_576, 1_049_577), (1_052_648, 1_052_649)], "both free counts");
    for (at, _) in &changed[..8] {
        signed[*at] ^= 1;
        assert!(strip(&signed) != plain, "byte {at}");
        signed[*at] ^= 1;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_signature_comes_and_goes(
        length in 1_usize..40_000,
        kind in prop_oneof![Just(Kind::Fat12), Just(Kind::Fat16)],
        signatures in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..4000), 1..4),
    ) {
        let plain = disk(kind, length);
        let signed = signatures.iter().fold(plain.clone(), |disk, signature| sign(&disk, signature));
        prop_assert!(strip(&signed) == plain);
    }

    /// Whatever else is changed of a signed disk is still changed without its signatures, but for the bytes of these.
    #[test]
    fn a_changed_byte_is_never_a_signature(kind in prop_oneof![Just(Kind::Fat12), Just(Kind::Fat16)], place in any::<prop::sample::Index>(), near in any::<bool>(), flip in 1_u8..) {
        let plain = disk(kind, 3000);
        let mut signed = sign(&plain, &[0x5a; 1200]);
        // Half of them where signing changed something.
        let changed: Vec<_> = (0..plain.len()).filter(|at| plain[*at] != signed[*at]).collect();
        let at = if near { changed[place.index(changed.len())] } else { (1 << 20) + place.index(plain.len() - (1 << 20)) };
        let is_signature = signed[at] == 0x5a && plain[at] == 0;
        signed[at] ^= flip;
        prop_assert!(is_signature || strip(&signed) != plain, "byte {at}");
    }

    #[test]
    fn damage_never_panics(at in 0_usize..60_000, flips in prop::collection::vec(any::<u8>(), 1..40), cut in any::<prop::sample::Index>()) {
        let mut disk = sign(&disk(Kind::Fat12, 3000), &[1; 1200]);
        let start = if at < 4096 { at } else { (1 << 20) + at - 4096 };
        for (byte, flip) in disk[start..].iter_mut().zip(flips) {
            *byte ^= flip;
        }
        for disk in [&disk[..], &disk[..cut.index(disk.len())]] {
            let _ = unsigned(&disk).map(|changes| all(changes.stream(disk)));
            let _ = signed(&disk, &mut |_| Some(vec![3; 800]));
        }
    }
}
