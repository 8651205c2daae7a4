//! Tools of others read each format, and find in it what is to be there.

use std::fs::File;

use kit_hash::{BlobId, Sha256};
use kit_tests::formats::{Seen, record};
use kit_tests::{Said, TestProject};

use super::disks::partition;

/// Files of the image `every-format`, all of them written.
pub(super) struct Written<'a>(pub(super) &'a TestProject);

impl Written<'_> {
    /// Runs a program of a locked tool.
    fn tool(&self, tool: &str, command: &[&str]) -> Said {
        self.0.kit(&[&["tool", tool, "--"], command].concat())
    }

    fn disk_tool(&self, command: &[&str]) -> String {
        self.tool("disk-tools", command).succeeded().stdout
    }

    /// Runs a program of busybox, which the image has: none of the tools unpacks what is compressed by gzip.
    fn busybox(&self, command: &[&str]) -> Said {
        self.0.kit(&[&["shell", "busybox", "--bind", ".", "--"], command].concat()).succeeded()
    }

    fn digest(&self, name: &str) -> BlobId {
        let file = File::open(self.0.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        BlobId::of_reader(file).expect("a file that can be read").0
    }

    fn remove(&self, names: &[&str]) {
        for name in names {
            std::fs::remove_file(self.0.path().join(name)).expect("it is there");
        }
    }

    /// Fails unless the emulator's tool finds the same disk in both files.
    fn same_disk(&self, kind: &str, name: &str) {
        let said = self.disk_tool(&["qemu-img", "compare", "-f", kind, "-F", "raw", name, DISK]);
        assert!(said.contains("Images are identical"), "{name}: {said}");
    }

    /// The tools that know containers read those that another test of this module doesn't.
    pub(super) fn containers(&self) {
        for (format, file) in [
            ("vhd", "every-format.vhd"),
            ("dynamic-vhd", "every-format-dynamic.vhd"),
            ("azure", "every-format-azure.vhd"),
        ] {
            let file = format!("out/{file}");
            self.same_disk("vpc", &file);
            let info = self.disk_tool(&["qemu-img", "info", "-f", "vpc", "--output=json", &file]);
            let info: serde_json::Value = serde_json::from_str(&info).expect("it is JSON");
            let size = info["virtual-size"].as_u64().expect("a number");
            assert!(format != "azure" || size.is_multiple_of(1 << 20), "whole MiB: {info}");
            record(format, Seen::ReadBy("qemu-img"));
        }
        self.busybox(&["gunzip", "-c", "-t", "out/every-format.img.gz"]);
        self.busybox(&["sh", "-c", "gunzip -c out/every-format.img.gz > gunzipped"]);
        assert_eq!(self.digest("gunzipped"), self.digest(DISK));
        record("raw.gz", Seen::ReadBy("busybox"));
        let unzstd = ["zstd", "--decompress", "--quiet", "out/every-format.img.zst", "-o", "unzstd"];
        self.tool("zstd", &unzstd).succeeded();
        assert_eq!(self.digest("unzstd"), self.digest(DISK));
        record("raw.zst", Seen::ReadBy("zstd"));
        self.remove(&["gunzipped", "unzstd"]);
    }

    /// Archives with a disk in them.
    pub(super) fn packages(&self) {
        let tar = |words: &[&str]| self.tool("gnu-tar", &[&["tar"], words].concat()).succeeded().stdout;
        let listed = tar(&["--extract", "--verbose", "--file=out/every-format.ova"]);
        assert_eq!(listed, "every-format.ovf\nevery-format.mf\nevery-format.vmdk\n");
        let names = ["every-format.ovf", "every-format.vmdk"];
        let manifest = names.map(|name| {
            let bytes = std::fs::read(self.0.path().join(name)).expect("a member");
            format!("SHA256({name})= {}\n", Sha256::of(&bytes))
        });
        assert_eq!(self.0.read("every-format.mf"), manifest.concat());
        self.same_disk("vmdk", "every-format.vmdk");
        for tool in ["tar", "qemu-img"] {
            record("ova", Seen::ReadBy(tool));
        }
        self.busybox(&["sh", "-c", "gunzip -c out/every-format-gcp.tar.gz > gcp.tar"]);
        assert_eq!(tar(&["--extract", "--verbose", "--sparse", "--file=gcp.tar"]), "disk.raw\n");
        let size = self.0.path().join("disk.raw").metadata().expect("it is there").len();
        assert!(size.is_multiple_of(1 << 30), "whole GiB: {size}");
        // The table of partitions fits the larger disk: the second copy is at its end.
        let verified = self.disk_tool(&["sgdisk", "--verify", "disk.raw"]);
        assert!(verified.contains("No problems found"), "{verified}");
        for label in ["bios", "esp", "root", "root-verity", "data"] {
            let (bytes, id) = partition(self.0, "disk.raw", label);
            assert!((bytes, id) == partition(self.0, DISK, label), "{label}");
        }
        for tool in ["busybox", "tar", "sgdisk"] {
            record("gcp", Seen::ReadBy(tool));
        }
        self.remove(&["every-format.ovf", "every-format.mf", "every-format.vmdk", "gcp.tar", "disk.raw"]);
    }

    /// Tables of partitions, and what is in the partitions.
    pub(super) fn disks(&self) {
        for (format, file) in [("raw-bios", "-bios.img"), ("raw-efi", "-efi.img"), ("raw-hybrid", ".img")] {
            let disk = format!("out/every-format{file}");
            let verified = self.disk_tool(&["sfdisk", "--verify", &disk]);
            assert!(verified.contains("No errors detected"), "{verified}");
            record(format, Seen::ReadBy("sfdisk"));
            self.boot_partition(format, &disk);
            let ((root, root_id), (hashes, hashes_id)) =
                (partition(self.0, &disk, "root"), partition(self.0, &disk, "root-verity"));
            let root_hash = format!("{root_id}{hashes_id}").replace('-', "");
            self.0.write_bytes("root", &root).write_bytes("hashes", &hashes);
            let verify = || self.tool("disk-tools", &["veritysetup", "verify", "root", "hashes", &root_hash]);
            verify().succeeded();
            record(format, Seen::ReadBy("veritysetup"));
            self.disk_tool(&["fsck.erofs", "root"]);
            record(format, Seen::ReadBy("fsck.erofs"));
        }
        self.remove(&["boot", "root", "hashes"]);
    }

    /// The file system that firmware, or GRUB, reads.
    fn boot_partition(&self, format: &str, disk: &str) {
        self.0.write_bytes("boot", &partition(self.0, disk, "esp").0);
        self.disk_tool(&["fsck.fat", "-n", "-V", "boot"]);
        let listing = self.disk_tool(&["mdir", "-/", "-b", "-i", "boot", "::/"]);
        let wanted = if format == "raw-bios" { "::/boot/grub/grub.cfg" } else { "::/EFI/BOOT/BOOTX64.EFI" };
        assert!(listing.lines().any(|line| line == wanted), "{format}: no `{wanted}` in {listing}");
        for tool in ["fsck.fat", "mdir"] {
            record(format, Seen::ReadBy(tool));
        }
    }

    /// What a PE file is made of, and its signature.
    pub(super) fn program(&self) {
        for name in ["key", "certificate"] {
            self.0.take(&format!("tests/secure-boot/{name}.pem"));
        }
        let file = "out/every-format.efi";
        let headers = self.disk_tool(&["objdump", "-h", file]);
        for (section, part) in [(".initrd", "initrd.img"), (".cmdline", "cmdline"), (".linux", "kernel")] {
            assert!(headers.contains(section), "{headers}");
            let only = format!("--only-section={section}");
            self.disk_tool(&["objcopy", "-O", "binary", &only, file, "section"]);
            assert_eq!(self.digest("section"), self.digest(&format!("out/every-format-{part}")), "{section}");
        }
        record("uki", Seen::ReadBy("objdump"));
        let [key, certificate] = ["key", "certificate"].map(|name| format!("tests/secure-boot/{name}.pem"));
        self.0.kit(&["sign", file, "--secure-boot", &key, &certificate]).succeeded();
        self.disk_tool(&["sbverify", "--cert", &certificate, &format!("{file}.signed")]);
        record("uki", Seen::ReadBy("sbverify"));
        self.remove(&["section", "out/every-format.efi.signed"]);
    }

    /// What is loaded by others than firmware: the kernel, what is unpacked into memory, and the script that names both.
    pub(super) fn directories(&self) {
        for format in ["ipxe", "lcow"] {
            let place = format!("out/every-format-{format}");
            let initrd = format!("{place}/initrd.img");
            self.initrd(&initrd, &["init", "usr/bin/kit-init", "etc/motd"]);
            record(format, Seen::ReadBy("zstd"));
            record(format, Seen::ReadBy("cpio"));
            let kernel = self.disk_tool(&["objdump", "-f", &format!("{place}/kernel")]);
            assert!(kernel.contains("pei-x86-64"), "{format}: {kernel}");
            record(format, Seen::ReadBy("objdump"));
        }
        // Windows has drivers for its own machine in it.
        let drivers = self.tool("cpio", &["cpio", "--list", "--quiet", "--file=initrd"]).succeeded().stdout;
        assert!(drivers.contains("/hv_vmbus.ko"), "{drivers}");
        let script = self.0.read("out/every-format-ipxe/boot.ipxe");
        let cmdline = self.0.read("out/every-format-ipxe/cmdline");
        assert!(script.starts_with("#!ipxe\n") && script.contains(cmdline.trim_end()), "{script}");
        self.remove(&["initrd"]);
    }

    /// Unpacks an initrd to the file `initrd`, and fails unless it has these files.
    fn initrd(&self, path: &str, names: &[&str]) {
        let unpack = ["zstd", "--decompress", "--quiet", "--force", path, "-o", "initrd"];
        self.tool("zstd", &unpack).succeeded();
        let listed = self.tool("cpio", &["cpio", "--list", "--quiet", "--file=initrd"]).succeeded().stdout;
        for name in names {
            assert!(listed.lines().any(|line| line == *name), "{path}: no `{name}` in {listed}");
        }
    }

    /// Discs as a tool that isn't xorriso reads them.
    pub(super) fn discs(&self) {
        for (format, file, bootable, listed) in [
            ("kernel+iso", "-root.iso", false, "/usr/bin/kit-init"),
            ("iso-bios", "-bios.iso", true, "/usr/bin/kit-init"),
            ("iso-efi", "-efi.iso", true, "/usr/bin/kit-init"),
            ("iso-hybrid", ".iso", true, "/usr/bin/kit-init"),
            ("iso-efi-initrd", "-efi-initrd.iso", true, ""),
        ] {
            let disc = format!("out/every-format{file}");
            let info = self.disk_tool(&["isoinfo", "-d", "-i", &disc]);
            assert!(info.contains("Rock Ridge signatures version 1 found"), "{format}: {info}");
            assert_eq!(info.contains("Bootid 88 (bootable)"), bootable, "{format}: {info}");
            let names = self.disk_tool(&["isoinfo", "-R", "-f", "-i", &disc]);
            assert!(names.lines().any(|name| name == listed) || listed.is_empty(), "{format}: {names}");
            record(format, Seen::ReadBy("isoinfo"));
        }
    }
}

/// The disk that others hold.
const DISK: &str = "out/every-format.img";
