use super::*;

const BLOCK: usize = 512;
const BLOCKS: usize = 128;

/// A disk with partitions of these names, each of four blocks from block 40 on; partition 2 is left out.
fn disk(names: &[&str]) -> Vec<u8> {
    let mut entries = vec![0; 128 * 128];
    for (at, name) in names.iter().enumerate().map(|(at, name)| (if at == 0 { 0 } else { at + 1 }, name)) {
        let entry = &mut entries[at * 128..][..128];
        entry[..16].fill(7);
        entry[16..32].fill(u8::try_from(at).unwrap() + 1);
        entry[32..40].copy_from_slice(&(40 + 4 * at as u64).to_le_bytes());
        entry[40..48].copy_from_slice(&(43 + 4 * at as u64).to_le_bytes());
        for (unit, place) in name.encode_utf16().zip(entry[56..].chunks_mut(2)) {
            place.copy_from_slice(&unit.to_le_bytes());
        }
    }
    let mut disk = vec![0; BLOCK * BLOCKS];
    disk[446 + 4] = 0xee;
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    disk[2 * BLOCK..][..entries.len()].copy_from_slice(&entries);
    disk[(BLOCKS - 33) * BLOCK..][..entries.len()].copy_from_slice(&entries);
    let sum = crc32(&entries);
    for (at, entries_at) in [(1, 2), (BLOCKS - 1, BLOCKS - 33)] {
        let header = &mut disk[at * BLOCK..][..92];
        header[..12].copy_from_slice(b"EFI PART\0\0\x01\0");
        header[12..16].copy_from_slice(&92_u32.to_le_bytes());
        header[24..32].copy_from_slice(&(at as u64).to_le_bytes());
        header[72..80].copy_from_slice(&(entries_at as u64).to_le_bytes());
        header[80..84].copy_from_slice(&128_u32.to_le_bytes());
        header[84..88].copy_from_slice(&128_u32.to_le_bytes());
        header[88..92].copy_from_slice(&sum.to_le_bytes());
        seal(header);
    }
    disk
}

/// Makes a header's checksum right.
fn seal(header: &mut [u8]) {
    header[16..20].fill(0);
    let sum = crc32(&header[..92]).to_le_bytes();
    header[16..20].copy_from_slice(&sum);
}

fn table(disk: &[u8]) -> Table {
    read(&disk, disk.len() as u64, BLOCK as u64).unwrap()
}

#[test]
fn the_checksum_is_the_usual_one() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}

#[test]
fn reads_numbers_names_ids_and_places() {
    let Table::Good(partitions) = table(&disk(&["esp", "Größe"])) else { panic!("a good table") };
    let short: Vec<_> = partitions.iter().map(|p| (p.number, p.name.as_str(), p.start, p.size)).collect();
    assert_eq!(short, [(1, "esp", 40 * 512, 2048), (3, "Größe", 48 * 512, 2048)]);
    assert_eq!(partitions[1].id, Guid([3; 16]));
    assert_eq!(partitions[1].kind, Guid([7; 16]));
}

#[test]
fn a_damaged_table_is_replaced_by_the_other_one() {
    let good = disk(&["root"]);
    for at in [512, 512 + 16, 512 + 40, 2 * 512 + 60] {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        assert!(
            matches!(table(&bytes), Table::FromBackup(partitions) if partitions[0].name == "root"),
            "{at}"
        );
        bytes[(BLOCKS - 1) * 512 + 20] ^= 1;
        // The reserved field is part of what is summed.
        assert_eq!(table(&bytes), Table::Damaged, "{at}");
    }
    let mut bytes = good;
    bytes[(BLOCKS - 1) * 512] ^= 1;
    assert!(matches!(table(&bytes), Table::Good(_)));
}

#[test]
fn a_disk_without_one_has_none() {
    let zeros = vec![0; 65536];
    assert_eq!(table(&zeros), Table::None);
    assert_eq!(table(&[]), Table::None);
    assert_eq!(table(&[0xff; 512]), Table::None);
    assert_eq!(read(&&zeros[..], 65536, 0), Ok(Table::None));
    assert_eq!(read(&&zeros[..], 65536, 1 << 30), Ok(Table::None));
}

/// Each of these has right checksums.
#[test]
fn tables_that_lead_beyond_the_disk_or_are_huge_do_not_count() {
    let cases: [(&str, usize, &[u8]); 7] = [
        ("entries at the end", 72, &200_u64.to_le_bytes()),
        ("entries at infinity", 72, &u64::MAX.to_le_bytes()),
        ("many entries", 80, &u32::MAX.to_le_bytes()),
        ("small entries", 84, &64_u32.to_le_bytes()),
        ("crooked entries", 84, &129_u32.to_le_bytes()),
        ("a huge header", 12, &u32::MAX.to_le_bytes()),
        ("another's header", 24, &9_u64.to_le_bytes()),
    ];
    for (what, at, value) in cases {
        let mut bytes = disk(&["root"]);
        bytes[512 + at..512 + at + value.len()].copy_from_slice(value);
        seal(&mut bytes[512..1024]);
        assert!(matches!(table(&bytes), Table::FromBackup(_)), "{what}");
    }
    // An entry that leads beyond the disk: the whole table doesn't count.
    let mut bytes = disk(&["root"]);
    bytes[2 * 512 + 40..2 * 512 + 48].copy_from_slice(&u64::MAX.to_le_bytes());
    let sum = crc32(&bytes[1024..1024 + 128 * 128]).to_le_bytes();
    bytes[512 + 88..512 + 92].copy_from_slice(&sum);
    seal(&mut bytes[512..1024]);
    assert!(matches!(table(&bytes), Table::FromBackup(_)));
}

#[test]
fn no_flipped_byte_of_a_table_goes_unnoticed() {
    let good = disk(&["root", "data"]);
    let Table::Good(partitions) = table(&good) else { panic!("a good table") };
    for at in (512..512 + 92).chain((1024..1024 + 16384).step_by(97)) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x20;
        assert_eq!(table(&bytes), Table::FromBackup(partitions.clone()), "{at}");
    }
}
