//! A build with nothing to do: the whole process, from start to end.

use kit_tests::{TestProject, program};

use crate::process;
use crate::table::{Row, Runs};

const RUNS: usize = 50;

pub(crate) fn measure() -> Vec<Row> {
    let project = TestProject::new();
    let build = || {
        let mut command = project.command(&["build", "minimal", "--project"]);
        command.arg(program::repository()).arg("--out").arg(project.path().join("out"));
        command
    };
    process::run(&mut build());
    let times = (0..RUNS).map(|_| process::run(&mut build()).wall);
    vec![Runs::of_times(times).row("nothing changed: `kit build minimal`", "under 20 ms")]
}
