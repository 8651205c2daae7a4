//! What LinuxKit's files refer to, as it is found on this machine.

use std::path::{Path, PathBuf};

use kit_recipe::linuxkit::build::BuildFile;
use kit_recipe::linuxkit::{Base, Given, Import, Source, SourceFile, Surroundings, Wanted};

use super::{published, read};
use crate::project::{canonical, read_file};

/// What says how LinuxKit makes an image of a directory.
pub(super) const BUILD_FILE: &str = "build.yml";
/// The longest text that is written into a recipe, in bytes.
const LONGEST: u64 = 64 << 10;

/// A package that was imported.
pub(super) struct Package {
    /// Where its `build.yml` is.
    pub(super) directory: PathBuf,
    /// The `build.yml`, and the Dockerfile if there is one.
    pub(super) files: Vec<SourceFile>,
    pub(super) import: Import,
}

/// Where things are looked for.
pub(super) struct Directories<'a> {
    /// The project.
    pub(super) root: &'a Path,
    /// The user's own directory.
    pub(super) home: Option<&'a Path>,
}

impl Directories<'_> {
    /// Looks for what files refer to. Templates are relative to the file that has them, sources to the current directory, as LinuxKit
    /// has it; a package of the same import stands for its directory's template.
    pub(super) fn given(&self, wanted: &Wanted, files: &[PathBuf], packages: &[Package]) -> Given {
        let package = |(text, file): (&String, &usize)| {
            let directory = files[*file].parent().unwrap_or(Path::new("")).join(text);
            let here = canonical(&directory).ok();
            let same = packages
                .iter()
                .find(|package| here.is_some() && canonical(&or_here(&package.directory)).ok() == here);
            let name = same.and_then(|package| package.import.package());
            let base = match name {
                Some(name) => Ok(Base::Package(name.clone())),
                None => published::reference(&directory).map(Base::Image),
            };
            (text.clone(), base)
        };
        let source = |text: &String| (text.clone(), self.source(text));
        Given {
            packages: wanted.packages.iter().map(package).collect(),
            sources: wanted.sources.iter().map(source).collect(),
        }
    }

    /// Looks for what a `build.yml` refers to.
    pub(super) fn around(&self, file: &Path, build: &BuildFile) -> Surroundings {
        let directory = or_here(file.parent().unwrap_or(Path::new("")));
        let extra = |path: &String| (path.clone(), self.in_project(&directory.join(path)));
        Surroundings {
            directory: self.in_project(&directory),
            dockerfile: read(&directory.join(&build.dockerfile)).ok(),
            sources: build.extra_sources.iter().map(extra).collect(),
        }
    }

    /// Returns where something is in the project.
    fn in_project(&self, path: &Path) -> Option<String> {
        let (path, root) = (canonical(path).ok()?, canonical(self.root).ok()?);
        let inside = path.strip_prefix(&root).ok()?.to_str()?;
        Some(if inside.is_empty() { ".".to_owned() } else { inside.to_owned() })
    }

    /// Looks for a file that `source` names.
    fn source(&self, text: &str) -> Source {
        let path = match (text.strip_prefix("~/"), self.home) {
            (Some(below), Some(home)) => home.join(below),
            _ => PathBuf::from(text),
        };
        let Ok(path) = canonical(&path) else {
            return Source::Missing("there is no such file".to_owned());
        };
        if !path.is_file() {
            return Source::Refused("it is something else than a file".to_owned());
        }
        if let Some(inside) = self.in_project(&path) {
            return Source::Project(inside);
        }
        let text = read_file(&path, LONGEST).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        text.map_or_else(
            || Source::Refused("it is outside of the project, and no text of at most 64 KiB".to_owned()),
            Source::Text,
        )
    }
}

/// The current directory where a path is empty.
fn or_here(path: &Path) -> PathBuf {
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path.to_owned() }
}
