//! One file of one service of an image like `minimal` changes; the lockfile is made anew and the initrd built.

use kit_tests::TestProject;

use crate::process;
use crate::table::{Row, Runs};

const RUNS: usize = 11;

const IMAGE: &str = r#"
[image]
name = "minimal"
formats = ["kernel+initrd"]

[kernel]
package = "kernel-debian"
cmdline = "console=ttyS0 quiet cryptomgr.notests"
modules = ["button", "evdev"]

[init]
packages = ["init"]

[[onboot]]
name = "sysctl"
package = "sysctl"

[[service]]
name = "app"
package = "app"
"#;

const PACKAGE: &str = r#"
[package]
name = "app"

[tree]
packages = ["busybox"]

[[file]]
path = "/usr/bin/app"
source = "files/app"
mode = "0755"

[container]
command = ["/usr/bin/app"]
"#;

pub(crate) fn measure() -> Vec<Row> {
    let project = TestProject::new();
    // The same pins, so that the same kernel and init are there.
    project.take("lockfiles/minimal.lock");
    project.write("recipes/images/minimal.toml", IMAGE).write("recipes/packages/app.toml", PACKAGE);
    let change = |number: usize| {
        // Every run of the benchmark has its own contents: the store keeps those of earlier ones.
        let content = format!("#!/bin/sh\necho {} {number}\nexec sleep inf\n", project.path().display());
        project.write("files/app", &content);
    };
    change(0);
    project.kit(&["lock"]).succeeded();
    project.kit(&["build"]).succeeded();
    let initrd = || std::fs::read(project.path().join("out/minimal-initrd.img")).expect("kit has written it");
    let (mut locks, mut builds) = (Vec::new(), Vec::new());
    for number in 1..=RUNS {
        let before = initrd();
        change(number);
        locks.push(process::run(&mut project.command(&["lock"])).wall);
        builds.push(process::run(&mut project.command(&["build"])).wall);
        assert!(initrd() != before, "the change reaches the initrd");
    }
    let both = locks.iter().zip(&builds).map(|(lock, build)| *lock + *build);
    vec![
        Runs::of_times(both).row("one file of one service changed: `kit lock && kit build`", "under 1 s"),
        Runs::of_times(locks.iter().copied()).row("of which `kit lock`", ""),
        Runs::of_times(builds.iter().copied()).row("of which `kit build`", ""),
    ]
}
