//! Sources from git repositories: what is pinned, what moves, and what is refused. The recipe's address never answers; what serves is a
//! mirror of it that the project's settings name.
#![expect(clippy::disallowed_methods, reason = "tests look into projects behind the program's back")]

use kit_tests::TestProject;
use kit_tests::repository::Repository;
use kit_tests::server::with_server;

/// Nobody listens there.
const DEAD: &str = "https://127.0.0.1:1/";

/// A project whose image has the files of `hello.git`; `which` says of which commit.
fn project(which: &str) -> TestProject {
    let project = TestProject::with_own_store();
    project.write(
        "recipes/images/demo.toml",
        "[image]\nname = \"demo\"\nformats = [\"tar\"]\n[init]\npackages = [\"hello\"]\n",
    );
    recipe(&project, which);
    project
}

fn recipe(project: &TestProject, which: &str) {
    let text = format!("[package]\nname = \"hello\"\n[sources.main]\ngit = \"{DEAD}hello.git\"\n{which}\n");
    project.write("recipes/packages/hello.toml", &text);
}

/// Serves the repository as it is now, and runs `test` on a project that takes it from there.
fn served<T>(project: &TestProject, repository: &Repository, test: impl FnOnce() -> T) -> T {
    with_server(repository.site("hello.git"), |server| {
        project.write("kit.toml", &format!("[mirrors]\n\"{DEAD}\" = [\"{}/\"]\n", server.base));
        test()
    })
}

fn hello() -> Repository {
    let repository = Repository::new();
    repository.commit(&[("hello.c", "int main(void) {}\n"), ("doc/README", "Hello\n")]);
    repository.git(&["tag", "-a", "-m", "x", "v1.0"]);
    repository
}

/// The commit of [`hello`], and the archive that kit makes of it, wherever it does.
const COMMIT: &str = "22a3a5b9407ca58d7b2e31125ec67d5aaab1c150";
const ARCHIVE: &str = "5a01675978fcde6969b8a3b48a1f6bd652bc1ac1d81c0bce72ffa2c91d5b4965";

#[test]
fn a_tag_is_pinned_and_needs_no_network_after_that() {
    let repository = hello();
    let project = project("tag = \"v1.0\"");
    served(&project, &repository, || {
        let said = project.kit(&["lock"]).succeeded();
        let warning = "warning: nothing vouches for commit 22a3a5b9407c of package hello";
        assert!(said.stderr.contains(warning), "{said}");
        assert!(said.stderr.contains(&format!("write in `[sources.main]`: commit = \"{COMMIT}\"")), "{said}");
    });
    let lock = project.read("lockfiles/demo.lock");
    assert!(lock.contains(&format!("commit = \"{COMMIT}\"")), "{lock}");
    assert!(lock.contains(&format!("sha256 = \"{ARCHIVE}\"")), "{lock}");
    assert!(!lock.contains("127.0.0.1"), "{lock}");
    project.kit(&["build", "--offline"]).succeeded();
    let explained = project.kit(&["lock", "--explain"]).succeeded();
    assert!(explained.stdout.contains(&format!("commit {COMMIT}")), "{explained}");
    // From an empty store, the same comes from the repository.
    std::fs::rename(project.store(), project.path().join("full")).unwrap();
    project.kit(&["build", "--offline"]).failed(3, &["kit::http::offline", "run once without `--offline`"]);
    served(&project, &repository, || project.kit(&["build"]).succeeded());
    // The commit that is written down says the same as the tag did, and nothing else about it.
    recipe(&project, &format!("commit = \"{COMMIT}\""));
    served(&project, &repository, || project.kit(&["lock"]).succeeded());
    assert!(project.read("lockfiles/demo.lock").contains(ARCHIVE));
}

#[test]
fn what_moved_is_told() {
    let repository = hello();
    let project = project("branch = \"main\"");
    served(&project, &repository, || project.kit(&["lock"]).succeeded());
    let before = project.read("lockfiles/demo.lock");
    let after = repository.commit(&[("doc/README", "Hello again\n"), ("doc/NEWS", "News\n")]);
    served(&project, &repository, || {
        project.kit(&["lock"]).succeeded();
        assert_eq!(project.read("lockfiles/demo.lock"), before, "a pin holds");
        let said = project.kit(&["lock", "--update", "hello"]).succeeded();
        let (old, new) = (&COMMIT[..12], &after[..12]);
        let news =
            format!("package hello, source main: branch main is {new} now (was {old}): 2 files changed\n");
        assert!(said.stderr.contains(&news), "{said}");
        assert!(
            said.stderr.contains("`/doc/NEWS` is new") && said.stderr.contains("`/doc/README` differs"),
            "{said}"
        );
    });
    project.kit(&["build", "--offline"]).succeeded();
}

#[test]
fn what_a_commit_doesnt_have_is_no_surprise() {
    let repository = hello();
    repository.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{COMMIT},libs/other")]);
    repository.git(&["commit", "-q", "-m", "x"]);
    let project = project("branch = \"main\"");
    served(&project, &repository, || {
        let said = project
            .kit(&["lock"])
            .failed(1, &["error[kit::source::submodules]", "needs other repositories, at `libs/other`"]);
        assert!(said.stderr.contains("recipes/packages/hello.toml:4"), "{said}");
        assert!(said.stderr.contains("write `submodules = \"empty\"` here"), "{said}");
        recipe(&project, "branch = \"main\"\nsubmodules = \"empty\"");
        project.kit(&["lock"]).succeeded();
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
        repository.commit(&[("large.bin", pointer)]);
    });
    served(&project, &repository, || {
        let words = "has only references to large files (Git LFS), at `large.bin`";
        project.kit(&["lock", "--update"]).failed(1, &["error[kit::source::large_files]", words]);
    });
}

#[test]
fn what_is_gone_names_all_places() {
    let project = project("tag = \"v2.0\"");
    served(&project, &hello(), || {
        let said = project.kit(&["lock"]).failed(3, &["error[kit::source::gone]", "tag v2.0 can't be had"]);
        assert!(said.stderr.contains("/hello.git: has no such reference"), "{said}");
        assert!(said.stderr.contains("https://127.0.0.1:1/hello.git: git says: "), "{said}");
    });
}
