//! What kit writes is told for what it is, and opened, when it is handed in: extensions, boards, roots that can be written to, and the
//! files that only start something.

use kit_tests::booted::head;
use kit_tests::{Said, TestProject};
use serde_json::Value;

use super::extension::{SETTINGS, built};

/// A program for `/usr`.
const DEBUG: &str = r##"
[image]
name = "debug"
formats = ["sysext"]

[extension]
id = "debian"
version-id = "12"

[disk]
verity = true

[[file]]
path = "/usr/bin/debug"
contents = "#!/bin/sh\necho it runs\n"
mode = "0755"
"##;

/// What an image has besides its head.
const REST: &str = r#"
[init]
packages = ["init"]

[[service]]
name = "shell"
package = "busybox"
command = ["/bin/sh", "-c", "echo ready; exec sleep inf"]

[disk]
root = "ext4"
"#;

/// Audits a copy of an output under another name, and returns what is found to be another content than the lockfile's.
pub(super) fn audited(project: &TestProject, output: &str, told: &str) -> Vec<String> {
    let from = project.path().join(output);
    let (copy, name) = (project.path().join("handed-in"), "handed-in");
    // What is in it decides, not what it is called.
    if from.is_dir() {
        std::fs::create_dir_all(&copy).expect("it can be made");
        for entry in std::fs::read_dir(&from).expect("it is there") {
            let entry = entry.expect("it can be read");
            std::fs::copy(entry.path(), copy.join(entry.file_name())).expect("it can be copied");
        }
    } else {
        std::fs::copy(&from, &copy).expect("it can be copied");
    }
    let said = project.kit(&["audit", name, "--only", "supply-chain", "--json"]);
    assert!(said.stderr.contains(&format!("handed-in: {told}")), "{output}: no `{told}` in {said}");
    let found = altered(&said);
    let sbom = project.kit(&["sbom", name]).succeeded();
    assert!(sbom.stdout.contains("SPDXRef-DOCUMENT"), "{sbom}");
    if from.is_dir() { std::fs::remove_dir_all(&copy) } else { std::fs::remove_file(&copy) }
        .expect("it was made");
    found
}

/// Whether anything is said of files that are others than the lockfile's.
pub(super) fn altered(said: &Said) -> Vec<String> {
    let object = said.stdout.lines().find_map(|line| {
        let value: Value = serde_json::from_str(line).ok()?;
        value["result"].get("findings").is_some().then(|| value["result"].clone())
    });
    let report = object.unwrap_or_else(|| panic!("no report in {said}"));
    assert_eq!(report["depth"]["word"], "files", "{report:#}");
    let findings = report["findings"].as_array().expect("a list").iter();
    findings.filter(|finding| finding["kind"] == "image-altered").map(ToString::to_string).collect()
}

#[test]
fn extensions_are_told_and_opened() {
    let project = built(&[("debug", DEBUG), ("settings", SETTINGS)]);
    for (name, file, words) in [
        ("debug", "out/debug.sysext.raw", "an extension of `/usr` and `/opt`"),
        ("settings", "out/settings.confext.raw", "an extension of `/etc`"),
    ] {
        let lock = format!("{words}, lockfile `lockfiles/{name}.lock`");
        assert_eq!(audited(&project, file, &lock), Vec::<String>::new(), "{name}");
        let said = project.kit(&["verify", file, "--vary", "umask"]).succeeded();
        assert_eq!(said.stdout, format!("{file} reproducible\n"));
        assert!(said.stderr.contains(&format!("{file}: {lock}")), "{said}");
    }
    // What lies beside it carries nothing, and is told by its digest.
    let hash = "out/debug.sysext.roothash";
    let told = "the root of a tree of digests, `debug.sysext.roothash` of lockfile `lockfiles/debug.lock`";
    assert_eq!(audited(&project, hash, told), Vec::<String>::new());
    project.kit(&["verify", hash, "--vary", "umask"]).succeeded();
    project.write(hash, "0123");
    let said = project.kit(&["verify", hash]);
    said.failed(
        1,
        &["error[kit::verify::unknown_format]", "no lockfile of the project or its history has this one"],
    );
}

#[test]
fn boards_are_told_and_opened() {
    let project = TestProject::new();
    project.take("recipes/images/raspberry-pi.toml").take("lockfiles/raspberry-pi.lock");
    project.kit(&["build", "raspberry-pi"]).succeeded();
    for (file, words) in [
        ("out/raspberry-pi-rpi.img", "a card for a Raspberry Pi, lockfile `lockfiles/raspberry-pi.lock`"),
        (
            "out/raspberry-pi-rpi.tar",
            "an archive for the card of a Raspberry Pi, lockfile `lockfiles/raspberry-pi.lock`",
        ),
        (
            "out/raspberry-pi-kernel",
            "a kernel, `raspberry-pi-kernel` of lockfile `lockfiles/raspberry-pi.lock`",
        ),
    ] {
        assert_eq!(audited(&project, file, words), Vec::<String>::new(), "{file}");
    }
}

#[test]
fn roots_that_can_be_written_to_are_opened() {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock");
    let head = head("minimal", "").replace("\"kernel+initrd\"", r#""raw-efi", "kernel+ext4""#);
    project.write("recipes/images/minimal.toml", &(head + REST));
    project.kit(&["lock", "minimal"]).succeeded();
    project.kit(&["build", "minimal"]).succeeded();
    let lock = "lockfile `lockfiles/minimal.lock`";
    for (file, words) in [
        ("out/minimal-efi.img", format!("a disk, {lock}")),
        ("out/minimal-ext4.img", format!("a root file system, {lock}")),
        ("out/minimal-ext4-initrd.img", format!("an initrd, `minimal-ext4-initrd.img` of {lock}")),
        ("out/minimal-ext4-kernel", format!("a kernel, `minimal-ext4-kernel` of {lock}")),
        ("out/minimal-ext4-cmdline", format!("a boot command line, `minimal-ext4-cmdline` of {lock}")),
    ] {
        assert_eq!(audited(&project, file, &words), Vec::<String>::new(), "{file}");
    }
    let tells = |offset: &str, texts: &[&str]| {
        let said = project.kit(&["why", "out/minimal-ext4.img", "--bytes", offset]).succeeded();
        for text in texts {
            assert!(said.stdout.contains(text), "no `{text}` in {said}");
        }
    };
    tells("0x438", &["in an ext4 file system", "superblock, field s_magic: `0xef53`"]);
    tells("0x1000", &["descriptors, field group 0 bg_block_bitmap_lo: `"]);
}
