//! Recipes that are wrong in themselves, or together.

use std::os::unix::fs::symlink;

use crate::bench::{package, project, refuses};

const TEXT: &str = "[[file]]\npath = \"/text\"\ncontents = \"text\"\n";

#[test]
fn every_problem_of_every_recipe_is_shown_at_once() {
    let project = project("\"app\"");
    project.write(
        "recipes/images/demo.toml",
        "[image]\nname = \"demo\"\nformats = [\"tar\"]\n\n[init]\npackges = [\"app\"]\n",
    );
    package(&project, "app", &format!("version = 1\n{TEXT}"));
    let said = refuses(
        &project,
        &["check"],
        1,
        &[
            "error[kit::recipe::unknown_key]: unknown key `packges` in `[init]`",
            "recipes/images/demo.toml:6:1",
            "not a key of `[init]`",
            "help: did you mean `packages`?",
            "error[kit::recipe::wrong_type]: `version` expects a string, not an integer",
            "recipes/packages/app.toml:3:11",
            "help: put it in quotes: `\"1\"`",
        ],
    );
    assert_eq!(said.stderr.matches("error[").count(), 2, "{said}");
    for command in ["lock", "build", "run"] {
        refuses(&project, &[command, "demo"], 1, &["error[kit::recipe::unknown_key]"]);
    }
}

#[test]
fn unknown_packages_are_named_where_they_are_used() {
    let project = project("\"app\", \"busybx\", \"nothing-like-it\"");
    package(&project, "app", TEXT);
    let said = refuses(
        &project,
        &["check"],
        1,
        &[
            "error[kit::plan::unknown_recipe]: there is no package `busybx`",
            "recipes/images/demo.toml:6:20",
            "help: did you mean `busybox`?",
            "error[kit::plan::unknown_recipe]: there is no package `nothing-like-it`",
            "help: write `recipes/packages/nothing-like-it.toml`, or check the name",
        ],
    );
    assert_eq!(said.stderr.matches("error[").count(), 2, "{said}");
    refuses(&project, &["lock"], 1, &["there is no package `busybx`"]);
}

#[test]
fn a_cycle_is_told_once() {
    let project = project("\"one\"");
    package(&project, "one", "[tree]\npackages = [\"two\"]\n");
    package(&project, "two", "[build]\ntools = [\"one\"]\nrun = \"true\"\n");
    let cycle =
        "error[kit::plan::cycle]: recipes need each other: package `one` → package `two` → package `one`";
    for command in [&["check"][..], &["lock"], &["build"]] {
        let said = refuses(
            &project,
            command,
            1,
            &[cycle, "recipes/packages/two.toml:4:10", "help: take one of these uses away"],
        );
        assert_eq!(said.stderr.matches("error[").count(), 1, "{said}");
    }
    package(&project, "one", "[tree]\npackages = [\"one\"]\n");
    refuses(&project, &["lock"], 1, &["package `one` → package `one`"]);
}

#[test]
fn a_cycle_among_a_hundred_packages_is_told_alone() {
    let project = project("\"p00\"");
    // From 40 to 49 they go round; the others lead there.
    for number in 0..100 {
        let next = if number == 49 { 40 } else { (number + 1) % 100 };
        package(&project, &format!("p{number:02}"), &format!("[tree]\npackages = [\"p{next:02}\"]\n"));
    }
    let steps: Vec<_> = (40..50).chain([40]).map(|number| format!("package `p{number}`")).collect();
    let cycle = format!("error[kit::plan::cycle]: recipes need each other: {}\n", steps.join(" → "));
    let started = std::time::Instant::now();
    let said =
        refuses(&project, &["lock"], 1, &[&cycle, "recipes/packages/p49.toml:4:13", "closes the cycle"]);
    assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(said.stderr.matches("error[").count(), 1, "{said}");
}

#[test]
fn hundreds_of_problems_are_counted() {
    let project = project("\"app\"");
    let wrong: Vec<_> = (0..200).map(|number| format!("key{number} = 1\n")).collect();
    package(&project, "app", &format!("{}{TEXT}", wrong.concat()));
    let said = refuses(
        &project,
        &["check"],
        1,
        &["unknown key `key0`", "unknown key `key49`", "and 150 more problems"],
    );
    assert_eq!(said.stderr.matches("error[").count(), 50, "{said}");
    let said = project.kit(&["check", "--json"]);
    assert_eq!(said.stdout.matches("kit::recipe::unknown_key").count(), 200, "{said}");
}

#[test]
fn two_packages_with_one_path_need_a_winner() {
    let project = project("\"one\", \"two\"");
    for name in ["one", "two"] {
        package(&project, name, "[sources.files]\nlocal = \"NAME\"\n".replace("NAME", name).as_str());
        project.write(&format!("{name}/etc/same"), name).write(&format!("{name}/etc/{name}"), name);
    }
    project.kit(&["check"]).succeeded();
    refuses(
        &project,
        &["lock"],
        1,
        &[
            "error[kit::compose::file_conflict]: `root demo`: `one` and `two` put different things at one path",
            "recipes/images/demo.toml:6:13",
            "provides it first",
            "also provides it",
            "`one` has  /etc/same file 0644 0:0 3 ",
            "`two` has  /etc/same file 0644 0:0 3 ",
            "help: name the winner in the recipe's `[tree]`: `prefer = { \"/etc/same\" = \"two\" }`",
        ],
    );
    let recipe = project.read("recipes/images/demo.toml");
    project.write(
        "recipes/images/demo.toml",
        &format!("{recipe}\n[tree]\nprefer = {{ \"/etc/same\" = \"tow\" }}\n"),
    );
    refuses(&project, &["lock"], 1, &["error[kit::plan::unknown_owner]", "help: name one of `one`, `two`"]);
    project.write(
        "recipes/images/demo.toml",
        &format!("{recipe}\n[tree]\nprefer = {{ \"/etc/same\" = \"two\" }}\n"),
    );
    project.kit(&["lock"]).succeeded();
    project.kit(&["show", "demo", "--files"]).succeeded();
    let said = project.kit(&["why", "demo", "/etc/same"]).succeeded();
    assert!(said.stdout.contains("two"), "{said}");
}

#[test]
fn globs_that_match_nothing_are_shown_in_their_recipe() {
    let project = project("\"app\"");
    project.write("files/a/b", "");
    let source = "[sources.files]\nlocal = \"files\"\n";
    package(&project, "app", &format!("{source}include = [\"/a/**\", \"/c\"]\n"));
    let code = "error[kit::compose::glob_matches_nothing]: ";
    refuses(
        &project,
        &["check"],
        1,
        &[
            &format!("{code}nothing in `source app/files` matches `/c`"),
            "recipes/packages/app.toml:5:21",
            "matches nothing",
            "help: correct the glob, or take it away",
        ],
    );
    package(&project, "app", &format!("{source}[tree]\nexclude = [\"/usr/share/**\"]\n"));
    refuses(
        &project,
        &["lock"],
        1,
        &[
            &format!("{code}nothing in `package app` matches `/usr/share/**`"),
            "recipes/packages/app.toml:6:12",
        ],
    );
}

#[test]
fn no_path_leads_out_of_the_project() {
    let project = project("\"app\"");
    project.write("files/a", "");
    symlink("/etc", project.path().join("etc")).unwrap();
    symlink("..", project.path().join("up")).unwrap();
    symlink("circle", project.path().join("circle")).unwrap();
    for (path, label) in [
        ("../files", "leads out of the project"),
        ("/etc", "is absolute"),
        ("files/../..", "leads out of the project"),
    ] {
        package(&project, "app", &format!("[sources.files]\nlocal = \"{path}\"\n"));
        let message = format!("error[kit::recipe::project_path]: `{path}` is not a path inside the project");
        let help = "help: write a path relative to the project, such as `files/motd`";
        refuses(&project, &["lock"], 1, &[&message, label, help]);
    }
    let outside = "cause: a symbolic link on its way leads out of the project";
    let circle = "cause: symbolic links on its way lead in a circle";
    for (path, cause) in
        [("etc", outside), ("etc/passwd", outside), ("up/files", outside), ("circle", circle)]
    {
        let message = format!("error[kit::recipe::bad_local_file]: `{path}` can't be used");
        let help = "help: only files, directories and links inside of the project are taken";
        package(&project, "app", &format!("[sources.files]\nlocal = \"{path}\"\n"));
        refuses(&project, &["lock"], 1, &[&message, cause, "recipes/packages/app.toml:4:9", help]);
        package(&project, "app", &format!("[[file]]\npath = \"/a\"\nsource = \"{path}\"\n"));
        refuses(&project, &["check"], 1, &[&message, cause, "recipes/packages/app.toml:5:10", help]);
    }
    package(&project, "app", "[[file]]\npath = \"/a/../../etc/passwd\"\ncontents = \"\"\n");
    refuses(&project, &["check"], 1, &["error[kit::recipe::invalid_path]"]);
    std::fs::remove_file(project.path().join("recipes/packages/app.toml")).unwrap();
    symlink("/etc/passwd", project.path().join("recipes/packages/app.toml")).unwrap();
    refuses(
        &project,
        &["check"],
        1,
        &["error[kit::recipe::unreadable]: cannot read `recipes/packages/app.toml`", outside],
    );
}

#[test]
fn a_link_inside_a_source_stays_a_link() {
    let project = project("\"app\"");
    project.write("files/a", "");
    symlink("/etc/passwd", project.path().join("files/passwd")).unwrap();
    symlink("../../..", project.path().join("files/up")).unwrap();
    package(&project, "app", "[sources.files]\nlocal = \"files\"\n");
    project.kit(&["lock"]).succeeded();
    project.kit(&["build"]).succeeded();
    let said = project.kit(&["show", "demo", "--files"]).succeeded();
    assert!(said.stdout.contains("/passwd symlink"), "{said}");
    // An output never goes through a link that stands in its place.
    let target = project.path().join("elsewhere");
    std::fs::write(&target, "mine").unwrap();
    std::fs::remove_file(project.path().join("out/demo.tar")).unwrap();
    symlink(&target, project.path().join("out/demo.tar")).unwrap();
    project.kit(&["build"]).succeeded();
    assert_eq!(project.read("elsewhere"), "mine");
    assert!(project.path().join("out/demo.tar").symlink_metadata().unwrap().is_file());
}
