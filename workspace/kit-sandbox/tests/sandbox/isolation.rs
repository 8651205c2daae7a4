//! What a job sees of the machine, and what it is.

use std::net::TcpListener;

use kit_sandbox::{Identity, Network};
use rustix::io::FdFlags;

use crate::Tests;
use crate::fixture::{Fixture, run};

pub(crate) const TESTS: Tests = &[
    ("the_environment_is_the_given_one", the_environment_is_the_given_one),
    ("names_and_identity_are_the_given_ones", names_and_identity_are_the_given_ones),
    ("the_job_can_be_root_without_rights", the_job_can_be_root_without_rights),
    ("there_is_no_network_but_loopback", there_is_no_network_but_loopback),
    ("the_host_network_is_there_when_asked_for", the_host_network_is_there_when_asked_for),
    ("no_capability_is_left", no_capability_is_left),
    ("no_descriptor_is_inherited", no_descriptor_is_inherited),
    ("signals_session_and_umask_are_fresh", signals_session_and_umask_are_fresh),
    ("processes_of_the_machine_are_out_of_sight", processes_of_the_machine_are_out_of_sight),
    ("the_first_process_can_not_be_looked_into", the_first_process_can_not_be_looked_into),
    ("secrets_in_proc_are_masked", secrets_in_proc_are_masked),
    ("kernel_settings_can_not_be_written", kernel_settings_can_not_be_written),
];

fn the_environment_is_the_given_one() {
    let fixture = Fixture::new();
    let mut job = fixture.job("");
    job.command = vec!["/usr/bin/env".into()];
    job.env = [("B".into(), "two words".into()), ("A".into(), "".into())].into();
    assert_eq!(run(&job).unwrap().1, "A=\nB=two words\n");
}

fn names_and_identity_are_the_given_ones() {
    let (_, output) = Fixture::new()
        .sh("uname -n; cat /proc/sys/kernel/domainname; id -u; id -g; stat -c %u:%g / /work; pwd");
    assert_eq!(output, "builder\nkit.test\n1000\n100\n1000:100\n1000:100\n/work\n");
}

fn the_job_can_be_root_without_rights() {
    let fixture = Fixture::new();
    let mut job = fixture
        .job("id -u; grep -h Cap /proc/self/status; chown 1:1 /work; hostname x; mount -t tmpfs x /tmp");
    job.identity = Identity { uid: 0, gid: 0 };
    let (_, output) = run(&job).unwrap();
    assert!(output.starts_with("0\n"), "{output}");
    assert_eq!(output.matches("\t0000000000000000\n").count(), 5, "{output}");
    assert!(output.contains("chown: changing ownership"), "{output}");
    assert!(output.contains("hostname: "), "{output}");
    assert!(output.contains("mount: "), "{output}");
}

/// A script that connects to a port, and prints why it can't.
fn connect(address: &str, port: u16) -> String {
    format!("bash -c 'exec 3<>/dev/tcp/{address}/{port}' && echo connected; true")
}

fn there_is_no_network_but_loopback() {
    let fixture = Fixture::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (_, output) = fixture.sh(&connect("127.0.0.1", port));
    assert!(output.contains("Connection refused"), "{output}");
    let (_, output) = fixture.sh(&connect("192.0.2.1", 80));
    assert!(output.contains("Network is unreachable"), "{output}");
    let (_, output) = fixture.sh("cut -d: -f1 -s /proc/net/dev | tr -d ' '");
    assert_eq!(output, "lo\n");
}

fn the_host_network_is_there_when_asked_for() {
    let fixture = Fixture::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut job = fixture.job(&connect("127.0.0.1", listener.local_addr().unwrap().port()));
    job.network = Network::Host;
    assert_eq!(run(&job).unwrap().1, "connected\n");
}

fn no_capability_is_left() {
    let (_, output) = Fixture::new().sh("grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status");
    let none = "0000000000000000";
    assert_eq!(
        output,
        format!(
            "CapInh:\t{none}\nCapPrm:\t{none}\nCapEff:\t{none}\nCapBnd:\t{none}\nCapAmb:\t{none}\nNoNewPrivs:\t1\nSeccomp:\t2\n"
        )
    );
}

fn no_descriptor_is_inherited() {
    let (reader, _writer) = rustix::pipe::pipe().unwrap();
    rustix::io::fcntl_setfd(&reader, FdFlags::empty()).unwrap();
    let (_, output) = Fixture::new().sh("ls /proc/$$/fd");
    assert_eq!(output, "0\n1\n2\n");
}

fn signals_session_and_umask_are_fresh() {
    // The fields after the program's name: state, parent, process group, session, terminal.
    let (_, output) = Fixture::new()
        .sh("umask; sed -n '/^Sig[BIC]/p' /proc/self/status; cut -d' ' -f4-7 /proc/$$/stat; echo $$");
    let none = "0000000000000000";
    assert_eq!(output, format!("0022\nSigBlk:\t{none}\nSigIgn:\t{none}\nSigCgt:\t{none}\n1 2 2 0\n2\n"));
}

fn processes_of_the_machine_are_out_of_sight() {
    let (_, output) = Fixture::new().sh("set -- /proc/[0-9]*; echo $*; ls -d /sys");
    assert!(output.starts_with("/proc/1 /proc/2\n"), "{output}");
    assert!(output.contains("cannot access '/sys'"), "{output}");
}

fn the_first_process_can_not_be_looked_into() {
    let (_, output) = Fixture::new().sh(
        "for f in environ maps fd/1 root/etc cwd exe; do cat /proc/1/$f > /dev/null 2>&1 && echo $f is readable; done; \
         kill -9 1; echo still there",
    );
    assert_eq!(output, "still there\n");
}

fn secrets_in_proc_are_masked() {
    let (_, output) = Fixture::new()
        .sh("for f in kcore keys kallsyms timer_list kmsg; do test ! -e /proc/$f || cat /proc/$f; done; \
         ls -A /proc/fs /proc/bus /proc/irq");
    assert_eq!(output, "/proc/bus:\n\n/proc/fs:\n\n/proc/irq:\n");
}

fn kernel_settings_can_not_be_written() {
    let (_, output) = Fixture::new().sh(
        "for f in sys/kernel/core_pattern sys/vm/drop_caches sys/net/ipv4/ip_forward self/oom_score_adj; do \
         test -w /proc/$f && echo $f is writable; done; chmod 666 /dev/null && echo changed; echo done",
    );
    assert!(
        output.ends_with("done\n") && !output.contains("is writable") && !output.contains("changed\n"),
        "{output}"
    );
}
