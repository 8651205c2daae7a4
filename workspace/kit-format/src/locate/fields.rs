//! The fields of what disks, file systems and boot programs begin with, by their specifications' names.

mod containers;
mod ext4;
mod iso;
mod tables;

use std::fmt::Write as _;

use self::tables::{Shape, Table};
use super::extent::{Field, little, text};

#[cfg(test)]
pub(crate) use self::containers::all_fields;
pub(crate) use self::containers::in_container;

/// A table, and where in a piece it begins.
struct Placed {
    /// Before the names of fields: which of several equal tables it is.
    prefix: String,
    at: usize,
    table: Table,
}

/// Returns the fields of a piece that begins at byte `start` of a file of this format. `what` is what its layout calls it.
pub(crate) fn fields(format: &str, what: &str, bytes: &[u8], start: u64) -> Vec<Field> {
    let name = what.rsplit(", ").next().unwrap_or(what);
    if format.starts_with("ext4") {
        return ext4::fields(name, bytes, start);
    }
    // A file system for firmware is a part of a disc, with directories of its own.
    if format.starts_with("ISO") && what == "directory" {
        return iso::directory(bytes, start);
    }
    let tables = match name {
        "GPT header" | "second GPT header" => only(tables::GPT_HEADER),
        "GPT entries" | "second GPT entries" => each(bytes, 128, "entry", |_| tables::GPT_ENTRY),
        "MBR" | "protective MBR" | "hybrid MBR" | "boot sector" => mbr(),
        "boot sectors" => fat(bytes),
        "directory" => each(bytes, 32, "entry", |entry| match entry.get(11) {
            Some(0x0f) => tables::FAT_LONG_NAME,
            _ => tables::FAT_ENTRY,
        }),
        "superblock" => superblock(bytes),
        "inode" if bytes.first().is_some_and(|format| format & 1 == 1) => only(tables::EROFS_EXTENDED),
        "inode" => only(tables::EROFS_COMPACT),
        "primary volume descriptor" | "Joliet volume descriptor" => only(tables::ISO_VOLUME),
        "boot record" => only(tables::ISO_BOOT_RECORD),
        "boot catalogue" => only(tables::ISO_CATALOGUE),
        "headers" => program(bytes),
        _ => Vec::new(),
    };
    read(&tables, bytes, start)
}

fn only(table: Table) -> Vec<Placed> {
    vec![Placed { prefix: String::new(), at: 0, table }]
}

fn each(bytes: &[u8], size: usize, word: &str, table: impl Fn(&[u8]) -> Table) -> Vec<Placed> {
    let entries = bytes.chunks_exact(size).enumerate();
    let entries = entries.filter(|(_, entry)| entry.iter().any(|byte| *byte != 0));
    entries
        .map(|(number, entry)| Placed {
            prefix: format!("{word} {} ", number + 1),
            at: number * size,
            table: table(entry),
        })
        .collect()
}

fn mbr() -> Vec<Placed> {
    let mut all = only(tables::MBR);
    all.extend((0..4).map(|number| Placed {
        prefix: format!("partition {} ", number + 1),
        at: 446 + 16 * number,
        table: tables::MBR_ENTRY,
    }));
    all
}

fn fat(bytes: &[u8]) -> Vec<Placed> {
    let mut all = only(tables::FAT_BOOT);
    // FAT32 has no 16-bit size of a table.
    let is_fat32 = bytes.get(22..24).is_some_and(|size| size == [0, 0]);
    all.extend(only(if is_fat32 { tables::FAT32_BOOT } else { tables::FAT16_BOOT }));
    all
}

fn superblock(bytes: &[u8]) -> Vec<Placed> {
    match bytes {
        [0xe2, 0xe1, 0xf5, 0xe0, ..] => only(tables::EROFS),
        [b'h', b's', b'q', b's', ..] => only(tables::SQUASHFS),
        [b'v', b'e', b'r', b'i', b't', b'y', ..] => only(tables::VERITY),
        _ => Vec::new(),
    }
}

/// The headers of a program for EFI: they lead to each other.
fn program(bytes: &[u8]) -> Vec<Placed> {
    const COFF: usize = 24;
    const SECTION: usize = 40;
    const MOST: usize = 96;
    let mut all = only(tables::DOS);
    let number =
        |at: usize, length: usize| Some(usize::try_from(little(bytes.get(at..at + length)?)).unwrap_or(0));
    let Some(coff) = number(60, 4).filter(|at| *at < bytes.len()) else { return all };
    all.push(Placed { prefix: String::new(), at: coff, table: tables::COFF });
    let optional = coff + COFF;
    all.push(Placed { prefix: String::new(), at: optional, table: tables::PE_OPTIONAL });
    let (count, size) = (number(coff + 6, 2).unwrap_or(0).min(MOST), number(coff + 20, 2).unwrap_or(0));
    all.extend((0..count).map(|section| Placed {
        prefix: format!("section {} ", section + 1),
        at: optional + size + section * SECTION,
        table: tables::PE_SECTION,
    }));
    all
}

fn read(tables: &[Placed], bytes: &[u8], start: u64) -> Vec<Field> {
    let mut fields = Vec::new();
    for Placed { prefix, at, table } in tables {
        for (name, offset, length, shape) in *table {
            let from = at + offset;
            let Some(value) = bytes.get(from..from + length) else { continue };
            fields.push(Field {
                name: format!("{prefix}{name}"),
                range: start + from as u64..start + (from + length) as u64,
                value: shown(value, *shape),
            });
        }
    }
    fields
}

fn shown(bytes: &[u8], shape: Shape) -> String {
    match shape {
        Shape::Number => little(bytes).to_string(),
        Shape::BigNumber => {
            bytes.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte)).to_string()
        }
        Shape::Hexadecimal => format!("{:#x}", little(bytes)),
        Shape::Text => text(bytes),
        Shape::Wide => {
            let units = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
            let units: Vec<_> = units.take_while(|unit| *unit != 0).collect();
            String::from_utf16_lossy(&units)
        }
        Shape::Guid => match bytes.try_into() {
            Ok(bytes) => crate::gpt::Guid::from_table(bytes).to_string(),
            Err(_) => digits(bytes),
        },
        Shape::Bytes => digits(bytes),
    }
}

/// The first bytes, as digits.
fn digits(bytes: &[u8]) -> String {
    const SHOWN: usize = 32;
    let mut digits = String::new();
    for byte in bytes.iter().take(SHOWN) {
        write!(digits, "{byte:02x}").expect("because a string takes all");
    }
    if bytes.len() > SHOWN { format!("{digits}…") } else { digits }
}
