//! Lockfiles that don't hold any more, and such as were edited by hand.

use kit_tests::TestProject;

use crate::bench::{demo, is_sound, package, project, refuses};

const LOCK: &str = "lockfiles/demo.lock";

/// A locked project with a local source and a local file.
fn locked() -> TestProject {
    let project = project("\"app\"");
    project.write("files/a", "a").write("motd", "hello");
    let file = "[[file]]\npath = \"/etc/motd\"\nsource = \"motd\"\n";
    package(&project, "app", &format!("[sources.files]\nlocal = \"files\"\n{file}"));
    project.kit(&["lock"]).succeeded();
    project
}

/// Changes the first `from` on the line that starts with `line`.
fn edit(project: &TestProject, line: &str, from: &str, to: &str) {
    let text = project.read(LOCK);
    let old = text.lines().find(|each| each.starts_with(line)).unwrap();
    let new = old.replacen(from, to, 1);
    assert_ne!(old, new, "{from}");
    project.write(LOCK, &text.replacen(old, &new, 1));
}

/// Returns the first digits of the digest that follows `key` on the line that starts with `line`.
fn digits(text: &str, line: &str, key: &str) -> String {
    let (_, rest) = text.lines().find(|each| each.starts_with(line)).unwrap().split_once(key).unwrap();
    rest[..8].to_owned()
}

#[test]
fn what_was_edited_after_locking_is_named_with_the_command_that_helps() {
    let project = locked();
    project.kit(&["build"]).succeeded();
    let stale = |changes: &[&str]| {
        let message = format!("error[kit::lock::stale]: `{LOCK}` is stale: {}", changes.join("; "));
        let help = "help: run `kit lock demo` and review what it changes in the lockfile";
        refuses(&project, &["build"], 1, &[&message, help]);
        let texts = [&["error[kit::lock::stale]", "help: run `kit lock demo`"], changes].concat();
        refuses(&project, &["lock", "--check"], 1, &texts);
    };
    let recipe = project.read("recipes/packages/app.toml");
    project.write("recipes/packages/app.toml", &recipe.replace("/etc/motd", "/etc/issue"));
    stale(&["`recipes/packages/app.toml` was edited"]);
    // The meaning counts, not the text.
    project.write("recipes/packages/app.toml", &format!("# A comment.\n{recipe}"));
    project.kit(&["build"]).succeeded();

    project.write("files/a", "b");
    stale(&["the files of source `files` in `recipes/packages/app.toml` changed"]);
    project.write("files/a", "a").write("motd", "bye");
    stale(&["the project's file for `/etc/motd` in `recipes/packages/app.toml` changed"]);
    project.write("motd", "hello");
    package(&project, "more", "[[file]]\npath = \"/more\"\ncontents = \"\"\n");
    project.write("recipes/images/demo.toml", &demo("\"app\", \"more\""));
    stale(&["`recipes/images/demo.toml` was edited", "`recipes/packages/more.toml` takes part now"]);
    project.kit(&["lock"]).succeeded();
    project.kit(&["build"]).succeeded();
}

#[test]
fn an_edited_pin_is_noticed_and_repaired() {
    let project = locked();
    let good = project.read(LOCK);
    let digest = |line: &str| digits(&good, line, "= \"");
    for (line, from, to) in [
        ("\"package app/files\"", digest("\"package app/files\"").as_str(), "00000000"),
        ("source-date", "1970", "1971"),
        ("epoch", "0", "1"),
        ("pin", &digest("pin"), "00000000"),
    ] {
        edit(&project, line, from, to);
        refuses(
            &project,
            &["build"],
            1,
            &[
                "error[kit::lock::edited]: the lockfile was edited by hand",
                "the pins below hash to",
                "help: change the recipes instead, then run `kit lock`; it also repairs this file",
            ],
        );
        refuses(&project, &["lock", "--check"], 1, &["error[kit::lock::edited]"]);
        let said = project.kit(&["lock"]).succeeded();
        assert!(said.stderr.contains("was edited by hand"), "{said}");
        assert_eq!(project.read(LOCK), good, "{line}");
    }
    project.write(LOCK, &good.replacen("[recipes]", "<<<<<<< ours\n[recipes]", 1));
    refuses(&project, &["build"], 1, &["error[kit::lock::conflict_marker]", "help: keep either side"]);
    project.write(LOCK, &good.replacen("sha256 = \"", "sha256 = \"zz", 1));
    refuses(&project, &["build"], 1, &["error[kit::lock::invalid_digest]", "help: "]);
    std::fs::remove_file(project.path().join(LOCK)).unwrap();
    refuses(&project, &["build"], 1, &["error[kit::lock::missing]", "help: run `kit lock demo`"]);
}

#[test]
fn an_edited_container_contradicts_the_one_that_was_made() {
    let project = project("\"app\"");
    package(&project, "app", "[[file]]\npath = \"/app\"\ncontents = \"app\"\n");
    let service = "[[service]]\nname = \"web\"\npackage = \"app\"\ncommand = [\"/app\"]\n";
    project.write("recipes/images/demo.toml", &format!("{}{service}", demo("\"app\"")));
    project.kit(&["lock"]).succeeded();
    let good = project.read(LOCK);
    let digest = digits(&good, "manifest", "sha256:");
    edit(&project, "manifest", &digest, "00000000");
    let message = format!(
        "error[kit::lock::different_output]: `container web` came out different from what `{LOCK}` locks"
    );
    let found = format!("got manifest sha256 {digest}");
    refuses(
        &project,
        &["build"],
        1,
        &[&message, "expected manifest sha256 00000000", &found, "help: if the change is wanted"],
    );
    project.kit(&["lock"]).succeeded();
    assert_eq!(project.read(LOCK), good);
    project.kit(&["build"]).succeeded();
}

#[test]
fn an_edited_result_contradicts_what_comes_out() {
    let project = locked();
    let good = project.read(LOCK);
    let swap = |line: &str, key: &str| {
        let digest = digits(&good, line, key);
        edit(&project, line, &digest, "00000000");
        digest
    };
    let different = |what: &str, kind: &str, digest: &str| {
        let said = refuses(
            &project,
            &["build"],
            1,
            &[
                &format!(
                    "error[kit::lock::different_output]: `{what}` came out different from what `{LOCK}` locks"
                ),
                &format!("expected {kind} 00000000"),
                &format!("got {kind} {digest}"),
                "help: if the change is wanted, run `kit lock demo`",
            ],
        );
        assert!(!project.path().join("out").exists(), "nothing is written: {said}");
        project.kit(&["lock"]).succeeded();
        assert_eq!(project.read(LOCK), good, "{what}");
    };
    let digest = swap("\"demo.tar\"", "blake3 = \"");
    different("demo.tar", "blake3", &digest);
    let digest = swap("\"demo.tar\"", "sha256 = \"");
    different("demo.tar", "sha256", &digest);
    let digest = swap("\"output demo tar\"", "tree = \"");
    different("output demo tar", "tree", &digest);
    // A step that nothing needs any more is looked at where it is done: on a machine that has nothing.
    let digest = swap("\"package app\" = {", "tree = \"");
    let elsewhere = project.path().join("elsewhere");
    let said = project.kit(&["build", "--store", elsewhere.to_str().unwrap()]);
    let said =
        said.failed(1, &["error[kit::lock::different_output]: `package app`", &format!("got tree {digest}")]);
    assert!(said.stderr.contains("first step that came out different: `package app`"), "{said}");
    is_sound(&project);
}
