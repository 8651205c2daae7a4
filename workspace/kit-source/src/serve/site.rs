//! What a server has.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};

use cap_std::fs::Dir;
use rustix::io::Errno;

/// What can be read from any place on.
pub trait Content: Read + Seek {}

impl<T: Read + Seek> Content for T {}

/// A file to give away.
pub struct Found {
    /// Its content.
    pub content: Box<dyn Content>,
    /// Its bytes.
    pub size: u64,
    /// What names this content and no other, without quotes: a digest.
    pub tag: Option<String>,
    /// Its media type.
    pub kind: &'static str,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found").field("size", &self.size).field("tag", &self.tag).finish_non_exhaustive()
    }
}

/// Files by their names, which are relative paths of plain parts.
pub trait Site: Sync {
    /// Opens a file; none is not there.
    fn find(&self, name: &str) -> io::Result<Option<Found>>;
}

/// All files below a directory. Links that lead out of it aren't followed.
#[derive(Debug)]
pub struct Directory {
    /// The directory.
    pub dir: Dir,
}

impl Site for Directory {
    fn find(&self, name: &str) -> io::Result<Option<Found>> {
        // Asked first: opening a pipe waits for somebody.
        match self.dir.metadata(name) {
            Ok(metadata) if metadata.is_file() => {}
            Ok(_) => return Ok(None),
            Err(error) if is_absence(&error) => return Ok(None),
            Err(error) => return Err(error),
        }
        let file: File = self.dir.open(name)?.into_std();
        let size = file.metadata()?.len();
        Ok(Some(Found { content: Box::new(file), size, tag: None, kind: kind_of(name) }))
    }
}

/// Whether a file isn't there, or isn't to be had from here.
fn is_absence(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    let is_odd = || matches!(Errno::from_io_error(error), Some(Errno::NAMETOOLONG | Errno::LOOP));
    matches!(error.kind(), NotFound | PermissionDenied | NotADirectory) || is_odd()
}

/// Returns the media type of a file.
pub fn kind_of(name: &str) -> &'static str {
    let ends = |suffix: &str| name.ends_with(suffix);
    if ends(".ipxe") || ends("-cmdline") { "text/plain; charset=utf-8" } else { "application/octet-stream" }
}
