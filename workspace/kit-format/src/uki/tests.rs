use std::io::Read as _;

use kit_tree::blobs::MemoryBlobs;
use proptest::prelude::*;

use super::*;
use crate::authenticode::unsigned;
use crate::locate::Open;
use crate::pe::tests::{program, stub};

pub(crate) struct Sample {
    pub(crate) blobs: MemoryBlobs,
    pub(crate) parts: Parts,
}

pub(crate) fn sample(os_release: &str, cmdline: &str, initrd: &[u8], kernel: &[u8]) -> Sample {
    let blobs = MemoryBlobs::new();
    let put = |bytes: &[u8]| Content { blob: blobs.insert(bytes.to_vec()), size: bytes.len() as u64 };
    let parts = Parts {
        machine: Program::X86_64,
        stub: stub(),
        os_release: os_release.as_bytes().to_vec(),
        cmdline: cmdline.as_bytes().to_vec(),
        uname: "6.1".to_owned(),
        initrd: put(initrd),
        kernel: put(kernel),
        device_tree: None,
        sbat: Vec::new(),
    };
    Sample { blobs, parts }
}

pub(crate) fn kernel() -> Vec<u8> {
    program(Program::X86_64, &[(".text", b"kernel")], b"")
}

impl Sample {
    fn written(&self) -> Vec<u8> {
        let layout = layout(&self.parts, &self.blobs).unwrap();
        let mut bytes = Vec::new();
        layout.stream(&self.blobs).read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len() as u64, layout.len());
        bytes
    }

    fn refused(&self) -> String {
        layout(&self.parts, &self.blobs).unwrap_err().to_string()
    }
}

/// Shows where the sections of a program are.
fn dump(bytes: &[u8]) -> String {
    let program = Program::parse(bytes, bytes.len() as u64).unwrap();
    let row = |section: &Section| {
        let Section { size, address, file_size, file_offset, characteristics, .. } = section;
        let name = section.name();
        format!("{name:8} {size:6x} {address:6x} {file_size:6x} {file_offset:6x} {characteristics:8x}\n")
    };
    let rows: String = program.sections.iter().map(row).collect();
    let checksum = u32::from_le_bytes(bytes[0xd8..0xdc].try_into().unwrap());
    format!("headers {:x} memory {:x} checksum {checksum:x}\n{rows}", program.headers, program.image_size)
}

#[test]
fn the_bytes_are_pinned() {
    let sample = sample("NAME=x\n", "console=ttyS0", &[1; 5000], &kernel());
    let bytes = sample.written();
    let expected = "\
headers 400 memory 9000 checksum 6049
.text         4   1000    200    400 60000020
.sbat         7   2000    200    600 60000020
.osrel        7   3000    200    800 40000040
.cmdline      d   4000    200    a00 40000040
.uname        3   5000    200    c00 40000040
.initrd    1388   6000   1400    e00 40000040
.linux      600   8000    600   2200 40000040
";
    assert_eq!(dump(&bytes), expected);
    assert_eq!(bytes[0x88..0x94], [0; 12], "neither time nor symbols");
    let digest = BlobId::of(&bytes).to_string();
    assert_eq!(
        (REVISION, digest.as_str()),
        (1, "2b58fc827f3c8116047d49f8faf242b95534ef3341d12d826f081c542775aeca")
    );
}

#[test]
fn it_is_its_own_identity() {
    let bytes = sample("NAME=x\n", "quiet", &[1; 5000], &kernel()).written();
    let open: Open<'_> = &|| Ok(Box::new(bytes.as_slice()));
    let changed = unsigned(open, bytes.len() as u64).unwrap();
    let mut again = Vec::new();
    changed.stream(bytes.as_slice()).read_to_end(&mut again).unwrap();
    assert!(again == bytes);
}

#[test]
fn what_is_behind_the_sections_of_the_stub_is_left_out() {
    let mut sample = sample("NAME=x\n", "quiet", b"initrd", &kernel());
    let bytes = sample.written();
    sample.parts.stub.extend([7; 1000]);
    assert!(sample.written() == bytes);
}

#[test]
fn lines_are_added_to_the_revocation_list() {
    let mut sample = sample("NAME=x\n", "quiet", b"initrd", &kernel());
    sample.parts.sbat = b"kit,1\n".to_vec();
    let bytes = sample.written();
    let open: Open<'_> = &|| Ok(Box::new(bytes.as_slice()));
    let uki = read(open, bytes.len() as u64).unwrap().unwrap();
    assert_eq!(uki.section(open, ".sbat", 100).unwrap().unwrap(), b"sbat,1\nkit,1\n");
    sample.parts.sbat = vec![b'x'; 506];
    assert_eq!(sample.refused(), "`.sbat` would have 513 bytes, and the stub has room for 512");
    sample.parts.stub = program(Program::X86_64, &[(".text", b"code")], b"");
    assert_eq!(sample.refused(), "`.sbat` would have 506 bytes, and the stub has room for 0");
}

#[test]
fn parts_that_make_no_image_are_refused() {
    let refused = |change: &dyn Fn(&mut Sample)| {
        let mut sample = sample("NAME=x\n", "quiet", b"initrd", &kernel());
        change(&mut sample);
        sample.refused()
    };
    let kernel_is = |bytes: Vec<u8>| {
        refused(&|sample| {
            sample.parts.kernel.size = bytes.len() as u64;
            sample.parts.kernel.blob = sample.blobs.insert(bytes.clone());
        })
    };
    assert_eq!(kernel_is(vec![0; 2000]), "the kernel has no EFI stub, so firmware can't start it");
    let arm = program(Program::AARCH64, &[(".text", b"kernel")], b"");
    assert_eq!(kernel_is(arm), "the kernel is for 64-bit ARM, the stub for x86-64");
    assert_eq!(
        kernel_is(vec![0x1f, 0x8b, 8, 0]),
        "the kernel is a compressed file, which firmware can't unpack"
    );
    assert_eq!(
        refused(&|sample| sample.parts.machine = Program::AARCH64),
        "the stub is for x86-64, the image for 64-bit ARM"
    );
    let stub_is = |bytes: Vec<u8>| refused(&|sample| sample.parts.stub.clone_from(&bytes));
    assert_eq!(stub_is(Vec::new()), "the stub is no program to begin a unified kernel image with");
    let used = program(Program::X86_64, &[(".linux", b"kernel")], b"");
    assert_eq!(stub_is(used), "the stub has a section `.linux` already");
    let mut low = stub();
    low[0x188 + 13] = 0x02;
    assert_eq!(
        stub_is(low),
        "the headers need 1024 bytes for all sections, and the stub's first section begins at 512"
    );
    assert_eq!(
        refused(&|sample| sample.parts.cmdline = b"a\0b".to_vec()),
        "`.cmdline` has a zero byte at 1, where it would end"
    );
    assert_eq!(refused(&|sample| sample.parts.uname.clear()), "`.uname` is empty");
    let large = "with `.initrd` the image has 4294967296 bytes, and a program has less than 4 GiB";
    assert_eq!(refused(&|sample| sample.parts.initrd.size = 1 << 32), large);
}

proptest! {
    #[test]
    fn what_was_put_in_is_read_back(
        os_release in "[A-Z]{1,20}=[a-z]{0,800}\n",
        cmdline in "[a-z=., ]{1,700}",
        initrd in prop::collection::vec(any::<u8>(), 1..3000),
        tree in prop::option::of(prop::collection::vec(any::<u8>(), 1..3000)),
    ) {
        let mut sample = sample(&os_release, &cmdline, &initrd, &kernel());
        sample.parts.device_tree =
            tree.as_ref().map(|tree| Content { blob: sample.blobs.insert(tree.clone()), size: tree.len() as u64 });
        let bytes = sample.written();
        let open: Open<'_> = &|| Ok(Box::new(bytes.as_slice()));
        let uki = read(open, bytes.len() as u64).unwrap().unwrap();
        let section = |name: &str| uki.section(open, name, 1 << 20).unwrap();
        prop_assert_eq!(section(".osrel"), Some(os_release.into_bytes()));
        prop_assert_eq!(section(".cmdline"), Some(cmdline.into_bytes()));
        prop_assert_eq!(section(".uname"), Some(b"6.1".to_vec()));
        prop_assert_eq!(section(".initrd"), Some(initrd));
        prop_assert_eq!(section(".linux"), Some(kernel()));
        prop_assert_eq!(section(".dtb"), tree);
        // No two of them share memory, and nothing in the file is in none.
        let mut end = u64::from(uki.program.headers);
        let mut address = 0;
        for section in &uki.program.sections {
            prop_assert_eq!(section.file_range().start, end);
            prop_assert!(u64::from(section.address) >= address);
            end = section.file_range().end;
            address = section.address_end();
        }
        prop_assert_eq!(end, bytes.len() as u64);
        prop_assert!(address <= u64::from(uki.program.image_size));
    }
}
