//! Writes the files of outputs to where people find them: beside, synced, renamed; what is there already stays.

use std::io::{self, Read as _, Write as _};

use cap_std::fs::{Dir, OpenOptions};
use kit_hash::BlobId;
use kit_store::Store;
use kit_tree::{Blobs as _, Entry, Tree, TreePath};

use crate::BuildError;

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

/// Makes `out` show the files of an output's tree. Directories of the tree (an OCI layout) hold nothing else afterwards.
pub fn write_outputs(store: &Store, tree: &Tree, out: &Dir) -> Result<Vec<Written>, BuildError> {
    let mut written = Vec::new();
    for (path, entry) in tree.entries().skip(1) {
        let io = |source| BuildError::Io { what: format!("write {path}"), source };
        let name = host_path(path);
        match entry {
            Entry::Directory(_) => out.create_dir_all(&name).map_err(io)?,
            Entry::File { blob, size, .. } => {
                let state = write_file(store, out, &name, blob, *size).map_err(io)?;
                written.push(Written { path: name, size: *size, state });
            }
            _ => return Err(io(io::Error::other("an output has only files and directories"))),
        }
    }
    for (path, _) in tree.entries().skip(1).filter(|(_, entry)| entry.is_directory()) {
        let io = |source| BuildError::Io { what: format!("tidy {path}"), source };
        remove_strangers(tree, path, out).map_err(io)?;
    }
    Ok(written)
}

fn host_path(path: &TreePath) -> String {
    String::from_utf8_lossy(path.as_bytes()).into_owned()
}

fn write_file(store: &Store, out: &Dir, name: &str, blob: &BlobId, size: u64) -> io::Result<State> {
    if let Ok(present) = out.open(name)
        && present.metadata()?.len() == size
        && BlobId::of_reader(present)?.0 == *blob
    {
        return Ok(State::Unchanged);
    }
    let beside = format!("{name}.{}.new", std::process::id());
    let mut options = OpenOptions::new();
    let mut file = out.open_with(&beside, options.write(true).create(true).truncate(true))?;
    let copied = copy(store, blob, &mut file).and_then(|()| file.sync_all());
    match copied.and_then(|()| out.rename(&beside, out, name)) {
        Ok(()) => Ok(State::New),
        Err(error) => {
            // The old file, or none, stays; what was begun goes.
            _ = out.remove_file(&beside);
            Err(error)
        }
    }
}

fn copy(store: &Store, blob: &BlobId, file: &mut cap_std::fs::File) -> io::Result<()> {
    let mut content = store.open(blob)?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match content.read(&mut buffer)? {
            0 => return Ok(()),
            n => file.write_all(&buffer[..n])?,
        }
    }
}

fn remove_strangers(tree: &Tree, path: &TreePath, out: &Dir) -> io::Result<()> {
    let dir = out.open_dir(host_path(path))?;
    for entry in dir.entries()? {
        let entry = entry?;
        let name = entry.file_name();
        let known = kit_tree::FileName::new(name.as_encoded_bytes())
            .ok()
            .and_then(|name| path.join(&name).ok())
            .is_some_and(|path| tree.get(&path).is_some());
        if !known {
            if entry.file_type()?.is_dir() {
                dir.remove_dir_all(&name)?;
            } else {
                dir.remove_file(&name)?;
            }
        }
    }
    Ok(())
}
