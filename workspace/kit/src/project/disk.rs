//! The files of a project on disk. Symbolic links inside of local sources stay links; nothing outside of the project is ever reached.

use std::io::{self, Read};

use cap_std::fs::{Dir, FileType, Metadata, MetadataExt as _};
use kit_build::ProjectFiles;
use kit_build::files::{LocalContent, LocalFile};
use kit_plan::{PlanError, RecipeFiles};
use kit_recipe::recipe::RecipeName;
use kit_tree::TreePath;
use rustix::io::Errno;

use super::{TEXT_LIMIT, recipe_name};

/// A project's own files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disk<'a> {
    pub(super) dir: &'a Dir,
}

impl RecipeFiles for Disk<'_> {
    fn text(&self, name: &RecipeName) -> Result<Option<String>, PlanError> {
        let path = name.path();
        match read(self.dir, &path, TEXT_LIMIT)
            .and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other))
        {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(PlanError::Read { path, source: outside(source) }),
        }
    }

    fn names(&self) -> Result<Vec<RecipeName>, PlanError> {
        let mut names = Vec::new();
        for folder in ["recipes", "recipes/images", "recipes/packages"] {
            let entries = match self.dir.read_dir(folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(PlanError::Read { path: folder.to_owned(), source }),
            };
            for entry in entries {
                let entry = entry.map_err(|source| PlanError::Read { path: folder.to_owned(), source })?;
                let name = entry.file_name();
                names.extend(name.to_str().and_then(|name| recipe_name(&format!("{folder}/{name}"))));
            }
        }
        names.sort();
        Ok(names)
    }
}

impl ProjectFiles for Disk<'_> {
    fn visit(&self, path: &str, each: &mut dyn FnMut(LocalFile<'_>) -> io::Result<()>) -> io::Result<bool> {
        let metadata = match self.dir.metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(outside(error)),
        };
        if metadata.is_dir() {
            readable(&metadata)?;
            walk(&self.dir.open_dir(path)?, &mut Vec::new(), each)?;
        } else if metadata.is_file() {
            let open =
                || readable(&metadata).and_then(|()| Ok(Box::new(self.dir.open(path)?) as Box<dyn Read>));
            let content = LocalContent::File { executable: metadata.mode() & 0o100 != 0, open: &open };
            each(LocalFile { path: TreePath::root(), content })?;
        } else {
            return Err(odd(metadata.file_type()));
        }
        Ok(true)
    }
}

/// Says in our words where links lead: paths in recipes have no `..`, so it is a link that leads out of the project.
fn outside(error: io::Error) -> io::Error {
    let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why);
    match error.raw_os_error() {
        Some(number) if number == Errno::LOOP.raw_os_error() => {
            invalid("symbolic links on its way lead in a circle")
        }
        // The system's own refusals have a number.
        None if error.kind() == io::ErrorKind::PermissionDenied => {
            invalid("a symbolic link on its way leads out of the project")
        }
        _ => error,
    }
}

/// Reads a whole file of at most `limit` bytes.
pub(super) fn read(dir: &Dir, path: &str, limit: u64) -> io::Result<Vec<u8>> {
    let file = dir.open(path)?;
    let size = file.metadata()?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(limit)).unwrap_or(0));
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {limit} bytes")));
    }
    Ok(bytes)
}

/// Visits what is in a directory, in the order of the raw bytes of whole paths.
fn walk(
    dir: &Dir,
    prefix: &mut Vec<u8>,
    each: &mut dyn FnMut(LocalFile<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let mut entries = Vec::new();
    for entry in dir.entries()? {
        let entry = entry?;
        let mut key = entry.file_name().into_encoded_bytes();
        // A directory sorts as what is below it does: `a-b` comes before `a/b`.
        if entry.file_type()?.is_dir() {
            key.push(b'/');
        }
        entries.push((key, entry.file_name()));
    }
    entries.sort();
    let length = prefix.len();
    for (_, name) in entries {
        prefix.extend_from_slice(name.as_encoded_bytes());
        visit_entry(dir, &name, prefix, each).map_err(|error| at(prefix, error))?;
        prefix.truncate(length);
    }
    Ok(())
}

fn visit_entry(
    dir: &Dir,
    name: &std::ffi::OsStr,
    path: &mut Vec<u8>,
    each: &mut dyn FnMut(LocalFile<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let metadata = dir.symlink_metadata(name)?;
    if metadata.is_dir() {
        readable(&metadata)?;
        path.push(b'/');
        return walk(&dir.open_dir(name)?, path, each);
    }
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
    let tree_path = TreePath::new(&path).map_err(invalid)?;
    if metadata.is_symlink() {
        let target = dir.read_link_contents(name)?.into_os_string().into_encoded_bytes();
        return each(LocalFile { path: tree_path, content: LocalContent::Symlink(target) });
    }
    if !metadata.is_file() {
        return Err(odd(metadata.file_type()));
    }
    let open = || readable(&metadata).and_then(|()| Ok(Box::new(dir.open(name)?) as Box<dyn Read>));
    let content = LocalContent::File { executable: metadata.mode() & 0o100 != 0, open: &open };
    each(LocalFile { path: tree_path, content })
}

/// Refuses what its owner may not read, for root as for everybody.
fn readable(metadata: &Metadata) -> io::Result<()> {
    let needed = if metadata.is_dir() { 0o500 } else { 0o400 };
    if metadata.mode() & needed == needed {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is not readable for its owner"))
}

fn odd(kind: FileType) -> io::Error {
    use cap_std::fs::FileTypeExt as _;
    let what = match kind {
        _ if kind.is_socket() => "a socket",
        _ if kind.is_fifo() => "a fifo",
        _ if kind.is_block_device() || kind.is_char_device() => "a device",
        _ => "neither a file nor a directory",
    };
    io::Error::new(io::ErrorKind::InvalidInput, format!("{what} can't be part of a source"))
}

/// Adds the path to an error; the innermost one is the whole path.
fn at(path: &[u8], error: io::Error) -> io::Error {
    if error.get_ref().and_then(|inner| inner.downcast_ref::<At>()).is_some() {
        return error;
    }
    let kind = error.kind();
    io::Error::new(kind, At { path: String::from_utf8_lossy(path).into_owned(), source: error })
}

/// An error and where it happened.
#[derive(Debug, thiserror::Error)]
#[error("`{path}` in it")]
struct At {
    path: String,
    source: io::Error,
}
