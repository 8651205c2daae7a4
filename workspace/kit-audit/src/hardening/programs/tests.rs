use kit_tree::Entry;

use super::{KINDS, plain};
use crate::hardening::tests::{Sample, path};

#[test]
fn programs_are_found_in_each_root() {
    let mut sample = Sample::default();
    sample.program("/usr/bin/bash", "#!").entry("/bin/sh", Entry::symlink("/usr/bin/bash"));
    sample
        .program("/usr/bin/apt", "#!")
        .program("/usr/bin/strace", "#!")
        .program("/usr/bin/x86_64-linux-gnu-gcc-12", "#!");
    let container = "/containers/services/000-web/rootfs";
    sample.program(&format!("{container}/sbin/apk"), "#!");
    // This leads nowhere in the container, however the host looks.
    sample.entry(&format!("{container}/bin/bash"), Entry::symlink("/usr/bin/bash"));
    assert_eq!(
        sample.ids(KINDS),
        [
            "shell-present:/ note",
            "package-manager-present:/ note",
            "package-manager-present:services/000-web note",
            "compiler-present:/ note",
            "debugger-present:/ note",
        ]
    );
    let found = sample.findings(KINDS);
    assert_eq!(found[0].message, "the host has `sh`, `bash`");
    assert_eq!(found[0].evidence.len(), 2);
    assert_eq!(found[2].message, "the container `services/000-web` has `apk`");
}

#[test]
fn what_cannot_be_run_is_not_present() {
    let mut sample = Sample::default();
    sample.file("/bin/sh", "#!").program("/opt/bin/bash", "#!").program("/usr/bin/bashful", "#!");
    sample.entry("/bin/zsh", Entry::symlink("nothing")).entry("/bin/gdb", Entry::directory());
    assert_eq!(sample.ids(KINDS), [""; 0]);
}

#[test]
fn busybox_is_a_shell_when_it_has_one() {
    let mut sample = Sample::default();
    sample.program("/bin/busybox", "\0setsid\0sha1sum\0sleep\0");
    assert_eq!(sample.ids(KINDS), [""; 0]);
    sample.program("/bin/busybox", "\0setsid\0sh\0sha1sum\0sleep\0");
    assert_eq!(sample.ids(KINDS), ["shell-present:/ note"]);
    sample.entry("/bin/sh", Entry::HardLink { target: path("/bin/busybox") });
    assert_eq!(sample.findings(KINDS)[0].message, "the host has `busybox`, `sh`");
}

#[test]
fn compilers_have_machines_and_versions() {
    for (name, expected) in [
        ("gcc", "gcc"),
        ("gcc-12", "gcc"),
        ("x86_64-linux-gnu-g++-12", "g++"),
        ("aarch64-linux-musl-ld", "ld"),
        ("clang-15", "clang"),
        ("g++", "g++"),
        ("gcc-ar", "gcc-ar"),
    ] {
        assert_eq!(plain(name), expected);
    }
}
