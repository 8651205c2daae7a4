use proptest::prelude::*;

use super::*;
use crate::authenticode::{digest, digest_to_sign, entries, signed, unsigned};
use crate::locate::Open;

/// Makes a small program with these sections in a place in memory each, and bytes behind them that are in none.
pub(crate) fn program(machine: u16, sections: &[(&str, &[u8])], behind: &[u8]) -> Vec<u8> {
    const PE: usize = 0x80;
    const ALIGNMENT: usize = 0x200;
    let mut head = vec![0; 0x400];
    let mut put = |at: usize, value: &[u8]| head[at..at + value.len()].copy_from_slice(value);
    put(0, b"MZ");
    put(0x3c, &0x80u32.to_le_bytes());
    put(PE, b"PE\0\0");
    put(PE + 4, &machine.to_le_bytes());
    put(PE + 6, &u16::try_from(sections.len()).unwrap().to_le_bytes());
    put(PE + 8, &0x5f5f_5f5fu32.to_le_bytes());
    put(PE + 12, &0x9000u32.to_le_bytes());
    put(PE + 20, &240u16.to_le_bytes());
    let optional = PE + 24;
    put(optional, &PE32_PLUS.to_le_bytes());
    put(optional + 8, &0x200u32.to_le_bytes());
    put(optional + 32, &0x200u32.to_le_bytes());
    put(optional + 36, &0x200u32.to_le_bytes());
    put(optional + 60, &0x400u32.to_le_bytes());
    put(optional + 108, &16u32.to_le_bytes());
    let mut body = Vec::new();
    let mut address = 0x1000;
    for (at, (name, contents)) in sections.iter().enumerate() {
        let file_size = contents.len().next_multiple_of(ALIGNMENT);
        let mut section = Section {
            name: [0; 8],
            size: u32::try_from(contents.len()).unwrap(),
            address,
            file_size: u32::try_from(file_size).unwrap(),
            file_offset: u32::try_from(0x400 + body.len()).unwrap(),
            characteristics: 0x6000_0020,
        };
        section.name[..name.len()].copy_from_slice(name.as_bytes());
        put(optional + 240 + at * ROW, &section.row());
        body.extend(*contents);
        body.resize(body.len().next_multiple_of(ALIGNMENT), 0);
        address += u32::try_from(file_size.next_multiple_of(0x1000)).unwrap();
    }
    put(optional + 56, &address.to_le_bytes());
    [head.as_slice(), &body, behind].concat()
}

pub(crate) fn stub() -> Vec<u8> {
    program(Program::X86_64, &[(".text", b"code"), (".sbat", b"sbat,1\n")], b"")
}

/// Does all that is done with strangers' programs.
fn all(bytes: &[u8]) {
    let open: Open<'_> = &|| Ok(Box::new(bytes));
    let length = bytes.len() as u64;
    _ = digest(open, length);
    _ = digest_to_sign(open, length);
    _ = entries(open, length);
    for changed in [unsigned(open, length), signed(open, length, &[vec![1; 8]])].into_iter().flatten() {
        changed.stream(bytes).read_to_end(&mut Vec::new()).unwrap();
    }
    _ = crate::measure::predict_image(open, length, crate::measure::SecureBoot::Off);
    if let Ok(Some(uki)) = crate::uki::read(open, length) {
        _ = uki.section(open, ".linux", 1 << 20);
    }
}

#[test]
fn headers_are_read() {
    let bytes = program(Program::X86_64, &[(".text", b"code"), (".data", &[1; 600])], b"behind");
    let program = Program::parse(&bytes, bytes.len() as u64).unwrap();
    let names: Vec<_> = program.sections.iter().map(Section::name).collect();
    assert_eq!(names, [".text", ".data"]);
    assert_eq!((program.machine, program.headers, program.image_size), (0x8664, 0x400, 0x3000));
    assert_eq!(program.section(".data").unwrap().file_range(), 0x600..0xa00);
    assert_eq!(program.section(".dat"), None);
    assert_eq!((program.checksum_range(), program.directory_range()), (0xd8..0xdc, 0x128..0x130));
    assert_eq!(program.signatures, None);
}

#[test]
fn what_is_no_program_is_told() {
    let told = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = stub();
        change(&mut bytes);
        Program::parse(&bytes, bytes.len() as u64).unwrap_err().to_string()
    };
    assert_eq!(told(&|bytes| bytes.clear()), "it is no program for EFI: it has no `MZ` at its byte 0");
    assert_eq!(told(&|bytes| bytes[0x80] = 0), "it is no program for EFI: it has no `PE` at its byte 128");
    assert_eq!(
        told(&|bytes| bytes.truncate(0x180)),
        "its headers go to byte 400, and it has 384 bytes, of which 65536 may be headers"
    );
    assert_eq!(told(&|bytes| bytes[0x86] = 97), "it has 97 sections, and a program at most 96");
    assert_eq!(told(&|bytes| bytes[0x98] = 0), "the kind of optional header in its headers is 512");
    assert_eq!(told(&|bytes| bytes[0xd5] = 0), "the size of all headers in its headers is 0");
    assert_eq!(told(&|bytes| bytes[0x104] = 4), "the number of directories in its headers is 4");
    // The second section where the first one is.
    let overlap = "its section `.sbat` is at bytes 1024 to 1536, which overlap others or aren't there";
    assert_eq!(told(&|bytes| bytes[0x188 + ROW + 21] = 4), overlap);
    let outside = "its section `.sbat` is at bytes 1536 to 2048, which overlap others or aren't there";
    assert_eq!(told(&|bytes| bytes.truncate(0x7ff)), outside);
    let signatures = "its signatures are at bytes 8 to 16, and not at the end of its 2048 bytes";
    assert_eq!(told(&|bytes| bytes[0x128..0x130].copy_from_slice(&[8, 0, 0, 0, 8, 0, 0, 0])), signatures);
}

proptest! {
    #[test]
    fn damage_never_panics(
        flips in prop::collection::vec((0usize..0x200, any::<u8>()), 1..6),
        elsewhere in prop::collection::vec((0usize..0xa00, any::<u8>()), 0..3),
        cut in 0usize..0xc00,
    ) {
        let bytes = program(Program::X86_64, &[(".text", b"code"), (".linux", b"kernel")], b"");
        let open: Open<'_> = &|| Ok(Box::new(bytes.as_slice()));
        let changed = signed(open, bytes.len() as u64, &[crate::authenticode::entry(&[7; 100])]).unwrap();
        let mut damaged = Vec::new();
        changed.stream(bytes.as_slice()).read_to_end(&mut damaged).unwrap();
        for (at, value) in flips.into_iter().chain(elsewhere) {
            if let Some(byte) = damaged.get_mut(at) {
                *byte = value;
            }
        }
        all(&damaged);
        damaged.truncate(cut);
        all(&damaged);
    }
}
