//! Bundles: what lockfiles need, in one directory; from it images are built where there is no network at all.
#![expect(clippy::disallowed_methods, reason = "tests change files and start programs")]

use std::path::PathBuf;
use std::process::Command;

use kit_tests::archive::{Archive, Package, SUITE};
use kit_tests::deb::{Tar, deb};
use kit_tests::server::with_server;
use kit_tests::small::Small;
use kit_tests::{Said, TestProject};

/// A file of a bundle that is there under its digest.
fn blobs(small: &Small) -> Vec<PathBuf> {
    let directory = small.project.path().join("vendor/blobs/sha256");
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .expect("it is there")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.sort();
    files
}

/// The same command where there is no network, not even that of the machine itself.
fn without_network(small: &Small, arguments: &[&str]) -> Said {
    let inner = small.project.command(arguments);
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--net", "--"])
        .arg(inner.get_program())
        .args(inner.get_args());
    command.current_dir(small.project.path()).env_clear();
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Said::from_output(&command.output().expect("unshare runs"))
}

#[test]
fn a_bundle_has_all_that_a_build_needs() {
    let small = Small::new();
    let said = small.kit(&["vendor", "small"]).succeeded();
    assert_eq!(said.stdout, "vendor\n");
    let before = blobs(&small);
    // Three packages, the lockfile, the project's files, the manifest and its empty configuration.
    assert_eq!(before.len(), 7, "{before:#?}");
    assert!(said.stderr.contains("note: InRelease of bookworm isn't in the bundle: "), "{said}");
    small.kit(&["vendor", "small", "--check"]).succeeded();
    let again = small.kit(&["vendor", "small"]).succeeded();
    assert!(again.stderr.contains(" 0 new"), "{again}");
    assert_eq!(blobs(&small), before);

    // An empty store, and nobody to ask.
    let other = Small::new();
    let mut copy = Command::new("cp");
    copy.arg("-r").arg(small.project.path().join("vendor")).arg(other.project.path());
    assert!(copy.status().expect("cp runs").success());
    without_network(&other, &["build", "small", "--offline"]).failed(3, &["offline"]);
    without_network(&other, &["build", "small", "--vendor", "vendor"]).succeeded();
    other.check_locked();
    without_network(&other, &["verify", "small", "--vendor", "vendor", "--offline"]).succeeded();
}

#[test]
fn what_a_bundle_lacks_is_named_and_nothing_else_is_taken() {
    let small = Small::new();
    small.kit(&["vendor", "small"]).succeeded();
    let deb = small.lock.debs.values().map(|deb| deb.sha256).min().expect("there are packages");
    let path = small.project.path().join(format!("vendor/blobs/sha256/{deb}"));
    let content = std::fs::read(&path).expect("it is there");
    let title = |sha256: &kit_hash::Sha256| {
        let deb = small.lock.debs.values().find(|deb| deb.sha256 == *sha256).expect("it is locked");
        deb.filename.rsplit('/').next().expect("a name").to_owned()
    };
    std::fs::write(&path, b"something else").expect("it can be written");
    let said = small.kit(&["vendor", "small", "--check"]);
    let said = said.failed(1, &["error[kit::vendor::incomplete]", "1 file", "kit vendor small --to vendor"]);
    assert!(said.stdout.contains(&format!("other    {}", title(&deb))), "{said}");
    let other = Small::new();
    let vendor = small.project.path().join("vendor").display().to_string();
    let build = ["build", "small", "--vendor", &vendor];
    Said::from_output(&other.project.command(&build).output().expect("kit runs"))
        .failed(3, &["error[kit::vendor::other_file]", "--check"]);
    std::fs::remove_file(&path).expect("it can be removed");
    let said = small.kit(&["vendor", "small", "--check"]).failed(1, &["kit::vendor::incomplete"]);
    assert!(said.stdout.contains(&format!("missing  {}", title(&deb))), "{said}");
    // Where it is only missing, it comes from where it would have come from else.
    let mut command = other.command(&build);
    Said::from_output(&command.output().expect("kit runs")).succeeded();
    other.check_locked();
    small.kit(&["vendor", "small"]).succeeded();
    assert_eq!(std::fs::read(&path).expect("it is there again"), content);
}

#[test]
fn a_bundle_is_named_by_the_settings_too() {
    let small = Small::new();
    small.kit(&["vendor", "small", "--to", "bundle"]).succeeded();
    small.project.write("kit.toml", "[vendor]\npath = \"bundle\"\n[store]\npath = \"other\"\n");
    let mut command = small.project.command(&["build", "--offline"]);
    command.env_remove("KIT_STORE");
    Said::from_output(&command.output().expect("kit runs")).succeeded();
    small.check_locked();
    small.project.write("kit.toml", "[vendor]\npath = \"nowhere\"\n");
    small.project.kit(&["build"]).failed(3, &["nowhere"]);
}

#[test]
fn a_bundle_has_the_project_too() {
    let small = Small::new();
    small.project.write("policy.toml", "[levels]\n\"not-verified\" = \"allow\"\n");
    small.kit(&["vendor", "small"]).succeeded();
    let elsewhere = Small::new();
    let vendor = small.project.path().join("vendor").display().to_string();
    let project = elsewhere.project.path().join("project").display().to_string();
    let unpack = ["vendor", "--to", &vendor, "--unpack", &project];
    let said = without_network(&elsewhere, &unpack).succeeded();
    assert_eq!(said.stdout, format!("{project}\n"));
    let read = |path: &str| std::fs::read(elsewhere.project.path().join("project").join(path)).expect(path);
    for path in ["policy.toml", "lockfiles/small.lock", "recipes/images/small.toml", "files/a"] {
        assert_eq!(read(path), small.project.read(path).into_bytes(), "{path}");
    }
    let build = ["--project", &project, "build", "small", "--vendor", &vendor, "--offline"];
    without_network(&elsewhere, &build).succeeded();
    kit_tests::small::check_locked(&small.lock, &elsewhere.project.path().join("project/out"));
    without_network(&elsewhere, &unpack).failed(2, &["kit::init::not_empty"]);
    let none = ["vendor", "--to", "recipes", "--unpack", "other"];
    elsewhere.project.kit(&none).failed(3, &["recipes"]);
}

/// A project with a package of a loopback archive, locked; and the archive.
fn signed() -> (TestProject, Archive) {
    let project = TestProject::with_own_store();
    let image = "[image]\nname = \"demo\"\nformats = [\"tar\"]\n[init]\npackages = [\"app\"]\n";
    project.write("recipes/images/demo.toml", image);
    let source = format!("[sources.debian]\nsuite = \"{SUITE}\"\npackages = [\"app\"]\n");
    project.write("recipes/packages/app.toml", &format!("[package]\nname = \"app\"\n{source}"));
    let data = Tar::default().file("./app", b"app").end();
    (project, Archive::new(vec![Package::new("app", deb("app", "data.tar", &data))]))
}

#[test]
fn a_bundle_proves_its_pins_from_the_signature_on() {
    let (project, archive) = signed();
    with_server(archive.site(), |server| {
        project.write_bytes("archive.pgp", &archive.keyring());
        let settings = format!("[debian]\nmirrors = [\"{}\"]\nkeyrings = [\"archive.pgp\"]\n", server.base);
        project.write("kit.toml", &settings);
        project.kit(&["lock", "demo"]).succeeded();
    });
    // The server is gone: the store has it all.
    let said = project.kit(&["vendor", "demo", "--offline"]).succeeded();
    assert!(!said.stderr.contains("isn't in the bundle"), "{said}");
    let check = || project.kit(&["vendor", "demo", "--check", "--offline"]);
    let said = check().succeeded();
    let proved = format!("proved   {SUITE} of demo: 1 pin, signed by ");
    assert!(said.stdout.contains(&proved), "{said}");
    let index = project.path().join("vendor/blobs/sha256").join(sha256(&archive.plain_index()));
    let content = std::fs::read(&index).expect("the index is in the bundle");
    std::fs::write(&index, b"another index").expect("it can be written");
    let said = check().failed(1, &["error[kit::vendor::unproved]"]);
    assert!(said.stdout.contains(&format!("broken   {SUITE} of demo: ")), "{said}");
    std::fs::remove_file(&index).expect("it is there");
    let said = check().succeeded();
    let unproved = format!("unproved {SUITE} of demo: main/binary-amd64/Packages isn't in the bundle");
    assert!(said.stdout.contains(&unproved), "{said}");
    std::fs::write(&index, content).expect("it can be written");
    // A key that nobody here trusts proves nothing.
    project.write_bytes("archive.pgp", &Archive::new(Vec::new()).keyring());
    let said = check().failed(1, &["error[kit::vendor::unproved]"]);
    assert!(said.stdout.contains("broken   "), "{said}");
}

fn sha256(text: &str) -> String {
    kit_hash::Sha256::of(text.as_bytes()).to_string()
}
