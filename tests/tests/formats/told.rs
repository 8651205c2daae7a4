//! What a byte of an output is, in every format, and outputs handed to auditors as files.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use kit_tests::TestProject;

use super::handed_in::{altered, audited};

/// A project with the image that has every format, written.
struct Written {
    project: TestProject,
}

impl Written {
    fn new() -> Self {
        let project = TestProject::new();
        for image in ["minimal", "every-format"] {
            project.take(&format!("recipes/images/{image}.toml"));
        }
        project.take("lockfiles/every-format.lock").take("lockfiles/minimal.lock");
        project.kit(&["build", "every-format"]).succeeded();
        Self { project }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.project.path().join(file(name))
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("it was written")
    }

    /// Tells what a byte is; `texts` are in what is said, in this order.
    fn tells(&self, name: &str, offset: usize, texts: &[&str]) {
        let said = self.project.kit(&["why", &file(name), "--bytes", &offset.to_string()]).succeeded();
        let mut rest = said.stdout.as_str();
        for text in texts {
            let at = rest.find(text).unwrap_or_else(|| panic!("no `{text}` there in:\n{said}"));
            rest = &rest[at + text.len()..];
        }
    }
}

fn file(name: &str) -> String {
    format!("out/every-format{name}")
}

/// Where some bytes are in others, from a place on.
fn find(bytes: &[u8], from: usize, wanted: &[u8]) -> usize {
    let found = bytes[from..].windows(wanted.len()).position(|window| window == wanted);
    from + found.unwrap_or_else(|| panic!("no {wanted:02x?} from {from} on"))
}

#[test]
fn every_byte_is_followed_to_its_file() {
    let written = Written::new();
    let disk = written.bytes("-efi.img");
    written.tells("-efi.img", 512 + 24, &["in a disk", "GPT header, field MyLBA: `1`", "every-format.toml"]);
    let frame = find(&disk, 0, b"\x28\xb5\x2f\xfd") + 40;
    let initrd = [
        "partition 1, content of /EFI/BOOT/BOOTX64.EFI",
        "in a unified kernel image",
        "section `.initrd`",
        "in a zstd stream",
        "block 1 of zstd frame 1",
        "it unpacks to bytes 0 to",
        "holds /",
        "of ",
    ];
    written.tells("-efi.img", frame, &initrd);
    let root = find(&disk, frame, b"\xe2\xe1\xf5\xe0") + 36;
    written.tells(
        "-efi.img",
        root,
        &["partition 2, file system", "in an EROFS file system", "superblock, field blocks"],
    );
    // The same byte in containers: as it is, and in a compressed cluster.
    let vdi = written.bytes(".vdi");
    written.tells(".vdi", 368, &["in a vdi container", "header, field cbDisk: `"]);
    let root = find(&vdi, find(&vdi, 0, b"\x28\xb5\x2f\xfd"), b"\xe2\xe1\xf5\xe0") + 36;
    written.tells(
        ".vdi",
        root,
        &["in a vdi container", "in a disk", "in an EROFS file system", "superblock, field blocks"],
    );
    written.tells(".ova", 3, &["in a tar archive", "header, field name of /every-format.ovf"]);
    written.tells("-zstd.qcow2", 24, &["header, field size: `"]);
    // Clusters stand in order: the first is that of the tables.
    let cluster = find(&written.bytes("-zstd.qcow2"), 0, b"\x28\xb5\x2f\xfd") + 8;
    let tables =
        ["a compressed cluster", "it unpacks to bytes 0 to 65535", "holds protective MBR", "in a disk:"];
    written.tells("-zstd.qcow2", cluster, &tables);
    let middle = written.bytes(".img.zst").len() / 2;
    written.tells(".img.zst", middle, &["zstd stream", "holds partition"]);
    written.tells(".vhd", written.bytes(".vhd").len() - 512 + 24, &["footer, field Time Stamp: `0`"]);
    // A disc has files as they are: whose each is, is known.
    let disc = written.bytes("-root.iso");
    let pin = find(&disc, 0, b"KIT_PIN=");
    written.tells("-root.iso", pin, &["ISO 9660 file system", "content of /etc/os-release", "belongs to"]);
    written.tells("-root.iso", 0x8000 + 40, &["primary volume descriptor, field Volume Identifier: `ROOT`"]);
    let root = u32::from_le_bytes(disc[0x8000 + 158..][..4].try_into().expect("four bytes"));
    let root = usize::try_from(root).expect("a small disc") * 2048;
    written.tells("-root.iso", root + 10, &["directory, field record 1 Data Length of /: `2048`"]);
    written.tells("-squashfs.img", 8, &["a SquashFS file system", "superblock, field mod time: `"]);
    written.tells("-squashfs.img", 4096, &["compressed "]);
    let efi = written.bytes(".efi");
    let pin = find(&efi, 0, b"kit.pin=");
    written.tells(".efi", pin, &["section `.cmdline`", "every-format.toml"]);
    written.tells(".efi", find(&efi, 0, b"PE\0\0") + 8, &["headers, field TimeDateStamp: `"]);
}

/// Each file with the words for what it is.
const OPENED: [(&str, &str); 27] = [
    ("-efi.img", "a disk"),
    ("-bios.img", "a disk"),
    (".img", "a disk"),
    (".img.gz", "a disk in a container"),
    (".img.zst", "a disk in a container"),
    (".qcow2", "a disk in a container"),
    ("-zlib.qcow2", "a disk in a container"),
    ("-zstd.qcow2", "a disk in a container"),
    (".vhd", "a disk in a container"),
    ("-dynamic.vhd", "a disk in a container"),
    (".vhdx", "a disk in a container"),
    (".vmdk", "a disk in a container"),
    (".vdi", "a disk in a container"),
    (".ova", "a disk in a container"),
    ("-gcp.tar.gz", "a disk in a container"),
    (".iso", "a compact disc"),
    ("-bios.iso", "a compact disc"),
    ("-efi.iso", "a compact disc"),
    ("-efi-initrd.iso", "a compact disc"),
    ("-erofs.img", "a root file system"),
    ("-squashfs.img", "a root file system"),
    ("-root.iso", "a root file system"),
    ("-ext4.img", "a root file system"),
    ("-azure.vhd", "a disk in a container"),
    ("-hyper-v.vhdx", "a disk in a container"),
    (".efi", "a unified kernel image"),
    ("-boot.tar", "an archive of a kernel and an initrd"),
];

#[test]
fn auditors_are_handed_any_output() {
    let written = Written::new();
    for (name, words) in OPENED {
        // What is in it decides, not what it is called.
        let copy = written.project.path().join("handed-in");
        std::fs::copy(written.path(name), &copy).expect("it can be copied");
        let said = written.project.kit(&["audit", "handed-in", "--json"]);
        let text = format!("handed-in: {words}, lockfile `lockfiles/every-format.lock`");
        assert!(said.stderr.contains(&text), "{name}: {said}");
        assert_eq!(altered(&said), Vec::<String>::new(), "{name}");
        // Which lockfile it is from is told by what is in it.
        let said = written.project.kit(&["verify", "handed-in", "--lock", "lockfiles/minimal.lock"]);
        said.failed(1, &["kit::verify::other_lock", "the file carries "]);
    }
    std::fs::remove_file(written.project.path().join("handed-in")).expect("it was made");
    let lock = "lockfile `lockfiles/every-format.lock`";
    for (name, words) in [
        ("-ipxe", format!("a directory that iPXE starts from, {lock}")),
        ("-lcow", format!("a directory that Windows starts containers from, {lock}")),
        ("-erofs-initrd.img", format!("an initrd, `every-format-erofs-initrd.img` of {lock}")),
        ("-squashfs-kernel", "a kernel, `every-format-".to_owned()),
        ("-iso9660-cmdline", format!("a boot command line, `every-format-iso9660-cmdline` of {lock}")),
        ("-ipxe/boot.ipxe", format!("a script for iPXE, `every-format-ipxe/boot.ipxe` of {lock}")),
    ] {
        assert_eq!(audited(&written.project, &file(name), &words), Vec::<String>::new(), "{name}");
    }
    std::fs::write(written.path("-lcow/kernel"), "another").expect("it can be written");
    let said = written.project.kit(&["audit", "out/every-format-lcow"]);
    said.failed(1, &[]).stdout.find("image-altered:every-format-lcow/kernel").expect("it is found");
    let sbom = written.project.kit(&["sbom", "out/every-format-zstd.qcow2"]).succeeded();
    assert!(sbom.stdout.contains("busybox"), "{sbom}");
    for (name, length, text) in [
        ("-efi.img", 20 << 20, "it is cut off: the disk by its partition table ends at byte 4"),
        ("-erofs.img", 1 << 20, "the image ends before byte 2"),
        ("-bios.iso", 1 << 20, "the file ends in block 9"),
        ("-squashfs.img", 1 << 20, "it lies behind the end"),
        (".vmdk", 9 << 20, "it has no footer at its end"),
    ] {
        let file = File::options().write(true).open(written.path(name)).expect("it is there");
        file.set_len(length).expect("it can be cut");
        written.project.kit(&["audit", &self::file(name)]).failed(1, &["kit::open::damaged", text]);
    }
    let disk = File::options().read(true).write(true).open(written.path(".img")).expect("it is there");
    let place = find(&written.bytes(".img"), 0, b"\xe2\xe1\xf5\xe0") as u64;
    disk.write_all_at(b"\xff\xff\xff\xff", place + 36).expect("it can be changed");
    written.project.kit(&["audit", "out/every-format.img"]).failed(1, &[]);
}
