//! What a format can't hold, and what is in the way of its file: told at both ends, with a way out.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kit_hash::BlobId;
use kit_tests::{Said, TestProject};
use rustix::process::{Pid, Signal, kill_process_group};

use super::root::{ODD, layer};

/// Nothing of it boots: formats look at no more than its headers.
const KERNEL: &str = r#"
[package]
name = "kernel"

[[file]]
path = "/boot/vmlinuz-1.0"
contents = "not one"

[[file]]
path = "/boot/config"
contents = "CONFIG_SQUASHFS=y\nCONFIG_ISO9660_FS=y\nCONFIG_EROFS_FS=y\n"
"#;

/// Makes a project whose image has this format and, besides the init, this package.
fn project(package: &str) -> TestProject {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock").take("lockfiles/tools.lock");
    project.write("recipes/packages/kernel.toml", KERNEL);
    project.write("recipes/packages/odd.toml", package);
    project
}

/// Locks the image in a format.
fn lock(project: &TestProject, format: &str) -> Said {
    let image = format!(
        "[image]\nname = \"minimal\"\nformats = [\"{format}\"]\n[kernel]\npackage = \"kernel\"\ncmdline = \"console=ttyS0\"\n\
         [init]\npackages = [\"init\", \"odd\"]\n"
    );
    project.write("recipes/images/minimal.toml", &image);
    project.kit(&["lock", "minimal"])
}

/// A package with a file.
fn file(path: &str, more: &str) -> String {
    format!("[package]\nname = \"odd\"\n[[file]]\npath = \"{path}\"\ncontents = \"x\"\n{more}")
}

#[test]
fn names_that_are_too_long_are_told() {
    let name = "n".repeat(255);
    let project = project(&file(&format!("/odd/{name}"), ""));
    let words = format!("the name of `/odd/{name}` has 255 bytes; Linux reads 253 of an ISO");
    let help = "help: change the file, leave it out by `exclude`, or take a format whose root is EROFS";
    lock(&project, "kernel+iso").failed(1, &["error[kit::format::write]", "iso9660", &words, help]);
    // Linux has no longer ones, so all others hold it.
    for format in ["kernel+initrd", "kernel+erofs", "kernel+squashfs", "tar"] {
        lock(&project, format).succeeded();
    }
    project.write("recipes/packages/odd.toml", &file(&format!("/odd/{name}n"), ""));
    lock(&project, "tar").failed(1, &["error[kit::recipe::", "255"]);
}

#[test]
fn attributes_that_a_format_has_no_place_for_are_told() {
    let project = project(&ODD.replace("LONG", "long"));
    project.write_bytes("odd.tar", &layer(true));
    let words = "`/odd/attribute` has the extended attribute `user.kit`, which an ISO can't hold";
    lock(&project, "kernel+iso").failed(1, &[words, "help: change the file", "`kernel+erofs`"]);
    let words = "`/odd/attribute` has the extended attribute `user.kit`, which cpio can't hold";
    lock(&project, "kernel+initrd").failed(1, &[words, "help: take a root that is no initrd"]);
    lock(&project, "kernel+erofs").succeeded();
}

#[test]
fn owners_above_the_limit_are_told_where_they_are_written() {
    let project = project(&file("/odd/file", "uid = 4294967295\n"));
    let words = "must be from 0 to 4294967294";
    lock(&project, "tar").failed(1, &["error[kit::recipe::out_of_range]", "4294967295", words]);
    project.write("recipes/packages/odd.toml", &file("/odd/file", "uid = 4294967294\n"));
    for format in ["tar", "kernel+initrd", "kernel+erofs", "kernel+squashfs", "kernel+iso"] {
        lock(&project, format).succeeded();
    }
}

#[test]
fn a_kernel_that_firmware_can_not_start_is_told() {
    let project = project(&file("/odd/file", ""));
    for format in ["uki", "iso-efi", "raw-efi"] {
        let words = "the kernel has no EFI stub, so firmware can't start it";
        let missing = "it has no `MZ` at its byte 0";
        lock(&project, format).failed(1, &[words, missing, "help: take a kernel with `CONFIG_EFI_STUB=y`"]);
    }
    project.write("recipes/packages/kernel.toml", &KERNEL.replace("vmlinuz-1.0", "vmlinuz"));
    let words = "the kernel's package has neither `/boot/vmlinuz-RELEASE` nor `/usr/lib/modules/RELEASE`";
    lock(&project, "uki").failed(1, &[words]);
}

/// The formats whose files are large.
const LARGE: &str = "raw-hybrid,qcow2,iso-hybrid,uki";
/// Their files.
const FILES: [&str; 4] = ["every-format.img", "every-format.qcow2", "every-format.iso", "every-format.efi"];

fn built() -> TestProject {
    let project = super::every::project();
    project.kit(&["build", "every-format", "--format", LARGE, "--out", "good"]).succeeded();
    project
}

fn digest(project: &TestProject, path: &str) -> BlobId {
    let bytes = std::fs::read(project.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    BlobId::of(&bytes)
}

fn listed(project: &TestProject, directory: &str) -> Vec<String> {
    let entries = std::fs::read_dir(project.path().join(directory)).expect("a directory");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

#[test]
fn what_is_in_the_way_of_a_file_is_told_and_left_alone() {
    let project = built();
    for name in FILES {
        project.write(&format!("out/{name}/kept"), "mine");
        let format = match name.rsplit_once('.').expect("it has an ending").1 {
            "img" => "raw-hybrid",
            "iso" => "iso-hybrid",
            "efi" => "uki",
            other => other,
        };
        let said = project.kit(&["build", "every-format", "--format", format]);
        let words = format!("cannot write `out/{name}`");
        said.failed(3, &["error[kit::build::output]", &words, "help: there is a directory of that name"]);
        assert_eq!(project.read(&format!("out/{name}/kept")), "mine");
    }
    assert_eq!(listed(&project, "out").len(), FILES.len());

    // A disk that is too small for the file: what was there stays, and nothing lies beside it.
    std::fs::create_dir(project.path().join("small")).expect("it is new");
    let script = r#"mount -t tmpfs -o size=8m none small; echo old > "small/$1"
        code=0; "$KIT" build every-format --format "$2" --out small || code=$?
        cat small/*; ls small; exit $code"#;
    for (name, format) in
        [("every-format.img", "raw-hybrid"), ("every-format.qcow2", "qcow2"), ("every-format.efi", "uki")]
    {
        let kit = project.command(&[]);
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--mount", "sh", "-euc", script, "sh", name, format]);
        unshare.current_dir(project.path()).env_clear();
        unshare.envs(kit.get_envs().filter_map(|(name, value)| Some((name, value?))));
        unshare.env("KIT", kit.get_program());
        let said = Said::from_output(&unshare.output().expect("unshare runs"));
        assert_eq!(said.stdout, format!("old\n{name}\n"), "{said}");
        let words = format!("cannot write `small/{name}`");
        said.failed(
            3,
            &["error[kit::build::output]", &words, "No space left", "help: make room on its disk"],
        );
    }
}

#[test]
fn a_build_that_is_killed_leaves_the_old_file_or_the_new_one() {
    let project = built();
    let new = FILES.map(|name| digest(&project, &format!("good/{name}")));
    let old = BlobId::of(b"old");
    for name in FILES {
        project.write(&format!("out/{name}"), "old");
    }
    let build = ["build", "every-format", "--format", LARGE];
    let mut killed = 0;
    for delay in (0..14).map(|step| Duration::from_millis(20 + 45 * step)) {
        let mut command = project.command(&build);
        let command = command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        let started = Instant::now();
        let mut child = command.spawn().expect("kit runs");
        while started.elapsed() < delay && child.try_wait().expect("it is our own").is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        if child.try_wait().expect("it is our own").is_none() {
            // It may have ended in the last moment.
            _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
            killed += 1;
        }
        child.wait().expect("it is our own");
        for (name, new) in FILES.iter().zip(new) {
            let found = digest(&project, &format!("out/{name}"));
            assert!(found == new || found == old, "{name} is half-written after {delay:?}");
        }
    }
    assert!(killed > 0, "none was killed");
    project.kit(&build).succeeded();
    assert_eq!(FILES.map(|name| digest(&project, &format!("out/{name}"))), new);
    assert_eq!(listed(&project, "out"), listed(&project, "good"), "nothing else is left");
}
