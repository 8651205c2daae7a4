//! Directories to trees: what a run step leaves behind.
//!
//! Directories, regular files, their executable bits and symbolic links count; times, owners, attributes, other
//! permission bits and which files are hard links of each other don't. Everything that would be lost otherwise is a finding, never
//! dropped in silence.

use std::fmt;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use cap_std::fs::Dir;
use kit_tree::{BlobSink, Entry, FileName, Meta, Mode, PathError, Tree, TreePath};
use rustix::fs::{FileType, Stat, readlinkat};

use crate::disk;

/// Characters that are shown at both ends of a path that is too long to be shown whole.
const ENDS: usize = 100;

/// What a directory may hold; more is an error, so that a step that runs wild doesn't fill the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportLimits {
    /// Entries.
    pub entries: u64,
    /// Bytes of content; the holes of a sparse file count.
    pub bytes: u64,
}

/// Something that a tree can't take from a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImportFinding {
    /// Where.
    pub path: TreePath,
    /// What.
    pub what: ImportProblem,
}

/// What a tree can't take from a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImportProblem {
    /// A file with its set-user-id bit.
    SetUser,
    /// A file with its set-group-id bit.
    SetGroup,
    /// A directory or file with its sticky bit.
    Sticky,
    /// A socket.
    Socket,
    /// A character or block device.
    Device,
    /// A named pipe.
    Fifo,
    /// A file or directory that its owner may not read.
    Unreadable,
    /// A path that no tree holds.
    Path(String),
    /// Another kind of file.
    Unknown,
}

impl fmt::Display for ImportProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetUser => f.write_str("has its set-user-id bit"),
            Self::SetGroup => f.write_str("has its set-group-id bit"),
            Self::Sticky => f.write_str("has its sticky bit"),
            Self::Socket => f.write_str("is a socket"),
            Self::Device => f.write_str("is a device"),
            Self::Fifo => f.write_str("is a fifo"),
            Self::Unreadable => f.write_str("is not readable for its owner"),
            Self::Path(reason) => write!(f, "has something below it that no tree holds: {reason}"),
            Self::Unknown => f.write_str("is of an unknown kind"),
        }
    }
}

impl fmt::Display for ImportFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.to_string();
        match (path.char_indices().nth(ENDS), path.char_indices().nth_back(ENDS)) {
            (Some((start, _)), Some((end, _))) if start < end => {
                write!(f, "`{}…{}` {}", &path[..start], &path[end..], self.what)
            }
            _ => write!(f, "`{path}` {}", self.what),
        }
    }
}

/// Why a directory gives no tree.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It holds things that a tree doesn't take from a directory.
    #[error("{} can't be taken over: {}", Count(.0.len()), Shown(.0))]
    Findings(Vec<ImportFinding>),
    /// It holds more entries than allowed.
    #[error("there are more than {limit} files and directories")]
    TooMany {
        /// The limit.
        limit: u64,
    },
    /// It holds more content than allowed.
    #[error("`{path}` brings the content over {limit} bytes")]
    TooLarge {
        /// The file that was one too many.
        path: TreePath,
        /// The limit in bytes.
        limit: u64,
    },
    /// Reading or keeping something failed.
    #[error("can't take over `{path}`")]
    Io {
        /// Where.
        path: TreePath,
        /// What happened; a failing store's own error is inside.
        source: io::Error,
    },
}

impl ImportError {
    /// Returns the stable code of the problem.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Findings(_) => "kit::import::findings",
            Self::TooMany { .. } => "kit::import::too_many",
            Self::TooLarge { .. } => "kit::import::too_large",
            Self::Io { .. } => "kit::import::io",
        }
    }

    /// Returns what the user can do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Findings(_) => Some(
                "remove them at the end of the script; owners, special bits and devices are declared in the recipe's `[tree]`",
            ),
            Self::TooMany { .. } | Self::TooLarge { .. } => {
                Some("remove what isn't needed at the end of the script")
            }
            Self::Io { .. } => None,
        }
    }
}

struct Count(usize);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, if self.0 == 1 { "thing" } else { "things" })
    }
}

struct Shown<'a>(&'a [ImportFinding]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 3;
        for (number, finding) in self.0.iter().take(MOST).enumerate() {
            write!(f, "{}{finding}", if number > 0 { ", " } else { "" })?;
        }
        if self.0.len() > MOST { f.write_str(", …") } else { Ok(()) }
    }
}

/// Takes a directory over as a tree: content goes to `sink`, modes become 0644 or 0755, everything is root's.
///
/// Nothing is followed out of `dir`, and nothing in it is changed. All findings come at once, in path order.
pub fn import(dir: &Dir, limits: &ImportLimits, sink: &dyn BlobSink) -> Result<Tree, ImportError> {
    let mut import =
        Import { root: dir.as_fd(), limits, sink, tree: Tree::new(), findings: Vec::new(), bytes: 0 };
    let mut directories = vec![TreePath::root()];
    while let Some(path) = directories.pop() {
        import.directory(&path, &mut directories)?;
    }
    if import.findings.is_empty() {
        return Ok(import.tree);
    }
    import.findings.sort();
    Err(ImportError::Findings(import.findings))
}

struct Import<'a> {
    root: BorrowedFd<'a>,
    limits: &'a ImportLimits,
    sink: &'a dyn BlobSink,
    tree: Tree,
    findings: Vec<ImportFinding>,
    bytes: u64,
}

impl Import<'_> {
    fn directory(&mut self, path: &TreePath, below: &mut Vec<TreePath>) -> Result<(), ImportError> {
        let fail = |source| ImportError::Io { path: path.clone(), source };
        let dir = disk::walk(self.root, path.as_bytes()).map_err(fail)?;
        for name in disk::list(&dir).map_err(fail)? {
            let child = match FileName::new(name.clone()).and_then(|name| path.join(&name)) {
                Ok(child) => child,
                Err(e) => {
                    self.odd_path(path, &name, &e);
                    continue;
                }
            };
            // It may be gone by now: then it isn't there.
            let stat = disk::stat(&dir, &name);
            let stat = stat.map_err(|source| ImportError::Io { path: child.clone(), source })?;
            let Some(stat) = stat else { continue };
            if self.tree.len() as u64 >= self.limits.entries {
                return Err(ImportError::TooMany { limit: self.limits.entries });
            }
            if let Some(entry) = self.entry(&dir, &name, &child, &stat)? {
                if entry.is_directory() {
                    below.push(child.clone());
                }
                self.tree.insert(child, entry).expect("because its directory was put before it");
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        dir: &OwnedFd,
        name: &[u8],
        path: &TreePath,
        stat: &Stat,
    ) -> Result<Option<Entry>, ImportError> {
        if let Some(what) = problem(stat) {
            self.findings.push(ImportFinding { path: path.clone(), what });
            return Ok(None);
        }
        let fail = |source| ImportError::Io { path: path.clone(), source };
        match disk::kind(stat) {
            FileType::Directory => Ok(Some(Entry::directory())),
            FileType::Symlink => {
                let target = readlinkat(dir, name, Vec::new()).map_err(|e| fail(e.into()))?;
                Ok(Some(Entry::symlink(target.into_bytes())))
            }
            _ => {
                let left = self.limits.bytes - self.bytes;
                let too_large = || ImportError::TooLarge { path: path.clone(), limit: self.limits.bytes };
                if disk::size(stat) > left {
                    return Err(too_large());
                }
                let file = disk::open_file(dir, name).map_err(fail)?;
                let mut content = io::Read::take(file, left.saturating_add(1));
                let (blob, size) = self.sink.put(&mut content).map_err(fail)?;
                if size > left {
                    return Err(too_large());
                }
                self.bytes += size;
                let is_program = Mode::from_st_mode(stat.st_mode).is_executable();
                let meta = Meta::root(if is_program { Mode::PROGRAM } else { Mode::FILE });
                Ok(Some(Entry::File { meta, blob, size }))
            }
        }
    }

    fn odd_path(&mut self, parent: &TreePath, name: &[u8], error: &PathError) {
        let shown = String::from_utf8_lossy(name);
        let what = ImportProblem::Path(format!("`{shown}`: {error}"));
        self.findings.push(ImportFinding { path: parent.clone(), what });
    }
}

/// Finds what would be lost of an entry, looking only at what is the same for every user.
fn problem(stat: &Stat) -> Option<ImportProblem> {
    let has = |bits: u32| stat.st_mode & bits == bits;
    let mode = |checks: &[(bool, ImportProblem)]| {
        checks.iter().find(|(wrong, _)| *wrong).map(|(_, problem)| problem.clone())
    };
    match disk::kind(stat) {
        // A directory inherits its set-group-id bit from the one that it was made in, so that one isn't looked at.
        FileType::Directory => {
            mode(&[(has(0o1000), ImportProblem::Sticky), (!has(0o500), ImportProblem::Unreadable)])
        }
        FileType::RegularFile => mode(&[
            (has(0o4000), ImportProblem::SetUser),
            (has(0o2000), ImportProblem::SetGroup),
            (has(0o1000), ImportProblem::Sticky),
            (!has(0o400), ImportProblem::Unreadable),
        ]),
        FileType::Symlink => None,
        FileType::Socket => Some(ImportProblem::Socket),
        FileType::CharacterDevice | FileType::BlockDevice => Some(ImportProblem::Device),
        FileType::Fifo => Some(ImportProblem::Fifo),
        FileType::Unknown => Some(ImportProblem::Unknown),
    }
}

#[cfg(test)]
mod tests;
