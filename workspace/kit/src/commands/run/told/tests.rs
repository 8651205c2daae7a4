use std::io::Write as _;

use super::*;

fn file(parts: &[(usize, &[u8])]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    for (offset, bytes) in parts {
        file.seek(SeekFrom::Start(*offset as u64)).unwrap();
        file.write_all(bytes).unwrap();
    }
    file
}

fn told(parts: &[(usize, &[u8])]) -> Content {
    content(&mut file(parts)).unwrap()
}

#[test]
fn containers_are_told_by_their_magic() {
    for (offset, magic, container) in [
        (0, &b"QFI\xfb"[..], Container::Qcow2),
        (0, b"conectix", Container::Vhd),
        (0, b"vhdxfile", Container::Vhdx),
        (0, b"KDMV", Container::Vmdk),
        (0x40, &[0x7f, 0x10, 0xda, 0xbe], Container::Vdi),
    ] {
        assert_eq!(told(&[(offset, magic)]), Content::Disk(container, EITHER));
    }
    let fixed = told(&[(0, b"\xeb"), (510, b"\x55\xaa"), (4096, b"conectix"), (4607, b"\0")]);
    assert_eq!(fixed, Content::Disk(Container::Vhd, Starts { bios: true, uefi: false }));
}

#[test]
fn what_starts_a_disk_is_in_its_first_sectors() {
    let signature = (510, &b"\x55\xaa"[..]);
    let end = (2047, &b"\0"[..]);
    let raw = |bios, uefi| Content::Disk(Container::Raw, Starts { bios, uefi });
    assert_eq!(told(&[(0, b"\xeb\x63"), signature, end]), raw(true, false));
    assert_eq!(told(&[(446 + 4, b"\xee"), signature, (512, b"EFI PART"), end]), raw(false, true));
    assert_eq!(told(&[(0, b"\xeb\x63"), signature, (512, b"EFI PART"), end]), raw(true, true));
}

#[test]
fn what_starts_a_disc_is_in_its_boot_catalogue() {
    let disc = |catalogue: &[u8]| {
        told(&[
            (16 * 2048, b"\x01CD001\x01"),
            (17 * 2048, b"\0CD001\x01EL TORITO SPECIFICATION"),
            (17 * 2048 + 0x47, &20_u32.to_le_bytes()),
            (20 * 2048, catalogue),
            (30 * 2048, b"\0"),
        ])
    };
    let entry = |first: u8, second: u8| [&[first, second][..], &[0; 30]].concat();
    let starts = |bios, uefi| Content::Disc(Starts { bios, uefi });
    assert_eq!(disc(&[entry(1, 0), entry(0x88, 0)].concat()), starts(true, false));
    assert_eq!(disc(&[entry(1, 0xef), entry(0x88, 0)].concat()), starts(false, true));
    let both = [entry(1, 0), entry(0x88, 0), entry(0x91, 0xef), entry(0x88, 0)].concat();
    assert_eq!(disc(&both), starts(true, true));
    assert_eq!(told(&[(16 * 2048, b"\x01CD001\x01"), (30 * 2048, b"\0")]), starts(false, false));
    // A catalogue behind the end.
    let cut = told(&[
        (16 * 2048, b"\x01CD001\x01"),
        (17 * 2048, b"\0CD001\x01EL TORITO SPECIFICATION"),
        (17 * 2048 + 0x47, &u32::MAX.to_le_bytes()),
    ]);
    assert_eq!(cut, starts(false, false));
}

#[test]
fn programs_kernels_and_strangers() {
    assert_eq!(told(&[(0, b"MZ"), (2000, b"\0")]), Content::Program);
    assert_eq!(told(&[(0, b"MZ"), (0x202, b"HdrS")]), Content::Kernel);
    assert_eq!(told(&[(0, b"MZ"), (0x38, b"ARM\x64")]), Content::Kernel);
    assert_eq!(told(&[(0, b"\x28\xb5\x2f\xfd")]), Content::Packed);
    assert_eq!(told(&[(257, b"ustar\0"), (512, b"\0")]), Content::Archive);
    assert_eq!(told(&[(0, b"hsqs")]), Content::Stranger("a SquashFS file system"));
    assert_eq!(told(&[]), Content::Stranger("empty"));
    assert_eq!(told(&[(0, b"text")]), Content::Stranger("nothing that kit knows"));
}

#[test]
fn a_kernel_is_booted_with_what_its_command_line_names() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let write = |name: &str, text: &str| crate::project::write_file(&path(name), text.as_bytes()).unwrap();
    for file in ["kernel", "initrd.img"] {
        write(&format!("web-erofs-{file}"), "");
    }
    write("web-erofs-cmdline", "quiet\n");
    write("web-erofs.img", "");
    let kernel = path("web-erofs-kernel");
    let direct = |cmdline: &str, root: Option<PathBuf>| Boot::Direct {
        kernel: kernel.clone(),
        initrd: Some(path("web-erofs-initrd.img")),
        cmdline: cmdline.to_owned(),
        root: root.map(|file| (file, Writes::Kept)),
    };
    let kernel_of = |path: &Path| super::kernel(path, path, Writes::Kept);
    assert_eq!(kernel_of(&kernel).unwrap(), direct("quiet", None));
    write("web-erofs-cmdline", "kit.root=erofs:disk");
    let root = Some(path("web-erofs.img"));
    assert_eq!(kernel_of(&kernel).unwrap(), direct("kit.root=erofs:disk", root));
    write("web-erofs-cmdline", "kit.root=iso9660:disk");
    let missing = kernel_of(&kernel).unwrap_err().to_string();
    assert!(missing.contains("`web-erofs-root.iso` is not beside it"), "{missing}");
}
