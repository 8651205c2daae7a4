//! What is too long, too large, or one name twice to a file system: told where it can't be held, whole where it can.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};

use kit_tests::{Said, TestProject};

use super::matrix::{BOARD_KERNEL, firmware, package};
use super::samples::tool;

/// The place of device trees in a kernel's package.
const PLACE: &str = "usr/lib/linux-image-1.0/broadcom";

/// What is in memory, and a card, which has FAT, as small as they get.
const BOARD: &str = r#"
[image]
name = "board"
architecture = "arm64"
formats = ["rpi-disk"]

[kernel]
package = "kernel-board"

[init]
packages = ["init-board"]
"#;

/// Locks an image for a board whose kernel has these device trees besides the one that it needs.
fn board(trees: &[(&str, u64)], more: &str) -> Said {
    let project = TestProject::new();
    let arm64 = "architecture = \"arm64\"\n";
    let kernel = [&[0; 56][..], BOARD_KERNEL].concat();
    let needed = format!("{PLACE}/bcm2-rpi-a.dtb");
    package(&project, "kernel-board", arm64, &[("boot/vmlinuz-1.0", &kernel), (&needed, b"tree")]);
    package(&project, "init-board", arm64, &[("init", b"first")]);
    firmware(&project);
    for (name, size) in trees {
        sparse(&project, &format!("kernel-board/{PLACE}/{name}"), *size);
    }
    project.write("recipes/images/board.toml", &format!("{BOARD}{more}"));
    project.kit(&["lock", "board"])
}

/// Writes a file of so many bytes: a hole, then the word `end`.
fn sparse(project: &TestProject, path: &str, size: u64) {
    project.write(path, "");
    let mut file = File::options().write(true).open(project.path().join(path)).expect("it is ours");
    file.seek(SeekFrom::Start(size.saturating_sub(3))).expect("a place");
    file.write_all(b"end").expect("it is written");
}

/// Makes a project with `minimal`, which has these files in `/odd` and whose root is a file system of its own.
fn project(format: &str, files: &[(&str, &[u8])]) -> TestProject {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock").take("lockfiles/tools.lock");
    let options = b"CONFIG_SQUASHFS=y\nCONFIG_SQUASHFS_ZSTD=y\nCONFIG_ISO9660_FS=y\n";
    package(&project, "kernel", "", &[("boot/vmlinuz-1.0", b"not one"), ("boot/config-1.0", options)]);
    package(&project, "odd", "", files);
    write(&project, format);
    project
}

fn write(project: &TestProject, format: &str) {
    let image = format!(
        "[image]\nname = \"minimal\"\nformats = [\"{format}\"]\n[kernel]\npackage = \"kernel\"\ncmdline = \"quiet\"\n\
         [init]\npackages = [\"init\", \"odd\"]\n"
    );
    project.write("recipes/images/minimal.toml", &image);
}

#[test]
fn what_fat_can_not_hold_is_told() {
    board(&[], "").succeeded();
    let refused = |trees: &[(&str, u64)], more: &str, words: &[&str]| {
        let written = ["error[kit::format::write]", "`output board rpi-disk`"];
        board(trees, more).failed(1, &[&written, words].concat());
    };
    let words =
        "`/bcm2-rpi-A.dtb` and `/bcm2-rpi-a.dtb` are one name to FAT, which knows no upper and lower case";
    refused(&[("bcm2-rpi-A.dtb", 3)], "", &[words]);
    let words = "the name of `/bcm2-rpi-a:b.dtb` can't stand in a FAT file system: it has the character ':'";
    refused(&[("bcm2-rpi-a:b.dtb", 3)], "", &[words]);
    let words = "`/bcm2-rpi-large.dtb` has 4294967296 bytes; FAT holds less than 4 GiB";
    refused(&[("bcm2-rpi-large.dtb", 1 << 32)], "", &[words]);
    let words = [
        "the disk needs ",
        " more than the given 8388608; ",
        "; largest: `/bcm2-rpi-large.dtb` (100000), `/",
        "raise `size` in `[disk]`",
    ];
    refused(&[("bcm2-rpi-large.dtb", 100_000)], "[disk]\nsize = \"8M\"\n", &words);
}

#[test]
fn names_that_differ_in_case_alone_are_two_on_a_disc() {
    let files: [(&str, &[u8]); 3] =
        [("odd/name", b"first"), ("odd/NAME", b"second"), ("odd/a:b*c?d", b"third")];
    let project = project("kernel+iso", &files);
    project.kit(&["lock", "minimal"]).succeeded();
    project.kit(&["build", "minimal"]).succeeded();
    let listed = |names: &str| -> Vec<String> {
        let said = tool(&project, &["isoinfo", names, "-f", "-i", "out/minimal-root.iso"]);
        let folded = |name: &str| if names == "-J" { name.to_lowercase() } else { name.to_owned() };
        said.lines().filter(|name| name.starts_with("/odd/")).map(folded).collect()
    };
    let mut names = listed("-R");
    names.sort();
    assert_eq!(names, ["/odd/NAME", "/odd/a:b*c?d", "/odd/name"]);
    // What knows no case, and fewer characters, has other names for them.
    let mut names = listed("-J");
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(!names.concat().contains([':', '*', '?']), "{names:?}");
}

#[test]
fn a_file_of_more_than_4_gib_is_told_or_whole() {
    const SIZE: u64 = 4_300_000_003;
    let project = project("kernel+initrd", &[]);
    sparse(&project, "odd/large", SIZE);
    let words = [
        "error[kit::format::write]",
        "`/large` has 4300000003 bytes; cpio holds less than 4 GiB",
        "help: take a root that is no initrd: `kernel+erofs`",
    ];
    project.kit(&["lock", "minimal"]).failed(1, &words);
    for (format, file) in [("kernel+squashfs", "squashfs.img"), ("kernel+iso", "root.iso")] {
        write(&project, format);
        project.kit(&["lock", "minimal"]).succeeded();
        project.kit(&["build", "minimal"]).succeeded();
        let file = format!("out/minimal-{file}");
        let listed = if format == "kernel+iso" {
            tool(&project, &["xorriso", "-indev", &file, "-lsl", "/large", "--"])
        } else {
            tool(&project, &["unsquashfs", "-lln", &file, "large"])
        };
        assert!(listed.contains(" 4300000003 "), "{listed}");
        std::fs::remove_file(project.path().join(&file)).expect("it was built");
    }
}
