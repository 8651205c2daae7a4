//! Unified kernel images, signatures, measurements.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kit_format::efi_variables::enrol;
use kit_tests::booted::head;
use kit_tests::formats::{Seen, record};
use kit_tests::machine::Machine;
use kit_tests::{Said, TestProject};

/// What the service of the image says once it runs: the registers of the TPM, where there is one.
const SERVICE: &str = r#"
[init]
packages = ["init"]

[[service]]
name = "shell"
package = "busybox"
command = ["/bin/sh", "-c", "cd /sys/class/tpm/tpm0/pcr-sha256 && for p in 4 9 11 12; do echo register $p is $(cat $p); done; echo ready; exec sleep inf"]
binds = ["/sys:/sys"]
restart = "always"
"#;

/// Makes a project with `minimal` as a unified kernel image, and as its parts, and builds it.
fn built() -> TestProject {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock").take("lockfiles/tools.lock");
    let head = head("minimal", "").replace(r#"["kernel+initrd"]"#, r#"["uki", "kernel+initrd"]"#);
    project.write("recipes/images/minimal.toml", &(head + SERVICE));
    for name in ["key", "certificate", "other-key", "other-certificate"] {
        project.take(&format!("tests/secure-boot/{name}.pem"));
    }
    project.kit(&["lock", "minimal"]).succeeded();
    project.kit(&["build", "minimal"]).succeeded();
    project
}

fn disk_tool(project: &TestProject, command: &[&str]) -> Said {
    project.kit(&[&["tool", "disk-tools", "--"], command].concat())
}

fn sign(project: &TestProject, file: &str, whose: &str) -> Said {
    let [key, certificate] =
        ["key", "certificate"].map(|name| format!("tests/secure-boot/{whose}{name}.pem"));
    project.kit(&["sign", file, "--secure-boot", &key, &certificate])
}

fn bytes(project: &TestProject, path: &str) -> Vec<u8> {
    std::fs::read(project.path().join(path)).expect("a file")
}

/// Returns the certificate that the project signs with, in DER.
fn certificate(project: &TestProject) -> Vec<u8> {
    let text = project.read("tests/secure-boot/certificate.pem");
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(body).expect("base64")
}

#[test]
fn binutils_and_sbverify_read_it() {
    let project = built();
    sections_are_the_parts(&project);
    signatures_are_checked(&project);
}

fn sections_are_the_parts(project: &TestProject) {
    let headers = disk_tool(project, &["objdump", "-h", "-p", "out/minimal.efi"]).succeeded().stdout;
    let is_section = |line: &&str| line.contains(" 2**");
    let names: Vec<_> =
        headers.lines().filter(is_section).filter_map(|line| line.split_whitespace().nth(1)).collect();
    let added = [".osrel", ".cmdline", ".uname", ".initrd", ".linux"];
    assert_eq!(names[names.len() - added.len()..], added, "{headers}");
    assert!(names.contains(&".sbat"), "{headers}");
    assert!(headers.contains("Thu Jan  1 00:00:00 1970"), "{headers}");
    for (section, part) in [(".initrd", "initrd.img"), (".cmdline", "cmdline"), (".linux", "kernel")] {
        let only = format!("--only-section={section}");
        disk_tool(project, &["objcopy", "-O", "binary", &only, "out/minimal.efi", "section"]).succeeded();
        assert!(bytes(project, "section") == bytes(project, &format!("out/minimal-{part}")), "{section}");
    }
    disk_tool(project, &["objcopy", "-O", "binary", "--only-section=.uname", "out/minimal.efi", "section"])
        .succeeded();
    assert!(project.read("section").ends_with("-cloud-amd64"), "{}", project.read("section"));
}

fn signatures_are_checked(project: &TestProject) {
    let verify = |file: &str, whose: &str| {
        let certificate = format!("tests/secure-boot/{whose}certificate.pem");
        disk_tool(project, &["sbverify", "--cert", &certificate, file])
    };
    let said = sign(project, "out/minimal.efi", "").succeeded();
    assert_eq!(said.stdout, "out/minimal.efi.signed\n");
    let accepted = verify("out/minimal.efi.signed", "").succeeded();
    assert!(!accepted.stderr.contains("warning"), "{accepted}");
    assert_ne!(verify("out/minimal.efi.signed", "other-").code, Some(0));
    assert_ne!(verify("out/minimal.efi", "").code, Some(0));
    // The same key, file and certificate: the same bytes, however often.
    let first = bytes(project, "out/minimal.efi.signed");
    sign(project, "out/minimal.efi", "").succeeded();
    assert!(bytes(project, "out/minimal.efi.signed") == first);
    sign(project, "out/minimal.efi.signed", "").succeeded();
    assert!(bytes(project, "out/minimal.efi.signed.signed") == first);
    // Another key's stands beside it.
    sign(project, "out/minimal.efi.signed", "other-").succeeded();
    verify("out/minimal.efi.signed.signed", "").succeeded();
    verify("out/minimal.efi.signed.signed", "other-").succeeded();
    let listed = disk_tool(project, &["sbverify", "--list", "out/minimal.efi.signed.signed"]).succeeded();
    assert!(listed.stdout.contains("/CN=kit's tests") && listed.stdout.contains("signature 2"), "{listed}");
    // A byte of the kernel.
    let mut changed = first;
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    project.write_bytes("out/changed.efi", &changed);
    assert_ne!(verify("out/changed.efi", "").code, Some(0));

    let mixed = ["tests/secure-boot/key.pem", "tests/secure-boot/other-certificate.pem"];
    project
        .kit(&[&["sign", "out/minimal.efi", "--secure-boot"], &mixed[..]].concat())
        .failed(1, &["error[kit::sign::other_certificate]", "is about another key than"]);
    let swapped = ["tests/secure-boot/certificate.pem", "tests/secure-boot/key.pem"];
    project
        .kit(&[&["sign", "out/minimal.efi", "--secure-boot"], &swapped[..]].concat())
        .failed(1, &["error[kit::sign::key]", "it is the public half of a key"]);
    sign(project, "out/minimal-initrd.img", "")
        .failed(1, &["error[kit::sign::failed]", "neither a program for UEFI nor a disk"]);
}

/// Returns where UEFI firmware for virtual machines is on this machine.
pub(super) fn firmware(project: &TestProject) -> PathBuf {
    // The tool has no program: asking for one lays its files out.
    project.kit(&["tool", "ovmf", "--", "none"]).failed(2, &["kit::tool::start"]);
    let trees = std::fs::read_dir(project.store().join("materialised")).expect("a directory");
    let found = trees
        .map(|tree| tree.expect("an entry").path().join("usr/share/OVMF"))
        .find(|place| place.join("OVMF_CODE_4M.secboot.fd").is_file());
    found.expect("it was laid out")
}

/// Puts a program where firmware looks for it, and a store of variables with the project's certificate beside the firmware.
fn prepare(project: &TestProject, program: &str) {
    let ovmf = firmware(project);
    let take = |name: &str| std::fs::read(ovmf.join(name)).expect("a file");
    project.write_bytes("code.fd", &take("OVMF_CODE_4M.secboot.fd"));
    let variables = enrol(&take("OVMF_VARS_4M.fd"), &certificate(project)).expect("an empty store");
    project.write_bytes("variables.fd", &variables);
    project.write_bytes("esp/EFI/BOOT/BOOTX64.EFI", &bytes(project, program));
}

/// QEMU's arguments for firmware that checks signatures, and a disk with what it starts.
const SECURE: &str = " -machine smm=on -global driver=cfi.pflash01,property=secure,value=on \
     -drive if=pflash,format=raw,unit=0,readonly=on,file=code.fd -drive if=pflash,format=raw,unit=1,file=variables.fd \
     -blockdev driver=vvfat,node-name=esp,dir=esp,read-only=on -device virtio-blk-pci,drive=esp";
/// Those for a TPM.
const TPM: &str = " -chardev socket,id=tpm,path=tpm.socket -tpmdev emulator,id=tpm0,chardev=tpm -device tpm-tis,tpmdev=tpm0";

/// A TPM in software, which is ended when it is dropped.
struct Tpm(Child);

impl Tpm {
    fn start(project: &TestProject) -> Self {
        std::fs::create_dir(project.path().join("tpm")).expect("it is new");
        let words = "tool swtpm -- swtpm socket --tpm2 --tpmstate dir=/work/tpm --ctrl type=unixio,path=/work/tpm.socket";
        let words: Vec<_> = words.split_whitespace().collect();
        let child = project.command(&words).stdin(Stdio::null()).spawn().expect("kit runs");
        let socket = project.path().join("tpm.socket");
        while !socket.exists() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Self(child)
    }
}

impl Drop for Tpm {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// What firmware with keys does, and what a TPM then has.
#[test]
fn firmware_starts_what_is_signed_and_measures_what_was_foretold() {
    let project = built();
    sign(&project, "out/minimal.efi", "").succeeded();
    prepare(&project, "out/minimal.efi.signed");
    let tpm = Tpm::start(&project);
    let mut machine = Machine::bare(&project, "console", &format!("{SECURE}{TPM}"));
    machine.wait_for("shell: ready");
    record("uki", Seen::BootedBy("UEFI with Secure Boot"));
    let registers = registers(&machine.printed());
    drop((machine, tpm));
    let text = project.kit(&["measurements", "minimal"]).succeeded().stdout;
    let foretold: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(registers.len(), 4, "{registers:?}");
    for (number, value) in registers {
        assert_eq!(foretold["secure-boot-pcrs"][&number]["sha256"], value, "register {number}");
    }
}

/// Reads what the service printed of the registers.
fn registers(printed: &str) -> BTreeMap<String, String> {
    let register = |line: &str| {
        let (number, value) = line.trim().strip_prefix("shell: register ")?.split_once(" is ")?;
        Some((number.to_owned(), value.to_lowercase()))
    };
    printed.lines().filter_map(register).collect()
}

#[test]
fn firmware_with_keys_refuses_what_is_not_signed() {
    let project = built();
    prepare(&project, "out/minimal.efi");
    let mut machine = Machine::bare(&project, "console", SECURE);
    machine.wait_for("Access Denied");
    assert!(!machine.printed().contains("kit-init: up"), "{}", machine.printed());
    drop(machine);
    // By a key that it doesn't know.
    sign(&project, "out/minimal.efi", "other-").succeeded();
    prepare(&project, "out/minimal.efi.signed");
    let mut machine = Machine::bare(&project, "console", SECURE);
    machine.wait_for("Access Denied");
}
