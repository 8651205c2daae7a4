use std::io::{Cursor, Read as _};

use kit_hash::Sha256;
use kit_tree::blobs::MemoryBlobs;
use proptest::prelude::*;

use super::*;
use crate::largest::LargestPartition;
use crate::layout::Layout;

const MIB: u64 = 1 << 20;

fn content(bytes: &[u8]) -> Layout {
    let mut layout = Layout::new();
    layout.bytes("content", bytes.to_vec());
    layout
}

fn partition(kind: u8, active: bool, size: u64) -> Partition {
    Partition { kind, active, content: content(b"content"), size }
}

fn bytes(disk: &Layout) -> Vec<u8> {
    let (mut bytes, blobs) = (Vec::new(), MemoryBlobs::new());
    disk.stream(&blobs).read_to_end(&mut bytes).unwrap();
    bytes
}

fn disk() -> Vec<u8> {
    let partitions = vec![partition(0x0c, true, MIB + 1), partition(0x83, false, 9 * MIB)];
    let options = Options {
        signature: 0x1234_5678,
        boot_code: Some([0x90; 440]),
        loader: content(b"loader"),
        ..Options::default()
    };
    bytes(&layout(partitions, &options).unwrap())
}

/// The digest changes only with [`write::REVISION`].
#[test]
fn bytes_are_pinned() {
    assert_eq!(write::REVISION, 1);
    let disk = disk();
    let table: Vec<_> = disk[TABLE..510].chunks(16).map(|entry| format!("{entry:02x?}")).collect();
    assert_eq!(
        table,
        [
            "[80, 20, 21, 00, 0c, 41, 02, 00, 00, 08, 00, 00, 01, 08, 00, 00]",
            "[00, 61, 22, 00, 83, 87, 06, 01, 00, 18, 00, 00, 00, 48, 00, 00]",
            "[00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00]",
            "[00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00]",
        ]
    );
    assert_eq!(&disk[440..444], [0x78, 0x56, 0x34, 0x12]);
    assert_eq!(
        Sha256::of(&disk).to_string(),
        "267a7d43d979e9ac3c4d1a3c535737d667ccb7c01d2cf6f64798270f9de3676f"
    );
}

#[test]
fn a_table_is_read_back() {
    let disk = disk();
    assert_eq!(disk.len() as u64, 12 * MIB);
    assert_eq!(&disk[512..518], b"loader");
    let table = read(&mut Cursor::new(&disk)).unwrap();
    assert_eq!((table.signature, table.protective), (0x1234_5678, false));
    let [first, second] = table.partitions.as_slice() else { panic!("two partitions, not {table:?}") };
    assert_eq!((first.number, first.kind, first.active), (1, 0x0c, true));
    assert_eq!(first.bytes, MIB..2 * MIB + 512);
    assert_eq!((second.number, second.kind, second.active), (2, 0x83, false));
    assert_eq!(second.bytes, 3 * MIB..12 * MIB);
    assert_eq!(&disk[3 << 20..][..8], b"content\0");
}

#[test]
fn what_is_no_disk_is_refused() {
    let refuse = |partitions: Vec<Partition>, options: &Options| layout(partitions, options).unwrap_err();
    let one = || partition(1, false, MIB);
    let none = Options::default();
    assert_eq!(refuse(vec![one(); 5], &none), MbrError::Count { count: 5 });
    assert_eq!(
        refuse(vec![one(), partition(1, false, 6)], &none),
        MbrError::Content { number: 2, content: 7, size: 6 }
    );
    assert_eq!(refuse(vec![partition(1, false, 0)], &none), MbrError::Empty { number: 1 });
    assert_eq!(
        refuse(vec![partition(1, true, MIB), one(), partition(1, true, MIB)], &none),
        MbrError::TwoActive { first: 1, second: 3 }
    );
    let far = |size| MbrError::TooFar { number: 1, end: size };
    assert_eq!(refuse(vec![partition(1, true, 2 << 40)], &none), far((2 << 40) + MIB));
    assert_eq!(refuse(vec![partition(1, true, u64::MAX)], &none), far(u64::MAX));
    let small = Options { size: Some(MIB + 512), ..Options::default() };
    assert_eq!(
        refuse(vec![one()], &small),
        MbrError::DiskSize {
            needed: 2 * MIB,
            size: MIB + 512,
            largest: LargestPartition::of([("", MIB)].into_iter()),
        }
    );
    assert_eq!(
        refuse(vec![partition(1, false, 512), one()], &small).to_string(),
        "the disk needs 3145728 bytes, 2096640 more than the given 1049088; the largest partition is 2 with 1048576 bytes"
    );
    let odd = Options { size: Some(2 * MIB + 1), ..Options::default() };
    assert_eq!(refuse(vec![one()], &odd), MbrError::Sectors { size: 2 * MIB + 1 });
    let loader = Options { loader: content(&vec![1; 1 << 20]), ..Options::default() };
    assert_eq!(refuse(vec![one()], &loader), MbrError::Loader { size: MIB, room: MIB - 512 });
}

#[test]
fn a_disc_that_is_a_stick_too_has_a_volume_around_its_partitions() {
    let mut disk = disk();
    // The first one begins with the table, and the second is in it.
    disk[446 + 4] = 0xcd;
    disk[446 + 8..446 + 16].copy_from_slice(&[0, 0, 0, 0, 0, 0x60, 0, 0]);
    let table = read(&mut Cursor::new(&disk)).unwrap();
    let whole = table.whole.expect("a volume");
    assert_eq!((whole.number, whole.kind, whole.bytes), (1, 0xcd, 0..12 * MIB));
    assert_eq!(table.partitions.iter().map(|one| one.number).collect::<Vec<_>>(), [2]);
    disk[446 + 16 + 8..446 + 16 + 12].fill(0);
    let refused = read(&mut Cursor::new(&disk)).unwrap_err().to_string();
    assert_eq!(refused, "partition 2 has 18432 sectors from 0 on");
}

#[test]
fn tables_that_contradict_themselves_are_refused() {
    let change = |at: usize, byte: u8| {
        let mut disk = disk();
        disk[at] = byte;
        read(&mut Cursor::new(&disk)).unwrap_err().to_string()
    };
    assert_eq!(change(511, 0), "the first sector isn't one of an MBR: it doesn't end with 0x55 0xaa");
    assert_eq!(change(446, 1), "partition 1 has the status 0x01, neither 0x00 nor 0x80");
    assert_eq!(change(446 + 16 + 13, 0), "partition 2 has 0 sectors from 6144 on");
    assert_eq!(change(446 + 31, 1), "partition 2 ends at byte 8602517504, behind the disk's 12582912");
    assert_eq!(
        change(446 + 13, 0x18),
        "partition 1 (bytes 1048576 to 4194816) and partition 2 (bytes 3145728 to 12582912) overlap"
    );
    assert!(matches!(read(&mut Cursor::new([0; 100])), Err(MbrReadError::Input(_))));
}

proptest! {
    #[test]
    fn any_first_sector_is_read_or_refused(mut sector in proptest::collection::vec(any::<u8>(), 512)) {
        sector[510..].copy_from_slice(&[0x55, 0xaa]);
        let _ = read(&mut Cursor::new(&sector));
    }
}
