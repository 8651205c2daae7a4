//! What a process takes.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// Microseconds of a tick in `/proc/PID/stat`: the kernel's interface has 100 in a second on every architecture.
const TICK_MICROS: u64 = 10_000;
/// How often memory is looked at.
const SAMPLE: Duration = Duration::from_millis(5);

/// What a process and those that it waited for took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// From start to end.
    pub(crate) wall: Duration,
    /// Of all processors together.
    pub(crate) cpu: Duration,
}

/// What a process took, and the most memory that it had resident, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watched {
    pub(crate) cost: Cost,
    pub(crate) peak: u64,
}

/// Runs a command that must succeed.
pub(crate) fn run(command: &mut Command) -> Cost {
    let started = Instant::now();
    let mut child = start(command);
    // It stays a zombie, which has its times but runs no more.
    waitid(WaitId::Pid(pid(&child)), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).expect("it is a child");
    let wall = started.elapsed();
    let cpu = cpu_of(&child);
    finish(&mut child, command);
    Cost { wall, cpu }
}

/// Runs a command that must succeed; returns the most memory that it had resident, in bytes.
pub(crate) fn peak_memory(command: &mut Command) -> u64 {
    watch(command).peak
}

/// Runs a command that must succeed, and looks at its memory every now and then.
///
/// The kernel keeps the peak, so that only what comes in the last milliseconds can be missed.
pub(crate) fn watch(command: &mut Command) -> Watched {
    let started = Instant::now();
    let mut child = start(command);
    let status = proc_file(&child, "status");
    let mut peak = 0;
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    while waitid(WaitId::Pid(pid(&child)), options).expect("it is a child").is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let kib = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = kib.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0).max(peak);
        std::thread::sleep(SAMPLE);
    }
    let cost = Cost { wall: started.elapsed(), cpu: cpu_of(&child) };
    finish(&mut child, command);
    Watched { cost, peak: peak * 1024 }
}

fn start(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn finish(child: &mut Child, command: &Command) {
    let status = child.wait().expect("it is a child");
    assert!(status.success(), "{command:?}: {status}");
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

fn proc_file(child: &Child, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{}/{name}", child.id()))
}

/// The processor time of a process, user's and kernel's, with its children's.
fn cpu_of(child: &Child) -> Duration {
    let stat = std::fs::read_to_string(proc_file(child, "stat")).expect("it wasn't waited for");
    // Behind the name, which may hold anything, come field 3 and the following.
    let (_, fields) = stat.rsplit_once(')').expect("a name");
    let ticks =
        fields.split_whitespace().skip(11).take(4).map(|field| field.parse::<u64>().expect("a number"));
    Duration::from_micros(ticks.sum::<u64>() * TICK_MICROS)
}
