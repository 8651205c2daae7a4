//! What other builders read becomes recipes, which are checked, locked and built like any.
#![expect(clippy::disallowed_methods, reason = "tests start programs and look into projects")]

use std::process::Command;

use kit_tests::TestProject;
use kit_tests::deb::Tar;
use kit_tests::image::Image;
use kit_tests::server::{Answer, with_server};
use serde_json::{Value, json};

const SYSTEM: &str = r#"
init:
  - linuxkit/init:v1.0
services:
  # It says of itself what it needs.
  - name: hello
    image: 127.0.0.1:1/team/hello:1.0
    capabilities.add:
      - CAP_KILL
    binds:
      - /etc/resolv.conf:/etc/resolv.conf
    uid: hello
files:
  - path: etc/motd
    contents: "Imported.\n"
    mode: "0644"
"#;

/// Imports the system from a registry that has the image with a label, and locks and builds it; returns the
/// configuration of its container.
fn configuration(label: &Value) -> Result<Value, String> {
    let project = TestProject::new();
    project.write("system.yml", SYSTEM);
    let said = project.kit(&["import", "linuxkit", "system.yml"]).succeeded();
    assert_eq!(said.stdout, "recipes/images/system.toml\n", "{said}");
    assert!(said.stderr.contains("system.yml:3: changed: `linuxkit/init:v1.0` is left out"), "{said}");
    let recipe = project.read("recipes/images/system.toml");
    assert!(
        recipe.contains("# It says of itself what it needs.\n[[service]]\nname = \"hello\"\n"),
        "{recipe}"
    );
    assert!(recipe.contains("[defaults]\nlabel = true\nnet = \"host\"\n"), "{recipe}");
    project.kit(&["check"]).succeeded();
    // The same again is no contradiction, another one is.
    project.kit(&["import", "linuxkit", "system.yml"]).succeeded();
    project.write("system.yml", &SYSTEM.replace("Imported", "Changed"));
    project
        .kit(&["import", "linuxkit", "system.yml"])
        .failed(1, &["kit::import::recipes_there", "recipes/images/system.toml", "--force"]);
    assert!(recipe.contains("formats = [\"tar\"]"), "{recipe}");

    let mut image = Image::new(&[Tar::default().file("bin/hello", b"hello").end()]);
    image.run["Labels"] = json!({ "org.mobyproject.config": label.to_string() });
    let site = image.site("team/hello", "1.0", Answer::Bytes(image.manifest()));
    let locked = with_server(site, |server| {
        let base = &server.base;
        project.write("kit.toml", &format!("[mirrors]\n\"http://127.0.0.1:1/\" = [\"{base}/\"]\n"));
        let said = project.kit(&["lock", "system"]);
        project.kit(&["build", "system"]);
        said
    });
    if !locked.stderr.contains("lockfiles/system.lock written") {
        return Err(locked.stderr);
    }
    let file = "./containers/services/000-hello/config.json";
    let tar = Command::new("tar")
        .args(["-xOf", "out/system.tar", file.trim_start_matches("./")])
        .current_dir(project.path())
        .output()
        .expect("the machine has tar");
    Ok(serde_json::from_slice(&tar.stdout).unwrap_or_else(|error| panic!("{error}: {tar:?}\n{locked}")))
}

#[test]
fn an_imported_system_is_what_its_entries_its_labels_and_the_defaults_say() {
    let label = json!({ "capabilities": ["CAP_CHOWN"], "net": "new", "command": ["/bin/hello", "-x"], "readonly": true });
    let config = configuration(&label).expect("it is locked");
    let process = &config["process"];
    assert_eq!(process["args"], json!(["/bin/hello", "-x"]));
    assert_eq!(process["capabilities"]["bounding"], json!(["CAP_CHOWN", "CAP_KILL"]));
    assert_eq!(process["capabilities"]["ambient"], json!([]));
    // The first container is kit's own, so this one is the second.
    assert_eq!(process["user"]["uid"], 101);
    assert_eq!(process["noNewPrivileges"], false);
    assert_eq!(config["root"]["readonly"], true);
    let spaces = config["linux"]["namespaces"].to_string();
    assert!(spaces.contains("network") && !spaces.contains("\"ipc\""), "{spaces}");
    assert_eq!(config["linux"]["maskedPaths"], json!([]));
    assert_eq!(config["linux"].get("seccomp"), None);
}

/// With one command, and no recipe on disk.
#[test]
fn a_file_is_locked_and_built_at_once() {
    let project = TestProject::new();
    std::fs::remove_dir_all(project.path().join("recipes")).ok();
    project.write("here/system.yml", SYSTEM);
    let image = Image::new(&[Tar::default().file("bin/hello", b"hello").end()]);
    let site = image.site("team/hello", "1.0", Answer::Bytes(image.manifest()));
    let build = ["build", "here/system.yml"];
    with_server(site, |server| {
        let base = &server.base;
        project.write("kit.toml", &format!("[mirrors]\n\"http://127.0.0.1:1/\" = [\"{base}/\"]\n"));
        let said = project.kit(&build).succeeded();
        assert!(said.stderr.contains("here/system.yml:3: changed"), "{said}");
        assert!(said.stderr.contains("lockfiles/system.lock written"), "{said}");
        assert_eq!(said.stdout, "out/system.tar\n", "{said}");
    });
    // From now on the lockfile is obeyed, and a change has to be locked.
    project.kit(&build).succeeded();
    project.write("here/system.yml", &SYSTEM.replace("Imported", "Changed"));
    project.kit(&build).failed(1, &["kit lock"]);
    project.kit(&["lock", "here/system.yml", "--offline"]).succeeded();
    project.kit(&["build", "here/system.yml", "--offline"]).succeeded();
    assert!(!project.path().join("recipes").exists());
}

#[test]
fn a_label_that_nobody_can_read_is_said() {
    let said = configuration(&json!({ "capabilities": ["CAP_EVERYTHING"] })).expect_err("it can't be used");
    assert!(said.contains("error[kit::plan::label]") && said.contains("CAP_EVERYTHING"), "{said}");
}

#[test]
fn everything_wrong_is_said_with_its_line_and_nothing_is_written() {
    let project = TestProject::new();
    let with = |lines: &str| SYSTEM.replace("    uid: hello", &format!("    uid: hello\n{lines}"));
    project.write("system.yml", &with("    uid: 3"));
    project
        .kit(&["import", "linuxkit", "system.yml"])
        .failed(1, &["kit::linuxkit::duplicate_key", "system.yml:13"]);
    let device = "{path: /dev/x, type: c, major: 1, minor: 2, mode: rw}";
    project.write(
        "system.yml",
        &with(&format!("    capabilites: []\n    devices:\n      - {device}\n    pid: @x")),
    );
    project.kit(&["import", "linuxkit", "system.yml"]).failed(1, &["system.yml:16", "kit::linuxkit"]);
    project.write("system.yml", &with(&format!("    capabilites: []\n    devices:\n      - {device}")));
    let said = project.kit(&["import", "linuxkit", "system.yml"]);
    let said = said.failed(1, &["system.yml:13", "did you mean `capabilities`?", "system.yml:15"]);
    assert!(!project.path().join("recipes").exists(), "{said}");
    project.write("system.yml", "services:\n  - name: a\n   image: b\n");
    project.kit(&["import", "linuxkit", "system.yml"]).failed(1, &["system.yml:3"]);
}
