//! Images with containers left out, replaced or added by the command line: each has a lockfile of its own.
#![expect(clippy::disallowed_methods, reason = "tests start programs and look into projects")]

use std::process::Command;

use kit_tests::TestProject;

const DEMO: &str = r#"
[image]
name = "demo"
formats = ["tar"]

[[onboot]]
name = "first"
package = "old"

[[service]]
name = "web"
package = "old"
env = { PORT = "80" }

[[service]]
name = "log"
package = "old"
"#;

fn project() -> TestProject {
    let project = TestProject::new();
    project.write("recipes/images/demo.toml", DEMO);
    for name in ["old", "new"] {
        let text = format!(
            "[package]\nname = \"{name}\"\n[[file]]\npath = \"/{name}\"\ncontents = \"\"\n[container]\ncommand = [\"/{name}\"]\n"
        );
        project.write(&format!("recipes/packages/{name}.toml"), &text);
    }
    project
}

/// The containers of an image that was built, with the program of each.
fn containers(project: &TestProject, tar: &str) -> Vec<String> {
    let listed = Command::new("tar").args(["-tf", tar]).current_dir(project.path()).output().expect("a tar");
    let listed = String::from_utf8(listed.stdout).expect("names are text");
    let programs = listed.lines().filter_map(|line| {
        let (directory, file) =
            line.trim_start_matches("./").strip_prefix("containers/")?.split_once("/rootfs/")?;
        matches!(file, "old" | "new").then(|| format!("{directory}: {file}"))
    });
    programs.collect()
}

#[test]
fn each_change_makes_an_image_with_a_lockfile_of_its_own() {
    let project = project();
    let changes = ["--without", "log", "--replace", "web=new", "--replace", "first=new", "--add", "more=old"];
    let said = project.kit(&[&["build", "demo"], &changes[..]].concat()).succeeded();
    let name = "demo-without-log-other-web-other-first-with-more";
    assert_eq!(said.stdout, format!("out/{name}.tar\n"), "{said}");
    let lock = project.read(&format!("lockfiles/{name}.lock"));
    assert!(lock.contains(&format!("subject = \"image {name}\"")), "{lock}");
    assert!(!project.path().join("lockfiles/demo.lock").exists());
    assert_eq!(
        containers(&project, &format!("out/{name}.tar")),
        ["onboot/000-first: new", "services/000-web: new", "services/001-more: old"]
    );
    // It is obeyed like any other.
    project.write(
        "recipes/packages/new.toml",
        &project.read("recipes/packages/new.toml").replace("\"\"", "\"x\""),
    );
    project.kit(&[&["build", "demo"], &changes[..]].concat()).failed(1, &["kit lock"]);
    project.kit(&[&["lock", "demo"], &changes[..]].concat()).succeeded();
    project.kit(&[&["build", "demo", "--offline"], &changes[..]].concat()).succeeded();
}

#[test]
fn what_is_not_there_is_neither_left_out_nor_replaced() {
    let project = project();
    project
        .kit(&["build", "demo", "--without", "lok"])
        .failed(1, &["kit::plan::nothing_to_replace", "`lok`"]);
    project
        .kit(&["build", "demo", "--replace", "wob=new"])
        .failed(1, &["kit::plan::nothing_to_replace", "`wob`"]);
    project.kit(&["build", "demo", "--add", "web=new"]).failed(1, &["kit::plan::duplicate_container"]);
    project.kit(&["build", "demo", "--add", "x=Not A Thing"]).failed(2, &["neither a package nor an image"]);
    assert!(!project.path().join("lockfiles").exists());
}
