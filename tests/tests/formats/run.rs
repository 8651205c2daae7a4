//! `kit run` boots what kit and others write, by each firmware; `kit serve` gives it to machines that boot over the network.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

use kit_tests::booted::PATIENCE;
use kit_tests::formats::{Seen, record};
use kit_tests::{Said, TestProject};

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
    let mut child = project
        .command(&["serve", "minimal", "--port", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("kit runs");
    let mut address = String::new();
    BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut address).expect("a line");
    let address = address.trim().strip_prefix("http://").expect("an address").to_owned();
    let (host, script) = address.split_once('/').expect("a path");
    assert_eq!(script, "minimal.ipxe");
    let get = |path: &str, fields: &str| {
        let mut stream = TcpStream::connect(host).expect("it listens");
        write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n").expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        String::from_utf8_lossy(&answer).into_owned()
    };
    let script = get(script, "");
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
    child.kill().expect("it runs");
    child.wait().expect("it is our own");
    record("ipxe", Seen::Written);
}
