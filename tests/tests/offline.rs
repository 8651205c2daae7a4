//! Without a network: what is in the store is enough, and what isn't is named.
#![expect(clippy::disallowed_methods, reason = "tests start programs")]

use std::process::Command;

use kit_tests::{Said, TestProject};

/// Runs a command of kit in a network namespace where not even the loopback interface is up.
fn without_network(project: &TestProject, arguments: &[&str]) -> Said {
    let kit = project.command(arguments);
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net"]).arg(kit.get_program()).args(kit.get_args());
    command.current_dir(project.path()).env_clear();
    for (name, value) in kit.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    Said::from_output(&command.output().expect("it runs"))
}

/// Takes `minimal` and its lockfile.
fn take_minimal(project: &TestProject) {
    project.take("recipes/images/minimal.toml").take("lockfiles/minimal.lock");
}

#[test]
fn with_everything_in_the_store_no_network_is_needed() {
    let project = TestProject::new();
    take_minimal(&project);
    project.kit(&["build"]).succeeded();
    project.kit(&["tool", "qemu", "--", "qemu-system-x86_64", "--version"]).succeeded();

    let lock = project.read("lockfiles/minimal.lock");
    for arguments in [&["build", "--offline"][..], &["build"], &["lock", "--check"], &["lock", "--offline"]] {
        without_network(&project, arguments).succeeded();
    }
    let arguments = ["run", "--offline", "--until", "shell: ready", "--timeout", "300"];
    let said = without_network(&project, &arguments).succeeded();
    assert!(said.stderr.contains("powered off in order"), "{said}");
    assert_eq!(project.read("lockfiles/minimal.lock"), lock);
}

/// An image whose sources are Debian packages alone.
const DEBIAN_ALONE: &str = r#"
[image]
name = "minimal"
formats = ["kernel+initrd"]

[kernel]
package = "kernel-debian"

[init]
packages = ["shell-tools"]

[[symlink]]
path = "/init"
target = "usr/bin/dash"
"#;

#[test]
fn what_is_missing_in_the_store_is_named() {
    let locked = TestProject::new();
    locked.take("lockfiles/minimal.lock").write("recipes/images/minimal.toml", DEBIAN_ALONE);
    locked.kit(&["lock"]).succeeded();
    let project = TestProject::with_own_store();
    project.write("recipes/images/minimal.toml", DEBIAN_ALONE);
    project.write("lockfiles/minimal.lock", &locked.read("lockfiles/minimal.lock"));
    for arguments in [&["build", "--offline"][..], &["run", "--offline"]] {
        let said = project.kit(arguments);
        said.failed(3, &["kit::http::offline", "pool/main/", ".deb", "run once without `--offline`"]);
    }
    // Without the option it is the machine that is offline.
    let said = without_network(&project, &["build"]);
    said.failed(3, &["kit::http::unreachable", "pool/main/", ".deb", "is the machine online"]);
}

#[test]
fn what_was_never_locked_cannot_be_locked_offline() {
    let project = TestProject::with_own_store();
    project.take("recipes/images/minimal.toml");
    project.kit(&["lock", "--offline"]).failed(3, &["kit::http::offline", "dists/bookworm/InRelease"]);
}
