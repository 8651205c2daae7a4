//! Which system calls a build may not make.

use kit_sandbox::{Job, Seccomp, Status};

use crate::Tests;
use crate::fixture::{Fixture, run};

pub(crate) const TESTS: Tests = &[
    ("dangerous_calls_are_refused", dangerous_calls_are_refused),
    ("usual_calls_are_not_refused", usual_calls_are_not_refused),
    ("set_id_bits_are_refused", set_id_bits_are_refused),
    ("calls_of_another_architecture_kill", calls_of_another_architecture_kill),
    ("without_a_filter_calls_go_through", without_a_filter_calls_go_through),
];

fn calling(fixture: &Fixture, name: &str) -> Job {
    let mut job = fixture.job("");
    job.command = vec!["/inside".into(), "inside".into(), name.into()];
    job
}

/// The error's number that a call inside gives.
fn errno_of(name: &str) -> i32 {
    let fixture = Fixture::new();
    let (outcome, output) = run(&calling(&fixture, name)).unwrap();
    assert_eq!(outcome.status, Status::Exited(0), "{name}: {output}");
    output.trim().parse().unwrap()
}

fn dangerous_calls_are_refused() {
    let refused = [
        "unshare-user",
        "clone-user",
        "mount",
        "keyctl",
        "bpf",
        "ptrace",
        "socket-vsock",
        "socket-alg",
        "type-into-terminal",
    ];
    assert_eq!(refused.map(|name| (name, errno_of(name))), refused.map(|name| (name, libc::EPERM)));
    let unknown = ["openat2", "clone3", "io_uring"];
    assert_eq!(unknown.map(|name| (name, errno_of(name))), unknown.map(|name| (name, libc::ENOSYS)));
}

fn usual_calls_are_not_refused() {
    let usual = ["open", "open-existing", "socket-inet", "socket-unix"];
    assert_eq!(usual.map(|name| (name, errno_of(name))), usual.map(|name| (name, 0)));
}

fn set_id_bits_are_refused() {
    let refused =
        ["open-set-uid", "open-set-gid", "open-temporary-set-uid", "fchmodat2-set-uid", "mknod-set-uid"];
    assert_eq!(refused.map(|name| (name, errno_of(name))), refused.map(|name| (name, libc::EPERM)));
    let fixture = Fixture::new();
    let (_, output) = fixture
        .sh("touch file; for mode in u+s g+s 4755 2755 6777; do chmod $mode file && echo $mode; done; \
         install -m 4755 file other; chmod 1755 file; chmod 751 file; stat -c %a file");
    assert_eq!(output.matches("Operation not permitted").count(), 6, "{output}");
    assert!(output.ends_with("\n751\n"), "{output}");
}

fn calls_of_another_architecture_kill() {
    if cfg!(target_arch = "x86_64") {
        let fixture = Fixture::new();
        let (outcome, output) = run(&calling(&fixture, "x32")).unwrap();
        assert_eq!(outcome.status, Status::Signalled(libc::SIGSYS), "{output}");
    }
}

fn without_a_filter_calls_go_through() {
    let fixture = Fixture::new();
    let mut job = calling(&fixture, "unshare-user");
    job.seccomp = Seccomp::Unfiltered;
    assert_eq!(run(&job).unwrap().1, "0\n");
}
