//! The project's own files: recipes and local sources, on disk or embedded in the program.

use std::io::{self, Read};

use kit_plan::RecipeFiles;
use kit_tree::TreePath;

/// One file of a local source.
#[derive(Debug)]
pub struct LocalFile<'a> {
    /// Path relative to the source's directory; the root when the source is a single file.
    pub path: TreePath,
    /// What it is.
    pub content: LocalContent<'a>,
}

/// What a local file is.
pub enum LocalContent<'a> {
    /// A regular file.
    File {
        /// Whether its owner may execute it.
        executable: bool,
        /// Opens it; not called for files that nobody wants.
        open: &'a dyn Fn() -> io::Result<Box<dyn Read + 'a>>,
    },
    /// A symbolic link and what it points to.
    Symlink(Vec<u8>),
}

impl std::fmt::Debug for LocalContent<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File { executable, .. } => write!(f, "File {{ executable: {executable} }}"),
            Self::Symlink(target) => write!(f, "Symlink({})", kit_tree::path::Escaped(target)),
        }
    }
}

/// Gives the project's files; directories of local sources and recipes come from the same place.
pub trait ProjectFiles: RecipeFiles {
    /// Calls `each` for every file at or below `path` (relative to the project), sorted by path; false when nothing is
    /// there.
    fn visit(&self, path: &str, each: &mut dyn FnMut(LocalFile<'_>) -> io::Result<()>) -> io::Result<bool>;
}
