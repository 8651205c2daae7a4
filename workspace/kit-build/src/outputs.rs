//! Writes the files of outputs to where people find them: beside, synced, renamed; what is there already stays.

mod seen;

use std::io;
use std::path::Path;

use cap_std::fs::Dir;
use kit_hash::BlobId;
use kit_store::{Store, StoreError};
use kit_tree::{Entry, FileName, Tree, TreePath};

use crate::BuildError;
use crate::replace::{self, replace};
use seen::{FileState, Seen};

/// A file that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Path below the output directory.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Whether it was there already.
    pub state: State,
}

/// What had to be done for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It was written.
    New,
    /// The same bytes were there.
    Unchanged,
}

/// Makes `out`, which is at `shown`, show the files of an output's tree. Directories of the tree (an OCI layout) hold
/// nothing else afterwards. It is `now` in seconds since 1970, which decides what of `out` has to be read: see [`seen`].
pub fn write_outputs(
    store: &Store,
    tree: &Tree,
    out: &Dir,
    shown: &Path,
    now: u64,
) -> Result<Vec<Written>, BuildError> {
    let at = |name: &str| {
        let path = shown.join(name);
        move |source: io::Error| match source.downcast::<StoreError>() {
            Ok(error) => error.into(),
            Err(source) => BuildError::Output { path, source },
        }
    };
    let is_top = |name: &str| TreePath::new(name).is_ok_and(|path| tree.get(&path).is_some());
    replace::sweep(out, &is_top).map_err(at(""))?;
    let mut written = Vec::new();
    let mut seen = Seen::of(store, tree, now);
    for (path, entry) in tree.entries().skip(1) {
        let name = host_path(path);
        match entry {
            Entry::Directory(_) => out.create_dir_all(&name).map_err(at(&name))?,
            Entry::File { blob, size, .. } => {
                let state = write_file(&mut seen, store, out, &name, (blob, *size)).map_err(at(&name))?;
                written.push(Written { path: name, size: *size, state });
            }
            _ => return Err(at(&name)(io::Error::other("an output has only files and directories"))),
        }
    }
    for (path, _) in tree.entries().skip(1).filter(|(_, entry)| entry.is_directory()) {
        remove_strangers(tree, path, out).map_err(at(&host_path(path)))?;
    }
    seen.keep()?;
    Ok(written)
}

fn host_path(path: &TreePath) -> String {
    String::from_utf8_lossy(path.as_bytes()).into_owned()
}

fn write_file(
    seen: &mut Seen<'_>,
    store: &Store,
    out: &Dir,
    name: &str,
    (blob, size): (&BlobId, u64),
) -> io::Result<State> {
    if let Ok(found) = out.metadata(name)
        && found.is_file()
        && found.len() == size
        && (seen.knows(blob, &FileState::of(&found)) || has_content(seen, out, name, blob)?)
    {
        return Ok(State::Unchanged);
    }
    replace(out, name, &mut |file| store.copy_blob(blob, file))?;
    Ok(State::New)
}

/// Reads a file to its end.
fn has_content(seen: &mut Seen<'_>, out: &Dir, name: &str, blob: &BlobId) -> io::Result<bool> {
    let Ok(mut file) = out.open(name) else { return Ok(false) };
    let before = FileState::of(&file.metadata()?);
    if BlobId::of_reader(&mut file)?.0 != *blob {
        return Ok(false);
    }
    if FileState::of(&file.metadata()?) == before {
        seen.read(blob, &before);
    }
    Ok(true)
}

/// Removes what isn't of the tree from one of its directories, but not what another process is about to put there.
fn remove_strangers(tree: &Tree, path: &TreePath, out: &Dir) -> io::Result<()> {
    let dir = out.open_dir(host_path(path))?;
    let is_known = |name: &[u8]| {
        let path = FileName::new(name).ok().and_then(|name| path.join(&name).ok());
        path.is_some_and(|path| tree.get(&path).is_some())
    };
    replace::sweep(&dir, &|name| is_known(name.as_bytes()))?;
    for entry in dir.entries()? {
        let entry = entry?;
        let name = entry.file_name();
        let is_under_way =
            name.to_str().and_then(replace::goes_to).is_some_and(|name| is_known(name.as_bytes()));
        if is_known(name.as_encoded_bytes()) || is_under_way {
            continue;
        }
        let removed =
            if entry.file_type()?.is_dir() { dir.remove_dir_all(&name) } else { dir.remove_file(&name) };
        match removed {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
