//! Reads below a root directory, following links inside it.

use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use cap_std::fs::Dir;

use super::Problem;

/// The largest configuration file or keyring that is read, in bytes.
const SIZE_LIMIT: u64 = 16 << 20;

/// How many links are followed.
const LINK_LIMIT: u32 = 16;

/// The files below a root, and what was wrong with them.
pub(super) struct Files<'r> {
    root: &'r Dir,
    pub(super) problems: Vec<Problem>,
}

impl<'r> Files<'r> {
    pub(super) fn new(root: &'r Dir) -> Self {
        Self { root, problems: Vec::new() }
    }

    pub(super) fn report(&mut self, file: &str, reason: impl Into<String>) {
        self.problems.push(Problem { file: file.to_owned(), reason: reason.into() });
    }

    /// Returns the bytes of `path`; a missing file is none, an unreadable one a problem.
    pub(super) fn bytes(&mut self, path: &str) -> Option<Vec<u8>> {
        match self.try_bytes(path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                self.report(path, error.to_string());
                None
            }
        }
    }

    /// Returns the text of `path`, in the same way.
    pub(super) fn text(&mut self, path: &str) -> Option<String> {
        let bytes = self.bytes(path)?;
        let text = String::from_utf8(bytes);
        if text.is_err() {
            self.report(path, "it is not UTF-8 text");
        }
        text.ok()
    }

    /// Returns the text of `path` if it may be read: secrets of another user are no problem.
    pub(super) fn secret(&mut self, path: &str) -> Option<String> {
        String::from_utf8(self.try_bytes(path).ok()?).ok()
    }

    /// Returns the paths of the files in `directory` that end in one of `suffixes`, sorted, as apt picks them.
    ///
    /// An empty suffix stands for names without a dot.
    pub(super) fn list(&mut self, directory: &str, suffixes: &[&str]) -> Vec<String> {
        let Ok(entries) = self.resolve(Path::new(directory)).and_then(|path| self.root.read_dir(path)) else {
            return Vec::new();
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut paths: Vec<String> = names
            .filter(|name| is_picked(name, suffixes))
            .map(|name| format!("{directory}/{name}"))
            .collect();
        paths.sort();
        paths
    }

    fn try_bytes(&self, path: &str) -> io::Result<Vec<u8>> {
        let file = self.root.open(self.resolve(Path::new(path))?)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let mut bytes = Vec::new();
        file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > SIZE_LIMIT {
            return Err(io::Error::other(format!("it is larger than {SIZE_LIMIT} bytes")));
        }
        Ok(bytes)
    }

    /// Resolves all links as a process in this root would: absolute ones start at the root, `..` stops there.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let mut left: Vec<PathBuf> = parts(path);
        let mut resolved = PathBuf::new();
        let mut links = 0;
        while let Some(part) = left.pop() {
            if part.as_os_str() == ".." {
                resolved.pop();
                continue;
            }
            let next = resolved.join(&part);
            if !self.root.symlink_metadata(&next)?.is_symlink() {
                resolved = next;
                continue;
            }
            links += 1;
            if links > LINK_LIMIT {
                return Err(io::Error::other("too many links"));
            }
            let target = self.root.read_link_contents(&next)?;
            if target.has_root() {
                resolved = PathBuf::new();
            }
            left.extend(parts(&target));
        }
        Ok(resolved)
    }
}

/// Returns the parts of a path, last first, without the root and `.`.
fn parts(path: &Path) -> Vec<PathBuf> {
    let names = path.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    names.map(|part| PathBuf::from(part.as_os_str())).rev().collect()
}

/// apt reads only names of letters, digits, `_`, `-` and `.`, with the right suffix: `x.list.disabled` is switched off.
fn is_picked(name: &str, suffixes: &[&str]) -> bool {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    let has = |suffix: &&str| if suffix.is_empty() { !name.contains('.') } else { name.ends_with(suffix) };
    is_plain && !name.starts_with('.') && suffixes.iter().any(has)
}
