//! A project in a directory of its own, and what a command said.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::program;

/// A project that goes away with the test.
#[derive(Debug)]
pub struct TestProject {
    directory: TempDir,
    store: PathBuf,
}

/// What a command said and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit code; none when a signal ended it.
    pub code: Option<i32>,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.map_or_else(|| "signal".to_owned(), |code| code.to_string());
        write!(f, "exit {code}\n--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr)
    }
}

impl Drop for TestProject {
    fn drop(&mut self) {
        // Directories of materialised trees can't be emptied as they are, unless by root.
        if self.store.starts_with(self.path()) {
            make_writable(&self.store);
        }
    }
}

/// Makes all directories at and below `path` writable, so that they can be removed.
pub fn make_writable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let is_directory = std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
    if !is_directory {
        return;
    }
    _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755));
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        make_writable(&entry.path());
    }
}

#[expect(
    clippy::return_self_not_must_use,
    reason = "a test may want no more than the success, or the failure"
)]
impl Said {
    /// Takes what a finished process said.
    pub fn from_output(output: &Output) -> Self {
        Self {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
        }
    }

    /// Fails the test unless the command succeeded.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self}");
        self
    }

    /// Fails the test unless the command failed with `code` and its errors hold every one of `texts`.
    #[track_caller]
    pub fn failed(self, code: i32, texts: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        for text in texts {
            assert!(self.stderr.contains(text), "no `{text}` in:\n{self}");
        }
        self
    }
}

impl Default for TestProject {
    fn default() -> Self {
        Self::new()
    }
}

impl TestProject {
    /// Makes an empty project that uses the shared store.
    pub fn new() -> Self {
        Self::with_store(program::shared_store())
    }

    /// Makes an empty project with a store of its own.
    pub fn with_own_store() -> Self {
        let mut project = Self::with_store(PathBuf::new());
        project.store = project.path().join("store");
        project
    }

    fn with_store(store: PathBuf) -> Self {
        let directory = tempfile::Builder::new().prefix("kit-test-").tempdir().expect("a directory");
        let project = Self { directory, store };
        project.write("kit.toml", "");
        project
    }

    /// Returns its directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the store that its commands use.
    pub fn store(&self) -> &Path {
        &self.store
    }

    /// Writes a file, making the directories above it.
    pub fn write(&self, path: &str, content: &str) -> &Self {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("because it lies in the project")).expect("a directory");
        std::fs::write(path, content).expect("a file");
        self
    }

    /// Writes a file of bytes.
    pub fn write_bytes(&self, path: &str, content: &[u8]) -> &Self {
        self.write(path, "");
        std::fs::write(self.path().join(path), content).expect("a file");
        self
    }

    /// Copies a file of the repository to the same place in the project.
    pub fn take(&self, path: &str) -> &Self {
        let content = std::fs::read_to_string(program::repository().join(path)).expect("a file");
        self.write(path, &content)
    }

    /// Reads a file.
    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path().join(path)).expect("a file")
    }

    /// Returns a command on this project, with nothing of the test's own environment but what finding programs and
    /// the cargo client takes.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program::kit());
        command.args(arguments).current_dir(self.path()).env_clear().env("KIT_STORE", &self.store);
        for name in ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "SSL_CERT_FILE", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    /// Runs a command to its end.
    pub fn kit(&self, arguments: &[&str]) -> Said {
        Said::from_output(&self.command(arguments).output().expect("kit runs"))
    }
}
