//! Volume descriptors and path tables.

use super::BLOCK;
use super::directory::root_record;
use super::names::Names;
use super::numbers::{both16, both32, long_date, no_date};
use super::places::{Extent, Places};
use super::view::View;

/// What begins every descriptor behind its type.
const STANDARD: &[u8; 5] = b"CD001";
/// Level 3 of UCS-2.
const JOLIET: &[u8; 3] = b"%/E";
/// Who made it, without a version.
const APPLICATION: &str = "KIT";

/// Where a hierarchy's path tables lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tables {
    pub(super) little: u32,
    pub(super) big: u32,
    pub(super) size: u32,
}

/// The order of bytes of a path table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

/// Returns a path table, unpadded.
pub(super) fn path_table(view: &View, places: &Places, order: Order) -> Vec<u8> {
    let mut table = Vec::new();
    for directory in &view.directories {
        let block = places.directory(view.names, directory.node).block;
        let length = u8::try_from(directory.identifier.len()).expect("because identifiers are short");
        table.extend([length, 0]);
        match order {
            Order::Little => {
                table.extend(block.to_le_bytes());
                table.extend(directory.parent.to_le_bytes());
            }
            Order::Big => {
                table.extend(block.to_be_bytes());
                table.extend(directory.parent.to_be_bytes());
            }
        }
        table.extend_from_slice(&directory.identifier);
        table.resize(table.len().next_multiple_of(2), 0);
    }
    table
}

/// Returns the descriptor of a hierarchy.
pub(super) fn descriptor(
    names: Names,
    label: &str,
    blocks: u32,
    tables: Tables,
    root: Extent,
    mtime: u32,
) -> Vec<u8> {
    let text = |text: &str, length: usize| padded(names, text, length);
    let (kind, escapes) = match names {
        Names::Plain => (1, &[][..]),
        Names::Joliet => (2, &JOLIET[..]),
    };
    let mut bytes = vec![kind];
    bytes.extend_from_slice(STANDARD);
    bytes.extend([1, 0]);
    bytes.extend(text("", 32));
    bytes.extend(text(label, 32));
    bytes.extend([0; 8]);
    bytes.extend(both32(blocks));
    bytes.extend_from_slice(escapes);
    bytes.resize(120, 0);
    bytes.extend([both16(1), both16(1), both16(2048)].concat());
    bytes.extend(both32(tables.size));
    bytes.extend([tables.little.to_le_bytes(), [0; 4], tables.big.to_be_bytes(), [0; 4]].concat());
    bytes.extend(root_record(root, mtime));
    for (value, length) in [("", 128), ("", 128), ("", 128), (APPLICATION, 128), ("", 37), ("", 37), ("", 37)]
    {
        bytes.extend(text(value, length));
    }
    bytes.extend([long_date(mtime), long_date(mtime), no_date(), no_date()].concat());
    bytes.push(1);
    bytes.resize(BLOCK, 0);
    bytes
}

/// Returns the last descriptor.
pub(super) fn terminator() -> Vec<u8> {
    let mut bytes = [&[255][..], STANDARD, &[1]].concat();
    bytes.resize(BLOCK, 0);
    bytes
}

/// Returns the descriptor that leads to the boot catalogue.
pub(super) fn boot_record(catalogue: u32) -> Vec<u8> {
    let mut bytes = [&[0][..], STANDARD, &[1], b"EL TORITO SPECIFICATION"].concat();
    bytes.resize(71, 0);
    bytes.extend(catalogue.to_le_bytes());
    bytes.resize(BLOCK, 0);
    bytes
}

/// Returns text filled up with spaces, cut to its length.
fn padded(names: Names, text: &str, length: usize) -> Vec<u8> {
    match names {
        Names::Plain => {
            let mut bytes = text.as_bytes().to_vec();
            bytes.resize(length, b' ');
            bytes
        }
        Names::Joliet => {
            let units = text.encode_utf16().chain(std::iter::repeat(0x20)).take(length / 2);
            let mut bytes: Vec<u8> = units.flat_map(u16::to_be_bytes).collect();
            bytes.resize(length, 0);
            bytes
        }
    }
}
