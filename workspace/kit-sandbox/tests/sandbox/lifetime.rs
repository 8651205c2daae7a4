//! That nothing of a job is left, whoever dies first.

use std::process::{Command, Stdio as Redirect};
use std::time::Duration;

use kit_sandbox::{SandboxError, Status, Stdio};
use rustix::process::{Pid, Signal, kill_process};

use crate::Tests;
use crate::fixture::{Fixture, run, sandbox};

pub(crate) const TESTS: Tests = &[
    ("a_background_process_ends_with_the_job", a_background_process_ends_with_the_job),
    ("orphans_are_reaped", orphans_are_reaped),
    ("killing_the_caller_leaves_no_process", killing_the_caller_leaves_no_process),
    ("killing_the_supervisor_leaves_no_process", killing_the_supervisor_leaves_no_process),
    ("dropping_the_handle_leaves_no_process", dropping_the_handle_leaves_no_process),
    ("a_detached_job_outlives_its_handle", a_detached_job_outlives_its_handle),
    ("a_job_that_cannot_start_is_not_detached", a_job_that_cannot_start_is_not_detached),
];

/// Holds `/work/alive` open in three processes, one of them in a session of its own, and says so in it.
pub(crate) const HOLD: &str =
    "exec 9>/work/alive; (setsid sleep 1000 &); sleep 1000 & echo up >&9; sleep 1000";

fn a_background_process_ends_with_the_job() {
    let fixture = Fixture::new();
    let alive = fixture.fifo();
    let (outcome, output) =
        run(&fixture.job("exec 9>/work/alive; (setsid sleep 1000 &); echo done")).unwrap();
    assert_eq!((outcome.status, output.as_str()), (Status::Exited(0), "done\n"));
    alive.wait_for_end();
}

fn orphans_are_reaped() {
    let (_, output) = Fixture::new().sh("i=0; while [ $i -lt 50 ]; do (true &); i=$((i+1)); done; \
         while grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null; do :; done; echo none");
    assert!(output.ends_with("none\n"), "{output}");
}

fn killing_the_caller_leaves_no_process() {
    let fixture = Fixture::new();
    let alive = fixture.fifo();
    let mut caller = Command::new(std::env::current_exe().unwrap())
        .arg("caller")
        .arg(&fixture.directory)
        .stdin(Redirect::null())
        .spawn()
        .unwrap();
    alive.wait_for_word();
    caller.kill().unwrap();
    caller.wait().unwrap();
    alive.wait_for_end();
}

fn killing_the_supervisor_leaves_no_process() {
    let fixture = Fixture::new();
    let alive = fixture.fifo();
    let running = sandbox().spawn(&fixture.job(HOLD)).unwrap();
    alive.wait_for_word();
    kill_process(Pid::from_raw(running.pid().cast_signed()).unwrap(), Signal::KILL).unwrap();
    assert!(matches!(running.wait(), Err(SandboxError::HelperLost { .. })));
    alive.wait_for_end();
}

fn dropping_the_handle_leaves_no_process() {
    let fixture = Fixture::new();
    let alive = fixture.fifo();
    let running = sandbox().spawn(&fixture.job(HOLD)).unwrap();
    alive.wait_for_word();
    drop(running);
    alive.wait_for_end();
}

fn a_job_that_cannot_start_is_not_detached() {
    let fixture = Fixture::new();
    let mut job = fixture.job("true");
    job.command = vec!["/no/such/program".into()];
    let detached = sandbox().spawn(&job).unwrap().detach();
    assert!(matches!(detached, Err(SandboxError::MissingCommand { .. })), "{detached:?}");
}

fn a_detached_job_outlives_its_handle() {
    let fixture = Fixture::new();
    let alive = fixture.fifo();
    let mut job = fixture.job(&format!("{HOLD} & wait"));
    job.stdio = Stdio::Descriptor(tempfile::tempfile().unwrap().into());
    job.limits.wall = Some(Duration::from_secs(30));
    let pid = sandbox().spawn(&job).unwrap().detach().unwrap();
    alive.wait_for_word();
    let pid = Pid::from_raw(pid.cast_signed()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    alive.wait_for_end();
}
