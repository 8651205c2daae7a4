//! Signatures: made by kit and accepted by the tools whose keys they are, and the other way round.

use std::path::{Path, PathBuf};
use std::process::Command;

use kit_tests::signers::{Agent, pem_key, ssh_key, tool, tool_reading, trust};
use kit_tests::small::Small;
use kit_tests::{Said, TestProject, validators};

use super::found;

/// A project with a file to sign, and keys of each kind that their own tools made.
fn project() -> TestProject {
    let project = TestProject::new();
    project.write("image", &"an image\n".repeat(1000));
    ssh_key(&project, "alice", &["-t", "ed25519"]);
    let key = ["ssh-keygen", "-q", "-t", "ecdsa", "-b", "256", "-N", "secret", "-C", "bob", "-f", "bob"];
    tool(&project, &key).succeeded();
    tool(&project, &["minisign", "-G", "-W", "-p", "carol.pub", "-s", "carol"]).succeeded();
    pem_key(&project, "dave");
    project.write("passphrase", "secret\n");
    project
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
        tool_reading(&project, "image", &verify).succeeded();
        project.write("other", "another image");
        assert_ne!(tool_reading(&project, "other", &verify).code, Some(0));
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

#[test]
fn an_agent_signs_with_each_kind_of_key() {
    let project = TestProject::new();
    project.write("image", "an image\n");
    let agent = Agent::start(&project);
    let kinds: [(&str, &[&str]); 5] = [
        ("ed25519", &["-t", "ed25519"]),
        ("p256", &["-t", "ecdsa", "-b", "256"]),
        ("p384", &["-t", "ecdsa", "-b", "384"]),
        ("p521", &["-t", "ecdsa", "-b", "521"]),
        ("rsa", &["-t", "rsa", "-b", "2048"]),
    ];
    let names = kinds.map(|(name, _)| name);
    for (name, kind) in kinds {
        ssh_key(&project, name, kind);
    }
    trust(&project, &names, names.len());
    let sign = |name: &str| {
        let (key, to) = (format!("{name}.pub"), format!("image.{name}.sig"));
        agent.kit(&project, &["sign", "image", "--agent", &key, "--to", &to])
    };
    sign("rsa").failed(3, &["error[kit::sign::agent]", "refused"]);
    for name in names {
        agent.add(&project.read(name));
        sign(name).succeeded();
        project.write("allowed", &format!("{name} {}", project.read(&format!("{name}.pub"))));
        let signature = format!("image.{name}.sig");
        let verify =
            ["ssh-keygen", "-Y", "verify", "-n", "file", "-f", "allowed", "-I", name, "-s", &signature];
        tool_reading(&project, "image", &verify).succeeded();
    }
    project.kit(&["verify", "--signatures", "image"]).succeeded();
    // The same by files: where the library would draw a number, or take a time that tells of the key, it is said.
    for name in ["p521", "rsa"] {
        project.kit(&["sign", "image", "--key", name]).failed(1, &["error[kit::sign::key]", "ssh-add"]);
    }
    project.kit(&["sign", "image", "--key", "p384", "--to", "again.sig"]).succeeded();
    project.write("statement.json", "{\"_type\":\"https://in-toto.io/Statement/v1\"}\n");
    for name in names {
        let key = format!("{name}.pub");
        agent.kit(&project, &["sign", "statement.json", "--envelope", "--agent", &key]).succeeded();
    }
    project.kit(&["verify", "--signatures", "statement.json.dsse"]).succeeded();
}

#[test]
fn keys_with_a_passphrase_are_those_of_openssl() {
    let project = project();
    for (name, options) in [("sealed", &["-v2", "aes-256-cbc"][..]), ("scrypt", &["-scrypt"][..])] {
        let seal =
            ["openssl", "pkcs8", "-topk8", "-in", "dave", "-out", name, "-passout", "file:/work/passphrase"];
        tool(&project, &[&seal[..], options].concat()).succeeded();
        let to = format!("image.{name}.sig");
        let sign = ["sign", "image", "--key", name, "--passphrase-file", "passphrase", "--to", &to];
        project.kit(&sign).succeeded();
    }
    trust(&project, &["dave"], 1);
    let said = project.kit(&["verify", "--signatures", "image"]).succeeded();
    assert_eq!(said.stdout.matches("by dave").count(), 2, "{said}");
    project.write("wrong", "another\n");
    let sign = ["sign", "image", "--key", "sealed", "--passphrase-file", "wrong"];
    project.kit(&sign).failed(1, &["error[kit::sign::key]", "passphrase"]);
}

#[test]
fn a_key_that_others_can_read_is_told() {
    let project = project();
    let said = project.kit(&["sign", "image", "--key", "alice"]).succeeded();
    assert!(!said.stderr.contains("others"), "{said}");
    open_to_others(&project, "alice");
    let said = project.kit(&["sign", "image", "--key", "alice"]).succeeded();
    assert!(said.stderr.contains("chmod 600 alice"), "{said}");
}

fn open_to_others(project: &TestProject, name: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(at(project, name), std::fs::Permissions::from_mode(0o644)).expect("it is there");
}

#[test]
fn envelopes_are_accepted_by_another_implementation() {
    let project = project();
    project.write("statement.json", "{\"_type\":\"https://in-toto.io/Statement/v1\"}\n");
    tool(&project, &["openssl", "genpkey", "-algorithm", "ed25519", "-out", "erin"]).succeeded();
    tool(&project, &["openssl", "pkey", "-in", "erin", "-pubout", "-out", "erin.pub"]).succeeded();
    for key in ["dave", "erin"] {
        project.kit(&["sign", "statement.json", "--envelope", "--key", key]).succeeded();
    }
    // Where the validator looks for the keys.
    for key in ["dave", "erin"] {
        project.write(&format!("statement.json.dsse.{key}.pub"), &project.read(&format!("{key}.pub")));
    }
    validators::accepted("dsse", &at(&project, "statement.json.dsse"));
    let envelope = project.read("statement.json.dsse");
    let changed = envelope.replacen("eyJfdHlwZSI", "eyJfdHlwZSJ", 1);
    assert_ne!(changed, envelope);
    project.write("statement.json.dsse", &changed);
    assert!(validators::said("dsse", &at(&project, "statement.json.dsse")).is_some());
}

#[test]
fn a_policy_asks_for_signatures_of_the_image() {
    let small = Small::new();
    let project = &small.project;
    for name in ["alice", "bob"] {
        ssh_key(project, name, &["-t", "ed25519"]);
    }
    project.write("policy.toml", "[signatures]\nquorum = 2\n");
    let missing = || {
        let ids = found(&small, &["--only", "supply-chain"]);
        ids.iter().any(|id| id.starts_with("signature-missing"))
    };
    assert!(missing(), "nobody is trusted, so nobody has signed");
    trust(project, &["alice", "bob"], 1);
    assert!(missing());
    small.kit(&["build", "small"]).succeeded();
    let mut outputs: Vec<_> =
        std::fs::read_dir(at(project, "out")).expect("it was built").flatten().collect();
    outputs.sort_by_key(std::fs::DirEntry::path);
    let outputs: Vec<_> = outputs.iter().map(|entry| entry.path().display().to_string()).collect();
    let sign = |key: &str, what: &str, to: &str| {
        // What signs an image of a layout is in the layout.
        let to = if at(project, what).is_dir() { &[][..] } else { &["--to", to] };
        small.kit(&[&["sign", what, "--key", key], to].concat()).succeeded();
    };
    for (number, output) in outputs.iter().enumerate() {
        assert!(missing(), "{number} of {} are signed", outputs.len());
        sign("alice", output, &format!("{output}.alice.sig"));
        sign("bob", output, &format!("{output}.bob.sig"));
    }
    assert!(!missing());
    // What is there and isn't the image counts for nothing, and takes nothing away.
    std::fs::remove_file(format!("{}.bob.sig", outputs[0])).expect("it is there");
    assert!(missing());
    // The lockfile names all outputs.
    sign("bob", "lockfiles/small.lock", "lockfiles/small.lock.sig");
    assert!(!missing());
    sign("alice", "lockfiles/small.lock", "lockfiles/small.lock.alice.sig");
    let said = small.kit(&["audit", "lockfiles/small.lock", "--only", "supply-chain"]);
    assert!(!said.stdout.contains("signature-missing"), "{said}");
}

#[test]
fn a_signed_layout_is_still_what_was_built() {
    let small = Small::new();
    let project = &small.project;
    for name in ["alice", "dave"] {
        pem_key(project, name);
    }
    trust(project, &["alice", "dave"], 2);
    small.kit(&["build", "small"]).succeeded();
    for name in ["alice", "dave"] {
        small.kit(&["sign", "out/small.oci", "--key", name]).succeeded();
    }
    small.kit(&["verify", "--signatures", "out/small.oci"]).succeeded();
    small.kit(&["verify", "out/small.oci"]).succeeded();

    // Another image, which says that it is about the one that is signed.
    let index_path = at(project, "out/small.oci/index.json");
    let mut index = super::json(&index_path);
    let blob = |digest: &str| format!("out/small.oci/blobs/sha256/{}", digest.trim_start_matches("sha256:"));
    let subject = index["manifests"][0].clone();
    let digest = subject["digest"].as_str().expect("a text");
    let mut other = super::json(&at(project, &blob(digest)));
    other["subject"] = serde_json::json!({
        "mediaType": subject["mediaType"], "digest": digest, "size": subject["size"],
    });
    let other = other.to_string();
    let sha256 = kit_hash::Sha256::of(other.as_bytes());
    project.write(&blob(&sha256.oci()), &other);
    let entry = serde_json::json!({
        "mediaType": subject["mediaType"], "digest": sha256.oci(), "size": other.len(),
    });
    index["manifests"].as_array_mut().expect("a list").push(entry);
    project.write("out/small.oci/index.json", &index.to_string());
    small.kit(&["verify", "out/small.oci"]).failed(1, &["error[kit::verify::other_file]"]);
    small.kit(&["verify", "--signatures", "out/small.oci"]).failed(1, &["error[kit::verify::not_signed]"]);
}
