//! Linux kernels for x86, <https://docs.kernel.org/arch/x86/boot.html>.

use super::parsed::{Fields, Parsed, index, little, parts, slice, text};
use crate::Compression;

/// The longest text of a version that is shown, in bytes.
const LONGEST: usize = 512;
/// What the text begins with by which a running kernel names itself.
const BANNER: &[u8] = b"Linux version ";

pub(super) fn bzimage(bytes: &[u8]) -> Option<Parsed<'_>> {
    const SECTOR: usize = 512;
    slice(bytes, 0x1fe, 2)?.strip_prefix(&[0x55, 0xaa])?;
    slice(bytes, 0x202, 4)?.strip_prefix(b"HdrS")?;
    let sectors = match index(little(bytes, 0x1f1, 1)?)? {
        0 => 4,
        sectors => sectors,
    };
    let setup = (sectors + 1) * SECTOR;
    let version = index(little(bytes, 0x20e, 2)?)? + 0x200;
    let version = bytes.get(version..)?;
    let fields = vec![
        ("version".to_owned(), text(&version[..version.len().min(LONGEST)])),
        ("protocol".to_owned(), format!("{:#x}", little(bytes, 0x206, 2)?)),
        ("syssize".to_owned(), little(bytes, 0x1f4, 4)?.to_string()),
    ];
    let start = setup.checked_add(index(little(bytes, 0x248, 4)?)?)?;
    let payload = slice(bytes, start, index(little(bytes, 0x24c, 4)?)?)?;
    let sections = [
        ("payload".to_owned(), unpackable(payload)),
        ("setup".to_owned(), slice(bytes, 0, setup)?),
        ("code before the payload".to_owned(), bytes.get(setup..start)?),
        ("code after the payload".to_owned(), bytes.get(start + payload.len()..)?),
    ];
    Some(parts("kernel", bytes, fields, sections))
}

/// The payload as its own compressor wrote it: behind all but gzip's, which has its own, there is the unpacked length.
fn unpackable(payload: &[u8]) -> &[u8] {
    match Compression::sniff(payload) {
        Compression::Gzip | Compression::None => payload,
        Compression::Bzip2 | Compression::Xz | Compression::Zstd => {
            &payload[..payload.len().saturating_sub(4)]
        }
    }
}

/// What a program says about itself that is a kernel: who built it, where, with what and when.
pub(super) fn banner(bytes: &[u8]) -> Fields {
    let found = memchr::memmem::find_iter(bytes, BANNER).find_map(|at| {
        let banner = &bytes[at..bytes.len().min(at + LONGEST)];
        // The format of the text is there, too.
        let banner = text(banner.split(|byte| *byte == b'\n').next()?);
        (!banner.contains('%')).then_some(("linux banner".to_owned(), banner))
    });
    found.into_iter().collect()
}
