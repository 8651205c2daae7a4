//! The files of a project as they were at a commit.

use std::io::{self, Read};

use kit_build::ProjectFiles;
use kit_build::files::{LocalContent, LocalFile};
use kit_plan::{PlanError, RecipeFiles};
use kit_recipe::recipe::RecipeName;
use kit_source::git::{GitError, Kind};
use kit_source::history::{Commit, History};
use kit_tree::TreePath;

use super::recipe_name;

/// A project's own files at a state of its history.
#[derive(Debug, Clone)]
pub(crate) struct Past<'a> {
    pub(crate) history: History<'a>,
    pub(crate) commit: Commit,
}

impl Past<'_> {
    /// Returns the texts at or below a path, by their paths; what is no UTF-8 text is left out.
    pub(crate) fn texts(&self, path: &str) -> Result<Vec<(String, String)>, GitError> {
        let files = self.history.files(&self.commit, path)?;
        let plain: Vec<_> =
            files.iter().filter(|file| matches!(file.kind, Kind::File | Kind::Program)).collect();
        let contents = self.history.contents(&plain)?;
        let texts = plain.into_iter().zip(contents).filter_map(|(file, content)| {
            Some((String::from_utf8(file.path.clone()).ok()?, String::from_utf8(content).ok()?))
        });
        Ok(texts.collect())
    }
}

impl RecipeFiles for Past<'_> {
    fn text(&self, name: &RecipeName) -> Result<Option<String>, PlanError> {
        let path = name.path();
        let texts = self
            .texts(&path)
            .map_err(|error| PlanError::Read { path: path.clone(), source: io::Error::other(error) })?;
        Ok(texts.into_iter().find(|(found, _)| *found == path).map(|(_, text)| text))
    }

    fn names(&self) -> Result<Vec<RecipeName>, PlanError> {
        let files = self.history.files(&self.commit, "recipes").map_err(|error| PlanError::Read {
            path: "recipes".to_owned(),
            source: io::Error::other(error),
        })?;
        let mut names: Vec<_> =
            files.iter().filter_map(|file| recipe_name(std::str::from_utf8(&file.path).ok()?)).collect();
        names.sort();
        Ok(names)
    }
}

impl ProjectFiles for Past<'_> {
    fn visit(&self, path: &str, each: &mut dyn FnMut(LocalFile<'_>) -> io::Result<()>) -> io::Result<bool> {
        let files = self.history.files(&self.commit, path).map_err(io::Error::other)?;
        if let Some(module) = files.iter().find(|file| file.kind == Kind::Submodule) {
            let path = String::from_utf8_lossy(&module.path).into_owned();
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("`{path}` is a submodule")));
        }
        let contents = self.history.contents(&files.iter().collect::<Vec<_>>()).map_err(io::Error::other)?;
        for (file, content) in files.iter().zip(&contents) {
            let below = file.path.strip_prefix(path.as_bytes()).unwrap_or(&file.path);
            let below = below.strip_prefix(b"/").unwrap_or(below);
            let path = TreePath::new(below).map_err(io::Error::other)?;
            let open = || Ok(Box::new(content.as_slice()) as Box<dyn Read>);
            let content = match file.kind {
                Kind::Symlink => LocalContent::Symlink(content.clone()),
                kind => LocalContent::File { executable: kind == Kind::Program, open: &open },
            };
            each(LocalFile { path, content })?;
        }
        Ok(!files.is_empty())
    }
}
