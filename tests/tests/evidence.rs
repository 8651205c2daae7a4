//! `kit verify`: what it leaves behind (pages, statements), and what it takes: statements, files, files against files.
#![expect(clippy::disallowed_methods, reason = "tests change files behind the program's back and start git")]
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::path::Path;

use kit_tests::TestProject;
use kit_tests::browser::browser;
use kit_tests::repository::git;
use serde_json::Value;

/// A script whose result depends on the user, next to what only follows from it, and names that are markup.
const USER: &str =
    "mkdir $OUT/app; id -u > \"$OUT/app/<b>&user\"; head -c 300 /dev/zero >> \"$OUT/app/<b>&user\"";
const CONSTANT: &str = "mkdir $OUT/app; echo constant > $OUT/app/file";

/// A project whose image `minimal` has one package that a script builds, in these formats, locked.
fn project(script: &str, formats: &str) -> TestProject {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock");
    write(&project, script, formats);
    project.kit(&["lock"]).succeeded();
    project
}

fn write(project: &TestProject, script: &str, formats: &str) {
    let kernel = if formats.contains("kernel") { "[kernel]\npackage = \"kernel-debian\"\n" } else { "" };
    let init = "[[file]]\npath = \"/init\"\ncontents = \"x\"\nmode = \"0755\"\n";
    let image = format!(
        "[image]\nname = \"minimal\"\nformats = [{formats}]\n{kernel}[init]\npackages = [\"app\"]\n{init}"
    );
    project.write("recipes/images/minimal.toml", &image);
    let package = format!(
        "[package]\nname = \"app\"\n[sources.files]\nlocal = \"files\"\n[build]\ntools = [\"toolchain-c\"]\nrun = '''\n{script}\n'''\n"
    );
    project.write("recipes/packages/app.toml", &package).write("files/a", "a");
}

/// Returns the rows of a page's table of steps that are shown, and those that are hidden.
fn rows(dom: &str) -> (Vec<&str>, Vec<&str>) {
    dom.split("<tr ").skip(1).partition(|row| !row.split('>').next().unwrap().contains("hidden"))
}

#[test]
fn a_browser_shows_the_page_and_its_filter_works() {
    let project = project(USER, "\"tar\"");
    let verify = ["verify", "--html", "page.html"];
    project.kit(&verify).failed(1, &["page.html written\n", "written in: recipes/packages/app.toml:7\n"]);
    let page = project.read("page.html");
    project.kit(&verify).failed(1, &[]);
    assert_eq!(project.read("page.html"), page, "the same result gives the same page");

    let dom = browser(&project, &["--dump-dom", "file:///work/page.html"]).stdout;
    for text in [
        "<h3>build app</h3>",
        "recipes/packages/app.toml:7",
        "/app/&lt;b&gt;&amp;user",
        "<mark>31</mark> <mark>30</mark> <mark>30</mark> <mark>30</mark> 0a",
        "<mark>34</mark> <mark>33</mark> <mark>32</mark> <mark>31</mark> 0a",
    ] {
        assert!(dom.contains(text), "no {text} in:\n{dom}");
    }
    let (shown, hidden) = rows(&dom);
    assert!(hidden.is_empty() && shown.len() > 10, "{dom}");
    // One first cause is among what is filtered.
    let all = shown.len() + 1;
    assert!(dom.contains(&format!("{all} of {all} shown")), "its script runs: {dom}");

    let dom = browser(&project, &["--dump-dom", "file:///work/page.html#filter=BUILD%20app"]).stdout;
    let (shown, hidden) = rows(&dom);
    assert!(shown.iter().all(|row| row.contains("build app")) && !shown.is_empty(), "{dom}");
    assert!(hidden.iter().all(|row| !row.contains("build app")) && !hidden.is_empty(), "{dom}");
    assert!(dom.contains(&format!("{} of {all} shown", shown.len() + 1)), "{dom}");

    browser(&project, &["--screenshot=/work/page.png", "--window-size=1280,900", "file:///work/page.html"]);
    let image = std::fs::read(project.path().join("page.png")).unwrap();
    assert!(image.starts_with(b"\x89PNG") && image.len() > 20_000, "{} bytes", image.len());
}

#[test]
fn verifiers_who_agree_are_a_quorum() {
    let project = project(CONSTANT, "\"tar\"");
    let state = |name: &str| {
        let file = format!("statements/{name}.json");
        project.kit(&["verify", "--statement", &file, "--verifier", name]).succeeded();
        file
    };
    let (alice, bob) = (state("alice"), state("bob"));
    project.kit(&["verify", "--statement", "again.json", "--verifier", "alice"]).succeeded();
    assert_eq!(project.read("again.json"), project.read(&alice), "the same verification, the same bytes");
    let statement: Value = serde_json::from_str(&project.read(&alice)).unwrap();
    assert_eq!(statement["predicate"]["result"], "PASSED", "{statement:#}");
    assert_eq!(statement["subject"][0]["name"], "minimal.tar");
    let lock = kit_hash::Sha256::of(project.read("lockfiles/minimal.lock").as_bytes()).to_string();
    assert_eq!(statement["predicate"]["configuration"][0]["digest"]["sha256"], lock.as_str());

    let quorum =
        |needed: &str, files: &[&str]| project.kit(&[&["verify", "--quorum", needed], files].concat());
    let said = quorum("2", &[&alice, &bob]).succeeded();
    assert!(said.stdout.starts_with("minimal: quorum of 2 reached\n"), "{said}");
    assert!(said.stdout.contains("  alice, bob\n"), "{said}");
    quorum("2", &[&alice, "again.json"])
        .failed(1, &["error[kit::verify::no_quorum]: 1 verifier of `minimal` agrees, 2 are needed"]);
    // Somebody else came to another output.
    let other = project.read(&bob).replace("\"bob\"", "\"carol\"");
    let digest = statement["subject"][0]["digest"]["sha256"].as_str().unwrap();
    project.write("statements/carol.json", &other.replace(digest, &"0".repeat(64)));
    let said = quorum("3", &[&alice, &bob, "statements/carol.json"])
        .failed(1, &["2 verifiers of `minimal` agree, 3 are needed"]);
    for line in ["minimal.tar: not the same\n", "    carol disagrees with alice, bob\n"] {
        assert!(said.stdout.contains(line), "{said}");
    }
    quorum("2", &[&alice, &bob, "statements/carol.json"]).succeeded();
    let said = project.kit(&["verify", "--quorum", "2", &alice, &bob, "--json"]).succeeded();
    let result: Value = serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(result["result"]["reached"], true, "{result:#}");

    project.write("foreign.json", "{\"_type\": \"x\"}");
    quorum("1", &["foreign.json"]).failed(1, &["`foreign.json` is no statement", "its _type is `x`"]);
    quorum("1", &["missing.json"]).failed(3, &["missing.json"]);
    quorum("1", &[]).failed(2, &["no statement is named"]);
    project.kit(&["verify", "--statement", "nobody.json"]).succeeded();
    quorum("1", &["nobody.json"]).failed(1, &["`nobody.json` names no verifier"]);
}

#[test]
fn what_failed_is_stated_as_failed() {
    let project = project(USER, "\"tar\"");
    project.kit(&["verify", "--statement", "a.json", "--verifier", "alice"]).failed(1, &["a.json written\n"]);
    let statement: Value = serde_json::from_str(&project.read("a.json")).unwrap();
    assert_eq!(statement["predicate"]["result"], "FAILED", "{statement:#}");
    let failed = statement["predicate"]["failedTests"].as_array().unwrap();
    assert_eq!(failed[0], "build app", "{statement:#}");
    assert!(statement["subject"][0]["annotations"]["rebuilt"].is_string(), "{statement:#}");
    let said = project.kit(&["verify", "--quorum", "1", "a.json"]).failed(1, &["0 verifiers"]);
    assert!(said.stdout.contains("not counted: alice found a rebuild that came out different\n"), "{said}");
}

#[test]
fn a_file_is_held_against_the_lockfile_whose_digest_it_carries() {
    let project = project(CONSTANT, "\"tar\", \"oci\", \"docker-archive\", \"kernel+initrd\"");
    project.kit(&["build"]).succeeded();
    for (file, kind) in [
        ("minimal.tar", "a tar archive"),
        ("minimal.oci", "an OCI image layout"),
        ("minimal.docker.tar", "an archive for `docker load`"),
        ("minimal-initrd.img", "an initrd"),
        ("minimal-cmdline", "a boot command line"),
        // It carries no digest, and has one.
        ("minimal-kernel", "a kernel"),
    ] {
        let path = format!("out/{file}");
        let said = project.kit(&["verify", &path, "--vary", "umask"]).succeeded();
        assert_eq!(said.stdout, format!("{path} reproducible\n"));
        for text in [
            format!("{path}: {kind}, lockfile `lockfiles/minimal.lock`\n"),
            format!("{path} is `{file}` of this lockfile, byte for byte\n"),
        ] {
            assert!(said.stderr.contains(&text), "no {text} in {said}");
        }
    }
    project.kit(&["verify", "out/missing.tar"]).failed(3, &["cannot find `out/missing.tar`"]);

    // Somebody put something into it.
    let path = project.path().join("out/minimal.tar");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(8).position(|window| window == b"constant").unwrap();
    bytes[at] = b'C';
    std::fs::write(project.path().join("changed.tar"), &bytes).unwrap();
    let said = project.kit(&["verify", "changed.tar", "--html", "page.html", "--statement", "changed.json"]);
    let said = said.failed(
        1,
        &[
            "error[kit::verify::other_file]: `changed.tar` is not what its lockfile gives",
            "changed.tar is not what this lockfile gives as `minimal.tar`:\n",
            "app/file: line 1: `constant` is now `Constant`",
        ],
    );
    assert_eq!(said.stdout, "changed.tar different\n");
    assert!(project.read("page.html").contains("<mark>43</mark>"), "{}", project.read("page.html"));
    let statement: Value = serde_json::from_str(&project.read("changed.json")).unwrap();
    let found = kit_hash::Sha256::of(&bytes).to_string();
    assert_eq!(statement["subject"][0]["digest"]["sha256"], found.as_str(), "{statement:#}");
    assert_eq!(statement["predicate"]["result"], "FAILED", "{statement:#}");
    // Against each other, nothing is built.
    let said = project.kit(&["verify", "out/minimal.tar", "--against", "changed.tar"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), "different\n"), "{said}");
    assert!(said.stderr.contains("app/file: line 1: `constant` is now `Constant`"), "{said}");
    let said = project.kit(&["verify", "out/minimal.oci", "--against", "out/minimal.oci"]).succeeded();
    assert_eq!(said.stdout, "same\n");
    project
        .kit(&["verify", "out/minimal.oci", "--against", "out/minimal.tar"])
        .failed(1, &["`out/minimal.tar` is a file, `out/minimal.oci` a directory"]);
}

#[test]
fn archives_for_docker_are_told_by_their_images() {
    let project = project(CONSTANT, "\"docker-archive\"");
    project.kit(&["build", "--out", "before"]).succeeded();
    let old = project.read("lockfiles/minimal.lock");
    write(&project, &CONSTANT.replace("constant", "changed"), "\"docker-archive\"");
    project.kit(&["lock"]).succeeded();
    project.kit(&["build"]).succeeded();
    let file = "minimal layer 1: gzip content: app/file: line 1: `constant` is now `changed`";
    let archives = ["before/minimal.docker.tar", "--against", "out/minimal.docker.tar"];
    project.kit(&[&["verify"], &archives[..]].concat()).failed(1, &[file]);
    // The old one has its own lockfile, whose recipes are gone.
    project.write("old.lock", &old);
    let said = project.kit(&["verify", "before/minimal.docker.tar", "--lock", "old.lock"]);
    said.failed(1, &["`old.lock`: `recipes/packages/app.toml` was edited"]);
}

#[test]
fn old_files_are_held_against_the_projects_history() {
    let project = project(CONSTANT, "\"tar\"");
    git(project.path(), &["init", "-q"]);
    git(project.path(), &["add", "recipes", "lockfiles", "files", "kit.toml"]);
    git(project.path(), &["commit", "-q", "-m", "old"]);
    project.kit(&["build"]).succeeded();
    std::fs::rename(project.path().join("out/minimal.tar"), project.path().join("old.tar")).unwrap();
    write(&project, &CONSTANT.replace("constant", "changed"), "\"tar\"");
    // The lockfile is right, but its recipe was edited: the commit has it.
    let said = project.kit(&["verify", "old.tar", "--vary", "none"]).succeeded();
    assert!(
        said.stderr.contains("old.tar: a tar archive, lockfile `lockfiles/minimal.lock` of commit "),
        "{said}"
    );
    project.kit(&["lock"]).succeeded();
    git(project.path(), &["commit", "-q", "-a", "-m", "new"]);
    let said = project.kit(&["verify", "old.tar", "--vary", "none"]).succeeded();
    assert_eq!(said.stdout, "old.tar reproducible\n");
    // Without a history there is only the lockfile of now.
    std::fs::remove_dir_all(project.path().join(".git")).unwrap();
    project.kit(&["verify", "old.tar"]).failed(
        1,
        &[
            "error[kit::verify::no_lock]: no lockfile pins ",
            "`lockfiles/minimal.lock` pins ",
            "the project's history can't be read",
        ],
    );
    project.kit(&["verify", "old.tar", "--lock", "lockfiles/minimal.lock"]).failed(
        1,
        &["error[kit::verify::other_lock]: `lockfiles/minimal.lock` is not the lockfile of this file"],
    );
}

#[test]
fn what_cannot_be_held_against_a_lockfile_is_told() {
    let project = project(CONSTANT, "\"tar\"");
    project.kit(&["build"]).succeeded();
    // Recipes that changed since, and no history.
    write(&project, &CONSTANT.replace("constant", "changed"), "\"tar\"");
    project.kit(&["verify", "out/minimal.tar"]).failed(
        1,
        &[
            "no lockfile whose recipes are still the same pins ",
            "`lockfiles/minimal.lock`: `recipes/packages/app.toml` was edited",
            "help: check out the state of the project",
        ],
    );
    // A lockfile of a newer kit.
    let lock = project.read("lockfiles/minimal.lock");
    project.write("newer.lock", &lock.replacen("version = 1", "version = 99", 1));
    project.kit(&["verify", "out/minimal.tar", "--lock", "newer.lock"]).failed(1, &["newer.lock", "99"]);
    // Files without a digest.
    project.write("empty", "").write("plain.txt", "console=ttyS0\n");
    for file in ["./empty", "plain.txt"] {
        project.kit(&["verify", file]).failed(1, &["is nothing that kit can verify"]);
    }
    foreign_tar(&project.path().join("foreign.tar"));
    project.kit(&["verify", "foreign.tar"]).failed(
        1,
        &[
            "error[kit::verify::no_pin]: `foreign.tar` carries no lockfile's digest",
            "help: it is a tar archive without `KIT_PIN=` in `/etc/os-release`",
        ],
    );
    project.kit(&["verify", "recipes/"]).failed(1, &["has no `oci-layout`"]);
    project
        .kit(&["verify", "foreign.tar", "--depth", "packages"])
        .failed(2, &["a file is verified as a whole"]);
}

/// Writes an archive with an empty file in it.
fn foreign_tar(path: &Path) {
    let mut header = vec![0; 512];
    header[..1].copy_from_slice(b"f");
    for (at, text) in [
        (100, "0000644\0"),
        (108, "0000000\0"),
        (116, "0000000\0"),
        (124, "00000000000\0"),
        (136, "00000000000\0"),
    ] {
        header[at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header.resize(512 * 3, 0);
    std::fs::write(path, header).unwrap();
}
