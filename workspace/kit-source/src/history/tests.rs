#![expect(clippy::disallowed_methods, reason = "makes a repository")]

use super::History;
use crate::git::samples::git;
use crate::git::{GitError, Kind};

/// A repository whose directory `project` had `old` in its lockfile, and has `new` now.
fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let project = dir.path().join("project");
    std::fs::create_dir_all(project.join("lockfiles")).unwrap();
    git(dir.path(), &["init", "-q"]);
    for (number, text) in ["pin = old", "pin = new", "pin = new\nmore"].iter().enumerate() {
        std::fs::write(project.join("lockfiles/a.lock"), text).unwrap();
        std::fs::write(project.join("tool"), format!("state {number}\r\n\0")).unwrap();
        if number == 0 {
            std::os::unix::fs::symlink("/etc/passwd", project.join("link")).unwrap();
        }
        git(dir.path(), &["add", "-A"]);
        git(dir.path(), &["update-index", "--chmod=+x", "project/tool"]);
        git(dir.path(), &["commit", "-q", "-m", "x"]);
    }
    dir
}

#[test]
fn old_states_are_found_and_read() {
    let dir = repository();
    let path = dir.path().join("project");
    let history = History { program: "git", path: &path };
    let commits = history.commits_with("old", "lockfiles").unwrap();
    assert_eq!(commits.len(), 2, "it came and went");
    let first = &commits[1];
    assert_eq!(history.before(&commits[0]).unwrap().as_ref(), Some(first));
    assert_eq!(history.before(first).unwrap(), None);
    let files = history.files(first, ".").unwrap();
    let shown: Vec<_> =
        files.iter().map(|file| (String::from_utf8(file.path.clone()).unwrap(), file.kind)).collect();
    assert_eq!(
        shown,
        [
            ("link".to_owned(), Kind::Symlink),
            ("lockfiles/a.lock".to_owned(), Kind::File),
            ("tool".to_owned(), Kind::Program),
        ]
    );
    let contents = history.contents(&files.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(contents, [b"/etc/passwd".to_vec(), b"pin = old".to_vec(), b"state 0\r\n\0".to_vec()]);
    assert!(history.files(first, "nothing").unwrap().is_empty());
    assert!(history.commits_with("never", "lockfiles").unwrap().is_empty());
}

#[test]
fn a_directory_has_gits_own_digest() {
    let dir = repository();
    let path = dir.path().join("project/lockfiles");
    let history = History { program: "git", path: &path };
    let head = history.head().unwrap().unwrap();
    let expected = |what: &str| Some(git(dir.path(), &["rev-parse", what]));
    assert_eq!(Some(head.as_str().to_owned()), expected("HEAD"));
    assert_eq!(history.tree(&head).unwrap(), expected("HEAD:project/lockfiles"));
    assert_eq!(history.tracked().unwrap(), ["a.lock"]);
    let top = History { program: "git", path: dir.path() };
    assert_eq!(top.tree(&head).unwrap(), expected("HEAD^{tree}"));
    assert_eq!(top.tracked().unwrap(), ["project/link", "project/lockfiles/a.lock", "project/tool"]);
    let new = dir.path().join("new");
    std::fs::create_dir(&new).unwrap();
    assert_eq!(History { program: "git", path: &new }.tree(&head).unwrap(), None);
    let outside = tempfile::tempdir().unwrap();
    let history = History { program: "git", path: outside.path() };
    assert_eq!(history.head().unwrap(), None);
    assert!(!history.is_there().unwrap());
    git(outside.path(), &["init", "-q"]);
    assert_eq!(history.head().unwrap(), None, "nothing was committed");
}

#[test]
fn revisions_are_found() {
    let dir = repository();
    git(dir.path(), &["tag", "-a", "-m", "x", "v1", "HEAD~2"]);
    git(dir.path(), &["branch", "--", "side", "HEAD~1"]);
    let path = dir.path().join("project");
    let history = History { program: "git", path: &path };
    let expected = |what: &str| Some(git(dir.path(), &["rev-parse", &format!("{what}^{{commit}}")]));
    let found = |revision: &str| history.resolve(revision).unwrap().map(|commit| commit.as_str().to_owned());
    let hex = expected("HEAD~1").unwrap();
    for (revision, same) in
        [("HEAD", "HEAD"), ("HEAD~1", "HEAD~1"), ("v1", "HEAD~2"), ("side", "HEAD~1"), (&hex[..12], "HEAD~1")]
    {
        assert_eq!(found(revision), expected(same), "{revision}");
    }
    for revision in [
        "",
        "none",
        "HEAD~9",
        "--all",
        "-1",
        "^HEAD",
        "HEAD..HEAD~1",
        "HEAD HEAD~1",
        "HEAD:tool",
        "HEAD\n",
        "HEAD\0",
        "@{999}",
    ] {
        assert_eq!(found(revision), None, "{revision:?}");
    }
    assert!(history.is_there().unwrap());
}

#[test]
fn states_between_two_are_listed_along_the_first_parents() {
    let dir = repository();
    let write = |name: &str, text: &str| {
        std::fs::write(dir.path().join("project").join(name), text).unwrap();
        git(dir.path(), &["add", "-A"]);
        git(dir.path(), &["commit", "-q", "-m", &format!("{name} {text}")]);
        git(dir.path(), &["rev-parse", "HEAD"])
    };
    let start = git(dir.path(), &["rev-parse", "HEAD"]);
    let branch = git(dir.path(), &["rev-parse", "--abbrev-ref", "HEAD"]);
    git(dir.path(), &["checkout", "-q", "-b", "side"]);
    let side = write("lockfiles/b.lock", "1");
    git(dir.path(), &["checkout", "-q", &branch]);
    let other = write("other", "1");
    let first = write("lockfiles/a.lock", "2");
    git(dir.path(), &["merge", "-q", "--no-ff", "-m", "merged", "side"]);
    let merge = git(dir.path(), &["rev-parse", "HEAD"]);
    let path = dir.path().join("project");
    let history = History { program: "git", path: &path };
    let at = |name: &str| history.resolve(name).unwrap().unwrap();
    let between = |paths: &[&str]| {
        let found = history.between(&at(&start), &at("HEAD"), paths).unwrap();
        found.iter().map(|commit| commit.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(between(&["lockfiles"]), [first.clone(), merge.clone()]);
    assert_eq!(between(&["lockfiles/a.lock", "other"]), [other, first.clone()]);
    assert_eq!(between(&["nothing"]), [] as [String; 0]);
    assert!(history.is_before(&at(&start), &at(&merge)).unwrap());
    assert!(history.is_before(&at(&side), &at(&merge)).unwrap());
    assert!(!history.is_before(&at(&merge), &at(&start)).unwrap());
    assert!(!history.is_before(&at(&side), &at(&first)).unwrap());
    assert_eq!(history.subject(&at(&merge)).unwrap(), "merged");
}

#[test]
fn what_is_no_history_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let history = History { program: "git", path: dir.path() };
    assert!(matches!(history.commits_with("a", "."), Err(GitError::Failed { .. })));
    let history = History { program: "no-such-git", path: dir.path() };
    assert!(matches!(history.commits_with("a", "."), Err(GitError::NoGit { .. })));
}
