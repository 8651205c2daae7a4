//! Disks with places for two systems: a boot that was good is marked, and one that fails is given up for the other system.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use kit_format::gpt::{self, Slice};
use kit_tests::TestProject;
use kit_tests::booted::{PATIENCE, anyone_may, head};
use kit_tests::machine::{Machine, disks};

use super::uki::firmware;

/// What the image has besides its head.
const REST: &str = r#"modules = ["button", "evdev"]

[init]
packages = ["init"]

[disk]
root = "erofs"
verity = true
slots = 2

[[service]]
name = "shell"
package = "busybox"
command = ["/bin/sh", "-c", "echo ready; exec sleep inf"]
"#;

/// Firmware that forgets its variables, and a machine that starts again when it is told to.
const UEFI: &str = " -action reboot=reset -drive if=pflash,format=raw,unit=0,readonly=on,file=code.fd \
     -drive if=pflash,format=raw,unit=1,snapshot=on,file=variables.fd";

/// Where the file system for firmware begins.
const SYSTEM: &str = "@@1048576";

/// Builds the image in a version, to a disk.
fn build(project: &TestProject, version: &str, disk: &str) {
    let head = head("minimal", "").replace("\"kernel+initrd\"", "\"raw-efi\"");
    let head = head.replace("\nformats", &format!("\nversion = \"{version}\"\nformats"));
    project.write("recipes/images/minimal.toml", &(head + REST));
    project.kit(&["lock", "minimal"]).succeeded();
    project.kit(&["build", "minimal"]).succeeded();
    copy(project, "out/minimal-efi.img", disk);
}

/// Copies a disk to one that anyone may write.
fn copy(project: &TestProject, from: &str, to: &str) {
    std::fs::copy(project.path().join(from), project.path().join(to)).expect("a disk");
    anyone_may(&project.path().join(to), 0o666);
}

/// Runs a program of the tools that read disks.
fn tool(project: &TestProject, command: &[&str]) -> String {
    project.kit(&[&["tool", "disk-tools", "--"], command].concat()).succeeded().stdout
}

/// Returns the systems that a disk has.
fn systems(project: &TestProject, disk: &str) -> Vec<String> {
    let listing = tool(project, &["mdir", "-b", "-i", &format!("{disk}{SYSTEM}"), "::/EFI/Linux"]);
    let mut names: Vec<_> =
        listing.lines().filter_map(|line| line.rsplit('/').next()).map(str::to_owned).collect();
    names.sort();
    names
}

/// Returns a partition of a disk.
fn partition(disk: &Path, label: &str) -> Slice {
    let table = gpt::read(&mut File::open(disk).expect("a disk")).expect("a table");
    table.partitions.into_iter().find(|found| found.label == label).expect("a partition")
}

/// Does what an updater does: puts the system of the first slot of one disk into the second slot of another.
fn update(project: &TestProject, from: &str, disk: &str) {
    let path = |name: &str| project.path().join(name);
    for (number, label) in [("4", ""), ("5", "-verity")] {
        let (source, target) = (
            partition(&path(from), &format!("root-a{label}")),
            partition(&path(disk), &format!("root-b{label}")),
        );
        let mut bytes = Vec::new();
        let mut file = File::open(path(from)).expect("a disk");
        file.seek(SeekFrom::Start(source.bytes.start)).expect("a place");
        file.take(source.bytes.end - source.bytes.start).read_to_end(&mut bytes).expect("its bytes");
        write(&path(disk), target.bytes.start, &bytes);
        tool(project, &["sgdisk", &format!("--partition-guid={number}:{}", source.id), disk]);
    }
    tool(project, &["mcopy", "-i", &format!("{from}{SYSTEM}"), "::/EFI/Linux/minimal_A+3.efi", "other.efi"]);
    let name = "::/EFI/Linux/minimal_B+3.efi";
    tool(project, &["mcopy", "-i", &format!("{disk}{SYSTEM}"), "other.efi", name]);
}

fn write(disk: &Path, at: u64, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(disk).expect("a disk");
    file.seek(SeekFrom::Start(at)).expect("a place");
    file.write_all(bytes).expect("it is written");
}

#[test]
fn a_good_boot_is_marked_and_a_bad_one_is_given_up_for_the_other_system() {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock").take("lockfiles/tools.lock");
    build(&project, "9", "older.img");
    build(&project, "10", "disk.img");
    tool(&project, &["sgdisk", "--verify", "disk.img"]);
    let names = ["esp", "root-a", "root-a-verity", "root-b", "root-b-verity"];
    let table =
        gpt::read(&mut File::open(project.path().join("disk.img")).expect("a disk")).expect("a table");
    assert_eq!(table.partitions.iter().map(|p| p.label.as_str()).collect::<Vec<_>>(), names);
    assert_eq!(systems(&project, "disk.img"), ["minimal_A+3.efi"]);

    // The boot manager counts the boot, and the system says that it was good.
    let until = ["--until", "this boot is marked as good: minimal_A.efi", "--timeout", PATIENCE];
    copy(&project, "older.img", "good.img");
    project.kit(&[&["run", "good.img", "--persistent"], &until[..]].concat()).succeeded();
    assert_eq!(systems(&project, "good.img"), ["minimal_A.efi"]);

    // The newer system, which may be tried twice, is damaged; the other one was never tried.
    let (system, name) = (format!("disk.img{SYSTEM}"), |tries| format!("::/EFI/Linux/minimal_A+{tries}.efi"));
    tool(&project, &["mren", "-i", &system, &name(3), &name(2)]);
    update(&project, "older.img", "disk.img");
    let root = partition(&project.path().join("disk.img"), "root-a");
    write(&project.path().join("disk.img"), root.bytes.start + 1024 + 90, &[0x55]);
    let ovmf = firmware(&project);
    for (from, to) in [("OVMF_CODE_4M.fd", "code.fd"), ("OVMF_VARS_4M.fd", "variables.fd")] {
        project.write_bytes(to, &std::fs::read(ovmf.join(from)).expect("a file"));
    }
    let mut machine = Machine::bare(&project, "console", &format!("{UEFI}{}", disks(&["disk.img"])));
    machine.wait_for("this boot is marked as good: minimal_B.efi");
    machine.wait_for("shell: ready");
    let printed = machine.printed();
    assert_eq!(printed.matches("it isn't what kit.roothash says").count(), 2, "{printed}");
    assert_eq!(printed.matches("kit-init: rebooting").count(), 2, "{printed}");
    assert_eq!(printed.matches("shell: ready").count(), 1, "{printed}");
    drop(machine);
    assert_eq!(systems(&project, "disk.img"), ["minimal_A+0-2.efi", "minimal_B.efi"]);
}
