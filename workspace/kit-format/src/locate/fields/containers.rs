//! The fields of the containers of disks.

use super::super::extent::{Extent, Field};
use super::tables::Shape::{BigNumber, Bytes, Guid, Hexadecimal, Number, Text};
use super::tables::Table;
use super::{Placed, read};
use crate::disk_image::DiskFormat;

/// What a header is called, where it is from the start, or, with a minus, from the end of the file, what it begins with, and its fields.
type Header = (&'static str, i64, &'static [u8], Table);

const QCOW2: Table = &[
    ("magic", 0, 4, Bytes),
    ("version", 4, 4, BigNumber),
    ("backing_file_offset", 8, 8, BigNumber),
    ("backing_file_size", 16, 4, BigNumber),
    ("cluster_bits", 20, 4, BigNumber),
    ("size", 24, 8, BigNumber),
    ("crypt_method", 32, 4, BigNumber),
    ("l1_size", 36, 4, BigNumber),
    ("l1_table_offset", 40, 8, BigNumber),
    ("refcount_table_offset", 48, 8, BigNumber),
    ("refcount_table_clusters", 56, 4, BigNumber),
    ("nb_snapshots", 60, 4, BigNumber),
    ("snapshots_offset", 64, 8, BigNumber),
    ("incompatible_features", 72, 8, BigNumber),
    ("compatible_features", 80, 8, BigNumber),
    ("autoclear_features", 88, 8, BigNumber),
    ("refcount_order", 96, 4, BigNumber),
    ("header_length", 100, 4, BigNumber),
    ("compression_type", 104, 1, Number),
];
const VHD: Table = &[
    ("Cookie", 0, 8, Text),
    ("Features", 8, 4, BigNumber),
    ("File Format Version", 12, 4, Bytes),
    ("Data Offset", 16, 8, BigNumber),
    ("Time Stamp", 24, 4, BigNumber),
    ("Creator Application", 28, 4, Text),
    ("Creator Version", 32, 4, Bytes),
    ("Creator Host OS", 36, 4, Text),
    ("Original Size", 40, 8, BigNumber),
    ("Current Size", 48, 8, BigNumber),
    ("Disk Geometry", 56, 4, Bytes),
    ("Disk Type", 60, 4, BigNumber),
    ("Checksum", 64, 4, Bytes),
    ("Unique Id", 68, 16, Bytes),
    ("Saved State", 84, 1, Number),
];
const VHD_DYNAMIC: Table = &[
    ("Cookie", 0, 8, Text),
    ("Data Offset", 8, 8, BigNumber),
    ("Table Offset", 16, 8, BigNumber),
    ("Header Version", 24, 4, Bytes),
    ("Max Table Entries", 28, 4, BigNumber),
    ("Block Size", 32, 4, BigNumber),
    ("Checksum", 36, 4, Bytes),
];
const VHDX_IDENTIFIER: Table = &[("Signature", 0, 8, Text), ("Creator", 8, 512, Bytes)];
const VHDX_HEADER: Table = &[
    ("Signature", 0, 4, Text),
    ("Checksum", 4, 4, Hexadecimal),
    ("SequenceNumber", 8, 8, Number),
    ("FileWriteGuid", 16, 16, Guid),
    ("DataWriteGuid", 32, 16, Guid),
    ("LogGuid", 48, 16, Guid),
    ("LogVersion", 64, 2, Number),
    ("Version", 66, 2, Number),
    ("LogLength", 68, 4, Number),
    ("LogOffset", 72, 8, Number),
];
const VHDX_REGIONS: Table =
    &[("Signature", 0, 4, Text), ("Checksum", 4, 4, Hexadecimal), ("EntryCount", 8, 4, Number)];
const VMDK: Table = &[
    ("magicNumber", 0, 4, Text),
    ("version", 4, 4, Number),
    ("flags", 8, 4, Hexadecimal),
    ("capacity", 12, 8, Number),
    ("grainSize", 20, 8, Number),
    ("descriptorOffset", 28, 8, Number),
    ("descriptorSize", 36, 8, Number),
    ("numGTEsPerGT", 44, 4, Number),
    ("rgdOffset", 48, 8, Number),
    ("gdOffset", 56, 8, Hexadecimal),
    ("overHead", 64, 8, Number),
    ("uncleanShutdown", 72, 1, Number),
    ("compressAlgorithm", 77, 2, Number),
];
const VDI: Table = &[
    ("szFileInfo", 0, 64, Text),
    ("u32Signature", 64, 4, Hexadecimal),
    ("u32Version", 68, 4, Hexadecimal),
    ("cbHeader", 72, 4, Number),
    ("u32Type", 76, 4, Number),
    ("fFlags", 80, 4, Number),
    ("szComment", 84, 256, Text),
    ("offBlocks", 340, 4, Number),
    ("offData", 344, 4, Number),
    ("LegacyGeometry", 348, 16, Bytes),
    ("cbDisk", 368, 8, Number),
    ("cbBlock", 376, 4, Number),
    ("cbBlockExtra", 380, 4, Number),
    ("cBlocks", 384, 4, Number),
    ("cBlocksAllocated", 388, 4, Number),
    ("uuidCreate", 392, 16, Guid),
    ("uuidModify", 408, 16, Guid),
    ("uuidLinkage", 424, 16, Guid),
    ("uuidParentModify", 440, 16, Guid),
];

fn headers(format: DiskFormat) -> &'static [Header] {
    const KIB: i64 = 1 << 10;
    match format {
        DiskFormat::Qcow2 | DiskFormat::Qcow2Zlib | DiskFormat::Qcow2Zstd => {
            &[("header", 0, b"QFI\xfb", QCOW2)]
        }
        DiskFormat::Vhd | DiskFormat::VhdDynamic | DiskFormat::Azure => &[
            ("footer", -512, b"conectix", VHD),
            ("copy of the footer", 0, b"conectix", VHD),
            ("dynamic disk header", 512, b"cxsparse", VHD_DYNAMIC),
        ],
        DiskFormat::Vhdx => &[
            ("file type identifier", 0, b"vhdxfile", VHDX_IDENTIFIER),
            ("header 1", 64 * KIB, b"head", VHDX_HEADER),
            ("header 2", 128 * KIB, b"head", VHDX_HEADER),
            ("region table 1", 192 * KIB, b"regi", VHDX_REGIONS),
            ("region table 2", 256 * KIB, b"regi", VHDX_REGIONS),
        ],
        DiskFormat::Vmdk => &[("header", 0, b"KDMV", VMDK), ("footer", -1024, b"KDMV", VMDK)],
        DiskFormat::Vdi => &[("header", 0, b"<<< ", VDI)],
        DiskFormat::Raw | DiskFormat::RawGzip | DiskFormat::RawZstd | DiskFormat::Ova | DiskFormat::Gcp => {
            &[]
        }
    }
}

/// Returns where a header is in a file of this length.
fn begins(at: i64, length: u64) -> Option<u64> {
    u64::try_from(at).ok().or_else(|| length.checked_sub(at.unsigned_abs()))
}

/// Returns all fields of a container's headers, each with the header, its name, its place and its value.
#[cfg(test)]
pub(crate) fn all_fields(
    format: DiskFormat,
    length: u64,
    read_at: &mut dyn FnMut(u64, usize) -> Option<Vec<u8>>,
) -> Vec<(&'static str, String, std::ops::Range<u64>, String)> {
    let mut all = Vec::new();
    for (name, at, magic, table) in headers(format) {
        let Some(start) = begins(*at, length) else { continue };
        let size = table.iter().map(|(_, at, length, _)| at + length).max().unwrap_or(0);
        let Some(bytes) = read_at(start, size).filter(|bytes| bytes.starts_with(magic)) else { continue };
        let placed = Placed { prefix: String::new(), at: 0, table };
        all.extend(
            read(&[placed], &bytes, start)
                .into_iter()
                .map(|field| (*name, field.name, field.range, field.value)),
        );
    }
    all
}

/// Returns the field of a container's header that a byte is in. `read_at` returns so many bytes of the file from a place on.
pub(crate) fn in_container(
    format: DiskFormat,
    length: u64,
    offset: u64,
    read_at: &mut dyn FnMut(u64, usize) -> Option<Vec<u8>>,
) -> Option<Extent> {
    for (name, at, magic, table) in headers(format) {
        let Some(start) = begins(*at, length) else { continue };
        let size = table.iter().map(|(_, at, length, _)| at + length).max().unwrap_or(0);
        if !(start..start + size as u64).contains(&offset) {
            continue;
        }
        let Some(bytes) = read_at(start, size).filter(|bytes| bytes.starts_with(magic)) else { continue };
        let placed = Placed { prefix: String::new(), at: 0, table };
        let fields: Vec<Field> = read(&[placed], &bytes, start);
        return Some(Extent::new(*name, start..start + size as u64).with(fields).at(offset));
    }
    None
}
