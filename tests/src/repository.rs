//! A git repository whose commits are the same in every run, and the files by which a plain HTTP server serves it.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::server::{Answer, Site};

/// Runs git in a directory, by no settings but these; returns what it prints.
pub fn git(path: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "init.defaultBranch=main", "-c", "user.name=a", "-c", "user.email=a@b.example"])
        .args(arguments)
        .current_dir(path)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_DATE", "2001-02-03T04:05:06Z")
        .env("GIT_COMMITTER_DATE", "2001-02-03T04:05:06Z")
        .output()
        .expect("git is there");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("git prints text").trim().to_owned()
}

/// A repository that goes away with the test.
#[derive(Debug)]
pub struct Repository(TempDir);

impl Default for Repository {
    fn default() -> Self {
        Self::new()
    }
}

impl Repository {
    /// Makes an empty repository.
    pub fn new() -> Self {
        let repository = Self(tempfile::tempdir().expect("a directory can be made"));
        repository.git(&["init", "-q"]);
        repository
    }

    /// Returns where its files are.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs git in it; returns what it prints.
    pub fn git(&self, arguments: &[&str]) -> String {
        git(self.path(), arguments)
    }

    /// Writes a file, making the directories above it; returns where it is.
    pub fn write(&self, path: &str, content: &str) -> PathBuf {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("it is in the repository")).expect("it can be made");
        std::fs::write(&path, content).expect("it can be written");
        path
    }

    /// Commits files as they are now, after these were written; returns the commit.
    pub fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, content) in files {
            self.write(path, content);
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "x"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Returns what a server has that serves it at `/NAME`, as it is now.
    pub fn site(&self, name: &str) -> Site {
        self.git(&["update-server-info"]);
        let mut site = Site::new();
        let root = self.path().join(".git");
        for entry in
            walkdir::WalkDir::new(&root).into_iter().flatten().filter(|entry| entry.file_type().is_file())
        {
            let path = entry.path().strip_prefix(&root).expect("it is below").display().to_string();
            let bytes = std::fs::read(entry.path()).expect("it can be read");
            site.insert(format!("/{name}/{path}"), Answer::Bytes(bytes));
        }
        let refs = site[&format!("/{name}/info/refs")].clone();
        site.insert(format!("/{name}/info/refs?service=git-upload-pack"), refs);
        site
    }
}
