//! The project: a directory with `kit.toml` or `recipes/`. Its directories are opened here, once, and reached by handles from then on.

mod disk;
mod guests;
mod layered;
mod lockfiles;
mod past;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use kit_build::replace::{replace, sweep};
use kit_plan::RecipeFiles as _;
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Name, Settings};

use crate::Failure;
use crate::embedded::Embedded;

pub(crate) use disk::Disk;
pub(crate) use guests::Guests;
pub(crate) use layered::Layered;
pub(crate) use lockfiles::Change;
pub(crate) use past::Past;

/// The settings' file.
const SETTINGS: &str = "kit.toml";
/// The most that a text of the project may have, in bytes.
const TEXT_LIMIT: u64 = 16 << 20;

/// An open project.
#[derive(Debug)]
pub(crate) struct Project {
    dir: Dir,
    path: PathBuf,
    settings: Settings,
    guests: guests::Texts,
}

impl Project {
    /// Opens the given directory, or the first one upward from the current directory that is a project.
    pub(crate) fn find(given: Option<&Path>) -> Result<Self, Failure> {
        if let Some(path) = given {
            return Self::open(path);
        }
        let start = current_dir()?;
        for path in start.ancestors() {
            if path.join(SETTINGS).is_file() || path.join("recipes").is_dir() {
                return Self::open(path);
            }
        }
        Err(Failure::NoProject { start })
    }

    /// Opens a directory as a project, whatever is in it: the standard recipes are always there.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let path = absolute(path)?;
        let dir = open_dir(&path)?;
        let settings = match read_text(&dir, SETTINGS)? {
            None => Settings::default(),
            Some(text) => Settings::parse(&text).map_err(|problems| Failure::Settings {
                path: SETTINGS.to_owned(),
                text,
                problems,
            })?,
        };
        Ok(Self { dir, path, settings, guests: guests::Texts::default() })
    }

    /// Returns its directory.
    pub(crate) fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Returns its absolute path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what `kit.toml` says.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns its own files.
    pub(crate) fn disk(&self) -> Disk<'_> {
        Disk { dir: &self.dir }
    }

    /// Returns its own files, below them the standard set, and over them the recipes of guests.
    pub(crate) fn files(&self) -> Layered<Guests<'_>, Layered<Disk<'_>, Embedded>> {
        let own = Layered { upper: self.disk(), lower: Embedded };
        Layered { upper: Guests(&self.guests), lower: own }
    }

    /// Takes recipes in that are in no file.
    pub(crate) fn take_in(&self, recipes: impl IntoIterator<Item = (RecipeName, String)>) {
        self.guests.borrow_mut().extend(recipes);
    }

    /// Returns the texts of all its lockfiles, by path; what is no text is left out.
    pub(crate) fn lock_texts(&self) -> Result<Vec<(String, String)>, Failure> {
        let folder = "lockfiles";
        let failed = |source| Failure::File { action: "read", path: self.path.join(folder), source };
        let entries = match self.dir.read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(failed(source)),
        };
        let mut texts = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let Some(stem) = name.to_str().and_then(|name| name.strip_suffix(".lock")) else { continue };
            let path = format!("{folder}/{stem}.lock");
            texts.extend(read_text(&self.dir, &path)?.map(|text| (path, text)));
        }
        texts.sort();
        Ok(texts)
    }

    /// Returns the names of all its own recipes, sorted.
    pub(crate) fn own_recipes(&self) -> Result<Vec<RecipeName>, Failure> {
        self.disk().names().map_err(|error| Failure::Recipes(vec![error]))
    }

    /// Returns the names of its own images, sorted.
    pub(crate) fn own_images(&self) -> Result<Vec<Name>, Failure> {
        let image = |name| if let RecipeName::Image(name) = name { Some(name) } else { None };
        Ok(self.own_recipes()?.into_iter().filter_map(image).collect())
    }
}

/// Reads a text of a project; none when there is no such file.
fn read_text(dir: &Dir, path: &str) -> Result<Option<String>, Failure> {
    match disk::read(dir, path, TEXT_LIMIT) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(Failure::NotText { path: path.to_owned() }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Failure::File { action: "read", path: path.into(), source }),
    }
}

/// Returns the recipe that a path below a project holds; none when it holds none.
pub(crate) fn recipe_name(path: &str) -> Option<RecipeName> {
    let below = path.strip_prefix("recipes/")?.strip_suffix(".toml")?;
    match below.split_once('/') {
        None if below == "tools" => Some(RecipeName::Tools),
        Some(("images", name)) => name.parse().ok().map(RecipeName::Image),
        Some(("packages", name)) => name.parse().ok().map(RecipeName::Package),
        _ => None,
    }
}

/// Returns the current directory.
#[expect(clippy::disallowed_methods, reason = "the one place where the current directory is read")]
pub(crate) fn current_dir() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|source| Failure::File { action: "find", path: ".".into(), source })
}

/// Makes a path of the command line absolute, without following links.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|source| Failure::File {
        action: "find",
        path: path.to_owned(),
        source,
    })
}

/// Opens a directory that the command line or the settings name.
#[expect(clippy::disallowed_methods, reason = "the one place where directories are opened by their path")]
pub(crate) fn open_dir(path: &Path) -> Result<Dir, Failure> {
    Dir::open_ambient_dir(path, ambient_authority()).map_err(|source| Failure::File {
        action: "open",
        path: path.to_owned(),
        source,
    })
}

/// Opens a directory that the command line or the settings name, and makes it when it isn't there.
pub(crate) fn make_dir(path: &Path) -> Result<Dir, Failure> {
    Dir::create_ambient_dir_all(path, ambient_authority()).map_err(|source| Failure::File {
        action: "make",
        path: path.to_owned(),
        source,
    })?;
    open_dir(path)
}

/// Follows the links on the way to what the command line names, which must be there.
pub(crate) fn canonical(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize().map_err(|source| Failure::File { action: "find", path: path.to_owned(), source })
}

/// Opens a file that the command line names.
pub(crate) fn open_file(path: &Path) -> Result<File, Failure> {
    let failed = |source| Failure::File { action: "read", path: path.to_owned(), source };
    let path = canonical(path)?;
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(failed(io::Error::from(io::ErrorKind::IsADirectory)));
    };
    let dir = open_dir(parent)?;
    // Nothing that waits for somebody else, or never ends.
    if !dir.metadata(name).map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("it is something else than a file")));
    }
    Ok(dir.open(name).map_err(failed)?.into_std())
}

/// Reads a file that the command line names, of at most `limit` bytes.
pub(crate) fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let failed = |source| Failure::File { action: "read", path: path.to_owned(), source };
    let mut bytes = Vec::new();
    open_file(path)?.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        let why = format!("it has more than {limit} bytes");
        return Err(failed(io::Error::new(io::ErrorKind::FileTooLarge, why)));
    }
    Ok(bytes)
}

/// Writes a file that the command line names: beside, synced, renamed. What is there and no file stays.
pub(crate) fn write_file(path: &Path, content: &[u8]) -> Result<(), Failure> {
    write_file_by(path, &mut |file| file.write_all(content))
}

/// Writes such a file by a function.
pub(crate) fn write_file_by(
    path: &Path,
    write: &mut dyn FnMut(&mut File) -> io::Result<()>,
) -> Result<(), Failure> {
    let path = absolute(path)?;
    let failed = |source| Failure::File { action: "write", path: path.clone(), source };
    let is_directory = || failed(io::Error::from(io::ErrorKind::IsADirectory));
    let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(OsStr::to_str)) else {
        return Err(is_directory());
    };
    let dir = make_dir(parent)?;
    match dir.symlink_metadata(name) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(metadata) if metadata.is_dir() => return Err(is_directory()),
        Ok(_) => return Err(failed(io::Error::other("it is something else than a file"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(failed(source)),
    }
    // What one that was killed has left of the same file.
    sweep(&dir, &|left| left == name).map_err(failed)?;
    replace(&dir, name, write).map_err(failed)
}

#[cfg(test)]
mod tests;
