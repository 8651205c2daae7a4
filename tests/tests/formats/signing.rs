//! Programs on disks and discs are signed where they are: other tools and firmware take them, and nothing else of a disk is another.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;

use kit_format::gpt::{self, Guid};
use kit_format::signing;
use kit_tests::booted::{PATIENCE, head};
use kit_tests::{Said, TestProject, signers};

use super::extension;

/// What the image has besides its head.
const REST: &str = r#"
[init]
packages = ["init"]

[[service]]
name = "shell"
package = "busybox"
command = ["/bin/sh", "-c", "echo ready; exec sleep inf"]
"#;
const DISK: &str = "out/minimal-efi.img";
const SIGNED: &str = "out/minimal-efi.img.signed";
const DISC: &str = "out/minimal-efi.iso";
pub(super) const CERTIFICATE: &str = "tests/secure-boot/certificate.pem";

/// Makes a project with `minimal` as a disk, as a disc and in a container, and builds it.
fn built() -> TestProject {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock").take("lockfiles/tools.lock");
    let head = head("minimal", "").replace(r#"["kernel+initrd"]"#, r#"["raw-efi", "iso-efi", "qcow2-efi"]"#);
    project.write("recipes/images/minimal.toml", &(head + REST));
    take_keys(&project);
    project.kit(&["lock", "minimal"]).succeeded();
    project.kit(&["build", "minimal"]).succeeded();
    project
}

fn take_keys(project: &TestProject) {
    for name in ["key", "certificate"] {
        project.take(&format!("tests/secure-boot/{name}.pem"));
    }
}

fn tool(project: &TestProject, command: &[&str]) -> Said {
    project.kit(&[&["tool", "disk-tools", "--"], command].concat())
}

fn sign(project: &TestProject, file: &str) -> Said {
    project.kit(&["sign", file, "--secure-boot", "tests/secure-boot/key.pem", CERTIFICATE])
}

/// Boots a file by firmware that starts only what is signed.
fn boot(project: &TestProject, file: &str) -> Said {
    project.kit(&[
        "run",
        file,
        "--secure-boot",
        CERTIFICATE,
        "--until",
        "shell: ready",
        "--timeout",
        PATIENCE,
    ])
}

#[test]
fn programs_on_a_disk_are_signed_where_they_are() {
    let project = built();
    let said = sign(&project, DISK).succeeded();
    assert_eq!(said.stdout, format!("{SIGNED}\n"));
    assert!(said.stderr.contains("signed `/EFI/BOOT/BOOTX64.EFI` on it"), "{said}");
    others_take_it(&project);
    boot(&project, SIGNED).succeeded();
    boot(&project, DISK).failed(1, &["error[kit::run::refused]", "kit sign --secure-boot"]);
    let holes = |file: &str| {
        let metadata = project.path().join(file).metadata().expect("a file");
        metadata.len().saturating_sub(metadata.blocks() * 512)
    };
    assert!(holes(SIGNED) > 0, "what is zero takes no room");
    is_the_same_without(&project);
    sign(&project, "out/minimal-efi.qcow2").failed(1, &["error[kit::sign::failed]", "kit convert"]);
}

/// The file system, the table of partitions, the program.
fn others_take_it(project: &TestProject) {
    let mut disk = std::fs::File::open(project.path().join(SIGNED)).expect("a disk");
    let table = gpt::read(&mut disk).expect("a table");
    let system =
        table.partitions.iter().find(|one| one.kind == Guid::ESP).expect("a partition").bytes.clone();
    let mut bytes = Vec::new();
    disk.seek(SeekFrom::Start(system.start)).expect("a place");
    disk.take(system.end - system.start).read_to_end(&mut bytes).expect("it is read");
    project.write_bytes("system.img", &bytes);
    tool(project, &["fsck.fat", "-n", "-v", "system.img"]).succeeded();
    let said = tool(project, &["sgdisk", "--verify", SIGNED]).succeeded();
    assert!(said.stdout.contains("No problems found"), "{said}");
    tool(project, &["mcopy", "-n", "-i", "system.img", "::/EFI/BOOT/BOOTX64.EFI", "program.efi"]).succeeded();
    let said = tool(project, &["sbverify", "--cert", CERTIFICATE, "program.efi"]).succeeded();
    assert!(!said.stderr.contains("warning"), "{said}");
}

/// Without its signatures a signed disk is what was built; one with another byte changed isn't. This is what `kit verify` compares, which
/// builds everything again first.
fn is_the_same_without(project: &TestProject) {
    let read = |path: &str| std::fs::read(project.path().join(path)).expect("a disk");
    let (before, mut after) = (read(DISK), read(SIGNED));
    assert_ne!(before, after);
    assert!(unsigned(&after) == before);
    let last = (0..after.len()).rev().find(|at| before[*at] != after[*at]).expect("it is signed");
    // In what is free for signatures, behind them.
    after[last + 600] ^= 1;
    assert!(unsigned(&after) != before);
}

fn unsigned(disk: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let changes = signing::unsigned(&disk).expect("it is read");
    changes.stream(disk).read_to_end(&mut bytes).expect("it is read");
    bytes
}

#[test]
fn programs_on_a_disc_are_signed_too_and_for_one_run() {
    let project = built();
    sign(&project, DISC).succeeded();
    boot(&project, "out/minimal-efi.iso.signed").succeeded();
    let once = ["run", "--secure-boot", "minimal", "--format", "qcow2-efi"];
    project.kit(&[&once[..], &["--until", "shell: ready", "--timeout", PATIENCE]].concat()).succeeded();
}

/// Signs the root hash of what is in a file.
pub(super) fn sign_root_hash(project: &TestProject, file: &str) -> Said {
    take_keys(project);
    project.kit(&["sign", file, "--verity", "tests/secure-boot/key.pem", CERTIFICATE])
}

#[test]
fn root_hashes_are_signed_once_all_is_checked() {
    let project = extension::built(&[("debug", extension::DEBUG), ("settings", extension::SETTINGS)]);
    let image = "out/debug.sysext.raw";
    let said = sign_root_hash(&project, image).succeeded();
    assert_eq!(said.stdout, "out/debug.sysext.roothash.p7s\n");
    let root_hash = project.read("out/debug.sysext.roothash");
    assert!(said.stderr.contains(&format!("signed the root hash {}\n", root_hash.trim())), "{said}");
    project.write("root-hash", root_hash.trim());
    let check = |content: &str| {
        let file = ["-inform", "der", "-in", "out/debug.sysext.roothash.p7s", "-content", content];
        let by = ["-certfile", CERTIFICATE, "-CAfile", CERTIFICATE, "-purpose", "any", "-binary"];
        signers::tool(&project, &[&["openssl", "smime", "-verify"], &file[..], &by[..]].concat())
    };
    check("root-hash").succeeded();
    project.write("another", &"0".repeat(64));
    let said = check("another");
    assert!(said.stderr.contains("signature failure") || said.stderr.contains("bad signature"), "{said}");

    let words = "no partition on it is a root with a hash tree beside it";
    sign_root_hash(&project, "out/settings.confext.raw").failed(1, &["error[kit::sign::", words]);
    let mut bytes = std::fs::read(project.path().join(image)).expect("it was built");
    bytes[(1 << 20) + 100] ^= 1;
    project.write_bytes("changed.raw", &bytes);
    sign_root_hash(&project, "changed.raw").failed(1, &["error[kit::sign::", "partition 1 isn't what"]);
    assert!(!project.path().join("changed.roothash.p7s").exists(), "nothing is signed that was changed");
}
