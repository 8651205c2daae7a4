//! Several processes in one store: each step is done once, and collecting or dying disturbs nobody.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Stdio};

use kit_tests::Said;
use kit_tests::small::{Small, digests};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;

/// A build that runs, and tells what it does.
struct Running {
    child: Child,
    events: BufReader<ChildStdout>,
}

/// What a build told.
type Events = Vec<Value>;

impl Running {
    fn start(small: &Small, arguments: &[&str]) -> Self {
        use std::os::unix::process::CommandExt as _;
        let mut command = small.command(arguments);
        let mut child = command
            .arg("--json")
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let events = BufReader::new(child.stdout.take().unwrap());
        Self { child, events }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Reads on until `event` of `step` is told; false when the build ends without.
    fn wait_for(&mut self, event: &str, step: &str) -> bool {
        loop {
            let mut line = String::new();
            if self.events.read_line(&mut line).unwrap() == 0 {
                return false;
            }
            let told: Value = serde_json::from_str(&line).unwrap();
            if told["event"] == event && told["step"] == step {
                return true;
            }
        }
    }

    /// Waits for its end, which is a success; returns what it told since anybody listened.
    fn finish(self) -> Events {
        let Self { child, events } = self;
        let events: Events =
            events.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
        let said = Said::from_output(&child.wait_with_output().unwrap());
        assert_eq!(said.code, Some(0), "{said}{:#?}", events.last());
        events
    }
}

/// How often each step was finished in this way.
fn count(all: &[Events], how: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for event in all.iter().flatten().filter(|event| event["event"] == "finished" && event["how"] == how) {
        *counts.entry(event["step"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

/// The digests of the image, from a build that was alone.
fn alone() -> BTreeMap<String, String> {
    let small = Small::new();
    small.kit(&["build"]).succeeded();
    small.check_locked();
    digests(&small.out())
}

#[test]
fn builds_at_the_same_time_share_the_work() {
    let alone = alone();
    for (builds, outs) in [(2, vec!["out/a", "out/b"]), (4, vec!["out/same"; 4])] {
        let small = Small::new();
        let running: Vec<_> =
            outs.iter().map(|out| Running::start(&small, &["build", "--out", out])).collect();
        let all: Vec<_> = running.into_iter().map(Running::finish).collect();
        let done = count(&all, "done");
        assert!(done.values().all(|times| *times == 1), "{builds} builds did steps twice: {done:#?}");
        assert_eq!(done.len(), 21, "{done:#?}");
        assert_eq!(count(&all, "failed"), BTreeMap::new());
        for out in outs {
            assert_eq!(digests(&small.project.path().join(out)), alone, "{builds} builds to {out}");
        }
        small.kit(&["store", "verify"]).succeeded();
    }
}

#[test]
fn collecting_and_verifying_wait_for_or_watch_a_build() {
    let alone = alone();
    let small = Small::new();
    let mut build = Running::start(&small, &["build"]);
    assert!(build.wait_for("started", "build numbers"));
    let collections: Vec<_> = (0..3).map(|_| Running::start(&small, &["store", "gc"])).collect();
    let verification = Running::start(&small, &["store", "verify"]).finish();
    assert_eq!(verification.last().unwrap()["result"]["findings"], serde_json::json!([]));
    build.finish();
    for collection in collections {
        drop(collection.finish());
    }
    assert_eq!(digests(&small.out()), alone);

    let again = [Running::start(&small, &["build"]).finish()];
    assert_eq!(count(&again, "done"), BTreeMap::new(), "all that the image needs was kept");
    small.kit(&["store", "verify"]).succeeded();
}

#[test]
fn who_waits_for_a_process_that_dies_takes_over() {
    let alone = alone();
    // A machine that is busy may stop the first one too late for the second to wait for it.
    for _ in 0..5 {
        let small = Small::new();
        let mut first = Running::start(&small, &["build"]);
        assert!(first.wait_for("started", "build numbers"));
        kill_process(first.pid(), Signal::STOP).unwrap();
        let mut second = Running::start(&small, &["build", "--out", "second"]);
        let has_waited = second.wait_for("waiting", "build numbers");
        kill_process_group(first.pid(), Signal::KILL).unwrap();
        first.child.wait().unwrap();
        if !has_waited {
            continue;
        }
        let told = [second.finish()];
        assert_eq!(count(&told, "done").get("build numbers"), Some(&1));
        let out: PathBuf = small.project.path().join("second");
        assert_eq!(digests(&out), alone);
        small.kit(&["store", "verify"]).succeeded();
        return;
    }
    panic!("the second build never had to wait");
}
