//! Extensions: gdisk, cryptsetup and the tools of the file systems read them, and systemd lays them over a system.

use std::fmt::Write as _;

use kit_format::gpt;
use kit_tests::TestProject;
use kit_tests::formats::{Seen, record};
use kit_tests::machine::Machine;
use kit_tests::program;

use super::samples::tool;
use super::signing::{CERTIFICATE, sign_root_hash};

/// Programs for `/usr`, and something for `/opt`.
pub(super) const DEBUG: &str = r##"
[image]
name = "debug"
formats = ["sysext", "tar"]

[extension]
id = "debian"
version-id = "12"

[disk]
verity = true

[[file]]
path = "/usr/bin/debug"
contents = "#!/bin/sh\necho it runs\n"
mode = "0755"

[[file]]
path = "/opt/debug/words"
contents = "optional\n"
"##;

/// The same for a system that isn't there.
const OTHER: &str = r#"
[image]
name = "other"
formats = ["sysext"]

[extension]
id = "fedora"
level = "1.0"
scope = ["system"]

[[file]]
path = "/usr/bin/other"
contents = ""
"#;

pub(super) const SETTINGS: &str = r#"
[image]
name = "settings"
formats = ["confext"]

[extension]
id = "_any"

[disk]
root = "squashfs"

[[file]]
path = "/etc/settings"
contents = "set\n"
"#;

/// Makes a project with these images, built.
pub(super) fn built(images: &[(&str, &str)]) -> TestProject {
    let project = TestProject::new();
    project.take("lockfiles/tools.lock");
    for (name, text) in images {
        project.write(&format!("recipes/images/{name}.toml"), text);
        project.kit(&["lock", name]).succeeded();
        project.kit(&["build", name]).succeeded();
    }
    project
}

/// Writes each partition of an image into a file of the project, `PREFIX-0` and so on, and returns how many there are.
fn partitions(project: &TestProject, image: &str, prefix: &str) -> usize {
    let bytes = std::fs::read(project.path().join(image)).expect("it was built");
    let table = gpt::read(&mut std::io::Cursor::new(&bytes)).expect("a table of partitions");
    for (index, partition) in table.partitions.iter().enumerate() {
        let place = |at: u64| usize::try_from(at).expect("a small disk");
        let range = place(partition.bytes.start)..place(partition.bytes.end);
        project.write_bytes(&format!("{prefix}-{index}"), &bytes[range]);
    }
    table.partitions.len()
}

#[test]
fn tools_read_what_is_in_extensions() {
    let project = built(&[("debug", DEBUG), ("settings", SETTINGS)]);
    for image in ["out/debug.sysext.raw", "out/settings.confext.raw"] {
        let said = tool(&project, &["sgdisk", "--verify", image]);
        assert!(said.contains("No problems found"), "{said}");
    }
    for format in ["sysext", "confext"] {
        record(format, Seen::Written);
        record(format, Seen::ReadBy("sgdisk"));
    }
    project.kit(&["verify", "debug"]).succeeded();
    let said = tool(&project, &["sfdisk", "--json", "out/debug.sysext.raw"]);
    for kind in ["4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709", "2C7357ED-EBD2-46D9-AEC1-23D437EC2BF5"] {
        assert!(said.contains(kind), "no partition of the type {kind} in {said}");
    }

    assert_eq!(partitions(&project, "out/debug.sysext.raw", "debug"), 2);
    let root = project.read("out/debug.sysext.roothash");
    tool(&project, &["veritysetup", "verify", "debug-0", "debug-1", root.trim()]);
    record("sysext", Seen::ReadBy("veritysetup"));
    tool(&project, &["fsck.erofs", "--extract=debug-files", "debug-0"]);
    record("sysext", Seen::ReadBy("fsck.erofs"));
    assert_eq!(project.read("debug-files/opt/debug/words"), "optional\n");
    for name in ["debug", "debug.sysext"] {
        let text = project.read(&format!("debug-files/usr/lib/extension-release.d/extension-release.{name}"));
        let (text, pin) = text.split_once("KIT_PIN=").expect("it says which pins it is of");
        assert_eq!(text, "ID=debian\nVERSION_ID=12\nARCHITECTURE=x86-64\n");
        assert_eq!(pin.trim().len(), 64);
    }

    assert_eq!(partitions(&project, "out/settings.confext.raw", "settings"), 1);
    tool(&project, &["unsquashfs", "-d", "settings-files", "settings-0"]);
    record("confext", Seen::ReadBy("unsquashfs"));
    assert_eq!(project.read("settings-files/etc/settings"), "set\n");
    let text = project.read("settings-files/etc/extension-release.d/extension-release.settings.confext");
    assert!(text.starts_with("ID=_any\nARCHITECTURE=x86-64\n"), "{text}");
}

#[test]
fn what_no_extension_can_have_is_refused() {
    let project = TestProject::new();
    let fails = |text: &str, words: &[&str]| {
        project.write("recipes/images/debug.toml", text);
        project.kit(&["lock", "debug"]).failed(1, words);
    };
    let file = |path: &str| format!("{DEBUG}\n[[file]]\npath = \"{path}\"\ncontents = \"\"\n");
    let words = "a `sysext` can't have `/etc/debug`, outside of `/usr` and `/opt`";
    fails(&file("/etc/debug"), &["kit::image::extension", words, "include = [\"/usr/**\"]"]);
    fails(&file("/usr/lib/os-release"), &["kit::image::extension", "`/usr/lib/os-release`", "`exclude`"]);
    fails(&DEBUG.replace("\"tar\"", "\"uki\""), &["kit::plan::not_of_extensions", "the format `uki`"]);
    fails(&DEBUG.replace("\"tar\"", "\"confext\""), &["both `sysext` and `confext`"]);
    let plain = DEBUG.replace("[extension]\nid = \"debian\"\nversion-id = \"12\"\n", "");
    fails(&plain.replace("verity = true", ""), &["kit::plan::no_extension", "[extension]"]);
}

/// What systemd does with the extensions, in a container that may do everything.
const LOOK: &str = r#"
export DM_DISABLE_UDEV=1
here=/var/lib/extensions
mkdir -p $here /run/settings
systemd-dissect /extensions/debug.sysext.raw

cp /extensions/debug.sysext.* /extensions/other.sysext.raw $here
systemd-sysext refresh && echo merged
grep -o CRYPT-VERITY /sys/block/dm-*/dm/uuid
debug
cat /opt/debug/words
systemd-sysext status
systemd-sysext unmerge
debug || echo "gone again"

rm $here/*
cp /extensions/debug.sysext.raw $here/debug.raw
systemd-sysext refresh && debug && echo "under the short name"
systemd-sysext unmerge

rm $here/*
cp /extensions/debug.sysext.* $here
cp /extensions/signature $here/debug.sysext.roothash.p7s
systemd-sysext refresh
debug || echo "signed by somebody unknown"
mkdir /run/verity.d
cp /extensions/certificate /run/verity.d/known.crt
systemd-sysext refresh && debug && echo "signed by somebody known"
systemd-sysext unmerge

rm $here/*
cp /extensions/debug.sysext.* $here
# The first digest: the file system itself is as it was.
printf '\377' | dd of=$here/debug.sysext.raw bs=1 seek=$((2 * 1048576 + 4096 + 5)) conv=notrunc
systemd-sysext refresh
debug || echo "refused when damaged"
rm $here/*.roothash
systemd-sysext refresh && echo "taken unchecked"
systemd-sysext unmerge

device=$(losetup -f)
losetup -r -o 1048576 $device /extensions/settings.confext.raw
mount -t squashfs -o ro $device /run/settings && cat /run/settings/etc/settings
"#;

#[test]
fn systemd_lays_an_extension_over_a_system_that_it_is_for() {
    let project = built(&[("debug", DEBUG), ("other", OTHER), ("settings", SETTINGS)]);
    let own = |path: &str| {
        let place = program::repository().join("tests/systemd").join(path);
        std::fs::read_to_string(place).expect("it is there")
    };
    let mut image = own("recipes/images/extended.toml");
    sign_root_hash(&project, "out/debug.sysext.raw").succeeded();
    for (file, source) in [
        ("debug.sysext.raw", "out/debug.sysext.raw"),
        ("debug.sysext.roothash", "out/debug.sysext.roothash"),
        ("other.sysext.raw", "out/other.sysext.raw"),
        ("settings.confext.raw", "out/settings.confext.raw"),
        ("signature", "out/debug.sysext.roothash.p7s"),
        ("certificate", CERTIFICATE),
    ] {
        write!(image, "\n[[file]]\npath = \"/extensions/{file}\"\nsource = \"{source}\"\n")
            .expect("a string takes it");
    }
    write!(image, "\n[[file]]\npath = \"/extensions/look\"\ncontents = '''{LOOK}'''\n")
        .expect("a string takes it");
    project.write("recipes/images/extended.toml", &image);
    for path in ["recipes/packages/systemd.toml", "lockfiles/extended.lock"] {
        project.write(path, &own(path));
    }
    project.kit(&["lock", "extended"]).succeeded();
    project.kit(&["build", "extended"]).succeeded();
    let mut machine = Machine::start(&project, "extended", "console", "");
    machine.wait_for("shell: ready");
    let printed = machine.printed();
    for line in [
        "            ✓ extension for system",
        "Using extensions 'debug.sysext'.",
        "merged",
        "CRYPT-VERITY",
        "it runs",
        "optional",
        "gone again",
        "Using extensions 'debug'.",
        "under the short name",
        "signed by somebody unknown",
        "signed by somebody known",
        "refused when damaged",
        "taken unchecked",
        "set",
    ] {
        let found = printed.lines().any(|printed| printed.trim_end().ends_with(&format!("look: {line}")));
        assert!(found, "no `{line}` in:\n{printed}");
    }
    record("sysext", Seen::ReadBy("systemd"));
    record("confext", Seen::ReadBy("the kernel"));
}
