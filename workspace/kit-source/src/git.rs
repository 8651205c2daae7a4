//! The machine's own git, run so that nothing but the repository takes part: no hook, filter, pager, submodule or configuration
//! of the user or the machine, and nobody is asked for a password.
//!
//! Objects are read as they are, so that attributes (`export-subst`, `text`, `filter`) change nothing.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

/// The largest file that git may write as a rule, in bytes.
pub const LARGEST: u64 = 8 << 30;
/// The most that git may say about one question, in bytes.
const ANSWER: u64 = 256 << 20;
/// Bytes of what git says about an error that are shown.
const SHOWN: u64 = 4 << 10;
/// The longest line before an object, in bytes.
const HEAD: u64 = 256;

/// git in a directory.
#[derive(Debug, Clone, Copy)]
pub struct Git<'a> {
    /// The program, `git` as a rule.
    pub program: &'a str,
    /// The directory.
    pub path: &'a Path,
    /// The largest file that it may write, in bytes: what comes from elsewhere may have no end.
    pub largest: u64,
}

/// An object that a commit has at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its path.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    object: String,
}

/// What an object is to a commit.
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

/// Why git doesn't answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no git.
    #[error("`{program}` can't be started")]
    NoGit {
        /// The program.
        program: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// git failed.
    #[error("git says: {output}")]
    Failed {
        /// What it printed.
        output: String,
    },
    /// What git says can't be read, or not be kept.
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

impl Git<'_> {
    /// Returns what is at or below `path` in a commit, sorted by path, as git sorts.
    pub fn list(&self, commit: &str, path: &str) -> Result<Vec<Listed>, GitError> {
        let answer = self.ask(&["ls-tree", "-r", "-z", commit, "--", path], None)?;
        answer.split(|byte| *byte == 0).filter(|line| !line.is_empty()).map(listed).collect()
    }

    /// Reads the contents of objects in the order in which they are given. `take` gets the place in the list, the length in bytes and
    /// the content; what it leaves unread is skipped.
    pub fn each_content(
        &self,
        objects: &[&Listed],
        take: &mut dyn FnMut(usize, u64, &mut dyn Read) -> io::Result<()>,
    ) -> Result<(), GitError> {
        if objects.is_empty() {
            return Ok(());
        }
        let questions: String = objects.iter().flat_map(|listed| [listed.object.as_str(), "\n"]).collect();
        self.talk(&["cat-file", "--batch"], &[], Some(questions), &mut |answer| {
            let mut answer = BufReader::with_capacity(64 << 10, answer);
            for (place, listed) in objects.iter().enumerate() {
                let mut head = Vec::new();
                answer.by_ref().take(HEAD).read_until(b'\n', &mut head).map_err(GitError::Read)?;
                let size = blob_size(&head, &listed.object).ok_or(GitError::Answer)?;
                let mut content = answer.by_ref().take(size);
                take(place, size, &mut content).map_err(GitError::Read)?;
                io::copy(&mut content, &mut io::sink()).map_err(GitError::Read)?;
                let mut end = [0];
                answer.read_exact(&mut end).map_err(GitError::Read)?;
                if end != *b"\n" {
                    return Err(GitError::Answer);
                }
            }
            Ok(())
        })
    }

    /// Runs git and returns what it prints.
    pub(crate) fn ask(&self, arguments: &[&str], input: Option<String>) -> Result<Vec<u8>, GitError> {
        self.ask_with(arguments, &[], input)
    }

    /// The same, with more of an environment.
    pub(crate) fn ask_with(
        &self,
        arguments: &[&str],
        environment: &[(&str, &str)],
        input: Option<String>,
    ) -> Result<Vec<u8>, GitError> {
        let mut text = Vec::new();
        self.talk(arguments, environment, input, &mut |answer| {
            answer.take(ANSWER + 1).read_to_end(&mut text).map_err(GitError::Read)?;
            if text.len() as u64 > ANSWER { Err(GitError::TooMuch { limit: ANSWER }) } else { Ok(()) }
        })?;
        Ok(text)
    }

    /// Runs git, gives it `input`, and has `listen` read what it prints.
    fn talk(
        &self,
        arguments: &[&str],
        environment: &[(&str, &str)],
        input: Option<String>,
        listen: &mut dyn FnMut(&mut dyn Read) -> Result<(), GitError>,
    ) -> Result<(), GitError> {
        let mut child = self.start(arguments, environment)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (heard, errors) = std::thread::scope(|scope| {
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
            let heard = stdout.map_or(Ok(()), |mut stdout| listen(&mut stdout));
            if heard.is_err() {
                _ = child.kill();
            }
            (heard, errors.join().unwrap_or_default())
        });
        let status = child.wait().map_err(GitError::Read)?;
        match heard {
            // Where git has died, that says why the answer makes no sense; where it was killed here, it doesn't.
            Err(GitError::Answer | GitError::Read(_)) if !errors.is_empty() => {
                Err(GitError::Failed { output: errors })
            }
            Err(error) => Err(error),
            Ok(()) if status.success() => Ok(()),
            Ok(()) if errors.is_empty() => Err(GitError::Failed { output: format!("nothing; {status}") }),
            Ok(()) => Err(GitError::Failed { output: errors }),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "repositories are read through the machine's git")]
    fn start(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Child, GitError> {
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
        // What an outer git, a hook for one, has set for its own repository, and what would ask somebody.
        for name in [
            "GIT_ALTERNATE_OBJECT_DIRECTORIES",
            "GIT_ASKPASS",
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
            "SSH_ASKPASS",
        ] {
            command.env_remove(name);
        }
        command.envs(environment.iter().copied());
        let child =
            command.spawn().map_err(|source| GitError::NoGit { program: self.program.to_owned(), source })?;
        let largest = Rlimit { current: Some(self.largest), maximum: Some(self.largest) };
        // Of a process that has ended already, nothing must be limited.
        _ = prlimit(Some(Pid::from_child(&child)), Resource::Fsize, largest);
        Ok(child)
    }
}

/// Reads `MODE TYPE OBJECT<tab>PATH`.
fn listed(line: &[u8]) -> Result<Listed, GitError> {
    let tab = line.iter().position(|byte| *byte == b'\t').ok_or(GitError::Answer)?;
    let head = std::str::from_utf8(&line[..tab]).map_err(|_| GitError::Answer)?;
    let words: Vec<_> = head.split(' ').collect();
    let [mode, _, object] = words.as_slice() else { return Err(GitError::Answer) };
    let kind = match *mode {
        "100644" | "100664" => Kind::File,
        "100755" => Kind::Program,
        "120000" => Kind::Symlink,
        "160000" => Kind::Submodule,
        _ => return Err(GitError::Answer),
    };
    Ok(Listed { path: line[tab + 1..].to_vec(), kind, object: (*object).to_owned() })
}

/// Reads `OBJECT blob SIZE` and a line end.
fn blob_size(head: &[u8], object: &str) -> Option<u64> {
    let head = std::str::from_utf8(head).ok()?.strip_suffix('\n')?;
    head.strip_prefix(object)?.strip_prefix(" blob ")?.parse().ok()
}

#[cfg(test)]
pub(crate) mod samples;
