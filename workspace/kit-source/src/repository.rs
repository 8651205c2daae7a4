//! Repositories of git: which commit a tag or a branch is, and a commit itself, from whichever address has it.
//!
//! git checks that what comes hashes to the name of the commit. Nothing is checked out, and no other repository is fetched.

use std::fmt::Write as _;
use std::io::Read;

use crate::git::{Git, GitError, Kind, Listed};
use crate::http::{Network, shown};
use crate::upstream::is_loopback;

/// Seconds without a byte after which a connection is given up.
const STALLED: u32 = 60;

/// How many paths an error names.
const NAMED: usize = 5;

/// The longest file that is looked at for a reference to a store of large files, in bytes.
const POINTER: u64 = 1024;

/// How a reference to a store of large files begins, by its specification.
const POINTER_START: &[u8] = b"version https://git-lfs.github.com/spec/";

/// A repository, wherever it can be had.
#[derive(Debug, Clone, Copy)]
pub struct Repository<'a> {
    /// git, in an empty directory.
    pub git: Git<'a>,
    /// Addresses, in the order in which they are asked.
    pub addresses: &'a [String],
    /// Whether they may be asked.
    pub network: Network,
}

/// A commit that was fetched.
#[derive(Debug)]
pub struct Fetched<'a> {
    git: Git<'a>,
    /// What it has, sorted by path.
    pub files: Vec<Listed>,
    /// The address that gave it, without user and password.
    pub address: String,
}

/// Why something of a repository can't be had.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The network may not be used.
    #[error("{what} must be fetched, but kit is offline")]
    Offline {
        /// What was wanted.
        what: String,
    },
    /// No address gives it.
    #[error("{what} can't be had: {}{}", which(attempts), lines(attempts))]
    Gone {
        /// What was wanted.
        what: String,
        /// Each address, without user and password, and what it said.
        attempts: Vec<(String, AttemptError)>,
    },
    /// git can't be used here, whatever the address.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The commit refers to other repositories.
    #[error("commit {commit} needs other repositories, at {}", named(paths))]
    Submodules {
        /// The commit.
        commit: String,
        /// Where they belong.
        paths: Vec<String>,
    },
    /// The commit has references where large files belong.
    #[error("commit {commit} has only references to large files (Git LFS), at {}", named(paths))]
    LargeFiles {
        /// The commit.
        commit: String,
        /// Where they belong.
        paths: Vec<String>,
    },
}

/// What one address said.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// git failed.
    #[error(transparent)]
    Git(GitError),
    /// It has no such tag or branch.
    #[error("has no such reference")]
    NoReference,
    /// What comes could be anybody's.
    #[error("is a plain connection, and nothing vouches for what comes")]
    Plain,
}

fn which(attempts: &[(String, AttemptError)]) -> &'static str {
    if attempts.len() == 1 { "its only address doesn't give it" } else { "none of its addresses gives it" }
}

fn lines(attempts: &[(String, AttemptError)]) -> String {
    attempts.iter().fold(String::new(), |mut text, (address, error)| {
        _ = write!(text, "\n  {address}: {error}");
        text
    })
}

fn named(paths: &[String]) -> String {
    let mut text = paths.iter().take(NAMED).map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    if paths.len() > NAMED {
        _ = write!(text, " and {} more", paths.len() - NAMED);
    }
    text
}

impl RepositoryError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Offline { .. } => "kit::http::offline",
            Self::Gone { .. } => "kit::source::gone",
            Self::Git(GitError::NoGit { .. }) => "kit::source::no_git",
            Self::Git(_) => "kit::source::git",
            Self::Submodules { .. } => "kit::source::submodules",
            Self::LargeFiles { .. } => "kit::source::large_files",
        }
    }

    /// Returns what to do next.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Offline { .. } => "run once without `--offline`".to_owned(),
            Self::Gone { .. } => {
                "is the machine online? name another place that has it by `mirrors` of the source, or by `[mirrors]` in \
                 `kit.toml`"
                    .to_owned()
            }
            Self::Git(GitError::NoGit { .. }) => "install git, or take a release archive by `url`".to_owned(),
            Self::Git(_) => return None,
            Self::Submodules { .. } => {
                "name each of them as a source of its own, and write `submodules = \"empty\"` here: an empty directory \
                 stands in its place"
                    .to_owned()
            }
            Self::LargeFiles { .. } => {
                "take a release archive that has the files, by `url`: a commit doesn't vouch for them".to_owned()
            }
        })
    }
}

impl<'a> Repository<'a> {
    /// Returns the commit that a reference, such as `refs/tags/v1.0`, is now at the first address that has it.
    /// `what` names it for people.
    pub fn commit_of(&self, what: &str, reference: &str) -> Result<String, RepositoryError> {
        let peeled = format!("{reference}^{{}}");
        let (commit, _) = self.first(what, false, |address, protocols| {
            let arguments = ["ls-remote", "--quiet", "--", address, reference, &peeled];
            let answer = self.connect(&arguments, protocols)?;
            let text = String::from_utf8(answer).map_err(|_| AttemptError::Git(GitError::Answer))?;
            let of = |wanted: &str| {
                let mut lines = text.lines().filter_map(|line| line.split_once('\t'));
                lines.find(|(_, name)| *name == wanted).map(|(commit, _)| commit.to_owned())
            };
            // An annotated tag is an object of its own; what it stands for comes by its name with `^{}`.
            of(&peeled).or_else(|| of(reference)).ok_or(AttemptError::NoReference)
        })?;
        Ok(commit)
    }

    /// Gets a commit from the first address that has it: alone where the address gives it alone, else with all that there is.
    pub fn fetch(&self, commit: &str) -> Result<Fetched<'a>, RepositoryError> {
        let format = if commit.len() == 64 { "--object-format=sha256" } else { "--object-format=sha1" };
        let what = format!("commit {commit}");
        let ((), address) = self.first(&what, true, |address, protocols| {
            let fetch = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance"];
            let alone = [&fetch[..], &["--depth=1", "--", address, commit]].concat();
            let all = [&fetch[..], &["--", address, "+refs/*:refs/fetched/*"]].concat();
            self.git
                .ask(&["init", "--quiet", "--bare", "--template=", format, "."], None)
                .map_err(AttemptError::Git)?;
            if self.connect(&alone, protocols).is_err() {
                self.connect(&all, protocols)?;
            }
            let object = format!("{commit}^{{commit}}");
            self.git.ask(&["cat-file", "-e", &object], None).map(drop).map_err(|_| AttemptError::NoReference)
        })?;
        let files = self.git.list(commit, ".")?;
        Ok(Fetched { git: self.git, files, address })
    }

    /// Asks one address after the other; returns what the first good one says, and which it is.
    fn first<T>(
        &self,
        what: &str,
        vouched: bool,
        ask: impl Fn(&str, &str) -> Result<T, AttemptError>,
    ) -> Result<(T, String), RepositoryError> {
        if self.network == Network::Offline {
            return Err(RepositoryError::Offline { what: what.to_owned() });
        }
        let mut attempts = Vec::new();
        for address in self.addresses {
            let error = match protocols(address) {
                (true, _) if !vouched && !is_loopback(address) => AttemptError::Plain,
                (_, protocols) => match ask(address, protocols) {
                    Ok(answer) => return Ok((answer, shown(address))),
                    // No other address changes anything about this.
                    Err(AttemptError::Git(error @ GitError::NoGit { .. })) => return Err(error.into()),
                    Err(AttemptError::Git(GitError::Failed { output })) => {
                        let output = output.replace(address.as_str(), &shown(address));
                        AttemptError::Git(GitError::Failed { output })
                    }
                    Err(error) => error,
                },
            };
            attempts.push((shown(address), error));
        }
        Err(RepositoryError::Gone { what: what.to_owned(), attempts })
    }

    /// Runs git with the network, by these protocols alone.
    fn connect(&self, arguments: &[&str], protocols: &str) -> Result<Vec<u8>, AttemptError> {
        let stalled = format!("http.lowSpeedTime={STALLED}");
        let settings =
            ["-c", "http.lowSpeedLimit=1", "-c", &stalled, "-c", "core.sshCommand=ssh -oBatchMode=yes"];
        let arguments = [&settings[..], arguments].concat();
        let environment = [("GIT_ALLOW_PROTOCOL", protocols)];
        self.git.ask_with(&arguments, &environment, None).map_err(AttemptError::Git)
    }
}

/// Whether an address is a plain connection, and the protocols that may serve it: one that is checked never becomes one that isn't.
fn protocols(address: &str) -> (bool, &'static str) {
    match address.split_once("://").map(|(scheme, _)| scheme) {
        Some("http") => (true, "http:https"),
        Some("git") => (true, "git"),
        Some("ssh") => (false, "ssh"),
        _ => (false, "https"),
    }
}

impl Fetched<'_> {
    /// Returns where other repositories belong.
    pub fn submodules(&self) -> Vec<String> {
        let modules = self.files.iter().filter(|listed| listed.kind == Kind::Submodule);
        modules.map(|listed| text(&listed.path)).collect()
    }

    /// Hands on each file and link with its content, in the order of [`Fetched::files`]. What only refers to a large file kept elsewhere
    /// is handed on too; the answer is the paths of those.
    pub fn each_content(
        &self,
        take: &mut dyn FnMut(&Listed, u64, &mut dyn Read) -> std::io::Result<()>,
    ) -> Result<Vec<String>, GitError> {
        let files: Vec<_> = self.files.iter().filter(|listed| listed.kind != Kind::Submodule).collect();
        let mut large = Vec::new();
        self.git.each_content(&files, &mut |place, size, content| {
            let listed = files[place];
            let mut start = Vec::new();
            if size < POINTER && listed.kind != Kind::Symlink {
                content.take(size).read_to_end(&mut start)?;
                if is_pointer(&start) {
                    large.push(text(&listed.path));
                }
            }
            take(listed, size, &mut start.as_slice().chain(content))
        })?;
        Ok(large)
    }
}

/// Whether a file is a reference to a large file kept elsewhere.
fn is_pointer(content: &[u8]) -> bool {
    content.starts_with(POINTER_START) && content.windows(12).any(|part| part == b"\noid sha256:")
}

fn text(path: &[u8]) -> String {
    String::from_utf8_lossy(path).replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
mod tests;
