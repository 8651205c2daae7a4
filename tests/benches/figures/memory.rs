//! The peak of memory with an image of more than a gigabyte, in every format.

use std::io::Write as _;

use kit_tests::{TestProject, program};

use crate::noise::Noise;
use crate::table::Row;
use crate::{process, stores};

const IMAGE: &str = r#"
[image]
name = "minimal"
formats = ["kernel+initrd", "tar", "oci"]

[kernel]
package = "kernel-debian"
cmdline = "console=ttyS0"

[init]
packages = ["init"]

[[service]]
name = "large"
package = "large"
"#;

const PACKAGE: &str = r#"
[package]
name = "large"

[sources.debian]
suite = "bookworm"
packages = ["qemu-system-x86"]

[[file]]
path = "/srv/large"
source = "files/large"

[container]
command = ["/usr/bin/qemu-system-x86_64"]
"#;

const MIB: usize = 1 << 20;

pub(crate) fn measure() -> Vec<Row> {
    // What is made here is large and worth nothing afterwards.
    let project = TestProject::with_own_store();
    let base = TestProject::new();
    base.take("recipes/images/minimal.toml").take("lockfiles/minimal.lock").kit(&["build"]).succeeded();
    stores::twin(&program::shared_store(), project.store());
    project.take("lockfiles/minimal.lock");
    project.write("recipes/images/minimal.toml", IMAGE).write("recipes/packages/large.toml", PACKAGE);
    write_large(&project);
    let lock = process::peak_memory(&mut project.command(&["lock"]));
    let build = process::peak_memory(&mut project.command(&["build"]));
    let row = |what: &str, bytes: u64, limit| Row {
        what: what.to_owned(),
        figure: format!("{} MiB", bytes.div_ceil(1 << 20)),
        runs: String::new(),
        limit,
    };
    vec![
        row("peak of memory, image with 1 GiB in one file, all formats: `kit lock`", lock, "under 128 MiB"),
        row("the same, `kit build` after it", build, "under 128 MiB"),
    ]
}

/// Writes a file of 1 GiB.
fn write_large(project: &TestProject) {
    project.write("files/large", "");
    let mut file = std::fs::File::create(project.path().join("files/large")).expect("a file");
    let mut noise = Noise::new(0);
    for _ in 0..1024 {
        file.write_all(&noise.bytes(MIB)).expect("room");
    }
}
