//! LinuxKit's packages and files around an image: `build.yml`, templates with git's digests, sources from anywhere.
#![expect(clippy::disallowed_methods, reason = "tests look into projects")]

use std::fs;

use kit_tests::repository::Repository;
use kit_tests::{Said, TestProject};

const BUILD: &str = "image: tool\nconfig:\n  capabilities: [CAP_KILL] # to stop others\n  net: host\n";
const DOCKERFILE: &str =
    "FROM scratch\nCOPY etc /etc/\nCOPY tool.sh /usr/bin/tool\nCMD [\"/usr/bin/tool\"]\n";

fn package(project: &TestProject, dockerfile: &str) {
    project.write("pkg/tool/build.yml", BUILD).write("pkg/tool/Dockerfile", dockerfile);
    project.write("pkg/tool/etc/tool.conf", "a = 1\n").write("pkg/tool/tool.sh", "#!/bin/sh\n");
}

#[test]
fn a_package_that_only_copies_is_complete() {
    let project = TestProject::new();
    package(&project, DOCKERFILE);
    project.take("lockfiles/minimal.lock");
    let said = project.kit(&["import", "linuxkit", "pkg/tool"]).succeeded();
    assert_eq!(said.stdout, "recipes/packages/tool.toml\n", "{said}");
    project.kit(&["check"]).succeeded();
    let recipe = project.read("recipes/packages/tool.toml");
    for line in [
        "local = \"pkg/tool\"",
        "exclude = [\"/Dockerfile\", \"/build.yml\"]",
        "copy \"$OUT/etc/\" /src/main/etc",
        "copy \"$OUT/usr/bin/tool\" /src/main/tool.sh",
        "command = [\"/usr/bin/tool\"]",
        "# to stop others",
        "capabilities = [\"CAP_KILL\"]",
        "net = \"host\"",
    ] {
        assert!(recipe.lines().any(|found| found == line), "no `{line}` in:\n{recipe}");
    }
    assert!(!recipe.contains("exit 1"), "{recipe}");
    // What has the tools pinned builds it.
    let image = "[image]\nname = \"minimal\"\nformats = [\"tar\"]\n[init]\npackages = [\"init\"]\n[[service]]\nname = \"tool\"\npackage = \"tool\"\n";
    project.write("recipes/images/minimal.toml", image);
    project.kit(&["lock"]).succeeded();
    project.kit(&["build"]).succeeded();
    let tar =
        std::process::Command::new("tar").arg("-tf").arg(project.path().join("out/minimal.tar")).output();
    let listed = String::from_utf8(tar.expect("the machine has tar").stdout).expect("names are text");
    for file in ["rootfs/etc/tool.conf", "rootfs/usr/bin/tool"] {
        assert!(listed.lines().any(|line| line.ends_with(file)), "no `{file}` in:\n{listed}");
    }
}

#[test]
fn what_a_dockerfile_runs_is_left_to_do_with_its_line() {
    let project = TestProject::new();
    package(
        &project,
        "FROM linuxkit/alpine:1 AS mirror\nRUN apk add curl\nFROM scratch\nCOPY --from=mirror /out /\n",
    );
    let said = project.kit(&["import", "linuxkit", "pkg/tool/build.yml"]).succeeded();
    for text in ["pkg/tool/Dockerfile:2: to do: `RUN apk add curl`", "pkg/tool/Dockerfile:4: to do: "] {
        assert!(said.stderr.contains(text), "no `{text}` in:\n{said}");
    }
    project.kit(&["check"]).succeeded();
    let recipe = project.read("recipes/packages/tool.toml");
    assert!(recipe.contains("# RUN apk add curl\n") && recipe.contains("exit 1\n"), "{recipe}");
    project.write("pkg/tool/build.yml", "image: tool\nnetwork: false\nconfig:\n  bind: [/a:/b]\nimages: x\n");
    project.kit(&["import", "linuxkit", "pkg/tool", "--force"]).failed(
        1,
        &["pkg/tool/build.yml:4", "did you mean `binds`?", "pkg/tool/build.yml:5", "did you mean `image`?"],
    );
    project.write("pkg/tool/build.yml", BUILD);
    project.kit(&["build", "pkg/tool/build.yml"]).failed(2, &["kit::import::package_alone"]);
}

const SYSTEM: &str =
    "init:\n  - linuxkit/init:1\nservices:\n  - name: tool\n    image: \"@pkg:../pkg/tool\"\n";

fn image_of(project: &TestProject, said: &Said) -> String {
    let recipe = project.read("recipes/images/system.toml");
    let lines: Vec<_> = recipe.lines().skip_while(|line| *line != "[[service]]").collect();
    lines.get(2).unwrap_or_else(|| panic!("{said}")).to_string()
}

#[test]
fn templates_are_the_images_that_linuxkit_publishes() {
    let repository = Repository::new();
    let project = TestProject::new();
    let at = repository.path().join("pkg/tool");
    let system = repository.write("systems/system.yml", SYSTEM);
    let system = system.to_str().expect("its path is text");
    let import = || {
        let said = project.kit(&["import", "linuxkit", system, "--force"]).succeeded();
        image_of(&project, &said)
    };
    let build_file = repository.write("pkg/tool/build.yml", BUILD);
    assert_eq!(import(), "image = \"linuxkit/tool:latest\"", "nothing is committed");
    repository.commit(&[("pkg/tool/tool.sh", "x\n"), ("lib/a", "a\n")]);
    let tree = |path: &str| repository.git(&["rev-parse", &format!("HEAD:{path}")]);
    assert_eq!(import(), format!("image = \"linuxkit/tool:{}\"", tree("pkg/tool")));
    // Of the contents, in git's order; what git doesn't know counts for nothing.
    let unknown = repository.write("pkg/tool/unknown", "x");
    assert_eq!(import(), format!("image = \"linuxkit/tool:{}\"", tree("pkg/tool")));
    repository.write("pkg/tool/tool.sh", "y\n");
    let dirty = kit_hash::Sha256::of(format!("{BUILD}y\n").as_bytes()).to_string();
    assert_eq!(import(), format!("image = \"linuxkit/tool:{}-dirty-{}\"", tree("pkg/tool"), &dirty[..7]));
    let build = format!("{BUILD}org: team\nextra-sources: [\"../../lib:lib\"]\n");
    fs::remove_file(unknown).expect("it was written");
    repository.commit(&[("pkg/tool/build.yml", &build)]);
    let both = import();
    let digest = both.strip_prefix("image = \"team/tool:").expect("the organisation is written");
    assert_eq!(digest.len(), 41, "{digest}");
    assert!(!both.contains(&tree("pkg/tool")), "{both}");
    // A package of the same import stands in its place.
    repository.write("pkg/tool/Dockerfile", "FROM scratch\nCMD [\"/tool\"]\n");
    let directory = at.to_str().expect("its path is text");
    let said = project.kit(&["import", "linuxkit", system, directory, "--force"]).succeeded();
    assert_eq!(image_of(&project, &said), "package = \"tool\"");
    assert!(said.stderr.contains("to do: the directory is outside of the project"), "{said}");
    project.kit(&["check"]).succeeded();
    fs::remove_file(build_file).expect("it was written");
    let failed = project.kit(&["import", "linuxkit", system]);
    failed.failed(1, &["system.yml:5", "it has no `build.yml`"]);
}

#[test]
fn sources_come_from_anywhere() {
    let project = TestProject::new();
    let elsewhere = TestProject::new();
    elsewhere.write(".ssh/key.pub", "ssh-ed25519 AAAA me\n").write_bytes("binary", &[0xff, 0]);
    let home = elsewhere.path();
    project.write("files/motd", "hello\n");
    let file =
        |path: &str, source: &str, more: &str| format!("  - path: {path}\n    source: {source}\n{more}");
    let import = |files: &str| {
        project.write("system.yml", &format!("init: [linuxkit/init:1]\nfiles:\n{files}"));
        let mut command = project.command(&["import", "linuxkit", "system.yml", "--force"]);
        Said::from_output(&command.env("HOME", home).output().expect("kit runs"))
    };
    let optional = "    mode: \"0600\"\n    optional: true\n";
    let said = import(
        &[
            file("root/.ssh/authorized_keys", "~/.ssh/key.pub", optional),
            file("etc/motd", "./files/motd", "    mode: \"0644\"\n"),
            file("etc/other", home.join(".ssh/key.pub").to_str().expect("its path is text"), ""),
            file("etc/missing", "~/missing", optional),
            "  - {path: etc/d, directory: true}\n  - {path: etc/l, symlink: d}\n".to_owned(),
        ]
        .concat(),
    )
    .succeeded();
    for text in
        ["system.yml:4: changed: `~/.ssh/key.pub` is outside of the project", "system.yml:13: dropped"]
    {
        assert!(said.stderr.contains(text), "no `{text}` in:\n{said}");
    }
    let recipe = project.read("recipes/images/system.toml");
    let key = "[[file]]\npath = \"/root/.ssh/authorized_keys\"\ncontents = \"ssh-ed25519 AAAA me\\n\"\nmode = \"0600\"\n";
    assert!(recipe.contains(key), "{recipe}");
    assert!(recipe.contains("path = \"/etc/motd\"\nsource = \"files/motd\"\n"), "{recipe}");
    assert!(!recipe.contains("/etc/missing"), "{recipe}");
    project.kit(&["check"]).succeeded();
    // What can't be taken is an error, optional or not.
    import(&file("etc/b", "~/binary", optional)).failed(1, &["system.yml:4", "no text of at most 64 KiB"]);
    import(&file("etc/b", "files", optional)).failed(1, &["system.yml:4", "something else than a file"]);
    import(&file("etc/b", "~/missing", ""))
        .failed(1, &["system.yml:4", "there is no such file", "optional: true"]);
    import("  - path: etc/b\n    contents: x\n    mode: 0644\n").failed(1, &["system.yml:5", "`\"0644\"`"]);
}
