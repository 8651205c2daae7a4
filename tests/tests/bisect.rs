//! The change that made an image bad is found among the states of a project's history.

use std::path::PathBuf;

use kit_tests::repository::git;
use kit_tests::small::Small;
use serde_json::Value;

const RECIPE: &str = "recipes/images/small.toml";
/// Good unless the boot command line says otherwise; leaves where it looked.
const JUDGE: &str = "test \"$KIT_IMAGE\" = small && echo \"$KIT_COMMIT $KIT_OUT\" >> judged && ! grep -q wrong \"$KIT_OUT/small-cmdline\"";

/// A project in which each commit has another boot command line; those without a lockfile for it are stale.
fn history(lines: &[(&str, bool)]) -> (Small, Vec<String>) {
    let small = Small::new();
    let path = small.project.path();
    small.project.write(".gitignore", "store\nout\njudged\n");
    git(path, &["init", "-q"]);
    let recipe = small.project.read(RECIPE);
    let mut commits = Vec::new();
    for (line, is_locked) in lines {
        small.project.write(RECIPE, &recipe.replace("console=ttyS0", line));
        if *is_locked {
            small.kit(&["lock", "small"]).succeeded();
        }
        git(path, &["add", "-A"]);
        git(path, &["commit", "-q", "-m", &format!("say {line}")]);
        commits.push(git(path, &["rev-parse", "HEAD"]));
    }
    (small, commits)
}

/// The commits that were judged, and the directories that they were judged in.
fn judged(small: &Small) -> Vec<(String, PathBuf)> {
    let text = small.project.read("judged");
    let pair = |line: &str| {
        let (commit, path) = line.split_once(' ').expect("both were written");
        (commit.to_owned(), PathBuf::from(path))
    };
    text.lines().map(pair).collect()
}

#[test]
fn the_change_that_made_an_image_bad_is_found() {
    let lines = [
        ("one", true),
        ("two", true),
        ("stale", false),
        ("three", true),
        ("wrong", true),
        ("wrong again", true),
    ];
    let (small, commits) = history(&lines);
    // What is checked out takes no part, and stays as it is.
    small.project.write(RECIPE, "broken");
    let said = small.kit(&["bisect", "--run", JUDGE, &commits[0], "HEAD", "small"]).succeeded();
    let first = format!("{} say wrong is the first bad state", &commits[4][..12]);
    for text in [&first, "the last good one is", "say three", "`recipes/images/small.toml` was edited"] {
        assert!(said.stdout.contains(text), "no `{text}` in:\n{said}");
    }
    assert!(said.stderr.contains("can't be judged"), "{said}");
    assert_eq!(small.project.read(RECIPE), "broken");
    let seen = judged(&small);
    let names: Vec<_> = seen.iter().map(|(commit, _)| commit.clone()).collect();
    assert_eq!(names, [0, 5, 1, 3, 4].map(|at: usize| commits[at].clone()));
    assert!(seen.iter().all(|(_, path)| path.is_absolute() && !path.exists()), "{seen:?}");
    let json = ["bisect", "--json", "--run", JUDGE, &commits[0], "HEAD", "small"];
    let said = small.kit(&json).succeeded();
    let last: Value = serde_json::from_str(said.stdout.lines().last().expect("a line")).expect("it is JSON");
    assert_eq!(last["result"]["first_bad"][0]["commit"], commits[4].as_str());
    assert_eq!(last["result"]["last_good"]["subject"], "say three");
    assert_eq!(last["result"]["judged"], 5);
}

#[test]
fn what_nobody_can_judge_is_told() {
    let lines = [("one", true), ("unclear", true), ("wrong", true)];
    let (small, commits) = history(&lines);
    let unclear =
        "grep -q unclear \"$KIT_OUT/small-cmdline\" && exit 125; ! grep -q wrong \"$KIT_OUT/small-cmdline\"";
    let said = small.kit(&["bisect", "--run", unclear, &commits[0], "HEAD"]).succeeded();
    for text in ["one of 2 states is the first bad state", "say unclear", "say wrong"] {
        assert!(said.stdout.contains(text), "no `{text}` in:\n{said}");
    }
}

#[test]
fn ends_that_are_no_ends_are_named() {
    let (small, commits) = history(&[("one", true), ("wrong", true)]);
    let bisect = |run: &str, good: &str, bad: &str| small.kit(&["bisect", "--run", run, good, bad]);
    bisect("false", &commits[0], "HEAD").failed(1, &["kit::bisect::not_good", &commits[0]]);
    bisect("true", &commits[0], "HEAD").failed(1, &["kit::bisect::not_bad", "`HEAD`"]);
    bisect("no-such-command", &commits[0], "HEAD").failed(1, &["kit::bisect::not_good", "127"]);
    bisect("exit 200", &commits[0], "HEAD").failed(1, &["kit::bisect::ended", "exit status: 200"]);
    bisect("kill -9 $$", &commits[0], "HEAD").failed(1, &["kit::bisect::ended", "signal: 9"]);
    bisect("true", "HEAD", &commits[0]).failed(1, &["kit::bisect::not_before"]);
    bisect("true", "HEAD", "HEAD").failed(1, &["kit::bisect::not_before"]);
    bisect("true", "none", "HEAD").failed(1, &["kit::bisect::no_revision", "`none`"]);
    small.project.write("README", "x");
    git(small.project.path(), &["add", "-A"]);
    git(small.project.path(), &["commit", "-q", "-m", "x"]);
    bisect("true", "HEAD~1", "HEAD").failed(1, &["kit::bisect::nothing_changed"]);
    let other = Small::new();
    other.kit(&["bisect", "--run", "true", "A", "B"]).failed(1, &["kit::bisect::no_repository"]);
}
