//! Disks with places for two systems: an update goes to one of them, a boot that was good is marked, and a system that doesn't come up
//! is given up for the other one.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use kit_format::gpt::{self, Slice};
use kit_tests::TestProject;
use kit_tests::booted::{PATIENCE, anyone_may, head};
use kit_tests::formats::{Seen, record};
use kit_tests::machine::{Machine, disks};

use super::samples::{Server, tool};
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
command = ["/bin/sh", "-c", "echo VERSION is ready; exec sleep inf"]
"#;

/// Firmware that forgets its variables, and a machine that starts again when it is told to.
const UEFI: &str = " -action reboot=reset -drive if=pflash,format=raw,unit=0,readonly=on,file=code.fd \
     -drive if=pflash,format=raw,unit=1,snapshot=on,file=variables.fd";

/// Where the file system for firmware begins.
const SYSTEM: &str = "@@1048576";
const MIB: u64 = 1 << 20;

/// Builds the image in a version: a disk with it, and the update to it.
fn build(project: &TestProject, version: &str) {
    let head = head("minimal", "").replace("\"kernel+initrd\"", "\"raw-efi\", \"update\"");
    let head = head.replace("\nformats", &format!("\nversion = \"{version}\"\nformats"));
    project.write("recipes/images/minimal.toml", &(head + &REST.replace("VERSION", version)));
    project.kit(&["lock", "minimal"]).succeeded();
    project.kit(&["build", "minimal"]).succeeded();
}

/// Runs a line of busybox's shell.
fn shell(project: &TestProject, line: &str) -> String {
    project.kit(&["shell", "busybox", "--bind", ".", "--", "sh", "-euc", line]).succeeded().stdout
}

/// Returns the systems that a disk has.
fn systems(project: &TestProject, disk: &str) -> Vec<String> {
    let listing = tool(project, &["mdir", "-b", "-i", &format!("{disk}{SYSTEM}"), "::/EFI/Linux"]);
    let mut names: Vec<_> =
        listing.lines().filter_map(|line| line.rsplit('/').next()).map(str::to_owned).collect();
    names.sort();
    names
}

/// Returns the partitions of a disk.
fn partitions(disk: &Path) -> Vec<Slice> {
    gpt::read(&mut File::open(disk).expect("a disk")).expect("a table").partitions
}

/// Returns the names of the partitions of a disk.
fn labels(project: &TestProject, disk: &str) -> Vec<String> {
    tool(project, &["sgdisk", "--verify", disk]);
    partitions(&project.path().join(disk)).into_iter().map(|partition| partition.label).collect()
}

/// Returns the file of an update that has this in its name, and the identifier that is there, too.
fn file(project: &TestProject, part: &str) -> (String, String) {
    let files = std::fs::read_dir(project.path().join("out/minimal-update")).expect("an update");
    let mut names = files.map(|file| file.expect("a file").file_name().into_string().expect("plain names"));
    let name = names.find(|name| name.contains(part)).expect("it is there");
    let (_, id) = name.split_once(part).expect("because it has it");
    let id = id.strip_suffix(".raw.gz").expect("its ending").to_owned();
    (name, id)
}

/// Does by hand what docs/formats.md says: puts the update that was built last into the partitions of a disk that have these numbers. Its
/// program may be tried so many times.
fn update(project: &TestProject, version: &str, numbers: [usize; 2], tries: u32, disk: &str) {
    shell(project, "cd out/minimal-update; sha256sum -c SHA256SUMS");
    let slices = partitions(&project.path().join(disk));
    for (number, (part, label)) in numbers.into_iter().zip([(".root.", "root"), (".verity.", "root-verity")])
    {
        let (name, id) = file(project, part);
        let at = slices[number - 1].bytes.start / MIB;
        let line = format!(
            "gunzip -c out/minimal-update/{name} | dd of={disk} bs=1M seek={at} conv=notrunc 2>/dev/null"
        );
        shell(project, &line);
        let (id, label) =
            (format!("--partition-guid={number}:{id}"), format!("--change-name={number}:{label}_{version}"));
        tool(project, &["sgdisk", &id, &label, disk]);
    }
    let system = format!("{disk}{SYSTEM}");
    let (from, to) = (
        format!("out/minimal-update/minimal_{version}.efi"),
        format!("::/EFI/Linux/minimal_{version}+{tries}.efi"),
    );
    tool(project, &["mcopy", "-i", &system, &from, &to]);
}

/// The server has each file of the update, where systemd-sysupdate asks for it.
fn served(project: &TestProject) {
    let server = Server::start(project, &["minimal", "--format", "update"]);
    let sums = project.read("out/minimal-update/SHA256SUMS");
    let names = sums.lines().map(|line| &line[66..]);
    for name in names.chain(["SHA256SUMS", "sysupdate.d/10-root.conf"]) {
        let answer = server.get(&format!("minimal-update/{name}"), "");
        let content =
            std::fs::read(project.path().join("out/minimal-update").join(name)).expect("it was built");
        assert!(answer.starts_with(b"HTTP/1.1 200 ") && answer.ends_with(&content), "{name}");
    }
}

/// Boots a disk until the system in it says that it is good.
fn boots(project: &TestProject, disk: &str, version: &str) {
    let until = format!("this boot is marked as good: minimal_{version}.efi");
    project.kit(&["run", disk, "--persistent", "--until", &until, "--timeout", PATIENCE]).succeeded();
}

fn write(disk: &Path, at: u64, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(disk).expect("a disk");
    file.seek(SeekFrom::Start(at)).expect("a place");
    file.write_all(bytes).expect("it is written");
}

#[test]
fn an_update_is_booted_and_one_that_never_comes_up_is_given_up_for_the_other_system() {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock").take("lockfiles/tools.lock");
    let disk = project.path().join("disk.img");
    build(&project, "9");
    std::fs::copy(project.path().join("out/minimal-efi.img"), &disk).expect("a disk");
    anyone_may(&disk, 0o666);
    assert_eq!(labels(&project, "disk.img"), ["esp", "root_9", "root-verity_9", "_empty", "_empty"]);
    assert_eq!(systems(&project, "disk.img"), ["minimal_9+3.efi"]);

    // The boot manager counts the boot, and the system says that it was good.
    boots(&project, "disk.img", "9");
    assert_eq!(systems(&project, "disk.img"), ["minimal_9.efi"]);

    build(&project, "10");
    record("update", Seen::Written);
    served(&project);
    update(&project, "10", [4, 5], 3, "disk.img");
    record("update", Seen::ReadBy("busybox"));
    assert_eq!(labels(&project, "disk.img"), ["esp", "root_9", "root-verity_9", "root_10", "root-verity_10"]);
    assert_eq!(partitions(&disk)[3].id, partitions(&project.path().join("out/minimal-efi.img"))[1].id);
    boots(&project, "disk.img", "10");
    assert_eq!(systems(&project, "disk.img"), ["minimal_10.efi", "minimal_9.efi"]);
    record("update", Seen::BootedBy("UEFI"));

    // The next one goes to the place of the first, may be tried twice, and is damaged.
    build(&project, "11");
    tool(&project, &["mdel", "-i", &format!("disk.img{SYSTEM}"), "::/EFI/Linux/minimal_9.efi"]);
    update(&project, "11", [2, 3], 2, "disk.img");
    write(&disk, partitions(&disk)[1].bytes.start + 1024 + 90, &[0x55]);
    let ovmf = firmware(&project);
    for (from, to) in [("OVMF_CODE_4M.fd", "code.fd"), ("OVMF_VARS_4M.fd", "variables.fd")] {
        project.write_bytes(to, &std::fs::read(ovmf.join(from)).expect("a file"));
    }
    let mut machine = Machine::bare(&project, "console", &format!("{UEFI}{}", disks(&["disk.img"])));
    machine.wait_for("shell: 10 is ready");
    let printed = machine.printed();
    assert_eq!(printed.matches("it isn't what kit.roothash says").count(), 2, "{printed}");
    assert_eq!(printed.matches("kit-init: rebooting").count(), 2, "{printed}");
    assert_eq!(printed.matches(" is ready").count(), 1, "{printed}");
    drop(machine);
    assert_eq!(systems(&project, "disk.img"), ["minimal_10.efi", "minimal_11+0-2.efi"]);
}
