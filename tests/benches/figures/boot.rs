//! How large `minimal` is, with Debian's kernel and with the hardened one, and how long it takes from power-on to the line of
//! its service.

use std::process::Stdio;

use kit_tests::{TestProject, program};

use crate::table::{Row, Runs, millis};

const RUNS: usize = 7;

pub(crate) fn minimal() -> Vec<Row> {
    measure("minimal", "under 20 MB", "under 6 s")
}

pub(crate) fn minimal_hardened() -> Vec<Row> {
    measure("minimal-hardened", "under 9 MB", "under 4 s")
}

fn measure(image: &str, size_limit: &'static str, time_limit: &'static str) -> Vec<Row> {
    let project = TestProject::new();
    let command = |arguments: &[&str]| {
        let mut command = project.command(arguments);
        command.arg("--project").arg(program::repository()).arg("--out").arg(project.path().join("out"));
        command
    };
    let built = command(&["build", image]).output().expect("kit runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let size = |name: &str| {
        let path = project.path().join("out").join(name);
        std::fs::metadata(path).expect("kit has written it").len()
    };
    let (kernel, initrd) = (size(&format!("{image}-kernel")), size(&format!("{image}-initrd.img")));
    let boot = |_| {
        let mut run = command(&["run", image, "--until", "shell: ready", "--timeout", "300", "--json"]);
        let output = run.stderr(Stdio::null()).output().expect("kit runs");
        assert!(output.status.success(), "the machine doesn't come up");
        let text = String::from_utf8(output.stdout).expect("kit speaks UTF-8");
        let last = text.lines().last().expect("there is a result");
        let result: serde_json::Value = serde_json::from_str(last).expect("kit speaks JSON");
        result["result"]["millis"].as_f64().expect("the machine came up")
    };
    let boots = Runs::of((0..RUNS).map(boot));
    // As kit sees it: without these flags the device runs nothing.
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let is_able = cpuinfo.split_whitespace().any(|flag| flag == "vmx" || flag == "svm");
    let how = if is_able && std::path::Path::new("/dev/kvm").exists() { "by KVM" } else { "emulated" };
    vec![
        Row {
            what: format!("`{image}`: kernel and initrd"),
            figure: format!("{} MB", tenths_of_mb(kernel + initrd)),
            runs: format!("{} and {} MB", tenths_of_mb(kernel), tenths_of_mb(initrd)),
            limit: size_limit,
        },
        Row {
            what: format!("`{image}`, {how}: power-on to the service's line"),
            figure: millis(boots.median()),
            runs: boots.range(millis),
            limit: time_limit,
        },
    ]
}

fn tenths_of_mb(bytes: u64) -> String {
    let tenths = (bytes + 50_000) / 100_000;
    format!("{}.{}", tenths / 10, tenths % 10)
}
