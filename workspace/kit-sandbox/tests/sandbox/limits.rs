//! What a job may use up.

use std::time::{Duration, Instant};

use kit_sandbox::{Status, Unenforced};

use crate::Tests;
use crate::fixture::{Fixture, run};

pub(crate) const TESTS: Tests = &[
    ("a_hanging_job_is_stopped", a_hanging_job_is_stopped),
    ("a_fork_bomb_is_contained", a_fork_bomb_is_contained),
    ("processes_are_limited", processes_are_limited),
    ("a_flood_of_output_is_stopped", a_flood_of_output_is_stopped),
    ("output_at_the_limit_is_kept", output_at_the_limit_is_kept),
    ("file_size_is_limited", file_size_is_limited),
    ("open_files_are_limited", open_files_are_limited),
    ("memory_is_limited_or_told", memory_is_limited_or_told),
];

fn a_hanging_job_is_stopped() {
    let fixture = Fixture::new();
    let mut job = fixture.job("trap '' TERM INT HUP; echo begun; while :; do sleep 1000; done");
    job.limits.wall = Some(Duration::from_secs(2));
    let started = Instant::now();
    let (outcome, output) = run(&job).unwrap();
    assert_eq!((outcome.status, output.as_str()), (Status::TimedOut, "begun\n"));
    assert!(outcome.usage.wall >= Duration::from_secs(2));
    assert!(started.elapsed() < Duration::from_secs(20));
}

fn a_fork_bomb_is_contained() {
    let fixture = Fixture::new();
    let alive = fixture.fifo();
    let mut job = fixture.job("exec 9>/work/alive; f() { f | f & f; }; f 2>/dev/null & exec sleep 1000");
    job.limits.wall = Some(Duration::from_secs(2));
    job.limits.processes = Some(64);
    let started = Instant::now();
    let (outcome, _) = run(&job).unwrap();
    assert_eq!(outcome.status, Status::TimedOut);
    assert!(started.elapsed() < Duration::from_secs(30));
    alive.wait_for_end();
}

fn processes_are_limited() {
    let fixture = Fixture::new();
    let mut job = fixture.job("i=0; while [ $i -lt 1000 ]; do sleep 1000 & echo started; i=$((i+1)); done");
    job.limits.processes = Some(20);
    let (outcome, output) = run(&job).unwrap();
    if outcome.unenforced.contains(&Unenforced::Processes) {
        return assert_eq!(outcome.status, Status::Exited(0));
    }
    // For root without a cgroup, the kernel's least limit on process ids holds instead.
    let most = if rustix::process::geteuid().is_root() { 301 } else { 20 };
    let started = output.matches("started").count();
    assert!((10..=most).contains(&started), "{started}");
    assert_eq!(outcome.status, Status::Exited(2), "{output}");
}

fn a_flood_of_output_is_stopped() {
    let fixture = Fixture::new();
    let mut job = fixture.job("(yes flood &) ; yes more");
    job.limits.output_bytes = 100_000;
    let (outcome, output) = run(&job).unwrap();
    assert_eq!((outcome.status, output.len()), (Status::OutputLimit, 100_000));
}

fn output_at_the_limit_is_kept() {
    let fixture = Fixture::new();
    let mut job = fixture.job("printf 12345");
    job.limits.output_bytes = 5;
    let (outcome, output) = run(&job).unwrap();
    assert_eq!((outcome.status, output.as_str()), (Status::Exited(0), "12345"));
}

fn file_size_is_limited() {
    let fixture = Fixture::new();
    let mut job = fixture.job("exec head -c 2000 /dev/zero > /work/file");
    job.limits.file_bytes = Some(1000);
    let (outcome, _) = run(&job).unwrap();
    assert_eq!(outcome.status, Status::Signalled(25));
    assert_eq!(fixture.work().join("file").metadata().unwrap().len(), 1000);
}

fn open_files_are_limited() {
    let fixture = Fixture::new();
    let mut job = fixture.job("ulimit -n; ulimit -Hn; ulimit -c; ulimit -s");
    job.limits.open_files = Some(77);
    assert_eq!(run(&job).unwrap().1, "77\n77\n0\n8192\n");
}

fn memory_is_limited_or_told() {
    let fixture = Fixture::new();
    let mut job =
        fixture.job("head -c 200000000 /dev/zero | tail -c 200000000 > /dev/null || exit 3; echo fits");
    job.limits.memory_bytes = Some(50_000_000);
    let (outcome, output) = run(&job).unwrap();
    if outcome.unenforced == [Unenforced::Memory] {
        assert_eq!((outcome.status, output.as_str()), (Status::Exited(0), "fits\n"));
    } else {
        assert_eq!((outcome.status, outcome.unenforced), (Status::MemoryLimit, vec![]), "{output}");
    }
}
