use std::fmt::Write as _;
use std::io::{Cursor, Read as _};

use kit_hash::Sha256;
use kit_tree::blobs::MemoryBlobs;
use proptest::prelude::*;

use super::*;
use crate::layout::Layout;
use crate::mbr;

const MIB: u64 = 1 << 20;

fn partition(index: u64, kind: Guid, label: &str, size: u64) -> Partition {
    let mut content = Layout::new();
    content.bytes("content", label.as_bytes().to_vec());
    let id = Guid::derived(&[7; 32], "partition", index);
    Partition { kind, id, label: label.to_owned(), attributes: 0, content, size, mbr: None }
}

fn options() -> Options {
    Options { id: Guid::derived(&[7; 32], "disk", 0), size: None, boot_code: None, hybrid: false }
}

fn bytes(disk: &Layout) -> Vec<u8> {
    let (mut bytes, blobs) = (Vec::new(), MemoryBlobs::new());
    disk.stream(&blobs).read_to_end(&mut bytes).unwrap();
    bytes
}

fn partitions() -> Vec<Partition> {
    let root = partition(1, Guid::LINUX_ROOT_X86_64, "root", 2 * MIB + 1);
    vec![
        partition(0, Guid::ESP, "EFI system", MIB),
        Partition { attributes: attributes::READ_ONLY | attributes::LEGACY_BOOT, mbr: Some(0x83), ..root },
    ]
}

fn dump(disk: &[u8]) -> String {
    let table = read(&mut Cursor::new(disk)).unwrap();
    let mut text = format!("{} {} {:?}\n", table.id, table.size, table.copy);
    for Slice { number, kind, id, label, attributes, bytes } in table.partitions {
        writeln!(text, "{number} {kind} {id} {label:?} {attributes:#x} {bytes:?}").unwrap();
    }
    text
}

const DUMP: &str = "\
d95eb75d-be3c-8d30-83a4-f47cb5fc7e32 5242880 First
1 c12a7328-f81f-11d2-ba4b-00a0c93ec93b 93010e56-3c87-8a80-bd82-573919c92d4f \"EFI system\" 0x0 1048576..2097152
2 4f68bce3-e8cd-4db1-96e7-fbcaf984b709 b56c75e7-939c-8381-8fcb-24f195941530 \"root\" 0x1000000000000004 2097152..4194816
";

/// The digests change only with [`write::REVISION`].
#[test]
fn bytes_are_pinned() {
    assert_eq!(write::REVISION, 1);
    let plain = bytes(&layout(partitions(), &options()).unwrap());
    assert_eq!(dump(&plain), DUMP);
    let hybrid = Options { hybrid: true, boot_code: Some([0x90; 440]), ..options() };
    let hybrid = bytes(&layout(partitions(), &hybrid).unwrap());
    assert_eq!(dump(&hybrid), DUMP);
    let digests = [&plain, &hybrid].map(|disk| Sha256::of(disk).to_string());
    assert_eq!(
        digests,
        [
            "c9062b1f5690ad60b4b8c32bd7bfd10fda3ebed5d756b8cd35ee934cc8f95579",
            "e8cd5b1d260ef037495a1c7e99fb1ab3d0e33acc024b7580321eb61cdb01b878",
        ]
    );
}

#[test]
fn both_copies_say_the_same() {
    let mut disk = bytes(&layout(partitions(), &options()).unwrap());
    assert_eq!(disk.len() as u64, 5 * MIB);
    let first = read(&mut Cursor::new(&disk)).unwrap();
    assert_eq!(first.copy, TableCopy::First);
    assert_eq!(&disk[2 << 20..][..5], b"root\0");
    for at in [512, 520, 600, 1024, 1100] {
        disk[at] ^= 1;
        let second = read(&mut Cursor::new(&disk)).unwrap();
        assert_eq!(second, Table { copy: TableCopy::Second, ..first.clone() });
        disk[at] ^= 1;
    }
}

#[test]
fn the_first_sector_protects_or_tells() {
    let entries = |disk: &Layout| {
        let disk = bytes(disk);
        disk[446..510].chunks(16).map(|entry| format!("{entry:02x?}")).collect::<Vec<_>>()
    };
    let protective = entries(&layout(partitions(), &options()).unwrap());
    assert_eq!(protective[0], "[00, 00, 02, 00, ee, a2, 22, 00, 01, 00, 00, 00, ff, 27, 00, 00]");
    assert!(protective[1..].iter().all(|entry| entry.starts_with("[00, 00, 00, 00, 00,")));
    let hybrid = layout(partitions(), &Options { hybrid: true, ..options() }).unwrap();
    let found = mbr::read(&mut Cursor::new(bytes(&hybrid))).unwrap();
    assert!(found.protective);
    assert_eq!(found.partitions.len(), 1);
    assert_eq!((found.partitions[0].kind, found.partitions[0].active), (0x83, true));
    assert_eq!(found.partitions[0].bytes, 2 * MIB..4 * MIB + 512);
    assert_eq!(entries(&hybrid)[0], "[00, 00, 02, 00, ee, 41, 01, 00, 01, 00, 00, 00, ff, 0f, 00, 00]");
    // more sectors than an MBR counts: nothing of it is in memory
    let huge = layout(partitions(), &Options { size: Some(4 << 40), ..options() }).unwrap();
    let mut sector = [0; 512];
    huge.stream(&MemoryBlobs::new()).read_exact(&mut sector).unwrap();
    assert_eq!(sector[446..462], [0, 0, 2, 0, 0xee, 0xfe, 0xff, 0xff, 1, 0, 0, 0, 255, 255, 255, 255]);
}

#[test]
fn what_is_no_disk_is_refused() {
    let refuse = |partitions: Vec<Partition>| layout(partitions, &options()).unwrap_err();
    let one = |index| partition(index, Guid::ESP, "one", MIB);
    let label = String::from("one");
    assert_eq!(refuse((0..129).map(one).collect()), GptError::Count { count: 129 });
    let long = "ä".repeat(37);
    assert_eq!(
        refuse(vec![partition(0, Guid::ESP, &long, MIB)]),
        GptError::Label { number: 1, label: long, units: 37 }
    );
    let small = Partition { size: 2, ..one(1) };
    assert_eq!(
        refuse(vec![one(0), small]),
        GptError::Content { number: 2, label: label.clone(), content: 3, size: 2 }
    );
    assert_eq!(
        refuse(vec![Partition { size: 0, ..one(0) }]),
        GptError::Empty { number: 1, label: label.clone() }
    );
    assert_eq!(
        refuse(vec![Partition { kind: Guid::NIL, ..one(0) }]),
        GptError::Nil { number: 1, label: label.clone() }
    );
    assert_eq!(refuse(vec![one(3), one(4), one(3)]), GptError::SameId { first: 1, second: 3, id: one(3).id });
    let far = Partition { size: u64::MAX, ..one(0) };
    assert_eq!(refuse(vec![far]), GptError::TooFar { number: 1, label, end: u64::MAX });
}

#[test]
fn sizes_of_disks_are_checked() {
    let sized = |size| layout(partitions(), &Options { size: Some(size), ..options() });
    let needed = 4 * MIB + 512 + 33 * 512;
    assert_eq!(sized(needed).unwrap().len(), needed);
    assert_eq!(
        sized(needed - 512).unwrap_err().to_string(),
        format!(
            "the disk needs {needed} bytes, 512 more than the given {}; the largest partition is 2 `root` with 2097153 bytes",
            needed - 512
        )
    );
    assert_eq!(sized(needed + 1), Err(GptError::Sectors { size: needed + 1 }));
    let hybrid = Options { hybrid: true, ..options() };
    let none = vec![partition(0, Guid::ESP, "a", MIB)];
    assert_eq!(layout(none, &hybrid), Err(GptError::Hybrid { count: 0 }));
    let all = |index| Partition { mbr: Some(1), ..partition(index, Guid::ESP, "a", MIB) };
    assert_eq!(layout((0..4).map(all).collect(), &hybrid), Err(GptError::Hybrid { count: 4 }));
    let far = Partition { size: 2 << 40, ..all(0) };
    assert!(matches!(layout(vec![far], &hybrid), Err(GptError::TooFar { number: 1, .. })));
}

/// Changes a number of the first entry and makes the checksums of both copies right again.
fn changed(change: impl Fn(&mut [u8])) -> String {
    let mut disk = bytes(&layout(partitions(), &options()).unwrap());
    let last = disk.len() - 512;
    for (header, entries) in [(512, 1024), (last, last - 32 * 512)] {
        change(&mut disk[entries..entries + 128]);
        let crc = table::crc(&[&disk[entries..entries + 32 * 512]]);
        disk[header + 88..header + 92].copy_from_slice(&crc.to_le_bytes());
        disk[header + 16..header + 20].fill(0);
        let crc = table::crc(&[&disk[header..header + 92]]);
        disk[header + 16..header + 20].copy_from_slice(&crc.to_le_bytes());
    }
    read(&mut Cursor::new(&disk)).unwrap_err().to_string()
}

#[test]
fn tables_that_contradict_themselves_are_refused() {
    assert_eq!(
        changed(|entry| entry[40..48].copy_from_slice(&5000_u64.to_le_bytes())),
        "partition 1 (bytes 1048576 to 2560512) and partition 2 (bytes 2097152 to 4194816) overlap"
    );
    assert_eq!(
        changed(|entry| entry[40..48].copy_from_slice(&10_207_u64.to_le_bytes())),
        "partition 1 has the sectors 2048 to 10207, outside of 34 to 10206"
    );
    assert_eq!(
        changed(|entry| entry[32..40].copy_from_slice(&u64::MAX.to_le_bytes())),
        "partition 1 has the sectors 18446744073709551615 to 4095, outside of 34 to 10206"
    );
    let mut disk = bytes(&layout(partitions(), &options()).unwrap());
    let last = disk.len() - 512;
    disk[520] = 1;
    disk[last] = 0;
    let error = read(&mut Cursor::new(&disk)).unwrap_err().to_string();
    assert_eq!(
        error,
        "the header in sector 1 has the revision 0x10001 and 92 bytes, not 0x10000 and 92 to 512"
    );
    assert!(matches!(read(&mut Cursor::new([0; 4096])), Err(GptReadError::None)));
    assert!(matches!(read(&mut Cursor::new([0; 100])), Err(GptReadError::None)));
}

#[test]
fn guids_are_text_and_numbers() {
    let text = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
    assert_eq!(Guid::ESP.to_string(), text);
    assert_eq!(text.to_uppercase().parse(), Ok(Guid::ESP));
    assert_eq!(Guid::BIOS_BOOT.to_table(), *b"Hah!IdontNeedEFI");
    assert_eq!(Guid::from_table(*b"Hah!IdontNeedEFI"), Guid::BIOS_BOOT);
    for wrong in ["", "c12a7328f81f11d2ba4b00a0c93ec93b", "c12a7328-f81f-11d2-ba4b-00a0c93ec93g"] {
        assert!(wrong.parse::<Guid>().is_err(), "{wrong:?}");
    }
    assert_eq!(Guid::derived(&[0; 32], "disk", 0).to_string(), "7c6195b4-579c-877e-84d3-df7004621119");
    assert_ne!(Guid::derived(&[0; 32], "disk", 0), Guid::derived(&[0; 32], "disk", 1));
}

fn any_partition() -> impl Strategy<Value = Partition> {
    (any::<u128>(), any::<u128>(), "\\PC{0,18}", any::<u64>(), 1..5 * MIB).prop_map(
        |(kind, id, label, attributes, size)| Partition {
            kind: Guid::of(kind.max(1)),
            id: Guid::of(id.max(1)),
            label,
            attributes,
            content: Layout::new(),
            size,
            mbr: None,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_table_is_read_back(partitions in proptest::collection::vec(any_partition(), 0..4)) {
        let disk = bytes(&layout(partitions.clone(), &options()).unwrap());
        let table = read(&mut Cursor::new(&disk)).unwrap();
        prop_assert_eq!(table.partitions.len(), partitions.len());
        for (slice, partition) in table.partitions.iter().zip(&partitions) {
            prop_assert_eq!(
                (slice.kind, slice.id, &slice.label, slice.attributes),
                (partition.kind, partition.id, &partition.label, partition.attributes)
            );
            prop_assert_eq!(slice.bytes.end - slice.bytes.start, partition.size.next_multiple_of(512));
            prop_assert_eq!(slice.bytes.start % MIB, 0);
        }
    }

    #[test]
    fn damaged_tables_never_panic(at in 512_usize..18_000, flip in 1_u8.., cut in 0_usize..20_000) {
        let mut disk = bytes(&layout(partitions(), &options()).unwrap());
        disk[at] ^= flip;
        let _ = read(&mut Cursor::new(&disk));
        disk.truncate(cut);
        let _ = read(&mut Cursor::new(&disk));
    }
}
