//! `kit run` boots what kit and others write, by each firmware; `kit serve` gives it to machines that boot over the network.

use std::time::{Duration, Instant};

use kit_tests::booted::PATIENCE;
use kit_tests::formats::{Seen, record};
use kit_tests::{Said, TestProject};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::samples::Server;

/// Makes a project with `minimal`.
fn minimal() -> TestProject {
    let project = TestProject::new();
    project.take("recipes/images/minimal.toml").take("lockfiles/minimal.lock");
    project
}

/// Boots something until its service is ready.
fn boots(project: &TestProject, words: &[&str]) -> Said {
    let until = ["--until", "shell: ready", "--timeout", PATIENCE];
    project.kit(&[&["run"], words, &until[..]].concat()).succeeded()
}

#[test]
fn a_kernel_boots_directly_by_either_firmware_on_either_board_and_over_the_network() {
    let project = minimal();
    for (words, by) in [
        (&["minimal"][..], "kernel"),
        (&["minimal", "--uefi", "--tpm"], "UEFI"),
        (&["minimal", "--machine", "microvm"], "microvm"),
    ] {
        boots(&project, words);
        record("kernel+initrd", Seen::BootedBy(by));
    }
    boots(&project, &["minimal", "--netboot"]);
    record("ipxe", Seen::BootedBy("iPXE"));
    project.kit(&["build", "minimal"]).succeeded();
    record("kernel+initrd", Seen::Written);
    boots(&project, &["out/minimal-kernel"]);
}

#[test]
fn a_program_is_signed_for_one_run_and_firmware_starts_nothing_else() {
    let project = super::every::project();
    boots(&project, &["every-format", "--secure-boot", "--tpm"]);
    record("uki", Seen::BootedBy("UEFI with Secure Boot"));
    project.kit(&["build", "every-format", "--format", "uki"]).succeeded();
    let certificate = "tests/secure-boot/certificate.pem";
    project.take(certificate);
    let until = ["--until", "shell: ready", "--timeout", PATIENCE];
    let said =
        project.kit(&[&["run", "out/every-format.efi", "--secure-boot", certificate], &until[..]].concat());
    said.failed(1, &["error[kit::run::refused]", "kit sign --secure-boot"]);
    // Nothing but a program is signed.
    let disk = ["run", "every-format", "--format", "kernel+initrd", "--secure-boot"];
    project.kit(&disk).failed(1, &["error[kit::run::nothing_to_sign]", "`every-format`", "--format uki"]);
}

/// Waits until a file that another process writes has a text.
fn wait_for(project: &TestProject, path: &str, text: &str) {
    let end = Instant::now() + Duration::from_secs(PATIENCE.parse().expect("a number"));
    while !project.read(path).contains(text) {
        assert!(Instant::now() < end, "no `{text}` in:\n{}", project.read(path));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_machine_in_the_background_needs_nothing_of_who_started_it() {
    let project = super::every::project();
    // What is unpacked for it, what is signed for it, its variables, its TPM: all of that was in a directory that is gone.
    for words in [&["--format", "raw.zst", "--bios"][..], &["--secure-boot", "--tpm"]] {
        let detach = ["run", "every-format", "--detach", "--timeout", PATIENCE];
        let said = project.kit(&[&detach, words].concat()).succeeded();
        let pid = said.stdout.trim().parse().ok().and_then(Pid::from_raw);
        let pid = pid.unwrap_or_else(|| panic!("no process in {said}"));
        wait_for(&project, "out/every-format-console.log", "shell: ready");
        kill_process(pid, Signal::TERM).expect("it runs");
        let end = Instant::now() + Duration::from_secs(20);
        while test_kill_process(pid).is_ok() {
            assert!(Instant::now() < end, "the machine lives on: {words:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn disks_are_kept_only_when_somebody_says_so() {
    let project = minimal();
    boots(&project, &["minimal", "--disk", "16M", "--disk", "file=kept.img,size=4M"]);
    let kept = project.path().join("kept.img");
    assert_eq!(kept.metadata().expect("it is made").len(), 4 << 20);
}

#[test]
fn what_can_t_be_booted_is_said() {
    let project = minimal();
    project.write("text", "nothing that boots");
    let run = |words: &[&str]| project.kit(&[&["run"], words].concat());
    run(&["text"]).failed(1, &["kit::run::unknown", "`text`"]);
    run(&["recipes"]).failed(1, &["kit::run::directory", "`recipes`"]);
    run(&["./missing"]).failed(3, &["kit::project::file", "./missing"]);
    run(&["text", "--format", "uki"]).failed(2, &["kit::run::format_of_file", "leave `--format` out"]);
    run(&["minimal", "--format", "tar"]).failed(1, &["kit::run::not_bootable", "`tar`"]);
    run(&["minimal", "--machine", "microvm", "--uefi"]).failed(1, &["kit::run::board"]);
    run(&["minimal", "--secure-boot", "text"]).failed(1, &["kit::run::certificate", "X.509"]);
}

#[test]
fn an_image_is_served_with_a_script_that_boots_it() {
    let project = minimal();
    let server = Server::start(&project, &["minimal"]);
    assert_eq!(server.path, "minimal.ipxe");
    let get = |path: &str, fields: &str| String::from_utf8_lossy(&server.get(path, fields)).into_owned();
    let script = get(&server.path, "");
    assert!(
        script.contains("\r\n\r\n#!ipxe\nkernel --name kernel minimal-kernel initrd=initrd.img "),
        "{script}"
    );
    let part = get("minimal-kernel", "Range: bytes=514-517\r\n");
    assert!(part.starts_with("HTTP/1.1 206 ") && part.ends_with("\r\n\r\nHdrS"), "{part}");
    let tag = part.lines().find_map(|line| line.strip_prefix("ETag: ")).expect("it has a tag");
    let unchanged = get("minimal-kernel", &format!("If-None-Match: {tag}\r\n"));
    assert!(unchanged.starts_with("HTTP/1.1 304 "), "{unchanged}");
    assert!(get("../kit.toml", "").starts_with("HTTP/1.1 404 "));
    record("ipxe", Seen::Written);
}
