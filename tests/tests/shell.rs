//! Shells in the sandboxes of builds, and programs of locked packages.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::io::Write as _;
use std::process::Stdio;

use kit_tests::{Said, TestProject};

/// A project with three packages in its image, whose first one is built by `script`.
fn project(script: &str) -> TestProject {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock");
    project.write(
        "recipes/images/minimal.toml",
        "[image]\nname = \"minimal\"\nformats = [\"tar\"]\n[init]\npackages = [\"app\", \"plain\", \"shell-tools\"]\n",
    );
    project.write(
        "recipes/packages/app.toml",
        &format!(
            "[package]\nname = \"app\"\n[sources.files]\nlocal = \"files\"\n[build]\ntools = [\"shell-tools\"]\n\
             env = {{ OF_RECIPE = \"set\" }}\nrun = '''\n{script}\n'''\n"
        ),
    );
    project.write(
        "recipes/packages/plain.toml",
        "[package]\nname = \"plain\"\n[[file]]\npath = \"/usr/bin/says\"\nmode = \"0755\"\n\
         contents = \"#!/bin/sh\\necho plain $1\\n\"\n",
    );
    project.write("files/text", "a source");
    project
}

/// Runs a command with something to read.
fn kit(project: &TestProject, arguments: &[&str], input: &str) -> Said {
    let mut command = project.command(arguments);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    // Who doesn't read may have ended.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    Said::from_output(&child.wait_with_output().unwrap())
}

#[test]
fn a_shell_is_in_the_sandbox_of_a_build_before_it() {
    let project = project("cp /src/files/text $OUT/text");
    project.kit(&["lock"]).succeeded();
    let look = "pwd; id -u; uname -n; nproc; cat /src/files/text; echo; echo $OF_RECIPE; ls /out /build\n\
        echo kept > /out/made; [ -w /usr/bin ] || echo read-only; exit 7\n";
    let expected = "/build\n1000\nkit\n1\na source\nset\n/build:\n\n/out:\nread-only\n";
    let said = kit(&project, &["shell", "app"], look);
    assert_eq!((said.code, said.stdout.as_str()), (Some(7), expected), "{said}");
    assert!(said.stderr.contains("`build app` before it runs"), "{said}");
    assert!(said.stderr.contains("cp /src/files/text $OUT/text"), "{said}");
    // What is done there is thrown away, or kept where it is said.
    let said = kit(&project, &["shell", "app", "--keep", "kept"], look);
    assert_eq!((said.code, project.read("kept/out/made").as_str()), (Some(7), "kept\n"), "{said}");
    let again = kit(&project, &["shell", "app", "--keep", "kept"], "cat /out/made\n").succeeded();
    assert_eq!(again.stdout, "kept\n");
    project.kit(&["build"]).succeeded();
    let files = project.kit(&["show", "app", "--files"]).succeeded().stdout;
    assert!(files.contains("/text ") && !files.contains("/made "), "{files}");
}

#[test]
fn a_shell_is_where_a_build_failed() {
    let project = project("echo half > $OUT/half; exit 3");
    project.kit(&["lock"]).failed(1, &["`build app` failed: it returned 3"]);
    let said = kit(&project, &["shell", "--failed", "app"], "cat /out/half\n").succeeded();
    assert_eq!(said.stdout, "half\n");
    assert!(said.stderr.contains("`build app` as it failed"), "{said}");
    kit(&project, &["shell", "--failed", "other"], "")
        .failed(1, &["error[kit::shell::nothing_failed]: no failed build of `other` is kept"]);
}

#[test]
fn programs_see_the_packages_that_are_named() {
    let project = project("cp /src/files/text $OUT/text");
    project.kit(&["lock"]).succeeded();
    // The streams and the exit code are the program's.
    let said = kit(&project, &["shell", "shell-tools", "--", "sh", "-c", "cat; echo e >&2; exit 9"], "in");
    assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (Some(9), "in", "e\n"), "{said}");
    let together = ["shell", "plain", "shell-tools", "app", "--", "says", "two words"];
    assert_eq!(project.kit(&together).succeeded().stdout, "plain two words\n");
    let killed = project.kit(&["shell", "shell-tools", "--", "sh", "-c", "kill -TERM $$"]);
    assert_eq!(killed.code, Some(143), "{killed}");
    // Nothing of the machine is there but what is asked for.
    let here = project.kit(&["shell", "shell-tools", "--", "ls", "/"]).succeeded().stdout;
    assert!(!here.contains("work") && !here.contains("home"), "{here}");
    let bound = ["shell", "shell-tools", "--bind", ".", "--", "sh", "-c", "pwd; cat files/text > made"];
    assert_eq!(project.kit(&bound).succeeded().stdout, "/work\n");
    assert_eq!(project.read("made"), "a source");
}

#[test]
fn what_cannot_be_entered_is_told_with_the_way_out() {
    let project = project("cp /src/files/text $OUT/text");
    project.kit(&["lock"]).succeeded();
    project.kit(&["shell", "ap"]).failed(1, &["there is no image or package `ap`", "did you mean `app`?"]);
    let help = "help: run a program that sees them all: `kit shell app plain -- PROGRAM`";
    project
        .kit(&["shell", "app", "plain"])
        .failed(2, &["error[kit::shell::many_builds]: a shell steps into one build, not into 2", help]);
    let help = "help: run a program that is in it: `kit shell plain -- PROGRAM`";
    project
        .kit(&["shell", "plain"])
        .failed(1, &["error[kit::shell::no_script]: no script builds package plain", help]);
    project
        .kit(&["shell", "plain", "--", "sayz"])
        .failed(2, &["error[kit::shell::start]", "there is no program `sayz` inside"]);
    let loose = "[package]\nname = \"loose\"\n[tree]\npackages = [\"plain\"]\n";
    project.write("recipes/packages/loose.toml", loose);
    let help = "help: name `loose` in an image and run `kit lock`, or in `packages` of `recipes/tools.toml`";
    project
        .kit(&["shell", "loose", "--", "says"])
        .failed(1, &["error[kit::shell::not_pinned]: no lockfile pins package `loose`", help]);
    // A lockfile that doesn't hold any more says so itself.
    project.write("files/text", "another source");
    project.kit(&["shell", "app", "--", "x"]).failed(1, &["error[kit::lock::stale]", "`kit lock minimal`"]);
}
