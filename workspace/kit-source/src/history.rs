//! A project's history: old states of its files, read through the machine's own git.
//!
//! Objects are read as they are: no hook, filter, pager or configuration but the repository's own takes part, nothing is fetched and
//! nothing is written. Paths are relative to the directory that is asked about, which can lie anywhere in a repository.

use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The most that git may say about one question, in bytes.
const ANSWER: u64 = 256 << 20;
/// The most commits that are looked at.
const COMMITS: usize = 1000;
/// Bytes of what git says about an error that are shown.
const SHOWN: u64 = 4 << 10;

/// The history of a directory.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    /// The program, `git` as a rule.
    pub program: &'a str,
    /// The directory.
    pub path: &'a Path,
}

/// A state of the history.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Commit(String);

impl Commit {
    /// Returns its name in hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first digits of its name, for people.
    pub fn short(&self) -> &str {
        &self.0[..self.0.len().min(12)]
    }
}

/// A file of an old state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldFile {
    /// Its path below the directory.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    object: String,
}

/// What a file of an old state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// One that may be executed.
    Program,
    /// A symbolic link; its content is what it points to.
    Symlink,
    /// A commit of another repository.
    Submodule,
}

/// Why a history can't be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// There is no git.
    #[error("`{program}` can't be started")]
    NoGit {
        /// The program.
        program: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// git failed; the directory may be in no repository.
    #[error("git says: {output}")]
    Git {
        /// What it printed.
        output: String,
    },
    /// What git says can't be read.
    #[error("can't read what git says")]
    Read(#[source] io::Error),
    /// What git says makes no sense.
    #[error("git says something else than was asked")]
    Answer,
    /// It says too much.
    #[error("git says more than {limit} bytes")]
    TooMuch {
        /// The limit.
        limit: u64,
    },
}

impl History<'_> {
    /// Returns the states at which `text` came into, or went out of, the files at or below `path`, the newest first.
    pub fn commits_with(&self, text: &str, path: &str) -> Result<Vec<Commit>, HistoryError> {
        let most = format!("--max-count={COMMITS}");
        let pickaxe = format!("-S{text}");
        let arguments =
            ["log", "--all", "--no-ext-diff", "--no-textconv", "--format=%H", &most, &pickaxe, "--", path];
        let answer = self.ask(&arguments, None)?;
        let text = String::from_utf8(answer).map_err(|_| HistoryError::Answer)?;
        text.lines().map(commit).collect()
    }

    /// Returns the state before another one; none when that is the first.
    pub fn before(&self, commit: &Commit) -> Result<Option<Commit>, HistoryError> {
        let answer = self.ask(&["rev-list", "--parents", "--max-count=1", commit.as_str()], None)?;
        let text = String::from_utf8(answer).map_err(|_| HistoryError::Answer)?;
        text.split_whitespace().nth(1).map(self::commit).transpose()
    }

    /// Returns the files at or below `path`, sorted by path.
    pub fn files(&self, commit: &Commit, path: &str) -> Result<Vec<OldFile>, HistoryError> {
        let answer = self.ask(&["ls-tree", "-r", "-z", commit.as_str(), "--", path], None)?;
        answer.split(|byte| *byte == 0).filter(|line| !line.is_empty()).map(old_file).collect()
    }

    /// Returns the content of files of an old state, in the order in which they are given.
    pub fn contents(&self, files: &[&OldFile]) -> Result<Vec<Vec<u8>>, HistoryError> {
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let mut objects = String::new();
        for file in files {
            objects.push_str(&file.object);
            objects.push('\n');
        }
        let answer = self.ask(&["cat-file", "--batch"], Some(objects))?;
        let mut rest = answer.as_slice();
        files.iter().map(|file| object(&file.object, &mut rest).ok_or(HistoryError::Answer)).collect()
    }

    /// Runs git and returns what it prints.
    fn ask(&self, arguments: &[&str], input: Option<String>) -> Result<Vec<u8>, HistoryError> {
        let mut child = self.start(arguments)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let answered = std::thread::scope(|scope| {
            // Questions and answers at once, so that neither waits for the other.
            scope.spawn(move || match (stdin, input) {
                (Some(mut stdin), Some(input)) => _ = stdin.write_all(input.as_bytes()),
                (stdin, _) => drop(stdin),
            });
            let errors = scope.spawn(move || {
                let mut text = Vec::new();
                if let Some(mut stderr) = stderr {
                    _ = (&mut stderr).take(SHOWN).read_to_end(&mut text);
                    _ = io::copy(&mut stderr, &mut io::sink());
                }
                String::from_utf8_lossy(&text).trim().to_owned()
            });
            let mut answer = Vec::new();
            let read = stdout.map_or(Ok(0), |stdout| stdout.take(ANSWER + 1).read_to_end(&mut answer));
            (read.map(|_| answer), errors.join().unwrap_or_default())
        });
        let (answer, errors) = answered;
        if answer.as_ref().is_ok_and(|answer| answer.len() as u64 > ANSWER) {
            _ = child.kill();
            _ = child.wait();
            return Err(HistoryError::TooMuch { limit: ANSWER });
        }
        let status = child.wait().map_err(HistoryError::Read)?;
        if status.success() {
            answer.map_err(HistoryError::Read)
        } else {
            Err(HistoryError::Git { output: errors })
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a project's history is read through the machine's git")]
    fn start(&self, arguments: &[&str]) -> Result<Child, HistoryError> {
        let mut command = Command::new(self.program);
        command
            .args(["--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"])
            .args(arguments)
            .current_dir(self.path)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_LITERAL_PATHSPECS", "1")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // What an outer git, a hook for one, has set for its own repository.
        for name in [
            "GIT_ALTERNATE_OBJECT_DIRECTORIES",
            "GIT_COMMON_DIR",
            "GIT_CONFIG",
            "GIT_CONFIG_COUNT",
            "GIT_CONFIG_PARAMETERS",
            "GIT_DIR",
            "GIT_EXTERNAL_DIFF",
            "GIT_INDEX_FILE",
            "GIT_NAMESPACE",
            "GIT_OBJECT_DIRECTORY",
            "GIT_TRACE",
            "GIT_WORK_TREE",
        ] {
            command.env_remove(name);
        }
        command.spawn().map_err(|source| HistoryError::NoGit { program: self.program.to_owned(), source })
    }
}

fn commit(text: &str) -> Result<Commit, HistoryError> {
    let is_name = text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_name { Ok(Commit(text.to_owned())) } else { Err(HistoryError::Answer) }
}

/// Reads `MODE TYPE OBJECT<tab>PATH`.
fn old_file(line: &[u8]) -> Result<OldFile, HistoryError> {
    let tab = line.iter().position(|byte| *byte == b'\t').ok_or(HistoryError::Answer)?;
    let head = std::str::from_utf8(&line[..tab]).map_err(|_| HistoryError::Answer)?;
    let words: Vec<_> = head.split(' ').collect();
    let [mode, _, object] = words.as_slice() else { return Err(HistoryError::Answer) };
    let kind = match *mode {
        "100644" | "100664" => Kind::File,
        "100755" => Kind::Program,
        "120000" => Kind::Symlink,
        "160000" => Kind::Submodule,
        _ => return Err(HistoryError::Answer),
    };
    Ok(OldFile { path: line[tab + 1..].to_vec(), kind, object: (*object).to_owned() })
}

/// Reads `OBJECT blob SIZE`, a line end, the content and a line end.
fn object(name: &str, rest: &mut &[u8]) -> Option<Vec<u8>> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let head = std::str::from_utf8(&rest[..end]).ok()?;
    let size = head.strip_prefix(name)?.strip_prefix(" blob ")?.parse().ok()?;
    let content = rest.get(end + 1..)?.get(..size)?.to_vec();
    *rest = rest.get(end + 1 + size + 1..)?;
    Some(content)
}

#[cfg(test)]
mod tests;
