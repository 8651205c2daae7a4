//! A store whose files changed or went behind its back: found, said, and made anew from recipes, archive and project.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use kit_tests::archive::Archive;
use kit_tests::server::{Server, with_server};
use kit_tests::{Said, TestProject};

use crate::bench::{busybox, files, is_sound, package, project, shell, use_mirrors};

/// Calls `test` with a built project of which every kind of thing is in the store, and with what it came out as.
fn with_built(test: impl FnOnce(&TestProject, &Server, &dyn Fn() -> BTreeMap<String, kit_hash::BlobId>)) {
    let archive = Archive::new(vec![busybox()]);
    let project = project("\"app\", \"text\"");
    shell(&project);
    project.write("files/source", "of the project");
    let script = "busybox cp /src/files/source $OUT/made; echo built";
    let sources = "[sources.files]\nlocal = \"files\"\n";
    package(&project, "app", &format!("{sources}[build]\ntools = [\"shell\"]\nrun = '''{script}'''\n"));
    package(
        &project,
        "text",
        "[[file]]\npath = \"/text\"\ncontents = \"inline\"\n[[file]]\npath = \"/copy\"\nsource = \"files/source\"\n",
    );
    with_server(archive.site(), |server| {
        use_mirrors(&project, &archive, &[&server.base]);
        project.kit(&["lock"]).succeeded();
        project.kit(&["build"]).succeeded();
        test(&project, server, &|| files(&project.path().join("out"), Path::new("")));
    });
}

/// Every file of some categories of a store.
fn stored(project: &TestProject, categories: &[&str]) -> Vec<PathBuf> {
    let all = |category: &&str| {
        let directory = project.store().join(category);
        files(&directory, Path::new("")).into_keys().map(move |name| directory.join(name)).collect::<Vec<_>>()
    };
    categories.iter().flat_map(all).collect()
}

/// Changes the first byte of a file, which keeps its length, mode and inode.
fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let Some(first) = bytes.first_mut() else { return };
    *first ^= 0x40;
    let mode = std::fs::metadata(path).unwrap().permissions();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(path, bytes).unwrap();
    std::fs::set_permissions(path, mode).unwrap();
}

fn remove_all(paths: Vec<PathBuf>) {
    for path in paths {
        std::fs::remove_file(path).unwrap();
    }
}

/// Builds again without outputs and results of steps.
fn build_anew(project: &TestProject) -> Said {
    std::fs::remove_dir_all(project.path().join("out")).unwrap();
    remove_all(stored(project, &["memo", "records"]));
    project.kit(&["build"])
}

const WARNING: &str = "warning[kit::store::repaired]: ";

#[test]
fn whatever_is_damaged_the_next_build_comes_out_the_same() {
    with_built(|project, _, out| {
        let good = out();
        // What is read in every build: the image and its tree, the record and memo of its step, its digest.
        for (category, at_least) in [("objects", 1), ("trees", 1), ("records", 1), ("memo", 1), ("sha256", 0)]
        {
            for path in &stored(project, &[category]) {
                damage(path);
            }
            std::fs::remove_dir_all(project.path().join("out")).unwrap();
            let said = project.kit(&["build"]).succeeded();
            assert!(said.stderr.matches(WARNING).count() >= at_least, "{category}: {said}");
            assert_eq!(out(), good, "{category}");
            project.kit(&["store", "verify", "--repair"]).succeeded();
        }
        is_sound(project);
    });
}

#[test]
fn whatever_is_damaged_can_be_worked_with_again() {
    with_built(|project, _, out| {
        let good = out();
        for (category, at_least) in [("objects", 3), ("trees", 3), ("sha256", 1)] {
            for path in &stored(project, &[category]) {
                damage(path);
            }
            let said = build_anew(project).succeeded();
            assert!(said.stderr.matches(WARNING).count() >= at_least, "{category}: {said}");
            assert_eq!(out(), good, "{category}");
            project.kit(&["store", "verify", "--repair"]).succeeded();
        }
        // One at a time, what a script reads without anybody looking.
        for content in [&b"of the project"[..], b"inline"] {
            let name = kit_hash::BlobId::of(content).to_string();
            damage(&project.store().join("objects").join(&name[..2]).join(&name));
            let said = build_anew(project).succeeded();
            assert!(
                said.stderr
                    .contains(&format!("{WARNING}blob `{name}` is made anew: expected blake3 {name}, ")),
                "{said}"
            );
            assert_eq!(out(), good, "{}", String::from_utf8_lossy(content));
            is_sound(project);
        }
    });
}

#[test]
fn what_is_gone_is_made_again() {
    with_built(|project, server, out| {
        let good = out();
        for category in ["objects", "trees", "sha256"] {
            remove_all(stored(project, &[category]));
            build_anew(project).succeeded();
            assert_eq!(out(), good, "{category}");
            project.kit(&["store", "verify", "--repair"]).succeeded();
        }
        let asked = server.asked().iter().filter(|path| path.contains(".deb")).count();
        assert!(asked >= 2, "the package is fetched again");
        is_sound(project);
    });
}

#[test]
fn a_damaged_download_is_fetched_again_and_the_warning_says_so() {
    with_built(|project, server, out| {
        let good = out();
        let deb = project.store().join("objects");
        let name = kit_hash::BlobId::of(&busybox().bytes).to_string();
        let deb = deb.join(&name[..2]).join(&name);
        damage(&deb);
        std::fs::remove_dir_all(project.path().join("out")).unwrap();
        remove_all(stored(project, &["memo", "records"]));
        let offline = project.kit(&["build", "--offline"]);
        offline
            .failed(3, &[WARNING, &name, "error[kit::http::offline]", "help: run once without `--offline`"]);
        let before = server.asked().len();
        let said = project.kit(&["build", "--json"]).succeeded();
        assert_eq!(server.asked().len(), before + 1, "{said}");
        assert_eq!(out(), good);
        damage(&deb);
        let said = build_anew(project).succeeded();
        assert_eq!(said.stderr.matches(WARNING).count(), 1, "{said}");
        assert!(
            said.stderr
                .contains(&format!("{WARNING}blob `{name}` is made anew: expected blake3 {name}, found ")),
            "{said}"
        );
        damage(&deb);
        remove_all(stored(project, &["memo", "records"]));
        let said = project.kit(&["build", "--json"]).succeeded();
        assert!(said.stdout.contains("{\"event\":\"repaired\",\"item\":\"blob `"), "{said}");
        is_sound(project);
    });
}

#[test]
fn damage_of_the_tools_is_no_fault_of_the_script() {
    with_built(|project, _, out| {
        let good = out();
        // The executable copy of busybox, which the script runs.
        let programs = stored(project, &["objects"])
            .into_iter()
            .filter(|path| path.extension().is_some_and(|end| end == "x"));
        for program in programs {
            damage(&program);
            let said = build_anew(project).succeeded();
            assert!(said.stderr.contains(&format!("{WARNING}program `")), "{said}");
            assert_eq!(out(), good);
        }
        is_sound(project);
        // A directory of a tree that lost a file.
        let shells =
            stored(project, &["materialised"]).into_iter().filter(|path| path.ends_with("usr/bin/sh"));
        for shell in shells {
            let directory = shell.parent().unwrap();
            std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755)).unwrap();
            std::fs::remove_file(&shell).unwrap();
            std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o555)).unwrap();
        }
        let said = build_anew(project).succeeded();
        assert!(said.stderr.contains(&format!("{WARNING}materialised tree `")), "{said}");
        assert_eq!(out(), good);
        is_sound(project);
    });
}
