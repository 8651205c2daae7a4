//! The label of an image, by its effect inside of a booted system: LinuxKit's packages say there what they need.
#![expect(clippy::disallowed_methods, reason = "tests start programs and look into projects")]

use std::process::Command;

use kit_tests::TestProject;
use kit_tests::booted::{PATIENCE, head};
use kit_tests::deb::Tar;
use kit_tests::image::Image;
use kit_tests::server::{Answer, with_server};
use serde_json::json;

const REFERENCE: &str = "127.0.0.1:1/team/labelled:1.0";

const BASE: &str = r#"
[init]
packages = ["init"]

[[file]]
path = "/etc/first"
contents = "first\n"

[[file]]
path = "/etc/second"
contents = "second\n"
"#;

/// What the program of the image prints, line by line.
const REPORT: &str = r#"#!/bin/sh
echo "started $1, name $(hostname), user $(id -u)"
echo "capabilities $(grep CapBnd /proc/self/status | tail -c 17)"
echo "settings $(cat /proc/sys/kernel/msgmax) $(cat /proc/sys/kernel/msgmni)"
echo "sees $(cat /bound/* 2> /dev/null | tr '\n' ' ')"
grep -q ' / [^ ]* rw' /proc/mounts && echo "can write"
ls /sys/class/net | grep -q dummy && echo "network of the machine"
exit 0
"#;

/// Returns the file of busybox, as an image of this project has it.
fn busybox(project: &TestProject) -> Vec<u8> {
    let recipe = "[image]\nname = \"minimal\"\nformats = [\"tar\"]\n[init]\npackages = [\"busybox\"]\n";
    project.write("recipes/images/minimal.toml", recipe);
    project.kit(&["lock"]).succeeded();
    project.kit(&["build"]).succeeded();
    let mut tar = Command::new("tar");
    let file = tar.args(["-xOf", "out/minimal.tar", "usr/bin/busybox"]).current_dir(project.path());
    file.output().expect("the machine has tar").stdout
}

/// An image that runs [`REPORT`], and has a label.
fn image(busybox: &[u8]) -> Image {
    let mut layer = Tar::default().file("bin/busybox", busybox).file("bin/report", REPORT.as_bytes());
    for name in ["sh", "hostname", "id", "grep", "tail", "cat", "tr", "ls"] {
        layer = layer.symlink(&format!("bin/{name}"), "busybox");
    }
    let label = json!({
        "command": ["/bin/report", "by the label"],
        "capabilities": ["CAP_CHOWN", "CAP_KILL"],
        "binds": ["/etc/first:/bound/first"],
        "sysctl": { "kernel.msgmax": "9000", "kernel.msgmni": "77" },
        "hostname": "labelled",
        "ipc": "new",
        "uts": "new",
        "net": "host",
        "uid": 7,
        "readonly": false,
    });
    let mut image = Image::new(&[layer.end()]);
    image.run = json!({
        "Cmd": ["/bin/report", "by the image"],
        "Labels": { "org.mobyproject.config": label.to_string() },
    });
    image
}

/// A service: its name, its keys, and what it prints.
type Case = (&'static str, &'static str, &'static [&'static str]);

const CASES: [Case; 4] = [
    (
        "all",
        "label = true",
        &[
            "started by the label, name labelled, user 7",
            "capabilities 0000000000000021",
            "settings 9000 77",
            "sees first ",
            "can write",
            "network of the machine",
        ],
    ),
    // What an entry says counts whole: the setting that it doesn't name is not that of the label.
    (
        "over",
        "label = true\nhostname = \"own\"\nuid = 0\nsysctl = { \"kernel.msgmax\" = \"5000\" }\nreadonly = true\nnet = \"new\"\nbinds = [\"/etc/second:/bound/second\"]\ncapabilities = []",
        &[
            "started by the label, name own, user 0",
            "capabilities 0000000000000000",
            "settings 5000 32000",
            "sees second ",
        ],
    ),
    (
        "added",
        "label = true\nadd-capabilities = [\"CAP_FOWNER\"]\nadd-binds = [\"/etc/second:/bound/second\"]",
        &[
            "started by the label, name labelled, user 7",
            "capabilities 0000000000000029",
            "settings 9000 77",
            "sees first second ",
            "can write",
            "network of the machine",
        ],
    ),
    (
        "without",
        "",
        &[
            "started by the image, name without, user 0",
            "capabilities 0000000000000000",
            "settings 8192 32000",
            "sees ",
        ],
    ),
];

#[test]
fn what_a_label_says_holds_unless_the_entry_says_otherwise() {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock");
    let image = image(&busybox(&project));
    let mut recipe = head("minimal", "kit.exit=services") + "modules = [\"overlay\", \"dummy\"]\n" + BASE;
    recipe += "\n[[onboot]]\nname = \"dummy\"\npackage = \"ip\"\ncommand = [\"/usr/bin/ip\", \"link\", \"add\", \"dummy7\", \"type\", \"dummy\"]\n";
    let service = |(name, keys, _): Case| {
        format!("\n[[service]]\nname = \"{name}\"\nimage = \"{REFERENCE}\"\n{keys}\n")
    };
    recipe.extend(CASES.map(service));
    project.write("recipes/images/minimal.toml", &recipe);
    let site = image.site("team/labelled", "1.0", Answer::Bytes(image.manifest()));
    with_server(site, |server| {
        project.write("kit.toml", &format!("[mirrors]\n\"http://127.0.0.1:1/\" = [\"{}/\"]\n", server.base));
        project.kit(&["lock"]).succeeded();
        project.kit(&["build"]).succeeded();
    });
    let said = project.kit(&["run", "--timeout", PATIENCE]).succeeded();
    for (name, keys, expected) in CASES {
        let start = format!("{name}: ");
        let lines = said.stdout.lines().map(|line| line.trim_end_matches('\r'));
        let printed: Vec<_> = lines.filter_map(|line| line.strip_prefix(&start)).collect();
        assert_eq!(printed, expected, "{name} ({keys}):\n{said}");
    }
}
