//! What scripts miss and what they leave, files that nobody may read, and sandboxes that somebody kills.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use kit_tests::{Said, TestProject};
use rustix::process::{Pid, Signal, kill_process};

use crate::bench::{demo, is_sound, package, project, refuses};
use crate::scripts::with_script;

#[test]
fn a_tool_that_is_not_declared_is_named_with_its_package() {
    with_script("echo good > $OUT/good", "", |project| {
        let maker = "[[file]]\npath = \"/usr/bin/make\"\ncontents = \"#!/bin/sh\\n\"\nmode = \"0755\"\n";
        package(project, "maker", maker);
        package(project, "larger", &format!("{maker}[[file]]\npath = \"/text\"\ncontents = \"\"\n"));
        package(project, "needs-app", "[tree]\npackages = [\"app\", \"maker\"]\n");
        project.write("recipes/images/demo.toml", &demo("\"app\", \"larger\", \"maker\", \"needs-app\""));
        project.kit(&["lock"]).succeeded();
        let recipe = project.read("recipes/packages/app.toml");
        project.write("recipes/packages/app.toml", &recipe.replace("echo good > $OUT/good", "make install"));
        refuses(
            project,
            &["lock"],
            1,
            &[
                "error[kit::build::no_program]: `build app` failed: it returned 127, and its tools have no `make`",
                "make: not found",
                "help: add a package that has it to `tools`, such as `maker`: `maker` has `/usr/bin/make`, \
                 `larger` has `/usr/bin/make`\n",
            ],
        );
        // What isn't there in any package is said as before.
        project.write("recipes/packages/app.toml", &recipe.replace("echo good > $OUT/good", "cc main.c"));
        refuses(
            project,
            &["lock"],
            1,
            &["it returned 127", "cc: not found", "help: `kit log \"build app\"`"],
        );
        // With it among its tools, it is run.
        let tools =
            recipe.replace("echo good >", "make; echo good >").replace("\"shell\"", "\"shell\", \"maker\"");
        project.write("recipes/packages/app.toml", &tools);
        project.kit(&["lock"]).succeeded();
    });
}

#[test]
fn a_script_that_leaves_nothing_has_failed() {
    with_script("echo forgotten > /build/file", "", |project| {
        refuses(
            project,
            &["lock"],
            1,
            &[
                "error[kit::build::no_output]: `build app` failed: it left nothing in `$OUT`",
                "help: let it put the package's files into the directory `$OUT`, as by `make DESTDIR=\"$OUT\" install`",
            ],
        );
    });
    // A directory is something.
    with_script("busybox mkdir $OUT/var", "", |project| _ = project.kit(&["lock"]).succeeded());
}

/// Runs a script whose result can't be a package.
fn leaves(script: &str, texts: &[&str]) -> Said {
    let mut said = None;
    with_script(script, "", |project| {
        let error =
            "error[kit::build::script_failed]: `build app` failed: it left what can't be in a package: ";
        let help = "help: remove it at the end of the script, or make it readable; owners, special bits and devices \
                    are declared in the recipe's `[tree]`";
        said = Some(refuses(project, &["lock"], 1, &[&[error, help], texts].concat()));
    });
    said.unwrap()
}

#[test]
fn what_can_not_be_in_a_package_is_named() {
    leaves("busybox mkfifo $OUT/fifo", &["`/fifo` is a fifo\n"]);
    let hidden = "echo x > $OUT/hidden; busybox chmod 0 $OUT/hidden; busybox mkdir -p $OUT/folder/below; \
                  busybox chmod 0 $OUT/folder";
    leaves(
        hidden,
        &["package: `/folder` is not readable for its owner; `/hidden` is not readable for its owner\n"],
    );
    let many = "i=0; while [ $i -lt 100 ]; do i=$((i + 1)); busybox mkfifo $OUT/$i; done";
    let said = leaves(many, &["`/1` is a fifo; `/10` is a fifo; ", "; and 90 more\n"]);
    assert_eq!(said.stderr.matches("is a fifo").count(), 10, "{said}");
}

#[test]
fn paths_longer_than_any_is_are_cut_where_they_are_shown() {
    let half = vec!["n".repeat(250); 10].join("/");
    let deep = format!("cd $OUT; busybox mkdir -p {half} other/{half}; busybox mv other {half}");
    let said = leaves(&deep, &["has something below it that no tree holds: `nnn", "nnn…nnn", "4095"]);
    assert!(said.stderr.len() < 2000, "{said}");
}

#[test]
fn names_of_any_bytes_are_names() {
    with_script(r#"echo x > "$OUT/$(printf 'a\nb\377\033c')"; echo x > "$OUT/ä b""#, "", |project| {
        project.kit(&["lock"]).succeeded();
        is_sound(project);
        let said = project.kit(&["show", "demo", "--files"]).succeeded();
        assert!(said.stdout.contains("/a\\x0ab\\xff\\x1bc file"), "{said}");
        project.kit(&["build"]).succeeded();
    });
}

#[test]
fn local_files_that_nobody_may_read_are_named() {
    let project = project("\"app\"");
    package(&project, "app", "[sources.files]\nlocal = \"files\"\n");
    project.write("files/open", "open");
    project.write("files/sub/secret", "secret");
    let mode = |path: &str, mode| {
        std::fs::set_permissions(project.path().join(path), Permissions::from_mode(mode)).unwrap();
    };
    let help = "help: make it readable for its owner and for you, by `chmod` or `chown`, or leave it out by `exclude`";
    let error = "error[kit::recipe::bad_local_file]: `files` can't be used";
    for (path, hidden) in [("files/sub/secret", "`sub/secret` in it"), ("files/sub", "`sub` in it")] {
        let usual = if path.ends_with("sub") { 0o755 } else { 0o644 };
        mode(path, 0);
        let said = project.kit(&["lock"]);
        mode(path, usual);
        let said = said.failed(1, &[error, hidden, "it is not readable for its owner", "named here", help]);
        assert!(said.stderr.contains("recipes/packages/app.toml:4:9"), "{said}");
    }
    // Nobody reads what isn't taken.
    mode("files/sub/secret", 0);
    package(&project, "app", "[sources.files]\nlocal = \"files\"\nexclude = [\"/sub\"]\n");
    project.kit(&["lock"]).succeeded();
    is_sound(&project);
}

/// Locks a project whose script runs a program with the argument `seconds`, kills the ancestor of that program so many
/// generations above it, and returns what kit said.
fn lock_and_kill(project: &TestProject, seconds: &str, generations: usize) -> Said {
    std::thread::scope(|scope| {
        let kit = scope.spawn(|| project.kit(&["lock"]));
        let patience = Instant::now() + Duration::from_secs(20);
        loop {
            assert!(Instant::now() < patience && !kit.is_finished(), "no `sleep {seconds}` runs");
            if let Some(program) = running(seconds) {
                let victim = (0..generations).fold(program, |pid, _| parent(pid));
                kill_process(Pid::from_raw(victim).unwrap(), Signal::KILL).unwrap();
                return kit.join().unwrap();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    })
}

/// Finds the process that has an argument.
fn running(argument: &str) -> Option<i32> {
    std::fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let command = std::fs::read(entry.path().join("cmdline")).ok()?;
        command.split(|byte| *byte == 0).any(|found| found == argument.as_bytes()).then_some(pid)
    })
}

fn parent(pid: i32) -> i32 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap();
    line.trim().parse().unwrap()
}

#[test]
fn a_script_that_somebody_kills_leaves_nothing_half_done() {
    let seconds = format!("9{}", std::process::id());
    let script = format!("echo half > $OUT/half; busybox sleep {seconds}; echo whole > $OUT/whole");
    let failed = "error[kit::build::script_failed]: `build app` failed:";
    let program = format!("{failed} it returned 137, as when signal 9 kills a program of it");
    let shell = format!("{failed} signal 9 killed it");
    let who = "help: kit didn't do that: the kernel may have, when memory ran out (`dmesg` says so), or somebody else; \
               `kit log \"build app\"`";
    let gone = "error[kit::sandbox::failed]: the sandbox of `build app` is gone";
    let again = "help: was it killed? the kernel does that when memory runs out, and `dmesg` says so; else do it again";
    with_script(&script, "", |project| {
        // The program, the shell that started it, the first process in the sandbox, and the one that watches it.
        for (generations, code, error, help) in
            [(0, 1, program.as_str(), who), (1, 1, &shell, who), (2, 1, &shell, who), (3, 3, gone, again)]
        {
            let said = lock_and_kill(project, &seconds, generations).failed(code, &[error, help]);
            assert_eq!(said.stderr.matches("error[").count(), 1, "{said}");
            assert_eq!(running(&seconds), None, "{generations}");
            is_sound(project);
            assert!(!project.path().join("lockfiles/demo.lock").exists());
        }
        let recipe = project.read("recipes/packages/app.toml");
        project.write("recipes/packages/app.toml", &recipe.replace(&format!("sleep {seconds}"), "sleep 0"));
        project.kit(&["lock"]).succeeded();
        project.kit(&["build"]).succeeded();
        is_sound(project);
    });
}
