//! Bundles: what lockfiles need, in one directory; from it images are built where there is no network at all.
#![expect(clippy::disallowed_methods, reason = "tests change files and start programs")]

use std::path::PathBuf;
use std::process::Command;

use kit_tests::Said;
use kit_tests::small::Small;

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
    // Three packages, the lockfile, the manifest and its empty configuration; the state of the suite where the store has it.
    assert!((6..=7).contains(&before.len()), "{before:#?}");
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
