//! How long `server` takes from power-on until ssh answers.

use std::io::Read as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use kit_tests::TestProject;
use kit_tests::booted::{anyone_may, empty_disk, free_port};
use kit_tests::machine::{Machine, SEED, disks, network};

use crate::table::{Row, Runs, millis};

const RUNS: usize = 5;

/// When nobody has answered, something is wrong.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) fn measure() -> Vec<Row> {
    let project = TestProject::new();
    for path in
        ["recipes/images/server.toml", "lockfiles/server.lock", "recipes/tools.toml", "lockfiles/tools.lock"]
    {
        project.take(path);
    }
    project.kit(&["build", "server"]).succeeded();
    anyone_may(project.path(), 0o777);
    project.write("seed/meta-data", "instance-id: one\n");
    let boots = Runs::of_times((0..RUNS).map(|_| boot(&project)));
    vec![Row {
        what: "`server`, emulated, with a new disk: power-on to ssh answering".to_owned(),
        figure: millis(boots.median()),
        runs: boots.range(millis),
        limit: "under 15 s",
    }]
}

/// Returns the time until the first byte of ssh comes.
fn boot(project: &TestProject) -> Duration {
    empty_disk(project, "disk.img", 64);
    let port = free_port();
    let devices = disks(&["disk.img"]) + &network(&format!(",hostfwd=tcp:127.0.0.1:{port}-:22")) + SEED;
    let start = Instant::now();
    let machine = Machine::start(project, "server", "console", &devices);
    while !answers(port) {
        assert!(start.elapsed() < PATIENCE, "ssh doesn't answer:\n{}", machine.printed());
        std::thread::sleep(Duration::from_millis(20));
    }
    start.elapsed()
}

/// Whether ssh says its version. The emulator itself takes connections, and ends them when the machine doesn't.
fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut begin = [0; 4];
    stream.set_read_timeout(Some(Duration::from_millis(500))).is_ok()
        && stream.read_exact(&mut begin).is_ok()
        && begin == *b"SSH-"
}
