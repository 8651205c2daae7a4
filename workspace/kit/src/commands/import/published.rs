//! Under what name LinuxKit publishes the image of a directory: git's digest of it is the tag.

use std::io;
use std::path::Path;

use kit_hash::Sha256;
use kit_recipe::linuxkit::build::{self, BuildFile, Digests};
use kit_source::git::{GitError, Kind, Listed};
use kit_source::history::{Commit, History};

use super::found::BUILD_FILE;
use super::read;
use crate::project::read_file;

/// The largest file that is compared with the repository's, in bytes.
const LARGEST: u64 = 256 << 20;

/// Returns the reference of the image of a directory, or why there is none.
pub(super) fn reference(directory: &Path) -> Result<String, String> {
    let file = read(&directory.join(BUILD_FILE)).map_err(|_| "it has no `build.yml`".to_owned())?;
    let build = build::parse(&file).map_err(|problems| format!("its `build.yml` is wrong: {problems}"))?;
    if !build.needs_hash() {
        return Ok(build.reference(&Digests::default()));
    }
    let digests = digests(directory, &build).map_err(|error| said(&error))?;
    Ok(build.reference(&digests))
}

fn said(error: &GitError) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    format!("git doesn't say its digest: {error}{source}")
}

fn digests(directory: &Path, build: &BuildFile) -> Result<Digests, GitError> {
    let own = history_of(directory);
    let Some(head) = own.head()? else { return Ok(Digests::default()) };
    let mut digests = Digests { directory: own.tree(&head)?, ..Digests::default() };
    let mut is_changed = is_changed(&own, &head)?;
    for path in &build.extra_sources {
        let path = directory.join(path);
        let extra = history_of(&path);
        if let Some(head) = extra.head()? {
            digests.extra.extend(extra.tree(&head)?);
            is_changed |= self::is_changed(&extra, &head)?;
        }
    }
    if is_changed {
        let mut contents = Vec::new();
        for path in own.tracked()? {
            contents.extend(read_file(&directory.join(path), LARGEST).unwrap_or_default());
        }
        digests.changed = Some(Sha256::of(&contents).to_string());
    }
    Ok(digests)
}

fn history_of(path: &Path) -> History<'_> {
    History { program: "git", path }
}

/// Whether files that git knows of differ from those of a commit. They are compared here, since git would run the repository's filters for
/// that.
fn is_changed(history: &History<'_>, head: &Commit) -> Result<bool, GitError> {
    let files: Vec<_> = history.files(head, ".")?;
    let files: Vec<_> = files.iter().filter(|file| file.kind != Kind::Submodule).collect();
    let mut known: Vec<_> = files.iter().map(|file| path_of(file)).collect();
    let mut tracked = history.tracked()?;
    known.sort();
    tracked.retain(|path| !history.path.join(path).is_dir() || history.path.join(path).is_symlink());
    tracked.sort();
    if known != tracked {
        return Ok(true);
    }
    let contents = history.contents(&files)?;
    Ok(files.iter().zip(contents).any(|(file, content)| !is_the_same(history.path, file, &content)))
}

fn path_of(file: &Listed) -> String {
    String::from_utf8_lossy(&file.path).into_owned()
}

/// Whether a file is what the repository has.
fn is_the_same(directory: &Path, file: &Listed, content: &[u8]) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::PermissionsExt as _;
    let path = directory.join(std::ffi::OsStr::from_bytes(&file.path));
    let kind = path.symlink_metadata();
    let is_program = |data: &std::fs::Metadata| data.is_file() && data.permissions().mode() & 0o100 != 0;
    match (file.kind, kind) {
        (Kind::Symlink, Ok(data)) => {
            data.is_symlink() && path.read_link().is_ok_and(|target| target.as_os_str().as_bytes() == content)
        }
        (Kind::File, Ok(data)) => !data.is_symlink() && !is_program(&data) && same_bytes(&path, content),
        (Kind::Program, Ok(data)) => is_program(&data) && same_bytes(&path, content),
        (Kind::Submodule, _) | (_, Err(_)) => false,
    }
}

fn same_bytes(path: &Path, content: &[u8]) -> bool {
    let bytes = read_file(path, LARGEST).map_err(|_| io::ErrorKind::Other);
    bytes.is_ok_and(|bytes| bytes == content)
}
