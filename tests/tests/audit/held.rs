//! What is nearly the image of a lockfile isn't called that image, and has none of the lockfile's signatures.

use std::path::Path;

use kit_hash::Sha256;
use kit_tests::TestProject;
use kit_tests::deb::Tar;
use kit_tests::registry::Registry;
use kit_tests::repository::git;
use kit_tests::signers::{ssh_key, trust};
use kit_tests::small::Small;
use serde_json::{Value, json};

use super::opened::{bytes, report};
use super::{at, json};

/// An archive with one file, as the kernel unpacks it.
fn cpio(name: &str, content: &[u8]) -> Vec<u8> {
    let padded = |mut bytes: Vec<u8>| {
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let member = |name: &str, mode: u32, content: &[u8]| {
        let length = |bytes: usize| u32::try_from(bytes).expect("it is short");
        let numbers = [1, mode, 0, 0, 1, 0, length(content.len()), 0, 0, 0, 0, length(name.len() + 1), 0];
        let numbers = numbers.map(|number| format!("{number:08x}")).concat();
        let header = padded(format!("070701{numbers}{name}\0").into_bytes());
        [header, padded(content.to_vec())].concat()
    };
    [member(name, 0o100_755, content), member("TRAILER!!!", 0, b"")].concat()
}

/// Returns the identifiers of the findings that something isn't what the lockfile gives.
fn altered(small: &Small, named: &str) -> Vec<String> {
    let said = small.kit(&["audit", named, "--only", "supply-chain", "--json"]);
    let report = report(&said);
    assert_eq!(report["depth"]["word"], "files", "{named}: {report:#}");
    let findings = report["findings"].as_array().expect("a list").iter();
    let these = findings.filter(|finding| finding["kind"] == "image-altered");
    these.map(|finding| finding["id"].as_str().expect("an identifier").to_owned()).collect()
}

#[test]
fn an_archive_before_or_behind_an_initrd_is_told() {
    let small = Small::new();
    small.kit(&["build", "small"]).succeeded();
    let initrd = bytes(&small, "out/small-initrd.img");
    let door = cpio("init", b"door");
    small.project.write_bytes("before.img", &[&door[..], &initrd].concat());
    small.project.write_bytes("behind.img", &[&initrd[..], &door].concat());
    small.project.write_bytes("same.img", &initrd);
    assert_eq!(altered(&small, "before.img"), ["image-altered:small-initrd.img"]);
    let said = small.kit(&["audit", "before.img"]).failed(1, &["error[kit::audit::denied]"]);
    assert!(said.stdout.contains("not all of them"), "{said}");
    // Whether or not the archive behind it can be read, it isn't the same.
    let said = small.kit(&["audit", "behind.img"]);
    assert_eq!(said.code, Some(1), "{said}");
    assert!(altered(&small, "same.img").is_empty());
}

/// Puts a document into a layout, and returns its digest.
fn put(blobs: &Path, document: &Value) -> (String, usize) {
    let text = document.to_string();
    let digest = Sha256::of(text.as_bytes());
    std::fs::write(blobs.join(digest.to_string()), &text).expect("it can be written");
    (digest.oci(), text.len())
}

/// Makes an image of a layout of another user, and leaves its layers as they are.
fn change_user(layout: &Path, name: &str) {
    let blobs = layout.join("blobs/sha256");
    let blob = |digest: &Value| blobs.join(digest.as_str().expect("a digest").trim_start_matches("sha256:"));
    let path = layout.join("index.json");
    for path in [&path, &blobs] {
        kit_tests::project::make_writable(path);
    }
    let mut index = json(&path);
    let entries = index["manifests"].as_array_mut().expect("a list");
    let is_it = |entry: &&mut Value| entry["annotations"]["org.opencontainers.image.ref.name"] == name;
    let entry = entries.iter_mut().find(is_it).expect("it is there");
    let mut manifest = json(&blob(&entry["digest"]));
    let mut config = json(&blob(&manifest["config"]["digest"]));
    config["config"]["Env"] = json!(["LD_PRELOAD=/tmp/door.so"]);
    let (digest, size) = put(&blobs, &config);
    (manifest["config"]["digest"], manifest["config"]["size"]) = (json!(digest), json!(size));
    let (digest, size) = put(&blobs, &manifest);
    (entry["digest"], entry["size"]) = (json!(digest), json!(size));
    std::fs::write(path, index.to_string()).expect("it can be written");
}

#[test]
fn all_of_a_layout_is_held_against_the_lockfile() {
    let small = Small::new();
    let layout = at(&small, "out/small.oci");
    for (image, expected) in
        [("small", "image-altered:configuration"), ("small-second", "image-altered:image small-second")]
    {
        small.kit(&["build", "small"]).succeeded();
        assert!(altered(&small, "out/small.oci").is_empty());
        change_user(&layout, image);
        assert_eq!(altered(&small, "out/small.oci"), [expected]);
    }
}

#[test]
fn what_docker_goes_by_is_held_against_the_lockfile() {
    let small = Small::new();
    small.kit(&["build", "small", "--format", "docker-archive"]).succeeded();
    assert!(altered(&small, "out/small.docker.tar").is_empty());
    let mut archive = bytes(&small, "out/small.docker.tar");
    let end = archive.iter().rposition(|byte| *byte != 0).expect("it isn't empty") + 1;
    archive.truncate(end.next_multiple_of(512));
    let saved = json!([{ "Config": "other.json", "RepoTags": ["small:latest"], "Layers": [] }]);
    let more = Tar::default()
        .file("other.json", b"{\"architecture\":\"amd64\",\"os\":\"linux\"}")
        .file("manifest.json", saved.to_string().as_bytes());
    archive.extend(more.end());
    small.project.write_bytes("changed.tar", &archive);
    assert_eq!(altered(&small, "changed.tar"), ["image-altered:image of manifest.json"]);
}

#[test]
fn what_a_registry_has_is_held_against_the_lockfile() {
    let small = Small::new();
    let project = &small.project;
    small.kit(&["build", "small"]).succeeded();
    let others = TestProject::new();
    let registry = Registry::start(&others);
    let [same, other] = ["same", "other"].map(|tag| format!("{}/team/small:{tag}", registry.host()));
    small.kit(&["push", "small", &same]).succeeded();
    let layout = at(&small, "out/small.oci");
    change_user(&layout, "small");
    let mut index = json(&layout.join("index.json"));
    let is_whole = |entry: &Value| entry["annotations"]["org.opencontainers.image.ref.name"] == "small";
    index["manifests"].as_array_mut().expect("a list").retain(is_whole);
    std::fs::write(layout.join("index.json"), index.to_string()).expect("it can be written");
    small.kit(&["push", "out/small.oci", &other]).succeeded();
    std::fs::remove_dir_all(at(&small, "out")).expect("it is there");

    ssh_key(project, "alice", &["-t", "ed25519"]);
    trust(project, &["alice"], 1);
    project.write("policy.toml", "[signatures]\nquorum = 1\n");
    small.kit(&["sign", "lockfiles/small.lock", "--key", "alice"]).succeeded();
    let is_missing = |named: &str| {
        let said = small.kit(&["audit", named, "--only", "supply-chain", "--json"]);
        let report = report(&said);
        let findings = report["findings"].as_array().expect("a list");
        findings.iter().any(|finding| finding["kind"] == "signature-missing")
    };
    assert!(altered(&small, &same).is_empty());
    assert!(!is_missing(&same));
    assert_eq!(altered(&small, &other), ["image-altered:configuration"]);
    assert!(is_missing(&other), "who signed the lockfile signed another image");
    // Its own signatures are those of what was fetched.
    small.kit(&["sign", &other, "--key", "alice"]).succeeded();
    assert!(!is_missing(&other));
}

#[test]
fn only_the_lockfile_that_gives_an_image_signs_it() {
    let small = Small::new();
    let project = &small.project;
    small.kit(&["build", "small"]).succeeded();
    ssh_key(project, "alice", &["-t", "ed25519"]);
    trust(project, &["alice"], 1);
    project.write("policy.toml", "[signatures]\nquorum = 1\n");
    let is_missing = |named: &str, more: &[&str]| {
        let audit = ["audit", named, "--only", "supply-chain", "--json"];
        let report = report(&small.kit(&[&audit, more].concat()));
        let findings = report["findings"].as_array().expect("a list");
        findings.iter().any(|finding| finding["kind"] == "signature-missing")
    };
    let sign = |path: &str| {
        small.kit(&["sign", path, "--key", "alice"]).succeeded();
    };
    assert!(is_missing("out/small.tar", &[]));
    sign("lockfiles/small.lock");
    for exact in ["out/small.tar", "out/small.oci", "out/small-initrd.img"] {
        assert!(!is_missing(exact, &[]), "{exact}");
    }
    // The same files in another archive: nobody signed that.
    project.write_bytes("longer.tar", &[bytes(&small, "out/small.tar"), vec![0; 10240]].concat());
    assert!(altered(&small, "longer.tar").is_empty());
    assert!(is_missing("longer.tar", &[]));
    // A lockfile that is named is the one that is asked.
    project.write("elsewhere/kept.lock", &project.read("lockfiles/small.lock"));
    assert!(is_missing("out/small.tar", &["--lock", "elsewhere/kept.lock"]));
    sign("elsewhere/kept.lock");
    assert!(!is_missing("out/small.tar", &["--lock", "elsewhere/kept.lock"]));
    // One of history isn't the one that is there now, whoever signed that.
    git(project.path(), &["init", "--quiet"]);
    git(project.path(), &["add", "recipes", "files", "lockfiles/small.lock"]);
    git(project.path(), &["commit", "--quiet", "-m", "first"]);
    project.write("lockfiles/small.lock", "another\n");
    std::fs::remove_file(at(&small, "lockfiles/small.lock.sig")).expect("it is there");
    sign("lockfiles/small.lock");
    let said = small.kit(&["audit", "out/small.tar", "--only", "supply-chain"]);
    assert!(said.stderr.contains("of commit"), "{said}");
    assert!(is_missing("out/small.tar", &[]));
}
