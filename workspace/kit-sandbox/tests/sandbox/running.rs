//! How a job is started, and how it ends.

use std::io::Read;
use std::path::Path;

use kit_sandbox::{
    Addresses, Clock, Cpus, Host, Release, Sandbox, SandboxError, Status, Stdio, Step, Unenforced,
    available_cpus,
};

use crate::Tests;
use crate::fixture::{Fixture, run, sandbox};

pub(crate) const TESTS: Tests = &[
    ("this_machine_can_make_sandboxes", this_machine_can_make_sandboxes),
    ("the_exit_code_arrives", the_exit_code_arrives),
    ("output_and_errors_are_one_stream", output_and_errors_are_one_stream),
    ("output_can_go_to_a_descriptor", output_can_go_to_a_descriptor),
    ("a_spawned_job_can_be_read_and_killed", a_spawned_job_can_be_read_and_killed),
    ("a_missing_program_is_named", a_missing_program_is_named),
    ("a_program_that_is_none_is_refused", a_program_that_is_none_is_refused),
    ("the_name_is_looked_up_in_the_jobs_path", the_name_is_looked_up_in_the_jobs_path),
    ("a_missing_working_directory_is_named", a_missing_working_directory_is_named),
    ("a_helper_that_is_none_is_told", a_helper_that_is_none_is_told),
    ("cpus_are_bound_and_counted", cpus_are_bound_and_counted),
    ("the_machine_looks_as_asked", the_machine_looks_as_asked),
    ("usage_is_measured", usage_is_measured),
    ("what_makes_no_sense_is_refused", what_makes_no_sense_is_refused),
];

fn this_machine_can_make_sandboxes() {
    sandbox().probe().unwrap();
}

fn the_exit_code_arrives() {
    let fixture = Fixture::new();
    assert_eq!(fixture.sh("exit 0").0, 0);
    assert_eq!(fixture.sh("exit 7").0, 7);
    assert_eq!(fixture.sh("exit 255").0, 255);
    assert_eq!(run(&fixture.job("kill -KILL $$")).unwrap().0.status, Status::Signalled(9));
    assert_eq!(run(&fixture.job("kill -SEGV $$")).unwrap().0.status, Status::Signalled(11));
}

fn output_and_errors_are_one_stream() {
    let (_, output) = Fixture::new().sh("echo one; echo two >&2; echo three; cat; echo four > /dev/stderr");
    assert_eq!(output, "one\ntwo\nthree\nfour\n");
}

fn output_can_go_to_a_descriptor() {
    let fixture = Fixture::new();
    let file = tempfile::tempfile().unwrap();
    let mut job = fixture.job("echo one; echo two >&2");
    job.stdio = Stdio::Descriptor(file.try_clone().unwrap().into());
    assert_eq!(run(&job).unwrap().1, "");
    let mut text = String::new();
    std::io::Seek::rewind(&mut &file).unwrap();
    (&file).read_to_string(&mut text).unwrap();
    assert_eq!(text, "one\ntwo\n");
}

fn a_spawned_job_can_be_read_and_killed() {
    let fixture = Fixture::new();
    let mut running = sandbox().spawn(&fixture.job("echo ready; sleep 1000")).unwrap();
    let mut output = running.take_output().unwrap();
    let mut word = [0; 6];
    output.read_exact(&mut word).unwrap();
    assert_eq!(&word, b"ready\n");
    assert!(running.take_output().is_none());
    running.kill();
    assert_eq!(running.wait().unwrap().status, Status::Killed);
    assert_eq!(output.read(&mut word).unwrap(), 0);
}

fn a_missing_program_is_named() {
    let fixture = Fixture::new();
    let mut job = fixture.job("");
    for name in ["no-such-program", "/no/such/program", "./no-such-program"] {
        job.command = vec![name.into()];
        match run(&job) {
            Err(SandboxError::MissingCommand { command }) => assert_eq!(command, Path::new(name)),
            other => panic!("{name}: {other:?}"),
        }
    }
}

fn a_program_that_is_none_is_refused() {
    let fixture = Fixture::new();
    let mut job = fixture.job("");
    job.command = vec!["/work".into()];
    let error = run(&job).unwrap_err();
    assert!(matches!(error, SandboxError::Setup { step: Step::Execute, .. }), "{error:?}");
    assert_eq!(error.to_string(), "cannot execute `/work`");
    job.command = vec!["a\0b".into()];
    assert!(matches!(run(&job), Err(SandboxError::Setup { step: Step::Execute, .. })));
}

fn the_name_is_looked_up_in_the_jobs_path() {
    let fixture = Fixture::new();
    fixture.sh("mkdir a b; printf '#!/bin/sh\\necho a\\n' > a/tool; printf '#!/bin/sh\\necho b\\n' > b/tool; chmod +x b/tool");
    let mut job = fixture.job("");
    job.command = vec!["tool".into()];
    job.env.insert("PATH".into(), "/none:/work/a:/work/b:/bin".into());
    assert_eq!(run(&job).unwrap().1, "b\n");
    job.env.insert("PATH".into(), "/work/a".into());
    assert!(matches!(run(&job), Err(SandboxError::Setup { step: Step::Execute, .. })));
    job.env.remove(std::ffi::OsStr::new("PATH"));
    assert!(matches!(run(&job), Err(SandboxError::MissingCommand { .. })));
}

fn a_missing_working_directory_is_named() {
    let fixture = Fixture::new();
    let mut job = fixture.job("true");
    job.cwd = "/nowhere".into();
    assert_eq!(run(&job).unwrap_err().to_string(), "cannot change into the working directory `/nowhere`");
}

fn a_helper_that_is_none_is_told() {
    let fixture = Fixture::new();
    let job = fixture.job("true");
    assert!(matches!(Sandbox::new("/bin/true").run(&job, &mut |_| {}), Err(SandboxError::HelperLost { .. })));
    assert!(matches!(
        Sandbox::new("/no/such/helper").run(&job, &mut |_| {}),
        Err(SandboxError::Start { .. })
    ));
}

fn cpus_are_bound_and_counted() {
    let fixture = Fixture::new();
    let mut job = fixture.job("nproc");
    job.cpus = Some(Cpus { count: 1, first: 0 });
    let (outcome, output) = run(&job).unwrap();
    assert_eq!((output.as_str(), outcome.cpus, outcome.unenforced), ("1\n", 1, vec![]));
    job.cpus = Some(Cpus { count: 1_000_000, first: 1 });
    let (outcome, output) = run(&job).unwrap();
    assert_eq!(output.trim(), outcome.cpus.to_string());
    assert_eq!(outcome.unenforced, [Unenforced::Cpus { wanted: 1_000_000, available: outcome.cpus }]);
    // Each of those that there are, and round again.
    let there_are = available_cpus();
    let mut job = fixture.job("grep Cpus_allowed_list /proc/self/status");
    let mut bound = std::collections::BTreeSet::new();
    for first in 0..there_are {
        job.cpus = Some(Cpus { count: 1, first });
        bound.insert(run(&job).unwrap().1);
    }
    assert_eq!(bound.len(), there_are as usize, "{bound:?}");
    job.cpus = Some(Cpus { count: 1, first: there_are });
    assert!(bound.contains(&run(&job).unwrap().1));
}

fn the_machine_looks_as_asked() {
    let fixture = Fixture::new();
    let mut job = fixture.job("umask; uname -r; grep -c 'stack' /proc/self/maps; grep stack /proc/self/maps");
    let lines = |job: &kit_sandbox::Job| {
        let (_, output) = run(job).unwrap();
        output.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let own = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let (once, twice) = (lines(&job), lines(&job));
    assert_eq!(once[..3], ["0022", own.trim(), "1"]);
    assert_ne!(once[3], twice[3], "the stack lies elsewhere each time");
    job.host = Host { umask: 0o027, release: Release::Old, addresses: Addresses::Fixed, clock: Clock::Own };
    let (once, twice) = (lines(&job), lines(&job));
    assert_eq!(once[0], "0027");
    assert!(once[1].starts_with("2.6."), "{once:?}");
    assert_eq!(once[3], twice[3]);
}

fn usage_is_measured() {
    let fixture = Fixture::new();
    let (outcome, _) = run(&fixture.job("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done")).unwrap();
    assert!(outcome.usage.wall >= outcome.usage.cpu / 8, "{:?}", outcome.usage);
    assert!(outcome.usage.cpu.as_millis() > 1, "{:?}", outcome.usage);
    assert!(outcome.usage.peak_memory_bytes > 100_000, "{:?}", outcome.usage);
}

fn what_makes_no_sense_is_refused() {
    let fixture = Fixture::new();
    let with = |change: fn(&mut kit_sandbox::Job)| {
        let mut job = fixture.job("true");
        change(&mut job);
        run(&job).map(drop).unwrap_err().to_string()
    };
    assert_eq!(with(|job| job.command.clear()), "the job has no command");
    assert_eq!(with(|job| job.cpus = Some(Cpus { count: 0, first: 0 })), "the job asks for zero CPUs");
    let refused = "is not a place where something can be mounted";
    assert_eq!(with(|job| job.tmpfs[0].target = "tmp".into()), format!("`tmp` {refused}"));
    assert_eq!(with(|job| job.tmpfs[0].target = "/".into()), format!("`/` {refused}"));
    assert_eq!(with(|job| job.tmpfs[0].target = "/a/../b".into()), format!("`/a/../b` {refused}"));
    assert_eq!(with(|job| job.devices = ["/etc/passwd".into()].into()), format!("`/etc/passwd` {refused}"));
    assert_eq!(with(|job| job.tmpfs[0].target = "/usr/".into()), "two things are to be mounted at `/usr/`");
    assert_eq!(with(|job| job.tmpfs[0].target = "/proc".into()), "two things are to be mounted at `/proc`");
}
