//! Scripts that fail, hang, or try what they may not.

use std::net::TcpListener;

use kit_tests::archive::Archive;
use kit_tests::server::with_server;
use kit_tests::{Said, TestProject};

use crate::bench::{busybox, is_sound, package, project, refuses, shell, use_mirrors};

/// Calls `test` with a project whose package `app` is built by `script`; `more` follows in its `[build]`.
pub(crate) fn with_script(script: &str, more: &str, test: impl FnOnce(&TestProject)) {
    let archive = Archive::new(vec![busybox()]);
    let project = project("\"app\"");
    shell(&project);
    package(&project, "app", &format!("[build]\ntools = [\"shell\"]\nrun = '''\n{script}\n'''\n{more}\n"));
    with_server(archive.site(), |server| {
        use_mirrors(&project, &archive, &[&server.base]);
        test(&project);
    });
}

/// Runs a script that has to fail, its errors holding all of `texts`.
fn fails(script: &str, more: &str, texts: &[&str]) -> Said {
    let mut said = None;
    with_script(script, more, |project| {
        let all = [
            &["error[kit::build::script_failed]: `build app` failed: ", "help: `kit log \"build app\"`"],
            texts,
        ]
        .concat();
        said = Some(refuses(project, &["lock"], 1, &all));
    });
    said.unwrap()
}

/// Runs a script that has to succeed, and returns the listing of the image.
fn listing(script: &str) -> String {
    let mut listing = String::new();
    with_script(script, "", |project| {
        project.kit(&["lock"]).succeeded();
        is_sound(project);
        listing = project.kit(&["show", "demo", "--files"]).succeeded().stdout;
    });
    listing
}

#[test]
fn the_end_of_the_log_is_shown_and_the_command_to_see_all() {
    let script = "i=0; while [ $i -lt 100 ]; do i=$((i + 1)); echo \"line $i\"; done\nprintf 'a\\033[2Jb\\n' >&2\nexit 3";
    with_script(script, "", |project| {
        let said = refuses(
            project,
            &["lock"],
            1,
            &[
                "error[kit::build::script_failed]: `build app` failed: it returned 3",
                "the end of its log:",
                "| line 100",
                "| a\\x1b[2Jb",
                "help: `kit log \"build app\"` shows all that it printed, `kit shell --failed` opens a shell where it failed",
            ],
        );
        assert!(!said.stderr.contains("line 50\n"), "{said}");
        let log = project.kit(&["log", "build app"]).succeeded();
        assert_eq!(log.stdout.lines().next(), Some("line 1"), "{log}");
        assert_eq!(log.stdout.lines().count(), 101, "{log}");
        // Corrected, it is built.
        let recipe = project.read("recipes/packages/app.toml");
        project.write("recipes/packages/app.toml", &recipe.replace("exit 3", "echo good > $OUT/good"));
        project.kit(&["lock"]).succeeded();
        project.kit(&["build"]).succeeded();
        is_sound(project);
    });
}

#[test]
fn a_script_that_hangs_is_stopped() {
    fails("echo begun; busybox sleep 1000", "timeout = 1", &["it ran longer than 1 s", "| begun"]);
    // Nobody who stays behind keeps it going.
    fails("busybox sleep 1000 & wait", "timeout = 1", &["it ran longer than 1 s"]);
}

#[test]
fn a_script_that_forks_for_ever_is_stopped() {
    let said = fails("bomb() { bomb | bomb & }; bomb; while :; do :; done", "timeout = 3", &[]);
    assert!(said.stderr.contains("it ran longer than 3 s") || said.stderr.contains("can't fork"), "{said}");
    let said = fails("while :; do busybox sleep 1000 & done", "timeout = 20", &["can't fork"]);
    assert!(!said.stderr.contains("internal error"), "{said}");
}

#[test]
fn a_script_writes_where_it_may_alone() {
    for path in [
        "/evil",
        "/etc/evil",
        "/usr/bin/evil",
        "/src/evil",
        "/dev/evil",
        "/usr/bin/busybox",
        "/proc/sys/kernel/hostname",
    ] {
        let said = fails(&format!("echo evil > {path}"), "", &["it returned 1"]);
        assert!(said.stderr.contains(path), "{said}");
    }
    let found = listing(
        "for each in /build /tmp /var/tmp /out; do echo good > $each/good; done\n\
         busybox ln -s /etc/passwd $OUT/passwd; busybox ln -s ../../../.. $OUT/up",
    );
    assert!(found.contains("/good file") && found.contains("/passwd symlink"), "{found}");
    // Links in the result are taken as links, wherever they lead.
    let found = listing("busybox ln -s /etc $OUT/settings");
    assert!(found.contains("/settings symlink") && !found.contains("/settings/"), "{found}");
}

#[test]
fn a_script_reaches_no_network() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let said = fails(&format!("busybox nc 127.0.0.1 {port}"), "", &["it returned 1"]);
    assert!(said.stderr.contains("onnection refused"), "{said}");
    assert!(listener.accept().is_err(), "somebody came");
    fails("busybox nc 192.0.2.1 80", "", &["it returned 1", "etwork is unreachable"]);
}

#[test]
fn a_script_leaves_no_rights() {
    let make = "echo x > $OUT/tool; busybox chmod 755 $OUT/tool";
    for mode in ["4755", "2755", "u+s"] {
        fails(
            &format!("{make}; busybox chmod {mode} $OUT/tool"),
            "",
            &["it returned 1", "peration not permitted"],
        );
    }
    let found =
        listing(&format!("{make}; busybox chmod 4755 $OUT/tool || true; busybox cp -p $OUT/tool $OUT/copy"));
    assert!(found.contains("/tool file 0755 0:0 "), "{found}");
    fails("busybox mknod $OUT/null c 1 3", "", &["peration not permitted"]);
    fails("busybox chown 5:5 $OUT", "", &["it returned 1"]);
}

#[test]
fn a_script_that_prints_without_end_is_stopped() {
    let said =
        fails("busybox yes 0123456789012345678901234567890123456789", "", &["it printed more than 64 MiB"]);
    assert!(said.stderr.len() < 5000, "only the end is shown");
    let one_line = "busybox yes 0123456789 | busybox tr -d '\\n'";
    let said =
        fails(&format!("{one_line}; busybox sleep 10"), "timeout = 5", &["it printed more than 64 MiB"]);
    assert!(said.stderr.len() < 5000, "only the end is shown");
}

#[test]
fn a_program_that_is_not_there_is_a_failure_like_any_other() {
    fails("make", "", &["it returned 127", "make: not found"]);
    with_script("true", "", |project| {
        package(project, "shell", "[[file]]\npath = \"/usr/bin/tool\"\ncontents = \"\"\n");
        let help = "help: add a package with a shell to `tools`, such as `shell-tools`";
        refuses(
            project,
            &["lock"],
            1,
            &["error[kit::build::script_failed]: `build app` failed: its tools have no `/bin/sh`", help],
        );
    });
}
