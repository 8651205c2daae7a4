//! Signatures: made by kit and accepted by the tools whose keys they are, and the other way round.

use std::path::{Path, PathBuf};
use std::process::Command;

use kit_tests::program::repository;
use kit_tests::{Said, TestProject};

/// Runs one of the tools on files of a project.
fn tool(project: &TestProject, arguments: &[&str]) -> Said {
    let place = repository().join("tests/signers").display().to_string();
    project.kit(&[&["--project", &place, "tool", "signers", "--"], arguments].concat())
}

/// A project with a file to sign, and keys of each kind that their own tools made.
fn project() -> TestProject {
    let project = TestProject::new();
    project.write("image", &"an image\n".repeat(1000));
    let key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "alice", "-f", "alice"];
    tool(&project, &key).succeeded();
    let key = ["ssh-keygen", "-q", "-t", "ecdsa", "-b", "256", "-N", "secret", "-C", "bob", "-f", "bob"];
    tool(&project, &key).succeeded();
    tool(&project, &["minisign", "-G", "-W", "-p", "carol.pub", "-s", "carol"]).succeeded();
    let key =
        ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "dave"];
    tool(&project, &key).succeeded();
    tool(&project, &["openssl", "pkey", "-in", "dave", "-pubout", "-out", "dave.pub"]).succeeded();
    project.write("passphrase", "secret\n");
    project
}

fn trust(project: &TestProject, names: &[&str], needed: usize) {
    let keys = names.iter().map(|name| format!("{name} = \"{name}.pub\"\n")).collect::<Vec<_>>().concat();
    project.write("kit.toml", &format!("[signatures]\nneeded = {needed}\n[signatures.keys]\n{keys}"));
}

fn at(project: &TestProject, name: &str) -> PathBuf {
    project.path().join(name)
}

#[test]
fn the_tools_accept_what_kit_signs() {
    let project = project();
    let sign = |key: &str, to: &str, more: &[&str]| {
        project.kit(&[&["sign", "image", "--key", key, "--to", to], more].concat()).succeeded();
    };
    sign("alice", "alice.sig", &[]);
    sign("bob", "bob.sig", &["--passphrase-file", "passphrase"]);
    sign("carol", "image.minisig", &[]);
    sign("dave", "dave.sig", &[]);
    for name in ["alice", "bob"] {
        let key = project.read(&format!("{name}.pub"));
        project.write("allowed", &format!("{name} {key}"));
        let signature = format!("{name}.sig");
        let verify =
            ["ssh-keygen", "-Y", "verify", "-n", "file", "-f", "allowed", "-I", name, "-s", &signature];
        read_by(&project, "image", &verify).succeeded();
        project.write("other", "another image");
        assert_ne!(read_by(&project, "other", &verify).code, Some(0));
    }
    tool(&project, &["minisign", "-V", "-p", "carol.pub", "-m", "image"]).succeeded();
    let plain = base64(&at(&project, "dave.sig"));
    project.write_bytes("dave.raw", &plain);
    let verify = ["openssl", "dgst", "-sha256", "-verify", "dave.pub", "-signature", "dave.raw", "image"];
    tool(&project, &verify).succeeded();
    // The same key and bytes give the same signature.
    let first = project.read("dave.sig");
    sign("dave", "again.sig", &[]);
    assert_eq!(project.read("again.sig"), first);
}

/// Runs one of the tools with a file on its standard input.
fn read_by(project: &TestProject, file: &str, arguments: &[&str]) -> Said {
    let place = repository().join("tests/signers").display().to_string();
    let mut command = project.command(&[&["--project", &place, "tool", "signers", "--"], arguments].concat());
    command.stdin(std::fs::File::open(at(project, file)).expect("it is there"));
    Said::from_output(&command.output().expect("kit runs"))
}

fn base64(path: &Path) -> Vec<u8> {
    let output = Command::new("base64").arg("-d").arg(path).output().expect("base64 runs");
    assert!(output.status.success());
    output.stdout
}

#[test]
fn enough_trusted_keys_have_to_sign() {
    let project = project();
    let verify = || project.kit(&["verify", "--signatures", "image"]);
    verify().failed(1, &["error[kit::verify::nobody_trusted]", "[signatures.keys]"]);
    trust(&project, &["alice", "carol", "dave"], 2);
    verify().failed(1, &["error[kit::verify::not_signed]"]);
    project.kit(&["sign", "image", "--key", "alice"]).succeeded();
    verify().failed(1, &["error[kit::verify::not_signed]"]);
    // A key that nobody trusts counts for nothing, and no signature of another key is lost.
    let sign = ["sign", "image", "--key", "bob", "--passphrase-file", "passphrase"];
    project.kit(&sign).failed(1, &["error[kit::sign::signed_before]", "image.2.sig"]);
    project.kit(&[&sign[..], &["--to", "image.2.sig"]].concat()).succeeded();
    let said = verify().failed(1, &["error[kit::verify::not_signed]"]);
    assert!(said.stdout.contains("unknown") && said.stdout.contains("by alice"), "{said}");
    project.kit(&["sign", "image", "--key", "carol"]).succeeded();
    let said = verify().succeeded();
    assert!(said.stdout.contains("2 of 2 needed"), "{said}");
    // Signatures that the tools made count as well.
    std::fs::remove_file(at(&project, "image.sig")).expect("it is there");
    tool(&project, &["ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", "alice", "image"]).succeeded();
    verify().succeeded();
    project.write("image", "another image");
    let said = verify().failed(1, &["error[kit::verify::not_signed]"]);
    assert!(said.stdout.contains("wrong"), "{said}");
}

#[test]
fn statements_are_put_into_envelopes() {
    let project = project();
    trust(&project, &["alice", "dave"], 2);
    project.write("statement.json", "{\"_type\":\"https://in-toto.io/Statement/v1\"}\n");
    let sign = |key: &str| project.kit(&["sign", "statement.json", "--envelope", "--key", key]);
    sign("alice").succeeded();
    let verify = || project.kit(&["verify", "--signatures", "statement.json.dsse"]);
    verify().failed(1, &["error[kit::verify::not_signed]"]);
    sign("dave").succeeded();
    verify().succeeded();
    let envelope = project.read("statement.json.dsse");
    project.write("statement.json", "{\"_type\":\"something else\"}\n");
    sign("dave").failed(1, &["error[kit::sign::other_envelope]"]);
    assert_eq!(project.read("statement.json.dsse"), envelope);
    // A letter of what is signed, changed.
    let at = envelope.find("payload\":\"").expect("there is a payload") + 30;
    let letter = if envelope.as_bytes()[at] == b'A' { "B" } else { "A" };
    project.write("statement.json.dsse", &format!("{}{letter}{}", &envelope[..at], &envelope[at + 1..]));
    verify().failed(1, &["error[kit::verify::not_signed]"]);
}

#[test]
fn without_an_agent_that_is_said() {
    let project = project();
    project
        .kit(&["sign", "image", "--agent", "alice.pub"])
        .failed(3, &["error[kit::sign::agent]", "ssh-agent"]);
    let mut command = project.command(&["sign", "image", "--agent", "alice.pub"]);
    command.env("SSH_AUTH_SOCK", at(&project, "nowhere"));
    Said::from_output(&command.output().expect("kit runs"))
        .failed(3, &["error[kit::sign::agent]", "nowhere"]);
}

#[test]
fn what_can_t_be_used_as_a_key_is_said() {
    let project = project();
    project.write("text", "no key");
    project.kit(&["sign", "image", "--key", "text"]).failed(1, &["error[kit::sign::key]"]);
    project
        .kit(&["sign", "image", "--key", "alice.pub"])
        .failed(1, &["error[kit::sign::key]", "without `.pub`"]);
    project.write("wrong", "another passphrase\n");
    let sign = ["sign", "image", "--key", "bob", "--passphrase-file", "wrong"];
    project.kit(&sign).failed(1, &["error[kit::sign::key]", "passphrase"]);
    project.kit(&["sign", "image"]).failed(2, &["--key"]);
    assert!(!at(&project, "image.sig").exists());
}
