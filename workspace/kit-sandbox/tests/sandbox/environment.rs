//! Machines that don't let us, made of this one by a user namespace with other settings.

use std::process::{Command, Stdio as Redirect};

use crate::Tests;

pub(crate) const TESTS: Tests = &[
    ("the_setting_that_forbids_is_named", the_setting_that_forbids_is_named),
    ("a_partly_hidden_proc_is_told", a_partly_hidden_proc_is_told),
];

/// What a probe says after a script has changed the machine.
fn probe_after(change: &str) -> String {
    let script = format!("{change} && exec {} probe", std::env::current_exe().unwrap().display());
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .stdin(Redirect::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn the_setting_that_forbids_is_named() {
    assert_eq!(probe_after("true"), "fine\n");
    assert_eq!(
        probe_after("echo 0 > /proc/sys/user/max_user_namespaces"),
        "this machine does not let programs make user namespaces: user.max_user_namespaces is 0\n\
         run `sysctl -w user.max_user_namespaces=15000` as root, and put it into /etc/sysctl.d to keep it\n"
    );
}

fn a_partly_hidden_proc_is_told() {
    assert_eq!(
        probe_after("mount --bind /dev/null /proc/version"),
        "cannot mount a `/proc` of the job's own, since parts of this machine's `/proc` are hidden\n\
         in a container, have its /proc unmasked (for example `--security-opt systempaths=unconfined`)\n"
    );
}
