//! A job that keeps the caller's terminal.

use std::process::{Command, Stdio as Redirect};

use crate::Tests;
use crate::fixture::Fixture;

pub(crate) const TESTS: Tests = &[("a_shell_has_job_control", a_shell_has_job_control)];

fn a_shell_has_job_control() {
    let fixture = Fixture::new();
    let caller =
        format!("{} terminal {}", std::env::current_exe().unwrap().display(), fixture.directory.display());
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command", &caller, "/dev/null"])
        .stdin(Redirect::null())
        .output()
        .unwrap();
    let output = String::from_utf8(output.stdout).unwrap().replace('\r', "");
    assert_eq!(output, format!("begun\nin front\n{}\n0 0\nExited(0), terminal is ours: true\n", libc::EPERM));
}
