//! The project: a directory with `kit.toml` or `recipes/`. Its directories are opened here, once, and reached by handles from then on.

mod disk;
mod layered;
mod lockfiles;

use std::io;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use kit_plan::RecipeFiles as _;
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Name, Settings};

use crate::Failure;
use crate::embedded::Embedded;

pub(crate) use disk::Disk;
pub(crate) use layered::Layered;
pub(crate) use lockfiles::Change;

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
        Ok(Self { dir, path, settings })
    }

    /// Returns its directory.
    #[cfg(test)]
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

    /// Returns its own files, and below them the standard set.
    pub(crate) fn files(&self) -> Layered<Disk<'_>, Embedded> {
        Layered { upper: self.disk(), lower: Embedded }
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

#[cfg(test)]
mod tests;
