//! Each kind of build makes a small program, in the sandbox and from locked packages.
//!
//! `project/` is the project; `kit lock` in a copy of it writes its lockfile anew.
#![expect(clippy::disallowed_methods, reason = "tests read directories")]
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use kit_tests::{TestProject, program};
use walkdir::WalkDir;

/// Packages of the project that a kind builds.
const PACKAGES: [&str; 5] = ["by-autotools", "by-cargo", "by-cmake", "by-kernel", "by-make"];

fn project() -> TestProject {
    let project = TestProject::new();
    let source = program::repository().join("tests/tests/kinds/project");
    for entry in WalkDir::new(&source).into_iter().map(Result::unwrap) {
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(&source).unwrap().to_str().unwrap();
            project.write(path, &std::fs::read_to_string(entry.path()).unwrap());
        }
    }
    project
}

#[test]
fn each_kind_builds_a_program() {
    let project = project();
    // What comes out is held against the lockfile.
    project.kit(&["build"]).succeeded();
    let said = project.kit(&["log", "said"]).succeeded().stdout;
    let expected = "two words, greet.c, Jul 11 2026\ntwo words 1, main.c, Jul 11 2026\n\
        two words, ./main/greet.cc, Jul 11 2026\nLOUD, src/main.rs\n";
    assert_eq!(said, expected);
}

#[test]
fn a_kind_written_out_is_the_same_step() {
    let project = project();
    project.kit(&["check"]).succeeded();
    let plan = project.kit(&["show", "kinds", "--plan"]).succeeded().stdout;
    for package in PACKAGES {
        let path = format!("recipes/packages/{package}.toml");
        let text = project.read(&path);
        let (head, _) = text.split_once("[build]").unwrap();
        let build = project.kit(&["show", package, "--expanded"]).succeeded().stdout;
        assert!(build.starts_with("[build]\ntools = [\"toolchain-"), "{build}");
        project.write(&path, &format!("{head}{build}"));
    }
    assert_eq!(project.kit(&["show", "kinds", "--plan"]).succeeded().stdout, plan);
    project.kit(&["lock", "--check"]).succeeded();
}

#[test]
fn what_no_script_builds_cannot_be_written_out() {
    let project = project();
    let help = "help: `kit show libraries` shows what it is made of";
    let said = project.kit(&["show", "libraries", "--expanded"]);
    said.failed(1, &["error[kit::show::no_script]: no script builds package libraries", help]);
}

#[test]
fn what_kinds_build_is_reproducible() {
    let project = project();
    let said = project.kit(&["verify", "--depth", "packages"]).succeeded();
    assert_eq!(said.stdout, "kinds reproducible\n", "{said}");
}

#[test]
fn a_line_of_a_fragment_that_does_not_take_is_named() {
    let project = project();
    project.write(
        "fragment/base.config",
        "CONFIG_A=y\nCONFIG_B=9\n# CONFIG_A is not set\nCONFIG_C=\"c\"\nCONFIG A\n",
    );
    let said = project.kit(&["lock"]);
    said.failed(
        1,
        &[
            "error[kit::build::script_failed]: `build by-kernel` failed: it returned 1",
            "| fragment:2: `CONFIG_B=9` did not take: `CONFIG_B=1` stands there\n",
            "| fragment:3: `# CONFIG_A is not set` did not take: `CONFIG_A=y` stands there\n",
            "| fragment:4: `CONFIG_C=\"c\"` did not take: this Linux has no such option\n",
            "| fragment:5: `CONFIG A` is neither an option nor a comment\n",
            "| fragment: 1 of 5 lines took\n",
        ],
    );
}
