//! The pieces of Linux kernels for x86, <https://docs.kernel.org/arch/x86/boot.html>, and for arm64, <https://docs.kernel.org/arch/arm64/booting.html>.

use std::ops::Range;

use super::extent::{Extent, Field, little};

const SECTOR: u64 = 512;
/// The fields of the setup header.
const FIELDS: [(&str, Range<usize>); 22] = [
    ("setup_sects", 0x1f1..0x1f2),
    ("root_flags", 0x1f2..0x1f4),
    ("syssize", 0x1f4..0x1f8),
    ("ram_size", 0x1f8..0x1fa),
    ("vid_mode", 0x1fa..0x1fc),
    ("root_dev", 0x1fc..0x1fe),
    ("boot_flag", 0x1fe..0x200),
    ("jump", 0x200..0x202),
    ("header", 0x202..0x206),
    ("version", 0x206..0x208),
    ("kernel_version", 0x20e..0x210),
    ("loadflags", 0x211..0x212),
    ("code32_start", 0x214..0x218),
    ("ramdisk_image", 0x218..0x21c),
    ("ramdisk_size", 0x21c..0x220),
    ("cmd_line_ptr", 0x228..0x22c),
    ("initrd_addr_max", 0x22c..0x230),
    ("cmdline_size", 0x238..0x23c),
    ("payload_offset", 0x248..0x24c),
    ("payload_length", 0x24c..0x250),
    ("pref_address", 0x258..0x260),
    ("init_size", 0x260..0x264),
];

/// The fields of the header for arm64.
const ARM64: [(&str, Range<usize>); 10] = [
    ("code0", 0..4),
    ("code1", 4..8),
    ("text_offset", 8..16),
    ("image_size", 16..24),
    ("flags", 24..32),
    ("res2", 32..40),
    ("res3", 40..48),
    ("res4", 48..56),
    ("magic", 56..60),
    ("res5", 60..64),
];
/// Bytes of that header.
const ARM64_LENGTH: u64 = 64;

pub(super) fn is_one(start: &[u8]) -> bool {
    is_for_arm64(start) || is_for_x86(start)
}

fn is_for_arm64(start: &[u8]) -> bool {
    start.get(56..60) == Some(b"ARM\x64")
}

fn is_for_x86(start: &[u8]) -> bool {
    start.get(0x1fe..0x200) == Some(&[0x55, 0xaa]) && start.get(0x202..0x206) == Some(b"HdrS")
}

/// Returns the piece that has the byte at an offset; `start` has the setup header.
pub(super) fn extent(start: &[u8], offset: u64, length: u64) -> Option<Extent> {
    let number = |range: Range<usize>| start.get(range).map_or(0, little);
    let field = |(name, range): (&str, Range<usize>)| Field {
        name: name.to_owned(),
        value: format!("{:#x}", number(range.clone())),
        range: range.start as u64..range.end as u64,
    };
    let at = |pieces: &[Extent]| {
        let found = pieces.iter().find(|piece| piece.range.contains(&offset) && offset < length);
        found.map(|piece| piece.clone().at(offset))
    };
    if is_for_arm64(start) {
        let header = Extent::new("header", 0..ARM64_LENGTH.min(length));
        return at(&[
            header.with(ARM64.into_iter().map(field).collect()),
            Extent::new("the kernel", ARM64_LENGTH.min(length)..length),
        ]);
    }
    let sectors = match number(0x1f1..0x1f2) {
        0 => 4,
        sectors => sectors,
    };
    let setup = ((sectors + 1) * SECTOR).min(length);
    let payload = setup.saturating_add(number(0x248..0x24c)).min(length);
    let payload_end = payload.saturating_add(number(0x24c..0x250)).min(length);
    at(&[
        Extent::new("boot sector, with the header of PE", 0..0x1f1),
        Extent::new("setup header", 0x1f1..0x268).with(FIELDS.into_iter().map(field).collect()),
        Extent::new("setup code", 0x268..setup),
        Extent::new("code before the payload", setup..payload),
        Extent::new("payload: the compressed kernel", payload..payload_end),
        Extent::new("code and data behind the payload", payload_end..length),
    ])
}
