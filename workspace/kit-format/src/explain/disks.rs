//! Disks and file systems: GPT and MBR, squashfs, ISO 9660.

use std::fmt::Write as _;

use super::parsed::{Parsed, index, little, parts, slice, text};

/// Bytes of a sector; tables of disks with others aren't read.
const SECTOR: usize = 512;

/// UEFI specification 2.10, 5.3: the header is in the second sector.
pub(super) fn gpt(bytes: &[u8]) -> Option<Parsed<'_>> {
    const ENTRIES: u64 = 1024;
    slice(bytes, SECTOR, 8)?.strip_prefix(b"EFI PART")?;
    let header = |offset: usize, length: usize| little(bytes, SECTOR + offset, length);
    let (table, count, size) =
        (index(header(72, 8)?)?.checked_mul(SECTOR)?, header(80, 4)?.min(ENTRIES), index(header(84, 4)?)?);
    let mut fields = vec![
        ("disk GUID".to_owned(), guid(slice(bytes, SECTOR + 56, 16)?)),
        ("disk signature".to_owned(), format!("{:#010x}", little(bytes, 440, 4)?)),
        ("size in sectors".to_owned(), (header(32, 8)?.checked_add(1)?).to_string()),
    ];
    let mut sections = Vec::new();
    for number in 0..index(count)? {
        let at = table.checked_add(number.checked_mul(size)?)?;
        let entry = slice(bytes, at, 128)?;
        if entry[..16].iter().all(|byte| *byte == 0) {
            continue;
        }
        let (first, last) = (little(entry, 32, 8)?, little(entry, 40, 8)?);
        let units: Vec<u16> =
            entry[56..128].chunks(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        let name = String::from_utf16_lossy(&units).trim_end_matches('\0').to_owned();
        let partition = format!("partition {}", number + 1);
        fields.extend([
            (format!("{partition} GUID"), guid(&entry[16..32])),
            (format!("{partition} type"), guid(&entry[..16])),
            (format!("{partition} sectors"), format!("{first} to {last}")),
            (format!("{partition} attributes"), format!("{:#x}", little(entry, 48, 8)?)),
            (format!("{partition} name"), format!("`{name}`")),
        ]);
        let length =
            last.checked_sub(first).and_then(|sectors| index(sectors)?.checked_add(1)?.checked_mul(SECTOR));
        let content = index(first).and_then(|first| first.checked_mul(SECTOR)).zip(length);
        sections.extend(content.and_then(|(start, length)| Some((partition, slice(bytes, start, length)?))));
    }
    Some(parts("GPT", bytes, fields, sections))
}

/// A boot sector with at least one partition in its table.
pub(super) fn mbr(bytes: &[u8]) -> Option<Parsed<'_>> {
    const TABLE: usize = 446;
    slice(bytes, 510, 2)?.strip_prefix(&[0x55, 0xaa])?;
    let mut fields = vec![("disk signature".to_owned(), format!("{:#010x}", little(bytes, 440, 4)?))];
    let mut sections = vec![("boot code".to_owned(), slice(bytes, 0, 440)?)];
    for number in 0..4 {
        let entry = slice(bytes, TABLE + 16 * number, 16)?;
        if entry[0] & 0x7f != 0 {
            return None;
        }
        let (kind, first, length) = (entry[4], little(entry, 8, 4)?, little(entry, 12, 4)?);
        if kind == 0 {
            continue;
        }
        let content = slice(bytes, index(first)?.checked_mul(SECTOR)?, index(length)?.checked_mul(SECTOR)?)?;
        let partition = format!("partition {}", number + 1);
        fields.push((format!("{partition} type"), format!("{kind:#04x}")));
        fields.push((format!("{partition} sectors"), format!("{length} from {first} on")));
        sections.push((partition, content));
    }
    (sections.len() > 1).then(|| parts("MBR", bytes, fields, sections))
}

/// The superblock, <https://dr-emann.github.io/squashfs/squashfs.html>.
pub(super) fn squashfs(bytes: &[u8]) -> Option<Parsed<'_>> {
    const SUPERBLOCK: usize = 96;
    bytes.strip_prefix(b"hsqs")?;
    let number = |at: usize, length: usize| Some(little(bytes, at, length)?.to_string());
    let fields = vec![
        ("mkfs time".to_owned(), number(8, 4)?),
        ("inodes".to_owned(), number(4, 4)?),
        ("block size".to_owned(), number(12, 4)?),
        ("fragments".to_owned(), number(16, 4)?),
        ("compression".to_owned(), number(20, 2)?),
        ("flags".to_owned(), format!("{:#x}", little(bytes, 24, 2)?)),
        ("ids".to_owned(), number(26, 2)?),
        ("bytes used".to_owned(), number(40, 8)?),
    ];
    Some(parts("squashfs", bytes, fields, [("content".to_owned(), bytes.get(SUPERBLOCK..)?)]))
}

/// ECMA-119, 8.4: the primary volume descriptor.
pub(super) fn iso(bytes: &[u8]) -> Option<Parsed<'_>> {
    const PLACE: usize = 32768;
    const LENGTH: usize = 2048;
    let descriptor = slice(bytes, PLACE, LENGTH)?;
    descriptor.strip_prefix(b"\x01CD001")?;
    let field = |start: usize, length: usize| format!("`{}`", text(&descriptor[start..start + length]));
    let fields = vec![
        ("volume creation date".to_owned(), field(813, 16)),
        ("volume modification date".to_owned(), field(830, 16)),
        ("volume expiration date".to_owned(), field(847, 16)),
        ("volume effective date".to_owned(), field(864, 16)),
        ("volume identifier".to_owned(), field(40, 32)),
        ("data preparer".to_owned(), field(446, 128)),
        ("application".to_owned(), field(574, 128)),
        ("sectors".to_owned(), little(descriptor, 80, 4)?.to_string()),
    ];
    let sections =
        [("system area".to_owned(), &bytes[..PLACE]), ("content".to_owned(), bytes.get(PLACE + LENGTH..)?)];
    Some(parts("ISO 9660", bytes, fields, sections))
}

/// Shows a GUID as it is written: its first three numbers are little-endian.
fn guid(bytes: &[u8]) -> String {
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    order.into_iter().enumerate().fold(String::with_capacity(36), |mut shown, (number, at)| {
        let dash = if [4, 6, 8, 10].contains(&number) { "-" } else { "" };
        let byte = bytes.get(at).copied().unwrap_or(0);
        write!(shown, "{dash}{byte:02x}").expect("because a string takes all");
        shown
    })
}
