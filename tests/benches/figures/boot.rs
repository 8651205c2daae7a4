//! How large `minimal` is, and how long it takes from power-on to the line of its service.

use std::process::Stdio;

use kit_tests::{TestProject, program};

use crate::table::{Row, Runs, millis};

const RUNS: usize = 7;

pub(crate) fn measure() -> Vec<Row> {
    let project = TestProject::new();
    let command = |arguments: &[&str]| {
        let mut command = project.command(arguments);
        command.arg("--project").arg(program::repository()).arg("--out").arg(project.path().join("out"));
        command
    };
    let built = command(&["build", "minimal"]).output().expect("kit runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let size = |name: &str| {
        let path = project.path().join("out").join(name);
        std::fs::metadata(path).expect("kit has written it").len()
    };
    let (kernel, initrd) = (size("minimal-kernel"), size("minimal-initrd.img"));
    let boot = |_| {
        let mut run = command(&["run", "minimal", "--until", "shell: ready", "--timeout", "300", "--json"]);
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
            what: "`minimal`: kernel and initrd".to_owned(),
            figure: format!("{} MB", tenths_of_mb(kernel + initrd)),
            runs: format!("{} and {} MB", tenths_of_mb(kernel), tenths_of_mb(initrd)),
            limit: "under 20 MB",
        },
        Row {
            what: format!("`minimal`, {how}: power-on to the service's line"),
            figure: millis(boots.median()),
            runs: boots.range(millis),
            limit: "under 6 s",
        },
    ]
}

fn tenths_of_mb(bytes: u64) -> String {
    let tenths = (bytes + 50_000) / 100_000;
    format!("{}.{}", tenths / 10, tenths % 10)
}
