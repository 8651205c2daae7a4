//! Killed at any moment: what is left verifies, and the next build comes to the same bytes.
#![expect(clippy::disallowed_methods, reason = "tests read directories and kill programs")]
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kit_tests::project::make_writable;
use kit_tests::small::{Small, digests};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// How often a build is killed.
const KILLS: u32 = 100;
/// How often the making of a lockfile is killed.
const LOCK_KILLS: u32 = 40;
/// What lies in the output directory before, in place of the files of the image.
const OLD: &str = "from an earlier build";

/// A small generator of numbers; what it gives depends on the seed alone.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn instant(&mut self, longest: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(longest.as_micros()).unwrap()))
    }
}

/// Whom the signal goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    /// The whole process group, as when a terminal or a CI job goes away.
    Group,
    /// The one process: all others must notice by themselves.
    Process,
}

/// Starts a command and kills it after `delay`; returns how long it took if it succeeded before.
fn kill_after(command: &mut Command, delay: Duration, victim: Victim) -> Option<Duration> {
    let started = Instant::now();
    let mut child: Child =
        command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while started.elapsed() < delay {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return Some(started.elapsed());
        }
        std::thread::sleep((delay.saturating_sub(started.elapsed())).min(Duration::from_millis(5)));
    }
    let pid = Pid::from_child(&child);
    match victim {
        Victim::Group => kill_process_group(pid, Signal::KILL).unwrap(),
        Victim::Process => kill_process(pid, Signal::KILL).unwrap(),
    }
    // It may have ended in the last moment.
    child.wait().unwrap().success().then(|| started.elapsed())
}

/// Waits until no process is left that has something of `directory` mounted, as sandboxes have.
fn wait_for_sandboxes(directory: &Path) {
    let directory = directory.to_str().unwrap();
    let patience = Instant::now() + Duration::from_secs(10);
    loop {
        let mut left = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let mounts = std::fs::read_to_string(entry.path().join("mountinfo")).unwrap_or_default();
            if mounts.contains(directory) {
                let command = std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
                left.push(format!("{}: {command}", entry.path().display()));
            }
        }
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < patience, "sandboxes live on: {left:#?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Puts an earlier image where the new one goes.
fn place_old_outputs(small: &Small) {
    _ = std::fs::remove_dir_all(small.out());
    for path in ["small.tar", "small-initrd.img", "small.oci/index.json", "small.oci/blobs/sha256/old"] {
        small.project.write(&format!("out/{path}"), OLD);
    }
}

/// Fails when a file of the outputs is neither the old one nor the new one.
fn check_outputs(small: &Small, new: &BTreeMap<String, String>, kills: u32) {
    for (path, digest) in digests(&small.out()) {
        if Path::new(&path).extension().is_some_and(|extension| extension == "new") {
            continue;
        }
        let is_old = std::fs::read(small.out().join(&path)).unwrap() == OLD.as_bytes();
        assert!(is_old || new.get(&path) == Some(&digest), "after {kills} kills: {path} is half-written");
    }
}

#[test]
fn a_hundred_kills_leave_nothing_half_done() {
    let small = Small::new();
    let started = Instant::now();
    small.kit(&["build"]).succeeded();
    let mut longest = started.elapsed().mul_f64(1.05);
    let new = digests(&small.out());
    small.check_locked();

    let mut numbers = Numbers(2);
    let store = small.project.path().join("killed");
    let (mut kills, mut finished, mut fresh) = (0, 0, 0);
    let mut is_complete = true;
    while kills < KILLS {
        // As a rule it goes on with what is there.
        let is_fresh = is_complete || numbers.below(4) == 0;
        if is_fresh {
            make_writable(&store);
            _ = std::fs::remove_dir_all(&store);
            place_old_outputs(&small);
            fresh += 1;
        }
        let victim = if kills % 2 == 0 { Victim::Group } else { Victim::Process };
        let mut command = small.command(&["build"]);
        let ended = kill_after(command.env("KIT_STORE", &store), numbers.instant(longest), victim);
        is_complete = ended.is_some();
        if let Some(ended) = ended {
            finished += 1;
            // The machine is less busy now than it was.
            longest = if is_fresh { longest.min(ended.mul_f64(1.05)) } else { longest };
        } else {
            kills += 1;
        }
        wait_for_sandboxes(small.project.path());
        check_outputs(&small, &new, kills);
        if !is_complete && kills % 10 == 0 {
            let said = small.kit(&["store", "verify", "--store", store.to_str().unwrap()]);
            assert!(said.code == Some(0) && said.stdout.is_empty(), "after {kills} kills: {said}");
        }
    }
    eprintln!("{KILLS} kills, {finished} builds finished before, {fresh} started from nothing");

    small.kit(&["build", "--store", store.to_str().unwrap()]).succeeded();
    assert_eq!(digests(&small.out()), new, "nothing else is left in the output directory");
    small.kit(&["store", "verify", "--store", store.to_str().unwrap()]).succeeded();
    make_writable(&store);
}

#[test]
fn a_killed_lock_leaves_the_old_lockfile_or_the_new_one() {
    let small = Small::new();
    let path = "lockfiles/small.lock";
    let (old, new) = (Small::pins(), small.project.read(path));
    // Once all is built, most of the time goes into reading results and writing the lockfile.
    small.project.write(path, &old);
    small.kit(&["lock", "small"]).succeeded();
    assert_eq!(small.project.read(path), new);
    small.project.write(path, &old);
    let started = Instant::now();
    small.kit(&["lock", "small"]).succeeded();
    let longest = started.elapsed().mul_f64(1.1);

    let mut numbers = Numbers(3);
    let (mut written, mut kept) = (0, 0);
    for round in 0..LOCK_KILLS {
        small.project.write(path, &old);
        kill_after(&mut small.command(&["lock", "small"]), numbers.instant(longest), Victim::Group);
        let text = small.project.read(path);
        assert!(text == old || text == new, "round {round}: the lockfile is torn:\n{text}");
        if text == new { written += 1 } else { kept += 1 }
    }
    eprintln!("{written} lockfiles were written, {kept} kept");
    assert!(kept > 0);
    small.kit(&["lock", "small"]).succeeded();
    assert_eq!(digests(&small.project.path().join("lockfiles")).len(), 1, "nothing else is left beside it");
    small.kit(&["lock", "small", "--check"]).succeeded();
    small.kit(&["store", "verify"]).succeeded();
}
