//! Jobs that have another clock.

use std::process::{Command, Stdio as Redirect};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kit_sandbox::{Clock, Host, Job, Status};

use crate::Tests;
use crate::fixture::{Fixture, run, sandbox};
use crate::lifetime::HOLD;

pub(crate) const TESTS: Tests = &[
    ("this_machine_can_give_another_clock", this_machine_can_give_another_clock),
    ("what_a_machine_forbids_is_told", what_a_machine_forbids_is_told),
    ("every_program_sees_the_other_clock", every_program_sees_the_other_clock),
    ("programs_that_cannot_be_looked_into_see_it", programs_that_cannot_be_looked_into_see_it),
    ("threads_and_their_programs_see_it", threads_and_their_programs_see_it),
    ("the_usual_clock_is_the_machines", the_usual_clock_is_the_machines),
    ("moments_to_wait_for_come", moments_to_wait_for_come),
    ("files_made_have_times_of_the_other_clock", files_made_have_times_of_the_other_clock),
    ("ends_are_told_as_ever", ends_are_told_as_ever),
    ("processes_stop_and_go_on", processes_stop_and_go_on),
    ("signals_arrive", signals_arrive),
    ("a_hanging_job_is_stopped_too", a_hanging_job_is_stopped_too),
    ("a_traced_fork_bomb_is_contained", a_traced_fork_bomb_is_contained),
    ("many_processes_are_waited_for", many_processes_are_waited_for),
    ("make_works_in_parallel", make_works_in_parallel),
    ("killing_the_supervisor_of_a_traced_job", killing_the_supervisor_of_a_traced_job),
];

/// Three years and a bit.
const AHEAD: u32 = 100_000_000;

fn ahead(fixture: &Fixture, script: &str) -> Job {
    let mut job = fixture.job(script);
    job.host.clock = Clock::Ahead(AHEAD);
    job
}

/// Runs a script whose clock is ahead, and returns what it wrote.
fn sh(fixture: &Fixture, script: &str) -> String {
    let (outcome, output) = run(&ahead(fixture, script)).unwrap();
    assert_eq!(outcome.status, Status::Exited(0), "{output}");
    output
}

/// The program `clock.c`, compiled with these options to `/work/clock`.
fn compiled(options: &[&str]) -> Fixture {
    let fixture = Fixture::new();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/clock.c");
    let output = fixture.work().join("clock");
    let mut compiler = Command::new("cc");
    compiler.args(["-Wall", "-Wextra", "-Wno-deprecated-declarations", "-pthread", "-O1"]).args(options);
    let compiled = compiler.arg(source).arg("-o").arg(&output).arg("-lrt").output().unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    fixture
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Whether a number is the time now of a clock that is ahead by so much.
fn is_now(text: &str, ahead: u32) -> bool {
    let told: u64 = text.trim().parse().unwrap();
    told.abs_diff(now() + u64::from(ahead)) < 100
}

/// Looks at all that `clock tell` tells.
fn assert_tells(output: &str, ahead: u32) {
    let lines: Vec<_> = output.lines().map(|line| line.split_once(' ').unwrap()).collect();
    let names = ["realtime", "coarse", "tai", "day", "time", "call", "stored"];
    for name in names {
        let (_, told) = lines.iter().find(|(known, _)| *known == name).unwrap();
        assert!(is_now(told, ahead), "{name} is {told}, ahead by {ahead}:\n{output}");
    }
    let rest: Vec<_> = lines.iter().filter(|(name, _)| !names.contains(name)).collect();
    assert_eq!(rest[..2], [&("zone", "0"), &("nowhere", "-1 14")], "{output}");
    assert!(rest[2].1.parse::<u64>().unwrap() < 946_684_800, "{output}");
}

fn this_machine_can_give_another_clock() {
    sandbox().probe_host(Host { clock: Clock::Ahead(AHEAD), ..Host::USUAL }).unwrap();
}

fn what_a_machine_forbids_is_told() {
    let output = Command::new(std::env::current_exe().unwrap())
        .arg("probe-host")
        .stdin(Redirect::null())
        .output()
        .unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        output,
        "fine\ncannot trace the job's processes: Operation not permitted (os error 1)\n\
         cannot set the job's personality: Operation not permitted (os error 1)\nfine\n"
    );
}

fn every_program_sees_the_other_clock() {
    let fixture = Fixture::new();
    assert!(is_now(&sh(&fixture, "date +%s"), AHEAD));
    assert!(is_now(&sh(&fixture, "sh -c 'exec bash -c \"printf \\\"%(%s)T\\n\\\" -1\"'"), AHEAD));
    for options in [&[][..], &["-static"], &["-static-pie"]] {
        assert_tells(&sh(&compiled(options), "./clock tell"), AHEAD);
    }
    // As many arguments as fit.
    let many = sh(&compiled(&[]), "exec ./clock tell $(seq 20000)");
    assert_tells(&many, AHEAD);
}

fn programs_that_cannot_be_looked_into_see_it() {
    assert_tells(&sh(&compiled(&[]), "./clock secret"), AHEAD);
    assert_tells(&sh(&compiled(&[]), "chmod 111 clock; ./clock tell"), AHEAD);
}

fn threads_and_their_programs_see_it() {
    let fixture = compiled(&[]);
    assert_eq!(sh(&fixture, "./clock threads"), "wrong 0\n");
    assert_tells(&sh(&fixture, "./clock become"), AHEAD);
    let output = sh(&fixture, "./clock spawn");
    let (by_vfork, by_spawn) = output.split_once("vfork 0\n").unwrap();
    assert_tells(by_vfork, AHEAD);
    assert_tells(by_spawn.strip_suffix("spawn 0\n").unwrap(), AHEAD);
}

fn the_usual_clock_is_the_machines() {
    let fixture = compiled(&[]);
    assert!(is_now(&fixture.sh("date +%s").1, 0));
    assert_tells(&fixture.sh("./clock tell").1, 0);
    assert!(is_now(&fixture.sh("touch file; stat -c %Y file").1, 0));
}

fn moments_to_wait_for_come() {
    let output = sh(&compiled(&[]), "./clock wait");
    let expected = "nanosleep 0 waited\nmonotonic 0 waited\ncondition 110 waited\nsemaphore -1 waited\n\
                    timerfd 8 waited\nmonotonic timerfd 8 waited\ntimer -1 waited\nqueue -1 waited\n\
                    interrupted 0 waited\n";
    assert_eq!(output, expected);
}

fn files_made_have_times_of_the_other_clock() {
    let fixture = compiled(&[]);
    std::fs::write(fixture.work().join("old"), "").unwrap();
    let old = std::fs::File::options().write(true).open(fixture.work().join("old")).unwrap();
    old.set_modified(UNIX_EPOCH + Duration::from_secs(1_600_000_000)).unwrap();
    let mut output = sh(
        &fixture,
        "touch file; stat -c %Y file; stat -c %X file; stat -c %Z file; find file -newermt '1 minute ago'; \
         stat -c %Y old; touch -d @1000000000 file; stat -c %Y file; touch -d '1 hour' later; stat -c %Y later; \
         touch -r later file; test file -ot later || test file -nt later || echo same; \
         touch file; test file -ot later && echo older; ./clock set",
    );
    for _ in 0..3 {
        let (line, rest) = output.split_once('\n').unwrap();
        assert!(is_now(line, AHEAD), "{output}");
        output = rest.to_owned();
    }
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(lines[..3], ["file", "1600000000", "1000000000"], "{output}");
    assert!(is_now(lines[3], AHEAD + 3600), "{output}");
    let rest = ["same", "older", "utime 1000000000", "utimensat 1000000000 1", "utimes 1", "statx 1"];
    assert_eq!(lines[4..], rest);
    // On the machine it is the machine's time.
    let metadata = fixture.work().join("later").metadata().unwrap();
    let modified = metadata.modified().unwrap().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(is_now(&modified.to_string(), 3600));
}

fn ends_are_told_as_ever() {
    let fixture = Fixture::new();
    let status = |script| run(&ahead(&fixture, script)).unwrap().0.status;
    assert_eq!(status("exit 0"), Status::Exited(0));
    assert_eq!(status("exit 7"), Status::Exited(7));
    assert_eq!(status("exec sh -c 'exit 255'"), Status::Exited(255));
    assert_eq!(status("kill -KILL $$"), Status::Signalled(9));
    assert_eq!(status("kill -SEGV $$"), Status::Signalled(11));
    assert_eq!(status("kill -TRAP $$"), Status::Signalled(5));
    let mut job = ahead(&fixture, "");
    job.command = vec!["/no/such/program".into()];
    let error = run(&job).unwrap_err();
    assert!(matches!(error, kit_sandbox::SandboxError::MissingCommand { .. }), "{error:?}");
    let (_, output) = run(&ahead(
        &fixture,
        "sh -c 'exit 3'; echo $?; sh -c 'kill -TERM $$'; echo $?; (exit 4) & wait $!; echo $?; false | true; echo $?",
    ))
    .unwrap();
    assert!(output.starts_with("3\n") && output.contains("143\n4\n0\n"), "{output}");
}

fn processes_stop_and_go_on() {
    let script = "
# One that is traced stops as `t`.
state() { sed -n 's/^State:.\\(.\\).*/\\1/p' /proc/$1/status | tr t T; }
until_is() { while [ $(state $1) != $2 ]; do :; done; }
sleep 1000 & child=$!
kill -STOP $child; until_is $child T; echo stopped
kill -CONT $child; until_is $child S; echo goes on
kill -STOP $child; until_is $child T; kill -KILL $child; wait $child; echo $?
set -m
sh -c 'kill -TSTP $$; echo again' & wait $!; jobs; fg > /dev/null; echo $?";
    let fixture = Fixture::new();
    let mut job = ahead(&fixture, "");
    job.command = vec!["bash".into(), "-c".into(), script.into()];
    let (_, traced) = run(&job).unwrap();
    job.host.clock = Clock::Own;
    let (_, untraced) = run(&job).unwrap();
    assert_eq!(traced, untraced);
    assert!(traced.starts_with("stopped\ngoes on\n") && traced.contains("\n137\n"), "{traced}");
    assert!(traced.contains("Stopped") && traced.ends_with("again\n0\n"), "{traced}");
}

fn signals_arrive() {
    let script = "
trap 'echo usr1' USR1; trap 'echo chld' CHLD; trap '' TERM
kill -USR1 $$; kill -TERM $$
sh -c 'exit 0'; sleep 0
timeout 0.2 sleep 1000; echo $?
trap - CHLD
for i in 1 2 3 4 5 6 7 8 9 10; do sh -c 'kill -USR1 $PPID'; done
echo done";
    let fixture = Fixture::new();
    let mut job = ahead(&fixture, "");
    job.command = vec!["bash".into(), "-c".into(), script.into()];
    let (_, output) = run(&job).unwrap();
    assert!(output.starts_with("usr1\nchld\nchld\n"), "{output}");
    assert!(output.contains("124\n") && output.ends_with("done\n"), "{output}");
    assert_eq!(output.matches("usr1").count(), 11, "{output}");
}

fn a_hanging_job_is_stopped_too() {
    let fixture = Fixture::new();
    let mut job = ahead(&fixture, "trap '' TERM INT HUP; echo begun; while :; do date > /dev/null; done");
    job.limits.wall = Some(Duration::from_secs(2));
    let started = Instant::now();
    let (outcome, output) = run(&job).unwrap();
    assert_eq!((outcome.status, output.as_str()), (Status::TimedOut, "begun\n"));
    assert!(outcome.usage.wall >= Duration::from_secs(2));
    assert!(started.elapsed() < Duration::from_secs(20));
}

fn a_traced_fork_bomb_is_contained() {
    let fixture = Fixture::new();
    let alive = fixture.fifo();
    let mut job = ahead(&fixture, "exec 9>/work/alive; f() { f | f & f; }; f 2>/dev/null & exec sleep 1000");
    job.limits.wall = Some(Duration::from_secs(2));
    job.limits.processes = Some(64);
    let started = Instant::now();
    let (outcome, _) = run(&job).unwrap();
    assert_eq!(outcome.status, Status::TimedOut);
    assert!(started.elapsed() < Duration::from_secs(30));
    alive.wait_for_end();
}

fn many_processes_are_waited_for() {
    let script = "i=0; all=; while [ $i -lt 2000 ]; do sleep 1000 & all=\"$all $!\"; i=$((i+1)); done; \
                  set -- /proc/[0-9]*; echo $#; date +%s; kill $all; wait; \
                  i=0; while [ $i -lt 500 ]; do (true &); i=$((i+1)); done; echo done";
    let fixture = Fixture::new();
    let output = sh(&fixture, script);
    let lines: Vec<_> = output.lines().collect();
    assert!(lines[0].parse::<u32>().unwrap() >= 2000, "{output}");
    assert!(is_now(lines[1], AHEAD), "{output}");
    assert_eq!(lines[2..], ["done"]);
}

fn make_works_in_parallel() {
    let fixture = Fixture::new();
    let makefile = "all: $(foreach i,$(shell seq 50),out/$(i))\n\
                    out/%: source | out\n\tdate +%s > $@\n\
                    out:\n\tmkdir out\n";
    std::fs::write(fixture.work().join("Makefile"), makefile).unwrap();
    std::fs::write(fixture.work().join("source"), "").unwrap();
    let output = sh(
        &fixture,
        "make -s -j4 && cat out/* | sort -u | wc -l && make -q && echo up to date; \
                               touch source; make -q || echo stale",
    );
    let (number, rest) = output.split_once('\n').unwrap();
    assert!(number.parse::<u32>().unwrap() < 30, "{output}");
    assert!(!output.contains("warning"), "{output}");
    assert_eq!(rest, "up to date\nstale\n");
}

fn killing_the_supervisor_of_a_traced_job() {
    let fixture = Fixture::new();
    let alive = fixture.fifo();
    let running = sandbox().spawn(&ahead(&fixture, HOLD)).unwrap();
    alive.wait_for_word();
    let pid = rustix::process::Pid::from_raw(running.pid().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    assert!(running.wait().is_err());
    alive.wait_for_end();
}
