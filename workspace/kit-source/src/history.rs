//! A project's history: old states of its files, read through the machine's own git.
//!
//! Nothing is fetched and nothing is written. Paths are relative to the directory that is asked about, which can lie anywhere in a repository.

use std::io;
use std::path::Path;

use crate::git::{self, Git, GitError, Listed};

/// The most commits that are looked at.
const COMMITS: usize = 1000;
/// The most that files of an old state may hold together, in bytes.
const CONTENTS: u64 = 256 << 20;

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

impl History<'_> {
    /// Returns the states at which `text` came into, or went out of, the files at or below `path`, the newest first.
    pub fn commits_with(&self, text: &str, path: &str) -> Result<Vec<Commit>, GitError> {
        let most = format!("--max-count={COMMITS}");
        let pickaxe = format!("-S{text}");
        let arguments =
            ["log", "--all", "--no-ext-diff", "--no-textconv", "--format=%H", &most, &pickaxe, "--", path];
        let answer = self.git().ask(&arguments, None)?;
        let text = String::from_utf8(answer).map_err(|_| GitError::Answer)?;
        text.lines().map(commit).collect()
    }

    /// Returns the state before another one; none when that is the first.
    pub fn before(&self, commit: &Commit) -> Result<Option<Commit>, GitError> {
        let answer = self.git().ask(&["rev-list", "--parents", "--max-count=1", commit.as_str()], None)?;
        let text = String::from_utf8(answer).map_err(|_| GitError::Answer)?;
        text.split_whitespace().nth(1).map(self::commit).transpose()
    }

    /// Returns the states behind `after` up to `until` that changed something at or below `paths`, the oldest first. Of a merge, only what it
    /// was merged into is followed.
    pub fn between(&self, after: &Commit, until: &Commit, paths: &[&str]) -> Result<Vec<Commit>, GitError> {
        let range = format!("{}..{}", after.as_str(), until.as_str());
        let options = ["rev-list", "--first-parent", "--reverse", &range, "--"];
        let answer = self.git().ask(&[&options, paths].concat(), None)?;
        let text = String::from_utf8(answer).map_err(|_| GitError::Answer)?;
        text.lines().map(commit).collect()
    }

    /// Whether a state came before another one, or is it.
    pub fn is_before(&self, first: &Commit, second: &Commit) -> Result<bool, GitError> {
        let answer = self.git().ask(&["merge-base", first.as_str(), second.as_str()], None);
        match answer {
            // Without anything in common, git says nothing and fails.
            Err(GitError::Failed { output }) if output.starts_with("nothing;") => Ok(false),
            answer => {
                let text = String::from_utf8(answer?).map_err(|_| GitError::Answer)?;
                Ok(text.trim() == first.as_str())
            }
        }
    }

    /// Returns the line that a state was described with.
    pub fn subject(&self, commit: &Commit) -> Result<String, GitError> {
        let arguments = ["log", "--max-count=1", "--format=%s", commit.as_str()];
        let answer = self.git().ask(&arguments, None)?;
        Ok(String::from_utf8_lossy(&answer).trim_end_matches('\n').to_owned())
    }

    /// Returns the files at or below `path`, sorted by path.
    pub fn files(&self, commit: &Commit, path: &str) -> Result<Vec<Listed>, GitError> {
        self.git().list(commit.as_str(), path)
    }

    /// Returns the content of files of an old state, in the order in which they are given.
    pub fn contents(&self, files: &[&Listed]) -> Result<Vec<Vec<u8>>, GitError> {
        let mut contents = Vec::new();
        let mut left = CONTENTS;
        self.git().each_content(files, &mut |_, size, content| {
            left = left.checked_sub(size).ok_or(io::ErrorKind::FileTooLarge)?;
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes)?;
            contents.push(bytes);
            Ok(())
        })?;
        Ok(contents)
    }

    /// Returns the state that is checked out; none where the directory is in no repository, or in one without any state.
    pub fn head(&self) -> Result<Option<Commit>, GitError> {
        if !self.is_there()? {
            return Ok(None);
        }
        // Without any state, git says nothing and fails.
        match self.git().ask(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], None) {
            Err(GitError::Failed { .. }) => Ok(None),
            answer => commit(String::from_utf8(answer?).map_err(|_| GitError::Answer)?.trim()).map(Some),
        }
    }

    /// Returns the state that a revision names: a branch, a tag, a commit, `HEAD~3`; none where there is no such state. What git would take
    /// for an option, or for several states, is no revision.
    pub fn resolve(&self, revision: &str) -> Result<Option<Commit>, GitError> {
        let is_odd = |character: char| character.is_control();
        if revision.is_empty() || revision.starts_with(['-', '^']) || revision.contains(is_odd) {
            return Ok(None);
        }
        let name = format!("{revision}^{{commit}}");
        match self.git().ask(&["rev-parse", "--verify", "--quiet", &name], None) {
            // Where nothing has this name, git says nothing and fails; where several have it, it says so.
            Err(GitError::Failed { output }) if output.starts_with("nothing;") => Ok(None),
            Err(GitError::Failed { output }) if output.contains("Needed a single revision") => Ok(None),
            answer => commit(String::from_utf8(answer?).map_err(|_| GitError::Answer)?.trim()).map(Some),
        }
    }

    /// Whether the directory is in a repository.
    pub fn is_there(&self) -> Result<bool, GitError> {
        match self.git().ask(&["rev-parse", "--git-dir"], None) {
            Err(GitError::Failed { output }) if output.contains("not a git repository") => Ok(false),
            answer => answer.map(|_| true),
        }
    }

    /// Returns git's own digest of the directory at a state; none where that hasn't got it.
    pub fn tree(&self, commit: &Commit) -> Result<Option<String>, GitError> {
        let text = |answer| String::from_utf8(answer).map_err(|_| GitError::Answer);
        let prefix = text(self.git().ask(&["rev-parse", "--show-prefix"], None)?)?;
        let prefix = prefix.trim_end_matches('\n').trim_end_matches('/');
        if prefix.is_empty() {
            let name = format!("{}^{{tree}}", commit.as_str());
            let tree = text(self.git().ask(&["rev-parse", "--verify", &name], None)?)?;
            return Ok(Some(tree.trim().to_owned()));
        }
        let arguments = ["ls-tree", "-d", "-z", "--full-tree", commit.as_str(), "--", prefix];
        let answer = text(self.git().ask(&arguments, None)?)?;
        let head = answer.split('\t').next().unwrap_or_default();
        Ok(head.split(' ').nth(2).map(ToOwned::to_owned))
    }

    /// Returns the files below the directory that git keeps watch of, in its order.
    pub fn tracked(&self) -> Result<Vec<String>, GitError> {
        let answer = self.git().ask(&["ls-files", "-z"], None)?;
        let names = answer.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }

    fn git(&self) -> Git<'_> {
        Git { program: self.program, path: self.path, largest: git::LARGEST }
    }
}

fn commit(text: &str) -> Result<Commit, GitError> {
    let is_name = text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_name { Ok(Commit(text.to_owned())) } else { Err(GitError::Answer) }
}

#[cfg(test)]
mod tests;
