//! Each format as `kit build` writes it: pinned, read back, and booted.

use kit_recipe::image::Format;
use kit_tests::TestProject;
use kit_tests::booted::PATIENCE;
use kit_tests::formats::{Seen, record};

use super::readers::Written;

/// Makes a project with the image that has every format.
pub(super) fn project() -> TestProject {
    let project = TestProject::new();
    for image in ["minimal", "every-format"] {
        project.take(&format!("recipes/images/{image}.toml"));
    }
    project.take("lockfiles/every-format.lock").take("lockfiles/tools.lock");
    project
}

/// Boots a format until its service is ready.
fn boots(project: &TestProject, format: &str, firmware: &str, by: &str) {
    let mut words = vec!["run", "every-format", "--format", format];
    words.extend(firmware.split_whitespace());
    words.extend(["--until", "shell: ready", "--timeout", PATIENCE]);
    project.kit(&words).succeeded();
    record(format, Seen::BootedBy(by));
}

#[test]
fn each_is_written_as_the_lockfile_has_it() {
    let project = project();
    let said = project.kit(&["build", "every-format"]).succeeded();
    let again = project.kit(&["build", "every-format"]).succeeded();
    assert_eq!(said.stdout, again.stdout);
    for format in Format::listed() {
        // Extensions and updates are of images of their own, and boards are for other processors.
        let format_of = Format::from_word(format);
        if matches!(format_of, Some(Format::Extension(_) | Format::Update | Format::RaspberryPi(_))) {
            continue;
        }
        record(format, Seen::Written);
    }
    let tool = |words: &[&str]| project.kit(&[&["tool"], words].concat()).succeeded().stdout;
    for (format, file) in [
        ("qcow2", "every-format.qcow2"),
        ("qcow2+zlib", "every-format-zlib.qcow2"),
        ("qcow2+zstd", "every-format-zstd.qcow2"),
        ("vhdx", "every-format.vhdx"),
        ("vdi", "every-format.vdi"),
        ("vmdk", "every-format.vmdk"),
    ] {
        tool(&["disk-tools", "--", "qemu-img", "check", "-q", &format!("out/{file}")]);
        let same = ["qemu-img", "compare", "-q", &format!("out/{file}"), "out/every-format.img"];
        tool(&[&["disk-tools", "--"], &same[..]].concat());
        record(format, Seen::ReadBy("qemu-img"));
    }
    tool(&["disk-tools", "--", "qemu-img", "check", "-q", "out/every-format-hyper-v.vhdx"]);
    record("hyper-v", Seen::ReadBy("qemu-img"));
    let file = "out/every-format-aws.raw";
    let said = tool(&["disk-tools", "--", "sgdisk", "--verify", file]);
    assert!(said.contains("No problems found"), "{said}");
    record("aws", Seen::ReadBy("sgdisk"));
    for (format, file) in [("raw-bios", "-bios.img"), ("raw-efi", "-efi.img"), ("raw-hybrid", ".img")] {
        let file = format!("out/every-format{file}");
        let said = tool(&["disk-tools", "--", "sgdisk", "--verify", &file]);
        assert!(said.contains("No problems found"), "{said}");
        record(format, Seen::ReadBy("sgdisk"));
    }
    tool(&["disk-tools", "--", "fsck.erofs", "out/every-format-erofs.img"]);
    record("kernel+erofs", Seen::ReadBy("fsck.erofs"));
    tool(&["disk-tools", "--", "unsquashfs", "-stat", "out/every-format-squashfs.img"]);
    record("kernel+squashfs", Seen::ReadBy("unsquashfs"));
    tool(&["disk-tools", "--", "e2fsck", "-fn", "out/every-format-ext4.img"]);
    record("kernel+ext4", Seen::ReadBy("e2fsck"));
    for (format, file) in [
        ("kernel+iso", "-root.iso"),
        ("iso-bios", "-bios.iso"),
        ("iso-efi", "-efi.iso"),
        ("iso-hybrid", ".iso"),
        ("iso-efi-initrd", "-efi-initrd.iso"),
    ] {
        let file = format!("out/every-format{file}");
        tool(&["disk-tools", "--", "xorriso", "-indev", &file, "-check_media", "--"]);
        record(format, Seen::ReadBy("xorriso"));
    }
    let written = Written(&project);
    written.containers();
    written.packages();
    written.disks();
    written.program();
    written.discs();
    written.directories();
}

#[test]
fn roots_that_are_not_copied_boot() {
    let project = project();
    for format in ["kernel+erofs", "kernel+squashfs", "kernel+iso", "kernel+ext4"] {
        boots(&project, format, "", "kernel");
    }
    boots(&project, "uki", "", "UEFI");
    boots(&project, "ipxe", "", "iPXE");
    boots(&project, "lcow", "", "kernel");
    boots(&project, "iso-bios", "", "BIOS");
    boots(&project, "iso-efi", "", "UEFI");
    boots(&project, "iso-efi-initrd", "", "UEFI");
    boots(&project, "iso-hybrid", "--bios", "BIOS");
    boots(&project, "iso-hybrid", "--uefi", "UEFI");
}

#[test]
fn disks_boot_whatever_they_are_in() {
    let project = project();
    boots(&project, "raw-bios", "", "BIOS");
    boots(&project, "raw-efi", "", "UEFI");
    boots(&project, "raw-hybrid", "--bios", "BIOS");
    boots(&project, "raw-hybrid", "--uefi", "UEFI");
    for format in [
        "raw.gz",
        "raw.zst",
        "qcow2",
        "qcow2+zlib",
        "qcow2+zstd",
        "vhd",
        "dynamic-vhd",
        "vhdx",
        "vmdk",
        "vdi",
    ] {
        boots(&project, format, "--bios", "BIOS");
    }
    for format in ["ova", "gcp", "azure", "aws", "hyper-v"] {
        boots(&project, format, "--uefi", "UEFI");
    }
}
