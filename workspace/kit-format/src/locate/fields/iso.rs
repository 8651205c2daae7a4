//! The records of directories of compact discs: ECMA-119, 9.1.

use super::tables::Shape::{Bytes, Hexadecimal, Number, Text};
use super::tables::Table;
use super::{Field, Placed, read, shown};

const RECORD: Table = &[
    ("Length of Directory Record", 0, 1, Number),
    ("Extended Attribute Record Length", 1, 1, Number),
    ("Location of Extent", 2, 4, Number),
    ("Location of Extent, the other way around", 6, 4, Bytes),
    ("Data Length", 10, 4, Number),
    ("Data Length, the other way around", 14, 4, Bytes),
    ("Recording Date and Time", 18, 7, Bytes),
    ("File Flags", 25, 1, Hexadecimal),
    ("File Unit Size", 26, 1, Number),
    ("Interleave Gap Size", 27, 1, Number),
    ("Volume Sequence Number", 28, 4, Bytes),
    ("Length of File Identifier", 32, 1, Number),
];
/// Bytes of a sector, none of whose records goes into the next, and of a record before its name.
const SECTOR: usize = 2048;
const HEADER: usize = 33;

/// Returns the fields of a directory.
pub(super) fn directory(bytes: &[u8], start: u64) -> Vec<Field> {
    let (mut all, mut at, mut record) = (Vec::new(), 0, 0);
    while let Some(length) = bytes.get(at).map(|length| usize::from(*length)) {
        if length < HEADER {
            // The rest of the sector is empty.
            at = (at + 1).next_multiple_of(SECTOR);
            continue;
        }
        record += 1;
        let prefix = format!("record {record} ");
        all.extend(read(&[Placed { prefix: prefix.clone(), at, table: RECORD }], bytes, start));
        let name = usize::from(bytes.get(at + HEADER - 1).copied().unwrap_or(0));
        let behind = at + (HEADER + name).next_multiple_of(2);
        let parts = [
            ("File Identifier", at + HEADER..at + HEADER + name, Text),
            ("System Use", behind..at + length, Bytes),
        ];
        for (word, range, shape) in parts {
            if let Some(value) = bytes.get(range.clone()).filter(|value| !value.is_empty()) {
                all.push(Field {
                    name: format!("{prefix}{word}"),
                    range: start + range.start as u64..start + range.end as u64,
                    value: shown(value, shape),
                });
            }
        }
        at += length;
    }
    all
}
