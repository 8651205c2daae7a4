//! Namespaces that are somewhere already.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::bundle::Bundle;
use super::lines;

/// A container that runs until it is dropped.
struct Keeper {
    program: Child,
    path: PathBuf,
    /// Its first process, as the machine sees it.
    first: u32,
    /// Its lines.
    lines: Vec<String>,
}

impl Keeper {
    fn start(bundle: &Bundle, lines: usize) -> Self {
        let mut program = bundle.command().stdout(Stdio::piped()).spawn().unwrap();
        let prefix = format!("{}: ", bundle.name);
        let printed = BufReader::new(program.stdout.take().unwrap()).lines().take(lines);
        let lines = printed.map(|line| line.unwrap().strip_prefix(&prefix).unwrap().to_owned()).collect();
        let id = program.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        Self { program, path: bundle.path.clone(), first: children.trim().parse().unwrap(), lines }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // It stops its container and then itself.
        let _ = Command::new("kill").arg(self.program.id().to_string()).status();
        let _ = self.program.wait();
        let _ = fs::remove_dir_all(&self.path);
    }
}

const LINKS: &str = "cd /proc/self/ns; readlink user pid net ipc uts";
const ALL: [(&str, &str); 5] =
    [("user", "user"), ("pid", "pid"), ("network", "net"), ("ipc", "ipc"), ("uts", "uts")];

#[test]
fn all_namespaces_of_a_process_are_joined() {
    let script = format!("{LINKS}; id -u; exec sleep 600");
    let keeper = Keeper::start(&Bundle::new("keeper", &script), 6);
    let script = format!("{LINKS}; id -u; test $$ != 1 && tr '\\0' ' ' < /proc/1/cmdline");
    let mut bundle = Bundle::new("joins", &script);
    bundle.join(keeper.first, &ALL);
    let mut expected = keeper.lines.clone();
    expected.push("sleep 600 ".to_owned());
    assert_eq!(lines(bundle), expected);
    assert_eq!(expected[5], "0");

    // New ones in a user namespace that is joined belong to it: it can do as before.
    let mut bundle = Bundle::new("joins-user", &format!("{LINKS}; echo $$; cat /proc/sys/kernel/hostname"));
    bundle.root = r#", "hostname": "inside""#.to_owned();
    bundle.join(keeper.first, &ALL[..1]);
    let lines = lines(bundle);
    assert_eq!(lines[0], keeper.lines[0]);
    assert!((1..5).all(|at| lines[at] != keeper.lines[at]), "{lines:?}");
    assert_eq!(lines[5..], ["1", "inside"]);
}

/// Namespaces stay while somebody has them open, but one of processes that lost its first process can have no other.
#[test]
fn a_namespace_without_its_first_process_says_so() {
    let keeper = Keeper::start(&Bundle::new("ends", "echo up; exec sleep 600"), 1);
    let open = |name| File::open(format!("/proc/{}/ns/{name}", keeper.first)).unwrap();
    let (user, pid) = (open("user"), open("pid"));
    drop(keeper);
    let place = |file: &File| format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    let mut bundle = Bundle::new("late", "echo must not run");
    bundle.join_at("user", &place(&user));
    bundle.join_at("pid", &place(&pid));
    let outcome = bundle.run();
    let why = "its first process has ended, or there is no memory";
    let message = format!("kit-init: late: cannot start a process in namespace {}: {why}\n", place(&pid));
    assert_eq!((outcome.code, outcome.complaint), (Some(125), message));
}

#[test]
fn what_cannot_be_joined_says_why() {
    for (kind, path, message) in [
        ("pid", "/no/such", "cannot open namespace /no/such: No such file or directory"),
        ("pid", "/dev/null", "cannot join namespace /dev/null: it is no namespace"),
        (
            "user",
            "/proc/self/ns/net",
            "cannot join namespace /proc/self/ns/net: it is a namespace of kind net, not user",
        ),
        ("user", "/proc/self/ns/user", "cannot join namespace /proc/self/ns/user: it is the machine's own"),
    ] {
        let mut bundle = Bundle::new("refused", "echo must not run");
        bundle.join_at(kind, path);
        let outcome = bundle.run();
        assert_eq!((outcome.code, outcome.lines.len()), (Some(125), 0), "{path}");
        assert_eq!(outcome.complaint, format!("kit-init: refused: {message}\n"));
    }
}
